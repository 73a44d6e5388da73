"""The rules of cdk-preflight (Apache-2.0), run by CloudFormation Validate (Apache-2.0) beside its own.

cdk-preflight holds what made deployments fail on AWS, most of it reproduced there; CloudFormation Validate brings the
resource schemas and the rules of cfn-lint. Both are read from their packages, nothing of them is copied here. A finding
on a property fails that resource when it is made or changed, as AWS does; any other finding refuses the call.

https://github.com/go-to-k/cdk-preflight, https://github.com/aws-cloudformation/cloudformation-validate
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from threading import Lock, Thread
from typing import Any

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    PseudoParameterOverrides,
    Severity,
    TemplateContent,
    ValidateConfig,
)

from embedded_aws import fidelity
from embedded_aws.preflight_rules import rules_for
from embedded_aws.server import upstream

_judging = Lock()
_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Finding:
    """Why AWS would refuse a template.

    Attributes:
        rule: the id of the rule that says so.
        logical_id: the resource it is about; empty when it is about none.
        message: what AWS says, where that is known; otherwise what the rule says.
        quoted: whether it is AWS that says so.
        asked: whether AWS refuses the call, instead of failing the resource.
    """

    rule: str
    logical_id: str
    message: str
    quoted: bool
    asked: bool


def warm_up() -> None:
    """Begin to load the rules, which takes seconds, so that the first template need not wait for it."""
    Thread(target=_engine, daemon=True, name="load rules").start()


def check(template: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse what is wrong with the template as such; the resources that would fail are found on the way.

    Raises:
        ValueError: the first reason.
    """
    for finding in find(template, values):
        if finding.asked:
            raise ValueError(f"Template format error: {finding.message}")


def find(template: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what AWS would refuse.

    Args:
        template: the template after its transforms.
        values: its resolved parameters, each with `Value`.
    """
    given = {name: _text(each["Value"]) for name, each in values.items()}
    taken = _taken(template, upstream.evaluate_conditions(template, values))
    return _find(json.dumps(taken, default=str), tuple(sorted(given.items())), upstream.region())


def _taken(value: Any, holds: Mapping[str, bool]) -> Any:
    """Replace each `Fn::If` by the branch that is taken: the rules judge both, and AWS the one."""
    match value:
        case {"Fn::If": [str(condition), yes, no]} if condition in holds:
            return _taken(yes if holds[condition] else no, holds)
        case dict():
            members = ((name, _taken(each, holds)) for name, each in value.items())
            return {name: each for name, each in members if each != _NO_VALUE}
        case list():
            return [each for each in (_taken(member, holds) for member in value) if each != _NO_VALUE]
    return value


def _text(value: Any) -> str:
    """Return a parameter as it is given; that of a list arrives here as its members."""
    return ",".join(str(member) for member in value) if isinstance(value, list) else str(value)


@lru_cache(maxsize=64)
def _find(template: str, values: tuple[tuple[str, str], ...], region: str) -> tuple[Finding, ...]:
    pseudo = PseudoParameterOverrides(account_id=str(upstream.account()), region=region)
    config = ValidateConfig(
        severity_level=Severity.WARN, parameter_overrides=dict(values), pseudo_parameter_overrides=pseudo
    )
    engine = _engine()
    with _judging:  # one template at a time: two deployments may run, and the engine is one
        report = engine.validate_template(TemplateContent(template), config)
    refused = (each for each in report.diagnostics if _is_refused(each))
    return tuple(sorted((_finding(each) for each in refused), key=_rank))


def _rank(finding: Finding) -> int:
    """Order the findings: AWS names one reason, and what it says of two is known from the order of the table."""
    rules = [each["rule"] for each in _table()["says"]]
    return rules.index(finding.rule) if finding.rule in rules else len(rules) + (not finding.quoted)


def _is_refused(diagnostic: Any) -> bool:
    if diagnostic.rule_id in _table()["not_refused"]:
        return False
    return diagnostic.severity in {Severity.ERROR, Severity.FATAL} or diagnostic.rule_id in _table()["also_refused"]


def _finding(diagnostic: Any) -> Finding:
    about = diagnostic.entity
    is_resource = about is not None and about.entity_type.name == "RESOURCE"
    rule, message = str(diagnostic.rule_id), str(diagnostic.message)
    said = says(rule, message, str(diagnostic.property_path or ""))
    return Finding(
        rule, str(about.logical_id) if is_resource else "", said or message, said is not None, not is_resource
    )


# How a rule of cdk-preflight quotes what AWS answered: `… fails with "…"`, `("…")`.
_QUOTES = (
    re.compile(r"""(?:with|rejects it with|error:?|answers|says) "([^"]+ .+)\""""),
    re.compile(r"""(?:fails|rejected) with '([^']+ .+)'"""),
    re.compile(r"""\("([^"]+ .+)"\)"""),
)


def says(rule: str, message: str, path: str) -> str | None:
    """Return what AWS says where a rule finds something: in the table, or quoted by the rule; None if it is unknown.

    Args:
        rule: the rule's id.
        message: what the rule says.
        path: of the property, `Properties.A.B`; empty if it is about none.
    """
    parts = ["#", *path.split(".")[1:]]
    for each in _table()["says"]:
        if (
            each["rule"] == rule
            and path.endswith(each.get("path", ""))
            and (found := re.search(each["found"], message))
        ):
            return str(each["says"]).format(*found.groups(), path="/".join(parts), parent="/".join(parts[:-1]) or "#")
    return next((match[1] for quote in _QUOTES if (match := quote.search(message))), None)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("messages.toml").read_text(encoding="utf-8"))


_loading = Lock()
_loaded: list[CompositeEngine] = []


def _engine() -> CompositeEngine:
    with _loading:
        if not _loaded:
            rules = [ExternalRuleSource(name=name, content=text) for name, text in rules_for(fidelity.load().keys())]
            _loaded.append(CompositeEngine(CompositeEngineConfig(rego_rules=rules)))
        return _loaded[0]

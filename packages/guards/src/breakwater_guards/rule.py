"""Declare a rule: what people read about it, and the function that finds what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Opaque, Reference, Text


class Severity(StrEnum):
    """How severe a finding is; CDK counts lower-case `error` and `warning` only."""

    ERROR = "error"
    WARNING = "warning"


class Outcome(Enum):
    """What becomes of a template that breaks a rule; it alone decides how severe a finding is.

    Attributes:
        severity: of a finding.
        severity_when_strict: the same under ``--profile strict``, for platforms that hold themselves to these policies.
        text: for people.
    """

    REFUSED = (Severity.ERROR, Severity.ERROR, "AWS refuses it, or the deployment does not finish")
    SILENT = (Severity.ERROR, Severity.ERROR, "it deploys, and the platform or its recovery fails without an error")
    LATER = (Severity.WARNING, Severity.WARNING, "it works, and can fail, slow down or cost money later")
    POLICY = (Severity.WARNING, Severity.ERROR, "it works: a policy of security, protection or hygiene")

    def __init__(self, severity: Severity, severity_when_strict: Severity, text: str) -> None:
        self.severity, self.severity_when_strict, self.text = severity, severity_when_strict, text


class Profile(StrEnum):
    """What the checked platform is built for; some rules apply to one of them only."""

    SINGLE_REGION = "single-region"
    MULTI_REGION = "multi-region"


class Finding(NamedTuple):
    """One place where a rule is broken.

    Attributes:
        rule: id of the rule.
        severity: of the rule.
        template: file that holds the resource, relative to what was judged.
        resource: logical id; empty when a whole template is meant.
        path: dotted path of the property; empty when the resource itself is meant.
        message: the value found and what is allowed.
        fix: how to correct it.
        source: where AWS says so.
        construct: path of the CDK construct, when the template tells.
        tool: the checker that found it, where the guards did not.
    """

    rule: str
    severity: Severity
    template: str
    resource: str
    path: str
    message: str
    fix: str
    source: str
    construct: str | None = None
    tool: str = ""


class Breach(NamedTuple):
    """What the function of a rule yields: the place and the message; the declaration adds the rest."""

    template: Template
    resource: Resource | None
    path: str
    message: str


class Rule(NamedTuple):
    """A rule: its declaration and its function.

    Attributes:
        id: never changed and never used again, e.g. ``DR-AURORA-01``.
        title: what must hold, as a sentence.
        outcome: what becomes of a template that breaks it.
        prevents: the error that AWS gives, or the silent failure.
        fix: how to correct it.
        sources: URLs where AWS (or the thread that documents the failure) says so; the first goes into findings.
        check: finds breaches in an assembly.
        profiles: platforms that the rule applies to.
        data: name of the dated facts under ``facts/data`` that the rule rests on.
        strict: policies count as errors.
    """

    id: str
    title: str
    outcome: Outcome
    prevents: str
    fix: str
    sources: tuple[str, ...]
    check: FindBreaches
    profiles: frozenset[Profile] = frozenset(Profile)
    data: str | None = None
    strict: bool = False

    @property
    def severity(self) -> Severity:
        """Of its findings."""
        return self.outcome.severity_when_strict if self.strict else self.outcome.severity

    def finding(self, breach: Breach) -> Finding:
        """Complete what the rule's function yields."""
        resource, template = breach.resource, breach.template
        return Finding(
            rule=self.id,
            severity=self.severity,
            template=template.file,
            resource=resource.logical_id if resource else "",
            path=breach.path,
            message=shorten(_with_subject(breach), MAX_MESSAGE),
            fix=self.fix,
            source=self.sources[0],
            construct=resource.construct_path if resource else template.construct_path,
        )


class OtherRule(NamedTuple):
    """A rule of another checker, as far as it tells.

    Attributes:
        id: its id there.
        tool: the checker.
        title: what it is about; empty when the checker does not say.
        severity: of its findings.
        source: a page about it; empty when there is none.
    """

    id: str
    tool: str
    title: str
    severity: Severity
    source: str


def _with_subject(breach: Breach) -> str:
    """Name the property in a message that begins with its value alone, e.g. ``true; allowed: false.``."""
    name = breach.path.rpartition(".")[2].removesuffix("[]")
    return f"{name} is {breach.message}" if name.isalpha() and _VALUE_ALONE.match(breach.message) else breach.message


# A value, and behind it no verb whose subject it would be.
_VALUE_ALONE = re.compile(r"(?:not set|true|false|\d[\d.]*|'[^']*')(?=[;:,]| \(| on | in a )")
MAX_MESSAGE = 2_000
MAX_SHOWN = 300
_ID = re.compile(r"^DR-[A-Z0-9]+-\d{2}$")
_RULES: dict[str, Rule] = {}
FindBreaches = Callable[[Assembly], Iterator[Breach]]


def rule(
    rule_id: str,
    *,
    title: str,
    outcome: Outcome,
    prevents: str,
    fix: str,
    sources: tuple[str, ...],
    profiles: frozenset[Profile] = frozenset(Profile),
    data: str | None = None,
) -> Callable[[FindBreaches], FindBreaches]:
    """Declare a rule over the function below it; the arguments are those of :class:`Rule`."""

    def declare(check: FindBreaches) -> FindBreaches:
        if not _ID.match(rule_id) or rule_id in _RULES or not sources:
            raise ValueError(f"rule {rule_id!r}: an id like DR-AURORA-01, used once, with at least one source")
        _RULES[rule_id] = Rule(
            id=rule_id,
            title=title,
            outcome=outcome,
            prevents=prevents,
            fix=fix,
            sources=sources,
            check=check,
            profiles=profiles,
            data=data,
        )
        return check

    return declare


def declared_rules() -> dict[str, Rule]:
    """Return every rule that has been declared, by id in order."""
    return dict(sorted(_RULES.items()))


def breach(resource: Resource, path: str, message: str) -> Breach:
    """State that a resource breaks the rule at a property (dotted path, or empty for the resource itself)."""
    return Breach(template=resource.template, resource=resource, path=path, message=message)


def show(value: Any) -> str:
    """Render a resolved value for a message, shortened to 300 characters."""
    if value is ABSENT:
        return "not set"
    if isinstance(value, Reference):
        return f"{value.logical_id}.{value.attribute}" if value.attribute else value.logical_id
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Text):
        value = "".join(map(_written, value.parts))
    return value.kind if isinstance(value, Opaque) else shorten(repr(value), MAX_SHOWN)


def readable(pattern: str) -> str:
    """Word a pattern for a message: ``…`` for what is not known; a wildcard at its end is one of the policy's."""
    known = pattern.removesuffix("*")
    written = known.replace("arn:*:", "arn:aws:").replace("*", "…") + pattern[len(known) :]
    return _GENERATED.sub(r"${\1}", written)


# A name that the deployment generates, as `aws.arns` marks it: which template, which resource.
_GENERATED = re.compile("\ue000[^\ue002]*\ue002([^\ue001]*)\ue001")


def _written(part: Any) -> str:
    """Write a part of a text as `Fn::Sub` does; ``…`` for one that only the deployment decides."""
    if isinstance(part, Reference):
        return f"${{{show(part)}}}"
    if isinstance(part, Opaque):
        return f"${{{_PSEUDO.get(part.kind, part.kind)}}}"
    return part if isinstance(part, str) else "…"


_PSEUDO = {"region": "AWS::Region", "account": "AWS::AccountId"}


def shorten(text: str, limit: int) -> str:
    """Cut a text that is longer than a limit, visibly."""
    return text if len(text) <= limit else f"{text[:limit]}…"

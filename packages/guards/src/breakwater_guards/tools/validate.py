"""CloudFormation Validate (Apache-2.0), and in it the rules of cdk-preflight (Apache-2.0): what made deployments fail.

The Python package of cdk-preflight wraps the one of npm, and holds its archive. It is read, never imported: that would
start Node. https://github.com/go-to-k/cdk-preflight
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from typing import Any

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    DetailLevel,
    ExternalRuleSource,
    PseudoParameterOverrides,
    ReportStatus,
    RuleOrigin,
    TemplateContent,
    ValidateConfig,
)
from cloudformation_validate import Severity as Level

from breakwater_guards.rule import Severity
from breakwater_guards.tools import Judge, Told, ToolError

_ARCHIVE = re.compile(r"cdk_preflight/_jsii/cdk-preflight@.+\.tgz")
_RULES = "package/lib/rules.generated.js"
_INDEX = re.compile(r"\[(\d+)\]")
_PREFLIGHT = "cdk-preflight"


def load(tool: str, types: frozenset[str]) -> Judge:
    """Return what judges one template.

    Args:
        tool: CloudFormation Validate with its own rules, or with those of cdk-preflight.
        types: resource types that occur; rules about others are not loaded.
    """
    pack = tool == _PREFLIGHT
    engine = _engine(types) if pack else _plain()

    def judge(text: str, name: str, region: str | None) -> Iterator[Told]:
        """Run the rules over one template.

        Yields:
            Every error and warning.

        Raises:
            ToolError: the engine did not get to the end.
        """
        config = ValidateConfig(
            severity_level=Level.WARN,
            detail_level=DetailLevel.DETAILED,
            pseudo_parameter_overrides=PseudoParameterOverrides(region=region),
            disable_builtin_rules=pack,
        )
        if engine is None:
            return
        report = engine.validate_template(TemplateContent(text, name), config)
        for found in report.diagnostics:
            if not pack or found.source is RuleOrigin.CUSTOM:
                yield _told(found)
        if report.status is not ReportStatus.OK:
            raise ToolError(f"status {report.status.name}")

    return judge


def _told(found: Any) -> Told:
    path = _INDEX.sub(r".\1", found.property_path or "").replace("/", ".").removeprefix("Properties").removeprefix(".")
    return Told(
        rule=found.rule_id,
        severity=Severity.WARNING if found.severity is Level.WARN else Severity.ERROR,
        message=found.message,
        resource=found.entity.logical_id if found.entity else "",
        path=path,
        title=found.rule_description or "",
        fix=found.suggested_fix or "",
        source=found.documentation_url or "",
    )


@cache
def _plain() -> CompositeEngine:
    return CompositeEngine()


class _Loaded:
    """Rules that are loaded: the second assembly with other resource types loads all of them, once."""

    engine: CompositeEngine | None = None
    types: frozenset[str] | None = frozenset()

    def covers(self, types: frozenset[str]) -> bool:
        """Tell whether the rules about these types are loaded."""
        return self.types is None or types <= self.types


_loaded = _Loaded()


def _engine(types: frozenset[str]) -> CompositeEngine | None:
    """Return an engine with the rules that are about one of these types, or ``None`` where none is."""
    if not _loaded.covers(types):
        _loaded.types = None if _loaded.types else types
        libraries, rules = _pack()
        chosen = [rule for rule in rules if _loaded.types is None or types & {*rule["resourceTypes"]}]
        named = [(each["name"], each["rego"]) for each in libraries]
        named += [(each["id"], each["rego"]) for each in chosen]
        sources = [ExternalRuleSource(name=name, content=rego) for name, rego in named]
        # The engine takes libraries without any rule for an error.
        _loaded.engine = CompositeEngine(CompositeEngineConfig(rego_rules=sources)) if chosen else None
    return _loaded.engine


@cache
def _pack() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    package = distribution(_PREFLIGHT)
    archive = next(file for file in package.files or () if _ARCHIVE.fullmatch(str(file)))
    with tarfile.open(str(package.locate_file(archive))) as packed:
        member = packed.extractfile(_RULES)
        script = member.read().decode() if member else ""
    return _array(script, "BUNDLED_LIBS"), _array(script, "BUNDLED_RULES")


def _array(script: str, name: str) -> list[dict[str, Any]]:
    start = f"exports.{name} = "
    found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(script, script.index(f"{start}[") + len(start))[0]
    return found

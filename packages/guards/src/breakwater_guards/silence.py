"""Say why a rule does not report a resource: what it read there, and what it could not know."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from breakwater_guards.engine import UnknownRuleError, all_rules, examine
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, is_known
from breakwater_guards.reading.files import InputError, mapping
from breakwater_guards.rule import Profile, shorten, show

MAX_WRITTEN = 200


class _Watched(Assembly):
    """An assembly that remembers which types it was asked for."""

    asked: set[str]

    def of_type(self, *kinds: str) -> Iterator[Resource]:
        self.asked.update(kinds)
        return super().of_type(*kinds)


def explain_silence(path: str | Path, rule_id: str, logical_id: str) -> Iterator[str]:
    """Run one rule alone, and tell what it made of one resource.

    Args:
        path: a template, a folder or a `cdk.out`.
        rule_id: the rule.
        logical_id: the resource; in several stacks, each that has it.

    Yields:
        Lines for people.

    Raises:
        InputError: the path cannot be judged, or has no such resource.
        UnknownRuleError: there is no such rule.
    """
    rule = all_rules().get(rule_id.upper())
    if rule is None:
        raise UnknownRuleError(f"--explain-silence {rule_id}: no such rule; see the command `list`")
    app = _Watched.load(path)
    app.asked = set()
    named = [item.resources[logical_id] for item in app.templates.values() if logical_id in item.resources]
    if not named:
        names = sorted({name for template in app.templates.values() for name in template.resources})
        near = get_close_matches(logical_id, names, n=1)
        raise InputError(f"{path}: no resource {logical_id!r}{f'; is {near[0]!r} meant?' if near else ''}")
    profile = next(item for item in Profile if item in rule.profiles)
    if profile is not Profile.SINGLE_REGION:
        yield f"{rule.id} runs with --profile {profile.value} only, as it does here."
    report = examine(app, rules=[rule.id], profile=profile)
    yield from (str(item) for item in report.unjudged)
    for resource in named:
        here = (resource.template.file, logical_id)
        told = [f"fires: {item.message}" for item in report.findings if (item.template, item.resource) == here]
        told += [
            f"is acknowledged ({item.reason}): {item.finding.message}"
            for item in report.acknowledged
            if (item.finding.template, item.finding.resource) == here
        ]
        for line in told or _silent(app.asked, resource):
            yield line if line.startswith(" ") else f"{resource!r}: {rule.id} {line}"


def _silent(asked: set[str], resource: Resource) -> Iterator[str]:
    if not resource.exists:
        yield "is silent: the condition of the resource, or of its stack, is never true."
    elif not resource.read and asked and resource.type not in asked:
        yield f"is silent: it looks at {', '.join(sorted(asked))}, and not at {resource.type or 'this resource'}."
    elif not resource.read:
        yield f"is silent: it asked for no single property of this {resource.type}."
    else:
        yield f"is silent: it read this of the {resource.type}, and nothing that is certain breaks it."
        for path, values in resource.read.items():
            yield from (f"  {path}: {_value(resource, path, value)}" for value in values or [ABSENT])


def _value(resource: Resource, path: str, value: Any) -> str:
    if value is ABSENT:
        return "absent"
    if is_known(value):
        return show(value)
    written: Any = resource.body.get("Properties")
    for step in path.split("."):
        written = mapping(written).get(step)
    told = f"; written as {shorten(str(written), MAX_WRITTEN)}" if written is not None else ""
    return f"{show(value)}: only the deployment decides, and what is unknown breaks no rule{told}"

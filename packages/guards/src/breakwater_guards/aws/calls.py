"""Calls between resources that the rows of ``facts/data/callers.json`` bring about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from breakwater_guards.aws.arns import arn_of, pattern, resource_named
from breakwater_guards.aws.authorization import expand
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.items import HOP, Item, items
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference

MENTIONED = "@mentioned "
_PLACE = re.compile(r"\{([^}]+)\}")
_HANDED_OVER, _BEFORE_TARGET = re.compile(r'"Arn"\s*:\s*"\$\{[^}]*\}'), re.compile(r'"Arn"\s*:\s*"$')
ANY = "@"  # in the place of an ending: the action is on no resource
LOG_GROUP, PATH = "AWS::Logs::LogGroup", "AWS::ApiGateway::Resource"
MAX_PARTS = 30  # an API has no deeper paths; one that is its own parent has no end


class Call(NamedTuple):
    """One resource calls another because a row of the table says so.

    Attributes:
        item: where the call is written.
        row: of ``facts/data/callers.json``.
        target: what is called; ``None`` when the actions are not on one resource.
        arn: pattern of the target's ARN.
        actions: what is called; ``|`` stands between alternatives.
    """

    item: Item
    row: dict[str, Any]
    target: Resource | None
    arn: str
    actions: tuple[str, ...]

    @property
    def place(self) -> str:
        """The property that names the target, or that brings the call about."""
        path = str(self.row["target"])
        return self.item.place(self.row.get("when", "") if path[:1] in ("", "@") else path)

    @property
    def caller(self) -> str:
        """The service principal that calls, or everybody."""
        service = self.row["service"]
        return "everybody (*)" if service == "*" else f"{service}.amazonaws.com"

    def each(self) -> Iterator[tuple[str, str]]:
        """Yield each action with the ARN that it is used on."""
        for action in self.actions:
            name, _, ending = action.partition(" ")
            yield name, "*" if ending == ANY else self.arn + ending


def calls(app: Assembly, table: str) -> Iterator[Call]:
    """Yield the calls that the rows of a table bring about in an assembly."""
    for row in facts("callers")[table]:
        for source in app.of_type(row["source"]):
            only = all(source.get(name) == value for name, value in row.get("only", {}).items())
            if only and all(source.get(name) != value for name, value in row.get("off", {}).items()):
                for item in items(source, row.get("each", "")):
                    given = "given" not in row or item.given(row["given"])
                    if given and not item.given(row.get("without", "-")) and _holds(app, row, item):
                        yield from _calls_of(app, row, item)


def _holds(app: Assembly, row: dict[str, Any], item: Item) -> bool:
    """Tell whether what a row asks of an entry, or of what it refers to, holds."""
    return all(value in [one for _, one in item.follow(app, path)] for path, value in row.get("if", {}).items())


def _calls_of(app: Assembly, row: dict[str, Any], item: Item) -> Iterator[Call]:
    if "when" in row:
        given = [_text(value) for value in item.options(row["when"]) if value is not ABSENT]
        left_out = "but" in row and any(row["but"] in text.lower() for text in given)
        if any(row.get("matching", "") in text.lower() for text in given) and not left_out:
            found = (action for text in given for action in _named(row.get("named", ""), text))
            actions = tuple(row["actions"][""]) or tuple(dict.fromkeys(found))
            if actions:
                yield Call(item=item, row=row, target=None, arn="*", actions=actions)
        return
    seen = set()
    for owner, value in _targets(app, row, item):
        target = resource_named(app, value, owner.resource.template, *row["actions"])
        if target is None or target in seen:
            continue
        seen.add(target)
        if all(target.get(name) != allowed for name, allowed in row.get("unless", {}).items()):
            actions = tuple(_PLACE.sub(partial(_ending, app, item), action) for action in row["actions"][target.type])
            yield Call(item=item, row=row, target=target, arn=_arn(app, target, value), actions=actions)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, dict) else pattern_of(value)


def _targets(app: Assembly, row: dict[str, Any], item: Item) -> Iterator[tuple[Item, Any]]:
    path = row["target"]
    if path == "@self":
        yield item, item.resource.reference
    elif path.startswith(MENTIONED):
        raw: Any = item.raw
        place, _, rest = path.removeprefix(MENTIONED).partition(HOP)
        for name in place.split("."):
            raw = raw.get(name) if isinstance(raw, dict) else None
        for reference in mentioned(item.resource.template, _called(raw)):
            target = app.target(reference) if rest else None
            for inner in items(target) if target is not None else ():
                yield from inner.follow(app, rest)
            if not rest:
                yield item, reference
    else:
        yield from item.follow(app, path)


def _called(raw: Any) -> Any:
    """Leave out what a state machine hands over, e.g. as `Target.Arn` of a schedule: another service calls it."""
    if isinstance(raw, str):
        return _HANDED_OVER.sub("", raw)
    if isinstance(raw, dict):
        return {key: _called(child) for key, child in raw.items() if key != "Arn"}
    if not isinstance(raw, list):
        return raw
    before = ["", *map(str, raw)]
    return [_called(item) for text, item in zip(before, raw, strict=False) if not _BEFORE_TARGET.search(text)]


def _named(expression: str, text: str) -> Iterator[str]:
    """Yield the actions that a value names by a service and an operation, where they are known."""
    for found in re.finditer(expression, text) if expression else ():
        service, operation = found.groups()
        prefix = facts("callers")["services"].get(service.lower(), service.lower())
        action = f"{prefix}:{operation[:1].upper()}{operation[1:]}"
        action = facts("iam_involved")["operations"].get(action, action)
        if expand(action):
            yield action


def _arn(app: Assembly, target: Resource, value: Any) -> str:
    """Return the ARN that a call is about: that of an attribute such as a stream where one is named."""
    named = pattern(app, value) if isinstance(value, Reference) else ""
    text = named if named.startswith("arn:") else arn_of(app, target)
    return text.removesuffix(":*") if target.type == LOG_GROUP else text


def caller_of(app: Assembly, call: Call) -> str:
    """Return the pattern of the ARN for which a service calls."""
    if "caller_arn" in call.row:
        return _PLACE.sub(lambda found: _part(app, call, found[1]), str(call.row["caller_arn"]))
    if "caller" in call.row:
        values = call.item.given(call.row["caller"])
        return pattern(app, values[0]) if len(values) == 1 else "*"
    return arn_of(app, call.item.resource)


def _part(app: Assembly, call: Call, name: str) -> str:
    """Return what stands in the ARN of a caller: its own name, or a property of the entry or of the whole source."""
    source = call.item.resource
    if name == "@self":
        return pattern(app, source.reference)
    if name == "@path":
        return _path(app, source.get("ResourceId"))
    whole = name.removeprefix("@source ")
    values = call.item.given(name) if whole == name else source.given(whole)
    return pattern(app, values[0]) if len(values) == 1 and values[0] != "ANY" else "*"


def _path(app: Assembly, value: Any) -> str:
    """Return the path of an API's resource, with a slash before it: a star for a part that a request fills in."""
    parts: list[str] = []
    while isinstance(value, Reference) and value.attribute != "RootResourceId":
        resource = app.target(value)
        if resource is None or resource.type != PATH or len(parts) > MAX_PARTS:
            return "*"
        part = pattern(app, resource.get("PathPart"))
        parts.append("*" if part.startswith("{") else part)
        value = resource.get("ParentId")
    return "/" + "/".join(reversed(parts)) if isinstance(value, Reference) else "*"


def _ending(app: Assembly, item: Item, place: re.Match[str]) -> str:
    """Return a property that an ARN ends with, with a slash where the place has one; nothing when it is not given."""
    name = place[1].removesuffix("/")
    values = [value for value in item.options(name) if value is not ABSENT]
    text = pattern(app, values[0]) if len(values) == 1 else "*" if values else ""
    return f"{text.removesuffix('/')}/" if text and name != place[1] else text

"""Read CloudFormation's YAML from the events of PyYAML's parser.

Not through PyYAML's loaders: they recurse, read 012345678901 as a number even where it is a key, say nothing of two
equal keys, and follow aliases without a bound. Here depth and size are bounded while the text is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import yaml

_PARSER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset({"null", "bool", "int", "float", "str"})
_MERGE = "<<"
_MAX_DIGITS = 30


class YamlError(Exception):
    """The text is no YAML that CloudFormation reads, or is beyond a limit; the message fits on one line."""


class _Scalars(yaml.resolver.Resolver, yaml.constructor.SafeConstructor):
    """Give plain scalars their type as YAML 1.1 says; dates stay text, as CloudFormation reads them."""

    def __init__(self) -> None:
        yaml.resolver.Resolver.__init__(self)
        yaml.constructor.SafeConstructor.__init__(self)
        self._seen: dict[str, Any] = {}

    def plain(self, text: str) -> Any:
        if text not in self._seen:
            tag: str = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
            self._seen[text] = self.typed(tag.removeprefix(_CORE), text)
        return self._seen[text]

    def typed(self, kind: str, text: str) -> Any:
        node = yaml.ScalarNode(f"{_CORE}{kind}", text)
        if kind == "null":
            return None
        if kind == "bool":
            return self.construct_yaml_bool(node)
        if len(text) > _MAX_DIGITS:  # no number of a template is this long, and some would take long to compute
            return text
        if kind == "int":
            return self.construct_yaml_int(node)
        if kind == "float":
            number = self.construct_yaml_float(node)
            return number if isfinite(number) else text
        return text


class _Node:
    """A value with its size and height once aliases are followed; ``is_open`` while its end is not reached."""

    def __init__(self, value: Any, wrap: str = "", *, is_open: bool = False) -> None:
        self.value, self.wrap, self.is_open = value, wrap, is_open
        self.size = self.height = 1
        self.key: str | None = None
        self.merged: list[Any] = []


class _Builder:
    """Build one document from events with a stack instead of recursion."""

    def __init__(self, max_depth: int, max_nodes: int) -> None:
        self._max_depth, self._max_nodes = max_depth, max_nodes
        self._stack: list[_Node] = []
        self._anchors: dict[str, _Node] = {}
        self._scalars = _Scalars()
        self.root: _Node | None = None
        self.twice: list[str] = []

    def add(self, event: Any) -> None:
        """Take the next event of the parser."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            self._start(event)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._end(event)
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            raise YamlError("more than one YAML document")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._wants_key() and not (event.tag or "").startswith("!"):
            self._key(event.value, event)
            return
        node = _Node(self._scalar_value(event))
        self._remember(event, node)
        self._place(node, event)

    def _scalar_value(self, event: yaml.ScalarEvent) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            return self._scalars.plain(event.value) if event.implicit[0] else event.value
        if not tag.startswith(_CORE):
            wrap = _short_form(tag, event)
            value = event.value.split(".", 1) if wrap == "Fn::GetAtt" else event.value
            return {wrap: value}
        kind = tag.removeprefix(_CORE)
        if kind not in _SCALARS:
            raise YamlError(f"CloudFormation does not read the tag !!{kind}{_at(event)}")
        return self._scalars.typed(kind, event.value)

    def _alias(self, event: yaml.AliasEvent) -> None:
        target = self._anchors.get(str(event.anchor))
        if target is None:
            raise YamlError(f"the alias *{event.anchor} has no anchor{_at(event)}")
        if target.is_open:
            raise YamlError(f"the alias *{event.anchor} refers to itself{_at(event)}")
        if self._wants_key():
            self._key(target.value, event)
        else:
            self._place(target, event)

    def _start(self, event: Any) -> None:
        if self._wants_key():
            raise YamlError(f"a key is no text{_at(event)}")
        tag = event.tag or ""
        core = tag.startswith(_CORE) or tag in ("", "!")
        if core and tag.removeprefix(_CORE) not in ("", "!", "map", "seq"):
            raise YamlError(f"CloudFormation does not read the tag !!{tag.removeprefix(_CORE)}{_at(event)}")
        wrap = "" if core else _short_form(tag, event)
        node = _Node({} if isinstance(event, yaml.MappingStartEvent) else [], wrap=wrap, is_open=True)
        self._stack.append(node)
        self._remember(event, node)
        self._check_depth(1)

    def _end(self, event: Any) -> None:
        node = self._stack.pop()
        for source in node.merged:
            for key, value in source.items():
                node.value.setdefault(key, value)
        if node.wrap:
            node.value = {node.wrap: node.value}
            node.height += 1
        node.is_open = False
        self._place(node, event)

    def _place(self, node: _Node, event: Any) -> None:
        """Put a finished value into the collection that is open, or make it the document."""
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        self._check_depth(node.height)
        if parent.size > self._max_nodes:
            raise YamlError(f"more than {self._max_nodes} values once aliases are followed")
        if isinstance(parent.value, list):
            parent.value.append(node.value)
            return
        if parent.key is None:
            raise YamlError(f"a key is no text{_at(event)}")
        if parent.key == _MERGE:
            parent.merged.extend(_sources(node.value, event))
        else:
            parent.value[parent.key] = node.value
        parent.key = None

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _key(self, key: Any, event: Any) -> None:
        parent = self._stack[-1]
        if not isinstance(key, str):
            raise YamlError(f"a key is no text{_at(event)}")
        if key in parent.value:
            self.twice.append(key)
        parent.key = key

    def _remember(self, event: Any, node: _Node) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = node

    def _check_depth(self, below: int) -> None:
        if len(self._stack) + below - 1 > self._max_depth:
            raise YamlError(f"nested deeper than {self._max_depth} levels")


def read_yaml(text: str, *, max_depth: int, max_nodes: int, twice: list[str]) -> Any:
    """Read one YAML document.

    Args:
        text: YAML 1.1, with the short forms of intrinsic functions.
        max_depth: levels of mappings and lists, aliases followed.
        max_nodes: values, aliases followed.
        twice: receives each key that stands twice in a mapping; the last one counts.

    Returns:
        Mappings (keys are always text, as written), lists and scalars; short forms are spelled out.

    Raises:
        YamlError: no YAML, beyond a limit, or an alias that refers to itself.
    """
    builder = _Builder(max_depth, max_nodes)
    try:
        for event in _events(text):
            builder.add(event)
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())[:200]) from None
    except ValueError as error:  # e.g. `!!int word`
        raise YamlError(str(error)[:200]) from None
    twice += builder.twice
    return builder.root.value if builder.root else None


def _events(text: str) -> Iterator[Any]:
    parser = _PARSER(text)
    while parser.check_event():
        yield parser.get_event()


def _short_form(tag: str, event: Any) -> str:
    name = tag.removeprefix("!")
    if not (tag.startswith("!") and name.isalnum()):
        raise YamlError(f"unknown tag {tag[:60]}{_at(event)}")
    return name if name in ("Ref", "Condition") else f"Fn::{name}"


def _sources(value: Any, event: Any) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise YamlError(f"<< merges mappings only{_at(event)}")
    return sources


def _at(event: Any) -> str:
    return f" (line {event.start_mark.line + 1})"

"""What a property can be once intrinsic functions are resolved as far as a template allows.

Scalars, lists and dicts stay what they are. Everything that only a deployment decides is one of the marks below: a rule
can recognize and compare them, but never mistakes them for text.
"""

from __future__ import annotations

from enum import Enum
from itertools import groupby
from typing import Any, Final, NamedTuple


class _Mark(Enum):
    UNKNOWN = "unknown"
    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.value


UNKNOWN: Final = _Mark.UNKNOWN
"""A value that the templates do not determine. No rule may fail because of it."""
ABSENT: Final = _Mark.ABSENT
"""A property that is not given, or is `AWS::NoValue`."""


class Reference(NamedTuple):
    """A resource of the assembly, or one of its attributes.

    Attributes:
        template: key of the template that declares the resource.
        logical_id: its logical id.
        attribute: attribute of `Fn::GetAtt`; empty for `Ref`.
    """

    template: str
    logical_id: str
    attribute: str = ""


class Opaque(NamedTuple):
    """Something that AWS decides but that can be compared, e.g. the first zone of a Region.

    Attributes:
        kind: what it is, e.g. ``zone``.
        key: what makes two of them the same.
    """

    kind: str
    key: str


class Text(NamedTuple):
    """A string of which only some parts are known, e.g. an ARN with the account left open.

    Attributes:
        parts: known text and marks, in order.
    """

    parts: tuple[Any, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """Resources that the string is made of."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def known(self) -> str:
        """The known parts with ``*`` for each unknown one: a pattern, good for messages and for prefix tests."""
        return "".join(part if isinstance(part, str) else "*" for part in self.parts)


MAX_TEXT = 1024 * 1024
_MARK_LENGTH = 64  # about what a name or an ARN will have


def text_of(parts: list[Any]) -> Any:
    """Join parts into the simplest value that holds them: text, a single mark, or :class:`Text`.

    Text beyond 1 MiB is ``UNKNOWN``: no template holds as much, but one that joins text with itself can ask for more.
    """
    if sum(map(_length, parts)) > MAX_TEXT:
        return UNKNOWN
    pieces = [_scalar(piece) for part in parts for piece in (part.parts if isinstance(part, Text) else (part,))]
    pieces = [piece for piece in pieces if piece != ""]
    flat: list[Any] = []
    for kind, run in groupby(pieces, key=lambda piece: str if isinstance(piece, str) else piece is UNKNOWN):
        members = list(run)
        flat.extend(["".join(members)] if kind is str else [UNKNOWN] if kind else members)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Text(tuple(flat))


def _length(part: Any) -> int:
    if isinstance(part, Text):
        return sum(map(_length, part.parts))
    return len(part) if isinstance(part, str) else _MARK_LENGTH


def _scalar(value: Any) -> Any:
    """Render what CloudFormation would put into a string; lists and dicts have no place in one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return UNKNOWN if isinstance(value, list | dict) or value in (None, ABSENT) else value


def split_text(value: Any, separator: str) -> Any:
    """Split a string, wholly or partly known, into a list; ``UNKNOWN`` for anything that is no string."""
    if isinstance(value, str):
        return value.split(separator)
    if not isinstance(value, Text):
        return UNKNOWN
    fields: list[list[Any]] = [[]]
    for part in value.parts:
        first, *rest = part.split(separator) if isinstance(part, str) else [part]
        fields[-1].append(first)
        fields.extend([piece] for piece in rest)
    return [text_of(field) for field in fields]


def typed(kind: str, value: Any) -> Any:
    """Give a parameter's value its type: a list arrives as text with commas, from a default and from a parent alike."""
    if not (kind == "CommaDelimitedList" or kind.startswith("List<")) or isinstance(value, list):
        return value
    items = split_text(value, ",")
    if items is not UNKNOWN:
        return [item.strip() if isinstance(item, str) else item for item in items]
    return [value] if isinstance(value, Reference) else UNKNOWN


def is_known(value: Any) -> bool:
    """Tell whether a value is fully determined by the templates."""
    return not isinstance(value, _Mark | Reference | Opaque | Text)

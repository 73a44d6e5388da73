"""One mistake in one file, and the text that it changes.

A mutation replaces one stretch of text, so that the rest of the file, comments included, stays as it is and the
difference that a survivor shows is the difference that a person would have made.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True, order=True)
class Mutation:
    """One mistake in one file.

    Attributes:
        path: The file, relative to the repository, e.g. `stacks/kms.py`.
        start: Where the replaced text begins, in bytes.
        end: Where it ends.
        replacement: What stands there instead.
        kind: What the mistake is, e.g. `drop keyword`.
        line: The line that it is in, from 1.
    """

    path: str
    start: int
    end: int
    replacement: str
    kind: str
    line: int

    def apply(self, source: str) -> str:
        """Returns the file with the mistake in it."""
        data = source.encode()
        return (data[: self.start] + self.replacement.encode() + data[self.end :]).decode()

    def diff(self, source: str) -> str:
        """Returns the lines that differ, the old ones after `-`, the new ones after `+`."""
        lines = difflib.unified_diff(source.splitlines(), self.apply(source).splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


class Notebook:
    """A file and the mutations found in it so far.

    Args:
        path: The file, relative to the repository.
        source: Its text.
    """

    def __init__(self, path: str, source: str) -> None:
        self.found: list[Mutation] = []
        self._path, self._data = path, source.encode()
        self._lines = [0]
        for line in self._data.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> Span:
        """Where a node's text begins and ends, in bytes."""
        last_line, last_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._lines[node.lineno - 1] + node.col_offset, self._lines[last_line - 1] + last_column

    def text(self, span: Span) -> str:
        """The text of a span."""
        return self._data[span[0] : span[1]].decode()

    def replace(self, kind: str, span: Span, replacement: str) -> None:
        """Notes a mutation."""
        line = self._data[: span[0]].count(b"\n") + 1
        self.found.append(Mutation(self._path, *span, replacement, kind, line))

    def drop_each(self, kind: str, items: Sequence[object], spans: Sequence[Span]) -> None:
        """Drops each item of a comma-separated sequence with one comma; None stands for an item that stays."""
        for number, item in enumerate(items):
            first, last = spans[number]
            if number:
                first = spans[number - 1][1]
            elif len(spans) > 1:
                last = spans[1][0]
            else:
                last += self.length(rb"\s*,", last)
            if item is not None:
                self.replace(kind, (first, last), "")

    def length(self, pattern: bytes, position: int) -> int:
        """Length of what matches at a position, 0 if nothing does."""
        found = re.compile(pattern).match(self._data, position)
        return len(found[0]) if found else 0

    def with_brackets(self, node: ast.expr) -> Span:
        """The span of an item that nothing but a comma or the end of a list, set or dictionary follows."""
        first, last = self.span(node)
        return first, last + self.length(rb"(\s*\))*", last)

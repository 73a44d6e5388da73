"""What is wrong with the settings, in words with which an operator can fix it without reading the source."""

from __future__ import annotations

import json
from dataclasses import dataclass

LONGEST_VALUE = 120


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One setting that cannot be used.

    Args:
        key: dotted name of the setting, e.g. ``database.min_acu``.
        value: what was given; ``None`` when nothing was given.
        allowed: what would be accepted.
        where: where to change it, e.g. ``environments/prod.toml`` or ``-c database.min_acu=…``.
    """

    key: str
    value: object
    allowed: str
    where: str

    def __str__(self) -> str:
        shown = "is not set" if self.value is None else f"= {_shown(self.value)} cannot be used"
        return f"{self.key} {shown}: allowed is {self.allowed}. Change it in {self.where}."


@dataclass(frozen=True, kw_only=True)
class UnreadableFile:
    """A file of settings that cannot be read at all.

    Args:
        path: the file, e.g. ``environments/prod.toml``.
        reason: what is wrong with it, with line and column where they are known.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}. It must be a readable TOML file, https://toml.io."


class SettingsError(Exception):
    """The settings cannot be used; nothing was synthesized.

    Args:
        problems: at least one problem; each becomes one line of the message.
    """

    def __init__(self, *problems: Problem | UnreadableFile) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def _shown(value: object) -> str:
    """Write a value on one line, as TOML and JSON spell it: true, not True."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

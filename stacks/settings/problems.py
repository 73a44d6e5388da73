"""What is wrong with a setting, said so that the reader can mend it without opening the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One setting that cannot be used.

    Args:
        key: dotted name of the setting, e.g. ``database.min_acu``.
        value: what was given, as the user wrote it; ``None`` when nothing was given.
        allowed: what would be accepted.
        where: where to change it, e.g. ``environments/prod.toml`` or ``-c database.min_acu=…``.
    """

    key: str
    value: object
    allowed: str
    where: str

    def __str__(self) -> str:
        shown = "is not set" if self.value is None else f"= {self.value!r} cannot be used"
        return f"{self.key} {shown}: allowed is {self.allowed}. Change it in {self.where}."


class SettingsError(Exception):
    """The settings cannot be used; nothing was synthesized.

    Args:
        problems: at least one problem; each becomes one line of the message.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

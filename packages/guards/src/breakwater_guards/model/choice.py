"""What an `Fn::If` leaves open."""

from __future__ import annotations

from typing import Any


class Choice:
    """The arms of an `Fn::If`: whichever the deployment takes, a rule has to consider both."""

    def __init__(self, arms: list[Any]) -> None:
        self.arms = arms


def choice_of(options: list[Any]) -> Any:
    """Return the only option, or a choice between several."""
    return options[0] if len(options) == 1 else Choice(options)

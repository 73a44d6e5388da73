"""A plan: requests one after the other, each with what must be true before the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from breakwater_drills.clock import Clock
from ops.console import Steps, new_table, print_table
from ops.errors import OpsError, aws_answer, one_line

# AWS states no limit: a restore of a large volume takes hours, and a rename or a change minutes.
TIMEOUT_SECONDS: Final = 6 * 3600.0
POLL_SECONDS: Final = 15.0
# Tags that AWS keeps for itself: a request with one is refused.
RESERVED_TAGS: Final = "aws:"


@dataclass(frozen=True)
class Step:
    """One request.

    Attributes:
        purpose: what it is for, for people.
        operation: boto3's method, e.g. `modify_db_cluster`.
        request: its parameters.
        ready: asked until it holds; None where the answer to the request is the end of it.
        client: client of another service than the plan's.
    """

    purpose: str
    operation: str
    request: Mapping[str, Any]
    ready: Callable[[], bool] | None = None
    client: Any = None


@dataclass(frozen=True)
class Plan:
    """What a restore will do.

    Attributes:
        title: what it restores, from where, as what.
        client: client of the service.
        steps: in their order.
        undo: command lines that remove what it created, in their order; for when it stops half-way and for a restore
            that turns out to be the wrong one.
        afterwards: what is left for people to do.
    """

    title: str
    client: Any
    steps: Sequence[Step]
    undo: Sequence[str]
    afterwards: Sequence[str] = field(default=())

    def show(self, console: Console) -> None:
        """Print every request with its parameters, and how to go back."""
        table = new_table(self.title, "", "step", "request")
        for number, step in enumerate(self.steps, start=1):
            words = "\n".join(f"{name}={value}" for name, value in step.request.items())
            table.add_row(str(number), step.purpose, f"[bold]{step.operation}[/bold]\n{words}")
        print_table(console, table)
        self.show_undo(console)

    def show_undo(self, console: Console) -> None:
        """Print how to go back."""
        console.print("To go back:", highlight=False)
        for line in self.undo:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)

    def carry_out(self, console: Console, *, poll_seconds: float) -> None:
        """Send the requests, each after what the one before it needed.

        Args:
            console: where progress is printed.
            poll_seconds: how long to wait between two questions.

        Raises:
            OpsError: AWS refused a request, or did not become ready in time; what was done until then stays.
        """
        steps = Steps(console, len(self.steps))
        for step in self.steps:
            with steps.step(step.purpose):
                self._carry_out(step, poll_seconds)
        for line in self.afterwards:
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _carry_out(self, step: Step, poll_seconds: float) -> None:
        ready = step.ready
        try:
            getattr(step.client or self.client, step.operation)(**step.request)
            if ready and not Clock().wait_until(ready, timeout_seconds=TIMEOUT_SECONDS, poll_seconds=poll_seconds):
                hours = f"{TIMEOUT_SECONDS / 3600:g} hours"
                raise OpsError(f"{step.operation} had no effect within {hours}: see the events in the console of AWS")
        except ClientError as error:
            raise OpsError(f"{step.operation}: {aws_answer(error)}") from None
        except BotoCoreError as error:
            raise OpsError(f"{step.operation}: AWS cannot be reached: {one_line(error)}") from None


def require_restorable(moment: datetime | None, earliest: datetime | None, latest: datetime | None) -> None:
    """Refuse a moment that AWS cannot restore.

    Args:
        moment: aware; None for the latest one.
        earliest: the first moment that can be restored; None where AWS does not say.
        latest: the last one.

    Raises:
        OpsError: the moment is outside.
    """
    if moment and earliest and latest and not earliest <= moment <= latest:
        raise OpsError(
            f"--to {moment:%Y-%m-%dT%H:%M:%SZ} cannot be restored: allowed is {earliest:%Y-%m-%dT%H:%M:%SZ} to "
            f"{latest:%Y-%m-%dT%H:%M:%SZ}, or latest"
        )


def in_words(moment: datetime | None) -> str:
    """Return a moment as a title says it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "the latest restorable time"


def own_tags(tags: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the tags that a request may carry."""
    return [dict(tag) for tag in tags if not tag["Key"].startswith(RESERVED_TAGS)]

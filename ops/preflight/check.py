"""What a check is: a declaration that people read, and a question to the account."""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ops.preflight.context import CheckContext


class Status(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105 (a word of the table)
    WARN = "warn"
    COULD_NOT_ASK = "could-not-ask"
    FAIL = "fail"


@dataclass(frozen=True)
class Outcome:
    """One answer of a check.

    Args:
        status: what it means for the deployment.
        message: the value found, and what is needed.
    """

    status: Status
    message: str


class Check(ABC):
    """One question to the account.

    A subclass declares ``id`` (stable for ever, e.g. ``PF-RDS-01``), ``title`` (what must hold), ``why`` (what happens
    else), ``fix``, ``source`` (where AWS says so), and ``calls``: the operations that it may use, as
    ``service:Operation`` with boto3's name of the service.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    fix: ClassVar[str]
    source: ClassVar[str]
    calls: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask.

        Args:
            context: settings, planned resources, and a way to call the declared operations.

        Yields:
            One outcome or more.

        Raises:
            CouldNotAsk: the account does not answer this question.
        """


def ok(message: str) -> Outcome:
    """Return a outcome that nothing stands in the way."""
    return Outcome(Status.PASS, message)


def warn(message: str) -> Outcome:
    """Return a outcome that will hurt later, or might."""
    return Outcome(Status.WARN, message)


def fail(message: str) -> Outcome:
    """Return a outcome that the deployment would fail of."""
    return Outcome(Status.FAIL, message)


@cache
def all_checks() -> dict[str, Check]:
    """Return every check of ``ops.preflight.checks``, by id in order.

    Raises:
        ValueError: two checks share an id, or one is not like ``PF-RDS-01``.
    """
    package = importlib.import_module("ops.preflight.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"ops.preflight.checks.{module.name}")
    found: dict[str, Check] = {}
    base: Any = Check
    for kind in _subclasses(base):
        if not re.fullmatch(r"PF-[A-Z0-9]+-\d{2}", kind.id) or kind.id in found:
            raise ValueError(f"check {kind.id!r}: an id like PF-RDS-01, used once")
        found[kind.id] = kind()
    return dict(sorted(found.items()))


def _subclasses(kind: type[Check]) -> Iterator[type[Check]]:
    for child in kind.__subclasses__():
        yield from _subclasses(child)
        if "id" in vars(child):
            yield child

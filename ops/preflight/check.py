"""What a check is: a declaration for its readers, and a question to the account."""

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
    """How a check ends; the later, the worse. `broken` is a defect of the check, and says nothing of the account."""

    PASS = "pass"  # noqa: S105 (not a password)
    WARN = "warn"
    COULD_NOT_ASK = "could-not-ask"
    BROKEN = "broken"
    FAIL = "fail"


@dataclass(frozen=True)
class Outcome:
    """One answer of a check.

    Attributes:
        status: what it means for the deployment.
        message: the value found, and the value needed.
    """

    status: Status
    message: str


class Check(ABC):
    """One question to the account.

    A subclass declares ``id`` (never changed, e.g. ``PF-RDS-01``), ``title`` (what must hold), ``why`` (what happens
    otherwise), ``fix``, ``source`` (AWS's documentation), and ``calls``: the operations that it may call, as
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
        """Ask the account.

        Args:
            context: the settings, the planned resources, and the declared operations.

        Yields:
            One outcome or more.

        Raises:
            CouldNotAsk: the account does not answer.
        """


def ok(message: str) -> Outcome:
    """Return the outcome of a check that passes."""
    return Outcome(Status.PASS, message)


def warn(message: str) -> Outcome:
    """Return the outcome of a check that finds something that may cause trouble, now or later."""
    return Outcome(Status.WARN, message)


def fail(message: str) -> Outcome:
    """Return the outcome of a check that finds what would make the deployment fail."""
    return Outcome(Status.FAIL, message)


@cache
def all_checks() -> dict[str, Check]:
    """Return every check of ``ops.preflight.checks`` by its id, in the order of the ids.

    Raises:
        ValueError: an id is used twice or does not look like ``PF-RDS-01``.
    """
    package = importlib.import_module("ops.preflight.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"ops.preflight.checks.{module.name}")
    found: dict[str, Check] = {}
    base: Any = Check
    for kind in _subclasses(base):
        if not re.fullmatch(r"PF-[A-Z0-9]+-\d{2}", kind.id) or kind.id in found:
            raise ValueError(f"check {kind.id!r}: an id must look like PF-RDS-01 and be used once")
        found[kind.id] = kind()
    return dict(sorted(found.items()))


def _subclasses(kind: type[Check]) -> Iterator[type[Check]]:
    for child in kind.__subclasses__():
        yield from _subclasses(child)
        if "id" in vars(child):
            yield child

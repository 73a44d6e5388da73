"""The table of recorded facts: what AWS answered to a call, in our own words, one row each.

The tables are the TOML files of `tests/facts`, one for each service. A row has

- `id`: its name; `about`: the CloudFormation type, or the service, that it says something about
- `source`: `name:path` of a repository that `sources.toml` lists, or the address of a page of AWS's documentation
- `recorded`: the day on which the recording was made, or the page or repository was read
- `given`: preparations that the call needs (`preparations.toml`); `call`: service and operation; `with`: its arguments
- `status`, `code`, `message`: of a refusal; the message is a regular expression that must match the whole of it
- `answer`: path -> expected value (see `embedded_testing.answers`), of what a call returns
- `differs`: why the embedded AWS does not answer so; such a row fails when it begins to hold
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[1] / "facts"
# Tables of another shape.
_OTHERS = {"sources", "preparations", "operations"}


@dataclass(frozen=True)
class Fact:
    """One answer of AWS; the module says what each field means."""

    id: str
    about: str
    source: str
    recorded: date
    call: str
    given: tuple[str, ...] = ()
    with_: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    code: str = ""
    message: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    differs: str = ""

    @property
    def service(self) -> str:
        """Botocore's name of the service that is called."""
        return self.call.split()[0]

    @property
    def operation(self) -> str:
        """The operation that is called, as the API names it."""
        return self.call.split()[1]


def read(name: str) -> dict[str, Any]:
    """Return one of the tables, given its name without suffix."""
    return tomllib.loads((TABLES / f"{name}.toml").read_text())


@cache
def facts() -> tuple[Fact, ...]:
    """Return every row of every table, in the order of their files."""
    names = sorted(path.stem for path in TABLES.glob("*.toml") if path.stem not in _OTHERS)
    return tuple(_fact(row) for name in names for row in read(name)["fact"])


def _fact(row: dict[str, Any]) -> Fact:
    renamed = {"with_" if key == "with" else key: value for key, value in row.items()}
    return Fact(**{**renamed, "given": tuple(row.get("given", ()))})


@cache
def called_operations() -> frozenset[str]:
    """Return every operation that was called when the platform was deployed and operated."""
    return frozenset(read("operations")["called"])


def covered_operations() -> frozenset[str]:
    """Return the called operations that at least one fact is about."""
    return called_operations() & {fact.call for fact in facts()}

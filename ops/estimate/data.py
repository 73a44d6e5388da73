"""The data of the estimate: prices, assumptions, types without a charge, durations."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("data.toml")


@dataclass(frozen=True)
class Price:
    """A list price.

    Attributes:
        usd: US dollars for one unit.
        unit: what one unit is.
        page: AWS's page of such prices.
        read: the page in which it was read; empty if it is known from AWS's price list only.
    """

    usd: float
    unit: str
    page: str
    read: str = ""


@dataclass(frozen=True)
class Assumption:
    """A number that no template tells, its unit, and what it counts."""

    value: float
    unit: str
    what: str


@dataclass(frozen=True)
class Duration:
    """How long CloudFormation needs to create a resource.

    Attributes:
        seconds: until it is there.
        read: the page that says so; empty for what is reported, but not documented.
        only_if: text that its properties must hold; the others of the type take the default.
    """

    seconds: float
    read: str = ""
    only_if: str = ""


@dataclass(frozen=True)
class Data:
    """What `data.toml` holds, see there."""

    region: str
    date: str
    hours: float
    loads: tuple[float, ...]
    assumptions: Mapping[str, Assumption]
    prices: Mapping[str, Price]
    free: Mapping[str, str]
    durations: Mapping[str, Duration]


@cache
def load_data() -> Data:
    """Read `data.toml`."""
    found: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Data(
        **{key: found[key] for key in ("region", "date", "hours", "free")},
        loads=tuple(found["loads"]),
        assumptions={key: Assumption(**each) for key, each in found["assumptions"].items()},
        prices={key: Price(**each) for key, each in found["prices"].items()},
        durations={key: Duration(**each) for key, each in found["durations"].items()},
    )

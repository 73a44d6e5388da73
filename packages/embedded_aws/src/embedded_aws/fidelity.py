"""How far the embedded AWS can be trusted, type by type: the contents of `fidelity.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("fidelity.toml")


class Level(StrEnum):
    """What the emulator does with a resource type."""

    REAL = "real"
    """Its API acts on it: data is stored and returned, messages are delivered, functions run."""
    SIMULATED = "simulated"
    """Its API keeps and describes it; nothing runs behind that description."""
    METADATA = "metadata"
    """There is no service: only the declaration is kept."""


@dataclass(frozen=True)
class Fidelity:
    """The entry of one type.

    Attributes:
        level: what the emulator does with it.
        cannot_prove: what a green local deployment says nothing about, in one sentence.
    """

    level: Level
    cannot_prove: str


@cache
def load() -> Mapping[str, Fidelity]:
    """Return the entry of every resource type that the embedded AWS accepts, by CloudFormation type name."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Fidelity(Level(entry["level"]), entry["cannot_prove"]) for name, entry in entries.items()}


def markdown(entries: Mapping[str, Fidelity]) -> str:
    """Return the entries as a Markdown table."""
    rows = [f"| `{name}` | {entry.level} | {entry.cannot_prove} |" for name, entry in entries.items()]
    return "\n".join(["| Type | Emulation | What a green local deployment does not prove |", "|---|---|---|", *rows])

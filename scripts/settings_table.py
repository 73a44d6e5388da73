"""Write docs/settings.md: every setting with what it accepts, its default and its value in each environment.

All of it comes from the settings themselves: ranges in the words of their error messages, descriptions from the text
under each attribute, values from `environments/*.toml`. A test keeps the file fresh.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from breakwater_guards.formats import markdown
from scripts.settings_changes import consequences
from stacks.settings import Settings, SettingsError, load_settings
from stacks.settings.fields import FIELDS, SECTIONS, allowed
from stacks.settings.loader import DEFAULT_ENVIRONMENT, ENVIRONMENTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
# As in the order in which a change travels.
ORDER = ("dev", "staging", "prod")
# Chosen on the command line, so that no environment file holds it.
COMMAND_LINE = "environment"
AFTER = "After the first deployment"
INTRODUCTION = """# Settings

<!-- Written by `python -m scripts.settings_table` from stacks/settings and environments/*.toml: do not edit. -->

Change a setting for one environment in `environments/<environment>.toml`, or for one command with `-c key=value`,
e.g. `cdk deploy -c environment=prod -c suffix=eu1 -c database.max_acu=32`. Context beats the file, the file beats the
default. Lists are written with commas: `-c network.zones=us-east-1a,us-east-1b`.

An empty cell under an environment means the default; **must be given** means that nothing is synthesized without it.
What contradicts another setting is refused as well: `stacks/settings/rules.py` has those rules.

The third column says what a change does to a deployment that is there, found by synthesizing it and comparing what the
CloudFormation schemas call create-only. *free*: an update in place, or resources that come and go. *refused*: it would
lose data or the network, and [preflight](preflight.md) stops it by the check that is named.
"""


def page(after: Mapping[str, str]) -> str:
    """Return the whole page as Markdown.

    Args:
        after: what a change of each setting does after the first deployment.
    """
    given = {name: environment_file(name) for name in ORDER}
    values = {name: dict.fromkeys(_missing(name), "**must be given**") for name in ORDER}
    for name in ORDER:
        values[name] |= {key: _value(value) for key, value in given[name].items()}
    parts = [INTRODUCTION, _refusal(), *_section("", "One deployment", "", values, after)]
    for section in SECTIONS:
        model = Settings.model_fields[section].annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"{section} is no section of settings")
        parts += _section(section, f"`[{section}]`", model.__doc__ or "", values, after)
    return "\n".join(parts)


def _refusal() -> str:
    """Return the paragraph that shows what a setting out of its range is answered with."""
    try:
        load_settings({"database.min_acu": "0.3"})
    except SettingsError as error:
        return (
            "A setting that cannot be used ends the command with exit code 1 and one line for each problem, before "
            f"anything is\nsynthesized:\n\n```text\n{error}\n```\n"
        )
    raise AssertionError("0.3 ACU were accepted")


def _section(
    section: str,
    title: str,
    purpose: str,
    values: Mapping[str, Mapping[str, str]],
    after: Mapping[str, str],
) -> Iterator[str]:
    yield f"## {title}\n"
    if purpose:
        yield f"{purpose}\n"
    yield markdown.row("Setting", "What it does", AFTER, "Allowed", "Default", *ORDER)
    yield markdown.row(*["---"] * 8)
    for key, field in FIELDS.items():
        if key.rpartition(".")[0] != section:
            continue
        default = "" if field.is_required() else _value(field.default)
        shown = [values[name].get(key, "") for name in ORDER]
        if key == COMMAND_LINE:
            default = _value(DEFAULT_ENVIRONMENT)
        # The pattern of a text stands in its error message; here it would hide the example.
        accepts = allowed(key).partition(" (pattern ")[0]
        yield markdown.row(
            f"`{key}`", " ".join((field.description or "").split()), after[key], accepts, default, *shown
        )
    yield ""


def environment_file(name: str) -> dict[str, Any]:
    """Return what an environment file sets, by dotted key."""
    document = tomllib.loads((ENVIRONMENTS / f"{name}.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}" if isinstance(content, dict) else section: value
        for section, content in document.items()
        for key, value in (content.items() if isinstance(content, dict) else [(section, content)])
    }


def committed() -> dict[str, str]:
    """Return what the page says of later changes as it is, by setting; empty where there is none."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (?:[^|]|\\\|)+ \| ([^|]+) \|", page, re.MULTILINE)
    return {key: after for key, after in rows if key in FIELDS}


def _missing(name: str) -> Iterator[str]:
    """Ask the loader for the settings without which an environment is refused."""
    try:
        load_settings({COMMAND_LINE: name})
    except SettingsError as error:
        yield from (getattr(problem, "key", "") for problem in error.problems)


def _value(value: object) -> str:
    """Write a value as TOML does; nothing is a dash."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return f"`{', '.join(map(str, value))}`" if value else "`[]`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def main() -> int:
    """Write the page.

    Returns:
        The exit code, always 0.
    """
    PAGE.write_text(page(consequences(committed())), encoding="utf-8")
    print(f"settings: {len(FIELDS)} settings -> {PAGE.parent.name}/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

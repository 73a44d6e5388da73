"""Default, environment file and context become one validated :class:`Settings`, or one clear error.

Context beats the file, the file beats the default.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stacks.settings.fields import FIELDS, SECTIONS, allowed, from_text, frozen
from stacks.settings.model import Settings
from stacks.settings.problems import Problem, SettingsError, UnreadableFile
from stacks.settings.rules import contradictions

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"
DEFAULT_ENVIRONMENT = "dev"
# What CDK, its CLI and its libraries keep in the context: feature flags, switches and remembered look-ups such as
# "availability-zones:account=111111111111:region=us-east-1".
CDK_CONTEXT = re.compile(r"@[^/]+/|aws:|aws-cdk:|[a-z-]+:.*=|(acknowledged-issue-numbers|cli-telemetry)$")


def load_settings(
    context: Mapping[str, Any], *, default_account: str | None = None, directory: Path = ENVIRONMENTS
) -> Settings:
    """Load the settings of one deployment.

    Args:
        context: CDK context: ``environment``, ``suffix`` and dotted keys such as ``database.max_acu``; values are
            strings as given with ``-c`` or typed as written in ``cdk.json``. CDK's own keys are ignored.
        default_account: account to use when neither context nor file names one (``CDK_DEFAULT_ACCOUNT``).
        directory: folder of the environment files.

    Returns:
        Frozen settings in which no value contradicts another.

    Raises:
        SettingsError: something is unknown, malformed, out of range or contradictory; every problem is listed.
    """
    own = {key: value for key, value in context.items() if not CDK_CONTEXT.match(key)}
    environment = own.pop("environment", DEFAULT_ENVIRONMENT)
    document, source = _environment_file(environment, directory)
    where = _Origins(source)
    if default_account is not None and "account" not in document:
        document["account"] = default_account
        where["account"] = "CDK_DEFAULT_ACCOUNT"
    unknown = [
        Problem(key=key, value=value, allowed=_near(key, FIELDS), where=_given(key))
        for key, value in own.items()
        if key not in FIELDS
    ]
    if unknown:
        raise SettingsError(*unknown)
    for key, value in own.items():
        where[key] = _given(key)
        _override(document, key, from_text(key, value) if isinstance(value, str) else frozen(value))
    try:
        settings = Settings.model_validate({**document, "environment": environment})
    except ValidationError as error:
        raise SettingsError(*_problems(error, where)) from None
    found = [
        Problem(key=key, value=_value(settings, key), allowed=accepted, where=where[key])
        for key, accepted in contradictions(settings)
    ]
    if found:
        raise SettingsError(*found)
    return settings


class _Origins(dict[str, str]):
    """Where each key was given; the environment file or the command line for those that were not."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def __missing__(self, key: str) -> str:
        # A section is written in the file only.
        return f"{self._source} or with -c {key}=…" if key in FIELDS else self._source


def _given(key: str) -> str:
    """Where context comes from; the CLI merges both sources and does not say which one a key was in."""
    return f"-c {key}=… (or in the context of cdk.json)"


def _environment_file(environment: object, directory: Path) -> tuple[dict[str, Any], str]:
    """Return the content of an environment's file, and what to call the file."""
    known = sorted(path.stem for path in directory.glob("*.toml"))
    if environment not in known:
        *others, last = [*map(repr, known)] or [f"the name of a .toml file in {directory}, which holds none"]
        choices = f"{', '.join(others)} or {last}" if others else last
        problem = Problem(key="environment", value=environment, allowed=choices, where=_given("environment"))
        raise SettingsError(problem)
    source = f"environments/{environment}.toml"
    try:
        document = tomllib.loads((directory / f"{environment}.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(UnreadableFile(path=source, reason=str(error))) from None
    if "environment" in document:
        choices = "-c environment=… alone (the name of this file says it)"
        raise SettingsError(Problem(key="environment", value=document["environment"], allowed=choices, where=source))
    return {key: frozen(value) for key, value in document.items()}, source


def _override(document: dict[str, Any], key: str, value: Any) -> None:
    section, _, name = key.rpartition(".")
    target = document.setdefault(section, {}) if section else document
    if isinstance(target, dict):
        target[name] = value
    # Else the file holds nonsense under the section's name, which validation reports.


def _near(key: str, names: Mapping[str, object] | tuple[str, ...]) -> str:
    same = [name for name in names if name.endswith(f".{key}")]
    near = same or difflib.get_close_matches(key, names, n=3)
    return "the name of a setting" + (f", perhaps {' or '.join(near)}" if near else " (docs/settings.md lists them)")


def _problems(error: ValidationError, where: _Origins) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        location = [part for part in detail["loc"] if not (isinstance(part, str) and "[" in part)]
        key = ".".join(str(part) for part in location if not isinstance(part, int))
        missing = detail["type"] == "missing"
        yield Problem(
            key=key,
            value=None if missing else detail["input"],
            allowed=_allowed(key, item=isinstance(location[-1], int), unknown=detail["type"] == "extra_forbidden"),
            where=where[key],
        )


def _allowed(key: str, *, item: bool, unknown: bool) -> str:
    if unknown:
        return _near(key, FIELDS if "." in key else (*FIELDS, *SECTIONS))
    return f"a section [{key}]" if key in SECTIONS else allowed(key, item=item)


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value

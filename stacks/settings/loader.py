"""Default, environment file and context become one validated :class:`Settings`, or one clear error.

Context beats the file, the file beats the default.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from stacks.settings.model import Settings
from stacks.settings.problems import Problem, SettingsError
from stacks.settings.rules import contradictions

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"
DEFAULT_ENVIRONMENT = "dev"
# Context that the CDK CLI writes itself and that carries no colon or slash.
CDK_CONTEXT_KEYS = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})


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
    own = {key: value for key, value in context.items() if not _belongs_to_cdk(key)}
    environment = own.pop("environment", DEFAULT_ENVIRONMENT)
    known = sorted(path.stem for path in directory.glob("*.toml"))
    if environment not in known:
        allowed = ", ".join(known) or f"a file in {directory}"
        raise SettingsError(Problem(key="environment", value=environment, allowed=allowed, where="-c environment=…"))
    source = f"environments/{environment}.toml"
    document = _read(directory / f"{environment}.toml", source)
    where = _Origins(source)
    if "environment" in document:
        problem = "-c environment=… alone (the name of this file says it)"
        raise SettingsError(Problem(key="environment", value=document["environment"], allowed=problem, where=source))
    if default_account is not None and "account" not in document:
        document["account"] = default_account
        where["account"] = "CDK_DEFAULT_ACCOUNT"
    for key, value in own.items():
        where[key] = f"-c {key}=…"
        _override(document, key, value)
    try:
        settings = Settings.model_validate({**document, "environment": environment})
    except ValidationError as error:
        raise SettingsError(*_problems(error, where)) from None
    found = [
        Problem(key=key, value=_value(settings, key), allowed=allowed, where=where[key])
        for key, allowed in contradictions(settings)
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
        return f"{self._source} or with -c {key}=…"


def _belongs_to_cdk(key: str) -> bool:
    return ":" in key or "/" in key or key in CDK_CONTEXT_KEYS


def _read(path: Path, source: str) -> dict[str, Any]:
    try:
        return {key: _frozen(value) for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            Problem(key=source, value=str(error), allowed="TOML, https://toml.io", where=source)
        ) from None


def _frozen(value: Any) -> Any:
    """Turn TOML arrays into tuples, the only sequence that frozen settings hold."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _fields(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _fields(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


FIELDS: Mapping[str, FieldInfo] = dict(_fields())


def _override(document: dict[str, Any], key: str, value: Any) -> None:
    if key not in FIELDS:
        raise SettingsError(Problem(key=key, value=value, allowed=_known_keys(key), where=f"-c {key}=…"))
    section, _, name = key.rpartition(".")
    target = document
    if section:
        # The file may lack the section, or hold nonsense under its name, which validation then reports.
        existing = document.get(section)
        target = document[section] = dict(existing) if isinstance(existing, dict) else {}
    target[name] = _typed(FIELDS[key], value) if isinstance(value, str) else _frozen(value)


def _known_keys(key: str) -> str:
    near = difflib.get_close_matches(key, FIELDS, n=3)
    return "the name of a setting" + (f", perhaps {' or '.join(near)}" if near else " (see docs/settings.md)")


def _typed(field: FieldInfo, text: str) -> Any:
    """Read command-line text as what the setting wants: text as it is, numbers and switches as TOML, lists by comma."""
    annotation: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    candidates: list[Any] = [text]
    if get_origin(field.annotation) is tuple:
        candidates.append(tuple(part.strip() for part in text.split(",")) if text else ())
    elif not _is_text(field.annotation):
        try:
            candidates.append(tomllib.loads(f"value = {text}")["value"])
        except tomllib.TOMLDecodeError:
            pass
    adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=ConfigDict(strict=True))
    for candidate in candidates:
        try:
            adapter.validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    return candidates[-1]


def _is_text(annotation: Any) -> bool:
    return annotation is str or any(_is_text(part) for part in get_args(annotation))


def _problems(error: ValidationError, where: _Origins) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        location = [part for part in detail["loc"] if not (isinstance(part, str) and "[" in part)]
        key = ".".join(str(part) for part in location if not isinstance(part, int))
        missing = detail["type"] == "missing"
        yield Problem(
            key=key,
            value=None if missing else detail["input"],
            allowed=_allowed(key, detail["type"], detail["msg"]),
            where=where[key],
        )


def _allowed(key: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return _known_keys(key)
    if kind == "missing":
        return "a value, since it has no default"
    if kind == "string_pattern_mismatch":
        pattern = message.split("'", 1)[1].rstrip("'")
        return f"text like {_example(FIELDS[key])!r} (pattern {pattern})"
    return re.sub(r"^(Input|String|Value|Tuple) should ", "", message).removeprefix("be ")


def _example(field: FieldInfo) -> str:
    """First example in the field's own declaration or in the types that it is made of."""
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(field.annotation, field)])
    schema = adapter.json_schema()
    found = re.search(r"'examples': \['([^']+)'", str(schema))
    assert found is not None, "every setting with a pattern declares an example"  # noqa: S101
    return found[1]


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value

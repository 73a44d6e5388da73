"""Every setting by its dotted name: reading it from command-line text, and saying what it accepts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from stacks.settings.model import Settings


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _fields(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


FIELDS: Mapping[str, FieldInfo] = dict(_fields(Settings))
SECTIONS = tuple(dict.fromkeys(key.partition(".")[0] for key in FIELDS if "." in key))


def from_text(key: str, text: str) -> Any:
    """Read what was given with ``-c key=text`` as what the setting wants.

    Args:
        key: dotted name in :data:`FIELDS`.
        text: text as it is for text, TOML for numbers and switches, commas or a TOML array for lists.

    Returns:
        The value, or the text itself where it cannot be read, for validation to refuse.
    """
    annotation = FIELDS[key].annotation
    if get_origin(annotation) is tuple and not text.startswith("["):
        return tuple(part.strip() for part in text.split(",")) if text else ()
    if _is_text(annotation):
        return text
    try:
        return frozen(tomllib.loads(f"value = {text}")["value"])
    except tomllib.TOMLDecodeError:
        return text


def frozen(value: Any) -> Any:
    """Turn arrays into tuples at any depth: the only sequence that frozen settings hold."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def allowed(key: str, *, item: bool = False) -> str:
    """Describe what a setting accepts.

    Args:
        key: dotted name in :data:`FIELDS`.
        item: ask for what one element of a list may be.

    Returns:
        Words that complete "allowed is", e.g. ``a whole number from 7 to 30``.
    """
    field = FIELDS[key]
    annotation: Any = Annotated[(field.annotation, field)]
    schema = TypeAdapter(annotation).json_schema()
    return _words(schema["items"] if item else schema)


def _is_text(annotation: Any) -> bool:
    """Tell whether the type is text or optional text; a choice of words is not, nor is a list."""
    return annotation is str or (get_origin(annotation) is not tuple and any(map(_is_text, get_args(annotation))))


def _words(schema: dict[str, Any]) -> str:
    for definition in schema.get("$defs", {}).values():
        schema = {**definition, **schema}
    if "anyOf" in schema:
        # Optional settings: the other choice is to leave them out.
        schema = schema["anyOf"][0]
    if "enum" in schema:
        *others, last = map(repr, schema["enum"])
        return f"{', '.join(others)} or {last}"
    kind = schema["type"]
    if kind == "array":
        return f"a list, each item {_words(schema['items'])}"
    if kind == "boolean":
        return "true or false"
    return _text(schema) if kind == "string" else _number(schema)


def _text(schema: dict[str, Any]) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if "pattern" in schema:
        limit = f", at most {high} characters" if high else ""
        return f"text like {schema['examples'][0]!r} (pattern {schema['pattern']}{limit})"
    return "text that is not empty" if low else "text"


def _number(schema: dict[str, Any]) -> str:
    noun = "a whole number" if schema["type"] == "integer" else "a number"
    high = (
        f"from {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else f"of {schema['minimum']} or more"
    )
    steps = f" in steps of {schema['multipleOf']}" if "multipleOf" in schema else ""
    return f"{noun} {high}{steps}"

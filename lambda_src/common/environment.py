"""Environment variables of a function, read once when it starts."""

from __future__ import annotations

from collections.abc import Mapping


class ConfigurationError(Exception):
    """A variable is missing or not what it must be: the function cannot do its work."""


def text(environ: Mapping[str, str], name: str) -> str:
    """Return a variable.

    Args:
        environ: environment of the process.
        name: of the variable.

    Returns:
        Its value, never empty.

    Raises:
        ConfigurationError: it is not set, or empty.
    """
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(f"environment variable {name} is not set: deploy the operations stack again")
    return value


def number(environ: Mapping[str, str], name: str) -> int:
    """Return a variable that holds a whole number from 0 on.

    Args:
        environ: environment of the process.
        name: of the variable.

    Returns:
        Its value.

    Raises:
        ConfigurationError: it is not set, or no such number.
    """
    value = text(environ, name)
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(f"environment variable {name} = {value!r}: allowed is a whole number from 0 on")
    return int(value)


def words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return a variable that holds texts with commas between them.

    Args:
        environ: environment of the process.
        name: of the variable.

    Returns:
        The texts.

    Raises:
        ConfigurationError: it is not set, or empty.
    """
    return tuple(part for part in text(environ, name).split(",") if part)

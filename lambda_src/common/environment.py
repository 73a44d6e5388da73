"""Environment variables of a function, validated when they are read."""

from __future__ import annotations

from collections.abc import Mapping


class ConfigurationError(Exception):
    """An environment variable is missing or invalid; only a new deployment can mend it."""


def read_text(environ: Mapping[str, str], name: str) -> str:
    """Return a required variable.

    Args:
        environ: Environment of the process.
        name: Name of the variable.

    Returns:
        Its value, never empty.

    Raises:
        ConfigurationError: The variable is not set, or empty.
    """
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(f"environment variable {name} is not set: deploy the operations stack again")
    return value


def read_integer(environ: Mapping[str, str], name: str) -> int:
    """Return a required variable that holds an integer of 0 or more.

    Args:
        environ: Environment of the process.
        name: Name of the variable.

    Returns:
        Its value.

    Raises:
        ConfigurationError: The variable is not set, or not such a number.
    """
    value = read_text(environ, name)
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(
            f"environment variable {name} = {value!r}: allowed is an integer of 0 or more; "
            "deploy the operations stack again"
        )
    return int(value)


def read_list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return a required variable that holds comma-separated values.

    Args:
        environ: Environment of the process.
        name: Name of the variable.

    Returns:
        The values that are not empty.

    Raises:
        ConfigurationError: The variable is not set, or empty.
    """
    return tuple(part for part in read_text(environ, name).split(",") if part)

"""Settings from the command line and the environment, read in one way by all commands."""

import os
import shlex
from collections.abc import Iterable, Mapping
from typing import Final

from ops.errors import OpsError, one_line
from stacks.names import OutputKey
from stacks.settings import Settings, SettingsError, load_settings

CONTEXT: Final = "BREAKWATER_CONTEXT"
_FROM_OUTPUTS: Final = {
    "environment": OutputKey.ENVIRONMENT,
    "suffix": OutputKey.SUFFIX,
    "region": OutputKey.REGION,
}


def parse_context(words: Iterable[str], source: str = "-c") -> dict[str, str]:
    """Read settings as they are given to `cdk deploy -c`.

    Args:
        words: each `key=value`; the last one of a key counts.
        source: where they come from, for the message.

    Returns:
        The values by key.

    Raises:
        OpsError: a word is not `key=value`.
    """
    context = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            example = f"{source} environment=prod" if source.startswith("-") else f"{source}='database.max_acu=4'"
            raise OpsError(f"{source} {word}: expected key=value, e.g. {example}")
        context[key] = value
    return context


def deployed_settings(outputs: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that a stack was deployed with.

    Args:
        outputs: of the stack; they say environment, suffix and Region.
        environ: its `BREAKWATER_CONTEXT` repeats what was given with `-c` at the deployment: `key=value key=value`,
            quoted as for a shell where a value has spaces.

    Returns:
        The settings: those of the environment's file, changed by `BREAKWATER_CONTEXT`.

    Raises:
        OpsError: a setting is wrong or missing.
    """
    try:
        given = parse_context(shlex.split(environ.get(CONTEXT, "")), source=CONTEXT)
    except ValueError as error:
        raise OpsError(f"{CONTEXT}: {error}: write it as a shell takes it, e.g. {CONTEXT}='a=1 b=2'") from None
    try:
        return load_settings({**given, **{name: outputs[key] for name, key in _FROM_OUTPUTS.items()}})
    except SettingsError as error:
        raise OpsError(
            f"{one_line(error)} If it was given with -c at the deployment, repeat it in {CONTEXT}."
        ) from None

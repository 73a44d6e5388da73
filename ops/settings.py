"""The settings that a stack was deployed with: its settings file, and what was given with `-c` at the deployment."""

import os
from collections.abc import Mapping
from typing import Final

from ops.errors import OpsError, one_line
from stacks.names import OutputKey
from stacks.settings import Settings, SettingsError, load_settings

CONTEXT: Final = "BREAKWATER_CONTEXT"
_TOLD: Final = {"environment": OutputKey.ENVIRONMENT, "suffix": OutputKey.SUFFIX, "region": OutputKey.REGION}


def settings_of(outputs: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings again.

    Args:
        outputs: of the stack; they say environment, suffix and region.
        environ: `BREAKWATER_CONTEXT` says what was given with `-c`: `key=value key=value`.

    Returns:
        The settings.

    Raises:
        OpsError: a setting is wrong or missing.
    """
    given = {}
    for word in environ.get(CONTEXT, "").split():
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise OpsError(f"{CONTEXT} holds {word!r}: expected key=value, separated by spaces")
        given[key] = value
    try:
        return load_settings({**given, **{name: outputs[key] for name, key in _TOLD.items()}})
    except SettingsError as error:
        told = one_line(error)
        raise OpsError(f"{told} What was given with -c at the deployment belongs into {CONTEXT}.") from None

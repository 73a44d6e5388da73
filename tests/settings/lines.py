"""Error lines about settings, as the loader must write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import SettingsError, load_settings


def line(key: str, shown: str | None, allowed: str, where: str | None = None) -> str:
    """Return the line that names the key, the value as TOML spells it, what is allowed and where to change it."""
    said = "is not set" if shown is None else f"= {shown} cannot be used"
    return f"{key} {said}: allowed is {allowed}. Change it in {where or given(key)}."


def given(key: str) -> str:
    """Return where a key of the context can be changed."""
    return f"-c {key}=… (or in the context of cdk.json)"


def refused(context: Mapping[str, Any], **options: Any) -> list[str]:
    """Return the error lines with which the loader refuses this context."""
    with pytest.raises(SettingsError) as caught:
        load_settings(context, **options)
    lines = str(caught.value).split("\n")
    assert len(lines) == len(caught.value.problems)
    return lines

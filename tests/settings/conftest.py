"""Environment files for the tests of settings, and the error lines that the loader must write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import SettingsError, load_settings
from stacks.settings.loader import ENVIRONMENTS


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


EnvironmentFile = Callable[..., Path]


@pytest.fixture
def environment_file(tmp_path: Path) -> EnvironmentFile:
    """Write dev.toml, as shipped but for the given replacements, and return its folder."""

    def write(*replacements: tuple[str, str], text: str | None = None) -> Path:
        content = (ENVIRONMENTS / "dev.toml").read_text(encoding="utf-8") if text is None else text
        for old, new in replacements:
            assert content.count(old) == 1, old
            content = content.replace(old, new)
        (tmp_path / "dev.toml").write_text(content, encoding="utf-8")
        return tmp_path

    return write

"""Environment files for the tests of settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.settings.loader import ENVIRONMENTS

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

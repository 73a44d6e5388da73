"""What the tests of settings share: the words of an error line, and environment files of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from stacks.settings.loader import ENVIRONMENTS

# The same examples in every run, however busy the machine is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

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

"""Environment files that cannot be used: whose fault it is, in the words of the file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import load_settings
from tests.settings.conftest import EnvironmentFile
from tests.settings.lines import line, refused

NUMBER = "a number from 0.5 to 256 in steps of 0.5"


def test_a_bad_value_in_the_file_names_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("max_acu = 2.0", 'max_acu = "2"'), ("[kms]", "[kms]\nrotation = true"))
    assert refused({}, directory=folder) == [
        line(
            "kms.rotation",
            "true",
            "the name of a setting (docs/settings.md lists them)",
            "environments/dev.toml",
        ),
        line("database.max_acu", '"2"', NUMBER, "environments/dev.toml or with -c database.max_acu=…"),
    ]


def test_a_contradiction_in_the_file_names_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("min_acu = 0.5", "min_acu = 2.5"))
    allowed = "at most database.max_acu (2.0)"
    where = "environments/dev.toml or with -c database.min_acu=…"
    assert refused({}, directory=folder) == [line("database.min_acu", "2.5", allowed, where)]


def test_a_forgotten_setting_and_a_forgotten_section(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("max_acu = 2.0\n", ""), ("[kms]\npending_window_days = 7\n", ""))
    assert refused({}, directory=folder) == [
        line("kms", None, "a section [kms]", "environments/dev.toml"),
        line("database.max_acu", None, NUMBER, "environments/dev.toml or with -c database.max_acu=…"),
    ]
    given_instead = load_settings({"database.max_acu": "3", "kms.pending_window_days": "8"}, directory=folder)
    assert (given_instead.database.max_acu, given_instead.kms.pending_window_days) == (3, 8)


@pytest.mark.parametrize("context", [{}, {"kms.pending_window_days": "7"}])
def test_a_section_that_is_none(environment_file: EnvironmentFile, context: Mapping[str, str]) -> None:
    folder = environment_file(("[kms]\npending_window_days = 7\n", ""), ("[removal]", "kms = 7\n[removal]"))
    assert refused(context, directory=folder) == [line("kms", "7", "a section [kms]", "environments/dev.toml")]


def test_a_misspelt_section_is_named_with_its_neighbour(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("[recovery]", "[recovary]"))
    assert refused({}, directory=folder) == [
        line("recovery", None, "a section [recovery]", "environments/dev.toml"),
        line(
            "recovary",
            '{"rto_seconds": 300, "rpo_seconds": 300}',
            "the name of a setting, perhaps recovery or removal",
            "environments/dev.toml",
        ),
    ]


def test_the_environment_is_not_a_setting_of_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("[removal]", 'environment = "prod"\n[removal]'))
    allowed = "-c environment=… alone (the name of this file says it)"
    assert refused({}, directory=folder) == [line("environment", '"prod"', allowed, "environments/dev.toml")]


def test_a_file_of_another_name_is_no_environment(environment_file: EnvironmentFile) -> None:
    folder = environment_file()
    shutil.copy(folder / "dev.toml", folder / "qa.toml")
    where = "environments/qa.toml or with -c environment=…"
    assert refused({"environment": "qa"}, directory=folder) == [
        line("environment", '"qa"', "'dev', 'staging' or 'prod'", where)
    ]


@pytest.mark.parametrize(
    ("environment", "shown"), [("qa", '"qa"'), ("../dev", '"../dev"'), (["dev"], '["dev"]'), (None, None)]
)
def test_an_unknown_environment(environment: Any, shown: str | None) -> None:
    assert refused({"environment": environment}) == [line("environment", shown, "dev or prod or staging")]


def test_no_environment_file_at_all(tmp_path: Path) -> None:
    allowed = f"the name of a .toml file in {tmp_path}, which holds none"
    assert refused({}, directory=tmp_path) == [line("environment", '"dev"', allowed)]


def _unreadable(reason: str) -> list[str]:
    return [f"environments/dev.toml cannot be read: {reason}. It must be a readable TOML file, https://toml.io."]


def test_a_file_that_is_no_toml(environment_file: EnvironmentFile) -> None:
    folder = environment_file(text="[kms]\npending_window_days 7\n")
    found = refused({}, directory=folder)
    assert found == _unreadable("Expected '=' after a key in a key/value pair (at line 2, column 21)")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "dev.toml").write_bytes(b"\xff")
    reason = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    assert refused({}, directory=tmp_path) == _unreadable(reason)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "dev.toml").mkdir()
    assert refused({}, directory=tmp_path) == _unreadable(f"[Errno 21] Is a directory: '{tmp_path / 'dev.toml'}'")

"""docs/settings.md says what the settings are: fresh, complete, and with the values of every environment."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from scripts import settings_table
from stacks.settings import Settings
from stacks.settings.fields import FIELDS
from stacks.settings.loader import ENVIRONMENTS

ROW = re.compile(r"^\| `(?P<key>[a-z0-9_.]+)` \| (?P<rest>.*) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Cells after the key, by key."""
    return {found["key"]: re.split(r"(?<!\\) \| ", found["rest"]) for found in ROW.finditer(settings_table.page())}


def test_the_committed_page_is_fresh() -> None:
    committed = settings_table.PAGE.read_text(encoding="utf-8")
    assert committed == settings_table.page(), "run `python -m scripts.settings_table` and commit docs/settings.md"


def test_every_setting_is_described_once_with_what_it_accepts(rows: dict[str, list[str]]) -> None:
    assert list(rows) == list(FIELDS)
    for key, (what, accepts, *_) in rows.items():
        assert what.endswith("."), f"{key} needs a sentence under its attribute"
        assert accepts, key
        assert "pattern" not in accepts, key


def test_every_value_of_every_environment_file_is_shown(rows: dict[str, list[str]]) -> None:
    for column, name in enumerate(settings_table.ORDER, start=3):
        document = tomllib.loads((ENVIRONMENTS / f"{name}.toml").read_text(encoding="utf-8"))
        for section, content in document.items():
            for key, value in content.items():
                shown = rows[f"{section}.{key}"][column].strip("`")
                expected = ", ".join(value) or "[]" if isinstance(value, list) else str(value)
                assert shown == (expected.lower() if isinstance(value, bool) else expected), f"{name} {section}.{key}"


def test_every_environment_has_a_column() -> None:
    assert set(settings_table.ORDER) == {path.stem for path in ENVIRONMENTS.glob("*.toml")}


def test_what_must_be_given_is_said(rows: dict[str, list[str]]) -> None:
    needed = {key: cells[3:] for key, cells in rows.items() if "**must be given**" in cells}
    both = ["", "**must be given**", "**must be given**"]
    assert needed.keys() == {"compute.image", "compute.certificate_arn", "compute.domain_name"}
    assert needed["compute.certificate_arn"] == needed["compute.domain_name"] == both
    assert needed["compute.image"][1:] == both[1:]


def test_defaults_come_from_the_model(rows: dict[str, list[str]]) -> None:
    assert rows["region"][2] == f"`{Settings.model_fields['region'].default}`"
    assert rows["database.min_acu"][2] == ""
    assert rows["account"][2] == "-"
    assert rows["database.data_api"][2] == "`true`"


def test_main_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "settings.md"
    monkeypatch.setattr(settings_table, "PAGE", target)
    assert settings_table.main() == 0
    assert target.read_text(encoding="utf-8") == settings_table.page()
    assert f"{len(FIELDS)} settings" in capsys.readouterr().out

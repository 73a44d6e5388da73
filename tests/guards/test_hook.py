"""The hook that `.pre-commit-hooks.yaml` offers to other repositories."""

from __future__ import annotations

import tomllib

import yaml

from breakwater_guards import cli
from tests.assembly import ROOT

(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_the_entry_takes_what_pre_commit_appends() -> None:
    program, *words = HOOK["entry"].split()
    assert program == HOOK["id"] == "breakwater-guards"
    options = cli._parser().parse_args([*words, "a.yaml", "b.json"])
    assert options.paths == ["a.yaml", "b.json"]
    assert options.skip_other_files


def test_what_pre_commit_installs_is_the_guards_and_nothing_of_the_platform() -> None:
    (package,) = HOOK["additional_dependencies"]
    project = tomllib.loads((ROOT / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert HOOK["id"] in project["scripts"]
    top = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "dependencies" not in top["project"]
    assert top["tool"]["setuptools"] == {"py-modules": []}

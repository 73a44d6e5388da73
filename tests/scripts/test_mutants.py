"""What `make mutants` hands to mutmut."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts import mutants


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("lambda_src", ("lambda_src", "src/*")),
        ("lambda_src/failover/", ("lambda_src", "src/failover/*")),
        ("lambda_src/failover/logic.py", ("lambda_src", "src/failover/logic.py")),
        ("ops/drill/measure.py", ("ops/drill", "ops/drill/measure.py")),
        ("packages/guards/src/breakwater_guards", ("packages/guards/src", "src/breakwater_guards/*")),
    ],
)
def test_a_path_is_found_in_the_copy(path: str, place: tuple[str, str]) -> None:
    assert mutants.place_of(path) == place


def test_another_path_is_refused_with_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["stacks/kms.py"]) == 2
    assert capsys.readouterr().err == (
        "mutants: stacks/kms.py is not mutated: name a file or folder in lambda_src, ops/drill, packages/guards/src\n"
    )


def test_the_copy_has_packages_where_mutmut_expects_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "ROOT", tmp_path / "project")
    monkeypatch.setattr(mutants, "COPY", tmp_path / "project" / "build" / "mutants")
    for name in ("lambda_src/failover/logic.py", "packages/guards/src/breakwater_guards/globs.py", ".venv/bin/python"):
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True)
        file.write_text(name, encoding="utf-8")

    mutants.lay_out(["lambda_src"], ["src/failover/*"])

    copy = mutants.COPY
    assert (copy / "src" / "failover" / "logic.py").read_text(encoding="utf-8") == "lambda_src/failover/logic.py"
    assert (copy / "src" / "breakwater_guards" / "globs.py").exists()
    assert (copy / "lambda_src" / "failover" / "logic.py").exists()
    assert not (copy / ".venv").exists()
    settings = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    assert settings["only_mutate"] == ["src/failover/*"]
    assert settings["pytest_add_cli_args_test_selection"] == ["tests/lambdas"]
    assert settings["also_copy"] == ["lambda_src", "packages", "pytest.ini"]


@pytest.mark.parametrize("folder", [*mutants.TESTS, *mutants.TESTS.values()])
def test_sources_and_their_tests_exist(folder: str) -> None:
    assert (mutants.ROOT / folder).is_dir()

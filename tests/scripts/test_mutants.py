"""Which mutants are asked for, and which survivors are accepted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from scripts import mutants

LAMBDAS = ["src/common", "src/failover", "src/health_monitor", "src/migration", "src/restore_validation"]


@pytest.mark.parametrize(
    ("path", "folder", "places"),
    [
        ("lambda_src", "lambda_src", LAMBDAS),
        ("lambda_src/failover/", "lambda_src", ["src/failover"]),
        ("lambda_src/failover/logic.py", "lambda_src", ["src/failover/logic.py"]),
        ("packages/drills/src", "packages/drills/src", ["src/breakwater_drills"]),
        ("packages/guards/src/breakwater_guards", "packages/guards/src", ["src/breakwater_guards"]),
        ("ops/outputs.py", "ops/outputs.py", ["ops/outputs.py"]),
        ("ops/preflight/", "ops/preflight", ["ops/preflight"]),
    ],
)
def test_a_path_is_found_in_the_copy(path: str, folder: str, places: list[str]) -> None:
    assert mutants.places_of(path) == (folder, places)


def test_another_path_is_refused_with_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["stacks/kms.py"]) == 2
    assert capsys.readouterr().err == (
        "mutants: stacks/kms.py is not mutated: name a file or folder in lambda_src, ops/outputs.py, "
        "ops/preflight, packages/drills/src, packages/guards/src\n"
    )


def test_the_copy_has_packages_where_mutmut_expects_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "ROOT", tmp_path / "project")
    monkeypatch.setattr(mutants, "COPY", tmp_path / "project" / "build" / "mutants")
    for name in (
        "lambda_src/failover/logic.py",
        "packages/drills/src/breakwater_drills/measure.py",
        "packages/guards/src/breakwater_guards/globs.py",
        ".venv/bin/python",
    ):
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True)
        file.write_text(name, encoding="utf-8")
    (tmp_path / "project" / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")

    mutants.lay_out(["lambda_src"], ["src/failover", "src/main.py", "src/breakwater_guards"])

    copy = mutants.COPY
    assert (copy / "src" / "failover" / "logic.py").read_text(encoding="utf-8") == "lambda_src/failover/logic.py"
    assert (copy / "src" / "breakwater_drills" / "measure.py").exists()
    assert (copy / "src" / "breakwater_guards" / "globs.py").exists()
    assert (copy / "lambda_src" / "failover" / "logic.py").exists()
    assert not (copy / ".venv").exists()
    written = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))
    assert written["project"]["version"] == "1.2.3", "a command prints it"
    settings = written["tool"]["mutmut"]
    assert settings["pytest_add_cli_args"][:2] == ["-c", "pytest.ini"], "a package has settings for pytest too"
    assert "src" in (copy / "pytest.ini").read_text(encoding="utf-8").split()
    assert settings["only_mutate"] == ["src/failover/*", "src/main.py", "src/breakwater_guards/*"]
    assert settings["type_check_command"][-2:] == ["src/failover", "src/main.py"], "mutmut cannot with the guards'"
    assert settings["pytest_add_cli_args_test_selection"] == ["tests/lambdas"]
    assert settings["also_copy"] == ["lambda_src", "packages", "pyproject.toml", "pytest.ini"]


@pytest.mark.parametrize("folder", [*mutants.TESTS, *mutants.TESTS.values()])
def test_sources_and_their_tests_exist(folder: str) -> None:
    assert (mutants.ROOT / folder).exists()


MUTATED = """def same(value):
    return value + 1


class Counter:
    def up(self, by):
        self.value = by
        self.value = by


def x_same__mutmut_orig(value):
    return value + 1


def x_same__mutmut_1(value):
    return value - 1


def x_same__mutmut_2(value):
    return value + 2


class Generated:
    def xǁCounterǁup__mutmut_orig(self, by):
        self.value = by
        self.value = by

    def xǁCounterǁup__mutmut_1(self, by):
        self.value = None
        self.value = by

    def xǁCounterǁup__mutmut_2(self, by):
        self.value = by
        self.value = None
"""
MINUS = mutants.Mutant("lambda_src/counter.py", "same", "return value + 1 => return value - 1")
PLUS = mutants.Mutant("lambda_src/counter.py", "same", "return value + 1 => return value + 2")
UP = mutants.Mutant("lambda_src/counter.py", "Counter.up", "self.value = by => self.value = None")


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_a_mutant_is_known_by_its_change(
    first: int, second: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of mutmut change with every line; two equal changes survive when one of them does."""
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "COPY", tmp_path / "build")
    codes = {"x_same__mutmut_1": 0, "x_same__mutmut_2": 37, "xǁCounterǁup__mutmut_1": first}
    codes["xǁCounterǁup__mutmut_2"] = second
    meta: dict[str, dict[str, object]] = {
        f"{key}_by_key": {} for key in ("type_check_error", "durations", "estimated_durations")
    }
    meta |= {"durations_by_key": {}, "hash_by_function_name": {}}
    meta["exit_code_by_key"] = {f"counter.{key}": code for key, code in codes.items()}
    for name, text in (
        ("lambda_src/counter.py", "x = 1\n"),
        ("build/src/counter.py", "x = 1\n"),
        ("build/mutants/src/counter.py", MUTATED),
        ("build/mutants/src/counter.py.meta", json.dumps(meta)),
        ("build/pyproject.toml", '[tool.mutmut]\nsource_paths = ["src"]\n'),
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert mutants.judged() == {MINUS: "survived", PLUS: "caught by type check", UP: "survived"}


def test_a_survivor_is_listed_and_what_is_listed_survives(capsys: pytest.CaptureFixture[str]) -> None:
    found = {MINUS: "survived", PLUS: "killed", UP: "timeout"}
    assert mutants.report("lambda_src", found, {MINUS: "why", UP._replace(file="ops/other.py"): "elsewhere"}) == 0
    assert capsys.readouterr().out == (
        "lambda_src: 3 mutants, 1 survived, 1 killed, 1 timeout; 1 survive (33.3%), 1 listed\n"
    )
    assert mutants.report("lambda_src", found, {}) == 1
    assert 'lambda_src/counter.py: same survives and is not listed:\n    "return value' in capsys.readouterr().out
    assert mutants.report("lambda_src", found, {MINUS: "why", PLUS: "gone"}) == 1
    assert "lambda_src/counter.py: same is listed and does not survive:" in capsys.readouterr().out
    assert mutants.report("lambda_src", {**found, UP: "no tests"}, {MINUS: "why"}) == 1
    assert mutants.report("packages/guards/src", found, {}) == 0


def test_every_listed_survivor_has_its_place_and_its_reason() -> None:
    listed = mutants.accepted()
    for mutant, reason in listed.items():
        was, _, now = mutant.change.partition(" => ")
        assert mutants.places_of(mutant.file)[0] not in mutants.UNLISTED
        assert (mutants.ROOT / mutant.file).is_file(), mutant
        assert was != now, mutant
        assert reason.endswith("."), mutant

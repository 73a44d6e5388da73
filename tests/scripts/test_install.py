"""Which Node is used, what is planned, and how uv hands over to pip."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import install
from scripts.parts import InstallError, Part

ROOT = Path(__file__).resolve().parents[2]
Commands = list[list[str]]


def _program(folder: Path, name: str, output: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {output}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Record commands instead of running them."""
    recorded: Commands = []
    monkeypatch.setattr(install, "run_quietly", lambda *words, **_: recorded.append([str(word) for word in words]))
    return recorded


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("v22.3.0", True), ("v24.19.0", True), ("v20.20.2", False), ("v25.0.0", False), ("broken", False)],
)
def test_only_supported_versions_of_node_are_used(tmp_path: Path, version: str, *, accepted: bool) -> None:
    _program(tmp_path / "bin", "node", version)
    _program(tmp_path / "bin", "npm", "11.0.0")
    found = install.find_node(str(tmp_path / "bin"))
    assert found == (tmp_path / "bin" if accepted else None)


def test_a_node_without_npm_is_not_used(tmp_path: Path) -> None:
    _program(tmp_path / "bin", "node", "v24.0.0")
    assert install.find_node(str(tmp_path / "bin")) is None


def test_no_node_at_all_is_not_an_error(tmp_path: Path) -> None:
    assert install.find_node(str(tmp_path)) is None


def test_own_folders_are_no_input_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own", "foreign"):
        _program(tmp_path / name, "node", "v24.0.0")
        _program(tmp_path / name, "npm", "11.0.0")
    (tmp_path / "own" / "package.json").write_text((ROOT / "package.json").read_text())
    monkeypatch.setattr(install, "ROOT", tmp_path / "own")
    path = os.pathsep.join([str(tmp_path / "own"), "", str(tmp_path / "foreign")])
    assert install.find_node(path) == tmp_path / "foreign"


def _plan(monkeypatch: pytest.MonkeyPatch, node: Path | None, *, tools: bool = True) -> dict[str, Part]:
    monkeypatch.setattr(install, "find_node", lambda *_: node)
    return {part.folder.name: part for part in install.plan(tools=tools)}


def test_four_parts_in_the_order_of_their_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(_plan(monkeypatch, None)) == [".venv", "emulator-venv", "service-venv", "node_modules"]


def test_node_comes_through_pip_only_where_none_is_supported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands: Commands
) -> None:
    monkeypatch.setattr(install, "create_environment", lambda *_: None)
    without = _plan(monkeypatch, None)[".venv"]
    with_node = _plan(monkeypatch, tmp_path)[".venv"]
    assert without.fingerprint() != with_node.fingerprint()
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    without.build()
    assert any("requirements/node.txt" in word for command in commands for word in command)
    commands.clear()
    with_node.build()
    assert commands
    assert not any("requirements/node.txt" in word for command in commands for word in command)


def test_the_platform_alone_needs_no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands: Commands) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(install, "create_environment", lambda *_: None)
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    for tools in (False, True):
        commands.clear()
        plan = _plan(monkeypatch, tmp_path, tools=tools)
        plan[tmp_path.name].build()
        plan["node_modules"].build()
        words = [word for command in commands for word in command]
        assert str(ROOT / "requirements.txt") in words
        assert (str(ROOT / "requirements" / "dev.txt") in words) is tools
        assert ("--omit=dev" in words) is not tools


def test_who_once_asked_for_the_tools_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(install, "TOOLS", tmp_path / "tools-wanted")

    def plan(*, tools: bool) -> list[Part]:
        asked.append(tools)
        return []

    monkeypatch.setattr(install, "plan", plan)
    for arguments in (["--platform"], [], ["--platform"]):
        assert install.main(arguments) == 0
    assert asked == [False, True, True]


def test_a_package_that_joins_the_repository_is_installed_into_a_finished_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inputs = _plan(monkeypatch, tmp_path, tools=False)[".venv"].inputs
    declared = {file for file in inputs if file.parent.parent == ROOT / "packages"}
    assert declared == set(ROOT.glob("packages/*/pyproject.toml"))


@pytest.mark.parametrize(("name", "compiled"), [("emulator-venv", False), ("service-venv", True)])
def test_what_tasks_import_is_compiled_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands: Commands, name: str, *, compiled: bool
) -> None:
    monkeypatch.setattr(install, "create_environment", lambda *_: None)
    part = _plan(monkeypatch, tmp_path)[name]
    part.build()
    assert ("compileall" in commands[-1] and commands[-1][-1] == str(part.folder / "lib")) is compiled


def test_uv_does_the_work_with_hashes(commands: Commands, tmp_path: Path) -> None:
    install.install_packages(tmp_path, [tmp_path / "a.txt", tmp_path / "b.txt"], "guards")
    command, link = commands
    assert command[1:4] == ["pip", "sync", "--require-hashes"]
    assert command[-2:] == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert link[-2:] == ["--editable", str(ROOT / "packages" / "guards")]


def test_pip_takes_over_where_uv_fails_and_checks_hashes_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded: Commands = []

    def run(*words: str | Path, **_: str) -> None:
        recorded.append([str(word) for word in words])
        if "sync" in words:
            raise InstallError("no route to the index")

    monkeypatch.setattr(install, "run_quietly", run)
    install.install_packages(tmp_path, [tmp_path / "a.txt"])
    assert recorded[-1][1:5] == ["-m", "pip", "--python", str(tmp_path / "bin" / "python")]
    assert "--require-hashes" in recorded[-1]
    assert recorded[-1][-2:] == ["-r", str(tmp_path / "a.txt")]
    assert "trying pip" in capsys.readouterr().out


def test_the_cdk_command_is_linked_into_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands: Commands
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cdk").write_text("stale")
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    _plan(monkeypatch, tmp_path / "node")["node_modules"].build()
    assert commands == [[str(tmp_path / "node" / "npm"), "ci", "--ignore-scripts"]]
    assert (tmp_path / "bin" / "cdk").readlink() == Path("../../node_modules/.bin/cdk")


def test_a_healthy_environment_is_not_created_again(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    install.create_environment(tmp_path)
    assert commands == []


@pytest.mark.parametrize("body", [None, "#!/bin/sh\nexit 1\n"])
def test_a_missing_or_broken_environment_is_created_from_scratch(
    commands: Commands, tmp_path: Path, body: str | None
) -> None:
    (tmp_path / "bin").mkdir()
    if body is not None:
        (tmp_path / "bin" / "python").write_text(body)
        (tmp_path / "bin" / "python").chmod(0o755)
    install.create_environment(tmp_path)
    assert [command[1:] for command in commands] == [["-m", "venv", "--clear", str(tmp_path)]]


def _raise(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InstallError("npm has no network"), 1, "install: npm has no network\n"),
        (KeyboardInterrupt(), 130, "install: interrupted; the next run resumes here\n"),
    ],
)
def test_failures_are_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    part = Part(ROOT / "made-up", "a part", [], "x", tmp_path / "proof", _raise(error))
    monkeypatch.setattr(install, "plan", lambda **_: [part])
    assert install.main(["--platform"]) == code
    assert capsys.readouterr().err == line


def test_an_up_to_date_installation_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, commands: Commands, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    part = Part(tmp_path, "a part", [], "same", tmp_path, lambda: None)
    part.run()
    monkeypatch.setattr(install, "plan", lambda **_: [part])
    assert install.main(["--platform"]) == 0
    assert commands == []
    assert capsys.readouterr().out == "install: up to date\n"

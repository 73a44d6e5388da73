"""The search for a usable Python, against folders of made-up interpreters."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "find-python.sh"
REAL = sys.executable
GOOD = f'exec "{REAL}" "$@"'
SHIM_WITHOUT_PYTHON = 'echo "pyenv: command not found" >&2; exit 127'
OLD = f'exec "{REAL}" -c "import sys; sys.version_info = (3, 9, 18); exec(sys.argv[1])" "$2"'
WITHOUT_ENSUREPIP = f"""exec "{REAL}" -c "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])" "$2" """


class Machine:
    """A project folder and a PATH that holds only what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "machine"
        self.bin.mkdir()
        (root / "project" / "tools").mkdir(parents=True)
        self.script = Path(shutil.copy(SCRIPT, root / "project" / "tools"))

    def add(self, name: str, body: str, folder: Path | None = None) -> Path:
        program = (folder or self.bin) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return program

    def search(self, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), **variables}
        return subprocess.run(
            ["/bin/sh", str(self.script)], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line of a refusal."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_the_newest_supported_python_wins(machine: Machine) -> None:
    machine.add("python3", GOOD)
    machine.add("python3.11", GOOD)
    newest = machine.add("python3.13", GOOD)
    assert machine.search().stdout.strip() == str(newest)


def test_plain_python3_is_enough(machine: Machine) -> None:
    only = machine.add("python3", GOOD)
    assert machine.search().stdout.strip() == str(only)


def test_a_shim_without_a_python_behind_it_is_passed_over(machine: Machine) -> None:
    machine.add("python3.14", SHIM_WITHOUT_PYTHON)
    real = machine.add("python3.12", GOOD)
    assert machine.search().stdout.strip() == str(real)


def test_an_old_python3_is_passed_over_and_named(machine: Machine) -> None:
    machine.add("python3", OLD)
    line = _refusal(machine.search())
    assert "No Python 3.11 or newer found (python3 is Python 3.9; 3.11 or newer is needed)" in line
    assert "make install PYTHON=" in line


def test_no_python_at_all_is_one_line(machine: Machine) -> None:
    assert _refusal(machine.search()).startswith("No Python 3.11 or newer found. Install one")


def test_debian_without_venv_names_the_package(machine: Machine) -> None:
    machine.add("python3", WITHOUT_ENSUREPIP)
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in _refusal(machine.search())


def test_the_variable_overrides_a_newer_one(machine: Machine) -> None:
    machine.add("python3.14", GOOD)
    chosen = machine.add("python3.11", GOOD)
    assert machine.search(PYTHON="python3.11").stdout.strip() == str(chosen)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "was not found"),
        (OLD, "is Python 3.9; 3.11 or newer is needed"),
        (SHIM_WITHOUT_PYTHON, "pyenv: command not found"),
    ],
)
def test_an_unusable_choice_is_refused_even_if_others_would_do(machine: Machine, body: str | None, reason: str) -> None:
    machine.add("python3.12", GOOD)
    if body is not None:
        machine.add("mypython", body)
    line = _refusal(machine.search(PYTHON="mypython"))
    assert line.startswith(f"PYTHON=mypython {reason}")
    assert "make install PYTHON=" in line


def test_a_working_environment_is_kept(machine: Machine) -> None:
    machine.add("python3.14", GOOD)
    inner = machine.add("python", GOOD, folder=machine.script.parents[1] / ".venv" / "bin")
    assert Path(machine.search().stdout.strip()).samefile(inner)


def test_a_broken_environment_is_not_used(machine: Machine) -> None:
    outer = machine.add("python3.12", GOOD)
    machine.add("python", SHIM_WITHOUT_PYTHON, folder=machine.script.parents[1] / ".venv" / "bin")
    assert machine.search().stdout.strip() == str(outer)

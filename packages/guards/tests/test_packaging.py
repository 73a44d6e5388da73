"""`pip install ./packages/guards` puts the guards alone into another project; their README says how to use them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from breakwater_guards import __version__, cli
from breakwater_guards.engine import all_rules

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "src" / "breakwater_guards"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
BROKEN = Path(__file__).parent / "fixtures" / "DR-AURORA-01" / "bad.yaml"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package into a folder, built from a copy as pip would, and PyYAML."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(PROJECT, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "tests"))
    install = ["uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--python", sys.executable, "--target", str(folder / "site"), str(source)], check=True)
    shutil.copytree(Path(yaml.__file__).parent, folder / "site" / "yaml")
    return folder / "site"


def _run(installed: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a Python that sees the installed package and the standard library, and nothing of this project."""
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); from breakwater_guards.cli import run; run()"
    # -I: neither the current folder nor PYTHONPATH; -S: no site-packages.
    command = [sys.executable, "-I", "-S", "-c", program, *arguments]
    return subprocess.run(command, cwd=installed.parent, capture_output=True, text=True, check=False)


def test_the_installed_package_judges(installed: Path) -> None:
    done = _run(installed, ["check", str(BROKEN), "--format", "github"])
    assert done.stderr == ""
    assert done.returncode == cli.FOUND
    assert "DR-AURORA-01" in done.stdout


def test_the_installed_package_has_every_rule_and_every_fact(installed: Path) -> None:
    listed = _run(installed, ["list"]).stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(all_rules())
    facts = {path.name for path in (PACKAGE / "facts" / "data").iterdir()}
    assert {path.name for path in (installed / "breakwater_guards" / "facts" / "data").iterdir()} == facts
    assert (installed / "breakwater_guards" / "py.typed").is_file()


def test_every_module_is_in_the_package(installed: Path) -> None:
    def modules(folder: Path) -> set[str]:
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}

    assert modules(installed / "breakwater_guards") == modules(PACKAGE)


def test_the_command_is_installed_under_the_name_in_the_readme(installed: Path) -> None:
    script = (installed / "bin" / "breakwater-guards").read_text(encoding="utf-8")
    assert "from breakwater_guards.cli import run" in script
    assert "breakwater-guards check" in README


def test_the_version_is_one() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert project["dependencies"] == ["pyyaml>=6"]


def test_every_command_in_the_readme_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [re.split("[#>]", line)[0].split()[1:] for line in re.findall(r"breakwater-guards [a-z][^`\n]*", README)]
    assert ["check", "cdk.out", "--format", "github"] in commands
    for words in commands:
        options = cli._parser().parse_args(words)
        assert callable(options.run), words
    assert capsys.readouterr().err == ""


def test_the_options_in_the_readme_are_all_there_are() -> None:
    rows = re.findall(r"^\| `(--[^`]+)` \|", README, re.MULTILINE)
    documented = {option: values for option, _, values in (row.partition(" ") for row in rows)}
    checking = next(action for action in cli._parser()._actions if action.choices).choices
    assert isinstance(checking, dict)
    for action in checking["check"]._actions:
        for option in action.option_strings:
            if option.startswith("--") and option != "--help":
                assert option in documented
                if "|" in documented[option]:
                    assert set(documented[option].split("\\|")) == set(action.choices)


def test_the_workflow_in_the_readme_is_a_workflow() -> None:
    (text,) = re.findall(r"```yaml\n(# \.github/workflows.*?)```", README, re.DOTALL)
    steps = yaml.safe_load(text)["jobs"]["guards"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands.index("npx cdk synth --quiet") < commands.index("breakwater-guards check cdk.out --format github")
    versions = [step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")]
    assert versions
    assert all(tuple(map(int, version.split("."))) >= (3, 11) for version in versions)

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

from breakwater_guards import Profile, __version__, cli
from breakwater_guards.engine import all_rules
from breakwater_guards.tools import TOOLS

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


def test_the_example_in_the_readme_has_todays_number_of_rules() -> None:
    judging = [each for each in all_rules().values() if Profile.SINGLE_REGION in each.profiles]
    assert f"\n{len(judging)} rules: 1 error, 0 warnings, 0 acknowledged\n" in README


def test_the_version_is_one_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert project["dependencies"] == ["pyyaml>=6"]
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"breakwater-guards {project['version']}\n"


def test_every_command_in_the_readme_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [re.split("[#>]", line)[0].split()[1:] for line in re.findall(r"breakwater-guards [a-z][^`\n]*", README)]
    assert ["check", "cdk.out", "--baseline", "guards-baseline.json"] in commands
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
    assert steps[-2] == {"run": "npx cdk synth --quiet"}
    action = yaml.safe_load((PROJECT.parents[1] / "action.yml").read_text(encoding="utf-8"))
    assert set(steps[-1]["with"]) <= set(action["inputs"])
    assert all(tool in TOOLS for tool in steps[-1]["with"]["with"].split(","))


@pytest.mark.parametrize("others", ["", "cfn-lint,cdk-preflight"])
def test_the_action_runs_what_it_is_given(tmp_path: Path, others: str) -> None:
    action = yaml.safe_load((PROJECT.parents[1] / "action.yml").read_text(encoding="utf-8"))
    setup, step = action["runs"]["steps"]
    assert tuple(map(int, setup["with"]["python-version"].split("."))) >= (3, 11)
    assert "${{" not in step["run"], "an input is no part of the script"
    (tmp_path / "guards" / "bin").mkdir(parents=True)
    for name in ("pip", "breakwater-guards"):
        program = tmp_path / "guards" / "bin" / name
        program.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done > {tmp_path}/{name}.log\n', encoding="utf-8")
        program.chmod(0o755)
    (tmp_path / "python").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    given = {"PATHS": "a.yaml cdk.out", "OPTIONS": "--fail-on error", "OTHERS": others, "GUARDS": "/g"}
    environment = {**given, "RUNNER_TEMP": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-ec", step["run"]], env=environment, check=True)
    asked = [word for tool in filter(None, others.split(",")) for word in ("--with", tool)]
    words = (tmp_path / "breakwater-guards.log").read_text(encoding="utf-8").split()
    assert words == ["check", "--format", "github", "a.yaml", "cdk.out", "--fail-on", "error", *asked]
    assert cli._parser().parse_args(words).paths == ["a.yaml", "cdk.out"]
    installed = (tmp_path / "pip.log").read_text(encoding="utf-8").split()[-1]
    assert installed == (f"/g[{others}]" if others else "/g")

"""Break functions, drills, checks and guards on purpose, one expression at a time, and list what no test notices.

mutmut does the work. It wants every package directly below `src/` or the top folder, and this repository has them below
`lambda_src/` and `packages/*/src/` as well, so it runs in a copy, `build/mutants`, that has them in both places.
A mutant that mypy refuses needs no test. See docs/decisions/018-mutmut-and-template-snapshots.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mutmut.configuration import reset_config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
LISTED = ROOT / "tests" / "survivors.toml"
KILLED = ("killed", "timeout", "caught by type check")
# The tests that judge the mutants of each source folder or file.
TESTS = {
    "lambda_src": "tests/lambdas",
    "ops/outputs.py": "tests/ops/test_outputs.py",
    "ops/preflight": "tests/ops/preflight",
    "packages/drills/src": "packages/drills/tests",
    "packages/guards/src": "packages/guards/tests",
}
BELOW_SRC = ("lambda_src", "packages/drills/src", "packages/guards/src")
# Their survivors are hints: `tests/survivors.toml` lists those of the other folders, each with its reason.
UNLISTED = ("packages/guards/src",)
PYTHON_PATH = ". src packages/drills/tests packages/guards/tests packages/embedded_aws/src packages/embedded_aws/tests"
# Not the settings of pyproject.toml: a mutant is refused for a wrong type only, not for a branch that it never takes,
# which a test should notice. What takes minutes to read is taken for Any.
MYPY = """[mypy]
explicit_package_bases = True
ignore_missing_imports = True
[mypy-aws_cdk.*,jsii.*,moto.*]
follow_imports = skip
"""
# A test that builds a wheel, runs a copy of the command or asks the network judges the unbroken program; hundreds of
# generated drills for each mutant of a drill would take days.
LEFT_OUT = (
    "test_packaging.py",
    "test_fuzz.py",
    "test_plugin_process.py",
    "test_truth.py",
    "test_failover_interleavings.py",
    "test_restore_states.py",
)
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "cdk.out", "node_modules", "evidence")


def places_of(path: str) -> tuple[str, list[str]]:
    """Find a file or folder in the copy.

    Args:
        path: A file or folder in one of the source folders, relative to the top folder.

    Returns:
        The source folder, and the places of the path in the copy: those of its packages for a whole folder, since the
        copy has the packages of every source folder side by side.

    Raises:
        ValueError: The path is in none of the source folders.
    """
    for folder in TESTS:
        if path.rstrip("/") == folder or path.startswith(f"{folder}/"):
            if folder not in BELOW_SRC:
                return folder, [path.rstrip("/")]
            below = path.rstrip("/").removeprefix(folder)
            packages = sorted({f"src/{each.parent.name}" for each in (ROOT / folder).glob("*/*.py")})
            return folder, [f"src{below}"] if below else packages
    raise ValueError(f"{path} is not mutated: name a file or folder in {', '.join(TESTS)}")


def lay_out(folders: Sequence[str], places: Sequence[str]) -> None:
    """Renew the copy, and write the settings of mutmut and pytest into it.

    Args:
        folders: The source folders, for whose tests to run.
        places: Files and folders of the copy to mutate.
    """
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=NOT_COPIED)
    for folder in BELOW_SRC:
        shutil.copytree(COPY / folder, COPY / "src", dirs_exist_ok=True)
    mypy = [sys.executable, "-m", "mypy", f"--config-file={COPY / 'mypy.ini'}", "--output=json"]
    mypy += [f"--cache-dir={COPY.with_name('mutants-mypy')}"]
    # A mutant of the guards changes what mypy infers elsewhere, where mutmut can blame no mutant: it would give up.
    typed = [place for place in places if not place.startswith("src/breakwater_guards")]
    settings = {
        "source_paths": ["src", "ops"],
        "only_mutate": [place if place.endswith(".py") else f"{place}/*" for place in places],
        "also_copy": sorted({"pytest.ini", *(path.name for path in COPY.iterdir())} - {"src"}),
        "pytest_add_cli_args_test_selection": [TESTS[folder] for folder in folders],
        # Named, since a package's own pyproject.toml would put its unbroken source first.
        "pytest_add_cli_args": [
            "-c",
            "pytest.ini",
            "-p",
            "no:cacheprovider",
            *(f"--ignore-glob=*/{name}" for name in LEFT_OUT),
        ],
        "type_check_command": [*mypy, *typed] if typed else [],
    }
    (COPY / "mypy.ini").write_text(MYPY, encoding="utf-8")
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    own = (COPY / "pyproject.toml").read_text(encoding="utf-8")  # it says, e.g., which version the platform has
    (COPY / "pyproject.toml").write_text("\n".join([own, "[tool.mutmut]", *lines, ""]), encoding="utf-8")
    (COPY / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {PYTHON_PATH}\naddopts = --import-mode=importlib\n", encoding="utf-8"
    )


class Mutant(NamedTuple):
    """A mutant, by what does not change when others come or go."""

    file: str
    function: str
    change: str


def judged() -> dict[Mutant, str]:
    """Read what mutmut found in the copy.

    Returns:
        The status of each mutant in mutmut's words. Equal changes of one function count as one mutant, which survives
        when one of them does.
    """
    found: dict[Mutant, str] = {}
    with contextlib.chdir(COPY):
        reset_config()
        for path in walk_mutatable_files():
            data = SourceFileMutationData(path=path)
            data.load()
            for key, code in data.exit_code_by_key.items():
                mutant = _mutant(str(path), key)
                if found.get(mutant, "killed") in KILLED:
                    found[mutant] = status_by_exit_code[code]
    return found


def _mutant(path: str, key: str) -> Mutant:
    name, owner = orig_function_and_class_names_from_key(key)
    lines = get_diff_for_mutant(key, path=path).splitlines()[3:]
    was, now = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    originals = [path.replace("src", folder, 1) for folder in BELOW_SRC] if path.startswith("src/") else [path]
    file = next(original for original in originals if (ROOT / original).exists())
    return Mutant(file, f"{owner}.{name}" if owner else name, f"{was} => {now}")


def accepted() -> dict[Mutant, str]:
    """Read the list of survivors that are no gap in the tests.

    Returns:
        The reason of each.
    """
    entries = tomllib.loads(LISTED.read_text(encoding="utf-8")).get("survivor", [])
    return {
        Mutant(each["file"], each["function"], change): each["reason"] for each in entries for change in each["changes"]
    }


def report(folder: str, mutants: Mapping[Mutant, str], reasons: Mapping[Mutant, str]) -> int:
    """Print how many mutants of a folder survive, and how they differ from the list.

    Args:
        folder: The source folder or file.
        mutants: Its mutants with their status.
        reasons: The listed survivors.

    Returns:
        0 when exactly the listed mutants survive, 1 when others do or fewer.
    """
    survivors = {mutant for mutant, status in mutants.items() if status not in KILLED}
    files = {mutant.file for mutant in mutants}
    listed = {mutant for mutant in reasons if mutant.file in files}
    share = f"{len(survivors) / max(len(mutants), 1):.1%}"
    counts = ", ".join(f"{count} {status}" for status, count in Counter(mutants.values()).most_common())
    print(f"{folder}: {len(mutants)} mutants, {counts}; {len(survivors)} survive ({share}), {len(listed)} listed")
    wrong = [("survives and is not listed", survivors - listed), ("is listed and does not survive", listed - survivors)]
    for told, which in wrong:
        for mutant in sorted(which):
            print(f"{mutant.file}: {mutant.function} {told}:\n    {json.dumps(mutant.change, ensure_ascii=False)}")
    return int(survivors != listed and folder not in UNLISTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge mutants, and compare the survivors with those that are listed.

    Args:
        arguments: Words of the command line; those of the process by default.

    Returns:
        The exit code: 0 when exactly the listed mutants survive, 1 when others do or fewer, 2 for a path that is not
        mutated; mutmut's when it fails.
    """
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("path", nargs="*", default=list(TESTS), help="files or folders; all that is mutated by default")
    parser.add_argument("--max-children", default="2", help="how many mutants are judged at a time; 2 by default")
    options = parser.parse_args(arguments)
    try:
        chosen = [places_of(path) for path in options.path]
    except ValueError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    lay_out(sorted({folder for folder, _ in chosen}), [place for _, places in chosen for place in places])
    mutmut = Path(sys.executable).with_name("mutmut")
    environment = os.environ | {"MYPYPATH": PYTHON_PATH.replace(" ", os.pathsep)}
    run = subprocess.run(
        [mutmut, "run", "--max-children", options.max_children], cwd=COPY, env=environment, check=False
    )
    if run.returncode:
        return run.returncode
    mutants, reasons = judged(), accepted()
    return max(
        report(folder, {each: status for each, status in mutants.items() if _within(each.file, folder)}, reasons)
        for folder in dict(chosen)
    )


def _within(file: str, folder: str) -> bool:
    return f"{file}/".startswith(f"{folder}/")


if __name__ == "__main__":
    sys.exit(main())

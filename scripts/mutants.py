"""Break functions, drills and guards on purpose, one expression at a time, and list what no test notices.

mutmut does the work. It wants every package directly below `src/`, and this repository has them below `lambda_src/` and
`packages/*/src/`, so it runs in a copy, `build/mutants`, that has them in both places.
See docs/decisions/018-mutmut-and-template-snapshots.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
# The tests that judge the mutants of each source folder.
TESTS = {
    "lambda_src": "tests/lambdas",
    "packages/drills/src": "packages/drills/tests",
    "packages/guards/src": "packages/guards/tests",
}
PYTHON_PATH = ". src packages/drills/tests packages/guards/tests packages/embedded_aws/src packages/embedded_aws/tests"
# A test that builds a wheel, runs a copy of the command or asks the network judges the unbroken program.
LEFT_OUT = ("test_packaging.py", "test_fuzz.py", "test_plugin_process.py")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "cdk.out", "node_modules", "evidence")


def place_of(path: str) -> tuple[str, str]:
    """Find a file or folder in the copy.

    Args:
        path: A file or folder in one of the source folders, relative to the top folder.

    Returns:
        The source folder, and mutmut's pattern for the path in the copy.

    Raises:
        ValueError: The path is in none of the source folders.
    """
    for folder in TESTS:
        if path.rstrip("/") == folder or path.startswith(f"{folder}/"):
            copied = path.replace(folder, "src", 1)
            return folder, copied if copied.endswith(".py") else f"{copied.rstrip('/')}/*"
    raise ValueError(f"{path} is not mutated: name a file or folder in {', '.join(TESTS)}")


def lay_out(folders: Sequence[str], patterns: Sequence[str]) -> None:
    """Renew the copy, and write the settings of mutmut and pytest into it.

    Args:
        folders: The source folders, for whose tests to run.
        patterns: What to mutate, as mutmut's patterns.
    """
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=NOT_COPIED)
    for folder in TESTS:
        shutil.copytree(COPY / folder, COPY / "src", dirs_exist_ok=True)
    settings = {
        "source_paths": ["src"],
        "only_mutate": patterns,
        "also_copy": sorted({"pytest.ini", *(path.name for path in COPY.iterdir())} - {"src"}),
        "pytest_add_cli_args_test_selection": [TESTS[folder] for folder in folders],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *(f"--ignore-glob=*/{name}" for name in LEFT_OUT)],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (COPY / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]), encoding="utf-8")
    (COPY / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {PYTHON_PATH}\naddopts = --import-mode=importlib\n", encoding="utf-8"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge mutants and print the survivors.

    Args:
        arguments: Words of the command line; those of the process by default.

    Returns:
        The exit code: mutmut's, 2 for a path that is not mutated.
    """
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("path", nargs="*", default=list(TESTS), help="files or folders; all that is mutated by default")
    try:
        chosen = [place_of(path) for path in parser.parse_args(arguments).path]
    except ValueError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    lay_out(sorted({folder for folder, _ in chosen}), [pattern for _, pattern in chosen])
    mutmut = Path(sys.executable).with_name("mutmut")
    run = subprocess.run([mutmut, "run"], cwd=COPY, check=False)
    subprocess.run([mutmut, "results"], cwd=COPY, check=False)
    print(f"`mutmut show NAME` in {COPY.relative_to(ROOT)} prints the difference of a survivor.")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())

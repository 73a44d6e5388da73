"""The arrows of docs/architecture.md: who may import whom, and no circle anywhere.

Every import statement counts: at the top of a module, inside a function, and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.assembly import ROOT

PLATFORM = ("app", "stacks", "ops", "scripts", "tests")
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/src"))
# Folders from which modules are imported by name, each with what is looked for in it.
SOURCES = {
    ROOT: tuple(f"{name}.py" if name == "app" else f"{name}/**/*.py" for name in PLATFORM),
    **{ROOT / name: ("**/*.py",) for name in ("lambda_src", "service")},
    **dict.fromkeys(ROOT.glob("packages/*/src"), ("**/*.py",)),
    **dict.fromkeys(ROOT.glob("packages/*/tests"), ("**/*.py",)),
}


@cache
def modules() -> dict[str, Path]:
    """Return the file of every module of the repository, by the name under which it is imported.

    Of two test modules with the same name, which nobody imports, the second has its path for a name.
    """
    found = {}
    for source, patterns in SOURCES.items():
        for file in (file for pattern in patterns for file in source.glob(pattern)):
            parts = file.relative_to(source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name if name not in found else file.relative_to(ROOT).as_posix()] = file
    return found


@cache
def graph() -> dict[str, set[str]]:
    """Return the modules of the repository that each of them imports."""
    return {name: set(_imports(name, file)) - {name} for name, file in modules().items() if name}


def _imports(name: str, file: Path) -> Iterator[str]:
    package = name.split(".") if file.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*origin, *([node.module] if node.module else [])])
            for imported in (f"{base}.{alias.name}" for alias in node.names):
                yield from ([imported] if imported in modules() else [base] if base in modules() else [])


def imported_from(folder: str) -> set[tuple[str, str]]:
    """Return every import in a folder of the repository: the module, and the first part of what it imports."""
    inside = {name for name, file in modules().items() if file.is_relative_to(ROOT / folder)}
    return {(name, target.split(".")[0]) for name in inside & graph().keys() for target in graph()[name]}


def test_there_is_no_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" ← ".join(error.args[1]))


@pytest.mark.parametrize("folder", ["app.py", "stacks", "lambda_src", "ops", "scripts", "service", "packages"])
def test_nothing_but_tests_imports_tests(folder: str) -> None:
    assert {pair for pair in imported_from(folder) if pair[1] == "tests"} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_nothing_of_the_platform_and_no_other_package(package: str) -> None:
    own = {name.split(".")[0] for name, file in modules().items() if file.is_relative_to(ROOT / "packages" / package)}
    assert {pair for pair in imported_from(f"packages/{package}") if pair[1] not in own} == set()


def test_the_stacks_import_only_themselves() -> None:
    assert {pair for pair in imported_from("stacks") if pair[1] != "stacks"} == set()


@pytest.mark.parametrize("folder", ["lambda_src", "service"])
def test_what_is_deployed_imports_only_itself(folder: str) -> None:
    own = {name.split(".")[0] for name, file in modules().items() if file.is_relative_to(ROOT / folder)}
    assert {pair for pair in imported_from(folder) if pair[1] not in own} == set()


def test_the_walk_sees_every_kind_of_import() -> None:
    assert "breakwater_guards.plugin" in graph()["app"], "inside `try`"
    assert "breakwater_guards.reading.yaml_events" in graph()["breakwater_guards.reading.files"], "inside a function"
    assert len(graph()) > 300

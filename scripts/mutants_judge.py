"""Decides whether the tests notice a mutation, in a process that stays warm from one mutation to the next.

Starting Python, aws-cdk-lib and the jsii kernel takes longer than judging does, so one process judges many mutations:
it writes the mistake into a copy of the repository of its own, forgets every module of the project, imports them
again, synthesizes, and runs pytest where it stands.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.mutants_source import Mutation

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "stacks", "tests", "common", "failover", "health_monitor", "restore_validation")
# Code of the functions: no template shows it, and tests of its own judge it.
FUNCTIONS = "lambda_src/"
# Judged by all tests, template or no template.
RULES = ("stacks/names.py", "stacks/settings/")
# Settings are declared in these; what each one accepts is in one table of the tests.
DECLARATIONS = ("fields", "foundation", "model", "workload")
KILLED, UNCHANGED, SURVIVED = "killed", "no template changes", "survived"
OPTIONS = (
    "-x",
    "-q",
    "--assert=plain",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:faulthandler",
    "-p",
    "no:unraisableexception",
)


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation.

    Attributes:
        status: `killed`, `survived`, or `no template changes` if no test failed and no template differs.
        reason: The first test that failed, or the exception at synth.
    """

    status: str
    reason: str = ""


class Judge:
    """A copy of the project, and what it deploys without any mutation.

    Args:
        project: The project; it is not written to.
        folder: An empty folder for the copy; everything that judging writes is in it.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        self._copy, self._scratch = folder / "copy", folder / "scratch"
        shutil.copytree(project, self._copy)
        self._scratch.mkdir()
        # Bytecode is found by time and size of its source, which a mutation may leave as they were.
        sys.dont_write_bytecode = True
        others = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
        sys.path[:] = [str(self._copy), str(self._copy / FUNCTIONS), *others]
        os.chdir(self._copy)
        profiles = importlib.import_module("tests.profiles").PROFILES
        self._assemblies = {profile: self._synthesize(profile) for profile in profiles}

    def check(self) -> str:
        """Runs the tests without a mutation.

        Returns:
            The first test that failed; empty when all is well.
        """
        try:
            return self._test(RULES[0])
        finally:
            self._tidy()

    def judge(self, mutation: Mutation) -> Verdict:
        """Makes one mistake, looks for its traces, and takes it back."""
        file = self._copy / mutation.path
        source = file.read_text(encoding="utf-8")
        file.write_text(mutation.apply(source), encoding="utf-8")
        self._forget()
        try:
            return self._verdict(mutation.path)
        except Exception as error:  # noqa: BLE001 (whatever a mutated app raises at synth, it was noticed)
            return Verdict(KILLED, f"synth: {type(error).__name__}: {str(error).strip().splitlines()[:1]}")
        finally:
            file.write_text(source, encoding="utf-8")
            self._tidy()

    def _verdict(self, path: str) -> Verdict:
        rules = path.startswith((*RULES, FUNCTIONS))
        changed = rules or any(self._synthesize(profile) != made for profile, made in self._assemblies.items())
        failed = self._test(path, of_templates=changed)
        if failed:
            return Verdict(KILLED, failed)
        return Verdict(SURVIVED if changed else UNCHANGED)

    def _synthesize(self, profile: str) -> dict[str, Any]:
        """What a profile deploys: its templates and its manifest. Tests of the same mutation find the assembly made."""
        tempfile.tempdir = str(self._scratch)
        made = self._assembler().assembly(profile)
        manifest = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
        return {"manifest": manifest, **{name: view.document for name, view in made.templates.items()}}

    def _assembler(self) -> Any:
        """The module that synthesizes for the tests, told to keep what it made: they run in two sessions."""
        module: Any = importlib.import_module("tests.assembly")
        module.made = list
        return module

    def _test(self, path: str, *, of_templates: bool = True) -> str:
        """Runs the tests that can notice a mutation of a file, the likeliest first; returns the first that failed."""
        self._assembler()
        fixtures = {"deployment", *(name.replace("-", "_") for name in self._assemblies)}
        likely, others = self._tests(path)
        unneeded: set[str] = set() if of_templates else fixtures
        return self._session(likely, unneeded) or self._session(others, unneeded)

    def _session(self, files: list[str], unneeded: set[str]) -> str:
        """Runs the tests of some files, but for those with the given fixtures; returns the first that failed."""
        watcher, words = _Watcher(unneeded), io.StringIO()
        where = [f"--rootdir={self._copy}", f"--basetemp={self._scratch / 'pytest'}"]
        if not files:
            return ""
        with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
            code = pytest.main([*OPTIONS, *where, *files], plugins=[watcher])
        if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return ""
        return watcher.failed or f"pytest ended with {code!r}: {words.getvalue()[-500:]}"

    def _tests(self, path: str) -> tuple[list[str], list[str]]:
        """The test files of a file by their names, and all others that can notice a mutation of it."""
        stem, tests = Path(path).stem, self._copy / "tests"
        if path.startswith(FUNCTIONS):
            package, every = Path(path).parent.name, sorted((tests / "lambdas").glob("test_*.py"))
            # `test_monitor_logic` is of `health_monitor`; what is common is in the tests of all.
            own = [file for file in every if file.stem.split("_")[1] in package]
            names = [[str(file.relative_to(self._copy)) for file in files] for files in (own, every)]
            return names[0], names[1] if package == "common" else []
        every = sorted((tests / "stacks").glob("test_*.py"))
        if path.startswith(RULES):
            every = [*sorted((tests / "settings").glob("test_*.py")), tests / "test_names.py", *every]
        likely, others = list[str](), list[str]()
        for file in every:
            # A test that starts processes sees the whole program, for seconds, and never the warm one.
            if "import subprocess" not in file.read_text(encoding="utf-8"):
                subject = file.stem.removeprefix("test_")
                namesake = subject in stem or stem in subject or (stem in DECLARATIONS and subject == "limits")
                (likely if namesake else others).append(str(file.relative_to(self._copy)))
        return likely, others

    def _forget(self) -> None:
        for name in list(sys.modules):
            if name.split(".")[0] in PACKAGES:
                del sys.modules[name]
        importlib.invalidate_caches()

    def _tidy(self) -> None:
        self._forget()
        for leftover in self._scratch.iterdir():
            shutil.rmtree(leftover, ignore_errors=True)


class _Watcher:
    """A pytest plugin that remembers what failed first, and leaves out tests with the given fixtures."""

    def __init__(self, unneeded: set[str]) -> None:
        self.failed = ""
        self._unneeded = unneeded

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Called by pytest when it knows all tests."""
        items[:] = [item for item in items if self._unneeded.isdisjoint(getattr(item, "fixturenames", ()))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each step of a test."""
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest after each file."""
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid} (at import)"

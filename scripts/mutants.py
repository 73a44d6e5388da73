"""Breaks stacks/ and lambda_src/ on purpose, one mistake at a time, and lists the mistakes that no test noticed.

A survivor is a property that nobody asserts: a mistake of the same kind would reach an account unseen. Why this is none
of the mutation testing packages: docs/decisions/012-mutation-run-of-our-own.md.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.mutants_finder import NextMember, mutations
from scripts.mutants_judge import FUNCTIONS, KILLED, ROOT, SURVIVED, UNCHANGED
from scripts.mutants_pool import Judged, MutantsError, judge_all
from scripts.mutants_source import Mutation

LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "build", "cdk.out", "node_modules")
SOURCES = ("stacks", "lambda_src")
SECONDS_BETWEEN_LINES = 15.0


def members_in(module: str) -> NextMember:
    """Finds members of the enumerations that a module can see.

    Args:
        module: Its dotted name; it is imported.

    Returns:
        A function from the text before the last dot and the member after it to the next member, or None.
    """
    namespace = vars(importlib.import_module(module))

    def next_member(base: str, member: str) -> str | None:
        value: object = None
        if re.fullmatch(r"\w+(\.\w+)*", base):
            first, *rest = base.split(".")
            value = namespace.get(first)
            for name in rest:
                value = getattr(value, name, None)
        if not (isinstance(value, enum.EnumMeta) and member in value.__members__):
            return None
        names = list(value.__members__)
        other = names[(names.index(member) + 1) % len(names)]
        return None if other == member else other

    return next_member


def find(project: Path, modules: Sequence[str]) -> list[Mutation]:
    """Lists all mutations.

    Args:
        project: Folder of the project.
        modules: Parts of paths, such as `kms` or `settings/`; empty for everything.

    Returns:
        Mutations in the order of files and lines.

    Raises:
        MutantsError: No file matches.
    """
    sources = [path for folder in SOURCES for path in sorted((project / folder).rglob("*.py"))]
    paths = [str(path.relative_to(project)) for path in sources]
    chosen = [path for path in paths if not modules or any(module in path for module in modules)]
    if not chosen:
        where, names = " or ".join(SOURCES), " or ".join(modules)
        raise MutantsError(f"no file of {where} is called {names}; there are {', '.join(paths)}")
    found: list[Mutation] = []
    # Where the functions' packages are, as Lambda sees them.
    sys.path.insert(0, str(project / FUNCTIONS))
    for path in chosen:
        module = path.removeprefix(FUNCTIONS).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found += mutations(path, (project / path).read_text(encoding="utf-8"), members_in(module))
    return found


def select(found: Sequence[Mutation], *, sample: int | None, limit: int | None) -> list[Mutation]:
    """Picks mutations: the same sample in every run, in the order of files and lines."""
    picked = list(found)
    if sample is not None and sample < len(picked):
        picked = sorted(random.Random(0).sample(picked, sample))  # noqa: S311 (a sample is no secret)
    return picked[:limit]


class Progress:
    """One line that says how far it is and how long it will take; on a terminal it overwrites itself."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._started = self._shown = time.monotonic()
        self._counts: Counter[str] = Counter()

    def count(self, judged: Judged) -> None:
        """Takes note of a verdict."""
        self._counts[judged.verdict.status] += 1
        done, now = self._counts.total(), time.monotonic()
        if self._console.is_terminal or done == self._total or now - self._shown > SECONDS_BETWEEN_LINES:
            self._shown = now
            left = (now - self._started) / done * (self._total - done) / 60
            counts = ", ".join(f"{self._counts[status]} {status}" for status in (KILLED, SURVIVED, UNCHANGED))
            end = "\r" if self._console.is_terminal and done < self._total else "\n"
            self._console.print(f"{done}/{self._total}  {counts}, {left:.0f} min left ", end=end, highlight=False)


def table(results: Sequence[Judged]) -> Table:
    """Draws what became of the mutations of each file."""
    result = Table(title="Mutations", show_footer=True)
    statuses = (KILLED, SURVIVED, UNCHANGED)
    totals = Counter(judged.verdict.status for judged in results)
    result.add_column("file", footer="all")
    for status in statuses:
        result.add_column(status, justify="right", footer=str(totals[status]))
    result.add_column("noticed", justify="right", footer=_share(totals))
    for path in dict.fromkeys(judged.mutation.path for judged in results):
        counts = Counter(judged.verdict.status for judged in results if judged.mutation.path == path)
        result.add_row(path, *(str(counts[status]) for status in statuses), _share(counts))
    return result


def _share(counts: Counter[str]) -> str:
    noticeable = counts[KILLED] + counts[SURVIVED]
    return f"{100 * counts[KILLED] / noticeable:.1f} %" if noticeable else "-"


def report(console: Console, project: Path, results: Sequence[Judged]) -> None:
    """Prints every survivor with its difference, then the table."""
    for judged in results:
        if judged.verdict.status == SURVIVED:
            mutation = judged.mutation
            console.print(f"{mutation.path}:{mutation.line}: {mutation.kind}", style="bold", markup=False)
            difference = mutation.diff((project / mutation.path).read_text(encoding="utf-8"))
            console.print(difference, markup=False, highlight=False, soft_wrap=True)
    console.print(table(results))


def as_json(project: Path, judged: Judged) -> str:
    """Writes a verdict on one line, for other programs."""
    mutation = judged.mutation
    return json.dumps(
        {
            "path": mutation.path,
            "line": mutation.line,
            "kind": mutation.kind,
            "diff": mutation.diff((project / mutation.path).read_text(encoding="utf-8")),
            "status": judged.verdict.status,
            "reason": judged.verdict.reason,
            "seconds": round(judged.seconds, 1),
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Judges mutations and prints what survived.

    Args:
        arguments: Words of the command line; those of the process by default.

    Returns:
        The exit code: 0 judged, 1 nothing to judge or failing tests, 130 interrupted (what is judged is reported).
    """
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("--module", action="append", default=[], help="only files with this in their path; repeatable")
    parser.add_argument("--sample", type=int, help="only this many mutations, the same in every run")
    parser.add_argument("--limit", type=int, help="only the first mutations")
    parser.add_argument("--processes", type=int, default=2, help="how many to judge at a time (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one mutation (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every verdict to this file, one a line, as it falls")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="breakwater-mutants-") as folder:
        # A run takes a while: what is edited meanwhile must not shift the lines under it.
        project = Path(shutil.copytree(ROOT, Path(folder, "project"), ignore=LEFT_BEHIND))
        try:
            return judge_and_report(project, options)
        except MutantsError as error:
            print(f"mutants: {error}", file=sys.stderr)
            return 1


def judge_and_report(project: Path, options: argparse.Namespace) -> int:
    """Judges the chosen mutations of a project and reports on them, also when it is interrupted.

    Returns:
        The exit code: 0 judged, 130 interrupted.

    Raises:
        MutantsError: Nothing to judge, or failing tests.
    """
    console, results, code = Console(), list[Judged](), 0
    chosen = select(find(project, options.module), sample=options.sample, limit=options.limit)
    progress = Progress(console, len(chosen))
    # Whoever ends the run, Ctrl-C or `kill`, gets what it found until then.
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.json:
        options.json.write_text("", encoding="utf-8")
    try:
        for judged in judge_all(project, chosen, processes=options.processes, timeout=options.timeout):
            results.append(judged)
            progress.count(judged)
            if options.json:
                with options.json.open("a", encoding="utf-8") as lines:
                    lines.write(as_json(project, judged) + "\n")
    except KeyboardInterrupt:
        code = 130
    finally:
        signal.signal(signal.SIGTERM, former)
    results.sort(key=lambda judged: judged.mutation)
    report(console, project, results)
    return code


if __name__ == "__main__":
    sys.exit(main())

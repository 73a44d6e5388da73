"""Run every drill of a release as often as its figures need, and compare them with those of the release before.

A run that is done is kept, and not repeated when the command is called again: it can be interrupted at any time.
"""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console

from breakwater_drills import DRILLS, DrillError, Target, Timing, distribution, evidence, signals
from breakwater_drills.distribution import FAILED, Figures
from ops import drill, figures, outputs
from ops.arguments import Commands, add_stack, number_within
from ops.connection import connect
from ops.console import confirm
from ops.errors import OpsError
from ops.local.workspace import Workspace
from ops.settings import deployed_settings
from stacks.settings import Settings
from stacks.settings.fields import from_text

# Long enough for p99 before the fault, and for a request that the fault has slowed down to fail (3 s).
_TIMING: Final = Timing(before=2.0, after=4.0)
_PER_SECOND: Final = 50.0


@dataclass(frozen=True)
class Part:
    """The runs of one drill.

    Attributes:
        name: of the drill.
        how: in which way it breaks something; empty for a drill that has only one.
        runs: how many.
        each: the most that a figure may be in each run, beside what the drill itself demands.
        together: the most that a figure may be in all runs together.
        setting: what must be deployed, as `-c` takes it; empty for anything.
    """

    name: str
    how: str
    runs: int
    each: Mapping[str, float] = field(default_factory=dict)
    together: Mapping[str, float] = field(default_factory=dict)
    setting: str = ""

    @property
    def label(self) -> str:
        """Name and way."""
        return f"{self.name}-{self.how}" if self.how else self.name


PARTS: Final = (
    Part("failover", "", 20, together={FAILED: 5}),
    Part("task-loss", "kill", 20, each={"desired tasks": 3.0}),
    Part("task-loss", "stop", 20),
    Part("task-loss", "hang", 5),
    Part("zone-loss", "", 10),
    Part("bad-deployment", "exit", 3),
    Part("bad-deployment", "unpullable", 3),
    Part("bad-deployment", "deaf", 1),
    Part("bad-deployment", "errors", 1, each={"old version deployed": 300.0}, setting="compute.deployment_alarms=true"),
    Part("rotation", "", 5, setting="database.task_login=secret"),
)


@dataclass(frozen=True)
class Kept:
    """A run that is done.

    Attributes:
        figures: of it.
        misses: which of its objectives it missed, one sentence each.
    """

    figures: Figures
    misses: Sequence[str]


def add_to(commands: Commands) -> None:
    """Add `drill-series` to the commands of `python -m ops`."""
    parser = commands.add_parser("drill-series", help="run the drills of a release, many times", description=__doc__)
    labels = [part.label for part in PARTS]
    parser.add_argument(
        "--only", choices=labels, nargs="+", default=labels, metavar="DRILL", help=f"of {', '.join(labels)}"
    )
    parser.add_argument(
        "--without", choices=labels, nargs="+", default=[], metavar="DRILL", help="leave these drills out"
    )
    parser.add_argument("--again", action="store_true", help="forget the runs of these drills that are done")
    minutes = number_within(float, 1.0, 600.0, "number of minutes")
    parser.add_argument(
        "--minutes", type=minutes, default=120.0, metavar="N", help="begin no run after so many (default: 120)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the first fault is injected")
    add_stack(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("evidence/series"), metavar="FOLDER", help="for what is done and its evidence"
    )
    parser.add_argument("--against", type=Path, metavar="FILE", help="end with 1 when a figure is worse than there")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the figures there when all runs are good")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the recorded figures into this page")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    try:
        problems = _series(options, workspace, console)
    except DrillError as error:
        raise OpsError(str(error)) from None
    if problems:
        raise OpsError("\n".join(problems))
    return 0


def _series(options: argparse.Namespace, workspace: Workspace, console: Console) -> list[str]:
    chosen = [part for part in PARTS if part.label in options.only and part.label not in options.without]
    for part in chosen if options.against else ():  # before something is broken
        distribution.earlier(options.against, part.label)
    target = _refuse(chosen, options, workspace)
    if not options.yes:
        confirm(f"Type the name of the stack to break again and again ({target.stack})", target.stack)
    evidence.make_folder(options.out)
    for part in chosen if options.again else ():
        _file(options.out, part).unlink(missing_ok=True)
    with signals.raised():
        problems = _runs(chosen, options, target, console)
    done: dict[str, list[Figures]] = {}
    for part in chosen:
        kept = _kept(options.out, part)
        problems += _problems(part, kept)
        if kept:
            done[part.label] = [each.figures for each in kept]
            worse = distribution.worse(done[part.label], options.against) if options.against else []
            problems += [f"{part.label}, worse than before: {line}" for line in worse]
    figures.show(console, {label: distribution.as_json(each) for label, each in done.items()})
    if not problems and options.record:
        for each in done.values():
            distribution.record(options.record, each)
        if options.page:
            figures.write(options.page, distribution.read(options.record))
    return problems


def _refuse(chosen: Sequence[Part], options: argparse.Namespace, workspace: Workspace) -> Target:
    """Return the deployed stack, unless a drill would prove nothing there."""
    target = drill.find(options.stack, options.region, workspace)
    if not target.emulated:
        raise OpsError(
            f"{target.stack} is in an account: a series is for the embedded AWS; use `ops drill --runs N`. "
            "Nothing was broken"
        )
    found = outputs.deployed(options.stack, connect(options.region, workspace))
    settings = deployed_settings(found)
    for part in chosen:
        if not has(settings, part.setting):
            raise OpsError(
                f"{part.label} proves nothing without {part.setting}: deploy it with `-c {part.setting}`, or leave the "
                f"drill out with --without {part.label}. Nothing was broken"
            )
    return target


def has(settings: Settings, setting: str) -> bool:
    """Return whether a setting is as given, in the form `name=value`; nothing is given by the empty text."""
    name, _, value = setting.partition("=")
    return not name or bool(attrgetter(name)(settings) == from_text(name, value))


def _runs(chosen: Sequence[Part], options: argparse.Namespace, target: Target, console: Console) -> list[str]:
    """Do the runs that are not done yet, and return why some of them could not be done."""
    end = monotonic() + options.minutes * 60
    problems: list[str] = []
    for part in chosen:
        for number in range(len(_kept(options.out, part)) + 1, part.runs + 1):
            if monotonic() > end:
                return problems
            console.rule(f"{part.label}: run {number} of {part.runs}")
            kind = DRILLS[part.name]
            made = kind(target, uuid.uuid4().hex[:8], how=part.how, transfers_per_second=_PER_SECOND)
            try:
                result = drill.one_run(made, _TIMING, options.out, console)
            except DrillError as error:
                problems.append(f"{part.label}: {error}")
                break
            kept = Kept(distribution.of(result, target), drill.misses(result, target))
            with _file(options.out, part).open("a", encoding="utf-8") as lines:
                lines.write(f"{json.dumps(asdict(kept))}\n")
    return problems


def _file(folder: Path, part: Part) -> Path:
    return folder / f"{part.label}.jsonl"


def _kept(folder: Path, part: Part) -> list[Kept]:
    """Return the runs of a part that are done."""
    file = _file(folder, part)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = [json.loads(line) for line in lines]
    return [Kept(Figures(**each["figures"]), each["misses"]) for each in found]


def _problems(part: Part, done: Sequence[Kept]) -> Iterator[str]:
    """Yield what the runs of a part missed, and how many of them are missing."""
    if len(done) < part.runs:
        yield f"{part.label}: {len(done)} of {part.runs} runs are done; the same command does the others"
    for kept in done:
        yield from (f"{part.label}, run {kept.figures.run}: {miss}" for miss in kept.misses)
        for name, most in part.each.items():
            value = kept.figures.values.get(name)
            if value is None or value > most:
                told = "unknown" if value is None else f"{value:.3g}"
                yield f"{part.label}, run {kept.figures.run}: {name} {told}, at most {most:g} is allowed"
    for name, most in part.together.items():
        total = sum(kept.figures.values[name] or 0 for kept in done)
        if total > most:
            yield f"{part.label}: {name} {total:g} in all runs together, at most {most:g} is allowed"

"""Break a part of a deployed platform on purpose, measure what a client sees of it, and write the evidence."""

import argparse
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console

from ops.arguments import Commands, add_stack, number_within
from ops.console import confirm
from ops.drill import evidence, report, signals
from ops.drill.drill import Drill
from ops.drill.failover import Failover
from ops.drill.pitr import PointInTime
from ops.drill.restore import Restore
from ops.drill.result import Result
from ops.drill.run import Timing, run
from ops.drill.target import Target, find
from ops.drill.task_loss import TaskLoss
from ops.errors import OpsError
from ops.local.workspace import Workspace

DRILLS: Final[dict[str, type[Drill]]] = {each.name: each for each in (Failover, TaskLoss, Restore, PointInTime)}
_PROD: Final = "prod"


def add_to(commands: Commands) -> None:
    """Add `drill` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "drill", help="break a part of a deployed platform on purpose, and measure RTO and RPO", description=__doc__
    )
    parser.add_argument("drill", choices=sorted(DRILLS), help="which drill")
    parser.add_argument("--yes", action="store_true", help="do not ask before the fault is injected")
    parser.add_argument("--allow-prod", action="store_true", help=f"allow a stack whose environment is {_PROD}")
    add_stack(parser)
    seconds = number_within(float, 1.0, 3600.0, "number of seconds")
    parser.add_argument(
        "--before", type=seconds, default=5.0, metavar="SECONDS", help="watch before the fault (default: 5)"
    )
    parser.add_argument(
        "--after", type=seconds, default=5.0, metavar="SECONDS", help="watch after the recovery (default: 5)"
    )
    runs = number_within(int, 1, 100, "number")
    parser.add_argument("--runs", type=runs, default=1, metavar="N", help="number of runs in a row (default: 1)")
    parser.add_argument(
        "--out", type=Path, default=Path("evidence"), metavar="FOLDER", help="for the evidence (default: evidence)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    if find_spec("matplotlib") is None:
        raise OpsError("matplotlib, which draws the timeline of a drill, is not installed: run `make install`")
    target = find(options.stack, options.region, workspace)
    kind = DRILLS[options.drill]
    if target.environment == _PROD and not options.allow_prod:
        raise OpsError(f"{target.stack} is {_PROD}: add --allow-prod if you mean it")
    if not options.yes:
        _confirm(kind, target, console)
    evidence.make_folder(options.out)
    timing = Timing(options.before, options.after)
    results: list[Result] = []
    with signals.raised():
        for number in range(1, options.runs + 1):
            if options.runs > 1:
                console.rule(f"Run {number} of {options.runs}")
            results.append(run(kind(target, uuid.uuid4().hex[:8]), timing, console))
            console.print(report.table(results[-1], target))
            folder = evidence.write(options.out, results[-1], target)
            console.print(f"Evidence: {folder}", highlight=False, soft_wrap=True)
    if options.runs > 1:
        console.print(report.summary(results, target))
    _require_success(results, target)
    return 0


def _confirm(kind: type[Drill], target: Target, console: Console) -> None:
    where = f"stack {target.stack} in {target.region}, {target.where}"
    console.print(f"This will {kind.intention}: {where}.", highlight=False)
    confirm(f"Type the name of the stack to go on ({target.stack})", target.stack)


def _require_success(results: list[Result], target: Target) -> None:
    objectives = target.settings.recovery
    problems = []
    for result in results:
        problems += [
            f"run {result.run}: {miss}" for miss in result.misses(objectives.rto_seconds, objectives.rpo_seconds)
        ]
        problems += [f"run {result.run}: not removed: {line}" for line in result.not_removed]
    if problems:
        raise OpsError("\n".join(problems))

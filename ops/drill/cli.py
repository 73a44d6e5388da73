"""`python -m ops drill`: break a part of a deployed platform, measure what a client sees, and write the evidence."""

import argparse
import sys
import uuid
from pathlib import Path
from typing import Final

from rich.console import Console

from ops.drill import evidence, report
from ops.drill.drill import Drill
from ops.drill.failover import Failover
from ops.drill.pitr import PointInTime
from ops.drill.restore import Restore
from ops.drill.run import Result, Timing, run
from ops.drill.target import Target, find
from ops.drill.task_loss import TaskLoss
from ops.errors import OpsError
from ops.local.workspace import Workspace
from stacks.names import STACK_PREFIX

DRILLS: Final[dict[str, type[Drill]]] = {each.name: each for each in (Failover, TaskLoss, Restore, PointInTime)}
_PROD: Final = "prod"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `drill` to the commands of `python -m ops`."""
    verb = commands.add_parser("drill", help="break something on purpose and measure RTO and RPO", description=__doc__)
    verb.add_argument("drill", choices=sorted(DRILLS), help="what to break")
    verb.add_argument("--yes", action="store_true", help="do not ask before acting")
    verb.add_argument("--allow-prod", action="store_true", help=f"also when the stack's environment is {_PROD}")
    verb.add_argument("--stack", metavar="NAME", help=f"e.g. {STACK_PREFIX}-eu1 (default: the only one that is there)")
    verb.add_argument("--region", metavar="REGION", help="default: that of the environment")
    verb.add_argument("--before", type=_duration, default=5.0, metavar="SECONDS", help="watch before the fault (5)")
    verb.add_argument("--after", type=_duration, default=5.0, metavar="SECONDS", help="watch after the recovery (5)")
    verb.add_argument("--runs", type=_count, default=1, metavar="N", help="run it so often in a row (1)")
    verb.add_argument("--out", type=Path, default=Path("evidence"), metavar="FOLDER", help="default: evidence")
    verb.set_defaults(run=_run)


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 3600")
    return seconds


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return count


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    target = find(options.stack, options.region, workspace)
    kind = DRILLS[options.drill]
    if target.environment == _PROD and not options.allow_prod:
        raise OpsError(f"{target.stack} is {_PROD}: add --allow-prod if you mean it")
    if not options.yes:
        _ask(kind, target, console)
    timing = Timing(options.before, options.after)
    results: list[Result] = []
    for number in range(1, options.runs + 1):
        if options.runs > 1:
            console.rule(f"Run {number} of {options.runs}")
        results.append(run(kind(target, uuid.uuid4().hex[:8]), timing, console))
        place = evidence.write(options.out, results[-1], target)
        console.print(report.table(results[-1], target))
        console.print(f"Evidence: {place}", highlight=False, soft_wrap=True)
    if options.runs > 1:
        console.print(report.summary(results, target))
    _judge(results, target)


def _ask(kind: type[Drill], target: Target, console: Console) -> None:
    where = "the embedded AWS" if target.emulated else "AWS"
    console.print(f"This will {kind.intention}: stack {target.stack} in {target.region}, {where}.", highlight=False)
    if not sys.stdin.isatty():
        raise OpsError("nobody is there to confirm: add --yes")
    if input(f"Type the name of the stack to go on ({target.stack}): ").strip() != target.stack:
        raise OpsError("not confirmed: nothing was done")


def _judge(results: list[Result], target: Target) -> None:
    objectives = target.settings.recovery
    for result in results:
        if misses := result.misses(objectives.rto_seconds, objectives.rpo_seconds):
            raise OpsError(f"run {result.run}: {'; '.join(misses)}")
        if result.left:
            raise OpsError(f"run {result.run}: not removed: {'; '.join(result.left)}")

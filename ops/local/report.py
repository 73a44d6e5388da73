"""What people look at after a deployment: what changed, what was verified, the outputs, and what none of it proves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.markup import escape
from rich.table import Table

from embedded_aws.deployment import DeployedResource
from embedded_aws.fidelity import Fidelity, Level
from embedded_aws.verify import Comparison
from ops.local.changes import Change

_COLOURS = {Level.REAL: "green", Level.SIMULATED: "yellow", Level.METADATA: "magenta"}

DISCLAIMER = """\
What this does not prove
  No container, network or load balancer ran, and no Aurora: a PostgreSQL did.
  No permission was checked: policies are stored, never enforced.
  The restore test copied a table as it was.
  No backup, scaling or password rotation took place.
  Names, quotas, versions, sizes and zones that AWS refuses are accepted.
  Type by type: docs/local.md"""


@dataclass(frozen=True)
class Verified:
    """One resource and the checks that were made of it."""

    resource: DeployedResource
    checks: Sequence[Comparison]

    @property
    def failed(self) -> list[Comparison]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]


def types_table(verified: Sequence[Verified], fidelity: Mapping[str, Fidelity]) -> Table:
    """Resources and checks by type, with how far the emulator can be trusted in each."""
    table = _table("Read back through boto3 and compared with the templates")
    table.add_column("Type (AWS::…)")
    table.add_column("Resources", justify="right")
    table.add_column("Emulation")
    table.add_column("Checks", justify="right")
    resources = Counter(each.resource.type for each in verified)
    for name in sorted(resources):
        level = fidelity[name].level
        passed = _passed([each for each in verified if each.resource.type == name])
        table.add_row(name.removeprefix("AWS::"), str(resources[name]), f"[{_COLOURS[level]}]{level}[/]", passed)
    table.add_section()
    table.add_row(f"{len(resources)} types", str(len(verified)), "", _passed(verified))
    return table


def _passed(verified: Sequence[Verified]) -> str:
    total, failed = sum(len(each.checks) for each in verified), sum(len(each.failed) for each in verified)
    return f"[red]{total - failed} of {total}[/red]" if failed else f"{total} of {total}"


def levels(verified: Sequence[Verified], fidelity: Mapping[str, Fidelity]) -> str:
    """How many resources are emulated how, and what that means."""
    counted = Counter(fidelity[each.resource.type].level for each in verified)
    meanings = {
        Level.REAL: "acted on by the API of its service",
        Level.SIMULATED: "kept and described by its service, and nothing runs",
        Level.METADATA: "kept as declared, because there is no service for it",
    }
    return "\n".join(f"{counted[level]:>4} {level}: {meaning}" for level, meaning in meanings.items() if counted[level])


def failures(verified: Iterable[Verified]) -> Iterable[str]:
    """One line for each failed check."""
    for each in verified:
        for check in each.failed:
            where = f"{each.resource.stack}/{each.resource.logical_id} ({each.resource.type})"
            yield f"{where}: {check.what} is {check.found!r}, and the template says {check.expected!r}"


def outputs(values: Mapping[str, str]) -> str:
    """The outputs of the root stack, one on a line: a table would break the values that people copy."""
    widest = max(map(len, values), default=0)
    return "\n".join(f"  {key:<{widest}}  {value}" for key, value in sorted(values.items()))


def changes_table(changes: Sequence[Change], stacks: Sequence[str]) -> Table:
    """What the deployment did to each of the stacks."""
    table = _table("What changed since the last deployment")
    table.add_column("Stack")
    table.add_column("Change")
    table.add_column("What differs", overflow="fold")
    for change in changes:
        table.add_row(change.stack, change.what, escape("\n".join(change.details)))
    touched = {change.stack for change in changes}
    unchanged = [stack for stack in stacks if stack not in touched]
    if unchanged:
        table.add_row("\n".join(unchanged), "[dim]none[/dim]", "")
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)

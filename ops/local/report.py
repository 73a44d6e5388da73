"""What a local deployment prints: what changed, what was verified, the outputs, and what none of it proves."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from embedded_aws.changes import Change
from embedded_aws.fidelity import Fidelity
from embedded_aws.verified import Verified
from ops.console import colored, new_table
from ops.local.smoke_test import SmokeTest
from ops.local.transfer import Transfer

DISCLAIMER: Final = """\
What this does not prove
  No image was built; no network or Aurora ran, but processes and a PostgreSQL.
  No permission was enforced: `make integration` judges them.
  The restore test copied a table as it was.
  No backup, scaling or password rotation took place.
  Quotas were not checked, nor what no recorded rule is about.
  Type by type: docs/local.md"""


def types_table(verified: Sequence[Verified], fidelity: Mapping[str, Fidelity]) -> Table:
    """Return resources and checks by type, with the level of emulation of each type."""
    title = "Read back through boto3 and compared with the templates"
    table = new_table(title, "Type (AWS::…)", "Resources", "Emulation", "Checks", right=("Resources", "Checks"))
    resources = Counter(each.resource.type for each in verified)
    for name in sorted(resources):
        passed = _passed([each for each in verified if each.resource.type == name])
        table.add_row(name.removeprefix("AWS::"), str(resources[name]), colored(fidelity[name].level), passed)
    table.add_section()
    table.add_row(f"{len(resources)} types", str(len(verified)), "", _passed(verified))
    return table


def _passed(verified: Sequence[Verified]) -> str:
    total, failed = sum(len(each.checks) for each in verified), sum(len(each.failed) for each in verified)
    return f"[red]{total - failed} of {total}[/red]" if failed else f"{total} of {total}"


def outputs(values: Mapping[str, str]) -> str:
    """Return the outputs of the root stack, each on one line: a table would break values that people copy."""
    widest = max(map(len, values), default=0)
    return "\n".join(f"  {key:<{widest}}  {value}" for key, value in sorted(values.items()))


def changes_table(changes: Sequence[Change], stacks: Sequence[str]) -> Table:
    """Return what the deployment changed in each of the stacks."""
    table = new_table("What changed since the last deployment", "Stack", "Change", "What differs")
    for change in changes:
        table.add_row(change.stack, change.what, escape("\n".join(change.details)))
    touched = {change.stack for change in changes}
    unchanged = [stack for stack in stacks if stack not in touched]
    if unchanged:
        table.add_row("\n".join(unchanged), "[dim]none[/dim]", "")
    return table


def smoke_test_tables(found: SmokeTest, last: Mapping[str, Any] | None = None) -> Iterator[Table]:
    """Yield one table for each function that was run.

    Args:
        found: the answers.
        last: that of the last failover that succeeded, where this one was refused.
    """
    health = new_table(f"Health monitor: {found.health['overall']}", "Component", "Health", "Reasons")
    for component, part in found.health["components"].items():
        health.add_row(component, colored(part["health"]), escape("\n".join(part["reasons"])))
    yield health

    heads = ("Outcome", "Writer before", "Writer after", "Seconds", "Reason")
    refused = f"Failover, refused since the last one{', which comes first,' if last else ''} was recent"
    failovers = new_table(refused if found.refused else "Failover, twice in a row", *heads)
    answers = [*([last] if last else []), found.failovers[0]] if found.refused else found.failovers
    for answer in answers:
        seconds = f"{answer['seconds']:.3f}" if "seconds" in answer else ""
        writers = (answer.get("old_writer", ""), answer.get("new_writer", ""))
        failovers.add_row(answer["outcome"], *writers, seconds, escape(answer["reason"]))
    yield failovers

    restore = new_table("Restore test of the table", "Restored as", "Validation", "Found")
    name = str(found.restore["CreatedResourceArn"]).rpartition("/")[2]
    restore.add_row(name, found.restore["ValidationStatus"], escape(found.restore["ValidationStatusMessage"]))
    yield restore


def transfer(made: Transfer) -> str:
    """Return a transfer and its traces, each on one line, and a command for the next one."""
    source, destination, amount, at = made.row
    places = {
        "Load balancer": f"POST {made.url}, answered in {made.seconds:.3f} s",
        "Aurora": f"table transfers: {amount} from account {source} to account {destination}, {at}",
        "DynamoDB": made.item,
        "S3": made.receipt,
    }
    traces = "\n".join(f"  {place:<13}  {what}" for place, what in places.items())
    return f"Transfer {made.answer['id']}, and its traces\n{traces}\n\nTry it\n  {made.command}\n"


def stacks_table(stacks: Iterable[Mapping[str, Any]]) -> Table:
    """Return the status of root and nested stacks.

    Args:
        stacks: as `describe_stacks` returns them.
    """
    table = new_table("", "Stack", "Status", "Last changed (UTC)")
    for stack in stacks:
        changed = stack.get("LastUpdatedTime", stack["CreationTime"])
        # A nested stack's generated name is cut to the part that identifies it: `Breakwater-dev / Database`.
        root, nested, _ = stack["StackName"].partition("NestedStack")
        shown = " / ".join(root.rsplit("-", 1)) if nested else root
        table.add_row(shown, stack["StackStatus"], f"{changed:%H:%M:%S}")
    return table

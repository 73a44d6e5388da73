"""What people read after a deployment."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table

from embedded_aws.changes import Change
from embedded_aws.deployment import DeployedResource
from embedded_aws.fidelity import Fidelity, Level
from embedded_aws.verified import Verified, failures, levels
from embedded_aws.verify import Comparison
from embedded_testing.cloudformation import MORNING, NOON
from ops.local import report
from ops.local.smoke_test import SmokeTest

FIDELITY = {
    "AWS::Test::Real": Fidelity(Level.REAL, "Nothing."),
    "AWS::Test::Paper": Fidelity(Level.SIMULATED, "Much."),
    "AWS::Test::Note": Fidelity(Level.METADATA, "Anything."),
}


def verified(kind: str, *passed: bool) -> Verified:
    resource = DeployedResource("Database", "Thing", f"AWS::Test::{kind}", {}, "id", "CREATE_COMPLETE")
    return Verified(resource, [Comparison("size", 1, 1 if each else 2) for each in passed])


def text(table: Table | str) -> str:
    console = Console(file=io.StringIO(), width=80, emoji=False)
    console.print(table)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def rows(table: Table) -> list[list[str]]:
    lines = [line.split("  ") for line in text(table).splitlines()]
    return [[cell.strip() for cell in line if cell.strip()] for line in lines]


def test_types_are_counted_with_their_level_and_their_checks() -> None:
    found = rows(
        report.types_table([verified("Real", True), verified("Real", True, True), verified("Paper", True)], FIDELITY)
    )
    assert ["Test::Paper", "1", "simulated", "1 of 1"] in found
    assert ["Test::Real", "2", "real", "3 of 3"] in found
    assert ["2 types", "3", "4 of 4"] in found


def test_a_failed_check_is_counted_and_told() -> None:
    all_of_them = [verified("Real", True, False)]
    assert ["Test::Real", "1", "real", "1 of 2"] in rows(report.types_table(all_of_them, FIDELITY))
    assert list(failures(all_of_them)) == ["Database/Thing (AWS::Test::Real): size is 2, and the template says 1"]
    assert list(failures([verified("Real", True)])) == []


def test_levels_say_what_they_mean_and_only_those_there_are() -> None:
    lines = levels([verified("Real", True), verified("Note", True), verified("Note", True)], FIDELITY)
    assert lines.splitlines() == [
        "   1 real: acted on by the API of its service",
        "   2 metadata: kept as declared, because there is no service for it",
    ]


def test_an_output_stays_on_one_line_so_that_it_can_be_copied() -> None:
    value = f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{'x' * 100}"
    assert report.outputs({"Secret": value, "Id": "1"}).splitlines() == ["  Id      1", f"  Secret  {value}"]
    assert report.outputs({}) == ""


def test_changes_name_what_changed_and_what_did_not() -> None:
    found = rows(
        report.changes_table(
            [Change("Database", "updated", ("Cluster: [Max]", "+ New"))], ["Database", "Kms", "Backup"]
        )
    )
    assert ["Database", "updated", "Cluster: [Max]"] in found
    assert ["+ New"] in found
    assert ["Kms", "none"] in found
    assert ["Backup"] in found


def test_the_disclaimer_fits_a_terminal() -> None:
    assert max(map(len, report.DISCLAIMER.splitlines())) < 80


def test_nested_stacks_are_shown_by_their_short_name() -> None:
    def stack(name: str, **times: Any) -> dict[str, Any]:
        return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "CreationTime": MORNING, **times}

    nested = "Breakwater-dev-DatabaseNestedStackDatabaseNestedStackResource1234-5678"
    found = rows(report.stacks_table([stack("Breakwater-dev"), stack(nested, LastUpdatedTime=NOON)]))
    assert ["Breakwater-dev", "CREATE_COMPLETE", "08:00:00"] in found
    assert ["Breakwater-dev / Database", "CREATE_COMPLETE", "12:00:00"] in found


SUCCEEDED = {"outcome": "succeeded", "old_writer": "one", "new_writer": "two", "seconds": 0.5, "reason": "a test"}
REFUSED = {"outcome": "refused", "code": "cool-down", "reason": "too soon"}
RESTORED = {"CreatedResourceArn": "a/copy", "ValidationStatus": "SUCCESSFUL", "ValidationStatusMessage": "1 items"}


def _failovers(*answers: dict[str, Any], last: dict[str, Any] | None = None) -> str:
    found = SmokeTest({"overall": "healthy", "components": {}}, None, list(answers), RESTORED)
    (table,) = [each for each in report.smoke_test_tables(found, last) if str(each.title).startswith("Failover")]
    return text(table)


def test_a_failover_that_was_refused_is_told_with_the_figures_of_the_last_one() -> None:
    fresh = _failovers(SUCCEEDED, REFUSED)
    assert "Failover, twice in a row" in fresh
    warm = _failovers(REFUSED, REFUSED, last=SUCCEEDED)
    assert "Failover, refused since the last one, which comes first, was recent" in " ".join(warm.split())
    lines = [line.split() for line in warm.splitlines() if line.split()[:1] in (["succeeded"], ["refused"])]
    assert lines[0][:4] == ["succeeded", "one", "two", "0.500"]
    assert [line[0] for line in lines] == ["succeeded", "refused"]
    # A drill may have been the last one, whose figures are in its own report.
    assert "Failover, refused since the last one was recent" in " ".join(_failovers(REFUSED, REFUSED).split())

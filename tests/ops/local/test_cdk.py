"""How the CLI is called, what of its output is shown, and how its failure is told."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from unittest.mock import MagicMock

import pytest
from rich.console import Console

from embedded_aws import cdk
from embedded_testing.cloudformation import NOON, FakeCloudFormation
from embedded_testing.ports import free_port
from ops.errors import OpsError
from ops.local import up
from ops.local.up import cdk_cli
from ops.local.workspace import Workspace
from tests.ops.conftest import Install

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "MARK": "passed on"}
CALLED = """
import json, os, sys
with open("{file}", "w") as written:
    json.dump([sys.argv[1:], os.getcwd(), dict(os.environ)], written)
"""
OUTPUT = """
print('''✨  Synthesis time: 4.9s

Breakwater-dev: start: Building Kms Nested Stack Template
Breakwater-dev: success: Published Kms Nested Stack Template (000000000000-us-east-1)
Breakwater-dev | 1/9 | 2:56:56 AM | CREATE_COMPLETE | AWS::CloudFormation::Stack | Kms.NestedStack/Kms.NestedStackResource (KmsNestedStackKmsNestedStackResource522F04D1) 
Breakwater-dev | 9/1 | 2:56:57 AM | CREATE_FAILED | AWS::CloudFormation::Stack | Backup.NestedStack/Backup.NestedStackResource (Backup1) no such vault

Outputs:
Breakwater-dev.VpcId = vpc-1
''')
raise SystemExit(3)
"""  # noqa: E501, W291 (as the CLI prints it)


@pytest.fixture(autouse=True)
def _state(workspace: Workspace) -> None:
    workspace.state.mkdir(parents=True)


def test_synth_gets_the_settings_and_writes_below_the_state_folder(workspace: Workspace, install: Install) -> None:
    file = workspace.root / "called.json"
    install("cdk", CALLED.format(file=file))
    assert cdk_cli(workspace).synth(ENVIRONMENT, ["environment=dev", "a.b=1"], print) == 0
    arguments, folder, variables = json.loads(file.read_text())
    assert arguments[:2] == ["synth", "--no-notices"]
    assert ("--output", str(workspace.assembly)) in pairwise(arguments)
    contexts = [value for name, value in pairwise(arguments) if name == "--context"]
    assert contexts == ["environment=dev", "a.b=1"]
    assert folder == str(workspace.root)
    assert variables["MARK"] == "passed on"
    assert "HOME" not in variables


def test_deploy_asks_nobody_and_takes_what_synth_made(workspace: Workspace, install: Install) -> None:
    file = workspace.root / "called.json"
    install("cdk", CALLED.format(file=file))
    assert cdk_cli(workspace).deploy(ENVIRONMENT, print) == 0
    arguments, folder, variables = json.loads(file.read_text())
    assert arguments[:3] == ["deploy", "--all", "--no-notices"]
    options = dict(zip(arguments[4::2], arguments[5::2], strict=True))
    assert options["--require-approval"] == "never"
    assert options["--app"] == str(workspace.assembly)
    assert options["--outputs-file"] == str(workspace.outputs)
    assert folder == str(workspace.root)
    assert variables["MARK"] == "passed on"
    assert "HOME" not in variables


def test_bootstrap_is_of_the_local_account_and_away_from_the_app(workspace: Workspace, install: Install) -> None:
    file = workspace.root / "called.json"
    install("cdk", CALLED.format(file=file))
    assert cdk_cli(workspace).bootstrap(ENVIRONMENT) == 0
    arguments, folder, _ = json.loads(file.read_text())
    assert arguments[:2] == ["bootstrap", "aws://000000000000/us-east-1"]
    assert not folder.startswith(str(workspace.root))


def test_a_failed_bootstrap_is_told_by_its_code(workspace: Workspace, install: Install) -> None:
    install("cdk", OUTPUT)
    assert cdk_cli(workspace).bootstrap(ENVIRONMENT) == 3


def test_a_failed_bootstrap_is_one_line(
    workspace: Workspace, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("cdk", OUTPUT)
    monkeypatch.setattr(up, "is_bootstrapped", lambda _: False)
    run = up._Run(workspace, Console(), settings={"suffix": "x1"}, loaded=MagicMock(), port=free_port(), key="k")
    with pytest.raises(OpsError, match=r"^cdk bootstrap failed with code 3: see \.local/embedded-aws/cdk\.log$"):
        run._ensure_bootstrapped()


def test_what_matters_is_shown_as_it_comes_and_all_of_it_is_logged(workspace: Workspace, install: Install) -> None:
    install("cdk", OUTPUT)
    workspace.assembly.mkdir()
    for name, resources in (("A", ("Kms", "Backup")), ("Kms.nested", ("Key",))):
        (workspace.assembly / f"{name}.template.json").write_text(
            json.dumps({"Resources": {each: {} for each in resources}})
        )
    shown: list[str] = []
    assert cdk_cli(workspace).deploy(ENVIRONMENT, shown.append) == 3
    assert shown == [
        "✨  Synthesis time: 4.9s",
        "    1/3  CREATE_COMPLETE        Kms",
        "    2/3  CREATE_FAILED          Backup no such vault",
    ]
    assert "Breakwater-dev.VpcId = vpc-1" in workspace.cdk_log.read_text()
    assert "Published" in workspace.cdk_log.read_text()


def test_progress_never_passes_its_total() -> None:
    """The counter of the CLI does, when nested stacks are updated: 10/6."""
    done = set[str]()
    events = [("UPDATE_IN_PROGRESS", "A"), ("UPDATE_COMPLETE", "A"), ("UPDATE_COMPLETE", "Root")]
    events += [("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Root"), ("UPDATE_COMPLETE", "Root"), ("DELETE_COMPLETE", "B")]
    lines = [cdk._shortened(f"S | 9/6 | now | {status} | T | {name}", done, 2) for status, name in events]
    assert [line.split()[0] for line in lines] == ["0/2", "1/2", "2/2", "2/2", "2/2", "3/3"]


@pytest.mark.parametrize(
    ("stacks", "there"),
    [
        ({}, False),
        ({"CDKToolkit": {}}, True),
        ({"CDKToolkit": {"StackStatus": "UPDATE_COMPLETE"}}, True),
        ({"CDKToolkit": {"StackStatus": "UPDATE_ROLLBACK_COMPLETE"}}, True),
        ({"CDKToolkit": {"StackStatus": "ROLLBACK_COMPLETE"}}, False),
    ],
)
def test_the_bootstrap_stack_is_there_or_not(stacks: dict[str, dict[str, str]], there: bool) -> None:
    assert cdk.is_bootstrapped(FakeCloudFormation(stacks)) is there


def event(logical_id: str, status: str, hours: int, reason: str = "") -> dict[str, object]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::Test::Thing",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": NOON + timedelta(hours=hours),
    }


def test_a_failure_is_the_first_one_of_this_deployment() -> None:
    events = [
        event("Root", "ROLLBACK_COMPLETE", 4),
        event("Later", "CREATE_FAILED", 3, "cancelled"),
        event("Cause", "CREATE_FAILED", 2, "no such key"),
        event("Yesterday", "CREATE_FAILED", -24, "something else"),
    ]
    cloudformation = FakeCloudFormation({"Root": {}}, events={"Root": events})
    assert cdk.failure_reason(cloudformation, "Root", NOON) == "Cause (AWS::Test::Thing): no such key"
    assert cdk.failure_reason(cloudformation, "Root", NOON + timedelta(hours=3.5)) is None
    assert cdk.failure_reason(FakeCloudFormation({}), "Root", NOON) is None

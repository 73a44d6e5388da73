"""`up` from its first line to its last, with the real emulator and a stand-in for the CDK CLI.

The stand-in deploys one template by CloudFormation's API. The CLI itself is started by `make local`: it takes half a
minute.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from embedded_testing.ports import free_port
from ops import REPOSITORY
from ops.__main__ import main
from ops.local import preflight, smoke_test
from ops.local.workspace import Workspace

# One worker runs all of them: they share one checkout and its embedded AWS.
pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("up")]
Run: TypeAlias = Callable[..., tuple[int, str, str]]
PYTHON = sys.executable

# Deploys root.json as `cdk deploy` would, and leaves the assembly and the outputs where it was told to.
CDK = """
import json, os, pathlib, sys, time, boto3
cloudformation = boto3.client("cloudformation")

def deploy(stack, template):
    try:
        cloudformation.create_stack(StackName=stack, TemplateBody=template)
    except cloudformation.exceptions.AlreadyExistsException:
        cloudformation.update_stack(StackName=stack, TemplateBody=template)
    while True:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if found["StackStatus"].endswith(("_COMPLETE", "_FAILED")):
            return found
        time.sleep(0.02)

if sys.argv[1] == "bootstrap":
    deploy("CDKToolkit", json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}))
    raise SystemExit(0)
options = dict(zip(sys.argv[1:], sys.argv[2:]))
suffix = [each.removeprefix("suffix=") for each in sys.argv if each.startswith("suffix=")][0]
stack, folder = f"Breakwater-{suffix}", pathlib.Path(options["--output"])
template = pathlib.Path("root.json").read_text()
folder.mkdir(exist_ok=True)
(folder / f"{stack}.template.json").write_text(template)
#DURING
found = deploy(stack, template)
outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
pathlib.Path(options["--outputs-file"]).write_text(json.dumps({stack: outputs}))
raise SystemExit(0 if found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else 1)
"""
RAN = smoke_test.SmokeTest(
    health={"overall": "healthy", "components": {"database": {"health": "healthy", "reasons": []}}},
    failovers=[
        {"outcome": "succeeded", "old_writer": "one", "new_writer": "two", "seconds": 0.5, "reason": "a test"},
        {"outcome": "refused", "code": "cool-down", "reason": "too soon"},
    ],
    restore={
        "CreatedResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/copy",
        "ValidationStatus": "SUCCESSFUL",
        "ValidationStatusMessage": "1 items, 1 with data",
    },
)
_suffixes = (f"s{number}" for number in count(1))


def checkout(root: Path) -> Workspace:
    """Return a checkout with the emulator of this one, and a CLI and a Node of its own."""
    (root / ".local").mkdir(parents=True)
    (root / ".local" / "emulator-venv").symlink_to(REPOSITORY / ".local" / "emulator-venv")
    package = {"engines": {"node": "22 || 24"}, "dependencies": {"aws-cdk": "1.2.3"}}
    (root / "package.json").write_text(json.dumps(package))
    (root / "node_modules" / "aws-cdk").mkdir(parents=True)
    (root / "node_modules" / "aws-cdk" / "package.json").write_text('{"version": "1.2.3"}')
    for name, command in (("cdk", f'exec {PYTHON} {root}/cdk.py "$@"'), ("node", "echo v24.0.0")):
        program = root / "node_modules" / ".bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    return Workspace(root=root, state=root / ".local" / "embedded-aws")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Share one checkout and one embedded AWS among the tests that leave it running."""
    workspace = checkout(tmp_path_factory.mktemp("shared") / "checkout")
    yield workspace
    workspace.emulator.stop()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr(
        sys, "executable", str(tmp_path / "python")
    )  # the Node beside the real one is not the one meant
    # The stand-in deploys no functions; test_dev_app runs the real ones.
    monkeypatch.setattr(smoke_test, "run", lambda _aws, _outputs: RAN)
    monkeypatch.setattr(preflight, "run", lambda *_: "1 pass")
    suffix = next(_suffixes)

    def run_command(workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
        settings = ["-c", f"suffix={suffix}"] if arguments[0] == "up" else []
        if arguments[0] == "up" and workspace.emulator.running() is None:
            settings += ["--port", str(free_port())]
        code = main(["local", *arguments, *settings], workspace)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run_command


def write(workspace: Workspace, template: dict[str, Any], during: str = "") -> None:
    """Say what the CLI deploys, and what it does before."""
    (workspace.root / "root.json").write_text(json.dumps(template))
    (workspace.root / "cdk.py").write_text(CDK.replace("#DURING", during))


def topic(name: str) -> dict[str, Any]:
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}}
    return {"Resources": resources, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}


def test_up_deploys_then_updates_and_says_what_changed(run: Run, shared: Workspace) -> None:
    write(shared, topic("one"))
    code, output, error = run(shared, "up")
    assert (code, error) == (0, "")
    assert "  Arn  arn:aws:sns:us-east-1:000000000000:" in output
    assert "SNS::Topic" in output
    assert "What this does not prove" in output
    assert "What changed" not in output

    write(shared, topic("two"))
    code, output, error = run(shared, "up")
    assert (code, error) == (0, "")
    assert "already runs" in output
    assert "already there" in output
    assert "updated   Topic: DisplayName" in output

    code, output, _ = run(shared, "status")
    assert code == 0
    assert "The embedded AWS runs on http://127.0.0.1:" in output
    assert "UPDATE_COMPLETE" in output


def test_a_failing_deployment_is_one_line_with_its_cause(run: Run, shared: Workspace) -> None:
    broken = topic("one")
    broken["Resources"]["Rule"] = {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {"GroupId": "sg-none", "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
    }
    write(shared, broken)
    code, _, error = run(shared, "up")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("error: the deployment failed: Rule (AWS::EC2::SecurityGroupIngress): ")
    assert "sg-none" in error
    assert error.endswith("(log: .local/embedded-aws/cdk.log)\n")


def test_a_deployment_that_does_not_reach_cloudformation_is_one_line(run: Run, shared: Workspace) -> None:
    write(shared, topic("one"), during="raise SystemExit('database.max_acu: 999 is not allowed')")
    code, output, error = run(shared, "up")
    assert code == 1
    assert "database.max_acu: 999 is not allowed" in output
    assert error == (
        "error: the deployment failed: cdk ended with code 1, see above (log: .local/embedded-aws/cdk.log)\n"
    )


def test_a_property_that_did_not_arrive_fails_the_run(run: Run, shared: Workspace) -> None:
    write(shared, topic("one"), during="template = template.replace('one', 'another')")
    code, output, error = run(shared, "up")
    assert code == 1
    assert "DisplayName is 'another', and the template says 'one'" in " ".join(output.split())
    assert error == "error: 1 of the deployed properties are not what the templates declare (see above)\n"


def test_an_emulator_that_does_not_answer_is_one_line(
    run: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(shared, topic("one"))
    run(shared, "up")
    running = shared.emulator.running()
    assert running is not None
    monkeypatch.setattr("embedded_aws.emulator._ANSWER_SECONDS", 0.3)
    os.kill(running.pid, signal.SIGSTOP)
    try:
        code, _, error = run(shared, "up")
    finally:
        os.kill(running.pid, signal.SIGCONT)
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith(f"error: the embedded AWS (process {running.pid}) does not answer on port {running.port}")


def test_an_emulator_that_ends_during_the_deployment_is_one_line_and_the_next_up_starts_another(
    run: Run, tmp_path: Path
) -> None:
    own = checkout(tmp_path / "checkout")
    kill = f"os.kill(json.load(open('{own.emulator.lock}'))['pid'], 9); time.sleep(0.5); raise SystemExit(1)"
    write(own, topic("one"), during=kill)
    code, _, error = run(own, "up")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("error: the embedded AWS has ended (")

    write(own, topic("one"))
    code, output, error = run(own, "up")
    assert (code, error) == (0, "")
    assert "the last one has ended and its state is gone: started anew" in output

    assert run(own, "down") == (0, "The embedded AWS is stopped and its state removed.\n", "")
    assert run(own, "status") == (1, "", "error: the embedded AWS does not run: run `make local`\n")

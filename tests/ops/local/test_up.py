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
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from embedded_testing.ports import free_port
from ops import REPOSITORY
from ops.__main__ import main
from ops.local import preflight, smoke_test, transfer
from ops.local.workspace import Workspace

# One worker runs all of them: they share one checkout and its embedded AWS.
pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("up")]
Run: TypeAlias = Callable[..., tuple[int, str, str]]
PYTHON = sys.executable

# Synthesizes and deploys root.json as the CLI would, and leaves the assembly and the outputs where it was told to.
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
if sys.argv[1] == "synth":
    suffix = [each.removeprefix("suffix=") for each in sys.argv if each.startswith("suffix=")][0]
    folder, stack = pathlib.Path(options["--output"]), f"Breakwater-{suffix}"
    #WHILE SYNTHESIZING
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / f"{stack}.template.json").write_text(pathlib.Path("root.json").read_text())
    raise SystemExit(0)
(file,) = pathlib.Path(options["--app"]).iterdir()
stack, template = file.name.removesuffix(".template.json"), file.read_text()
#DURING
found = deploy(stack, template)
outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
pathlib.Path(options["--outputs-file"]).write_text(json.dumps({stack: outputs}))
raise SystemExit(0 if found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else 1)
"""
RAN = smoke_test.SmokeTest(
    health={"overall": "healthy", "components": {"database": {"health": "healthy", "reasons": []}}},
    transfer=transfer.Transfer(
        url="http://127.0.0.1:4567/transactions",
        seconds=0.0123,
        answer={"id": "0b5b8c0e"},
        row=(1, 2, 5, "2026-11-28 12:00:00+00"),
        item="idempotency#local-1",
        receipt="s3://bucket/receipts/0b5b8c0e.json",
        command="curl -sS http://127.0.0.1:4567/transactions",
    ),
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
    monkeypatch.setattr(smoke_test, "run", lambda *_: RAN)
    monkeypatch.setattr(preflight, "run", lambda *_: "1 pass")
    suffix = next(_suffixes)

    def run_command(workspace: Workspace, *arguments: str, anywhere: bool = True) -> tuple[int, str, str]:
        settings = ["-c", f"suffix={suffix}"] if arguments[0] == "up" else []
        if arguments[0] == "up" and anywhere and "--port" not in arguments and workspace.emulator.running() is None:
            settings += ["--port", str(free_port())]
        code = main(["local", *arguments, *settings], workspace)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run_command


def write(workspace: Workspace, template: dict[str, Any], during: str = "", synthesizing: str = "") -> None:
    """Say what the CLI deploys, and what it does before it deploys or synthesizes."""
    (workspace.root / "root.json").write_text(json.dumps(template))
    script = CDK.replace("#DURING", during).replace("#WHILE SYNTHESIZING", synthesizing)
    (workspace.root / "cdk.py").write_text(script)


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
    assert (
        """Transfer 0b5b8c0e, and its traces
  Load balancer  POST http://127.0.0.1:4567/transactions, answered in 0.012 s
  Aurora         table transfers: 5 from account 1 to account 2, 2026-11-28 12:00:00+00
  DynamoDB       idempotency#local-1
  S3             s3://bucket/receipts/0b5b8c0e.json

Try it
  curl -sS http://127.0.0.1:4567/transactions
"""
        in output
    )

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


def test_a_warm_run_tells_that_the_failover_was_refused_and_keeps_the_figures_of_the_last_one(
    run: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(shared, topic("one"))
    assert run(shared, "up")[0] == 0
    refused = replace(RAN, failovers=[RAN.failovers[1]] * 2)
    monkeypatch.setattr(smoke_test, "run", lambda *_: refused)
    write(shared, topic("two"))
    code, out, error = run(shared, "up")
    assert (code, error) == (0, "")
    assert "failover refused, since the last one was recent, restore validation" in " ".join(out.split())
    told = out[out.index("Failover, refused since the last one") :]
    assert told.index("succeeded") < told.index("refused  ")
    assert "0.500" in told


def test_without_a_transfer_nothing_is_told_of_one(
    run: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke_test, "run", lambda *_: replace(RAN, transfer=None))
    write(shared, topic("none"))
    code, output, _ = run(shared, "up")
    assert code == 0
    assert "Health monitor" in output
    assert not [word for word in ("Try it", "traces", "transfer") if word in output]


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
    write(shared, topic("one"), during="raise SystemExit('no credentials')")
    code, output, error = run(shared, "up")
    assert code == 1
    assert "no credentials" in output
    assert error == (
        "error: the deployment failed: cdk ended with code 1, see above (log: .local/embedded-aws/cdk.log)\n"
    )


def test_an_app_that_cannot_be_synthesized_is_one_line_and_nothing_is_deployed(run: Run, shared: Workspace) -> None:
    write(shared, topic("one"), synthesizing="raise SystemExit('no such construct')")
    code, output, error = run(shared, "up")
    assert (code, error) == (1, "error: the app cannot be synthesized: cdk ended with code 1, see above\n")
    assert "no such construct" in output
    assert "Deploy" not in output


def test_what_the_embedded_aws_cannot_hold_is_named_before_anything_is_deployed(run: Run, shared: Workspace) -> None:
    template = topic("one")
    template["Resources"]["Stream"] = {
        "Type": "AWS::Kinesis::Stream",
        "Metadata": {"aws:cdk:path": "Breakwater-dev/Storage/Stream"},
    }
    write(shared, template)
    code, output, error = run(shared, "up")
    assert (code, error) == (
        1,
        (
            "error: the embedded AWS cannot hold AWS::Kinesis::Stream (Breakwater-dev/Storage/Stream): choose settings "
            "without it (docs/local.md has a list)\n"
        ),
    )
    assert "Deploy" not in output


def test_an_environment_that_demands_more_gets_stand_ins_and_they_are_remembered(run: Run, shared: Workspace) -> None:
    write(shared, topic("one"))
    code, output, error = run(shared, "up", "-c", "environment=prod")
    assert (code, error) == (0, "")
    assert " (prod)\n" in output
    (settings,) = [given for given in shared.settings().values() if given["environment"] == "prod"]
    assert settings["compute.image"].endswith("/breakwater:local")
    assert settings["compute.certificate_arn"].startswith("arn:aws:acm:us-east-1:000000000000:certificate/")


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
    port = str(free_port())
    code, _, error = run(own, "up", "--port", port)
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("error: the embedded AWS has ended (")

    write(own, topic("one"))
    code, output, error = run(own, "up", anywhere=False)
    assert (code, error) == (0, "")
    assert f"the last one has ended and its state is gone: started anew, http://127.0.0.1:{port} " in " ".join(
        output.split()
    )

    assert run(own, "down") == (0, "The embedded AWS is stopped and its state removed.\n", "")
    assert run(own, "status") == (1, "", "error: the embedded AWS does not run: run `make local`\n")

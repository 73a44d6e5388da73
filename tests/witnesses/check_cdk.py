"""The CDK CLI beyond `deploy`: what it finds different, rolls back and destroys; and the AWS CLI of version 1."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from os import environ, pathsep
from pathlib import Path

import boto3
import pytest

from ops import REPOSITORY
from ops.local.workspace import Workspace
from stacks.names import OutputKey

STACK = "BreakwaterWitness"
APP = """
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2, aws_lambda as lambda_, aws_sns as sns, aws_sqs as sqs
app = cdk.App(outdir={outdir!r})
stack = cdk.Stack(app, {stack!r}, env=cdk.Environment(account="000000000000", region="us-east-1"))
sns.Topic(stack, "Topic", display_name={name!r})
if {swapped}:
    code = lambda_.Code.from_inline(f"def handler(event, context): return {name!r}")
    function = lambda_.Function(
        stack, "Function", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handler", code=code,
        function_name={stack!r}, environment=dict(NAME={name!r}),
    )
    sqs.Queue(stack, "Queue", queue_name={stack!r}, visibility_timeout=cdk.Duration.seconds(30 + len({name!r})))
if {broken}:
    where = dict(group_id="sg-00000000000000000", cidr_ip="10.0.0.0/8")
    rule = ec2.CfnSecurityGroupIngress(stack, "Broken", ip_protocol="-1", **where)
    rule.node.add_dependency(stack.node.find_child("Topic"))
app.synth()
"""


def cdk(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["cdk", "--no-notices", "--ci", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL)


def stack_status(name: str = STACK) -> str:
    return str(boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def synthesized(folder: Path, name: str, *, broken: bool = False, swapped: bool = False) -> str:
    """Return the assembly of a small app that belongs to this file alone."""
    outdir = str(folder / f"{name}-{broken}")
    app = APP.format(outdir=outdir, stack=STACK, name=name, broken=broken, swapped=swapped)
    subprocess.run([sys.executable, "-c", app], check=True, capture_output=True, timeout=120)
    return outdir


@pytest.fixture
def destroyed() -> Iterator[None]:
    yield
    boto3.client("cloudformation").delete_stack(StackName=STACK)
    logs = boto3.client("logs")  # Lambda's own log group, which no stack deletes
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{STACK}")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])


def test_diff_finds_no_difference_in_what_was_just_deployed(outputs: Mapping[str, str]) -> None:
    assembly, stack = str(Workspace().assembly), f"Breakwater-{outputs[OutputKey.SUFFIX]}"
    same = cdk("diff", "--app", assembly, "--fail", stack)
    assert same.returncode == 0, same.stdout + same.stderr
    assert "There were no differences" in same.stdout + same.stderr


@pytest.mark.usefixtures("destroyed")
def test_a_small_stack_is_deployed_compared_rolled_back_and_destroyed(tmp_path: Path) -> None:
    one, two = synthesized(tmp_path, "one"), synthesized(tmp_path, "two")
    deployed = cdk("deploy", "--app", one, "--require-approval", "never")
    assert (deployed.returncode, stack_status()) == (0, "CREATE_COMPLETE"), deployed.stdout + deployed.stderr

    other = cdk("diff", "--app", two, "--fail")
    assert other.returncode == 1
    assert re.search(r"DisplayName", other.stdout + other.stderr)

    broken = synthesized(tmp_path, "two", broken=True)
    failed = cdk("deploy", "--app", broken, "--require-approval", "never", "--no-rollback")
    assert (failed.returncode, stack_status()) == (1, "UPDATE_FAILED"), failed.stdout + failed.stderr
    back = cdk("rollback", "--app", broken, STACK)
    assert (back.returncode, stack_status()) == (0, "UPDATE_ROLLBACK_COMPLETE"), back.stdout + back.stderr
    topic = next(each["TopicArn"] for each in boto3.client("sns").list_topics()["Topics"] if STACK in each["TopicArn"])
    assert boto3.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "one"

    gone = cdk("destroy", "--app", one, "--force")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not [each for each in boto3.client("sns").list_topics()["Topics"] if STACK in each["TopicArn"]]


@pytest.mark.usefixtures("destroyed")
def test_drift_tells_what_somebody_changed_by_hand(tmp_path: Path) -> None:
    assembly = synthesized(tmp_path, "one")
    assert cdk("deploy", "--app", assembly, "--require-approval", "never").returncode == 0
    same = cdk("drift", "--app", assembly, "--fail", STACK)
    assert same.returncode == 0, same.stdout + same.stderr
    sns = boto3.client("sns")
    topic = next(each["TopicArn"] for each in sns.list_topics()["Topics"] if STACK in each["TopicArn"])
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="by hand")
    changed = cdk("drift", "--app", assembly, "--fail", STACK)
    # Where the embedded AWS cannot compare, it has to say so: `no drift` of a changed resource would be a lie.
    assert changed.returncode != 0, changed.stdout + changed.stderr


def test_drift_of_a_nested_stack_is_found_by_ops_and_not_by_the_cdk_cli(outputs: Mapping[str, str]) -> None:
    def drift() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops", "drift"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=REPOSITORY)

    functions = boto3.client("lambda")
    name = outputs[OutputKey.FAILOVER_FUNCTION]
    memory = functions.get_function_configuration(FunctionName=name)["MemorySize"]
    same = drift()
    assert same.returncode == 0, same.stdout + same.stderr
    assert ", 9 stacks: in sync" in same.stdout
    functions.update_function_configuration(FunctionName=name, MemorySize=memory + 64)
    try:
        changed = drift()
        by_cdk = cdk("drift", "--app", str(Workspace().assembly), "--fail", f"Breakwater-{outputs[OutputKey.SUFFIX]}")
    finally:
        functions.update_function_configuration(FunctionName=name, MemorySize=memory)
    assert changed.returncode == 1, changed.stdout + changed.stderr
    assert "/MemorySize" in changed.stdout
    assert str(memory + 64) in changed.stdout
    assert by_cdk.returncode == 0, by_cdk.stdout + by_cdk.stderr


@pytest.mark.usefixtures("destroyed")
def test_a_hotswap_changes_what_it_says_and_a_deployment_the_rest(tmp_path: Path) -> None:
    one, three = synthesized(tmp_path, "one", swapped=True), synthesized(tmp_path, "three", swapped=True)
    assert cdk("deploy", "--app", one, "--require-approval", "never").returncode == 0
    swapped = cdk("deploy", "--app", three, "--hotswap")
    assert swapped.returncode == 0, swapped.stdout + swapped.stderr
    assert boto3.client("lambda").invoke(FunctionName=STACK)["Payload"].read() == b'"three"'
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=STACK)
    assert configuration["Environment"]["Variables"] == {"NAME": "three"}
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=STACK)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "35"}
    # The CDK CLI swaps no topic and does not say so, here as on AWS: a deployment without the option changes it.
    deployed = cdk("deploy", "--app", three, "--require-approval", "never")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    topic = next(each["TopicArn"] for each in boto3.client("sns").list_topics()["Topics"] if STACK in each["TopicArn"])
    assert boto3.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "three"


@pytest.mark.parametrize("command", ["rds describe-db-clusters", "sqs list-queues", "s3 ls", "sts get-caller-identity"])
def test_a_command_without_an_endpoint_stays_on_this_machine(command: str, programs: Path) -> None:
    path = pathsep.join([str(programs), environ["PATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", "ops", "local", "run", "--", "aws", *command.split()],
        cwd=REPOSITORY, env={**environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")

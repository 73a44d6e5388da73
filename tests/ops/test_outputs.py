"""The flat outputs of a deployed stack: asked of CloudFormation, written, found and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ops import outputs
from ops.__main__ import main
from ops.connection import Connection
from ops.errors import OpsError
from tests.fake_clients import ServiceError
from tests.ops.preflight.cases import Session

NESTED_TYPE = "AWS::CloudFormation::Stack"
NESTED = "Breakwater-x1-DatabaseNestedStack-1"
SILENT = "Breakwater-x1-StorageNestedStack-1"
# Longer than a line, and with what would be markup: it is printed as it is.
BUCKET = f"logs-[b]{'1' * 100}[/b]"
ROOT = {"EnvironmentName": "dev", "Suffix": "x1", "Region": "us-east-1"}


def _stack(name: str, suffix: str | None, **more: Any) -> dict[str, Any]:
    tags = {"Tags": [{"Key": "Suffix", "Value": suffix}]} if suffix else {}
    return {"StackName": name, "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", **tags, **more}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"OutputKey": key, "OutputValue": value} for key, value in values.items()]


class _CloudFormation:
    """CloudFormation with some stacks; of what they list, some is deleted or kept, and one has no id yet."""

    def __init__(self, *stacks: dict[str, Any]) -> None:
        self.stacks = list(stacks)

    def describe(self, **given: Any) -> Mapping[str, Any]:
        if "StackName" in given:
            return {"Stacks": [stack for stack in self.stacks if stack["StackName"] == given["StackName"]]}
        page = int(given.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.stacks) else {}
        return {"Stacks": self.stacks[page : page + 1], **more}

    def resources(self, **given: Any) -> Mapping[str, Any]:
        found = {
            "Breakwater-x1": [
                (NESTED_TYPE, "DatabaseNestedStackDatabaseNestedStackResource1", NESTED),
                (NESTED_TYPE, "ComputeNestedStackComputeNestedStackResource1", ""),
                (NESTED_TYPE, "StorageNestedStackStorageNestedStackResource1", SILENT),
            ],
            SILENT: [("AWS::S3::Bucket", "Bucket1", BUCKET)],
            NESTED: [("AWS::RDS::DBCluster", "Cluster1", "dr-aurora-x1"), ("AWS::CDK::Metadata", "CDKMetadata", "")],
        }[given["StackName"]]
        rows: list[dict[str, Any]] = [
            {"ResourceStatus": status, "LastUpdatedTimestamp": 0, **gone}
            for gone in (
                {"ResourceType": NESTED_TYPE, "LogicalResourceId": "OldNestedStack1", "PhysicalResourceId": "old-1"},
                {"ResourceType": "AWS::DynamoDB::GlobalTable", "LogicalResourceId": "Old", "PhysicalResourceId": "old"},
            )
            for status in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ]
        rows += [
            {
                "ResourceType": kind,
                "LogicalResourceId": logical,
                "ResourceStatus": "CREATE_COMPLETE",
                "LastUpdatedTimestamp": 0,
                **({"PhysicalResourceId": physical} if physical else {}),
            }
            for kind, logical, physical in found
        ]
        return {"StackResourceSummaries": rows}


OURS = _stack("Breakwater-x1", "x1", Outputs=_pairs(ROOT))
INNER = _stack(NESTED, "x1", ParentId="arn:x", Outputs=_pairs({"ClusterRef": "dr-aurora-x1"}))


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> _CloudFormation:
    """Make an account with the stack, its nested one, and two of other owners."""
    nested, others = [INNER, _stack(SILENT, "x1", ParentId="arn:x")], [_stack("Breakwater-x1-copy", None)]
    made = _CloudFormation(_stack("CDKToolkit", None), *nested, OURS, *others)
    answers = {"cloudformation:DescribeStacks": made.describe, "cloudformation:ListStackResources": made.resources}

    def session(region_name: str | None = None) -> Any:
        fake = Session(answers)
        fake.region_name = region_name or "us-east-1"  # type: ignore[attr-defined]
        return fake

    monkeypatch.setattr(boto3.session, "Session", session)
    return made


FLAT = ROOT | {
    "Database.Outputs.ClusterRef": "dr-aurora-x1",
    "Database.Cluster1": "dr-aurora-x1",
    "Database.CDKMetadata": "",
    "Storage.Bucket1": BUCKET,
}


@pytest.mark.usefixtures("cloudformation")
@pytest.mark.parametrize("name", [None, "Breakwater-x1"])
def test_outputs_of_root_and_nested_stacks_with_physical_ids(name: str | None) -> None:
    assert outputs.deployed(name, Connection.from_environment()) == FLAT


@pytest.mark.usefixtures("cloudformation")
def test_they_are_written_where_programs_look_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "1000")
    file = tmp_path / "build" / outputs.WRITTEN
    for _ in range(2):
        assert main(["outputs", "--out", str(file)]) == 0
        assert capsys.readouterr().out == f"7 outputs and physical ids -> {file}\n"
        assert outputs.find({}, tmp_path / "build") == FLAT


@pytest.mark.usefixtures("cloudformation")
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "outputs.json"):
        said = _said(["--out", str(place)], capsys)
        assert said.startswith(f"error: --out {place}: ")
        assert said.endswith(": name a file that can be written\n")


@pytest.mark.usefixtures("cloudformation")
def test_they_are_printed_for_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["outputs"]) == 0
    assert capsys.readouterr().out == json.dumps(FLAT, indent=2) + "\n"


def test_help_says_what_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for words in (["--help"], ["outputs", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "outputs print outputs and physical ids of a deployed stack, as flat JSON" in said
    assert "Print the outputs and physical ids of a deployed stack as one flat JSON object." in said
    assert f"--out FILE write them to this file, e.g. {outputs.WRITTEN}" in said


def _said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["outputs", *words]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


def test_what_looks_like_the_platform_and_is_not_is_left_alone(cloudformation: _CloudFormation) -> None:
    """A deleted stack of the same name, and a nested one that carries the tags and the name of a root."""
    cloudformation.stacks = [
        {**OURS, "StackName": "Breakwater-x3", "Tags": [{"Key": "Suffix", "Value": "x3"}], "ParentId": "arn:x"},
        _stack("Breakwater-x4", "x4", StackStatus="DELETE_COMPLETE"),
        *cloudformation.stacks,
    ]
    assert outputs.deployed(None, Connection.from_environment()) == FLAT
    for name in ("Breakwater-x3", "Breakwater-x4"):
        with pytest.raises(OpsError, match=f"no stack {name} is deployed in us-east-1; there are Breakwater-x1$"):
            outputs.deployed(name, Connection.from_environment())


def test_a_stack_that_is_not_there_or_not_ready_is_one_line(
    cloudformation: _CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "error: no stack Breakwater-x1-copy is deployed in us-east-1; there are Breakwater-x1\n"
    assert _said(["--stack", "Breakwater-x1-copy"], capsys) == told
    cloudformation.stacks = [_stack("CDKToolkit", None)]
    assert _said(["--region", "eu-west-1"], capsys) == "error: no stack Breakwater-… is deployed in eu-west-1\n"
    cloudformation.stacks = [OURS | {"StackStatus": "UPDATE_IN_PROGRESS"}]
    assert "Breakwater-x1 is UPDATE_IN_PROGRESS: wait" in _said([], capsys)


def test_one_of_several_has_to_be_named(cloudformation: _CloudFormation, capsys: pytest.CaptureFixture[str]) -> None:
    cloudformation.stacks = [OURS, _stack("Breakwater-x2", "x2")]
    assert "choose one of Breakwater-x1, Breakwater-x2 with --stack" in _said([], capsys)
    assert "there are Breakwater-x1, Breakwater-x2\n" in _said(["--stack", "Breakwater-x3"], capsys)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ServiceError("AccessDenied"), "error: DescribeStacks in us-east-1: AccessDenied: "),
        (EndpointConnectionError(endpoint_url="https://x"), "error: AWS cannot be reached: Could not connect to the"),
    ],
)
def test_no_answer_is_one_line(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> Mapping[str, Any]:
        raise error

    fake: Any = Session({"cloudformation:DescribeStacks": refuse})
    fake.region_name = "us-east-1"
    monkeypatch.setattr(boto3.session, "Session", lambda region_name=None: fake)  # noqa: ARG005 (boto3's name)
    assert _said([], capsys).startswith(told)


def test_no_region_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert _said([], capsys) == "error: no Region: give --region, or set AWS_REGION\n"


@pytest.mark.parametrize("place", outputs.PLACES)
def test_a_file_is_looked_for_in_the_usual_places(place: Path, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(json.dumps({"Breakwater-x1": ROOT, "Other": {"A": "b"}}))
    assert outputs.find({}, tmp_path) == ROOT


def test_a_named_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(ROOT | {"Suffix": "other"}))
    (tmp_path / "named.json").write_text(json.dumps(ROOT))
    assert outputs.find({outputs.VARIABLE: str(tmp_path / "named.json")}, tmp_path) == ROOT


@pytest.mark.usefixtures("cloudformation")
def test_without_a_file_the_account_is_asked(tmp_path: Path) -> None:
    assert outputs.find({}, tmp_path) == FLAT
    with pytest.raises(OpsError, match="no stack Breakwater-x9"):
        outputs.find({"BREAKWATER_STACK": "Breakwater-x9"}, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory: write it with"),
        ("{", "is not JSON: write it with"),
        ("[]", "is not a flat object of outputs"),
        ('{"Suffix": 1}', "is not a flat object of outputs"),
        ("{}", "has no Suffix, Region, EnvironmentName: it is not of a Breakwater stack"),
        ('{"Other": {"A": "b"}}', "has 0 stacks called Breakwater-…, and one is needed"),
        ('{"Breakwater-a": {}, "Breakwater-b": {}}', "has 2 stacks called Breakwater-…"),
        ('{"Breakwater-a": {"A": 1}}', "is not a flat object of outputs"),
    ],
)
def test_a_wrong_file_is_one_line(content: str | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(OpsError, match=f"^{re.escape(str(file))}.*{re.escape(told)}.*$") as caught:
        outputs.read(file)
    assert "\n" not in str(caught.value)

"""Drift of the root stack and of every nested one, from made-up answers of CloudFormation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ops.__main__ import main
from tests.fake_clients import ServiceError
from tests.ops.preflight.cases import Session

ROOT = "Breakwater-x1"
IDS = {
    name: f"arn:aws:cloudformation:us-east-1:111111111111:stack/{ROOT}-{name}NestedStack-1/0a" for name in ("A", "B")
}
DEEP = "arn:aws:cloudformation:us-east-1:111111111111:stack/Deep/0b"
SERVICE, CLUSTER = "AWS::ECS::Service", "AWS::RDS::DBCluster"


def _drift(status: str, kind: str = SERVICE, path: str = "", **more: str) -> dict[str, Any]:
    different = [{"PropertyPath": path, "ExpectedValue": "2", "ActualValue": "5|6", "DifferenceType": "NOT_EQUAL"}]
    return {
        "StackId": "id", "LogicalResourceId": "Thing", "ResourceType": kind, "StackResourceDriftStatus": status,
        "Timestamp": 0, "PropertyDifferences": different if path else [], **more,
    }  # fmt: skip


class _CloudFormation:
    """Nested stacks, one of them two levels down, and their drift; a detection is in progress at first."""

    def __init__(self, drifts: Mapping[str, list[dict[str, Any]]], *, waits: int = 1, failed: str = "") -> None:
        self.drifts, self.waits, self.failed = drifts, waits, failed
        self.detected = list[str]()
        self.asked = dict[str, int]()
        self.filters = list[list[str]]()

    def describe(self, **_: Any) -> Mapping[str, Any]:
        tags = [{"Key": "Suffix", "Value": "x1"}]
        return {"Stacks": [{"StackName": ROOT, "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE", "Tags": tags}]}

    def resources(self, **given: Any) -> Mapping[str, Any]:
        children = {ROOT: [*IDS.values(), ""], IDS["B"]: [DEEP]}.get(given["StackName"], [])
        rows = [("AWS::CloudFormation::Stack", each) for each in children] + [(SERVICE, "service")]
        return {
            "StackResourceSummaries": [
                {
                    "ResourceType": kind, "LogicalResourceId": "Child", "PhysicalResourceId": each,
                    "LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE",
                }
                for kind, each in rows
            ]
        }  # fmt: skip

    def detect(self, **given: Any) -> Mapping[str, Any]:
        self.detected.append(given["StackName"])
        return {"StackDriftDetectionId": given["StackName"]}

    def status(self, **given: Any) -> Mapping[str, Any]:
        name = given["StackDriftDetectionId"]
        self.asked[name] = self.asked.get(name, 0) + 1
        answer = {"StackId": name, "StackDriftDetectionId": name, "Timestamp": 0}
        if self.asked[name] <= self.waits:
            return {**answer, "DetectionStatus": "DETECTION_IN_PROGRESS"}
        if name == self.failed:
            return {**answer, "DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": "no permission"}
        return {**answer, "DetectionStatus": "DETECTION_COMPLETE"}

    def drift(self, **given: Any) -> Mapping[str, Any]:
        self.filters.append(given["StackResourceDriftStatusFilters"])
        found = self.drifts.get(given["StackName"], [])
        page = int(given.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(found) else {}
        return {"StackResourceDrifts": found[page : page + 1], **more}

    @property
    def answers(self) -> dict[str, Callable[..., Mapping[str, Any]]]:
        return {
            "cloudformation:DescribeStacks": self.describe,
            "cloudformation:ListStackResources": self.resources,
            "cloudformation:DetectStackDrift": self.detect,
            "cloudformation:DescribeStackDriftDetectionStatus": self.status,
            "cloudformation:DescribeStackResourceDrifts": self.drift,
        }


class _Session(Session):
    region_name: str | None = "us-east-1"


@pytest.fixture
def drift(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command; return its exit code and all that it prints, on one line."""
    monkeypatch.setattr("ops.drift.time.sleep", lambda _: None)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(answers: Mapping[str, Any], *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(boto3.session, "Session", lambda **_: _Session(answers))
        code = main(["drift", *arguments])
        printed = capsys.readouterr()
        return code, " ".join((printed.out + printed.err).split())

    return run


def test_every_stack_is_asked_before_one_is_waited_for(
    drift: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = _CloudFormation({})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert drift(fake.answers) == (0, f"{ROOT}, 4 stacks: in sync")
    assert fake.detected == [ROOT, IDS["A"], IDS["B"], DEEP]
    assert set(fake.asked.values()) == {2}
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == f"### Drift: {ROOT}, 4 stacks: in sync\n\n"
    assert fake.filters[0] == ["MODIFIED", "DELETED", "UNKNOWN"]


def test_drift_in_a_nested_stack_is_shown_and_ends_with_1(
    drift: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n", encoding="utf-8")
    fake = _CloudFormation({DEEP: [_drift("MODIFIED", CLUSTER, "/Port"), _drift("DELETED", CLUSTER)]})
    code, text = drift(fake.answers)
    assert code == 1
    assert f"Deep {CLUSTER} Thing /Port 2 5|6" in text
    assert f"Deep {CLUSTER} Thing deleted" in text
    assert text.endswith(f"{ROOT}, 4 stacks: 2 differences")
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["before", f"### Drift: {ROOT}, 4 stacks: 2 differences"]
    assert f"| `Deep` | `{CLUSTER} Thing` | `/Port` | `2` | `5\\|6` |" in lines
    assert f"| `Deep` | `{CLUSTER} Thing` | `deleted` |  |  |" in lines


def test_what_is_expected_or_accepted_is_no_drift(drift: Callable[..., tuple[int, str]]) -> None:
    fake = {DEEP: [_drift("MODIFIED", SERVICE, "/DesiredCount"), _drift("MODIFIED", CLUSTER, "/Port")]}
    assert drift(_CloudFormation(fake).answers, "--accept", f"{CLUSTER}:/Port")[0] == 0
    assert drift(_CloudFormation(fake).answers)[1].endswith("1 difference")
    other = {DEEP: [_drift("MODIFIED", CLUSTER, "/DesiredCount")]}
    assert drift(_CloudFormation(other).answers, "--accept", f"{CLUSTER}:/Port")[0] == 1


@pytest.mark.parametrize("word", ["nonsense", "AWS::RDS::DBCluster", "AWS::RDS::DBCluster:Port", "/Port", "a:/Port"])
def test_what_names_no_property_cannot_be_accepted(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["drift", "--accept", word])
    assert ended.value.code == 2
    assert f"argument --accept: '{word}' is not TYPE:PATH, e.g. AWS::" in capsys.readouterr().err


def test_what_could_not_be_read_is_not_called_in_sync(drift: Callable[..., tuple[int, str]]) -> None:
    unread = {DEEP: [_drift("UNKNOWN", CLUSTER, DriftStatusReason="AccessDenied")]}
    code, text = drift(_CloudFormation(unread).answers)
    assert code == 3
    assert "AccessDenied" in text
    assert text.endswith("in sync; 1 resources could not be read")
    silent = {DEEP: [_drift("UNKNOWN", CLUSTER), _drift("DELETED")]}
    code, text = drift(_CloudFormation(silent).answers)
    assert code == 1
    assert text.endswith("1 difference; 1 resources could not be read")


def test_a_detection_that_fails_or_lasts_is_an_error(drift: Callable[..., tuple[int, str]]) -> None:
    code, text = drift(_CloudFormation({}, failed=IDS["A"]).answers)
    assert (code, text) == (3, f"error: {ROOT}-ANestedStack-1: no permission")
    # A part of the answer counts for what it is.
    assert drift(_CloudFormation({IDS["A"]: [_drift("DELETED")]}, failed=IDS["A"]).answers)[0] == 1
    code, text = drift(_CloudFormation({}, waits=1000).answers, "--timeout", "1")
    assert (code, text) == (3, f"error: {ROOT}: no answer within 1 minutes")


def test_aws_that_refuses_or_cannot_be_reached_is_one_line(drift: Callable[..., tuple[int, str]]) -> None:
    def refuse(**_: Any) -> Mapping[str, Any]:
        raise ServiceError("AccessDenied")

    def silent(**_: Any) -> Mapping[str, Any]:
        raise EndpointConnectionError(endpoint_url="https://cloudformation.us-east-1.amazonaws.com")

    answers = _CloudFormation({}).answers
    code, text = drift({**answers, "cloudformation:DetectStackDrift": refuse})
    assert code == 3
    assert text.startswith("error: DetectStackDrift: AccessDenied")
    code, text = drift({**answers, "cloudformation:DetectStackDrift": silent})
    assert code == 3
    assert text.startswith("error: AWS cannot be reached: ")


def test_a_summary_that_cannot_be_written_is_one_line(
    drift: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    code, text = drift(_CloudFormation({}).answers)
    assert code == 3
    assert "error: the report cannot be written: [Errno 2]" in text


def test_without_a_region_nothing_is_asked(
    drift: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Session, "region_name", None)
    assert drift({}) == (3, "error: no Region: give --region, or set AWS_REGION")

"""What would be lost, asked of the embedded AWS as of an account: a stack is there, and other templates planned."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.stack import delete, deploy
from ops.check.part import Part
from ops.check.parts import changes
from ops.local.workspace import Workspace
from ops.preflight.account import Account
from ops.preflight.context import Plan
from stacks.settings import load_settings

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("dev-app")]
SETTINGS = load_settings({"suffix": "lost"})
STACK, BUCKET = "Breakwater-lost", "lost-templates"
TABLE = {
    "Type": "AWS::DynamoDB::GlobalTable",
    "Metadata": {"aws:cdk:path": "Breakwater-lost/Storage/Table"},
    "DeletionPolicy": "Delete",
    "UpdateReplacePolicy": "Delete",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "Replicas": [{"Region": "us-east-1"}],
    },
}
NESTED = {"Resources": {"Table": TABLE}}
ROOT: dict[str, Any] = {
    "Resources": {
        "Storage": {
            "Type": "AWS::CloudFormation::Stack",
            "Metadata": {
                "aws:asset:path": "storage.json",
                "aws:cdk:path": "Breakwater-lost/Storage.NestedStack/Resource",
            },
            "DeletionPolicy": "Delete",
            "Properties": {"TemplateURL": f"https://s3.us-east-1.amazonaws.com/{BUCKET}/storage.json"},
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
}


@pytest.fixture
def asked(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return the embedded AWS as the command sees it: an account of the environment."""
    running = emulator.running()
    assert running is not None
    for name, value in Workspace().variables(running.port, running.key).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Account("us-east-1")


@pytest.fixture
def deployed(aws: Aws) -> Iterator[None]:
    """Deploy the root with its nested stack."""
    aws("s3").create_bucket(Bucket=BUCKET)
    aws("s3").put_object(Bucket=BUCKET, Key="storage.json", Body=json.dumps(NESTED))
    assert deploy(aws, STACK, ROOT).status == "CREATE_COMPLETE"
    yield
    delete(aws, STACK)
    aws("s3").delete_object(Bucket=BUCKET, Key="storage.json")
    aws("s3").delete_bucket(Bucket=BUCKET)


def _of(asked: Account, root: dict[str, Any], nested: dict[str, Any] | None) -> Part:
    documents = {"root.json": root} | ({"storage.json": nested} if nested else {})
    return changes(asked, SETTINGS, Plan(Assembly(documents, {"root.json": ("us-east-1", None)})))


def test_nothing_is_deployed_yet(asked: Account) -> None:
    part = _of(asked, ROOT, NESTED)
    assert (part.status, part.summary) == ("pass", "first deployment, 3 resources")


@pytest.mark.usefixtures("deployed")
def test_what_would_be_lost_fails_and_what_stays_does_not(asked: Account) -> None:
    part = _of(asked, ROOT, NESTED)
    assert (part.status, part.changes) == ("pass", ())
    assert part.summary.startswith("nothing changes (templates of 2 stacks compared, schemas of cfn-lint ")

    keyed = copy.deepcopy(NESTED)
    keyed["Resources"]["Table"]["Properties"]["KeySchema"][0]["AttributeName"] = "id"  # type: ignore[index]
    (line,) = _of(asked, ROOT, keyed).lines
    assert line.status == "fail"
    assert line.text.startswith("replace Breakwater-lost/Storage/Table (AWS::DynamoDB::GlobalTable): KeySchema.0.Attri")

    (line,) = _of(asked, ROOT, {"Resources": {"Ledger": TABLE}}).lines
    assert (line.status, "replace Breakwater-lost/Storage/Table" in line.text) == ("fail", True)
    assert "Ledger is the same under another logical id than Table: give it the old one" in line.text

    without = {"Resources": {"Topic": ROOT["Resources"]["Topic"]}}
    lines = _of(asked, without, None).lines
    assert [(line.status, line.text.split(" (")[0]) for line in lines] == [
        ("fail", "remove Breakwater-lost/Storage"),
        ("fail", "remove Breakwater-lost/Storage/Table"),
    ]

"""Cases of the checks that compare the deployed stack with what is asked for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.preflight.context import Plan
from ops.preflight.deployed import NESTED
from tests.ops.preflight.cases import Case, plan, refuse

STACKS, LIST, TEMPLATE = (f"cloudformation:{name}" for name in ("DescribeStacks", "ListStackResources", "GetTemplate"))
ROOT = "Breakwater-dev.template.json"
Documents = dict[str, dict[str, Any]]


def _stack(suffix: str, environment: str, **more: Any) -> dict[str, Any]:
    tags = [{"Key": "Environment", "Value": environment}, {"Key": "Suffix", "Value": suffix}]
    name = f"Breakwater-{suffix}"
    return {"StackName": name, "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE", "Tags": tags, **more}


def _stacks(*stacks: dict[str, Any]) -> dict[str, Any]:
    return {STACKS: {"Stacks": list(stacks)}}


def _state(state: str, *, protected: bool = False) -> dict[str, Any]:
    return _stacks(_stack("dev", "dev", StackStatus=state, EnableTerminationProtection=protected))


def deployed(
    change: Callable[[Documents], None],
    *,
    text: bool = False,
    gone: str = "-",
    empty: str = "-",
    planned: Plan | None = None,
) -> dict[str, Any]:
    """Return CloudFormation's answers about a stack that was deployed with other templates than the plan's.

    Args:
        change: makes them other.
        text: answer with text in place of what botocore makes of JSON.
        gone: beginning of the logical id of a nested stack that is deleted.
        empty: beginning of the name of a nested stack that has just gone with all that it had.
        planned: the plan; that of dev by default.
    """
    templates = (planned or plan("dev")).assembly.templates
    documents = copy.deepcopy({key: each.document for key, each in templates.items()})
    change(documents)
    keys = {key.partition(".")[0]: key for key in documents}  # by physical name

    def listed(StackName: str) -> dict[str, Any]:  # noqa: N803 (CloudFormation's name)
        rows = []
        for logical, body in documents[keys[StackName]]["Resources"].items():
            file = body["Metadata"]["aws:asset:path"] if body["Type"] == NESTED else logical
            status = "DELETE_COMPLETE" if logical.startswith(gone) else "UPDATE_COMPLETE"
            row = {"LogicalResourceId": logical, "PhysicalResourceId": file.partition(".")[0]}
            rows.append({**row, "ResourceType": body["Type"], "ResourceStatus": status, "LastUpdatedTimestamp": 0})
        return {"StackResourceSummaries": [] if StackName.startswith(empty) else rows}

    def template(StackName: str) -> dict[str, Any]:  # noqa: N803
        found = documents[keys[StackName]]
        return {"TemplateBody": json.dumps(found) if text else found}

    return {LIST: listed, TEMPLATE: template}


def _resources(documents: Documents, kind: str) -> list[dict[str, Any]]:
    return [each for document in documents.values() for each in document["Resources"].values() if each["Type"] == kind]


def _set(kind: str, **properties: Any) -> Callable[[Documents], None]:
    """Return a change of properties of the first resource of a type; None takes one away."""

    def change(documents: Documents) -> None:
        first = _resources(documents, kind)[0]["Properties"]
        first.update(properties)
        for name in [name for name, value in properties.items() if value is None]:
            del first[name]

    return change


def _add(kind: str, policy: str | None) -> Callable[[Documents], None]:
    """Return a change that adds a resource which the plan does not have."""

    def change(documents: Documents) -> None:
        body = {"Type": kind, **({"DeletionPolicy": policy} if policy else {})}
        documents[ROOT]["Resources"]["Old"] = body

    return change


def _other_subnets(documents: Documents) -> None:
    """Put the cluster into another subnet group of its template."""
    (template,) = [each for each in documents.values() if _resources({"": each}, CLUSTER)]
    template["Resources"]["Old"] = {"Type": "AWS::RDS::DBSubnetGroup"}
    _set(CLUSTER, DBSubnetGroupName={"Ref": "Old"})(documents)


def _importing(value: str) -> Plan:
    """Return the plan of a network whose range another stack exports."""
    network = {"Type": VPC, "Properties": {"CidrBlock": {"Fn::ImportValue": value}}}
    return Plan(Assembly({ROOT: {"Resources": {"Vpc": network}}}))


def _moved(documents: Documents) -> None:
    """Put a log group of a nested stack into the root, under the same name."""
    (template, *_) = [each for each in documents.values() if _resources({"": each}, GROUP)]
    name = next(name for name, body in template["Resources"].items() if body["Type"] == GROUP)
    documents[ROOT]["Resources"][name] = template["Resources"].pop(name)


def _same(_: Documents) -> None:
    """Change nothing."""


def _replacement(name: str, kind: str, status: str, words: str, **properties: Any) -> Case:
    return Case("PF-CFN-03", name, [(status, words)], deployed(_set(kind, **properties)))


def _removal(kind: str, policy: str | None, status: str, words: str) -> Case:
    told = f"Old would be removed from the stack, and {words}"
    return Case("PF-CFN-03", f"{kind} goes, {policy}", [(status, told)], deployed(_add(kind, policy)))


CLUSTER, VPC, SUBNET = "AWS::RDS::DBCluster", "AWS::EC2::VPC", "AWS::EC2::Subnet"
GROUP = "AWS::Logs::LogGroup"
CASES = [
    Case("PF-CFN-01", "none", [("pass", "Breakwater-dev does not exist yet")], {STACKS: refuse("ValidationError")}),
    Case("PF-CFN-01", "ready", [("pass", "is UPDATE_ROLLBACK_COMPLETE")], _state("UPDATE_ROLLBACK_COMPLETE")),
    Case("PF-CFN-01", "busy", [("fail", "is UPDATE_IN_PROGRESS")], _state("UPDATE_IN_PROGRESS")),
    Case("PF-CFN-01", "stuck", [("fail", "is UPDATE_ROLLBACK_FAILED")], _state("UPDATE_ROLLBACK_FAILED")),
    Case("PF-CFN-01", "never", [("warn", "the CDK deletes it and creates it anew")], _state("ROLLBACK_COMPLETE")),
    Case(
        "PF-CFN-01",
        "never, and protected",
        [("fail", "Breakwater-dev is ROLLBACK_COMPLETE, and its termination protection keeps the CDK from")],
        _state("ROLLBACK_COMPLETE", protected=True),
    ),
    Case("PF-CFN-01", "ready, and protected", [("pass", "")], _state("CREATE_COMPLETE", protected=True)),
    Case("PF-CFN-02", "ours", [("pass", "is of dev")], _stacks(_stack("dev", "dev"), _stack("x1", "dev"))),
    Case(
        "PF-CFN-02",
        "first",
        [("pass", "Breakwater-dev is the first of dev")],
        _stacks(
            _stack("x1", "prod"),
            _stack("x2", "dev", ParentId="arn:x"),
            {**_stack("x3", "dev"), "StackName": "Breakwater-copy"},
            {name: value for name, value in _stack("x4", "dev").items() if name != "Tags"},
        ),
    ),
    Case(
        "PF-CFN-02",
        "of another environment",
        [("fail", "Breakwater-dev is of environment prod, and the settings are of dev")],
        _stacks(_stack("dev", "prod")),
    ),
    Case(
        "PF-CFN-02",
        "of another suffix",
        [("warn", "Breakwater-dev does not exist, and Breakwater-x1, Breakwater-x2 of dev does: this adds a platform")],
        _stacks(_stack("x2", "dev"), _stack("x1", "dev"), _stack("x3", "prod")),
    ),
    Case("PF-CFN-03", "none", [("pass", "nothing is deployed")], {LIST: refuse("ValidationError"), TEMPLATE: {}}),
    Case("PF-CFN-03", "same", [("pass", " resources stay")], deployed(_same)),
    Case("PF-CFN-03", "same, as text", [("pass", " resources stay")], deployed(_same, text=True)),
    Case(
        "PF-CFN-03", "changed in place", [("pass", " resources stay")], deployed(_set(CLUSTER, BackupRetentionPeriod=9))
    ),
    Case("PF-CFN-03", "a nested stack was deleted", [("pass", " resources stay")], deployed(_same, gone="Database")),
    Case(
        "PF-CFN-03",
        "a nested stack has just gone",
        [("fail", "DatabaseName is old")],
        deployed(_set(CLUSTER, DatabaseName="old"), empty="BreakwaterdevOperations"),
    ),
    _replacement(
        "name",
        CLUSTER,
        "fail",
        "Database/Cluster/Default/Resource would be replaced: DatabaseName is old, planned is transactions",
        DatabaseName="old",
    ),
    _replacement(
        "range in other words", VPC, "pass", " resources stay", CidrBlock={"Fn::Join": ["", ["10.20.", "0.0/16"]]}
    ),
    *(
        Case(
            "PF-CFN-03",
            f"a range that {export} decides",
            [expected],
            deployed(_same, planned=_importing(export)),
            planned=lambda: _importing("Ours"),
        )
        for export, expected in (
            ("Ours", ("pass", "1 resources stay")),
            ("Theirs", ("warn", "CidrBlock is decided by AWS, planned is decided by AWS")),
        )
    ),
    _replacement(
        "zones of others",
        CLUSTER,
        "warn",
        "AvailabilityZones is [",
        AvailabilityZones=[{"Ref": "ClusterSubnetGroupAA68648A"}],
    ),
    Case("PF-CFN-03", "moved", [("warn", "would be removed from the stack, and ")], deployed(_moved)),
    _replacement("owner", CLUSTER, "fail", "MasterUsername is old, planned is breakwater_owner", MasterUsername="old"),
    _replacement("range", VPC, "fail", "CidrBlock is 10.9.0.0/16, planned is 10.20.0.0/16", CidrBlock="10.9.0.0/16"),
    Case(
        "PF-CFN-03",
        "other subnets",
        [("fail", "DBSubnetGroupName is Old, planned is ClusterSubnetGroup")],
        deployed(_other_subnets),
    ),
    _replacement(
        "keys",
        "AWS::DynamoDB::GlobalTable",
        "fail",
        'KeySchema is [{"AttributeName": "id", "KeyType": "HASH"}], planned',
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    ),
    _replacement(
        "by default",
        CLUSTER,
        "warn",
        "may be replaced: EngineMode is provisioned, planned is not given",
        EngineMode="provisioned",
    ),
    _replacement(
        "unknown",
        CLUSTER,
        "warn",
        "DatabaseName is decided by AWS, planned is transactions",
        DatabaseName={"Fn::ImportValue": "x"},
    ),
    _removal(CLUSTER, "Delete", "fail", "deleted"),
    _removal(CLUSTER, None, "warn", "kept outside of it"),
    _removal(CLUSTER, "RetainExceptOnCreate", "warn", "kept outside of it"),
    _removal("AWS::S3::Bucket", None, "fail", "deleted"),
    _removal("AWS::KMS::Key", "Retain", "warn", "kept outside of it"),
    _removal(GROUP, "Delete", "warn", "deleted"),
    _removal(SUBNET, None, "warn", "deleted"),
]

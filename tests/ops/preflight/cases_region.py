"""Cases of the checks about programs, bootstrap, account, region, roles and AWS Backup."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.preflight.context import Plan
from tests.ops.preflight.cases import IDENTITY, Case, refuse

REGION_SETTINGS = "backup:DescribeRegionSettings"
ZONES = "ec2:DescribeAvailabilityZones"


def zones(*names: str, state: str = "available") -> dict[str, Any]:
    """Return what EC2 says of zones."""
    return {"AvailabilityZones": [{"ZoneName": name, "State": state} for name in names]}


THREE = {ZONES: zones("us-east-1a", "us-east-1b", "us-east-1c")}


BUCKET = f"cdk-hnb659fds-assets-{IDENTITY['Account']}-us-east-1"


def _buckets(*names: str) -> dict[str, Any]:
    return {"s3:ListBuckets": {"Buckets": [{"Name": name} for name in names]}}


def _head(**given: Any) -> dict[str, Any]:
    assert given == {"Bucket": BUCKET}
    return {}


def _without_folder() -> Plan:
    """Templates without a cloud assembly, which ask for no bootstrap version."""
    return Plan(Assembly({"template.json": {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}}))


CASES = [
    Case("PF-CLI-01", "pinned", [("pass", "cdk is 2.1148.1")], programs={"cdk": "2.1148.1 (build 1)"}),
    Case("PF-CLI-01", "newer", [("pass", "2.1200.0")], programs={"cdk": "2.1200.0"}),
    Case("PF-CLI-01", "accident", [("fail", "cdk is 3.0.0")], programs={"cdk": "3.0.0 (build x)"}),
    Case("PF-CLI-01", "oldest", [("pass", "cdk is 2.1148.0")], programs={"cdk": "2.1148.0"}),
    Case("PF-CLI-01", "older", [("fail", "cdk is 2.1147.9")], programs={"cdk": "2.1147.9"}),
    Case("PF-CLI-01", "silent", [("fail", "of no readable version")], programs={"cdk": ""}),
    Case("PF-CLI-01", "missing", [("fail", "no cdk is on the PATH")]),
    Case("PF-CLI-02", "even", [("pass", "node is 24.19.0")], programs={"node": "v24.19.0"}),
    Case("PF-CLI-02", "old", [("fail", "node is 20.20.2")], programs={"node": "v20.20.2"}),
    Case("PF-CLI-02", "odd", [("fail", "node is 23.1.0")], programs={"node": "v23.1.0"}),
    Case("PF-CLI-02", "silent", [("fail", "of no readable version")], programs={"node": "?"}),
    Case("PF-CLI-02", "missing", [("fail", "no node is on the PATH")]),
    Case(
        "PF-CDK-01",
        "bootstrapped",
        [("pass", "bootstrap version 30, needed is 6")],
        {"ssm:GetParameter": {"Parameter": {"Value": "30"}}},
    ),
    Case(
        "PF-CDK-01",
        "just new enough",
        [("pass", "bootstrap version 6, needed is 6")],
        {"ssm:GetParameter": {"Parameter": {"Value": "6"}}},
    ),
    Case(
        "PF-CDK-01",
        "old",
        [("fail", "bootstrap version 5, needed is 6")],
        {"ssm:GetParameter": {"Parameter": {"Value": "5"}}},
    ),
    Case(
        "PF-CDK-01",
        "no number",
        [("fail", "/cdk-bootstrap/hnb659fds/version is 'x', and `cdk bootstrap` writes a number")],
        {"ssm:GetParameter": {"Parameter": {"Value": "x"}}},
    ),
    Case(
        "PF-CDK-01",
        "of a template alone",
        [("pass", "needed is 0")],
        {"ssm:GetParameter": {"Parameter": {"Value": "1"}}},
        planned=_without_folder,
    ),
    Case(
        "PF-CDK-01",
        "missing",
        [("fail", "us-east-1 is not bootstrapped")],
        {"ssm:GetParameter": refuse("ParameterNotFound")},
    ),
    Case("PF-CDK-02", "ours", [("pass", BUCKET)], _buckets(f"{BUCKET}-2", BUCKET)),
    Case("PF-CDK-02", "missing", [("fail", "does not exist")], _buckets() | {"s3:HeadBucket": refuse("404")}),
    Case("PF-CDK-02", "another's", [("fail", "another account")], _buckets() | {"s3:HeadBucket": refuse("403")}),
    Case(
        "PF-CDK-02",
        "another's, for everybody",
        [("fail", f"{BUCKET} belongs to another account")],
        _buckets(f"{BUCKET}-2") | {"s3:HeadBucket": _head},
    ),
    Case("PF-STS-01", "any account", [("pass", "user/deployer")]),
    Case("PF-STS-01", "the account", [("pass", "user/deployer")], context={"account": "111111111111"}),
    Case("PF-STS-01", "another", [("fail", "the settings say account 222222222222")], context={"account": "2" * 12}),
    *(
        Case(
            "PF-EC2-01",
            status,
            [(expected, f"us-east-1 is {status}")],
            {"ec2:DescribeRegions": {"Regions": [{"RegionName": "us-east-1", "OptInStatus": status}]}},
        )
        for status, expected in (("opt-in-not-required", "pass"), ("opted-in", "pass"), ("not-opted-in", "fail"))
    ),
    Case(
        "PF-EC2-01",
        "untold",
        [("pass", "us-east-1 is opt-in-not-required")],
        {"ec2:DescribeRegions": {"Regions": [{"RegionName": "us-east-1"}]}},
    ),
    Case("PF-EC2-01", "unknown", [("fail", "us-east-1 is unknown")], {"ec2:DescribeRegions": {"Regions": []}}),
    Case("PF-EC2-02", "enough", [("pass", "3 zones are available, 2 are needed")], THREE),
    Case("PF-EC2-02", "too few", [("fail", "1 zones are available")], {ZONES: zones("us-east-1a")}),
    Case(
        "PF-EC2-02",
        "impaired",
        [("fail", "0 zones are available")],
        {ZONES: zones("us-east-1a", "us-east-1b", state="impaired")},
    ),
    Case(
        "PF-EC2-02",
        "named",
        [("pass", "3 zones are available, 3 are needed")],
        {ZONES: zones("eu-central-1a", "eu-central-1b", "eu-central-1c")},
        profile="options",
    ),
    Case(
        "PF-EC2-02",
        "named and missing",
        [("fail", "eu-central-1c not among eu-central-1a, eu-central-1b")],
        {ZONES: zones("eu-central-1a", "eu-central-1b")},
        profile="options",
    ),
    Case("PF-IAM-02", "no boundary", [("pass", "the roles have none")]),
    Case(
        "PF-IAM-02",
        "boundary by name",
        [("pass", "arn:aws:iam::111111111111:policy/team/boundary")],
        {"iam:GetPolicy": {"Policy": {}}},
        profile="unusual",
    ),
    Case(
        "PF-IAM-02",
        "no such boundary",
        [("fail", "arn:aws:iam::aws:policy/Boundary does not exist")],
        {"iam:GetPolicy": refuse("NoSuchEntity")},
        context={"permissions_boundary": "arn:aws:iam::aws:policy/Boundary"},
    ),
    Case("PF-IAM-01", "all there", [("pass", "5 roles")], {"iam:GetRole": {"Role": {}}}),
    Case(
        "PF-IAM-01",
        "none there",
        [("warn", "missing: AWSServiceRoleForApplicationAutoScaling_ECSService, AWSServiceRoleForBackup")],
        {"iam:GetRole": refuse("NoSuchEntity")},
    ),
    Case(
        "PF-BACKUP-01",
        "all on",
        [("pass", "opted in: Aurora, DynamoDB"), ("pass", "advanced features")],
        {
            REGION_SETTINGS: {
                "ResourceTypeOptInPreference": {"Aurora": True, "DynamoDB": True},
                "ResourceTypeManagementPreference": {"DynamoDB": True},
            }
        },
    ),
    Case(
        "PF-BACKUP-01",
        "all off",
        [("warn", "not opted in: Aurora, DynamoDB"), ("warn", "no advanced features")],
        {REGION_SETTINGS: {}},
    ),
    Case(
        "PF-BACKUP-01",
        "copies without advanced features",
        [("warn", "not opted in: DynamoDB"), ("fail", "its backups cannot be copied")],
        {REGION_SETTINGS: {"ResourceTypeOptInPreference": {"Aurora": True, "DynamoDB": False}}},
        profile="options",
    ),
]

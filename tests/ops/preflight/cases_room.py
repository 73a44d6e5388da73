"""Cases of the checks about quotas and taken names."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.preflight.context import Plan
from tests.ops.preflight.cases import Case, pages, refuse

QUOTA, DEFAULT = "service-quotas:GetServiceQuota", "service-quotas:GetAWSDefaultServiceQuota"


def limit(value: float) -> dict[str, Any]:
    """Return a quota of this value, which somebody has set."""
    return {QUOTA: {"Quota": {"Value": value}}}


def default(value: float) -> dict[str, Any]:
    """Return a quota of this value, which is AWS's default."""
    return {QUOTA: refuse("NoSuchResourceException"), DEFAULT: {"Quota": {"Value": value}}}


def _concurrency(free: int) -> dict[str, Any]:
    return {"lambda:GetAccountSettings": {"AccountLimit": {"UnreservedConcurrentExecutions": free}}}


def _reserving() -> Plan:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"ReservedConcurrentExecutions": 5, "FunctionName": "reserving"},
    }
    return Plan(Assembly({"template.json": {"Resources": {"Function": function}}}))


def _with_secret() -> Plan:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "dr-secret"}}
    return Plan(Assembly({"template.json": {"Resources": {"Secret": secret}}}))


FOUR = {"compute.max_tasks": "4"}
VPCS = {"ec2:DescribeVpcs": pages("NextToken", {"Vpcs": [{"VpcId": "vpc-1"}] * 3, "NextToken": "1"}, {"Vpcs": []})}
ADDRESSES = {"ec2:DescribeAddresses": {"Addresses": [{"PublicIp": "192.0.2.1"}, {"PublicIp": "192.0.2.2"}]}}
GATEWAYS = {"ec2:DescribeVpcEndpoints": {"VpcEndpoints": [{"VpcEndpointId": "vpce-1"}, {"VpcEndpointId": "vpce-2"}]}}
TABLE, CLUSTER = "dr-transactions-dev-us-east-1", "dr-aurora-dev-us-east-1"
GROUP, VAULT = "/aws/lambda/dr-failover-dev-us-east-1", "dr-vault-dev-us-east-1"
ALIAS, BALANCER = "alias/dr-data-dev", "dr-alb-dev-us-east-1"
FUNCTION = "dr-failover-dev-us-east-1"
BALANCER_ARN = "arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/dr-alb-dev-us-east-1/1"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:111111111111:secret:dr-secret-1"


def _function(**given: str) -> dict[str, Any]:
    return {"FunctionName": FUNCTION} if given["FunctionName"] == FUNCTION else refuse("ResourceNotFoundException")()  # type: ignore[return-value]


# Check, noun, number of names, physical id, answer when there is one, answer when there is none.
NAMES: list[tuple[str, str, int, str, dict[str, Any], dict[str, Any]]] = [
    (
        "PF-LOGS-01",
        f"log group {GROUP}",
        5,
        GROUP,
        {"logs:DescribeLogGroups": {"logGroups": [{"logGroupName": GROUP}]}},
        {"logs:DescribeLogGroups": {"logGroups": [{"logGroupName": f"{GROUP}-other"}]}},
    ),
    (
        "PF-BACKUP-02",
        f"vault {VAULT}",
        1,
        VAULT,
        {"backup:ListBackupVaults": {"BackupVaultList": [{"BackupVaultName": VAULT}]}},
        {"backup:ListBackupVaults": {"BackupVaultList": [{"BackupVaultName": "Default"}]}},
    ),
    (
        "PF-KMS-01",
        f"alias {ALIAS}",
        3,
        ALIAS,
        {"kms:ListAliases": {"Aliases": [{"AliasName": ALIAS}]}},
        {"kms:ListAliases": {"Aliases": []}},
    ),
    (
        "PF-RDS-06",
        f"cluster {CLUSTER}",
        1,
        CLUSTER,
        {"rds:DescribeDBClusters": {"DBClusters": [{"DBClusterIdentifier": CLUSTER}]}},
        {"rds:DescribeDBClusters": refuse("DBClusterNotFoundFault")},
    ),
    (
        "PF-DDB-01",
        f"table {TABLE}",
        1,
        TABLE,
        {"dynamodb:DescribeTable": {"Table": {"TableName": TABLE}}},
        {"dynamodb:DescribeTable": refuse("ResourceNotFoundException")},
    ),
    (
        "PF-LAMBDA-02",
        f"function {FUNCTION}",
        4,
        FUNCTION,
        {"lambda:GetFunctionConfiguration": _function},
        {"lambda:GetFunctionConfiguration": refuse("ResourceNotFoundException")},
    ),
    (
        "PF-ELB-01",
        f"load balancer {BALANCER}",
        1,
        BALANCER_ARN,
        {"elbv2:DescribeLoadBalancers": {"LoadBalancers": [{"LoadBalancerArn": BALANCER_ARN}]}},
        {"elbv2:DescribeLoadBalancers": refuse("LoadBalancerNotFound")},
    ),
    (
        "PF-SM-01",
        "secret dr-secret",
        1,
        SECRET_ARN,
        {"secretsmanager:DescribeSecret": {"ARN": SECRET_ARN}},
        {"secretsmanager:DescribeSecret": refuse("ResourceNotFoundException")},
    ),
]


def _names() -> list[Case]:
    cases = []
    for check, noun, count, physical, there, gone in NAMES:
        planned = _with_secret if check == "PF-SM-01" else None
        outside = ("fail", f"{noun} exists outside Breakwater-dev")
        ours = ("pass", f"{count} names, 1 of them already in Breakwater-dev")
        cases += [
            Case(check, "free", [("pass", f"{count} names")], gone, planned=planned),
            Case(check, "taken", [outside], there, planned=planned),
            Case(check, "ours", [ours], there, planned=planned, deployed=dict.fromkeys([physical], "")),
        ]
    return cases


CASES = [
    Case("PF-VPC-01", "room", [("pass", "1 more VPCs, 3 of 5 are used")], VPCS | default(5)),
    Case("PF-VPC-01", "full", [("fail", "1 more VPCs, 3 of 3 are used")], VPCS | limit(3)),
    Case(
        "PF-VPC-01",
        "deployed",
        [("pass", "0 more VPCs, 3 of 3")],
        VPCS | limit(3),
        deployed={"vpc-1": ""},
    ),
    Case("PF-VPC-02", "none", [("pass", "none are planned")]),
    Case("PF-VPC-02", "room", [("pass", "2 more addresses, 2 of 5")], ADDRESSES | default(5), profile="prod-nat"),
    Case("PF-VPC-02", "full", [("fail", "2 more addresses, 2 of 3")], ADDRESSES | limit(3), profile="prod-nat"),
    Case(
        "PF-VPC-02",
        "deployed",
        [("pass", "0 more addresses, 2 of 3")],
        ADDRESSES | limit(3),
        profile="prod-nat",
        deployed=dict.fromkeys(["192.0.2.1", "192.0.2.2"], ""),
    ),
    Case("PF-VPC-03", "room", [("pass", "2 more gateway endpoints, 2 of 20")], GATEWAYS | default(20)),
    Case("PF-VPC-03", "full", [("fail", "2 more gateway endpoints, 2 of 3")], GATEWAYS | limit(3)),
    Case("PF-VPC-03", "deployed", [("pass", "0 more")], GATEWAYS | limit(2), deployed={"vpce-1": "", "vpce-2": ""}),
    Case("PF-VPC-03", "one more", [("fail", "1 more")], GATEWAYS | limit(2), deployed={"vpce-1": ""}),
    Case(
        "PF-ECS-01",
        "room",
        [("pass", "1 vCPU for compute.max_tasks, 2 during")],
        default(6),
        context=FOUR,
    ),
    Case(
        "PF-ECS-01",
        "tight",
        [("warn", "2 during a deployment, the quota is 1")],
        limit(1),
        context=FOUR,
    ),
    Case("PF-ECS-01", "just enough", [("pass", "the quota is 2")], limit(2), context=FOUR),
    Case("PF-ECS-01", "full", [("fail", "1 vCPU for compute.max_tasks")], limit(0.5), context=FOUR),
    Case("PF-LAMBDA-01", "room", [("pass", "900 unreserved executions for 4 functions")], _concurrency(900)),
    Case("PF-LAMBDA-01", "new account", [("warn", "10 unreserved executions")], _concurrency(10)),
    Case("PF-LAMBDA-01", "just more", [("pass", "11 unreserved executions")], _concurrency(11)),
    Case("PF-LAMBDA-01", "reserving", [("pass", "which reserve 5")], _concurrency(105), planned=_reserving),
    Case("PF-LAMBDA-01", "reserving the last", [("fail", "which reserve 5")], _concurrency(104), planned=_reserving),
    Case(
        "PF-LAMBDA-01",
        "reserved already",
        [("pass", "which reserve 0 more")],
        _concurrency(104),
        planned=_reserving,
        deployed={"reserving": "AWS::Lambda::Function"},
    ),
    *_names(),
]

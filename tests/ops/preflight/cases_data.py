"""Cases of the checks about endpoints, images, subscriptions, and the vault for copies."""

from __future__ import annotations

import json
from typing import Any

from tests.ops.preflight.cases import Case, InRegion, pages, refuse
from tests.ops.preflight.cases_region import THREE, ZONES, zones

SERVICES = "ec2:DescribeVpcEndpointServices"
IMAGE = "ecr:BatchGetImage"
TOPIC = "sns:ListSubscriptionsByTopic"
VAULTS, GLOBAL = "backup:ListBackupVaults", "backup:DescribeGlobalSettings"
MINE, OTHER, FAR = "111111111111", "222222222222", "eu-west-1"


ENDPOINTS = [f"com.amazonaws.us-east-1.{name}" for name in ("ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager")]


def _services(*names: str, where: tuple[str, ...] = ("us-east-1a", "us-east-1b")) -> dict[str, Any]:
    return {SERVICES: {"ServiceDetails": [{"ServiceName": name, "AvailabilityZones": list(where)} for name in names]}}


AMD64 = [{"platform": {"architecture": "amd64"}}]


def _manifest(*architectures: str) -> dict[str, Any]:
    parts = [{"platform": {"architecture": architecture}} for architecture in architectures]
    return {IMAGE: {"images": [{"imageManifest": json.dumps({"manifests": parts} if parts else {"layers": []})}]}}


def _subscribed(*states: tuple[str, str]) -> dict[str, Any]:
    rows = [{"Endpoint": email, "SubscriptionArn": arn, "Protocol": "email"} for email, arn in states]
    return {TOPIC: pages("NextToken", {"Subscriptions": rows[:1], "NextToken": "1"}, {"Subscriptions": rows[1:]})}


def _copies(region: str, account: str, name: str, status: str, words: str, answers: dict[str, Any]) -> Case:
    arn = f"arn:aws:backup:{region}:{account}:backup-vault:isolated"
    context = {"backup.copy_vault_arn": arn}
    return Case("PF-BACKUP-04", name, [(status, words)], answers, profile="options", context=context)


def _vaults(region: str, *names: str, **more: Any) -> dict[str, Any]:
    rows = [{"BackupVaultName": name, **more} for name in names]
    return {VAULTS: InRegion(region, {"BackupVaultList": rows})}


def _globally(**settings: str) -> dict[str, Any]:
    return {GLOBAL: {"GlobalSettings": settings}}


ARN = "arn:aws:sns:eu-central-1:111111111111:dr-alerts-opt-eu-central-1:1"
CASES = [
    Case("PF-VPC-04", "none", [("pass", "no interface endpoint is planned")]),
    Case(
        "PF-VPC-04",
        "all",
        [("pass", "5 services in us-east-1a, us-east-1b")],
        THREE | _services(*ENDPOINTS),
        profile="staging",
    ),
    Case(
        "PF-VPC-04",
        "not in a zone",
        [("fail", f"{name} is not in us-east-1b") for name in ENDPOINTS],
        THREE | _services(*ENDPOINTS, where=("us-east-1a",)),
        profile="staging",
    ),
    Case(
        "PF-VPC-04",
        "one is missing",
        [("fail", f"{ENDPOINTS[4]} is not in us-east-1a, us-east-1b")],
        {ZONES: zones("us-east-1a", "us-east-1b")} | _services(*ENDPOINTS[:4]),
        profile="staging",
    ),
    Case(
        "PF-VPC-04",
        "unknown here",
        [("fail", "as the test says")],
        THREE | {SERVICES: refuse("InvalidServiceName")},
        profile="staging",
    ),
    Case("PF-ECR-01", "built by us", [("warn", "the CDK CLI builds it from service/ for arm64: that needs Docker")]),
    Case("PF-ECR-01", "public", [("warn", "is not in private ECR")], profile="options"),
    Case("PF-ECR-01", "built for it", [("pass", "for amd64, arm64")], _manifest("amd64", "arm64"), profile="prod"),
    Case("PF-ECR-01", "built for others", [("fail", "for amd64, tasks run on")], _manifest("amd64"), profile="prod"),
    Case(
        "PF-ECR-01", "one platform", [("pass", "does not say which one it is built for")], _manifest(), profile="prod"
    ),
    Case(
        "PF-ECR-01",
        "by digest",
        [("pass", "does not say which one")],
        _manifest(),
        profile="unusual",
        context={"region": "eu-west-1", "network.egress": "nat"},
    ),
    Case(
        "PF-ECR-01",
        "an index that does not say it of every part",
        [("fail", "built for unknown, unknown, amd64, tasks run on arm64")],
        {IMAGE: {"images": [{"imageManifest": json.dumps({"manifests": [{}, {"platform": {}}, *AMD64]})}]}},
        profile="prod",
    ),
    Case("PF-ECR-01", "no tag", [("fail", "is not in its repository")], {IMAGE: {"images": []}}, profile="prod"),
    Case(
        "PF-ECR-01",
        "no repository",
        [("fail", "there is no repository app in 111111111111, us-east-1")],
        {IMAGE: refuse("RepositoryNotFoundException")},
        profile="prod",
    ),
    Case(
        "PF-ECR-01",
        "in another Region",
        [("pass", "for arm64")],
        {IMAGE: InRegion("eu-west-1", _manifest("arm64")[IMAGE])},
        context={"compute.image": "111111111111.dkr.ecr.eu-west-1.amazonaws.com/app:1"},
    ),
    Case("PF-SNS-01", "nobody", [("warn", "no address is subscribed")]),
    Case(
        "PF-SNS-01",
        "all confirmed",
        [("pass", "2 confirmed")],
        _subscribed(("dr@mycompany.com", ARN), ("oncall@mycompany.com", ARN)),
        profile="options",
    ),
    Case(
        "PF-SNS-01",
        "one waits",
        [("warn", "not confirmed: oncall@mycompany.com")],
        _subscribed(("dr@mycompany.com", ARN), ("oncall@mycompany.com", "PendingConfirmation")),
        profile="options",
    ),
    Case(
        "PF-SNS-01",
        "one was deleted, one never subscribed",
        [("warn", "not confirmed: dr@mycompany.com, oncall@mycompany.com")],
        {
            TOPIC: {
                "Subscriptions": [
                    {"Endpoint": "dr@mycompany.com", "SubscriptionArn": "Deleted", "Protocol": "email"},
                    {"Endpoint": "oncall@mycompany.com", "SubscriptionArn": ARN, "Protocol": "sms"},
                ]
            }
        },
        profile="options",
    ),
    Case("PF-SNS-01", "no topic yet", [("pass", "does not exist yet")], {TOPIC: refuse("NotFound")}, profile="options"),
    Case("PF-BACKUP-04", "none", [("pass", "no copies are configured")]),
    _copies(FAR, MINE, "there", "pass", "isolated takes copies for ", _vaults(FAR, "Default", "isolated")),
    _copies(FAR, MINE, "not there", "fail", "there is no vault isolated in eu-west-1", _vaults(FAR, "Default")),
    _copies(
        FAR, MINE, "locked and fitting", "pass", "", _vaults(FAR, "isolated", MinRetentionDays=14, MaxRetentionDays=95)
    ),
    _copies(
        FAR,
        MINE,
        "locked above only",
        "fail",
        "copies are kept 95 days, and the vault's lock admits 0 to 94 days",
        _vaults(FAR, "isolated", MaxRetentionDays=94),
    ),
    _copies(
        FAR,
        MINE,
        "locked below",
        "fail",
        "days, and the vault's lock admits 1 to 7 days",
        _vaults(FAR, "isolated", MinRetentionDays=1, MaxRetentionDays=7),
    ),
    _copies(
        FAR,
        MINE,
        "locked above",
        "fail",
        "days, and the vault's lock admits 9999 days or more",
        _vaults(FAR, "isolated", MinRetentionDays=9999),
    ),
    _copies(
        FAR,
        OTHER,
        "on",
        "warn",
        f"vault in {OTHER} exists, and its policy allows backup:CopyIntoBackupVault to {MINE}",
        _globally(isCrossAccountBackupEnabled="true"),
    ),
    _copies(FAR, OTHER, "off", "fail", "cross-account backup is off", _globally(isCrossAccountBackupEnabled="false")),
    _copies(FAR, OTHER, "untold", "fail", "cross-account backup is off", {GLOBAL: {}}),
    _copies(FAR, OTHER, "alone", "fail", "is in no organization", {GLOBAL: refuse("InvalidRequestException")}),
]

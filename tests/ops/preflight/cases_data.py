"""Cases of the checks about RDS, certificates, endpoints, images, subscriptions and hosted zones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.preflight.context import Plan
from tests.ops.preflight.cases import Case, pages, refuse
from tests.ops.preflight.cases_region import THREE, ZONES, zones

VERSIONS = "rds:DescribeDBEngineVersions"
ORDERABLE = "rds:DescribeOrderableDBInstanceOptions"
MAJOR = "rds:DescribeDBMajorEngineVersions"
ATTRIBUTES = "rds:DescribeAccountAttributes"
CERTIFICATE = "acm:DescribeCertificate"
SERVICES = "ec2:DescribeVpcEndpointServices"
IMAGE = "ecr:BatchGetImage"
TOPIC = "sns:ListSubscriptionsByTopic"
ZONE, ZONES_BY_NAME = "route53:GetHostedZone", "route53:ListHostedZonesByName"


def _versions(**given: Any) -> dict[str, Any]:
    """Only 16.11 and 17.9 are offered, and 17.5 no longer."""
    known = [("16.11", "available"), ("17.5", "deprecated"), ("17.9", "available")]
    wanted = given.get("EngineVersion")
    return {
        "DBEngineVersions": [
            {"EngineVersion": version, "Status": status} for version, status in known if wanted in (None, version)
        ]
    }


def _one(**more: Any) -> dict[str, Any]:
    return {VERSIONS: {"DBEngineVersions": [{"EngineVersion": "17.7", "Status": "available", **more}]}}


def _life(days: int) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(days=days)
    names = ("open-source-rds-standard-support", "open-source-rds-extended-support")
    cycles = [{"LifecycleSupportName": name, "LifecycleSupportEndDate": end} for name in names]
    return {MAJOR: {"DBMajorEngineVersions": [{"SupportedEngineLifecycles": cycles}]}}


def _sold(*names: str) -> dict[str, Any]:
    option = {"AvailabilityZones": [{"Name": name} for name in names]}
    return {ORDERABLE: {"OrderableDBInstanceOptions": [option]}}


def _quotas(clusters: int, instances: int) -> dict[str, Any]:
    rows = (("DBClusters", clusters), ("DBInstances", instances))
    return {ATTRIBUTES: {"AccountQuotas": [{"AccountQuotaName": name, "Used": used, "Max": 40} for name, used in rows]}}


def _certificate(**more: Any) -> dict[str, Any]:
    found = {"Status": "ISSUED", "DomainName": "pay.mycompany.com", "KeyAlgorithm": "RSA_2048", **more}
    return {CERTIFICATE: {"Certificate": found}}


def _soon(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


ENDPOINTS = [f"com.amazonaws.us-east-1.{name}" for name in ("ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager")]


def _services(*names: str, where: tuple[str, ...] = ("us-east-1a", "us-east-1b")) -> dict[str, Any]:
    return {SERVICES: {"ServiceDetails": [{"ServiceName": name, "AvailabilityZones": list(where)} for name in names]}}


def _manifest(*architectures: str) -> dict[str, Any]:
    parts = [{"platform": {"architecture": architecture}} for architecture in architectures]
    return {IMAGE: {"images": [{"imageManifest": json.dumps({"manifests": parts} if parts else {"layers": []})}]}}


def _subscribed(*states: tuple[str, str]) -> dict[str, Any]:
    rows = [{"Endpoint": email, "SubscriptionArn": arn, "Protocol": "email"} for email, arn in states]
    return {TOPIC: pages("NextToken", {"Subscriptions": rows[:1], "NextToken": "1"}, {"Subscriptions": rows[1:]})}


def _records(**properties: str) -> Any:
    def make() -> Plan:
        record = {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "x", "Type": "A", **properties}}
        return Plan(Assembly({"template.json": {"Resources": {"Record": record}}}))

    return make


ARN = "arn:aws:sns:eu-central-1:111111111111:dr-alerts-opt-eu-central-1:1"
CASES = [
    Case("PF-RDS-01", "offered", [("pass", "17.7 is offered")], _one()),
    Case(
        "PF-RDS-01",
        "retired",
        [("fail", "17.7 is not offered in us-east-1; offered are 16.11, 17.9")],
        {VERSIONS: _versions},
    ),
    Case(
        "PF-RDS-01",
        "deprecated",
        [("fail", "17.5 is not offered")],
        {VERSIONS: _versions},
        context={"database.engine_version": "17.5"},
    ),
    Case(
        "PF-RDS-01",
        "on two pages",
        [("pass", "17.7 is offered")],
        {
            VERSIONS: pages(
                "Marker",
                {"DBEngineVersions": [], "Marker": "1"},
                {"DBEngineVersions": [{"EngineVersion": "17.7"}]},
            )
        },
    ),
    Case("PF-RDS-02", "for long", [("pass", "standard support of 17 ends on 20")], _life(1000)),
    Case("PF-RDS-02", "not for long", [("warn", "standard support of 17 ends on 20")], _life(100)),
    Case("PF-RDS-02", "untold", [("warn", "gives no end of support")], {MAJOR: {"DBMajorEngineVersions": [{}]}}),
    Case("PF-RDS-03", "both", [("pass", "in 2 of us-east-1a, us-east-1b")], THREE | _sold("us-east-1a", "us-east-1b")),
    Case("PF-RDS-03", "one", [("fail", "in 1 of us-east-1a, us-east-1b")], THREE | _sold("us-east-1b", "us-east-1c")),
    Case("PF-RDS-03", "none", [("fail", "in 0 of")], {**THREE, ORDERABLE: {"OrderableDBInstanceOptions": []}}),
    Case("PF-RDS-04", "plain", [("pass", "0 log types, 0.5 to 2.0 ACU")], _one()),
    Case(
        "PF-RDS-04",
        "logs",
        [("pass", "1 log types")],
        _one(ExportableLogTypes=["postgresql", "instance"]),
        profile="staging",
    ),
    Case(
        "PF-RDS-04",
        "no such log",
        [("fail", "log types postgresql are not among instance")],
        _one(ExportableLogTypes=["instance"]),
        profile="staging",
    ),
    Case(
        "PF-RDS-04",
        "capacity",
        [("fail", "0.5 to 2.0 ACU, and the version supports 1.0 to 128.0")],
        _one(ServerlessV2FeaturesSupport={"MinCapacity": 1.0, "MaxCapacity": 128.0}),
    ),
    Case("PF-RDS-04", "retired", [("warn", "17.7 is not offered: see PF-RDS-01")], {VERSIONS: _versions}),
    Case("PF-RDS-05", "room", [("pass", "1 more DBClusters, 30 of"), ("pass", "2 more DBInst")], _quotas(10, 10)),
    Case("PF-RDS-05", "full", [("fail", "0 of 40 are free"), ("fail", "2 more DBInstances, 1 of")], _quotas(40, 39)),
    Case(
        "PF-RDS-05",
        "deployed",
        [("pass", "0 more DBClusters"), ("pass", "0 more DBInstances")],
        _quotas(40, 40),
        deployed=frozenset({"dr-aurora-dev-us-east-1"}),
    ),
    Case(
        "PF-RDS-05",
        "untold",
        [("warn", "no quota of DBClusters"), ("warn", "no quota of DBInstances")],
        {ATTRIBUTES: {"AccountQuotas": []}},
    ),
    Case("PF-ACM-01", "none", [("pass", "speaks HTTP")]),
    Case("PF-ACM-01", "issued", [("pass", "issued for pay.mycompany.com")], _certificate(), profile="staging"),
    Case(
        "PF-ACM-01",
        "renewed",
        [("pass", "issued for a.mycompany.com, b.mycompany.com")],
        _certificate(
            SubjectAlternativeNames=["a.mycompany.com", "b.mycompany.com"],
            NotAfter=_soon(5),
            RenewalEligibility="ELIGIBLE",
        ),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "ending",
        [("warn", "ACM does not renew it")],
        _certificate(NotAfter=_soon(5), RenewalEligibility="INELIGIBLE"),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "pending",
        [("fail", "is PENDING_VALIDATION")],
        _certificate(Status="PENDING_VALIDATION"),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "key",
        [("fail", "key is EC_x, and a load balancer takes RSA_1024")],
        _certificate(KeyAlgorithm="EC_x"),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "elsewhere",
        [("fail", "is not in this account and Region")],
        {CERTIFICATE: refuse("ResourceNotFoundException")},
        profile="staging",
    ),
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
    Case("PF-ECR-01", "public", [("warn", "is not in private ECR")]),
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
    Case("PF-ECR-01", "no tag", [("fail", "is not in its repository")], {IMAGE: {"images": []}}, profile="prod"),
    Case(
        "PF-ECR-01",
        "no repository",
        [("fail", "there is no repository app in 111111111111")],
        {IMAGE: refuse("RepositoryNotFoundException")},
        profile="prod",
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
    Case("PF-SNS-01", "no topic yet", [("pass", "does not exist yet")], {TOPIC: refuse("NotFound")}, profile="options"),
    Case("PF-R53-01", "none", [("pass", "no record is planned")]),
    Case(
        "PF-R53-01",
        "by id",
        [("pass", "mycompany.com")],
        {ZONE: {"HostedZone": {"Id": "Z1", "Name": "mycompany.com.", "CallerReference": "x"}}},
        planned=_records(HostedZoneId="Z1"),
    ),
    Case(
        "PF-R53-01",
        "reserved",
        [("fail", "dr.example.com is reserved")],
        {ZONE: {"HostedZone": {"Id": "Z1", "Name": "dr.example.com.", "CallerReference": "x"}}},
        planned=_records(HostedZoneId="Z1"),
    ),
    Case(
        "PF-R53-01",
        "no such id",
        [("fail", "there is no hosted zone Z1")],
        {ZONE: refuse("NoSuchHostedZone")},
        planned=_records(HostedZoneId="Z1"),
    ),
    *(
        Case(
            "PF-R53-01",
            f"{count} by name",
            [expected],
            {ZONES_BY_NAME: {"HostedZones": [{"Id": "Z", "Name": "mycompany.com.", "CallerReference": "x"}] * count}},
            planned=_records(HostedZoneName="mycompany.com."),
        )
        for count, expected in (
            (0, ("fail", "there is no hosted zone mycompany.com")),
            (1, ("pass", "mycompany.com")),
            (2, ("warn", "2 hosted zones are called mycompany.com")),
        )
    ),
]

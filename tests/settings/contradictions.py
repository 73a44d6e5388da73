"""Every contradiction between settings: its whole line, and the nearest value that is fine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stacks.profiles import CERTIFICATE, IMAGE, NEEDED

PROD = {"environment": "prod", **NEEDED}
STAGING = {"environment": "staging", **NEEDED}
NAT = {"network.egress": "nat"}
THREE_ZONES = "us-east-1a,us-east-1b,us-east-1c"
LOCKED = {"backup.lock": "governance", "backup.lock_min_retention_days": "7", "backup.lock_max_retention_days": "40"}
SAME_RETENTION = {f"backup.{rule}_retention_days": "20" for rule in ("daily", "weekly", "monthly", "continuous")} | {
    "database.backup_retention_days": "20"
}
OTHER_REGION = CERTIFICATE.replace("us-east-1", "eu-west-1")
SINGLE_HYPHENS = "letters, digits and single hyphens, none at the end (Aurora rejects other identifiers)"
PUBLIC_IMAGE = "public.ecr.aws/docker/library/python:3.13-slim"
PRIVATE_ECR = "an image in private ECR in us-east-1: nothing else is reachable through endpoints"
BACKUP_JOBS = "a window away from 07:00-12:00 UTC, which AWS Backup's jobs need"
BOUNDARY = "arn:aws:iam::111111111111:policy/boundary"
RESERVED = "a name that PostgreSQL and Aurora do not reserve, e.g."


class Rule(NamedTuple):
    """A contradiction.

    Attributes:
        base: the context around it.
        key: the setting at fault.
        bad: a value of it that contradicts the others.
        allowed: what the error says is allowed.
        good: the nearest value that contradicts nothing.
        shown: the bad value in the error, where it is not the text of ``bad`` in quotes.
    """

    base: Mapping[str, str]
    key: str
    bad: str
    allowed: str
    good: str
    shown: str = ""


RULES = {
    "suffix ends with a hyphen": Rule({}, "suffix", "eu-", SINGLE_HYPHENS, "eu"),
    "suffix with a double hyphen": Rule({}, "suffix", "e--u", SINGLE_HYPHENS, "e-u"),
    "suffix too long for a name": Rule(
        {"region": "ap-southeast-1"},
        "suffix",
        "abcdefghijk",
        "at most 10 characters in ap-southeast-1 (dr-alb-abcdefghijk-ap-southeast-1 is over 32)",
        "abcdefghij",
    ),
    "permissions boundary of another partition": Rule(
        {"region": "cn-north-1"},
        "permissions_boundary",
        BOUNDARY,
        "a policy of the partition aws-cn (region)",
        BOUNDARY.replace("aws", "aws-cn"),
    ),
    "permissions boundary of another account": Rule(
        {"account": "222222222222"},
        "permissions_boundary",
        BOUNDARY,
        "a policy of account 222222222222, or of AWS itself",
        BOUNDARY.replace("111111111111", "222222222222"),
    ),
    "one zone": Rule(
        {},
        "network.zones",
        "us-east-1a",
        "two to six different zones, or [] for the Region's first network.zone_count",
        "us-east-1a,us-east-1b",
        '["us-east-1a"]',
    ),
    "one zone twice": Rule(
        {},
        "network.zones",
        "us-east-1a,us-east-1a",
        "two to six different zones, or [] for the Region's first network.zone_count",
        THREE_ZONES,
        '["us-east-1a", "us-east-1a"]',
    ),
    "zone of another region": Rule(
        {},
        "network.zones",
        "us-east-1a,us-west-2b",
        "zones of Region us-east-1, e.g. us-east-1a",
        "us-east-1a,us-east-1b",
        '["us-east-1a", "us-west-2b"]',
    ),
    "local zone": Rule(
        {},
        "network.zones",
        "us-east-1a,us-east-1-bos-1a",
        "zones of Region us-east-1, e.g. us-east-1a",
        "us-east-1a,us-east-1b",
        '["us-east-1a", "us-east-1-bos-1a"]',
    ),
    "cidr that is none": Rule(
        {}, "network.cidr", "10.256.0.0/16", "an IPv4 network without host bits, e.g. 10.20.0.0/16", "10.255.0.0/16"
    ),
    "cidr with host bits": Rule(
        {}, "network.cidr", "10.0.0.1/16", "an IPv4 network without host bits, e.g. 10.20.0.0/16", "10.0.0.0/16"
    ),
    "cidr wider than a VPC": Rule({}, "network.cidr", "10.0.0.0/15", "a prefix from /16 to /28", "10.0.0.0/16"),
    "cidr narrower than a VPC": Rule(
        {"network.subnet_prefix": "27"}, "network.cidr", "10.0.0.0/29", "a prefix from /16 to /28", "10.0.0.0/23"
    ),
    "cidr too small": Rule(
        {},
        "network.cidr",
        "10.0.0.0/19",
        "a network with room for 12 subnets of /22 (network.subnet_prefix), six of each kind",
        "10.0.0.0/18",
    ),
    "cidr smaller than a subnet": Rule(
        {},
        "network.cidr",
        "10.0.0.0/23",
        "a network with room for 12 subnets of /22 (network.subnet_prefix), six of each kind",
        "10.0.0.0/18",
    ),
    "cidr too small for nat": Rule(
        NAT,
        "network.cidr",
        "10.0.0.0/18",
        "a network with room for 18 subnets of /22 (network.subnet_prefix), six of each kind",
        "10.0.0.0/17",
    ),
    "seven zones": Rule(
        {},
        "network.zones",
        ",".join(f"us-east-1{letter}" for letter in "abcdefg"),
        "two to six different zones, or [] for the Region's first network.zone_count",
        ",".join(f"us-east-1{letter}" for letter in "abcdef"),
        str([f"us-east-1{letter}" for letter in "abcdefg"]).replace("'", '"'),
    ),
    "subnet too small for the tasks": Rule(
        {"compute.max_tasks": "51"},
        "network.subnet_prefix",
        "27",
        "16 to 26, so that a subnet holds compute.max_tasks (51) and the load balancer",
        "26",
        "27",
    ),
    "one task more than a subnet holds": Rule(
        {"compute.max_tasks": "52"},
        "network.subnet_prefix",
        "26",
        "16 to 25, so that a subnet holds compute.max_tasks (52) and the load balancer",
        "25",
        "26",
    ),
    "cool-down shorter than the function": Rule(
        {"operations.failover_timeout_seconds": "240"},
        "operations.failover_cool_down_seconds",
        "269",
        "270 or more: operations.failover_timeout_seconds + 30",
        "270",
        "269",
    ),
    "min ACU above max": Rule(
        {"database.max_acu": "4"}, "database.min_acu", "4.5", "at most database.max_acu (4.0)", "4", "4.5"
    ),
    "max ACU below one": Rule({}, "database.max_acu", "0.5", "1 or more", "1", "0.5"),
    "default port": Rule({}, "database.port", "5432", "1150 to 65535 except PostgreSQL's default 5432", "5431", "5432"),
    "reserved database": Rule(
        {}, "database.name", "table", "a name that PostgreSQL does not reserve, e.g. transactions", "tables"
    ),
    "reserved owner": Rule({}, "database.master_username", "admin", f"{RESERVED} breakwater_owner", "administrator"),
    "reserved application user": Rule(
        {}, "database.application_username", "user", f"{RESERVED} breakwater_app", "app_user"
    ),
    "one user for both": Rule(
        {"database.master_username": "same"},
        "database.application_username",
        "same",
        "a user other than database.master_username",
        "other",
    ),
    "short backup window": Rule(
        {}, "database.backup_window", "03:00-03:29", "a window of 30 minutes or more", "03:00-03:30"
    ),
    "empty backup window": Rule(
        {}, "database.backup_window", "03:00-03:00", "a window of 30 minutes or more", "02:59-03:30"
    ),
    "short maintenance window": Rule(
        {},
        "database.maintenance_window",
        "sun:23:45-mon:00:14",
        "a window of 30 minutes or more",
        "sun:23:45-mon:00:15",
    ),
    "windows overlap": Rule(
        {"database.maintenance_window": "sun:03:30-sun:04:30"},
        "database.backup_window",
        "03:00-03:31",
        "a window away from database.maintenance_window (sun:03:30-sun:04:30)",
        "03:00-03:30",
    ),
    "backup window in AWS Backup's hours": Rule(
        {}, "database.backup_window", "06:00-07:01", BACKUP_JOBS, "06:00-07:00"
    ),
    "backup window at the end of AWS Backup's hours": Rule(
        {}, "database.backup_window", "11:59-12:59", BACKUP_JOBS, "12:00-13:00"
    ),
    "maintenance window in AWS Backup's hours": Rule(
        {}, "database.maintenance_window", "tue:11:59-tue:13:00", BACKUP_JOBS, "tue:12:00-tue:13:00"
    ),
    "prod over plain HTTP": Rule(PROD, "compute.https_required", "false", "true in prod", "true", "false"),
    "certificate of another region": Rule(
        {"compute.domain_name": "pay.mycompany.com"},
        "compute.certificate_arn",
        OTHER_REGION,
        "a certificate in Region us-east-1, where the load balancer is",
        CERTIFICATE,
    ),
    "endpoints with a public image": Rule(STAGING, "compute.image", PUBLIC_IMAGE, PRIVATE_ECR, IMAGE),
    "endpoints with another region's image": Rule(
        STAGING, "compute.image", IMAGE.replace("us-east-1", "eu-west-1"), PRIVATE_ECR, IMAGE
    ),
    "tables without the way to make them": Rule(
        {},
        "database.data_api",
        "false",
        "true while database.migrations = 'service', whose tables are made through it",
        "true",
        "false",
    ),
    "the service without its tables": Rule(
        {}, "database.migrations", "user", "'service' while compute.image is: a task without its tables ends", "service"
    ),
    "health path of another service": Rule(
        {**STAGING, "database.migrations": "service"},
        "compute.health_path",
        "/",
        "'/health' while database.migrations = 'service': the reference service says there that a task is healthy",
        "/health",
    ),
    "more tasks at least than at most": Rule(
        {"compute.max_tasks": "4"}, "compute.min_tasks", "5", "at most compute.max_tasks (4)", "4", "5"
    ),
    "vault lock that ends before it begins": Rule(
        {**LOCKED, **SAME_RETENTION, "backup.lock_max_retention_days": "20"},
        "backup.lock_min_retention_days",
        "21",
        "at most backup.lock_max_retention_days (20)",
        "20",
        "21",
    ),
    "health check that outlasts its interval": Rule(
        {"compute.health_interval_seconds": "6"},
        "compute.health_timeout_seconds",
        "6",
        "less than compute.health_interval_seconds (6)",
        "5",
        "6",
    ),
    "hung task that is found too late": Rule(
        {"recovery.rto_seconds": "60", "compute.health_timeout_seconds": "2"},
        "compute.health_interval_seconds",
        "30",
        "a shorter interval, or fewer failures: a hung task is found after 62 s, recovery.rto_seconds is 60",
        "29",
        "30",
    ),
    "two retentions of one continuous backup": Rule(
        {"database.backup_retention_days": "14"},
        "backup.continuous_retention_days",
        "13",
        "14, as database.backup_retention_days",
        "14",
        "13",
    ),
    "retained but unprotected": Rule(
        PROD, "removal.deletion_protection", "false", "true while removal.data = 'retain'", "true", "false"
    ),
}

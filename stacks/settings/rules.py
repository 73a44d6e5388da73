"""Settings that are each valid but cannot be used together.

Every rule takes the settings and returns the offending key with what is allowed, or nothing. The loader turns that
into a message that also says where the value came from.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stacks.names import Names, PhysicalName
from stacks.settings.foundation import EgressMode
from stacks.settings.operations import FAILOVER_RESERVE_SECONDS
from stacks.settings.refused import is_reserved_database, is_reserved_user, refused_values
from stacks.settings.regions import partition_of
from stacks.settings.times import daily_minutes, overlaps, weekly_minutes

if TYPE_CHECKING:
    from stacks.settings.model import Settings

Contradiction = tuple[str, str]

PRIVATE_ECR_IMAGE = re.compile(
    r"^(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
    r"/(?P<repository>[a-z0-9._/-]+?)(:(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))\Z",
    re.ASCII,
)
# The image that the CDK CLI builds from `service/`.
SERVICE_IMAGE = "service"
SERVICE_HEALTH_PATH = "/health"
POSTGRESQL_DEFAULT_PORT = 5432
# Memory in MiB that Fargate sells with each CPU size (lowest, highest, step):
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MEMORY = {
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
# Hours (UTC) at which AWS Backup starts its daily, weekly, monthly and continuous jobs, each within an hour.
BACKUP_HOURS = (8, 9, 10, 11)
# Zones for which every kind of subnet has addresses; us-east-1 has six, no Region more.
MOST_ZONES = 6
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
AWS_RESERVED_SUBNET_ADDRESSES = 5
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
LOAD_BALANCER_ADDRESSES = 8


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """Yield the key and the allowed values of every setting that contradicts another one or cannot work."""
    yield from refused_values(settings)
    yield from _names(settings)
    yield from _boundary(settings)
    yield from _network(settings)
    yield from _database(settings)
    yield from _windows(settings)
    yield from _compute(settings)
    yield from _backup(settings)
    yield from _operations(settings)
    if settings.removal.data == "retain" and not settings.removal.deletion_protection:
        yield "removal.deletion_protection", "true while removal.data = 'retain'"


def _names(settings: Settings) -> Iterator[Contradiction]:
    suffix = settings.suffix
    if suffix.endswith("-") or "--" in suffix:
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
        yield "suffix", "letters, digits and single hyphens, none at the end (Aurora rejects other identifiers)"
        return
    names = Names(suffix, settings.region)
    for name in PhysicalName:
        excess = len(names.physical_name(name)) - name.limit
        if excess > 0:
            longest = len(suffix) - excess
            yield (
                "suffix",
                f"at most {longest} characters in {settings.region} ({names.physical_name(name)} is over {name.limit})",
            )
            return


def _boundary(settings: Settings) -> Iterator[Contradiction]:
    policy = settings.permissions_boundary
    if policy is None or not policy.startswith("arn:"):
        return
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    _, partition, _, _, owner, _ = policy.split(":", 5)
    if partition != partition_of(settings.region):
        yield "permissions_boundary", f"a policy of the partition {partition_of(settings.region)} (region)"
    elif settings.account is not None and owner not in ("aws", settings.account):
        yield "permissions_boundary", f"a policy of account {settings.account}, or of AWS itself"


def _network(settings: Settings) -> Iterator[Contradiction]:
    network = settings.network
    if network.zones:
        if not 2 <= len(network.zones) <= MOST_ZONES or len(set(network.zones)) != len(network.zones):
            yield "network.zones", "two to six different zones, or [] for the Region's first network.zone_count"
        elif any(not re.fullmatch(re.escape(settings.region) + "[a-z]", zone) for zone in network.zones):
            yield "network.zones", f"zones of Region {settings.region}, e.g. {settings.region}a"
    try:
        vpc = ipaddress.IPv4Network(network.cidr)
    except ValueError:
        yield "network.cidr", "an IPv4 network without host bits, e.g. 10.20.0.0/16"
        return
    if not 16 <= vpc.prefixlen <= 28:
        # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
        yield "network.cidr", "a prefix from /16 to /28"
        return
    wanted = MOST_ZONES * (3 if network.egress is EgressMode.NAT else 2)
    if 2.0 ** (network.subnet_prefix - vpc.prefixlen) < wanted:
        subnets = f"{wanted} subnets of /{network.subnet_prefix} (network.subnet_prefix)"
        yield "network.cidr", f"a network with room for {subnets}, six of each kind"
    tasks = settings.compute.max_tasks
    addresses = tasks + LOAD_BALANCER_ADDRESSES + AWS_RESERVED_SUBNET_ADDRESSES
    longest = 32 - (addresses - 1).bit_length()
    if network.subnet_prefix > longest:
        reason = f"a subnet holds compute.max_tasks ({tasks}) and the load balancer"
        yield "network.subnet_prefix", f"16 to {longest}, so that {reason}"


def _database(settings: Settings) -> Iterator[Contradiction]:
    database = settings.database
    if database.min_acu > database.max_acu:
        yield "database.min_acu", f"at most database.max_acu ({database.max_acu})"
    if database.max_acu < 1:
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
        yield "database.max_acu", "1 or more"
    if database.port == POSTGRESQL_DEFAULT_PORT:
        yield "database.port", f"1150 to 65535 except PostgreSQL's default {POSTGRESQL_DEFAULT_PORT}"
    if is_reserved_database(database.name):
        yield "database.name", "a name that PostgreSQL does not reserve, e.g. transactions"
    for key, example in (("master_username", "breakwater_owner"), ("application_username", "breakwater_app")):
        if is_reserved_user(getattr(database, key)):
            yield f"database.{key}", f"a name that PostgreSQL and Aurora do not reserve, e.g. {example}"
    if database.master_username == database.application_username:
        yield "database.application_username", "a user other than database.master_username"
    if database.migrations == "service" and not database.data_api:
        yield "database.data_api", "true while database.migrations = 'service', whose tables are made through it"
    if database.migrations != "service" and settings.compute.image == SERVICE_IMAGE:
        yield "database.migrations", "'service' while compute.image is: a task without its tables ends"
    if database.migrations == "service" and settings.compute.health_path != SERVICE_HEALTH_PATH:
        own = f"{SERVICE_HEALTH_PATH!r} while database.migrations = 'service'"
        yield "compute.health_path", f"{own}: the reference service says there that a task is healthy"


def _windows(settings: Settings) -> Iterator[Contradiction]:
    database = settings.database
    backup, maintenance = daily_minutes(database.backup_window), weekly_minutes(database.maintenance_window)
    for key, window in (("backup_window", backup), ("maintenance_window", maintenance)):
        if window.length < 30:
            yield f"database.{key}", "a window of 30 minutes or more"
    # An AWS Backup job that meets one of Aurora's windows is delayed or fails.
    busy = f"{BACKUP_HOURS[0] - 1:02}:00-{BACKUP_HOURS[-1] + 1:02}:00"
    for key, window in (("backup_window", backup), ("maintenance_window", maintenance)):
        if overlaps(window, daily_minutes(busy)):
            yield f"database.{key}", f"a window away from {busy} UTC, which AWS Backup's jobs need"
    if overlaps(backup, maintenance):
        yield (
            "database.backup_window",
            f"a window away from database.maintenance_window ({database.maintenance_window})",
        )


def _compute(settings: Settings) -> Iterator[Contradiction]:
    compute, region = settings.compute, settings.region
    if settings.environment == "prod" and not compute.https_required:
        yield "compute.https_required", "true in prod"
    if compute.https_required and compute.certificate_arn is None:
        yield "compute.certificate_arn", f"the ARN of an ACM certificate in {region} (compute.https_required is true)"
    if compute.certificate_arn and compute.certificate_arn.split(":")[3] != region:
        yield "compute.certificate_arn", f"a certificate in Region {region}, where the load balancer is"
    if compute.domain_name is None and (compute.https_required or compute.certificate_arn or compute.hosted_zone_id):
        # Nobody can get a certificate for the load balancer's own name, which is one of AWS.
        yield "compute.domain_name", "the name that clients use and the certificate covers, e.g. pay.mycompany.com"
    if compute.image is None:
        own = f"{SERVICE_IMAGE!r} to build service/, or a container image"
        yield "compute.image", f"{own}, e.g. 111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1"
    elif compute.image != SERVICE_IMAGE and settings.network.egress is EgressMode.ENDPOINTS:
        image = PRIVATE_ECR_IMAGE.match(compute.image)
        if image is None or image["region"] != region:
            # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
            yield "compute.image", f"an image in private ECR in {region}: nothing else is reachable through endpoints"
    yield from _health_check(settings)
    if compute.min_tasks > compute.max_tasks:
        yield "compute.min_tasks", f"at most compute.max_tasks ({compute.max_tasks})"
    if compute.cpu == 256:
        if compute.memory not in (512, 1024, 2048):
            yield "compute.memory", "512, 1024 or 2048 MiB with compute.cpu = 256"
        return
    low, high, step = FARGATE_MEMORY[compute.cpu]
    if not low <= compute.memory <= high or compute.memory % step:
        yield "compute.memory", f"{low} to {high} MiB in steps of {step} with compute.cpu = {compute.cpu}"


def _health_check(settings: Settings) -> Iterator[Contradiction]:
    compute, rto = settings.compute, settings.recovery.rto_seconds
    if compute.health_timeout_seconds >= compute.health_interval_seconds:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        allowed = f"less than compute.health_interval_seconds ({compute.health_interval_seconds})"
        yield "compute.health_timeout_seconds", allowed
        return
    # A task that hangs just after a check it passed.
    detection = compute.health_interval_seconds * compute.unhealthy_threshold + compute.health_timeout_seconds
    if detection > rto:
        allowed = f"a shorter interval, or fewer failures: a hung task is found after {detection} s"
        yield "compute.health_interval_seconds", f"{allowed}, recovery.rto_seconds is {rto}"


def _backup(settings: Settings) -> Iterator[Contradiction]:
    backup, aurora_days = settings.backup, settings.database.backup_retention_days
    if backup.continuous_retention_days != aurora_days:
        # From the first continuous backup on RDS refuses every update of the cluster with another retention, and
        # CloudFormation sends it with each: https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds/issues/511
        yield "backup.continuous_retention_days", f"{aurora_days}, as database.backup_retention_days"
    if backup.lock == "off":
        return
    low, high = backup.lock_min_retention_days, backup.lock_max_retention_days
    if low > high:
        yield "backup.lock_min_retention_days", f"at most backup.lock_max_retention_days ({high})"
        return
    for rule in ("daily", "weekly", "monthly", "continuous"):
        if not low <= getattr(backup, f"{rule}_retention_days") <= high:
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html: such a job fails
            yield f"backup.{rule}_retention_days", f"{low} to {high}, the retention that the vault lock admits"


def _operations(settings: Settings) -> Iterator[Contradiction]:
    operations = settings.operations
    if operations.validation_column and not operations.validation_table:
        yield "operations.validation_table", "the table of operations.validation_column, e.g. ledger.entries"
    if operations.validation_table and not operations.validation_column:
        yield "operations.validation_column", "the column of operations.validation_table with the time of a row"
    runs = operations.failover_timeout_seconds + FAILOVER_RESERVE_SECONDS
    if operations.failover_cool_down_seconds < runs:
        # Otherwise a second failover may start while the function still waits for the first.
        allowed = f"{runs} or more: operations.failover_timeout_seconds + {FAILOVER_RESERVE_SECONDS}"
        yield "operations.failover_cool_down_seconds", allowed

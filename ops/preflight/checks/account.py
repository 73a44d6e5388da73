"""The account of the credentials, its Region, Availability Zones and service-linked roles."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext, listed
from stacks.settings.regions import partition_of

NOT_NEEDED = "opt-in-not-required"


class Identity(Check):
    """Checks that the credentials belong to the account of the settings."""

    id = "PF-STS-01"
    title = "The credentials belong to the account that the settings name"
    why = "The deployment would go to another account, or stop when it assumes the bootstrap roles."
    fix = "Choose the right AWS_PROFILE, or correct `account`."
    source = "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the account of the credentials, which is known before any check runs, with the settings."""
        found, wanted = context.identity["Account"], context.settings.account
        arn = context.identity["Arn"]
        yield ok(arn) if wanted in (None, found) else fail(f"{arn}, and the settings say account {wanted}")


class RegionEnabled(Check):
    """Checks that the account can use the Region."""

    id = "PF-EC2-01"
    title = "The Region is enabled in the account"
    why = "In a Region that the account has not opted in to, every call fails with an authentication error."
    fix = "Enable the Region in the account's settings, or choose another one."
    source = "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"
    calls = ("ec2:DescribeRegions",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the Region's opt-in status."""
        regions = context.ask("ec2:DescribeRegions", AllRegions=True, RegionNames=[context.ask.region])["Regions"]
        status = regions[0].get("OptInStatus", NOT_NEEDED) if regions else "unknown"
        yield (ok if status in (NOT_NEEDED, "opted-in") else fail)(f"{context.ask.region} is {status}")


class Zones(Check):
    """Checks that the Availability Zones exist."""

    id = "PF-EC2-02"
    title = "The Availability Zones of the settings exist and are available"
    why = "Creating a subnet fails: value is not valid for parameter availabilityZone."
    fix = "Correct `network.zones`, or lower `network.zone_count`."
    source = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html"
    calls = ("ec2:DescribeAvailabilityZones",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the zones of the Region with the settings."""
        found = available_zones(context)
        missing = [zone for zone in context.zones if zone not in found]
        count = len(context.zones) or context.settings.network.zone_count
        if missing:
            yield fail(f"{listed(missing)} not among {listed(found)}")
        else:
            yield (ok if len(found) >= count else fail)(f"{len(found)} zones are available, {count} are needed")


def available_zones(context: CheckContext) -> list[str]:
    """Return the names of the Region's available zones, without Local Zones and Wavelength Zones."""
    kind = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    zones = context.ask("ec2:DescribeAvailabilityZones", Filters=kind)["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in zones if zone["State"] == "available")


def planned_zones(context: CheckContext) -> list[str]:
    """Return the zones that the deployment will use: those of the settings, else the first ones of the Region."""
    return list(context.zones) or available_zones(context)[: context.settings.network.zone_count]


# The role by the CloudFormation type that needs it.
ROLES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "AWS::Backup::BackupPlan": "AWSServiceRoleForBackup",
    "AWS::ECS::Service": "AWSServiceRoleForECS",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "AWSServiceRoleForElasticLoadBalancing",
    "AWS::RDS::DBCluster": "AWSServiceRoleForRDS",
}


class ServiceLinkedRoles(Check):
    """Checks that the service-linked roles exist."""

    id = "PF-IAM-01"
    title = "The service-linked roles exist"
    why = "In a new account the first ECS service fails: unable to assume the service linked role. A second try works."
    fix = "Create them: `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`, and so on."
    source = "https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html"
    calls = ("iam:GetRole",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for the role of each planned type."""
        needed = [role for kind, role in ROLES.items() if context.plan.count(kind)]
        missing = [role for role in needed if context.ask.find("iam:GetRole", "NoSuchEntity", RoleName=role) is None]
        if missing:
            yield warn(f"missing: {listed(missing)}; the services create them if the deployer's rights allow it")
        else:
            yield ok(f"{len(needed)} roles")


class PermissionsBoundary(Check):
    """Checks that the permissions boundary of the roles exists."""

    id = "PF-IAM-02"
    title = "The permissions boundary of the roles exists"
    why = "Every role would fail: the policy of its boundary does not exist or is not attachable."
    fix = "Create the managed policy, or correct `permissions_boundary`."
    source = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"
    calls = ("iam:GetPolicy",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the policy."""
        policy = context.settings.permissions_boundary
        if policy is None:
            yield ok("the roles have none")
            return
        partition, account = partition_of(context.settings.region), context.identity["Account"]
        arn = policy if ":" in policy else f"arn:{partition}:iam::{account}:policy/{policy}"
        found = context.ask.find("iam:GetPolicy", "NoSuchEntity", PolicyArn=arn)
        yield fail(f"{arn} does not exist") if found is None else ok(arn)

"""Who asks, and where."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok
from ops.preflight.context import CheckContext, items

NOT_NEEDED = "opt-in-not-required"


class Identity(Check):
    """The credentials are of the account that the settings name."""

    id = "PF-STS-01"
    title = "The credentials are of the account that is to be deployed to"
    why = "The deployment would go to another account, or stop at assuming the bootstrap roles."
    fix = "Choose the right AWS_PROFILE, or correct `account`."
    source = "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the account with the settings; who asks was found out before."""
        found, wanted = context.identity["Account"], context.settings.account
        fits = wanted in (None, found)
        told = f"{context.identity['Arn']}"
        yield ok(told) if fits else fail(f"{told}, and the settings say account {wanted}")


class RegionEnabled(Check):
    """The region is open to the account."""

    id = "PF-EC2-01"
    title = "The region is enabled in the account"
    why = "In a region that is not opted in every call fails with an authentication error."
    fix = "Enable the region in the account's settings, or choose another one."
    source = "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"
    calls = ("ec2:DescribeRegions",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the region's opt-in status."""
        regions = context.ask("ec2:DescribeRegions", AllRegions=True, RegionNames=[context.ask.region])["Regions"]
        status = regions[0].get("OptInStatus", NOT_NEEDED) if regions else "unknown"
        yield (ok if status in (NOT_NEEDED, "opted-in") else fail)(f"{context.ask.region} is {status}")


class Zones(Check):
    """The zones exist."""

    id = "PF-EC2-02"
    title = "The Availability Zones of the settings are there and available"
    why = "Creating a subnet fails: value is not valid for parameter availabilityZone."
    fix = "Correct `network.zones`, or lower `network.zone_count`."
    source = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html"
    calls = ("ec2:DescribeAvailabilityZones",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the region's zones with the settings."""
        found = available_zones(context)
        missing = [zone for zone in context.zones if zone not in found]
        count = len(context.zones) or context.settings.network.zone_count
        if missing:
            yield fail(f"{items(missing)} not among {items(found)}")
        else:
            yield (ok if len(found) >= count else fail)(f"{len(found)} zones are available, {count} are needed")


def available_zones(context: CheckContext) -> list[str]:
    """Return the names of the region's available zones, Local Zones and Wavelength left out."""
    kind = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    zones = context.ask("ec2:DescribeAvailabilityZones", Filters=kind)["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in zones if zone["State"] == "available")


def planned_zones(context: CheckContext) -> list[str]:
    """Return the zones that the deployment will use: those of the settings, else the region's first ones."""
    return list(context.zones) or available_zones(context)[: context.settings.network.zone_count]

"""Hosted zones of planned records."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext

KIND = "AWS::Route53::RecordSet"
# https://www.rfc-editor.org/rfc/rfc2606 and https://www.rfc-editor.org/rfc/rfc6761
RESERVED = ("example.com", "example.org", "example.net", "test", "example", "invalid", "localhost", "local")


class HostedZones(Check):
    """Checks that each record's hosted zone exists once, is public, and is of a domain that holds the record."""

    id = "PF-R53-01"
    title = "The hosted zones of planned records exist, once each, in public, under a domain that holds them"
    why = "Creating the record fails, it lands in one of two zones of the same name, or only a VPC can resolve it."
    fix = "Name the zone by its id, and use a domain of your own."
    source = "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html"
    calls = ("route53:GetHostedZone", "route53:ListHostedZonesByName")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for the zones that records name by id or by name."""
        ids, names = (context.plan.texts(KIND, path) for path in ("HostedZoneId", "HostedZoneName"))
        if not ids and not names:
            domain = context.settings.compute.domain_name
            yield ok("no record is planned" + (f": lead {domain} to the load balancer yourself" if domain else ""))
        for zone in ids:
            yield self._by_id(context, zone)
        for name in names:
            yield self._by_name(context, name.rstrip("."))

    def _by_id(self, context: CheckContext, zone: str) -> Outcome:
        answer = context.ask.find("route53:GetHostedZone", "NoSuchHostedZone", Id=zone)
        if answer is None:
            return fail(f"there is no hosted zone {zone}")
        parent = answer["HostedZone"]["Name"].rstrip(".")
        if answer["HostedZone"].get("Config", {}).get("PrivateZone"):
            return fail(f"{parent} ({zone}) is private: only its VPCs can resolve the records")
        records = [each for each in context.plan.resources(KIND) if zone in each.options("HostedZoneId")]
        for name in (
            name.rstrip(".") for record in records for name in record.options("Name") if isinstance(name, str)
        ):
            if name != parent and not name.endswith(f".{parent}"):
                return fail(f"{name} is not within {parent} ({zone})")
        return _ownable(parent)

    def _by_name(self, context: CheckContext, name: str) -> Outcome:
        zones = context.ask("route53:ListHostedZonesByName", DNSName=name)["HostedZones"]
        found = [zone for zone in zones if zone["Name"].rstrip(".") == name]
        if not found:
            return fail(f"there is no hosted zone {name}")
        return warn(f"{len(found)} hosted zones are called {name}") if len(found) > 1 else _ownable(name)


def _ownable(name: str) -> Outcome:
    reserved = any(name == domain or name.endswith(f".{domain}") for domain in RESERVED)
    return fail(f"{name} is reserved: nobody can own it") if reserved else ok(name)

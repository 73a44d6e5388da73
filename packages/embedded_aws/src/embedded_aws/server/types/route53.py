"""Amazon Route 53: the records that it does not make, with its words.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

from embedded_aws.server import refusals, upstream
from embedded_aws.server.refusals import RefusedError
from embedded_aws.server.registry import Properties

_RECORD = "AWS::Route53::RecordSet"


def install() -> None:
    """Register the types of this service."""
    refusals.by_template(_RECORD, "Route53", create=_check_new, change=_check_zone)


def _check_zone(properties: Properties) -> None:
    zone = upstream.hosted_zones.get(properties.get("HostedZoneId"))
    if zone is None:
        message = f"No hosted zone found with ID: {properties.get('HostedZoneId')}"
        raise RefusedError("NoSuchHostedZone", message, 404)
    name, parent = _domain(properties["Name"]), _domain(zone["name"])
    if name != parent and not name.endswith(f".{parent}"):
        raise RefusedError("InvalidChangeBatch", f"[RRSet with DNS name {name} is not permitted in zone {parent}]")


def _check_new(properties: Properties) -> None:
    _check_zone(properties)
    name, kind = _domain(properties["Name"]), properties["Type"]
    there = upstream.dns_records.get(properties["HostedZoneId"], [])
    if any((each["Name"], each["Type"]) == (name, kind) for each in there):
        message = f"[Tried to create resource record set [name='{name}', type='{kind}'] but it already exists]"
        raise RefusedError("InvalidChangeBatch", message)


def _domain(name: str) -> str:
    return f"{name.rstrip('.').lower()}."

"""Route 53: health checks, and the failover records that depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from breakwater_guards.aws.dns import domain, records_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.tokens import deferred
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

HEALTH_CHECK, CONFIG = "AWS::Route53::HealthCheck", "HealthCheckConfig"
VALUES = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html"
FAILOVER = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html"
RECORD_API = "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html"
# Attributes that hold a URL, where a bare host is wanted.
_URL_ATTRIBUTES = frozenset({"ApiEndpoint", "FunctionUrl", "GraphQLUrl", "QueueUrl", "WebsiteURL"})
_PRIVATE_ATTRIBUTES = frozenset({"PrivateDnsName", "PrivateIp", "PrimaryPrivateIpAddress"})
_ROUTING = (
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "Region",
    "Weight",
    "CidrRoutingConfig",
)


@rule(
    "DR-ROUTE53-03",
    title="Health checks name a host without scheme, port or path",
    outcome=Outcome.REFUSED,
    prevents="Invalid fully qualified domain name (InvalidInput; the health check fails to create)",
    fix="Give FullyQualifiedDomainName the host alone; the scheme belongs into Type, the rest into Port and "
    "ResourcePath.",
    sources=(VALUES, "https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html"),
)
def health_checks_name_a_host(app: Assembly) -> Iterator[Breach]:
    """Find a fully qualified domain name with a scheme, a slash or a port, or an attribute that is a URL."""
    for check in app.of_type(HEALTH_CHECK):
        for value in check.given(f"{CONFIG}.FullyQualifiedDomainName"):
            problem = _not_a_host(value)
            if problem:
                yield breach(check, f"{CONFIG}.FullyQualifiedDomainName", f"{show(value)} {problem}; a host is wanted.")


@rule(
    "DR-ROUTE53-04",
    title="Health checks monitor public endpoints",
    outcome=Outcome.REFUSED,
    prevents="InvalidInput for an address in a private range; for a name that leads to one the check stays unhealthy, "
    "and DNS fails over although nothing is wrong",
    fix="Watch a public endpoint, or use a health check of Type CLOUDWATCH_METRIC on an alarm of the private one.",
    sources=(
        VALUES,
        "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-private-hosted-zones.html",
    ),
    data="reserved_domains",
)
def health_checks_are_public(app: Assembly) -> Iterator[Breach]:
    """Find an address that is private or reserved, a name that never resolves publicly, an internal load balancer."""
    for check in app.of_type(HEALTH_CHECK):
        for name in ("IPAddress", "FullyQualifiedDomainName"):
            for value in check.given(f"{CONFIG}.{name}"):
                problem = _not_public(app, value)
                # With an address, the name is only the Host header of the request.
                if problem and (name == "IPAddress" or check.options(f"{CONFIG}.IPAddress") == [ABSENT]):
                    yield breach(check, f"{CONFIG}.{name}", f"{show(value)} {problem}: Route 53 cannot reach it.")


@rule(
    "DR-ROUTE53-06",
    title="Records with a routing policy have a set identifier",
    outcome=Outcome.REFUSED,
    prevents="Invalid request: Missing field 'SetIdentifier' in Change (InvalidInput)",
    fix="Give each record of the same name and type its own SetIdentifier, e.g. primary and secondary. Weights are not "
    "needed for failover.",
    sources=(RECORD_API, FAILOVER),
)
def routed_records_are_identified(app: Assembly) -> Iterator[Breach]:
    """Find a record with a routing policy, such as failover, and no `SetIdentifier`."""
    for record in records_of(app):
        policy = next(
            (name for name in _ROUTING if any(item is not False for item in record.resource.given(name))), None
        )
        if policy and record.resource.options("SetIdentifier") == [ABSENT]:
            shown = record.resource.given(policy)[0]
            yield breach(record.resource, record.at("SetIdentifier"), f"{policy} {show(shown)} without SetIdentifier.")


@rule(
    "DR-ROUTE53-07",
    title="Primary failover records have a health check",
    outcome=Outcome.SILENT,
    prevents="nothing at first; when the primary fails, Route 53 goes on answering with it (a record without a health "
    "check counts as healthy)",
    fix="Set HealthCheckId, or for an alias record AliasTarget.EvaluateTargetHealth: true.",
    sources=(FAILOVER, "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-how-it-works.html"),
)
def primaries_have_a_health_check(app: Assembly) -> Iterator[Breach]:
    """Find a primary failover record that no health check watches."""
    for record in records_of(app):
        resource = record.resource
        if "PRIMARY" not in resource.options("Failover") or resource.options("HealthCheckId") != [ABSENT]:
            continue
        evaluated = resource.options("AliasTarget.EvaluateTargetHealth")
        if all(value is ABSENT or as_bool(value) is False for value in evaluated):
            yield breach(
                resource,
                record.at("HealthCheckId"),
                f"PRIMARY without HealthCheckId, EvaluateTargetHealth {show(evaluated[0])}: it never fails over.",
            )


def _not_a_host(value: Any) -> str | None:
    if isinstance(value, str) and deferred(value):
        return None
    if isinstance(value, Reference):
        return "is a URL" if value.attribute in _URL_ATTRIBUTES else None
    if isinstance(value, Text):
        parts = [part for part in value.parts if isinstance(part, str)]
        if any(reference.attribute in _URL_ATTRIBUTES for reference in value.references):
            return "contains a URL"
    elif isinstance(value, str) and _address(value) is None:
        parts = [value]
    else:
        return None
    found = next((mark for mark in ("://", "/", ":", " ", "@") if any(mark in part for part in parts)), None)
    return f"contains {found!r}" if found else None


def _not_public(app: Assembly, value: Any) -> str | None:
    if isinstance(value, Reference):
        return _private_target(app.target(value), value.attribute)
    if not isinstance(value, str) or deferred(value):
        return None
    address = _address(value)
    if address is not None:
        return None if address.is_global and not address.is_multicast else "is a private or reserved address"
    never: list[str] = facts("reserved_domains")["never_public"]
    return "never resolves on the internet" if domain(value).rpartition(".")[2] in never else None


def _private_target(target: Resource | None, attribute: str) -> str | None:
    if attribute in _PRIVATE_ATTRIBUTES:
        return "is a private address"
    if target is None or target.type != "AWS::ElasticLoadBalancingV2::LoadBalancer" or attribute != "DNSName":
        return None
    return "is an internal load balancer" if target.options("Scheme") == ["internal"] else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None

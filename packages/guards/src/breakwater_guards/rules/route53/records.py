"""Route 53 hosted zones and records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.dns import ZONE, Record, domain, is_private, records_of, spelled_domain, written_as
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.values import Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

RECORD_TYPES = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html"
ALIAS_TARGETS = (
    "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html"
)
_FUNCTION_URL = re.compile(r"\.lambda-url\.[a-z0-9*-]+\.on\.aws", re.IGNORECASE)


@rule(
    "DR-ROUTE53-01",
    title="Hosted zones use no reserved domain",
    outcome=Outcome.REFUSED,
    prevents="InvalidDomainName: example.com is reserved by AWS! (the zone fails to create)",
    fix="Use a domain that you own; leave the zone out of environments that have none.",
    sources=(
        "https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html",
        "https://github.com/aws-samples/sample-agentic-value-accelerator/pull/126",
        "https://www.rfc-editor.org/rfc/rfc2606.html",
    ),
    data="reserved_domains",
)
def zones_are_for_real_domains(app: Assembly) -> Iterator[Breach]:
    """Find a public zone for a documentation domain or for a name below it."""
    reserved: list[str] = facts("reserved_domains")["no_public_zone"]
    for zone in app.of_type(ZONE):
        for value in () if is_private(zone) else zone.options("Name"):
            name = domain(value.known if isinstance(value, Text) else value)
            if isinstance(name, str) and any(f".{name}".endswith(f".{item}") for item in reserved):
                yield breach(
                    zone, "Name", f"{show(value)} is reserved, like everything at or below {', '.join(reserved)}."
                )


@rule(
    "DR-ROUTE53-02",
    title="The apex of a hosted zone has no CNAME",
    outcome=Outcome.REFUSED,
    prevents="RRSet of type CNAME with DNS name mycompany.com. is not permitted at apex in zone mycompany.com. "
    "(InvalidChangeBatch)",
    fix="Use an A (and AAAA) alias record to the load balancer, distribution or API, or a name below the apex.",
    sources=(f"{RECORD_TYPES}#CNAMEFormat", "https://github.com/Miserlou/Zappa/issues/443"),
)
def apex_has_no_cname(app: Assembly) -> Iterator[Breach]:
    """Find a CNAME with the name of its zone, given as a literal, by reference, or joined together."""
    for record in records_of(app):
        if "CNAME" not in record.resource.options("Type"):
            continue
        apex = _apex(app, record)
        if apex is not None:
            yield breach(record.resource, record.at("Name"), f"CNAME {show(apex)} has the name of its zone, its apex.")


@rule(
    "DR-ROUTE53-05",
    title="Records do not point to Lambda function URLs",
    outcome=Outcome.SILENT,
    prevents="403 Forbidden: a function URL answers only to its own host name (CNAME, fails silently); "
    "an alias fails with InvalidChangeBatch, because function URLs are no alias target",
    fix="Put CloudFront (function URL as origin, Host header not forwarded) or an Application Load Balancer with the "
    "function as target in front, and make an alias record to that.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html",
        ALIAS_TARGETS,
        "https://github.com/aws/aws-cdk/issues/20090",
    ),
)
def records_do_not_lead_to_function_urls(app: Assembly) -> Iterator[Breach]:
    """Find a CNAME or alias whose value is a function URL, literally or by `Fn::GetAtt`, also split out of the URL."""
    for record in records_of(app):
        for name, path in (("ResourceRecords", "ResourceRecords[]"), ("AliasTarget", "AliasTarget.DNSName")):
            if name == "ResourceRecords" and "CNAME" not in record.resource.options("Type"):
                continue
            found = _function_url(app, record, name, path)
            if found:
                yield breach(record.resource, record.at(path.removesuffix("[]")), f"{found} is a Lambda function URL.")


def _apex(app: Assembly, record: Record) -> Any:
    """Return the record's name if it is that of its zone, else ``None``."""
    zone = record.zone(app)
    resource = record.resource
    names = resource.given("Name")
    apexes = [domain(value) for value in [*resource.given("HostedZoneName"), *(zone.given("Name") if zone else [])]]
    for name in names:
        if isinstance(name, str) and domain(name) in apexes:
            return name
    if names and all(isinstance(name, str) for name in names):
        return None
    spelling = spelled_domain(resource.template, written_as(resource, "Name"))
    written = [spelled_domain(resource.template, written_as(resource, "HostedZoneName"))]
    if zone is not None:
        written.append(spelled_domain(zone.template, written_as(zone, "Name")))
    if spelling is not None and spelling in written:
        return "".join(part if isinstance(part, str) else f"${{{part[-1]}}}" for part in spelling)
    return None


def _function_url(app: Assembly, record: Record, name: str, path: str) -> str | None:
    for value in record.resource.given(path):
        text = value.known if isinstance(value, Text) else value
        if isinstance(text, str) and _FUNCTION_URL.search(text):
            return show(value)
    raw = written_as(record.resource, name)
    if name == "AliasTarget" and isinstance(raw, dict):
        raw = raw.get("DNSName")  # HealthCheckId and the zone of the target lead nowhere
    for reference in mentioned(record.resource.template, raw):
        target = app.target(reference)
        if reference.attribute == "FunctionUrl" and target is not None and target.type == "AWS::Lambda::Url":
            return show(reference)
    return None

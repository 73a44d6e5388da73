"""The domain name of the service: its certificate, and hosted zones of planned records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext, listed

NOTICE = timedelta(days=30)
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
KEYS = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")


class Certificate(Check):
    """Checks that the load balancer can use the certificate."""

    id = "PF-ACM-01"
    title = "The certificate is issued and does not expire soon"
    why = "Creating the listener fails: the certificate must have a fully-qualified domain name and be issued."
    fix = "Validate the certificate in ACM, or name another one in `compute.certificate_arn`."
    source = "https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html"
    calls = ("acm:DescribeCertificate",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for status, expiry and key of the certificate."""
        arn = context.settings.compute.certificate_arn
        if arn is None:
            yield ok("no certificate is configured: the load balancer speaks HTTP")
            return
        answer = context.ask.find("acm:DescribeCertificate", "ResourceNotFoundException", CertificateArn=arn)
        if answer is None:
            yield fail(f"{arn} is not in this account and Region")
            return
        found = answer["Certificate"]
        domains, key = listed(_names(found)) or "no name", found.get("KeyAlgorithm")
        if found["Status"] != "ISSUED":
            yield fail(f"the certificate of {domains} is {found['Status']}")
            return
        if key and key not in KEYS:
            yield fail(f"the certificate's key is {key}, and a load balancer takes {listed(KEYS)}")
            return
        ends = found.get("NotAfter")
        if ends and ends - datetime.now(UTC) < NOTICE and found.get("RenewalEligibility") != "ELIGIBLE":
            yield warn(f"the certificate of {domains} expires on {ends:%Y-%m-%d}, and ACM does not renew it")
            return
        yield ok(f"issued for {domains}")


class CertificateNames(Check):
    """Checks that clients which verify the certificate accept it for the service's name."""

    id = "PF-ACM-02"
    title = "The certificate covers the domain name"
    why = "Every client that verifies certificates refuses the connection; drills and integration checks do."
    fix = (
        "Request a certificate for `compute.domain_name`, or name the one that covers it in `compute.certificate_arn`."
    )
    source = "https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html#concept-wc"
    calls = ("acm:DescribeCertificate",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the certificate's names with the one that clients use."""
        arn, domain = context.settings.compute.certificate_arn, context.settings.compute.domain_name
        if arn is None or domain is None:
            yield ok("no certificate is configured")
            return
        answer = context.ask.find("acm:DescribeCertificate", "ResourceNotFoundException", CertificateArn=arn)
        names = _names(answer["Certificate"]) if answer else []
        covering = [name for name in names if covers(name.lower(), domain)]
        if covering:
            yield ok(f"{covering[0]} covers {domain}")
        else:
            yield fail(f"the certificate is for {listed(names) or 'no name'}, not for {domain}")


def _names(certificate: Mapping[str, Any]) -> list[str]:
    """Return the names of a certificate; ACM need not give any."""
    names = certificate.get("SubjectAlternativeNames") or [certificate.get("DomainName")]
    return [name for name in names if name]


def covers(name: str, domain: str) -> bool:
    """Tell whether a name of a certificate covers a domain name; an asterisk stands for exactly one label."""
    first, _, parent = name.partition(".")
    return name == domain or (first == "*" and parent == domain.partition(".")[2])


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
            yield self._by_name(context, name.removesuffix("."))

    def _by_id(self, context: CheckContext, zone: str) -> Outcome:
        answer = context.ask.find("route53:GetHostedZone", "NoSuchHostedZone", Id=zone)
        if answer is None:
            return fail(f"there is no hosted zone {zone}")
        parent = answer["HostedZone"]["Name"].removesuffix(".")
        if answer["HostedZone"].get("Config", {}).get("PrivateZone"):
            return fail(f"{parent} ({zone}) is private: only its VPCs can resolve the records")
        records = [each for each in context.plan.resources(KIND) if zone in each.options("HostedZoneId")]
        for name in (
            name.removesuffix(".") for record in records for name in record.options("Name") if isinstance(name, str)
        ):
            if name != parent and not name.endswith(f".{parent}"):
                return fail(f"{name} is not within {parent} ({zone})")
        return _ownable(parent)

    def _by_name(self, context: CheckContext, name: str) -> Outcome:
        zones = context.ask("route53:ListHostedZonesByName", DNSName=name)["HostedZones"]
        found = [zone for zone in zones if zone["Name"].removesuffix(".") == name]
        if not found:
            return fail(f"there is no hosted zone {name}")
        return warn(f"{len(found)} hosted zones are called {name}") if len(found) > 1 else _ownable(name)


def _ownable(name: str) -> Outcome:
    reserved = any(name == domain or name.endswith(f".{domain}") for domain in RESERVED)
    return fail(f"{name} is reserved: nobody can own it") if reserved else ok(name)

"""The certificate of the load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext

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
        domains = ", ".join(found.get("SubjectAlternativeNames") or [found.get("DomainName", "")])
        if found["Status"] != "ISSUED":
            yield fail(f"the certificate of {domains} is {found['Status']}")
            return
        if found.get("KeyAlgorithm", KEYS[0]) not in KEYS:
            yield fail(f"the certificate's key is {found['KeyAlgorithm']}, and a load balancer takes {', '.join(KEYS)}")
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
        found = answer["Certificate"] if answer else {}
        names = found.get("SubjectAlternativeNames") or [found.get("DomainName", "")]
        covering = [name for name in names if covers(name.lower(), domain)]
        if covering:
            yield ok(f"{covering[0]} covers {domain}")
        else:
            yield fail(f"the certificate is for {', '.join(filter(None, names)) or 'no name'}, not for {domain}")


def covers(name: str, domain: str) -> bool:
    """Tell whether a name of a certificate covers a domain name; an asterisk stands for exactly one label."""
    first, _, parent = name.partition(".")
    return name == domain or (first == "*" and parent == domain.partition(".")[2])

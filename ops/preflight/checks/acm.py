"""The certificate of the load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext

NOTICE = timedelta(days=30)
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
KEYS = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")


class Certificate(Check):
    """The certificate can be used."""

    id = "PF-ACM-01"
    title = "The certificate is issued, and valid for a while"
    why = "Creating the listener fails: the certificate must have a fully-qualified domain name and be issued."
    fix = "Validate the certificate in ACM, or name another one in `compute.certificate_arn`."
    source = "https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html"
    calls = ("acm:DescribeCertificate",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for status, end and key of the certificate."""
        arn = context.settings.compute.certificate_arn
        if arn is None:
            yield ok("no certificate is configured: the load balancer speaks HTTP")
            return
        try:
            found = context.ask("acm:DescribeCertificate", CertificateArn=arn)["Certificate"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            yield fail(f"{arn} is not in this account and region")
            return
        domains = ", ".join(found.get("SubjectAlternativeNames") or [found.get("DomainName", "")])
        if found["Status"] != "ISSUED":
            yield fail(f"the certificate of {domains} is {found['Status']}")
            return
        if found.get("KeyAlgorithm", KEYS[0]) not in KEYS:
            yield fail(f"a load balancer takes no key of {found['KeyAlgorithm']}")
            return
        ends = found.get("NotAfter")
        if ends and ends - datetime.now(UTC) < NOTICE and found.get("RenewalEligibility") != "ELIGIBLE":
            yield warn(f"the certificate of {domains} ends on {ends:%Y-%m-%d} and ACM does not renew it")
            return
        yield ok(f"issued for {domains}")

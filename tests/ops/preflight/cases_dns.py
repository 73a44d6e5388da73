"""Cases of the checks about the service's name: its certificate, hosted zone and record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.preflight.context import Plan
from tests.ops.preflight.cases import Case, refuse

CERTIFICATE = "acm:DescribeCertificate"
RECORDS = "route53:ListResourceRecordSets"
ZONE, ZONES_BY_NAME = "route53:GetHostedZone", "route53:ListHostedZonesByName"
# https://www.rfc-editor.org/rfc/rfc2606 and https://www.rfc-editor.org/rfc/rfc6761
RESERVED = ("example.com", "example.org", "example.net", "test", "example", "invalid", "localhost", "local")


def _zone(name: str, *, private: bool) -> dict[str, Any]:
    zone = {"Id": "Z1", "Name": f"{name}.", "CallerReference": "x", "Config": {"PrivateZone": private}}
    return {"HostedZone": zone}


def _records(**properties: str) -> Any:
    """Return templates with one record; without a name it is one that CloudFormation gets from elsewhere."""

    def make() -> Plan:
        record = {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": {"Ref": "X"}, "Type": "A", **properties}}
        return Plan(Assembly({"template.json": {"Resources": {"Record": record}}}))

    return make


def _certificate(**more: Any) -> dict[str, Any]:
    found = {"Status": "ISSUED", "DomainName": "pay.mycompany.com", "KeyAlgorithm": "RSA_2048", **more}
    return {CERTIFICATE: {"Certificate": found}}


def _soon(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


CASES = [
    Case("PF-ACM-01", "none", [("pass", "speaks HTTP")]),
    Case("PF-ACM-01", "issued", [("pass", "issued for pay.mycompany.com")], _certificate(), profile="staging"),
    Case(
        "PF-ACM-01",
        "renewed",
        [("pass", "issued for a.mycompany.com, b.mycompany.com")],
        _certificate(
            SubjectAlternativeNames=["a.mycompany.com", "b.mycompany.com"],
            NotAfter=_soon(5),
            RenewalEligibility="ELIGIBLE",
        ),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "ending",
        [("warn", "ACM does not renew it")],
        _certificate(NotAfter=_soon(5), RenewalEligibility="INELIGIBLE"),
        profile="staging",
    ),
    *(
        Case(
            "PF-ACM-01",
            f"ending in {days} days",
            [(status, "")],
            _certificate(NotAfter=_soon(days), RenewalEligibility="INELIGIBLE"),
            profile="staging",
        )
        for days, status in ((29, "warn"), (31, "pass"))
    ),
    Case(
        "PF-ACM-01",
        "pending",
        [("fail", "is PENDING_VALIDATION")],
        _certificate(Status="PENDING_VALIDATION"),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "key",
        [("fail", "key is EC_x, and a load balancer takes RSA_1024")],
        _certificate(KeyAlgorithm="EC_x"),
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "untold",
        [("pass", "issued for no name")],
        {CERTIFICATE: {"Certificate": {"Status": "ISSUED"}}},
        profile="staging",
    ),
    Case(
        "PF-ACM-01",
        "elsewhere",
        [("fail", "is not in this account and Region")],
        {CERTIFICATE: refuse("ResourceNotFoundException")},
        profile="staging",
    ),
    Case("PF-ACM-02", "none", [("pass", "no certificate is configured")]),
    *(
        Case(
            "PF-ACM-02",
            ", ".join(names) or "its only name",
            [(status, words)],
            _certificate(**({"SubjectAlternativeNames": names} if names else {})),
            profile="staging",
        )
        for names, status, words in (
            ([], "pass", "pay.mycompany.com covers pay.mycompany.com"),
            (["mycompany.com", "*.MyCompany.com"], "pass", "*.MyCompany.com covers pay.mycompany.com"),
            (["mycompany.com"], "fail", "the certificate is for mycompany.com, not for pay.mycompany.com"),
            (["*.pay.mycompany.com", "*.com"], "fail", "for *.pay.mycompany.com, *.com, not for pay.mycompany.com"),
            (["xpay.mycompany.com", "*"], "fail", "not for pay.mycompany.com"),
        )
    ),
    Case(
        "PF-ACM-02",
        "elsewhere",
        [("fail", "the certificate is for no name, not for pay.mycompany.com")],
        {CERTIFICATE: refuse("ResourceNotFoundException")},
        profile="staging",
    ),
    Case("PF-R53-01", "none", [("pass", "no record is planned")]),
    Case("PF-R53-01", "by hand", [("pass", "lead pay.mycompany.com to the load balancer yourself")], profile="staging"),
    *(
        Case(
            "PF-R53-01",
            f"{name} in {parent}{', private' if private else ''}",
            [expected],
            {ZONE: _zone(parent, private=private)},
            planned=_records(HostedZoneId="Z1", Name=name),
        )
        for name, parent, private, expected in (
            ("mycompany.com.", "mycompany.com", False, ("pass", "mycompany.com")),
            ("pay.mycompany.com", "mycompany.com", False, ("pass", "mycompany.com")),
            ("paymycompany.com", "mycompany.com", False, ("fail", "paymycompany.com is not within mycompany.com (Z1)")),
            ("pay.mycompany.com", "mycompany.com", True, ("fail", "mycompany.com (Z1) is private: only its VPCs")),
        )
    ),
    Case("PF-R53-02", "none", [("pass", "0 names")]),
    *(
        Case(
            "PF-R53-02",
            title,
            [expected],
            {RECORDS: {"ResourceRecordSets": [{"Name": f"{name}.", "Type": kind}]}},
            planned=_records(HostedZoneId="Z1", Name="pay.mycompany.com"),
            deployed=deployed,
        )
        for title, name, kind, deployed, expected in (
            ("free", "pbx.mycompany.com", "A", {}, ("pass", "1 names")),
            ("of another type", "pay.mycompany.com", "TXT", {}, ("pass", "1 names")),
            ("taken", "pay.mycompany.com", "A", {}, ("fail", "DNS record pay.mycompany.com exists outside")),
            ("a CNAME", "pay.mycompany.com", "CNAME", {}, ("fail", "DNS record pay.mycompany.com exists outside")),
            ("ours", "pay.mycompany.com", "A", {"pay.mycompany.com": "x"}, ("pass", "1 of them already in")),
            ("ours, in full", "pay.mycompany.com", "A", {"pay.mycompany.com.": "x"}, ("pass", "1 of them already in")),
        )
    ),
    Case(
        "PF-R53-02",
        "taken, and planned in full",
        [("fail", "DNS record pay.mycompany.com. exists outside")],
        {RECORDS: {"ResourceRecordSets": [{"Name": "pay.mycompany.com.", "Type": "A"}]}},
        planned=_records(HostedZoneId="Z1", Name="pay.mycompany.com."),
    ),
    Case(
        "PF-R53-02",
        "no such zone",
        [("pass", "1 names")],
        {RECORDS: refuse("NoSuchHostedZone")},
        planned=_records(HostedZoneId="Z1", Name="pay.mycompany.com"),
    ),
    Case(
        "PF-R53-01",
        "by id",
        [("pass", "mycompany.com")],
        {ZONE: {"HostedZone": {"Id": "Z1", "Name": "mycompany.com.", "CallerReference": "x"}}},
        planned=_records(HostedZoneId="Z1"),
    ),
    Case(
        "PF-R53-01",
        "reserved",
        [("fail", "dr.example.com is reserved")],
        {ZONE: {"HostedZone": {"Id": "Z1", "Name": "dr.example.com.", "CallerReference": "x"}}},
        planned=_records(HostedZoneId="Z1"),
    ),
    *(
        Case(
            "PF-R53-01",
            name,
            [(status, name)],
            {ZONE: {"HostedZone": {"Id": "Z1", "Name": f"{name}.", "CallerReference": "x"}}},
            planned=_records(HostedZoneId="Z1"),
        )
        for name, status in (
            ("notexample.com", "pass"),
            ("example.com.mycompany.com", "pass"),
            ("mytest", "pass"),
            *((f"{sub}{domain}", "fail") for domain in RESERVED for sub in ("", "dr.")),
        )
    ),
    Case(
        "PF-R53-01",
        "a zone that only begins like it",
        [("fail", "there is no hosted zone mycompany.com")],
        {ZONES_BY_NAME: {"HostedZones": [{"Id": "Z", "Name": "mycompany.com.au.", "CallerReference": "x"}]}},
        planned=_records(HostedZoneName="mycompany.com."),
    ),
    Case(
        "PF-R53-01",
        "no such id",
        [("fail", "there is no hosted zone Z1")],
        {ZONE: refuse("NoSuchHostedZone")},
        planned=_records(HostedZoneId="Z1"),
    ),
    *(
        Case(
            "PF-R53-01",
            f"{count} by name",
            [expected],
            {ZONES_BY_NAME: {"HostedZones": [{"Id": "Z", "Name": "mycompany.com.", "CallerReference": "x"}] * count}},
            planned=_records(HostedZoneName="mycompany.com."),
        )
        for count, expected in (
            (0, ("fail", "there is no hosted zone mycompany.com")),
            (1, ("pass", "mycompany.com")),
            (2, ("warn", "2 hosted zones are called mycompany.com")),
        )
    ),
]

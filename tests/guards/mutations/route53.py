"""Seeded zones, records and health checks, each with one defect: Breakwater has none of its own."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

BESIDE = "AWS::ElasticLoadBalancingV2::LoadBalancer"


@mutation("DR-ROUTE53-01")
def zone_of_the_documentation(app: MutableApp) -> None:
    zone(app, "payments.example.com")


@mutation("DR-ROUTE53-02")
def cname_at_the_apex(app: MutableApp) -> None:
    zone(app, "mycompany.com.")
    record(app, HostedZoneId={"Ref": "Zone"}, Name="mycompany.com", ResourceRecords=["lb.mycompany.net"], Type="CNAME")


@mutation("DR-ROUTE53-03")
def health_check_of_a_url(app: MutableApp) -> None:
    health_check(app, FullyQualifiedDomainName="https://api.mycompany.com/")


@mutation("DR-ROUTE53-04")
def health_check_of_a_private_address(app: MutableApp) -> None:
    health_check(app, IPAddress="10.20.0.5")


@mutation("DR-ROUTE53-05")
def cname_to_a_function_url(app: MutableApp) -> None:
    url = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": "failover", "AuthType": "NONE"}}
    app.add(BESIDE, "Url", url)
    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Url", "FunctionUrl"]}]}]}
    record(app, Type="CNAME", ResourceRecords=[host])


@mutation("DR-ROUTE53-06")
def failover_without_identifier(app: MutableApp) -> None:
    record(app, Failover="SECONDARY")


@mutation("DR-ROUTE53-07")
def primary_that_nothing_watches(app: MutableApp) -> None:
    record(app, Failover="PRIMARY", SetIdentifier="primary")


def zone(app: MutableApp, name: str) -> None:
    """Add a hosted zone."""
    app.add(BESIDE, "Zone", {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": name}})


def record(app: MutableApp, **properties: Any) -> None:
    """Add a record that is right but for some properties."""
    right = {"HostedZoneName": "mycompany.com.", "Name": "api.mycompany.com", "Type": "A", "TTL": "60"}
    body = {**right, "ResourceRecords": ["52.94.236.248"], **properties}
    if "HostedZoneId" in body:
        del body["HostedZoneName"]
    app.add(BESIDE, "Record", {"Type": "AWS::Route53::RecordSet", "Properties": body})


def health_check(app: MutableApp, **config: Any) -> None:
    """Add a health check of an endpoint."""
    properties = {"HealthCheckConfig": {"Type": "HTTPS", **config}}
    app.add(BESIDE, "Check", {"Type": "AWS::Route53::HealthCheck", "Properties": properties})

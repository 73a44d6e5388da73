"""The critical path: on small templates, and that Aurora dominates that of the platform."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly as Templates
from ops.errors import OpsError
from ops.estimate.data import load_data
from ops.estimate.path import critical_path, length
from ops.preflight.context import Plan, load_plan
from tests.assembly import Assembly

DATA = load_data()


def _plan(resources: dict[str, Any]) -> Plan:
    return Plan(Templates.from_document({"Resources": resources}))


@pytest.mark.parametrize(
    "wait",
    [
        {"Properties": {"Values": [{"Ref": "Cluster"}]}},
        {"Properties": {"Value": {"Fn::GetAtt": ["Cluster", "Arn"]}}},
        {"Properties": {"Value": {"Fn::GetAtt": "Cluster.Arn"}}},
        {"Properties": {"Value": {"Fn::Sub": "arn:${AWS::Partition}:${Cluster.Arn}"}}},
        {"Properties": {"Value": {"Fn::Sub": ["${Name}", {"Name": {"Ref": "Cluster"}}]}}},
        {"DependsOn": "Cluster"},
        {"DependsOn": ["Topic", "Cluster"]},
    ],
)
def test_a_resource_waits_for_what_it_refers_to(wait: dict[str, Any]) -> None:
    path = critical_path(
        _plan(
            {
                "Writer": {"Type": "AWS::RDS::DBInstance", **wait},
                "Cluster": {"Type": "AWS::RDS::DBCluster"},
                "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
                "Topic": {"Type": "AWS::SNS::Topic"},
            }
        ),
        DATA,
    )
    assert [step.logical_id for step in path] == ["Cluster", "Writer"]
    # Two minutes for the cluster, eight for the instance.
    assert length(path) == 120 + 480


def test_what_waits_for_nothing_is_created_at_once() -> None:
    resources = {name: {"Type": "AWS::RDS::DBInstance"} for name in ("A", "B", "C")}
    assert length(critical_path(_plan(resources), DATA)) == 480
    assert critical_path(_plan({}), DATA) == []


def test_an_endpoint_for_a_gateway_is_a_route() -> None:
    for kind, seconds in (("Interface", 120), ("Gateway", 10)):
        endpoint = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": kind}}
        assert length(critical_path(_plan({"Endpoint": endpoint}), DATA)) == seconds


def test_a_circle_is_one_line() -> None:
    resources = {
        "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
        "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
    }
    with pytest.raises(OpsError, match=r"resources wait for one another: . -> . -> .$"):
        critical_path(_plan(resources), DATA)


def test_nested_stacks_wait_for_what_fills_their_parameters(prod: Assembly) -> None:
    stacks = list(dict.fromkeys(step.stack for step in critical_path(load_plan(prod.folder), DATA)))
    assert stacks == ["Root", "Kms", "Network", "Database", "Compute", "Operations"]


def test_aurora_dominates(deployment: Assembly) -> None:
    path = critical_path(load_plan(deployment.folder), DATA)
    by_service: dict[str, float] = {}
    for step in path:
        service = step.kind.split("::")[1]
        by_service[service] = by_service.get(service, 0) + step.seconds
    # Cluster, writer, then the readers beside one another.
    assert by_service["RDS"] >= 120 + 480 + 480
    assert by_service["RDS"] > length(path) / 2
    assert max(seconds for service, seconds in by_service.items() if service != "RDS") < by_service["RDS"] / 4

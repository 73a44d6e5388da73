"""Capacity providers of ECS services."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

CLUSTER, ASSOCIATIONS = "AWS::ECS::Cluster", "AWS::ECS::ClusterCapacityProviderAssociations"


@rule(
    "DR-ECS-19",
    title="The capacity providers of a service are associated with its cluster",
    outcome=Outcome.REFUSED,
    prevents="The specified capacity provider 'FARGATE_SPOT' was not found (InvalidParameterException)",
    fix="List the provider in CapacityProviders of the cluster, or of its ClusterCapacityProviderAssociations.",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html",),
)
def providers_are_associated(app: Assembly) -> Iterator[Breach]:
    """Find a strategy with a provider that the cluster of the assembly has not."""
    offered: dict[Reference, list[object]] = {}
    for kind, path in ((CLUSTER, ""), (ASSOCIATIONS, "Cluster")):
        for owner in app.of_type(kind):
            cluster = app.target(owner.get(path)) if path else owner
            names = owner.options("CapacityProviders[]") if owner.options("CapacityProviders") != [ABSENT] else []
            if cluster is not None:
                offered.setdefault(cluster.reference, []).extend(names)
    for service in app.of_type("AWS::ECS::Service"):
        cluster = app.target(service.get("Cluster"))
        names = offered.get(cluster.reference, [UNKNOWN]) if cluster is not None else [UNKNOWN]
        for name in service.given("CapacityProviderStrategy[].CapacityProvider"):
            if isinstance(name, str) and UNKNOWN not in names and name not in names:
                allowed = ", ".join(map(show, names)) or "none"
                yield breach(service, "CapacityProviderStrategy", f"{name!r} is not of the cluster; it has {allowed}.")

"""Aurora Serverless v2: the capacity range, and readers that can take over from the writer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.aurora import SERVERLESS, clusters, is_serverless, members
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_number
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
SCALING = "ServerlessV2ScalingConfiguration"
LARGEST_ACU = 256
SMALLEST_MAXIMUM_ACU = 1
PAUSE_SECONDS = (300, 86_400)
SCALES_WITH_WRITER = 1
DEFAULT_TIER = 1


@rule(
    "DR-AURORA-04",
    title="A cluster with serverless instances has a capacity range",
    outcome=Outcome.REFUSED,
    prevents="Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB "
    "instance (InvalidDBClusterStateFault)",
    fix=f"Give the cluster {SCALING} with MinCapacity and MaxCapacity.",
    sources=(f"{GUIDE}/aurora-serverless-v2.requirements.html",),
)
def serverless_has_range(app: Assembly) -> Iterator[Breach]:
    """Find a `db.serverless` instance in a cluster without ServerlessV2ScalingConfiguration."""
    instances = view(app, members)
    for cluster in clusters(app):
        serverless = [item for item in instances.get(cluster.reference, ()) if is_serverless(item)]
        ranges = cluster.options(SCALING)
        # Under one condition both may change together: only what no choice can save is certain.
        certain = any(item.get("DBInstanceClass") == SERVERLESS for item in serverless)
        if serverless and (all(item is ABSENT for item in ranges) or (certain and ABSENT in ranges)):
            yield breach(cluster, SCALING, f"not set, but {serverless[0].logical_id} is of class {SERVERLESS!r}.")


@rule(
    "DR-AURORA-05",
    title="The capacity range of Aurora Serverless v2 is valid",
    outcome=Outcome.REFUSED,
    prevents="Serverless v2 maximum capacity 0.5 isn't valid. The maximum capacity must be at least 1.0. / Both "
    "MinCapacity and MaxCapacity must be specified when you initialize Serverless v2 scaling configuration.",
    fix="Use steps of 0.5 ACU, MinCapacity from 0, MaxCapacity from 1 to 256, and 300 to 86400 seconds to auto-pause.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ServerlessV2ScalingConfiguration.html",
        "https://github.com/aws/aws-cdk/pull/32232",
        "https://github.com/crossplane-contrib/provider-upjet-aws/issues/1165",
    ),
)
def capacity_range_is_valid(app: Assembly) -> Iterator[Breach]:
    """Find a capacity outside the range or between two steps, a minimum above the maximum, a wrong auto-pause time."""
    for cluster in clusters(app):
        for name, low in (("MinCapacity", 0), ("MaxCapacity", SMALLEST_MAXIMUM_ACU)):
            for value in cluster.given(f"{SCALING}.{name}"):
                acu = as_number(value)
                if acu is not None and (not low <= acu <= LARGEST_ACU or acu % 0.5):
                    allowed = f"{low} to {LARGEST_ACU} ACU in steps of 0.5"
                    yield breach(cluster, f"{SCALING}.{name}", f"{show(value)}; allowed: {allowed}.")
        for value in cluster.given(f"{SCALING}.SecondsUntilAutoPause"):
            seconds = as_number(value)
            if seconds is not None and not PAUSE_SECONDS[0] <= seconds <= PAUSE_SECONDS[1]:
                allowed = "{} to {} seconds".format(*PAUSE_SECONDS)
                yield breach(cluster, f"{SCALING}.SecondsUntilAutoPause", f"{show(value)}; allowed: {allowed}.")
        for bounds in cluster.given(SCALING):
            if isinstance(bounds, dict):
                yield from _pair(cluster, bounds)


def _pair(cluster: Resource, bounds: dict[str, Any]) -> Iterator[Breach]:
    for name in ("MinCapacity", "MaxCapacity"):
        if name not in bounds:
            yield breach(cluster, f"{SCALING}.{name}", "not set; both MinCapacity and MaxCapacity are needed.")
    low, high = as_number(bounds.get("MinCapacity")), as_number(bounds.get("MaxCapacity"))
    if low is not None and high is not None and low > high:
        yield breach(cluster, f"{SCALING}.MinCapacity", f"{low:g} ACU is more than MaxCapacity, {high:g} ACU.")


@rule(
    "DR-AURORA-12",
    title="A serverless reader is in promotion tier 0 or 1",
    outcome=Outcome.LATER,
    prevents="In tiers 2 to 15 a reader scales on its own load: after a failover the new writer starts at the capacity "
    "of an idle reader and answers slowly, in silence",
    fix="Give one reader PromotionTier 0 or 1 (in the CDK: scale_with_writer=True); others may stay independent.",
    sources=(f"{GUIDE}/aurora-serverless-v2.how-it-works.html",),
)
def reader_scales_with_writer(app: Assembly) -> Iterator[Breach]:
    """Find every serverless reader in a tier that does not follow the writer's capacity."""
    for instances in view(app, members).values():
        tiers = [
            (
                instance,
                as_number(DEFAULT_TIER if instance.get("PromotionTier") is ABSENT else instance.get("PromotionTier")),
            )
            for instance in instances
            if instance.get("DBInstanceClass") == SERVERLESS
        ]
        behind = [instance for instance, tier in tiers if tier is not None and tier > SCALES_WITH_WRITER]
        # One of the instances is the writer; a second one that follows it is the failover target.
        if len(tiers) == len(instances) and len(tiers) - len(behind) < 2:
            for instance in behind:
                tier = instance.get("PromotionTier")
                yield breach(
                    instance, "PromotionTier", f"{show(tier)}, and no reader of the cluster is in tier 0 or 1."
                )

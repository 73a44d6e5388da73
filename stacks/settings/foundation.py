"""Settings of what everything else stands on: project, removal, keys, network, monitoring.

A default is the value that all environments share; what differs lives in ``environments/*.toml``. The text under each
setting is its documentation; ``examples`` is what an error message shows as allowed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole_number(value: object) -> object:
    if type(value) is not int:
        raise ValueError
    return value


WholeNumber = BeforeValidator(_whole_number)
"""Goes with a choice of numbers, which alone would take true for 1 and 256.0 for 256 as Python does."""

# CloudWatch Logs accepts no other retention:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LogRetentionDays = Annotated[
    Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
    WholeNumber,
]
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
TagValue = Annotated[str, Field(pattern=r"^[\p{L}\p{N}\p{Z}_.:/=+@-]+$", max_length=256, examples=["platform-team"])]


class EgressMode(StrEnum):
    """How tasks reach what they need outside the VPC."""

    PUBLIC_IP = "public-ip"
    NAT = "nat"
    ENDPOINTS = "endpoints"


class Section(BaseModel):
    """A frozen group of settings that rejects unknown keys and lax types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class ProjectSettings(Section):
    """What the platform is called on every tag."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,31}$", examples=["Breakwater"])] = "Breakwater"
    """Value of the `Project` tag."""
    owner: TagValue = "platform-team"
    """Value of the `Owner` tag."""
    cost_center: TagValue = "shared-services"
    """Value of the `CostCenter` tag."""


class RemovalSettings(Section):
    """What happens to data when the stack is deleted, and what refuses to be deleted."""

    data: Literal["destroy", "snapshot", "retain"]
    """Aurora, DynamoDB, S3, keys and logs on `cdk destroy`. `snapshot`: Aurora leaves a final snapshot, the others
    (which have no such policy) stay. `retain`: all stay, Aurora with its instances and its part of the network."""
    deletion_protection: bool
    """Aurora, DynamoDB and the load balancer refuse to be deleted."""
    termination_protection: bool
    """CloudFormation refuses to delete the stack."""


class KmsSettings(Section):
    """Life of the three customer managed keys."""

    pending_window_days: Annotated[int, Field(ge=7, le=30)]
    """Days between scheduling a key's deletion and its loss."""


class NetworkSettings(Section):
    """Addresses, zones and the way out of the VPC."""

    cidr: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$", examples=["10.20.0.0/16"])] = (
        "10.20.0.0/16"
    )
    """IPv4 range of the VPC, /16 to /28."""
    subnet_prefix: Annotated[int, Field(ge=16, le=28)] = 22
    """Prefix length of each subnet."""
    zones: tuple[str, ...] = ()
    """Availability Zones by name; empty: the first `zone_count` of the Region. Add a zone at the end: each has its
    subnets by its place."""
    zone_count: Annotated[int, Field(ge=2, le=6)] = 2
    """Number of zones when `zones` is empty."""
    egress: Annotated[EgressMode, Field(strict=False)]
    """`public-ip`, `nat` or `endpoints`; docs/costs.md has their monthly price."""
    nat_gateways: Literal["one", "per-zone"] = "per-zone"
    """NAT gateways in `nat` mode: `one` is cheaper, `per-zone` survives the loss of a zone."""
    restrict_default_security_group: bool
    """Empty the VPC's default security group by CDK's custom resource."""
    flow_log_retention_days: LogRetentionDays
    """Retention of VPC flow logs, in days."""


class MonitoringSettings(Section):
    """Who is notified, and how long logs are kept."""

    emails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", examples=["dr@mycompany.com"])], ...] = ()
    """Addresses subscribed to the alert topic; each must confirm the message that AWS sends."""
    log_retention_days: LogRetentionDays
    """Retention of every other log group, in days."""

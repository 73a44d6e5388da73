"""The parameter by which a restored cluster becomes the database of a deployment (decision 023)."""

from __future__ import annotations

from aws_cdk import CfnParameter
from constructs import Construct

from stacks.names import NEVER_RESTORED, RESTORED_AT_PARAMETER


class RestoredAt(CfnParameter):
    """When a restored cluster last took the place of the database; `ops restore take-over` sets it.

    CloudFormation reads the attributes of a resource again only when it updates the resource itself:
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/68
    A new value changes a tag of the cluster, and so whatever refers to its resource id or its secret follows. It is a
    parameter, since it belongs to one deployment and to no settings file: `cdk deploy` keeps its value.

    Args:
        scope: the root stack: parameters of nested stacks cannot be given from outside.
    """

    def __init__(self, scope: Construct) -> None:
        super().__init__(
            scope,
            RESTORED_AT_PARAMETER,
            type="String",
            default=NEVER_RESTORED,
            allowed_pattern=rf"{NEVER_RESTORED}|\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
            constraint_description=f"{NEVER_RESTORED}, or a time such as 2026-01-31T12:34:56Z",
            description="When a restored cluster last took the place of the database; set by ops restore take-over",
        )

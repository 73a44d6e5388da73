"""What holds for every resource of a deployment: its tags, and the permissions boundary of its roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import CfnResource, PermissionsBoundary, Stack, Tags

from stacks.names import TagKey
from stacks.settings import Settings


def permissions_boundary(settings: Settings) -> PermissionsBoundary | None:
    """Return what CDK puts on every role of the stack, its nested stacks and CDK's own custom resources.

    Args:
        settings: of the deployment; ``None`` is returned where they name no boundary.
    """
    policy = settings.permissions_boundary
    if policy is None:
        return None
    return PermissionsBoundary.from_arn(policy) if ":" in policy else PermissionsBoundary.from_name(policy)


def tags_of(settings: Settings) -> dict[str, str]:
    """Return the tags of a deployment, by their keys."""
    return {
        TagKey.PROJECT: settings.project.name,
        TagKey.ENVIRONMENT: settings.environment,
        TagKey.SUFFIX: settings.suffix,
        TagKey.OWNER: settings.project.owner,
        TagKey.COST_CENTER: settings.project.cost_center,
    }


def tag_everything(stack: Stack, tags: Mapping[str, str], *, untagged: Iterable[CfnResource]) -> None:
    """Tag the resources of a stack and of its nested stacks.

    Args:
        stack: the root stack.
        tags: by their keys.
        untagged: what CDK declares as resources of no particular type, which :class:`aws_cdk.Tags` leaves out.
    """
    for tag, value in tags.items():
        Tags.of(stack).add(tag, value)
    for resource in untagged:
        resource.add_property_override("Tags", [{"Key": tag, "Value": value} for tag, value in tags.items()])

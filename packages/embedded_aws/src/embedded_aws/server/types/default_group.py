"""The custom resource by which the CDK empties a VPC's default security group.

On AWS a function of the CDK's own, in JavaScript, does it. Nothing here can confine such a function to this machine, so
the emulator makes the same calls itself. `aws-cdk-lib`, custom-resource-handlers/lib/aws-ec2/
restrict-default-security-group-handler/index.ts
"""

from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.server import registry
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Declared, Properties

_TYPE = "Custom::VpcRestrictDefaultSG"
_GROUP = "DefaultSecurityGroupId"


def install() -> None:
    """Register the type."""
    registry.add(_TYPE, create=_create, update=_update, delete=_delete)


def _create(declared: Declared) -> tuple[str, Attributes]:
    group = str(declared.properties[_GROUP])
    _revoke(group, declared.properties)
    return f"rules-of-{group}", {}  # on AWS the number of a request, which means nothing


def _update(_physical_id: str, declared: Declared, previous: Properties) -> Attributes:
    if declared.properties[_GROUP] != previous[_GROUP]:
        _restore(previous)
        _revoke(declared.properties[_GROUP], declared.properties)
    return {}


def _delete(_physical_id: str, properties: Properties) -> None:
    _restore(properties)


def _revoke(group: str, properties: Properties) -> None:
    ec2 = client("ec2")
    for revoke, permission in (
        (ec2.revoke_security_group_egress, _anywhere()),
        (ec2.revoke_security_group_ingress, _itself(group, properties)),
    ):
        try:
            revoke(GroupId=group, IpPermissions=[permission])
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.NotFound":
                raise


def _restore(properties: Properties) -> None:
    ec2, group = client("ec2"), str(properties[_GROUP])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[_itself(group, properties)])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[_anywhere()])


def _anywhere() -> dict[str, Any]:
    return {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _itself(group: str, properties: Properties) -> dict[str, Any]:
    return {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "UserId": properties["Account"]}]}

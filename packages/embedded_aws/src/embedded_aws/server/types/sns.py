"""Amazon SNS: the encryption key of a topic, which ministack's CloudFormation drops, and its display name."""

from embedded_aws.server import registry
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::SNS::Topic", _apply_settings)


def _apply_settings(topic_arn: str, properties: Properties) -> Attributes:
    for name in ("KmsMasterKeyId", "DisplayName"):
        client("sns").set_topic_attributes(
            TopicArn=topic_arn, AttributeName=name, AttributeValue=properties.get(name, "")
        )
    return {}

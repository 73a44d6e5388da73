"""Amazon SNS: the encryption key of a topic, which ministack's CloudFormation drops."""

from embedded_aws.server import registry
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::SNS::Topic", _apply_key)


def _apply_key(topic_arn: str, properties: Properties) -> Attributes:
    client("sns").set_topic_attributes(
        TopicArn=topic_arn, AttributeName="KmsMasterKeyId", AttributeValue=properties.get("KmsMasterKeyId", "")
    )
    return {}

"""AWS Lambda: a function's key and dead-letter target, which ministack's CloudFormation drops."""

from embedded_aws.server import registry
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::Lambda::Function", _apply_key_and_dead_letter_target)


def _apply_key_and_dead_letter_target(name: str, properties: Properties) -> Attributes:
    client("lambda").update_function_configuration(
        FunctionName=name,
        KMSKeyArn=properties.get("KmsKeyArn", ""),
        DeadLetterConfig=properties.get("DeadLetterConfig", {"TargetArn": ""}),
    )
    return {}

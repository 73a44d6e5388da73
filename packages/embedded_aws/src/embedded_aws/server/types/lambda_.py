"""AWS Lambda: the key of a function's variables and its dead letters, which ministack's CloudFormation drops."""

from embedded_aws.server import registry
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::Lambda::Function", _apply_key_and_dead_letters)


def _apply_key_and_dead_letters(name: str, properties: Properties) -> Attributes:
    client("lambda").update_function_configuration(
        FunctionName=name,
        KMSKeyArn=properties.get("KmsKeyArn", ""),
        DeadLetterConfig=properties.get("DeadLetterConfig", {"TargetArn": ""}),
    )
    return {}

"""AWS Fault Injection Service: experiment templates, kept as declared."""

from embedded_aws.server import metadata

_TEMPLATE = "AWS::FIS::ExperimentTemplate"


def install() -> None:
    """Register the types of this service."""
    metadata.keep(
        _TEMPLATE,
        identify=lambda declared: declared.name("Id", longest=64),
        attributes=lambda identifier: {"Id": identifier},
        create_only=(),
    )

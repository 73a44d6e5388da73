"""AWS Fault Injection Service: experiment templates, kept as declared; its API says that it is not there."""

from typing import Any

from embedded_aws.server import metadata, upstream

_SERVICE = "fis"
_TEMPLATE = "AWS::FIS::ExperimentTemplate"
_NOT_THERE = (
    "The embedded AWS has no Fault Injection Service: experiment templates are kept as declared, and no experiment "
    f"runs. Read a template with `aws cloudcontrol get-resource --type-name {_TEMPLATE} --identifier <id>`."
)
_NOT_IMPLEMENTED = 501


def install() -> None:
    """Register the type, and an answer to everybody who calls the service."""
    upstream.service_patterns[_SERVICE] = {"host_patterns": [r"fis\."], "credential_scope": _SERVICE}
    upstream.service_handlers[_SERVICE] = _refuse
    metadata.keep(
        _TEMPLATE,
        identify=lambda declared: declared.name("Id", longest=64),
        attributes=lambda identifier: {"Id": identifier},
        create_only=(),
    )


async def _refuse(_method: str, _path: str, _headers: dict[str, str], _body: bytes, _query: Any) -> Any:
    return upstream.error_response("NotImplementedException", _NOT_THERE, _NOT_IMPLEMENTED)

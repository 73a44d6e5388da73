"""AWS WAF: which resources a web ACL protects, and the logging of a web ACL, which ministack does not have."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from embedded_aws.server import metadata, registry, upstream
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Declared, Properties

_SERVICE = "wafv2"
_LOGGING = "AWS::WAFv2::LoggingConfiguration"
# What only CloudFormation or Cloud Control adds to the declaration.
_NOT_IN_API = ("CreationTime",)


def install() -> None:
    """Register the types of this service."""
    registry.add(
        "AWS::WAFv2::WebACLAssociation",
        create=_associate,
        update=_keep,
        delete=_disassociate,
        create_only=("ResourceArn", "WebACLArn"),
    )
    metadata.keep(
        _LOGGING,
        identify=lambda declared: str(declared.properties["ResourceArn"]),
        attributes=lambda _arn: {},
        create_only=("ResourceArn",),
    )
    upstream.service_handlers[_SERVICE] = _with_logging(upstream.service_handlers[_SERVICE])


def _associate(declared: Declared) -> tuple[str, Attributes]:
    resource, web_acl = (str(declared.properties[name]) for name in ("ResourceArn", "WebACLArn"))
    client(_SERVICE).associate_web_acl(ResourceArn=resource, WebACLArn=web_acl)
    return f"{resource}|{web_acl}", {}


def _keep(_physical_id: str, _declared: Declared, _previous: Properties) -> Attributes:
    return {}  # every property is create-only: there is nothing to change


def _disassociate(_physical_id: str, properties: Properties) -> None:
    client(_SERVICE).disassociate_web_acl(ResourceArn=properties["ResourceArn"])


def _with_logging(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def handle_with_logging(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "GetLoggingConfiguration":
            return _get_logging(json.loads(body)["ResourceArn"])
        if action == "ListLoggingConfigurations":
            return upstream.json_response({"LoggingConfigurations": list(map(_shown, metadata.every(_LOGGING)))})
        return await handle(method, path, headers, body, query)

    return handle_with_logging


def _get_logging(arn: str) -> Any:
    found = metadata.find(_LOGGING, arn)
    if found is None:
        # https://docs.aws.amazon.com/waf/latest/APIReference/API_GetLoggingConfiguration.html
        message = "AWS WAF couldn’t perform the operation because your resource doesn’t exist."  # noqa: RUF001 (as AWS writes it)
        return upstream.error_response("WAFNonexistentItemException", message, 400)
    return upstream.json_response({"LoggingConfiguration": _shown(found)})


def _shown(declared: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declared.items() if name not in _NOT_IN_API}

"""What AWS refuses before or while it makes a stack, refused here at the same moment and in AWS's words.

- `requests`    a call that lacks something, or names something wrong: refused when asked
- `structure`   a template whose sections have the wrong shape: refused when asked
- `parameters`  values that the template does not allow: refused when asked
- `references`  names that lead nowhere, and circles: refused when asked
- `pack`        the rules of cdk-preflight and CloudFormation Validate: a resource that AWS would fail fails
- `resources`   the gate before a resource is made or changed, and what only resolved properties show
- `policies`    policy documents, refused by the IAM API and by CloudFormation alike

A nested template is judged when its stack is made: the nested stack fails, and the root rolls back.
"""

from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.validation import pack, parameters, policies, references, requests, resources, structure


def install() -> None:
    """Put the checks before ministack's own."""
    requests.install()
    policies.install()
    resources.install()
    upstream.capabilities_enforced.wrap(lambda _under_authentication: lambda: True)
    upstream.check_capabilities.wrap(_with_structure)
    for parse in upstream.parsers:
        parse.wrap(structure.well_formed)
    for resolve in upstream.parameter_resolvers:
        resolve.wrap(_judged)
    pack.warm_up()


def _with_structure(check: Callable[..., Any]) -> Callable[..., Any]:
    """Judge the shape of a template before anything else reads it."""

    def check_after(sent: Mapping[str, Any], template: Mapping[str, Any], request: Any, **keywords: Any) -> Any:
        try:
            structure.check(sent)
        except ValueError as error:
            return upstream.cloudformation_error("ValidationError", str(error))
        return check(sent, template, request, **keywords)

    return check_after


def _judged(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Judge a template where its parameters get their values: every way to a stack leads through here."""

    def resolve_judged(template: dict[str, Any], given: Any, *previous: Any) -> dict[str, Any]:
        structure.check(template)
        parameters.check(template, given)
        references.check_conditions(template)
        values: dict[str, Any] = resolve(template, given, *previous)
        if "Conditions" in template:
            template["Conditions"] = references.joined(template["Conditions"], values)
        references.check(template, values, upstream.evaluate_conditions(template, values))
        pack.check(template, values)
        return values

    return resolve_judged

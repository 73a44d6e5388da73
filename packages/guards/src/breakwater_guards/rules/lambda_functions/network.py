"""Lambda in a VPC: ways out of the function's subnets."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.endpoints import endpoints_of
from breakwater_guards.aws.network import SUBNET, Exit, network_of
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

FUNCTION = "AWS::Lambda::Function"
SUBNETS = "VpcConfig.SubnetIds"
INTERNET = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html"
VPC = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"


@rule(
    "DR-LAMBDA-04",
    title="Functions in a VPC reach the services that their role may call",
    outcome=Outcome.SILENT,
    prevents="Task timed out after 3.00 seconds, at the first call of the service: without a route and an endpoint the "
    "SDK waits until the function's time is over",
    fix="Add the VPC endpoint of the service (a gateway endpoint for S3 and DynamoDB) or a route to a NAT gateway, or "
    "take the function out of the VPC.",
    sources=(INTERNET, VPC),
    data="service_endpoints",
)
def functions_reach_their_services(app: Assembly) -> Iterator[Breach]:
    """Find a private subnet with neither a way out nor an endpoint; public subnets are DR-LAMBDA-05's."""
    endpoints, network = endpoints_of(app), network_of(app)
    for function in app.of_type(FUNCTION):
        cut_off = [subnet for subnet in subnets_of(app, function) if network.internet(subnet, Answer.NO) is Answer.NO]
        cut_off = [subnet for subnet in cut_off if network.exit_of(subnet) is not Exit.INTERNET_GATEWAY]
        for service, action in calls_of(app, function).items() if cut_off else ():
            without = [item for item in cut_off if endpoints.reached_from(item, service) is Answer.NO]
            if without:
                names = ", ".join(subnet.logical_id for subnet in without)
                yield breach(
                    function,
                    SUBNETS,
                    f"The role allows {action}, but from {names} there is no route to the internet and no endpoint "
                    f"for {service}.",
                )


@rule(
    "DR-LAMBDA-05",
    title="Functions are not in public subnets",
    outcome=Outcome.LATER,
    prevents="Task timed out: a function's network interface gets no public address, so an internet gateway drops "
    "everything that it sends",
    fix="Use private subnets with a route to a NAT gateway, or isolated ones with VPC endpoints.",
    sources=(INTERNET, "https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda.Function.html"),
)
def functions_are_not_in_publicsubnets_of(app: Assembly) -> Iterator[Breach]:
    """Find a subnet whose default route leads to an internet gateway."""
    network = network_of(app)
    for function in app.of_type(FUNCTION):
        public = [item for item in subnets_of(app, function) if network.exit_of(item) is Exit.INTERNET_GATEWAY]
        if public:
            names = ", ".join(subnet.logical_id for subnet in public)
            yield breach(
                function, SUBNETS, f"{names} routes to an internet gateway, but the function has no public address."
            )


def subnets_of(app: Assembly, function: Resource) -> list[Resource]:
    """Return the subnets of a function that are part of the assembly, in every arm."""
    network = network_of(app)
    found = (network.resource(value, SUBNET) for value in function.options(f"{SUBNETS}[]"))
    return list({subnet.reference: subnet for subnet in found if subnet is not None}.values())


def calls_of(app: Assembly, function: Resource) -> dict[str, str]:
    """Return the services that the function's role names, with one action each.

    Actions with which Lambda itself polls sources or serves destinations run outside the VPC and do not count, nor do
    those that another service may need because it acts with the rights of its caller.
    """
    known = facts("service_endpoints")
    roles = roles_of(app)
    role = roles.find(function.get("Role"), function.template)
    if role is None:
        return {}
    others = set(known["called_by_lambda_itself"])
    if _has_destination(app, function):
        others |= set(known["called_for_destinations"])
    found: dict[str, str] = {}
    behalf: set[str] = set()
    for statement in roles.permissions(role).statements:
        for action in statement.actions if statement.effect == "Allow" else ():
            prefix, colon, _ = action.partition(":") if isinstance(action, str) else ("", "", "")
            behalf.update(known["called_on_behalf"].get(prefix.lower(), ()))
            endpoint = known["endpoint_of_prefix"].get(prefix.lower())
            if colon and endpoint and action not in others:
                found.setdefault(endpoint, action)
    return {} if "*" in behalf else {name: action for name, action in found.items() if name not in behalf}


def _has_destination(app: Assembly, function: Resource) -> bool:
    """Tell whether Lambda sends failed or finished events of the function somewhere, or may."""
    if function.options("DeadLetterConfig") != [ABSENT]:
        return True
    configured = app.of_type("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping")
    return any(app.target(value) in (function, None) for item in configured for value in item.options("FunctionName"))

"""VPC endpoints: policies that let calls through, names and security groups that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import may_match, pattern
from breakwater_guards.aws.balancers import LISTENER
from breakwater_guards.aws.ecs import Service, fargate_services, repository_of
from breakwater_guards.aws.endpoints import Endpoint, endpoints_of
from breakwater_guards.aws.key_policies import is_closed
from breakwater_guards.aws.network import Exit, network_of
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.security_groups import security_groups_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule
from breakwater_guards.rules.lambda_functions.network import FUNCTION, calls_of, subnets_of

ENDPOINT_POLICIES = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
HTTPS = 443


@rule(
    "DR-NET-06",
    title="The policy of a VPC endpoint lets through what is called through it",
    outcome=Outcome.REFUSED,
    prevents="CannotPullContainerError or ResourceInitializationError … 403 Forbidden; AccessDeniedException … because "
    "no VPC endpoint policy allows the action",
    fix="Allow the action in the endpoint's PolicyDocument; for images also s3:GetObject on "
    "arn:aws:s3:::prod-<region>-starport-layer-bucket/*, which belongs to AWS, without aws:ResourceAccount.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms",
        ENDPOINT_POLICIES,
    ),
    data="service_endpoints",
)
def endpoint_policies_let_calls_through(app: Assembly) -> Iterator[Breach]:
    """Find an endpoint whose policy has no statement for what tasks need to start, or functions call."""
    told = set()
    for endpoint, caller, action, arn in _calls_through_endpoints(app):
        resource = endpoint.resource
        key = (resource, action, arn)
        if key in told or not is_closed(resource, "PolicyDocument"):
            continue
        told.add(key)
        statements = [item for item in statements_of(resource, "PolicyDocument") if item.effect != "Deny"]
        if resource.given("PolicyDocument") and not any(_lets(app, item, action, arn) for item in statements):
            on = f" on {readable(arn)}" if not arn.endswith(":*") and arn != "*" else ""
            yield breach(
                resource, "PolicyDocument", f"no statement lets {caller.logical_id} call {action}{on} through it."
            )


@rule(
    "DR-NET-08",
    title="Functions can use the interface endpoints that they depend on",
    outcome=Outcome.SILENT,
    prevents="Task timed out after 3.00 seconds: the service's name leads out of the VPC, or the endpoint's security "
    "group drops what the function sends",
    fix="Set PrivateDnsEnabled: true on the endpoint, and allow TCP 443 from the function's security group to it.",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html",
    ),
    data="service_endpoints",
)
def functions_use_their_endpoints(app: Assembly) -> Iterator[Breach]:
    """Find a function without another way out, and an endpoint without private names or with a closed group."""
    groups, network = security_groups_of(app), network_of(app)
    for function in app.of_type(FUNCTION):
        cut_off = [
            item
            for item in subnets_of(app, function)
            if network.internet(item, Answer.NO) is Answer.NO and network.exit_of(item) is not Exit.INTERNET_GATEWAY
        ]
        for service, endpoint in _interfaces(app, function, cut_off):
            resource = endpoint.resource
            if all(value is ABSENT or as_bool(value) is False for value in resource.options("PrivateDnsEnabled")):
                message = (
                    f"not true, so {function.logical_id}, which calls {service} by its own name, does not reach it."
                )
                yield breach(resource, "PrivateDnsEnabled", message)
                continue
            peer = groups.peer_of(function, "VpcConfig.SecurityGroupIds[]", "VpcConfig.SubnetIds[]")
            other = groups.peer_of(resource, "SecurityGroupIds[]", "SubnetIds[]")
            if groups.lets_out(peer, HTTPS, other) is Answer.NO:
                message = (
                    f"its security groups let nothing out to port {HTTPS} of {resource.logical_id}, for {service}."
                )
                yield breach(function, "VpcConfig.SecurityGroupIds", message)
            elif groups.lets_in(other, HTTPS, peer) is Answer.NO:
                message = f"its security groups do not admit {function.logical_id} on port {HTTPS}."
                yield breach(resource, "SecurityGroupIds", message)


def _calls_through_endpoints(app: Assembly) -> Iterator[tuple[Endpoint, Resource, str, str]]:
    """Yield each call that goes through an endpoint: the endpoint, who calls, the action, a pattern of its resource."""
    needed = facts("service_endpoints")["tasks_call"]
    for service in fargate_services(app):
        for need in service.needs:
            row = needed.get(need.endpoint, {"actions": []})
            for endpoint in _endpoints(app, service.subnets, need.endpoint):
                for action in row["actions"]:
                    for arn in _of(app, service, row.get("of", "*")):
                        yield endpoint, service.resource, action, arn
    for function in app.of_type(FUNCTION):
        subnets = subnets_of(app, function)
        for name, action in calls_of(app, function).items() if subnets else ():
            for endpoint in _endpoints(app, subnets, name) if "*" not in action else ():
                yield endpoint, function, action, "*"


def _endpoints(app: Assembly, subnets: list[Resource], name: str) -> list[Endpoint]:
    """Return the only endpoint of a service that calls from some subnets can take; none where there are several."""
    vpcs = {vpc.reference: vpc for subnet in subnets if (vpc := network_of(app).vpc_of(subnet)) is not None}
    found = [item for vpc in vpcs.values() for item in endpoints_of(app).find(vpc, name)[1]]
    reached = all(endpoints_of(app).reached_from(subnet, name) is Answer.YES for subnet in subnets)
    return found if len(found) == 1 and reached else []


def _of(app: Assembly, service: Service, wanted: str) -> Iterator[str]:
    """Yield the ARNs that tasks use an action on, as patterns."""
    if wanted == "images":
        yield from filter(None, (repository_of(app, image) for image in service.images))
    else:
        template = service.resource.template
        yield wanted.replace("{region}", template.region or "*").replace("{account}", _account(app, template))


def _account(app: Assembly, template: Template) -> str:
    """Return the account of a stack as a pattern; certificates tell it: those of a listener are of its own account.

    https://docs.aws.amazon.com/acm/latest/userguide/acm-services.html
    """
    values = [value for item in app.of_type(LISTENER) for value in item.given("Certificates[].CertificateArn")]
    fields = [value.split(":") for value in values if isinstance(value, str)]
    accounts = {field[4] for field in fields if len(field) > 4 and field[4].isdigit()}
    return template.account or (accounts.pop() if len(accounts) == 1 else "*")


def _lets(app: Assembly, statement: Statement, action: str, arn: str) -> bool:
    """Tell whether a statement of an endpoint's policy may let a call through."""
    if not statement.acts_on(action):
        return False
    named = statement.resources
    if named and not any(may_match(pattern(app, value), arn) for value in named):
        return False
    account = arn.split(":")[4] if arn.count(":") > 4 else "*"
    for condition in statement.conditions:
        if condition.key.lower() in map(str.lower, facts("service_endpoints")["only_of_ours"]):
            if ":s3:::" in arn and "Not" not in condition.operator and not condition.operator.endswith("IfExists"):
                return False
            if account.isdigit() and "Equals" in condition.operator and all(map(_is_account, condition.values)):
                return account in condition.values
    return True


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and value.isdigit()


def _interfaces(app: Assembly, function: Resource, subnets: list[Resource]) -> Iterator[tuple[str, Endpoint]]:
    for name in calls_of(app, function) if subnets else ():
        yield from ((name, item) for item in _endpoints(app, subnets, name) if item.interface)

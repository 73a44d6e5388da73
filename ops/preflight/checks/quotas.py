"""Service quotas, compared with what is used and what the templates add."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext

QUOTA_CALLS = ("service-quotas:GetAWSDefaultServiceQuota", "service-quotas:GetServiceQuota")
RAISE = "Ask for a higher quota in Service Quotas, or delete what is not used."
VPC_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"


def quota(context: CheckContext, service: str, code: str) -> float:
    """Return a quota of the account; AWS's default where it was never changed.

    Args:
        context: of the check.
        service: code of the service, e.g. ``vpc``.
        code: code of the quota, e.g. ``L-F678F1CE``.
    """
    which = {"ServiceCode": service, "QuotaCode": code}
    found = context.ask.find("service-quotas:GetServiceQuota", "NoSuchResourceException", **which)
    if found is None:
        found = context.ask("service-quotas:GetAWSDefaultServiceQuota", **which)
    return float(found["Quota"]["Value"])


def room(planned: int, used: int, limit: float, noun: str) -> Outcome:
    """Return whether a plan fits into what is left of a quota."""
    fits = used + planned <= limit
    return (ok if fits else fail)(f"{planned} more {noun}, {used} of {limit:g} are used")


class Vpcs(Check):
    """Checks the quota of VPCs."""

    id = "PF-VPC-01"
    title = "The quota of VPCs leaves room for the planned one"
    why = "Creating the VPC fails: VpcLimitExceeded. The default is 5 in a Region."
    fix = RAISE
    source = VPC_QUOTAS
    calls = ("ec2:DescribeVpcs", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count the VPCs; one that is deployed already is not created again."""
        vpcs = context.ask.every("ec2:DescribeVpcs", "Vpcs")
        ours = [vpc for vpc in vpcs if vpc["VpcId"] in context.deployed]
        planned = max(0, context.plan.count("AWS::EC2::VPC") - len(ours))
        yield room(planned, len(vpcs), quota(context, "vpc", "L-F678F1CE"), "VPCs")


class Addresses(Check):
    """Checks the quota of Elastic IP addresses."""

    id = "PF-VPC-02"
    title = "The quota of Elastic IP addresses leaves room for the planned ones"
    why = "Creating a NAT gateway fails: AddressLimitExceeded. The default is 5 in a Region."
    fix = RAISE
    source = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html"
    calls = ("ec2:DescribeAddresses", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count the addresses; those that are deployed already are not created again."""
        planned = context.plan.count("AWS::EC2::EIP")
        if not planned:
            yield ok("none are planned")
            return
        found = context.ask("ec2:DescribeAddresses")["Addresses"]
        ours = [each for each in found if each["PublicIp"] in context.deployed]
        yield room(max(0, planned - len(ours)), len(found), quota(context, "ec2", "L-0263D0A3"), "addresses")


class Endpoints(Check):
    """Checks the quota of gateway endpoints."""

    id = "PF-VPC-03"
    title = "The quota of gateway endpoints leaves room for the planned ones"
    why = "Creating an endpoint fails: VpcEndpointLimitExceeded. The default is 20 in a Region."
    fix = RAISE
    source = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html"
    calls = ("ec2:DescribeVpcEndpoints", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count the gateway endpoints; interface endpoints have a quota for each VPC."""
        filters = [{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}]
        found = context.ask.every("ec2:DescribeVpcEndpoints", "VpcEndpoints", Filters=filters)
        ours = [each for each in found if each["VpcEndpointId"] in context.deployed]
        kinds = [resource.get("VpcEndpointType") for resource in context.plan.resources("AWS::EC2::VPCEndpoint")]
        planned = max(0, sum(kind == "Gateway" for kind in kinds) - len(ours))
        yield room(planned, len(found), quota(context, "vpc", "L-1B52E74A"), "gateway endpoints")


class FargateCpu(Check):
    """Checks the quota of Fargate vCPUs."""

    id = "PF-ECS-01"
    title = "The quota of Fargate vCPUs is enough for `compute.max_tasks`"
    why = "Tasks stay PROVISIONING: you have reached the limit on the number of vCPUs. New accounts begin with 6."
    fix = RAISE
    source = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"
    calls = QUOTA_CALLS

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the quota with the scaling limit; a deployment runs up to twice as many tasks for a while."""
        compute, limit = context.settings.compute, quota(context, "fargate", "L-3032A538")
        most, deploying = (tasks * compute.cpu / 1024 for tasks in (compute.max_tasks, 2 * compute.max_tasks))
        message = f"{most:g} vCPU for compute.max_tasks, {deploying:g} during a deployment, the quota is {limit:g}"
        yield fail(message) if most > limit else (warn if deploying > limit else ok)(message)


class Concurrency(Check):
    """Checks the concurrency of AWS Lambda."""

    id = "PF-LAMBDA-01"
    title = "The account's Lambda concurrency is enough for the functions"
    why = "The health monitor is throttled. New accounts begin with 10, which everything in the account shares."
    fix = RAISE
    source = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
    calls = ("lambda:GetAccountSettings",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the unreserved concurrency with the number of functions and with what new ones reserve.

        What a deployed function reserves is no longer among the unreserved.
        """
        limits = context.ask("lambda:GetAccountSettings")["AccountLimit"]
        free, functions = limits["UnreservedConcurrentExecutions"], context.plan.resources("AWS::Lambda::Function")
        new = [function for function in functions if function.get("FunctionName") not in context.deployed]
        given = [function.get("ReservedConcurrentExecutions") for function in new]
        reserved = sum(value for value in given if isinstance(value, int))
        message = f"{free} unreserved executions for {len(functions)} functions, which reserve {reserved} more"
        # AWS keeps 100 unreserved: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
        if reserved and free - reserved < 100:
            yield fail(message)
        else:
            yield (ok if free > 10 else warn)(message)

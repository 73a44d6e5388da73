"""Service quotas against what is used and what the templates add."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext

QUOTA_CALLS = ("service-quotas:GetAWSDefaultServiceQuota", "service-quotas:GetServiceQuota")
ASK = "Ask for a higher quota in Service Quotas, or delete what is not used."
VPC_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"


def quota(context: CheckContext, service: str, code: str) -> float:
    """Return a quota of the account; where nobody has changed it, AWS's default.

    Args:
        context: of the check.
        service: code of the service, e.g. ``vpc``.
        code: code of the quota, e.g. ``L-F678F1CE``.
    """
    try:
        found = context.ask("service-quotas:GetServiceQuota", ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        found = context.ask("service-quotas:GetAWSDefaultServiceQuota", ServiceCode=service, QuotaCode=code)
    return float(found["Quota"]["Value"])


def room(planned: int, used: int, limit: float, noun: str) -> Outcome:
    """Compare a plan with what is left of a quota."""
    fits = used + planned <= limit
    return (ok if fits else fail)(f"{planned} more {noun}, {used} of {limit:g} are used")


class Vpcs(Check):
    """Room for a VPC."""

    id = "PF-VPC-01"
    title = "The quota of VPCs leaves room for the planned one"
    why = "Creating the VPC fails: VpcLimitExceeded. The default is 5 in a region."
    fix = ASK
    source = VPC_QUOTAS
    calls = ("ec2:DescribeVpcs", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count VPCs; the deployed one is not made again."""
        vpcs = context.ask.every("ec2:DescribeVpcs", "Vpcs")
        ours = [vpc for vpc in vpcs if vpc["VpcId"] in context.deployed]
        planned = max(0, context.plan.count("AWS::EC2::VPC") - len(ours))
        yield room(planned, len(vpcs), quota(context, "vpc", "L-F678F1CE"), "VPCs")


class Addresses(Check):
    """Room for elastic addresses."""

    id = "PF-VPC-02"
    title = "The quota of Elastic IP addresses leaves room for the planned ones"
    why = "Creating a NAT gateway fails: AddressLimitExceeded. The default is 5 in a region."
    fix = ASK
    source = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html"
    calls = ("ec2:DescribeAddresses", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count addresses; the deployed ones are not made again."""
        planned = context.plan.count("AWS::EC2::EIP")
        if not planned:
            yield ok("none are planned")
            return
        found = context.ask("ec2:DescribeAddresses")["Addresses"]
        ours = [each for each in found if each["PublicIp"] in context.deployed]
        yield room(max(0, planned - len(ours)), len(found), quota(context, "ec2", "L-0263D0A3"), "addresses")


class Endpoints(Check):
    """Room for endpoints."""

    id = "PF-VPC-03"
    title = "The quota of gateway endpoints leaves room for the planned ones"
    why = "Creating an endpoint fails: VpcEndpointLimitExceeded. The default is 20 in a region."
    fix = ASK
    source = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html"
    calls = ("ec2:DescribeVpcEndpoints", *QUOTA_CALLS)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Count gateway endpoints; the quota of interface endpoints is for each VPC, and ours has one of its own."""
        filters = [{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}]
        found = context.ask.every("ec2:DescribeVpcEndpoints", "VpcEndpoints", Filters=filters)
        ours = [each for each in found if each["VpcEndpointId"] in context.deployed]
        kinds = [resource.get("VpcEndpointType") for resource in context.plan.resources("AWS::EC2::VPCEndpoint")]
        planned = 0 if ours else sum(kind == "Gateway" for kind in kinds)
        yield room(planned, len(found), quota(context, "vpc", "L-1B52E74A"), "gateway endpoints")


class FargateCpu(Check):
    """Room for the tasks."""

    id = "PF-ECS-01"
    title = "The quota of Fargate vCPUs holds the most tasks"
    why = "Tasks stay PROVISIONING: you have reached the limit on the number of vCPUs. New accounts begin with 6."
    fix = ASK
    source = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"
    calls = QUOTA_CALLS

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the quota with the scaling limit; a deployment runs twice as many tasks for a while."""
        compute, limit = context.settings.compute, quota(context, "fargate", "L-3032A538")
        most, deploying = (tasks * compute.cpu / 1024 for tasks in (compute.max_tasks, 2 * compute.max_tasks))
        told = f"{most:g} vCPU for compute.max_tasks, {deploying:g} during a deployment, the quota is {limit:g}"
        yield fail(told) if most > limit else (warn if deploying > limit else ok)(told)


class Concurrency(Check):
    """Room for the functions."""

    id = "PF-LAMBDA-01"
    title = "The account's Lambda concurrency is enough for the functions"
    why = "The health monitor is throttled. New accounts begin with 10, which everything in the account shares."
    fix = ASK
    source = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
    calls = ("lambda:GetAccountSettings",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare what is not reserved with the number of functions, and what they reserve with the pool."""
        limits = context.ask("lambda:GetAccountSettings")["AccountLimit"]
        free, functions = limits["UnreservedConcurrentExecutions"], context.plan.resources("AWS::Lambda::Function")
        given = [function.get("ReservedConcurrentExecutions") for function in functions]
        reserved = sum(value for value in given if isinstance(value, int))
        told = f"{free} unreserved executions for {len(functions)} functions, which reserve {reserved}"
        # AWS keeps 100 unreserved: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
        if reserved and free - reserved < 100:
            yield fail(told)
        else:
            yield (ok if free > 10 else warn)(told)

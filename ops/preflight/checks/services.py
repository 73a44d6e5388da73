"""Interface endpoints, and the subscriptions of the alert topic."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.errors import error_code
from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.checks.account import planned_zones
from ops.preflight.context import CheckContext, listed

PENDING = "PendingConfirmation"


class EndpointServices(Check):
    """Checks that the zones of the deployment offer the services of its interface endpoints."""

    id = "PF-VPC-04"
    title = "Every interface endpoint's service is offered in the zones of the deployment"
    why = "Creating the endpoint fails: the VPC endpoint service does not support the availability zone of the subnet."
    fix = "Choose other zones in `network.zones`, or another egress mode."
    source = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServices.html"
    calls = ("ec2:DescribeAvailabilityZones", "ec2:DescribeVpcEndpointServices")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the zones of each planned service."""
        planned = [
            resource
            for resource in context.plan.resources("AWS::EC2::VPCEndpoint")
            if resource.get("VpcEndpointType") == "Interface"
        ]
        names = sorted({name for resource in planned if isinstance(name := resource.get("ServiceName"), str)})
        if not names:
            yield ok("no interface endpoint is planned")
            return
        zones = planned_zones(context)
        try:
            found = context.ask("ec2:DescribeVpcEndpointServices", ServiceNames=names)["ServiceDetails"]
        except ClientError as error:
            if error_code(error) != "InvalidServiceName":
                raise
            yield fail(error.response["Error"]["Message"])
            return
        offered = {service["ServiceName"]: set(service["AvailabilityZones"]) for service in found}
        missing = {name: [zone for zone in zones if zone not in offered.get(name, ())] for name in names}
        for name, without in missing.items():
            if without:
                yield fail(f"{name} is not in {listed(without)}")
        if not any(missing.values()):
            yield ok(f"{len(names)} services in {listed(zones)}")


class Subscriptions(Check):
    """Checks that the e-mail subscriptions are confirmed."""

    id = "PF-SNS-01"
    title = "Every e-mail subscription of the alert topic is confirmed"
    why = "An address that has not been confirmed receives no alarm, and no error tells so."
    fix = "Confirm the message that AWS sent to the address; `monitoring.emails` lists the subscribers."
    source = "https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html"
    calls = ("sns:ListSubscriptionsByTopic",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the topic's subscriptions with the settings; before the first deployment there is no topic."""
        emails = context.settings.monitoring.emails
        if not emails:
            yield warn("no address is subscribed: `monitoring.emails` is empty")
            return
        name = context.plan.texts("AWS::SNS::Topic", "TopicName")[0]
        scope = f"arn:{context.partition}:sns:{context.ask.region}:{context.identity['Account']}"
        try:
            found = context.ask.every("sns:ListSubscriptionsByTopic", "Subscriptions", TopicArn=f"{scope}:{name}")
        except ClientError as error:
            if error_code(error) != "NotFound":
                raise
            yield ok("the topic does not exist yet: AWS will ask each address to confirm")
            return
        state = {each["Endpoint"]: each["SubscriptionArn"] for each in found if each["Protocol"] == "email"}
        silent = [email for email in emails if state.get(email, PENDING) in (PENDING, "Deleted")]
        yield warn(f"not confirmed: {listed(silent)}") if silent else ok(f"{len(emails)} confirmed")

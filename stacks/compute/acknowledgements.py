"""Findings of scanners that stay in the compute stack, and why."""

from __future__ import annotations

from aws_cdk import aws_s3 as s3

from stacks.common.acknowledgements import (
    ANY_RESOURCE,
    AWS_SOLUTIONS,
    HIPAA,
    INLINE_POLICY,
    NIST,
    NOT_PROTECTED,
    PCI,
    accept_guard,
    accepted,
    acknowledge,
    acknowledge_function,
    nested_parameter,
    policy_of,
    skip_checkov,
)
from stacks.compute.stack import ComputeStack
from stacks.compute.task_definition import RECEIPTS
from stacks.settings.rules import PRIVATE_ECR_IMAGE, SERVICE_IMAGE

NO_SECRETS = "The variables are host names, a port and ARNs that only the stack knows; none of them holds a secret."
ANY_REGISTRY = "ecr:GetAuthorizationToken alone: AWS defines no resource type for it, so only * is accepted."
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html
EXEC_CHANNELS = (
    "compute.exec_enabled is on: the channels of ECS Exec (ssmmessages) have no resource type, so only * is accepted; "
    "logs:DescribeLogGroups is CDK's own, reads names alone and is asked of all groups."
)
TASKS_FROM_THE_START = (
    "Two tasks in two zones from the first minute are worth the count that each update sends: docs/decisions/011."
)
PROTECTED_BALANCER = (
    "It holds no data, so it goes with its stack; protection stops calls outside CloudFormation: docs/decisions/021."
)
RECEIPT_NAMES = "A receipt is named after its transfer, whose id nobody knows before: the folder of the receipts alone."
NO_WAF = "compute.waf is off: an environment without customers' traffic; prod has a web ACL before the load balancer."
NO_CERTIFICATE = "A listener for plain HTTP has no certificate; where one is configured, it only redirects to HTTPS."
PLAIN_HTTP = "No certificate to redirect to: dev only, since compute.https_required refuses this in staging and prod."


def acknowledge_findings(stack: ComputeStack, bucket: s3.Bucket) -> None:
    """Acknowledge what stays, each on the resource concerned and only under the setting that makes it true.

    Args:
        stack: the stack.
        bucket: that of the receipts, which tasks write.
    """
    _acknowledge_tasks(stack, bucket)
    _acknowledge_load_balancer(stack)
    if stack.migration is not None:
        acknowledge_function(stack.migration.function, stack.migration.role)


def _acknowledge_tasks(stack: ComputeStack, bucket: s3.Bucket) -> None:
    tasks, settings = stack.tasks, stack.settings
    acknowledge(tasks.definition, accepted(AWS_SOLUTIONS, rule="ECS2", reason=NO_SECRETS))
    private_image = settings.image == SERVICE_IMAGE or PRIVATE_ECR_IMAGE.match(settings.image or "")
    registry = [accepted(AWS_SOLUTIONS, rule=ANY_RESOURCE, reason=ANY_REGISTRY)] if private_image else []
    acknowledge(policy_of(tasks.execution_role), INLINE_POLICY, *registry)
    receipts = f"IAM5[Resource::<{nested_parameter(bucket, 'Arn')}>/{RECEIPTS}]"
    acknowledge(policy_of(tasks.task_role), INLINE_POLICY, accepted(AWS_SOLUTIONS, rule=receipts, reason=RECEIPT_NAMES))
    accept_guard(stack.service.service, "DR-OWNER-02", TASKS_FROM_THE_START)
    if settings.exec_enabled:
        acknowledge(policy_of(tasks.task_role), accepted(AWS_SOLUTIONS, rule=ANY_RESOURCE, reason=EXEC_CHANNELS))


def _acknowledge_load_balancer(stack: ComputeStack) -> None:
    balancer, listener = stack.load_balancer.balancer, stack.load_balancer.http_listener
    if stack.removal.deletion_protection:
        accept_guard(balancer, "DR-HYGIENE-11", PROTECTED_BALANCER)
    else:
        acknowledge(balancer, accepted(HIPAA, NIST, rule="ELBDeletionProtectionEnabled", reason=NOT_PROTECTED))
    if not stack.settings.waf:
        acknowledge(balancer, accepted(NIST, PCI, rule="ALBWAFEnabled", reason=NO_WAF))
    acknowledge(listener, accepted(HIPAA, NIST, PCI, rule="ELBv2ACMCertificateRequired", reason=NO_CERTIFICATE))
    if stack.settings.certificate_arn is None:
        acknowledge(listener, accepted(HIPAA, NIST, PCI, rule="ALBHttpToHttpsRedirection", reason=PLAIN_HTTP))
        skip_checkov(listener, {"CKV_AWS_2": PLAIN_HTTP, "CKV_AWS_103": PLAIN_HTTP})

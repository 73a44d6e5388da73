"""Findings of independent judges that stay, each on the resource that it is about, with a reason that can be disproved.

A judge that nobody runs costs nothing: an acknowledgement is a record in the cloud assembly, a skip is metadata of the
resource. `make scan` fails on a finding without one, and on one without a finding.
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct

# Rule packs by the name under which cdk-nag reports them.
AWS_SOLUTIONS = "AwsSolutions"
HIPAA, NIST, PCI = "HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"
SERVERLESS = "Serverless"
PACKS = (AWS_SOLUTIONS, NIST, PCI, HIPAA, SERVERLESS)
UNPROTECTED = "removal.deletion_protection is off: an environment that is meant to be deleted; prod has it on."
INLINE_POLICY = (
    "The policy belongs to this role alone and names its resources; as a managed policy any principal of the account "
    "could have it attached."
)


def acknowledge(construct: IConstruct, *packs: str, rule: str, reason: str) -> None:
    """Accept a finding of cdk-nag on one resource.

    Args:
        construct: the resource, or the construct whose main resource it is.
        packs: rule packs that report it.
        rule: id of the rule without the pack's name, with the finding in brackets where it has one, e.g.
            ``IAM5[Resource::*]``.
        reason: why it stays.
    """
    resource = construct.node.default_child or construct
    cdk.Validations.of(resource).acknowledge(
        *(cdk.Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason) for pack in packs)
    )


def acknowledge_inline_policy(role: iam.IRole) -> None:
    """Accept that a role has a policy of its own.

    Args:
        role: a role that was granted something.
    """
    policy = role.node.find_child("DefaultPolicy")
    acknowledge(policy, HIPAA, NIST, PCI, rule="IAMNoInlinePolicy", reason=INLINE_POLICY)


def acknowledge_managed_policy(role: IConstruct, policy: str, *, reason: str) -> None:
    """Accept that a service's role has the policy that AWS keeps for it.

    Args:
        role: the role.
        policy: name of the policy, below ``service-role/``.
        reason: why it stays.
    """
    finding = f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{policy}]"
    acknowledge(role, AWS_SOLUTIONS, rule=finding, reason=reason)


def skip_checkov(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of checkov on one resource.

    Args:
        construct: the resource, or the construct whose main resource it is.
        reasons: why each stays, by the check's id.
    """
    resource = construct.node.default_child or construct
    assert isinstance(resource, cdk.CfnResource)  # noqa: S101 (narrows the type)
    resource.add_metadata("checkov", {"skip": [{"id": check, "comment": why} for check, why in reasons.items()]})


def shown_arn(arn: str, stack: cdk.Stack) -> str:
    """Return an ARN as cdk-nag writes it in a finding.

    Args:
        arn: ARN with tokens of the stack in it.
        stack: whose partition, account and region it names; an account or region that is given is shown itself.
    """
    for token, name in ((stack.partition, "Partition"), (stack.account, "AccountId"), (stack.region, "Region")):
        if cdk.Token.is_unresolved(token):
            arn = arn.replace(token, f"<AWS::{name}>")
    return arn

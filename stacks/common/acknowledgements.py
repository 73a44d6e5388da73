"""How a stack acknowledges findings of scanners: on the resource concerned, with a reason that can be proved wrong.

An acknowledgement costs nothing where no scanner runs: for cdk-nag it is a record in the cloud assembly, for checkov it
is metadata of the resource. `make scan` fails on a finding without one, and on one without a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import IConstruct

from stacks.settings.foundation import RemovalSettings

# Rule packs by the name under which cdk-nag reports them.
AWS_SOLUTIONS = "AwsSolutions"
HIPAA, NIST, PCI = "HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"
SERVERLESS = "Serverless"
PACKS = (AWS_SOLUTIONS, NIST, PCI, HIPAA, SERVERLESS)

ANY_RESOURCE = "IAM5[Resource::*]"
GIVEN_UP = "removal.data is destroy and both protections are off: this deployment is being given up with its data."
NOT_PROTECTED = "removal.deletion_protection is off: an environment that is meant to be deleted; prod has it on."


@dataclass(frozen=True)
class Accepted:
    """A finding of cdk-nag that stays.

    Attributes:
        rule: id of the rule without the pack's name, with the finding in brackets where it has one, e.g.
            ``IAM5[Resource::*]``.
        reason: why it stays.
        packs: rule packs that report it.
    """

    rule: str
    reason: str
    packs: tuple[str, ...]


def accepted(*packs: str, rule: str, reason: str) -> Accepted:
    """Return a finding of some packs, to be acknowledged."""
    return Accepted(rule, reason, packs)


INLINE_POLICY = accepted(
    HIPAA,
    NIST,
    PCI,
    rule="IAMNoInlinePolicy",
    reason="The policy belongs to this role alone and names its resources; as a managed policy any principal of the "
    "account could have it attached.",
)


NO_VPC = "It calls AWS APIs only; inside the VPC it would need an endpoint for each and would stop with the network."
NO_RESERVATION = (
    "Reserved concurrency is taken from the account's other functions; conditional writes, or a lock, keep order here."
)
NO_KEYS = "Names, ARNs and numbers; checkov takes the long names of CloudFormation parameters in them for keys."
NOTIFIED_ONCE = "The dead-letter topic is notified; a destination beside it would send every notification twice."
NO_RESOURCE_TYPE = (
    "AWS defines no resource type for these actions (X-Ray, metrics, lists and restore jobs): only * is accepted."
)


def managed_policy(policy: str, reason: str) -> Accepted:
    """Return the finding that a service's role has a policy which AWS maintains.

    Args:
        policy: name of the policy, below ``service-role/``.
        reason: why it stays.
    """
    rule = f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{policy}]"
    return accepted(AWS_SOLUTIONS, rule=rule, reason=reason)


def acknowledge(construct: IConstruct, *findings: Accepted) -> None:
    """Acknowledge findings of cdk-nag on one resource.

    Args:
        construct: the resource, or the construct whose main resource it is.
        findings: what stays; none is fine.
    """
    if findings:
        cdk.Validations.of(_resource(construct)).acknowledge(
            *(
                cdk.Acknowledgment(id=f"{pack}::{pack}-{finding.rule}", reason=finding.reason)
                for finding in findings
                for pack in finding.packs
            )
        )


def acknowledge_function(function: IConstruct, role: IConstruct) -> None:
    """Acknowledge what stays of every function of the platform.

    Args:
        function: the function.
        role: its role.
    """
    acknowledge(
        function,
        accepted(HIPAA, NIST, rule="LambdaConcurrency", reason=NO_RESERVATION),
        accepted(HIPAA, NIST, PCI, rule="LambdaInsideVPC", reason=NO_VPC),
    )
    skip_checkov(function, {"CKV_AWS_45": NO_KEYS, "CKV_AWS_115": NO_RESERVATION, "CKV_AWS_117": NO_VPC})
    acknowledge(
        function.node.find_child("EventInvokeConfig"),
        accepted(SERVERLESS, rule="LambdaAsyncFailureDestination", reason=NOTIFIED_ONCE),
    )
    acknowledge(
        policy_of(role),
        INLINE_POLICY,
        accepted(AWS_SOLUTIONS, rule=ANY_RESOURCE, reason=NO_RESOURCE_TYPE),
    )


def skip_checkov(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings of checkov on one resource.

    Args:
        construct: the resource, or the construct whose main resource it is.
        reasons: why each stays, by the check's id.
    """
    _resource(construct).add_metadata(
        "checkov", {"skip": [{"id": check, "comment": reason} for check, reason in reasons.items()]}
    )


def accept_guard(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge a finding of the guards on one resource.

    Args:
        construct: the resource, or the construct whose main resource it is.
        rule: the rule's id, e.g. ``DR-OWNER-02``.
        reason: why it stays.
    """
    _resource(construct).add_metadata("breakwater:guards", {rule: reason})


def accept_loss_of_data(stack: IConstruct, removal: RemovalSettings) -> None:
    """Acknowledge that production's data goes with its stack, which a guard refuses: only where nothing is protected.

    Three settings say so (`docs/runbook.md`, "Give up a first deployment"); one that was changed by mistake is found.

    Args:
        stack: the root stack of an environment whose data is kept by default.
        removal: what its settings say.
    """
    protected = removal.deletion_protection or removal.termination_protection
    if removal.data == "destroy" and not protected:
        given_up = cdk.Acknowledgment(id="breakwater-guards::DR-HYGIENE-08", reason=GIVEN_UP)
        cdk.Validations.of(stack).acknowledge(given_up)


def policy_of(role: IConstruct) -> IConstruct:
    """Return the inline policy of a role that was granted something."""
    return role.node.find_child("DefaultPolicy")


def nested_parameter(construct: IConstruct, attribute: str) -> str:
    """Return the parameter by which CDK hands an attribute of a nested stack's resource to another one.

    Args:
        construct: the resource, or the construct whose main resource it is.
        attribute: e.g. ``Arn``.
    """
    resource = _resource(construct)
    nested = resource.stack.nested_stack_resource
    assert nested is not None, f"{construct.node.path} is in no nested stack"  # noqa: S101
    output = f"{cdk.Names.unique_id(resource)}{attribute}"
    return f"referenceto{cdk.Names.node_unique_id(nested.node)}Outputs{output}"


def _resource(construct: IConstruct) -> cdk.CfnResource:
    """Return the CloudFormation resource of a construct, however deep CDK puts it."""
    while not isinstance(construct, cdk.CfnResource):
        child = construct.node.default_child
        assert child is not None, f"{construct.node.path} is no resource and has none"  # noqa: S101
        construct = child
    return construct

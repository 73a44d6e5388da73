"""Findings of scanners that stay in the operations stack, and why."""

from __future__ import annotations

from stacks.common.acknowledgements import (
    ANY_RESOURCE,
    AWS_SOLUTIONS,
    INLINE_POLICY,
    SERVERLESS,
    accepted,
    acknowledge,
    acknowledge_function,
    policy_of,
)
from stacks.operations.experiments import Experiments
from stacks.operations.restore_validation import RestoreValidation
from stacks.operations.stack import OperationsStack

QUEUE_KEEPS = (
    "Lambda takes no destination for a queue: what fails is received again until the dead-letter queue gets it."
)
RESTORED = "AWS Backup generates the name of what it restores as a test, behind this prefix; no resource here has it."
DEFAULT_GROUPS = "RDS names its default groups after the major version; a recovery point may be older than an upgrade."
NO_RESOURCE_TYPE_FIS = "AWS defines no resource type for log delivery and for describing networks: only * is accepted."
NEW_ID = "A network ACL gets its id when FIS creates it: the tag that FIS puts on it narrows this instead."
ANY_TASK = "A task gets its id when it starts: these are the tasks of this cluster and of no other."


def acknowledge_findings(stack: OperationsStack) -> None:
    """Acknowledge what stays, each on the resource concerned."""
    for function in (stack.health_monitor, stack.failover, stack.restore_validation):
        acknowledge_function(function.function, function.role)
    _acknowledge_restore_validation(stack.restore_validation)
    if stack.experiments is not None:
        _acknowledge_experiments(stack.experiments)


def _acknowledge_restore_validation(validation: RestoreValidation) -> None:
    acknowledge(
        validation.event_source,
        accepted(SERVERLESS, rule="LambdaEventSourceMappingDestination", reason=QUEUE_KEEPS),
    )
    acknowledge(
        policy_of(validation.role),
        *(
            accepted(AWS_SOLUTIONS, rule=f"IAM5[Resource::{validation.location.scanner_arn(arn)}]", reason=reason)
            for arns, reason in ((validation.restored_arns, RESTORED), (validation.default_group_arns, DEFAULT_GROUPS))
            for arn in arns
        ),
    )


def _acknowledge_experiments(experiments: Experiments) -> None:
    for experiment in experiments.all:
        acknowledge(
            policy_of(experiment.role),
            INLINE_POLICY,
            accepted(AWS_SOLUTIONS, rule=ANY_RESOURCE, reason=NO_RESOURCE_TYPE_FIS),
        )
    for experiment, arn, reason in (
        (experiments.task_loss, experiments.task_loss.tasks_arn, ANY_TASK),
        (experiments.zone_loss, experiments.zone_loss.network_acls_arn, NEW_ID),
    ):
        rule = f"IAM5[Resource::{experiment.location.scanner_arn(arn)}]"
        acknowledge(policy_of(experiment.role), accepted(AWS_SOLUTIONS, rule=rule, reason=reason))

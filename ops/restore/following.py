"""The step after a restored cluster has the names of its source: an update of the stack, so that the rest follows.

CloudFormation knows the cluster by its name. What it resolved from the lost one, its resource id in the permissions of
the tasks and the ARN of its secret, it reads again when it updates the cluster (decision 023).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ops.errors import OpsError
from ops.restore.plan import Step
from stacks.names import RESTORED_AT_PARAMETER

_DONE: Final = "UPDATE_COMPLETE"
_UNDER_WAY: Final = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
# States in which CloudFormation takes an update; see UpdateStack, and its waiters:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_STABLE: Final = (
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE",
)  # fmt: skip


def follow(cloudformation: Any, stack: str, now: datetime) -> Step:
    """Return the update of a stack, of its parameter alone, that makes whatever refers to the cluster follow.

    Args:
        cloudformation: client of CloudFormation.
        stack: name of the root stack.
        now: aware; the new value of the parameter.

    Raises:
        OpsError: the stack cannot be updated, or does not have the parameter.
    """
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    if found["StackStatus"] not in _STABLE:
        raise OpsError(f"{stack} is {found['StackStatus']} and takes no update: see docs/runbook.md#stuck-deployment")
    names = [each["ParameterKey"] for each in found.get("Parameters", [])]
    if RESTORED_AT_PARAMETER not in names:
        raise OpsError(f"{stack} has no parameter {RESTORED_AT_PARAMETER}: deploy this version of the platform first")
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in names if name != RESTORED_AT_PARAMETER]
    changed = {
        "ParameterKey": RESTORED_AT_PARAMETER,
        "ParameterValue": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    request = {
        "StackName": stack,
        "UsePreviousTemplate": True,
        "Parameters": [changed, *kept],
        "Capabilities": found.get("Capabilities", []),
    }

    def has_followed() -> bool:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status != _DONE and status not in _UNDER_WAY:
            raise OpsError(f"the update of {stack} ended as {status}: see docs/runbook.md#stuck-deployment")
        return bool(status == _DONE)

    return Step("let the stack follow", "update_stack", request, has_followed, cloudformation)


def command(step: Step) -> str:
    """Return the command line that does once more what the step does, for a way back."""
    kept = [f"ParameterKey={each['ParameterKey']},UsePreviousValue=true" for each in step.request["Parameters"][1:]]
    changed = f"ParameterKey={RESTORED_AT_PARAMETER},ParameterValue=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    return " ".join(
        [
            f"aws cloudformation update-stack --stack-name {step.request['StackName']} --use-previous-template",
            f"--capabilities {' '.join(step.request['Capabilities'])} --parameters",
            *(changed, *kept),
        ]
    )

"""What the stack already owns: an existing name of its own is an update, any other one a collision."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock

from botocore.exceptions import ClientError

from ops.errors import error_code
from ops.outputs import GONE
from ops.preflight.account import Account, Ask, CouldNotAsk

CALLS = ("cloudformation:ListStackResources",)
NESTED = "AWS::CloudFormation::Stack"


def deployed_by(account: Account, stack: str) -> Callable[[], frozenset[str]]:
    """Return a function that asks CloudFormation once, when a check first needs the answer.

    Args:
        account: the account to ask.
        stack: name of the root stack.

    Returns:
        A function that returns the physical ids of all resources of the root and its nested stacks, or raises
        :class:`CouldNotAsk`.
    """
    ask, one_at_a_time = Ask(account, CALLS), Lock()

    @cache
    def answer() -> frozenset[str] | CouldNotAsk:
        try:
            return frozenset(_resources(ask, stack))
        except CouldNotAsk as error:
            return error

    def deployed() -> frozenset[str]:
        with one_at_a_time:
            found = answer()
        if isinstance(found, CouldNotAsk):
            raise found
        return found

    return deployed


def _resources(ask: Ask, stack: str) -> set[str]:
    try:
        resources = ask.every(CALLS[0], "StackResourceSummaries", StackName=stack)
    except ClientError as error:
        # "Stack with id … does not exist": nothing is deployed yet.
        if error_code(error) == "ValidationError":
            return set()
        raise
    ours = [each for each in resources if each.get("PhysicalResourceId") and each["ResourceStatus"] not in GONE]
    found = {each["PhysicalResourceId"] for each in ours}
    for each in ours:
        if each["ResourceType"] == NESTED:
            found |= _resources(ask, each["PhysicalResourceId"])
    return found

"""What an update creates is told as created, and not as updated.

ministack tells `UPDATE_…` of every resource in an update; AWS tells `CREATE_…` of those that the stack did not have.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import upstream

_new: set[tuple[str, str]] = set()


def install() -> None:
    """Tell of the creation of what is new in an update."""
    upstream.add_event_in_engine.wrap(_telling)


def _telling(add_event: Callable[..., None]) -> Callable[..., None]:
    def add(
        stack_id: str, name: str, logical_id: str, resource_type: str, status: str, *more: Any, **named: Any
    ) -> None:
        stack, key = upstream.stacks[name], (stack_id, logical_id)
        if status == stack["StackStatus"] == "UPDATE_IN_PROGRESS" and logical_id not in {*stack["_resources"], name}:
            _new.add(key)
        if key in _new:
            status = status.replace("UPDATE", "CREATE")
            if status != "CREATE_IN_PROGRESS":
                _new.remove(key)
            if status == "CREATE_COMPLETE":
                stack["_resources"][logical_id]["ResourceStatus"] = status
        add_event(stack_id, name, logical_id, resource_type, status, *more, **named)

    return add

"""Updates of nested stacks that their root stack has not finished: what was before, and what is still to be deleted."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from embedded_aws.server import upstream

_TYPE: Final = "AWS::CloudFormation::Stack"
_CLEANUP: Final = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_DONE: Final = "UPDATE_COMPLETE"

Deletion: TypeAlias = Callable[[], None]


@dataclass
class _Update:
    before: dict[str, Any]
    deletions: list[Deletion] = field(default_factory=list)


_updates: dict[str, _Update] = {}
_current: ContextVar[str] = ContextVar("the nested stack that is being updated", default="")


def install() -> None:
    """Put off the deletions of nested stacks until their root stack has updated everything."""
    upstream.delete_in_engine.wrap(_putting_off)
    upstream.delete_predecessor.wrap(_putting_off_predecessor)
    upstream.add_event_in_engine.wrap(_announcing_cleanup)
    for deploy in (upstream.deploy_by_request, upstream.deploy_by_change_set):
        deploy.wrap(_cleaning_up)


def begin(name: str, before: dict[str, Any]) -> None:
    """Remember what a nested stack was before an update."""
    known = _updates.get(name)
    _updates[name] = _Update(before, known.deletions if known else [])
    _current.set(name)


def forget(name: str) -> dict[str, Any] | None:
    """Return what a nested stack was before an update that is not finished, and drop its deletions."""
    update = _updates.pop(name, None)
    return update.before if update else None


def _putting_off(delete: Callable[..., None]) -> Callable[..., None]:
    """Put off what the engine deletes."""

    def delete_or_put_off(resource_type: str, physical_id: str, properties: Any, name: str, logical_id: str) -> None:
        call = partial(delete, resource_type, physical_id, properties, name, logical_id)
        if update := _in_cleanup(name):
            event = (upstream.stacks[name]["StackId"], name, logical_id, resource_type)
            update.deletions.append(partial(_delete, call, event, physical_id))
        else:
            call()

    return delete_or_put_off


def _putting_off_predecessor(delete_predecessor: Callable[..., None]) -> Callable[..., None]:
    """Put off what a type's own update deletes, since it made a new resource in its place."""

    def delete_or_put_off(delete: Callable[..., None], *arguments: Any, **named: Any) -> None:
        name = _current.get()

        def act(*its: Any, **its_named: Any) -> None:
            if update := _in_cleanup(name):
                update.deletions.append(partial(delete, *its, **its_named))
            else:
                delete(*its, **its_named)

        delete_predecessor(act, *arguments, **named)

    return delete_or_put_off


def _in_cleanup(name: str) -> _Update | None:
    """Return the update of a nested stack in the state in which the engine deletes only what it no longer needs."""
    update = _updates.get(name)
    return update if update and upstream.stacks[name]["StackStatus"] == "UPDATE_IN_PROGRESS" else None


def _unfinished(root: str) -> list[str]:
    """Return the nested stacks below a root stack whose update is not finished."""
    root_id = upstream.stacks[root]["StackId"]
    return [name for name in _updates if upstream.stacks[name]["RootId"] == root_id]


def _announcing_cleanup(add_event: Callable[..., None]) -> Callable[..., None]:
    def add(
        stack_id: str, name: str, logical_id: str, resource_type: str, status: str, *more: Any, **named: Any
    ) -> None:
        if (logical_id, resource_type, status) == (name, _TYPE, _DONE) and _unfinished(name):
            status = upstream.stacks[name]["StackStatus"] = _CLEANUP
        add_event(stack_id, name, logical_id, resource_type, status, *more, **named)

    return add


def _cleaning_up(deploy: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def deploy_and_clean_up(name: str, stack_id: str, *arguments: Any, **named: Any) -> None:
        await deploy(name, stack_id, *arguments, **named)
        stack = upstream.stacks[name]
        if stack["StackStatus"] == _CLEANUP:
            await upstream.run_on_thread(_clean_up, name)
            stack["StackStatus"] = _DONE
            upstream.add_event(stack_id, name, name, _TYPE, _DONE, physical_id=stack_id)

    return deploy_and_clean_up


def _clean_up(root: str) -> None:
    """Delete what is put off, stack by stack from the last to the first."""
    for name in reversed(_unfinished(root)):
        for deletion in _updates.pop(name).deletions:
            deletion()


def _delete(call: Deletion, event: tuple[str, str, str, str], physical_id: str) -> None:
    """Delete a resource; a failure is an event, and the update is complete all the same."""
    upstream.add_event(*event, "DELETE_IN_PROGRESS", physical_id=physical_id)
    try:
        call()
    except Exception as error:  # noqa: BLE001 (whatever a type's handler raises)
        upstream.add_event(*event, "DELETE_FAILED", str(error), physical_id)
    else:
        upstream.add_event(*event, "DELETE_COMPLETE", physical_id=physical_id)

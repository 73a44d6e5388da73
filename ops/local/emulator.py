"""The embedded AWS of a checkout; its errors, in the words of `python -m ops local`."""

from collections.abc import Iterator
from contextlib import contextmanager

from embedded_aws.emulator import EmulatorError, Running
from ops.errors import OpsError
from ops.local.workspace import Workspace

__all__ = ["Running", "died", "ended_unnoticed", "healthy", "running", "start", "stop"]


def running(workspace: Workspace) -> Running | None:
    """Return the embedded AWS of this checkout; None when it does not run."""
    return workspace.emulator.running()


def ended_unnoticed(workspace: Workspace) -> bool:
    """Return whether one ran here, was not stopped by `down`, and no longer runs."""
    return workspace.emulator.ended_unnoticed()


def healthy(port: int) -> bool:
    """Return whether an embedded AWS answers on this port."""
    return Running(pid=0, port=port).is_ready()


def start(workspace: Workspace, port: int) -> Running:
    """Start it in the background and wait until it answers.

    Raises:
        OpsError: the port is taken, or it did not come up; the message says which and why.
    """
    with _one_line():
        return workspace.emulator.start(port)


def stop(workspace: Workspace) -> bool:
    """Stop it, remove its state, and return whether it was running.

    Raises:
        OpsError: it does not end.
    """
    with _one_line():
        return workspace.emulator.stop()


def died(workspace: Workspace) -> str:
    """Return the one line about an embedded AWS that ended on its own."""
    emulator = workspace.emulator
    return (
        f"the embedded AWS has ended ({emulator.last_words()}): its state is gone; "
        f"run `make local` again (log: {workspace.shown(emulator.log)})"
    )


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except EmulatorError as error:
        raise OpsError(str(error).replace("another port", "another port with --port")) from None

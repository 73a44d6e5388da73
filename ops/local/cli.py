"""The sub-commands of `python -m ops local`."""

import argparse
import os
import subprocess
from collections.abc import Sequence

from rich.console import Console

from embedded_aws import clients, fidelity
from ops.errors import OpsError
from ops.local import emulator, environment, status
from ops.local.up import up
from ops.local.workspace import DEFAULT_PORT, Workspace
from ops.settings import CONTEXT


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `local` and its sub-commands to the commands of `python -m ops`."""
    local = commands.add_parser("local", help="the platform in an embedded AWS on this machine", description=__doc__)
    verbs = local.add_subparsers(required=True, metavar="command")

    verb = verbs.add_parser("up", help="deploy the platform into the embedded AWS, or update it, and verify it")
    verb.add_argument(
        "--port", type=_port, metavar="N", help=f"where the embedded AWS listens on loopback (default {DEFAULT_PORT})"
    )
    verb.add_argument(
        "-c", "--context", action="append", default=[], metavar="key=value", help="a setting, as for `cdk deploy -c`"
    )
    verb.set_defaults(run=_up)

    verb = verbs.add_parser("status", help="what runs in the embedded AWS")
    verb.set_defaults(run=_status)

    verb = verbs.add_parser("run", help="run a command whose AWS is the embedded one", usage="%(prog)s -- command …")
    verb.add_argument("command", nargs=argparse.REMAINDER, help="the command and its words")
    verb.set_defaults(run=_run)

    verb = verbs.add_parser("down", help="stop the embedded AWS and remove its state")
    verb.set_defaults(run=_down)

    verb = verbs.add_parser("types", help="the resource types the embedded AWS accepts, as Markdown")
    verb.set_defaults(run=_types)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 1024 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1024 to 65535")
    return port


def _up(options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    context: Sequence[str] = options.context
    up(workspace, console, port=options.port, context=context)


def _status(_options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    running = emulator.running(workspace)
    if running is None:
        ended = emulator.ended_unnoticed(workspace)
        raise OpsError(emulator.died(workspace) if ended else "the embedded AWS does not run: run `make local`")
    console.print(f"The embedded AWS runs on {clients.endpoint(running.port)} (process {running.pid}).")
    pages = clients.clients(running.port)("cloudformation").get_paginator("describe_stacks").paginate()
    console.print(status.stacks_table(stack for page in pages for stack in page["Stacks"]))


def _run(options: argparse.Namespace, workspace: Workspace, _console: Console) -> None:
    words: list[str] = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        raise OpsError("no command: write it behind --, e.g. `python -m ops local run -- pytest`")
    running = emulator.running(workspace)
    if running is None:
        raise OpsError("the embedded AWS does not run: run `make local`")
    # A deployment's outputs in the checkout are not those of the embedded AWS, and settings are those of `make local`.
    found = {
        **environment.for_clients(workspace, running.port),
        "BREAKWATER_OUTPUTS": str(workspace.flat_outputs),
        CONTEXT: os.environ.get(CONTEXT, ""),
    }
    try:
        code = subprocess.run(words, env=found, check=False).returncode
    except OSError as error:
        raise OpsError(f"{words[0]} cannot be run: {error.strerror}") from None
    if code:
        raise SystemExit(code)


def _down(_options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    stopped = emulator.stop(workspace)
    console.print(
        "The embedded AWS is stopped and its state removed." if stopped else "The embedded AWS was not running."
    )


def _types(_options: argparse.Namespace, _workspace: Workspace, console: Console) -> None:
    console.print(fidelity.markdown(fidelity.load()), markup=False, highlight=False, soft_wrap=True)

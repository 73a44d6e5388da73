"""The sub-commands of `python -m ops local`."""

import argparse
from collections.abc import Sequence

from rich.console import Console

from ops.local import aws, emulator, environment, fidelity, report, status
from ops.local.errors import LocalError
from ops.local.up import up
from ops.local.workspace import DEFAULT_PORT, Workspace


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
        raise LocalError(emulator.died(workspace) if ended else "the embedded AWS does not run: run `make local`")
    console.print(f"The embedded AWS runs on {environment.endpoint(running.port)} (process {running.pid}).")
    pages = aws.clients(running.port)("cloudformation").get_paginator("describe_stacks").paginate()
    console.print(status.stacks_table(stack for page in pages for stack in page["Stacks"]))


def _down(_options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    stopped = emulator.stop(workspace)
    console.print(
        "The embedded AWS is stopped and its state removed." if stopped else "The embedded AWS was not running."
    )


def _types(_options: argparse.Namespace, _workspace: Workspace, console: Console) -> None:
    console.print(report.fidelity_markdown(fidelity.load()), markup=False, highlight=False, soft_wrap=True)

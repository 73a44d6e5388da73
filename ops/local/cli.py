"""Deploy the platform into an embedded AWS on this machine, and use it there."""

import argparse
import os
import shlex
import signal
import sys

from rich.console import Console

from embedded_aws import clients, environment, fidelity
from embedded_aws.emulator import EmulatorError, Running
from ops.arguments import STACK, Commands, add_context, number_within
from ops.console import print_table
from ops.errors import OpsError
from ops.local import report
from ops.local.up import up
from ops.local.workspace import DEFAULT_PORT, BusyError, Workspace
from ops.outputs import VARIABLE
from ops.settings import CONTEXT

_NOT_RUNNING = "the embedded AWS does not run: run `make local`"


def add_to(commands: Commands) -> None:
    """Add `local` and its subcommands to the commands of `python -m ops`."""
    local = commands.add_parser(
        "local", help="deploy the platform into an embedded AWS on this machine, and use it there", description=__doc__
    )
    verbs = local.add_subparsers(required=True, metavar="command")

    verb = verbs.add_parser("up", help="deploy the platform into the embedded AWS, or update it, and verify it")
    port = number_within(int, 1024, 65535, "port")
    verb.add_argument(
        "--port",
        type=port,
        metavar="N",
        help=f"where the embedded AWS listens on loopback (default: as last time, or {DEFAULT_PORT})",
    )
    add_context(verb)
    verb.set_defaults(run=_up)

    verb = verbs.add_parser("status", help="show what runs in the embedded AWS")
    verb.set_defaults(run=_status)

    verb = verbs.add_parser(
        "run", help="run a command that uses the embedded AWS", usage="%(prog)s [--stack NAME] -- command …"
    )
    verb.add_argument("--stack", metavar="NAME", help="the stack that the command is about (default: the only one)")
    verb.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    verb.set_defaults(run=_run)

    verb = verbs.add_parser("down", help="stop the embedded AWS and remove its state")
    verb.set_defaults(run=_down)

    verb = verbs.add_parser("env", help="print what a shell needs to use the embedded AWS, for `eval`")
    verb.set_defaults(run=_env)

    verb = verbs.add_parser("types", help="print the resource types that the embedded AWS accepts, as Markdown")
    verb.set_defaults(run=_types)


def _up(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    up(workspace, console, port=options.port, context=options.context)
    return 0


def _status(_options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    running = workspace.emulator.running()
    if running is None:
        ended = workspace.emulator.ended_unnoticed()
        raise OpsError(workspace.ended_message() if ended else _NOT_RUNNING)
    console.print(f"The embedded AWS runs on {running.endpoint} (process {running.pid}).")
    pages = clients.clients(running.port, running.key)("cloudformation").get_paginator("describe_stacks").paginate()
    print_table(console, report.stacks_table(stack for page in pages for stack in page["Stacks"]))
    return 0


def _run(options: argparse.Namespace, workspace: Workspace, _console: Console) -> int:
    words: list[str] = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        raise OpsError("no command: write it after --, e.g. `python -m ops local run -- pytest`")
    running = _running(workspace)
    deployed = workspace.settings()
    stack = options.stack or (next(iter(deployed)) if len(deployed) == 1 else "")
    if options.stack and options.stack not in deployed:
        there = ", ".join(deployed) or "none"
        raise OpsError(f"`make local` deployed no stack {options.stack}: there is {there}")
    # The checkout may hold the outputs of another deployment, so those of the embedded AWS are named. A command that
    # compares the deployment with its settings gets those that `make local` was given.
    given = shlex.join(f"{key}={value}" for key, value in deployed.get(stack, {}).items())
    variables = workspace.variables(running.port, running.key)
    # The caller's own AWS CLI is meant, before the one of this checkout's tests.
    search_path = os.pathsep.join([os.environ.get("PATH", os.defpath), variables["PATH"]])
    variables |= {
        "PATH": os.pathsep.join(
            [*environment.aws_cli(workspace.programs, running.endpoint, search_path), variables["PATH"]]
        ),
        VARIABLE: str(workspace.flat_outputs),
        **({STACK: stack} if stack else {}),
        CONTEXT: os.environ.get(CONTEXT, given),
    }
    # The command takes the place of this process, so that Ctrl-C and other signals reach it and it has the time that it
    # needs to clean up. Python ignores SIGPIPE, which most commands do not expect.
    sys.stdout.flush()
    ignored = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(words[0], words, variables)  # noqa: S606 (the user's own words)
    except OSError as error:
        signal.signal(signal.SIGPIPE, ignored)
        raise OpsError(f"{words[0]} cannot be run: {error.strerror}") from None


def _env(_options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    running = _running(workspace)
    for name, value in sorted(workspace.variables(running.port, running.key).items()):
        if name.startswith("AWS_"):
            console.print(f"export {name}={shlex.quote(value)}", markup=False, highlight=False, soft_wrap=True)
    for folder in environment.aws_cli(workspace.programs, running.endpoint, os.environ.get("PATH", os.defpath)):
        console.print(f'export PATH={shlex.quote(folder)}:"$PATH"', markup=False, highlight=False, soft_wrap=True)
    return 0


def _running(workspace: Workspace) -> Running:
    running = workspace.emulator.running()
    if running is None:
        raise OpsError(_NOT_RUNNING)
    return running


def _down(_options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    try:
        with workspace.only_one():
            stopped = workspace.emulator.stop()
    except (EmulatorError, BusyError) as error:
        raise OpsError(str(error)) from None
    console.print(
        "The embedded AWS is stopped and its state removed." if stopped else "The embedded AWS was not running."
    )
    return 0


def _types(_options: argparse.Namespace, _workspace: Workspace, console: Console) -> int:
    console.print(fidelity.markdown(fidelity.load()), markup=False, highlight=False, soft_wrap=True)
    return 0

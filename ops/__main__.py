"""Operate the platform: try it here, check a deployment, estimate, read outputs, migrate, run drills, restore."""

import argparse
import sys
import tomllib
from collections.abc import Sequence

from rich.console import Console

from ops import REPOSITORY, drift, drill, load, migrate, outputs, series
from ops.check import cli as check
from ops.errors import OpsError
from ops.estimate import cli as estimate
from ops.local import cli as local
from ops.local.workspace import Workspace
from ops.preflight import cli as preflight
from ops.restore import cli as restore


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program; None for that of the process.
        workspace: the checkout to work in; None for the one that holds this file.

    Returns:
        The exit code: that of the command, or that of an error after its message on stderr, which is 1 unless the
        command says otherwise. A wrong command line ends with 2.
    """
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parser.add_argument("--version", action="version", version=f"{project['name']} {project['version']}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (local, check, preflight, estimate, outputs, drift, migrate, drill, series, load, restore):
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options, workspace or Workspace(), Console(emoji=False))
    except OpsError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())

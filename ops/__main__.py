"""`python -m ops <command>`: operations on a deployed platform."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from ops import outputs
from ops.drill import cli as drill
from ops.errors import OpsError
from ops.local import cli as local
from ops.local.workspace import Workspace
from ops.preflight import cli as preflight


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program; None for the process's own.
        workspace: the checkout to work in; None for the one this file is in.

    Returns:
        The exit code: 0, or 1 after one line on stderr that says what is wrong. A wrong command line exits with 2.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["preflight"]:
        return preflight.main(words[1:])
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    local.add_to(commands)
    outputs.add_to(commands)
    drill.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options, workspace or Workspace(), Console(emoji=False))
    except OpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

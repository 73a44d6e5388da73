"""`python -m ops.local.port`: check the port of the embedded AWS before anything is installed.

So it needs the standard library alone. The installation takes minutes, and a taken port would show only after it.
"""

import argparse
import sys
from collections.abc import Sequence

from embedded_aws.choice import choose_port
from embedded_aws.emulator import EmulatorError
from ops.local.workspace import DEFAULT_PORT, Workspace


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> int:
    """Check the port that `ops local up` would use.

    Args:
        arguments: those of `ops local up`; None for those of the process.
        workspace: the checkout; None for the one that holds this file.

    Returns:
        0 when it can be used, else 1, after one line on stderr.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--port", type=int)
    try:
        asked: int | None = parser.parse_known_args(arguments)[0].port
        choose_port((workspace or Workspace()).emulator, asked, DEFAULT_PORT)
    except argparse.ArgumentError:
        return 0  # `ops local up` says what is wrong with its arguments
    except EmulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m ops.local.port`: check the port of the embedded AWS before anything is installed.

So it needs the standard library alone. The installation takes minutes, and a taken port would show only after it.
"""

import argparse
import sys
from collections.abc import Sequence

from embedded_aws.emulator import Emulator, EmulatorError
from embedded_aws.ports import PortError, is_free, require_free
from ops.local.workspace import DEFAULT_PORT, Workspace

_HIGHEST = 65535


def choose(emulator: Emulator, asked: int | None) -> int:
    """Return the port to use: the one asked for, that of the running embedded AWS or of the last one, or the default.

    Args:
        emulator: the embedded AWS of the checkout.
        asked: the port that the user asks for.

    Raises:
        EmulatorError: it already runs on another port, or the port is taken.
    """
    running = emulator.running()
    if running is not None:
        if asked not in (None, running.port):
            raise EmulatorError(
                f"--port {asked}: the embedded AWS already runs on port {running.port}: "
                "leave --port out, or stop it first with `make local-down`"
            )
        return running.port
    port = asked or emulator.last_port() or DEFAULT_PORT
    try:
        require_free(port)
    except PortError as error:
        free = next((other for other in range(port + 1, _HIGHEST) if is_free(other)), None)
        raise EmulatorError(f'{error}: `make local ARGS="--port {free}"`') from None
    return port


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
        choose((workspace or Workspace()).emulator, asked)
    except argparse.ArgumentError:
        return 0  # `ops local up` says what is wrong with its arguments
    except EmulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

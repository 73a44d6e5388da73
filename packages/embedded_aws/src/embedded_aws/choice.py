"""Which port an embedded AWS listens on. It needs the standard library alone, like `emulator` and `ports`."""

from embedded_aws.emulator import Emulator, EmulatorError
from embedded_aws.ports import PortError, is_free, require_free

_HIGHEST = 65535


def choose_port(emulator: Emulator, asked: int | None, default: int) -> int:
    """Return the port to use: the one asked for, that of the running embedded AWS or of the last one, or the default.

    Args:
        emulator: the embedded AWS of the checkout.
        asked: the port that the user asks for.
        default: where nothing ran before.

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
    port = asked or emulator.last_port() or default
    try:
        require_free(port)
    except PortError as error:
        free = next((other for other in range(port + 1, _HIGHEST) if is_free(other)), None)
        raise EmulatorError(f'{error}: `make local ARGS="--port {free}"`') from None
    return port

"""Nothing in the emulator's process listens or connects beyond loopback, whatever ministack or a function attempts.

By default ministack opens an MQTT broker on every interface, and delivers SNS messages and events to any URL.
"""

import errno
import sys
from collections.abc import Sequence
from typing import Any

from embedded_aws.loopback import require_loopback

# https://docs.python.org/3/library/audit_events.html : each is raised with the socket and the address.
_EVENTS = frozenset({"socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"})


def confine_to_loopback() -> None:
    """Refuse every socket address in this process that is not loopback; this cannot be undone."""
    sys.addaudithook(_refuse_elsewhere)


def _refuse_elsewhere(event: str, arguments: Sequence[Any]) -> None:
    if event not in _EVENTS:
        return
    address = arguments[1]
    if not isinstance(address, tuple):  # a Unix socket's path, or a connected socket's None
        return
    try:
        require_loopback(address[0], event)
    except ValueError as error:
        raise PermissionError(errno.EPERM, str(error)) from None  # an OSError: callers take it for a network failure

"""Nothing in the emulator's process listens or connects beyond loopback, whatever ministack or a function attempts.

By default ministack opens an MQTT broker on every interface, and delivers SNS messages and events to any URL.
"""

import errno
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from embedded_aws.loopback import require_loopback

# https://docs.python.org/3/library/audit_events.html : each is raised with the socket and the address.
_EVENTS = frozenset({"socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"})
_POLL_SECONDS: Final = 0.2
_KILLED: Final = 137


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


def end_with_parent() -> None:
    """End this process soon after the one that started it, whatever it is doing then."""
    threading.Thread(target=_end_after, args=(os.getppid(),), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(_KILLED)

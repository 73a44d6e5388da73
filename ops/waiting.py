"""Waiting for something that another process or AWS does."""

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_seconds: float,
    poll_seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Ask again and again until a condition holds.

    Args:
        condition: asked at least once.
        timeout_seconds: how long to go on.
        poll_seconds: how long to wait between two questions.
        now: returns the time, in seconds since any moment.
        sleep: waits for so many seconds.

    Returns:
        Whether it held in time.
    """
    deadline = now() + timeout_seconds
    while not condition():
        if now() > deadline:
            return False
        sleep(poll_seconds)
    return True

"""Waiting for something that another process or AWS does."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float, poll_seconds: float) -> bool:
    """Ask again and again until a condition holds.

    Args:
        condition: asked at least once.
        timeout_seconds: how long to go on.
        poll_seconds: how long to wait between two questions.

    Returns:
        Whether it held in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_seconds)
    return True

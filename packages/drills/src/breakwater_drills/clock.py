"""The one clock of a drill: samples, events and waits must agree on what time it is."""

import threading
import time
from collections.abc import Callable


class Clock:
    """The clock of this machine; it goes on evenly, even if somebody sets the time of day during a drill."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._offset + time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: how long; not at all when it is negative.
        """
        time.sleep(max(0.0, seconds))

    def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float, poll_seconds: float) -> bool:
        """Ask again and again until a condition holds.

        Args:
            condition: asked at least once.
            timeout_seconds: how long to go on.
            poll_seconds: how long to wait between two questions.

        Returns:
            Whether it held in time.
        """
        deadline = self.now() + timeout_seconds
        while not condition():
            if self.now() > deadline:
                return False
            self.sleep(poll_seconds)
        return True

    def start(self, work: Callable[[], None]) -> None:
        """Do something beside everything else, in a thread that does not keep the process alive."""
        threading.Thread(target=work, daemon=True).start()

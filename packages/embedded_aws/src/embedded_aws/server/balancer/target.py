"""One target: its connections, from its registration until nothing of it is left.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

import h11

from embedded_aws.server.balancer.peer import Peer

Address: TypeAlias = tuple[str, int]
Reach: TypeAlias = Callable[[str, int], Address | None]
"""Returns where a target really listens; None when nothing of this machine has its address."""

_CONNECT_SECONDS: Final = 10.0
_LARGEST_HEAD: Final = 32_768
DRAINING: Final = "draining"
_WORDS: Final[Mapping[str, str]] = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.Timeout": "Request timed out",
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.NotRegistered": "Target is not registered to the target group",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
}


class Target:
    """One target of a group, from its registration until nothing of it is left.

    Args:
        address: of its subnet, and its port.
        reach: tells where it really listens.
        on_paper: whether a task runs there that has no process, so that nobody can be asked.

    Attributes:
        lost: whether its process has ended, so that it gets no request although it is still registered.
    """

    def __init__(self, address: Address, reach: Reach, *, on_paper: bool) -> None:
        self.address, self.on_paper, self._reach = address, on_paper, reach
        self.state, self.reason, self.code = "initial", "Elb.RegistrationInProgress", ""
        self.turn = 0
        self.done = False
        self.lost = False
        self.watcher: asyncio.Task[None] | None = None
        self._open = 0
        self._peers: set[Peer] = set()
        self._idle: list[Peer] = []
        self._emptied = asyncio.Event()
        self._emptied.set()

    @property
    def description(self) -> str:
        """What `DescribeTargetHealth` says beside the reason."""
        if self.reason == "Target.ResponseCodeMismatch":
            return f"Health checks failed with these codes: [{self.code}]"
        return _WORDS.get(self.reason, "")

    async def dial(self, port: int | None = None) -> Peer:
        """Open a connection to it; to another port of it for a health check.

        Raises:
            OSError: it cannot be reached.
        """
        place = self._reach(self.address[0], port or self.address[1])
        if place is None:
            raise ConnectionRefusedError
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(lambda: Peer(h11.CLIENT, _LARGEST_HEAD), *place)
        return peer

    async def connect(self) -> Peer:
        """Return a connection for one request: an idle one that still stands, or a new one.

        Raises:
            OSError: it cannot be reached; `TimeoutError` after the ten seconds that AWS waits.
        """
        while self._idle:
            peer = self._idle.pop()
            if peer.wake_up():
                return peer
            self._peers.discard(peer)
        async with asyncio.timeout(_CONNECT_SECONDS):
            peer = await self.dial()
        self._peers.add(peer)
        return peer

    def put_back(self, peer: Peer, idle: float) -> None:
        """Keep a connection for the next request if both sides are through with this one; else close it."""
        through = peer.http.our_state is h11.DONE and peer.http.their_state is h11.DONE and not peer.gone
        if through and self.state != DRAINING:
            peer.rest(idle)
            self._idle.append(peer)
            return
        self._peers.discard(peer)
        peer.close()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a request as in flight."""
        self._open += 1
        self._emptied.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._emptied.set()

    async def drain(self, delay: float) -> None:
        """Let requests in flight end within some seconds, break the others, and stay `draining` as long as AWS does."""
        while self._idle:
            self._idle.pop().close()
        ends = asyncio.get_running_loop().time() + delay
        try:
            async with asyncio.timeout_at(ends):
                await self._emptied.wait()
        except TimeoutError:
            self._break_off()
        self.done = True
        await asyncio.sleep(ends - asyncio.get_running_loop().time())

    def leave(self) -> None:
        """Be gone at once."""
        self.done = True
        if self.watcher:
            self.watcher.cancel()
        self._break_off()

    def _break_off(self) -> None:
        for peer in list(self._peers):
            peer.abort()

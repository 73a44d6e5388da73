"""Where a task's address of its subnet really is: each task has one address, and what listens there is on loopback.

A task with the address 10.0.0.4 listens on 127.0.0.4. Where another program has that address and port (another checkout
has the same subnets), or the system has 127.0.0.1 alone (macOS), it listens on a free port, and is told so. Each place
is held, by a UDP socket of this process that nothing is ever sent to, for as long as the task has it: so two embedded
AWS never give out the same one, and nothing is left of one that was killed.
"""

import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import Final

from embedded_aws.address import HOST

# AWS reserves the first four addresses of a subnet and the last.
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
_FIRST: Final = 4
_RESERVED: Final = 5
_ATTEMPTS: Final = 20
_lock: Final = Lock()
_leases: Final[dict[str, "Lease"]] = {}
_turns: Final[Counter[str]] = Counter()


@dataclass(frozen=True)
class Lease:
    """An address of a subnet that a task has.

    Attributes:
        address: of the subnet.
        host: the loopback address where the task listens.
        held: by each port of the task the socket that holds its real port on `host`.
    """

    address: str
    host: str
    held: dict[int, socket.socket]

    def port(self, port: int) -> int:
        """Return the real port of a port of the task."""
        return int(self.held[port].getsockname()[1])


def lease(subnet: str, ports: Iterable[int]) -> Lease:
    """Give the next free address of a subnet to a task.

    Args:
        subnet: its addresses, e.g. `10.0.0.0/24`.
        ports: those that the task listens on; none for a task on paper.

    Raises:
        RuntimeError: the subnet has no free address left.
    """
    network = ip_network(subnet)
    usable = network.num_addresses - _RESERVED
    with _lock:
        for _ in range(usable):
            address = str(network[_FIRST + _turns[subnet] % usable])
            _turns[subnet] += 1
            if address not in _leases:
                made = _leases[address] = _held(address, list(ports))
                return made
    raise RuntimeError(f"the subnet {subnet} has no free address: each of its {usable} addresses belongs to a task")


def release(given: Lease) -> None:
    """Take an address back from a task that has ended."""
    with _lock:
        if _leases.get(given.address) is given:
            del _leases[given.address]
        for each in given.held.values():
            each.close()


def reachable(address: str, port: int) -> tuple[str, int] | None:
    """Return the loopback address and port where a target really listens.

    Args:
        address: of its subnet.
        port: of the target.

    Returns:
        None when no task that runs has the address and the port. A target on loopback is where it says it is.
    """
    if ip_address(address).is_loopback:
        return address, port
    with _lock:
        found = _leases.get(address)
        return (found.host, found.port(port)) if found and port in found.held else None


def on_paper(address: str) -> bool:
    """Return whether a task has the address that runs no process, because its image is not one of ours."""
    with _lock:
        found = _leases.get(address)
        return found is not None and not found.held


def _held(address: str, ports: list[int]) -> Lease:
    own = f"127.{address.partition('.')[2]}"
    for host, chosen in ((own, ports), (own, [0] * len(ports)), (HOST, [0] * len(ports))):
        for _ in range(_ATTEMPTS if 0 in chosen else 1):
            sockets: list[socket.socket] = []
            try:
                for port in chosen:
                    sockets.append(_hold(host, port))
            except OSError:
                for each in sockets:
                    each.close()
            else:
                return Lease(address, host, dict(zip(ports, sockets, strict=True)))
    raise RuntimeError(f"no port of {own} or {HOST} is free for a task")


def _hold(host: str, port: int) -> socket.socket:
    """Return a UDP socket that holds a port on which nothing listens.

    Raises:
        OSError: another embedded AWS holds it, something listens there, or the system has no such address.
    """
    held = socket.socket(type=socket.SOCK_DGRAM)
    try:
        held.bind((host, port))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last one may linger
            probe.bind(held.getsockname())
    except OSError:
        held.close()
        raise
    return held

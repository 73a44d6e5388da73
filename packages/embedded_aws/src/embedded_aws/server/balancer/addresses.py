"""Where a target really listens."""

from ipaddress import ip_address


def reachable(address: str, port: int) -> tuple[str, int] | None:
    """Return where a target listens on this machine; None when nothing of this machine has its address."""
    return (address, port) if ip_address(address).is_loopback else None


def on_paper(address: str) -> bool:
    """Return whether a task has the address that runs no process, because its image is not one of ours."""
    return not ip_address(address).is_loopback

"""The first rule of the embedded AWS: it is reached over loopback, and it reaches nothing beyond."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def require_loopback(address: str, named: str) -> None:
    """Refuse an address that could leave this machine.

    Args:
        address: an endpoint URL or a host; the host must be a literal address, since a name resolves to anything.
        named: the name of the variable or setting that holds it, for the message.

    Raises:
        ValueError: the host is not a literal loopback address.
    """
    host = (urlsplit(address).hostname if "//" in address else address) or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"{named}={address!r} is not a loopback address: only 127.0.0.1 or ::1 is allowed")

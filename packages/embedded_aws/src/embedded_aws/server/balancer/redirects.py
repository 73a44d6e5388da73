"""Where a redirect leads.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
"""

from collections.abc import Collection, Mapping
from typing import Any

import h11

from embedded_aws.server.balancer.headers import Front, value


def location(config: Mapping[str, Any], request: h11.Request, front: Front, ports: Collection[int]) -> str:
    """Return the URL that a redirect names.

    Args:
        config: of the action.
        request: that is redirected.
        front: what else is known of it.
        ports: of the load balancer's listeners. All of them answer on one port here: who came by that one is led to it.
    """
    asked = (value(request.headers, b"host") or front.host.encode()).decode("latin-1")
    path, _, query = request.target.decode("latin-1").partition("?")
    host, colon, port = asked.rpartition(":")
    parts = {
        "protocol": "https" if front.secure else "http",
        "host": host if colon and port.isdigit() else asked,
        "port": str(front.port),
        "path": path.removeprefix("/"),
        "query": query,
    }

    def filled(name: str, default: str) -> str:
        text = str(config.get(name) or default)
        for key, each in parts.items():
            text = text.replace(f"#{{{key}}}", each)
        return text

    protocol, to = filled("Protocol", "#{protocol}").lower(), filled("Port", "#{port}")
    if asked == front.host and int(to) in ports:
        to = front.host.rpartition(":")[2]
    search = filled("Query", "#{query}")
    host, path = filled("Host", "#{host}"), filled("Path", "/#{path}")
    return f"{protocol}://{host}:{to}{path}" + (f"?{search}" if search else "")

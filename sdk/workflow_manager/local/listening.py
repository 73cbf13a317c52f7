"""The port of the embedded AWS: bound before heavy imports, so that a taken port is reported at once."""

import socket
from typing import Final

from workflow_manager import errors

BACKLOG: Final = 1024
"""Connections that may wait to be accepted; hundreds of workers connect at once."""

WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Addresses that mean "all", and where a client of the same machine finds them."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port, 0 for a free one; raises ``StartupError`` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # On POSIX this sets SO_REUSEADDR, so that connections of an earlier run do not hold the port.
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise errors.StartupError(f"Cannot listen on port {port} of {host}: {reason}") from error


def url(host: str, listener: socket.socket) -> str:
    """Return the address for clients of the same machine."""
    name, port = WILDCARDS.get(host, host), listener.getsockname()[1]
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

"""What the child process says to its parent: one line, readiness with an address or failure with a reason."""

import json
import sys

from workflow_manager import errors
from workflow_manager.local.options import Options


def command(host: str, port: int, options: Options | None = None) -> list[str]:
    """Return the command line that starts the embedded AWS.

    Give it a pipe as standard input and keep that open: the child ends when the pipe does, so that it never
    outlives its parent. Its first line of output is for ``read``.
    """
    place = ["--host", host, "--port", str(port)]
    return [sys.executable, "-m", "workflow_manager.local", *place, *(options or Options()).arguments()]


def ready(url: str) -> bytes:
    """Write the line of a child that serves at ``url``."""
    return _line({"url": url})


def failed(reason: str) -> bytes:
    """Write the line of a child that could not start."""
    return _line({"error": reason})


def read(line: bytes) -> str:
    """Return the address in the child's line, or raise ``StartupError`` with the child's reason."""
    try:
        message = json.loads(line)
    except ValueError:
        raise errors.StartupError("The embedded AWS ended before it was ready") from None
    if "url" not in message:
        raise errors.StartupError(message["error"])
    return str(message["url"])


def _line(message: dict[str, str]) -> bytes:
    return json.dumps(message).encode() + b"\n"

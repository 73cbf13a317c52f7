"""The child process of ``LocalAWS``: serve, report readiness or failure as one line, end with the parent."""

import argparse
import os
import sys

from workflow_manager import errors
from workflow_manager.local import handshake, process, stopping
from workflow_manager.local.options import Options


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workflow_manager.local", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--keep", required=True, type=int)
    parser.add_argument("--allow-host", action="append", default=[])
    return parser.parse_args()


def _take_output() -> int:
    """Keep the parent's pipe for the one line, and turn what libraries print to standard error."""
    pipe = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


def main() -> int:
    """Serve until the parent says stop or goes away."""
    stopping.end_with_parent()
    arguments, pipe = _arguments(), _take_output()

    def say(line: bytes) -> None:
        os.write(pipe, line)
        os.close(pipe)

    try:
        process.serve(
            arguments.host,
            arguments.port,
            Options(keep=arguments.keep, allow_hosts=tuple(arguments.allow_host)),
            on_ready=lambda url: say(handshake.ready(url)),
            owner=sys.stdin.fileno(),
        )
    except errors.StartupError as error:
        say(handshake.failed(error.message))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

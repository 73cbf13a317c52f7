"""Prepares every client, starts the service, and lets each client walk through it."""

import signal
import sys
import time

from tests.generated_clients import python_client, service, typescript_client, wire_client
from tests.generated_clients.steps import StepFailed, say

CLIENTS = (python_client, typescript_client, wire_client)


def main() -> int:
    """Return 0 when every client could be made and came through its walk."""
    # A SystemExit unwinds, so the service is stopped too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    started = time.monotonic()
    try:
        for client in CLIENTS:
            client.prepare()
        with service.running() as (url, key):
            for client in CLIENTS:
                client.walk(url, key)
    except StepFailed as failed:
        say(f"FAILED  {failed}")
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"all {len(CLIENTS)} clients came through in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

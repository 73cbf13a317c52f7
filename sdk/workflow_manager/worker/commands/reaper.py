"""The program of the watchdog: kills process groups when the worker that registered them is gone.

Reads one group per line from standard input, ``+`` to watch it and ``-`` to forget it. The end of the input means that
the worker has ended, however it did: the system closes its files even when it is killed. Imports next to nothing, so
that it starts at once and stays small.
"""

import contextlib
import os
import signal
import sys

STAY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Mean the worker, which a supervisor may signal together with all its processes."""


def main() -> None:
    """Watch until the input ends, then kill what is still watched."""
    for number in STAY:
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        change = groups.add if line.startswith(b"+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        kill(group)


def kill(group: int) -> None:
    """Kill a process group, unless it has ended.

    Its number cannot be that of another one: the worker forgets a group before it collects its process, and while the
    worker lives the system keeps the number for a process that was not collected.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()

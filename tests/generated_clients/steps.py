"""Commands as steps: one line for each that went well, the whole output of one that did not."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TIMEOUT_SECONDS: Final = 120
"""No step takes a quarter of this on a slow machine; an installation may have to wait for the network."""


class StepFailed(Exception):
    """A step did not do what it must; the message holds what it printed."""


def say(line: str) -> None:
    """Print a line at once, so that it stands before what the next command prints."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def step(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    show: bool = False,
) -> None:
    """Run a command; with ``show`` its output is passed on line by line.

    Raises ``StepFailed`` when it ends with anything but 0, does not end in time, or is not there.
    """
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise StepFailed(f"{name}: no end within {TIMEOUT_SECONDS} s") from late
    except FileNotFoundError as missing:
        raise StepFailed(f"{name}: {missing.filename} is not installed") from missing
    if done.returncode:
        raise StepFailed(f"{name}: exit code {done.returncode}\n{done.stdout or ''}".rstrip())
    say(f"ok  {name} ({time.monotonic() - started:.1f} s)")

"""Entry point of the commands ``workflow-manager`` and ``wfm``, and of ``python -m app``."""

import importlib
import sys

from app import early_signals

__all__ = ["main"]


def main() -> int:
    """Run the command line; return the exit code."""
    # Before anything is imported that takes its time: a stop that comes meanwhile must not be lost.
    early_signals.hold_back()
    edge = importlib.import_module("app.cli.edge")
    return int(edge.main())


if __name__ == "__main__":
    sys.exit(main())

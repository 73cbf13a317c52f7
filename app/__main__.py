"""Entry point of the command ``workflow-manager``, and of ``python -m app``."""

import sys

from workflow_manager.cli import process

__all__ = ["main"]


def main() -> int:
    """Run the command line; return the exit code."""
    return process.run(_run)


def _run() -> int:
    from app.cli.commands import main as run_commands

    return run_commands()


if __name__ == "__main__":
    sys.exit(main())

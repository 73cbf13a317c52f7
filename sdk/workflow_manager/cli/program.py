"""The names of the two programs."""

import sys
from pathlib import Path
from typing import Final

PROGRAM: Final = "workflow-manager"
"""Runs the service, and has every command of ``wfm`` too."""

CLIENT_PROGRAM: Final = "wfm"
PROGRAMS: Final = (PROGRAM, CLIENT_PROGRAM)
SERVICE_COMMANDS: Final = frozenset({"demo", "openapi", "poll", "serve", "tables"})
"""Commands that only ``workflow-manager`` has."""


def program_name() -> str:
    """Return the program that was typed; messages begin with it, and commands to paste use it."""
    path = Path(sys.argv[0])
    if path.parts[-2:] == ("workflow_manager", "__main__.py"):
        return CLIENT_PROGRAM
    return path.name if path.name in PROGRAMS else PROGRAM


def to_paste(command: str) -> str:
    """Return a command prefixed with a program that has it."""
    first, _, _ = command.partition(" ")
    return f"{PROGRAM if first in SERVICE_COMMANDS else program_name()} {command}".strip()

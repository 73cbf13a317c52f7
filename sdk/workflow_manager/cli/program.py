"""The name of the program, as it was typed."""

import sys
from pathlib import Path
from typing import Final

PROGRAM: Final = "workflow-manager"
PROGRAMS: Final = (PROGRAM, "wfm")


def program_name() -> str:
    """Return the name that was typed: messages begin with it, and commands to paste use it."""
    name = Path(sys.argv[0]).name
    return name if name in PROGRAMS else PROGRAM

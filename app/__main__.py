"""Entry point of the commands ``workflow-manager`` and ``wfm``, and of ``python -m app``."""

import sys

from app.cli.edge import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

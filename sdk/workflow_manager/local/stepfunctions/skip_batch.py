"""Loads a part of moto without the rest of its package, which takes half of the start and is hardly ever used."""

import importlib
import importlib.util
import sys
from typing import Final

PACKAGE: Final = "moto.batch"
PART: Final = "moto.batch.utils"


def spare_batch() -> None:
    """Load what the interpreter takes from moto's Batch, a list of statuses, without its models.

    Those load all of EC2, with a table of instance types, which takes a second. While the part is loaded, an empty
    package stands in for the real one, which is loaded whole, and around the same part, on first use of
    Batch. Nothing is done when it is loaded already. Raises ``ModuleNotFoundError`` without moto.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or PACKAGE in sys.modules:
        return
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    try:
        importlib.import_module(PART)
    finally:
        del sys.modules[PACKAGE]

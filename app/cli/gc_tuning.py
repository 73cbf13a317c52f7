"""Tuning of garbage collection for a server: rare collections, which skip long-lived objects."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""New objects before a collection of the youngest generation; a request creates some hundreds, which die with it."""

MIDDLE: Final = 20
OLD: Final = 50
"""Collections of one generation before one of the next."""


def settle() -> None:
    """Freeze the objects that are alive after the start, and raise the thresholds.

    Libraries and their models are some hundred thousand objects. Every full collection would visit them all, which
    takes longer than many requests together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)

"""How a process that serves collects garbage: seldom, and without looking at what lives as long as it does."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""New objects after which the young ones are looked at; one request makes some hundreds, which die with it."""

MIDDLE: Final = 20
OLD: Final = 50
"""Collections of one generation before that of the next."""


def settle() -> None:
    """Take what is alive after the start as permanent, and raise the thresholds.

    Libraries and their models are some hundred thousand objects. Left alone, every full collection visits them all,
    which takes longer than many requests together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)

"""Text that no compression makes smaller by much."""

import itertools
import random
import string

_SEEDS = itertools.count()
_LETTERS = string.ascii_letters + string.digits


def noise(length: int) -> str:
    """Return letters at random, other ones with each call and the same ones in each run."""
    return "".join(random.Random(next(_SEEDS)).choices(_LETTERS, k=length))

"""How large a piece of data is to Step Functions."""

import json
from typing import Any, Final

MAX_BYTES: Final = 262_144
"""Quota of Step Functions for the input and output of a state, as UTF-8."""


def is_within_quota(value: Any) -> bool:
    """Tell whether a value fits, written as compact JSON: what a worker may send, the state that gets it must take.

    The interpreter counts blanks that are not in the text, six bytes for each character outside ASCII, and one byte
    too many.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    return len(text.encode(errors="surrogatepass")) <= MAX_BYTES

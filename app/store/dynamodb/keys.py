"""Which strings can be keys; nothing is stored under any other, so there is no need to ask."""

from typing import Final

MAX_KEY_BYTES: Final = 1024
"""Limit of DynamoDB for a sort key; that of a partition key is wider."""

RESERVED_BYTES: Final = 64
"""Room for what the store puts before or after a name."""


def sendable(name: str) -> bool:
    """Tell whether a name can be part of a key."""
    try:
        return 0 < len(name.encode()) <= MAX_KEY_BYTES - RESERVED_BYTES
    except UnicodeEncodeError:
        return False

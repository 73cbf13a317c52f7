"""Secrets that are not shown."""

import re
from typing import Final

MASK: Final = "***"

_PASSWORD: Final = re.compile(r"(?<=//)([^/@:]*):[^/@]*@")


def masked(url: str) -> str:
    """Hide the password of a URL, or of what was meant to be one."""
    return _PASSWORD.sub(rf"\1:{MASK}@", url)

"""Masking of secrets."""

import re
from typing import Final

MASK: Final = "***"

_PASSWORD: Final = re.compile(r"(?<=//)([^/@:]*):[^/@]*@")


def masked(url: str) -> str:
    """Mask the password in a URL, even if the URL is not valid."""
    return _PASSWORD.sub(rf"\1:{MASK}@", url)

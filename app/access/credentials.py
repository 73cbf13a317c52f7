"""The credential of a request: from its headers, never from its URL, which ends up in logs."""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from workflow_manager import errors

AUTHORIZATION: Final = b"authorization"
API_KEY: Final = b"x-api-key"

MAX_BYTES: Final = 8 * 1024
"""Longest credential that is looked at."""

HOW_TO: Final = (
    "send an API key as `Authorization: Bearer KEY`, as the password of Basic authentication, or as `X-Api-Key: KEY`"
)


def credential(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the credential that a request carries, or None.

    Raises ``NotAuthenticated`` when there is more than one, or one that cannot be read.
    """
    given = [(name, value) for name, value in headers if name in {AUTHORIZATION, API_KEY}]
    if not given:
        return None
    if len(given) > 1:
        raise errors.NotAuthenticated("the request has more than one credential; send one")
    name, value = given[0]
    if len(value) > MAX_BYTES:
        raise errors.NotAuthenticated(f"the credential is longer than {MAX_BYTES} bytes")
    try:
        found = value.decode("ascii").strip() if name == API_KEY else _of_authorization(value.decode("ascii"))
    except (UnicodeDecodeError, binascii.Error):
        raise errors.NotAuthenticated(f"the credential cannot be read; {HOW_TO}") from None
    if not found:
        raise errors.NotAuthenticated(f"the credential is empty; {HOW_TO}")
    return found


def _of_authorization(value: str) -> str:
    scheme, _, rest = value.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            # Unmodified clients send the user information of their base URL so.
            return base64.b64decode(rest.strip(), validate=True).decode("ascii").partition(":")[2]
    raise errors.NotAuthenticated(f"the scheme of the Authorization header is not known; {HOW_TO}")

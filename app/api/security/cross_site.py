"""The check of requests that pages of other origins cause: unsafe ones are refused.

The rules are those of Go's ``http.CrossOriginProtection``. Clients that are no browsers send neither header.
"""

from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""What these do changes nothing, and no page of another origin can read the answers."""

OWN_PAGE: Final = frozenset({"same-origin", "none"})
"""Values of ``Sec-Fetch-Site`` of our own pages, and of what a person typed. ``same-site`` is not among them: other
hosts of a domain, and other ports of a machine, often belong to others."""


def is_foreign(method: str, *, fetch_site: str | None, origin: str | None, host: str) -> bool:
    """Tell whether a page of another origin caused a request that may change something.

    ``fetch_site``, ``origin`` and ``host`` are the values of ``Sec-Fetch-Site``, ``Origin`` and ``Host``. Their schemes
    are not compared: a proxy may have taken off the encryption.
    """
    if method in SAFE_METHODS:
        return False
    if fetch_site is not None:
        return fetch_site.strip() not in OWN_PAGE
    if origin is None:
        return False
    return _authority(origin) != host.strip().lower()


def _authority(origin: str) -> str | None:
    """Return host and port of an origin; None for ``null`` and for what is no origin of the web."""
    scheme, separator, authority = origin.strip().lower().partition("://")
    return authority if separator and scheme in {"http", "https"} and authority else None

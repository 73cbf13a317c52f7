"""Who may ask the embedded AWS: its one user, from the same machine, and no page of a web browser."""

import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any, Final

Start = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

REFUSED_PATHS: Final = ("/moto-api", "/favicon.ico")
"""Where moto lets anybody reset everything, run recordings and see every request."""

LOCAL_DOMAINS: Final = (".localhost", ".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
"""Domains of clients on this machine: SDKs put their prefix before localhost, and moto's own tasks address AWS."""

FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
"""What a browser says in ``Sec-Fetch-Site`` of a request that another page made."""


class OneUser:
    """A WSGI application that refuses what a foreign page or host asks for."""

    def __init__(self, application: Application, *, hosts: Iterable[str]) -> None:
        self._application = application
        self._hosts = frozenset(host.lower() for host in hosts)

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer, or refuse with 403."""
        reason = self._refusal(environ)
        if reason is None:
            return self._application(environ, start_response)
        start_response("403 FORBIDDEN", [("Content-Type", "application/x-amz-json-1.0")])
        return [b'{"__type": "AccessDeniedException", "message": "%s"}' % reason.encode()]

    def _refusal(self, environ: dict[str, Any]) -> str | None:
        path = re.sub("/+", "/", environ.get("PATH_INFO", "")).lower()
        if path.startswith(REFUSED_PATHS):
            return "The embedded AWS does not offer this path."
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
        if not self._is_own(host):
            return "The embedded AWS answers under the names of this machine only; see --allow-host."
        if origin not in {None, f"http://{host}"} or environ.get("HTTP_SEC_FETCH_SITE") in FOREIGN_SITES:
            return "The embedded AWS does not answer pages of other origins."
        return None

    def _is_own(self, authority: str) -> bool:
        try:
            name = (urllib.parse.urlsplit(f"//{authority}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._hosts or name.endswith(LOCAL_DOMAINS) or _is_address(name):
            return True
        # A name without a dot is found by the resolver of this network alone, such as that of a container.
        return bool(name) and "." not in name


def _is_address(name: str) -> bool:
    # An IP address cannot be rebound, unlike the name of an attacker's page.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

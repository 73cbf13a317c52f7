"""The filter in front of the application: who called through which proxies, for which host, from which page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import error_responses
from app.api.security import cross_site, root_path
from app.api.security.hosts import AllowedHosts
from app.api.security.proxies import TrustedProxies
from app.settings import Settings
from workflow_manager import errors

log = structlog.get_logger(__name__)

HEALTH_PATHS: Final = frozenset({"/_health", "/_ready"})
"""Load balancers ask these by the address of a replica, and some without a host. They tell nothing that is secret."""

MAX_QUOTED: Final = 100
"""Characters of a header that are repeated in an answer."""

_WANTED: Final = frozenset({b"host", b"origin", b"sec-fetch-site", b"x-forwarded-for", b"x-forwarded-proto"})

Headers = Mapping[bytes, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FilterRules:
    """What requests must keep to."""

    hosts: AllowedHosts = field(default_factory=AllowedHosts)
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    root_path: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the rules that the settings say."""
        return cls(
            hosts=AllowedHosts(settings.public_hosts or ()),
            proxies=TrustedProxies(settings.trusted_proxies or ()),
            root_path=settings.root_path,
        )


class RequestFilter:
    """Pure ASGI middleware. It finds its ``FilterRules`` in ``app.state.rules``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rules: FilterRules = scope["app"].state.rules
        headers = _headers(scope)
        _see_through_proxies(scope, headers, rules)
        is_health_check = scope["path"].removeprefix(rules.root_path or "") in HEALTH_PATHS
        refusal = None if is_health_check else _wrong_host(scope, headers, rules.hosts)
        refusal = refusal or _wrong_page(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        log.warning("request refused", action="request-refused", path=scope["path"], why=refusal.message)
        await error_responses.answer(Request(scope), refusal)(scope, receive, send)


def _headers(scope: Scope) -> Headers:
    found: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        if name in _WANTED:
            found.setdefault(name, []).append(value.decode("latin-1"))
    return found


def _see_through_proxies(scope: Scope, headers: Headers, rules: FilterRules) -> None:
    """Make the request what it was when the first trusted proxy got it."""
    peer, port = scope.get("client") or (None, 0)
    if peer in rules.proxies:
        if caller := rules.proxies.caller(peer, headers.get(b"x-forwarded-for", ())):
            scope["client"] = (caller, port if caller == peer else 0)
        if scheme := rules.proxies.scheme(peer, headers.get(b"x-forwarded-proto", ())):
            scope["scheme"] = scheme
    if rules.root_path is not None:
        root_path.place(scope, rules.root_path)


def _wrong_host(scope: Scope, headers: Headers, hosts: AllowedHosts) -> errors.WorkflowManagerError | None:
    named = headers.get(b"host", ())
    if len(named) != 1:
        # No browser leaves it out, and HTTP/1.0 may.
        if not named and scope.get("http_version") == "1.0":
            return None
        return errors.InvalidRequest("the request needs one Host header (RFC 9112)")
    if hosts.allows(named[0]):
        return None
    return errors.MisdirectedRequest(
        f"this service is not known as {named[0][:MAX_QUOTED]!r}; call it by another name, or have this one added to "
        "WFM_PUBLIC_HOSTS"
    )


def _wrong_page(scope: Scope, headers: Headers) -> errors.WorkflowManagerError | None:
    fetch_site, origin, host = (headers.get(name, ()) for name in (b"sec-fetch-site", b"origin", b"host"))
    if not cross_site.is_foreign(
        scope["method"],
        fetch_site=",".join(fetch_site) if fetch_site else None,
        origin=",".join(origin) if origin else None,
        host=",".join(host),
    ):
        return None
    about = f" ({origin[0][:MAX_QUOTED]})" if origin else ""
    return errors.CrossSiteRequest(
        f"a web page of another origin{about} sent this request; only pages of this service may change something. If "
        "this is one, the proxy in front must pass on the Host header"
    )

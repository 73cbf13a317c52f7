"""The public keys of an identity provider: fetched once for all who wait, and kept through its outages."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, Final

import jwt
import structlog

from workflow_manager import errors

log = structlog.get_logger(__name__)

REFRESH_SECONDS: Final = 600.0
"""Age at which keys are fetched anew, while the known ones stay in use."""

UNKNOWN_SECONDS: Final = 60.0
"""Time between two fetches for the sake of unknown keys: anybody can make up a token with one."""

FAILURE_SECONDS: Final = 5.0
"""Time after a failed fetch in which no other is tried."""

STALE_SECONDS: Final = 24 * 3600.0
"""How long keys stay in use while their provider does not answer."""

MAX_KEYS: Final = 100

DISCOVERY: Final = "/.well-known/openid-configuration"

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body of an HTTPS URL. Raises ``Unavailable``."""


class KeySet:
    """The keys of one provider, by their ids. ``clock`` gives seconds."""

    def __init__(self, issuer: str, *, url: str | None, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = self._asked_at = -inf
        self._fetching: asyncio.Task[None] | None = None
        self.generation = 0
        """Counts the changes of the set."""

    async def key(self, key_id: str) -> jwt.PyJWK:
        """Return a key. Raises ``NotAuthenticated`` for an unknown one, ``IssuerUnavailable`` without any keys."""
        age = self._clock() - self._fetched_at
        if age > STALE_SECONDS:
            await self._get()
        elif age > REFRESH_SECONDS and self._may_try():
            self._start()
        if key_id not in self._keys and self._may_ask():
            await self._get()
        try:
            return self._keys[key_id]
        except KeyError:
            raise errors.NotAuthenticated("the token is signed with a key that its issuer does not have") from None

    def _may_ask(self) -> bool:
        """Tell whether an unknown key is worth a fetch; who asks while one is under way waits for it."""
        if self._fetching is not None:
            return True
        moment = self._clock()
        if moment - self._asked_at < UNKNOWN_SECONDS or moment - self._fetched_at < FAILURE_SECONDS:
            return False
        self._asked_at = moment
        return self._may_try()

    def _may_try(self) -> bool:
        return self._clock() - self._tried_at >= FAILURE_SECONDS

    async def _get(self) -> None:
        """Fetch the keys; known ones bridge a failure. Raises ``IssuerUnavailable`` when there are none."""
        if self._fetching is None and not self._may_try():
            raise _silent(self._issuer)
        try:
            await asyncio.shield(self._start())
        except errors.IssuerUnavailable:
            if self._clock() - self._fetched_at > STALE_SECONDS:
                raise

    def _start(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._load(), name="fetch-keys-of-issuer")
            self._fetching.add_done_callback(self._ended)
        return self._fetching

    def _ended(self, fetching: asyncio.Task[None]) -> None:
        self._fetching = None
        if not fetching.cancelled() and (failure := fetching.exception()) is not None:
            log.warning("keys not fetched", action="fetch-issuer-keys", issuer=self._issuer, error=str(failure))

    async def _load(self) -> None:
        self._tried_at = self._clock()
        try:
            url = self._url or _keys_url(await self._fetch(self._issuer.rstrip("/") + DISCOVERY), self._issuer)
            keys = _keys(await self._fetch(url))
        except (errors.Unavailable, ValueError, TypeError, LookupError, jwt.PyJWTError) as failure:
            raise _silent(self._issuer, str(failure)) from failure
        if keys.keys() != self._keys.keys():
            self.generation += 1
        self._keys, self._fetched_at = keys, self._clock()


def _silent(issuer: str, why: str = "") -> errors.IssuerUnavailable:
    reason = f" ({why})" if why else ""
    return errors.IssuerUnavailable(
        f"the keys of {issuer} cannot be fetched{reason}, so its tokens cannot be checked; try again"
    )


def _keys_url(text: bytes, issuer: str) -> str:
    document = json.loads(text)
    if document["issuer"] != issuer:
        raise ValueError("its discovery document is that of another issuer")
    url = document["jwks_uri"]
    if not (isinstance(url, str) and url.startswith("https://")):
        raise ValueError("its discovery document names no https URL of its keys")
    return url


def _keys(text: bytes) -> Mapping[str, jwt.PyJWK]:
    document: Any = json.loads(text)
    found: dict[str, jwt.PyJWK] = {}
    for each in document["keys"][:MAX_KEYS]:
        if not (isinstance(each, dict) and isinstance(each.get("kid"), str) and each.get("use", "sig") == "sig"):
            continue
        if each.get("kty") not in {"RSA", "EC", "OKP"}:
            continue  # a symmetric key would make everybody an issuer
        try:
            found[each["kid"]] = jwt.PyJWK.from_dict(each)
        except jwt.PyJWTError:
            continue  # of a kind that came up later
    if not found:
        raise ValueError("it has no keys that can be used")
    return found

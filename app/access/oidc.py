"""Tokens of identity providers (OpenID Connect): verified, and turned into rights by the rules of the access file."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import httpx
import jwt

from app.access.access_file import ClaimRule, Issuer
from app.access.jwks import Fetch, KeySet
from app.access.principal import Binding, Principal, PrincipalKind
from app.store.visibility import matches_any
from workflow_manager import errors

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""Signatures with a private key that the provider alone has."""

SKEW: Final = timedelta(seconds=60)
"""How far the clock of a provider may be ahead."""

MAX_SUBJECT: Final = 255
MAX_KEY_ID: Final = 512
MAX_REMEMBERED: Final = 10_000
"""Verified tokens that are not verified again."""

FETCH_SECONDS: Final = 5.0
MAX_FETCHED_BYTES: Final = 1 << 20


class _Verified(NamedTuple):
    principal: Principal
    ends_at: datetime
    generation: int


class Provider:
    """One identity provider with its keys."""

    def __init__(self, issuer: Issuer, keys: KeySet) -> None:
        self.issuer = issuer
        self.keys = keys

    async def claims(self, token: str, key_id: str) -> Mapping[str, Any]:
        """Return the claims of a token that was signed by this provider, for us. Raises ``NotAuthenticated``."""
        key = await self.keys.key(key_id)
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.issuer.audience,
                issuer=self.issuer.issuer,
                # Times are judged by our own clock.
                options={
                    "require": ["exp", "aud", "iss", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError) as invalid:
            raise _refused(type(invalid).__name__) from None
        return claims

    def principal(self, claims: Mapping[str, Any], ends_at: datetime) -> Principal:
        """Return who the claims are of. Raises ``NotAllowed`` when no rule gives rights to them."""
        subject = claims["sub"]
        if not (isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT and subject.isprintable()):
            raise _refused("its subject cannot be used")
        bindings = _bindings(self.issuer.rules, claims)
        if not bindings:
            raise errors.NotAllowed("the token is valid, but no rule gives rights to it; ask an administrator for them")
        name = claims.get(self.issuer.name_claim) if self.issuer.name_claim else None
        return Principal(
            f"oidc/{self.issuer.alias}/{subject}",
            PrincipalKind.OIDC,
            bindings,
            name[:MAX_SUBJECT] if isinstance(name, str) else None,
            expires_at=ends_at,
        )


class Tokens:
    """Knows who calls with a token of one of the providers. ``now`` gives the time."""

    def __init__(self, providers: Iterable[Provider], *, now: Callable[[], datetime]) -> None:
        self._providers = {provider.issuer.issuer: provider for provider in providers}
        self._now = now
        self._verified: dict[bytes, _Verified] = {}

    async def authenticate(self, token: str) -> Principal:
        """Return who calls. Raises ``NotAuthenticated``, ``NotAllowed``, ``IssuerUnavailable``."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and self._is_good(known):
            return known.principal
        self._verified.pop(digest, None)
        provider, key_id = self._origin(token)
        claims = await provider.claims(token, key_id)
        ends_at = self._end(claims)
        principal = provider.principal(claims, ends_at)
        self._remember(digest, _Verified(principal, ends_at, self._generation()))
        return principal

    def _origin(self, token: str) -> tuple[Provider, str]:
        """Return the provider that a token names, and the id of the key; neither proves anything."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as invalid:
            raise _refused(type(invalid).__name__) from None
        provider = self._providers.get(issuer) if isinstance(issuer, str) else None
        if provider is None or not isinstance(key_id, str) or len(key_id) > MAX_KEY_ID:
            raise _refused("its issuer or its key is not known")
        return provider, key_id

    def _end(self, claims: Mapping[str, Any]) -> datetime:
        moment = self._now()
        try:
            ends_at = _time(claims["exp"])
            if ends_at <= moment:
                raise errors.NotAuthenticated("the token has expired; get another one")
            if "nbf" in claims and _time(claims["nbf"]) > moment + SKEW:
                raise _refused("it is not valid yet")
        except (TypeError, ValueError, OverflowError, OSError):
            raise _refused("its times cannot be read") from None
        return ends_at

    def _is_good(self, known: _Verified) -> bool:
        return known.generation == self._generation() and self._now() < known.ends_at

    def _generation(self) -> int:
        """Count the changes of all keys: a token of a key that was taken back must not be remembered."""
        return sum(provider.keys.generation for provider in self._providers.values())

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        if len(self._verified) >= MAX_REMEMBERED:
            self._verified = {key: each for key, each in self._verified.items() if self._is_good(each)}
        while len(self._verified) >= MAX_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified


def providers(issuers: Sequence[Issuer], *, fetch: Fetch, clock: Callable[[], float]) -> list[Provider]:
    """Return the providers of the access file. Raises ``SettingsError`` when it has none."""
    if not issuers:
        raise errors.SettingsError("WFM_AUTH has oidc, but WFM_ACCESS_FILE names no issuers")
    return [
        Provider(issuer, KeySet(issuer.issuer, url=issuer.jwks_url, fetch=fetch, clock=clock)) for issuer in issuers
    ]


def fetcher(client: httpx.AsyncClient) -> Fetch:
    """Return what reads small documents over HTTP, without following redirects."""

    async def fetch(url: str) -> bytes:
        try:
            async with client.stream("GET", url, timeout=FETCH_SECONDS) as answer:
                if answer.status_code != 200:
                    raise errors.Unavailable(f"{url} answers {answer.status_code}")
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > MAX_FETCHED_BYTES:
                        raise errors.Unavailable(f"the answer of {url} is larger than {MAX_FETCHED_BYTES} bytes")
                return bytes(body)
        except httpx.HTTPError as failure:
            raise errors.Unavailable(f"{url} does not answer: {type(failure).__name__}") from failure

    return fetch


def _bindings(rules: Sequence[ClaimRule], claims: Mapping[str, Any]) -> tuple[Binding, ...]:
    held = [binding for rule in rules if _fits(rule, claims) for binding in rule.bindings]
    return tuple(dict.fromkeys(held))


def _fits(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    return all(
        any(matches_any(globs, value) for value in _values(claims.get(name))) for name, globs in rule.claims.items()
    )


def _values(claim: object) -> list[str]:
    """Return a claim as texts: a list has several; what is neither text, number nor truth has none."""
    members = claim if isinstance(claim, list) else [claim]
    return [
        str(each).lower() if isinstance(each, bool) else str(each) for each in members if isinstance(each, str | int)
    ]


def _time(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("this is no time")
    return datetime.fromtimestamp(value, UTC)


def _refused(why: str) -> errors.NotAuthenticated:
    return errors.NotAuthenticated(f"the token is not valid ({why})")

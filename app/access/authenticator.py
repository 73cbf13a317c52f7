"""Authentication: from the headers of a request to its principal."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from app.access import keys
from app.access.credentials import HOW_TO, credential
from app.access.keys import KeyRing
from app.access.principal import Binding, Principal, PrincipalKind
from workflow_manager import errors

RECHECK: Final = timedelta(minutes=1)
"""How often the credential of an answer that goes on is checked again."""

Headers = Sequence[tuple[bytes, bytes]]


class TokenVerifier(Protocol):
    """Knows who calls with a token of an identity provider."""

    async def authenticate(self, token: str) -> Principal:
        """Return who calls. Raises ``NotAuthenticated``, and ``Unavailable`` when the provider cannot be asked."""


class Authenticator:
    """Tells who calls."""

    def __init__(
        self,
        *,
        key_ring: KeyRing | None,
        tokens: TokenVerifier | None,
        anonymous: Sequence[Binding],
        now: Callable[[], datetime],
    ) -> None:
        self._key_ring = key_ring
        self._tokens = tokens
        self._anonymous = Principal("anonymous", PrincipalKind.ANONYMOUS, tuple(anonymous)) if anonymous else None
        self._now = now

    @property
    def takes_keys(self) -> bool:
        """Whether API keys are accepted."""
        return self._key_ring is not None

    async def authenticate(self, headers: Headers) -> Principal:
        """Return the principal of a request. A wrong credential is refused even where none is needed.

        Raises ``NotAuthenticated`` and ``Unavailable``.
        """
        given = credential(headers)
        if given is None:
            if self._anonymous is None:
                raise errors.NotAuthenticated(f"this needs a credential: {HOW_TO}")
            return self._anonymous
        if self._key_ring is not None and (given.startswith(keys.MARK) or self._tokens is None):
            return await self._key_ring.authenticate(given)
        if self._tokens is None or given.startswith(keys.MARK):
            raise errors.NotAuthenticated(keys.WRONG)
        return await self._tokens.authenticate(given)

    def session(self, headers: Headers, principal: Principal) -> "Session":
        """Return what watches over a request that goes on."""
        return Session(self, headers, principal, now=self._now)


class Session:
    """The credential of an answer that goes on: a stream ends when it is revoked or expires."""

    def __init__(
        self, authenticator: Authenticator, headers: Headers, principal: Principal, *, now: Callable[[], datetime]
    ) -> None:
        self._authenticator = authenticator
        self._headers = headers
        self._now = now
        self.principal = principal
        self._check_at = self._next()

    @property
    def seconds_left(self) -> float:
        """Time until the credential must be checked again, or ends."""
        return max(0.0, (self._check_at - self._now()).total_seconds())

    async def check(self) -> None:
        """Check the credential again if it is time to. Raises ``NotAuthenticated``."""
        if self._now() < self._check_at:
            return
        try:
            found = await self._authenticator.authenticate(self._headers)
        except errors.Unavailable:
            if self.principal.expires_at is not None and self._now() >= self.principal.expires_at:
                raise errors.NotAuthenticated(keys.WRONG) from None
            found = self.principal
        if (found.subject, found.bindings) != (self.principal.subject, self.principal.bindings):
            raise errors.NotAuthenticated("the rights of the credential have changed; send the request again")
        self._check_at = self._next()

    def _next(self) -> datetime:
        due = self._now() + RECHECK
        return due if self.principal.expires_at is None else min(due, self.principal.expires_at)

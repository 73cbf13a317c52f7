"""Idempotency tokens: the id of the workflow that a request makes, and the digest that identifies a repeat."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self

from app.store import Store, WorkflowQuery
from app.store.documents import Document
from workflow_manager import errors
from workflow_manager.models import Request, Workflow

SECRET_DOCUMENT: Final = "installation/idempotency"  # noqa: S105 (where it is kept)
SECRET_BYTES: Final = 32

FORMER_IDS: Final = uuid.UUID("5a3e2a3c-6f3b-5b0e-9a55-3d3a4f6f1c77")
"""UUID namespace of the ids that earlier versions made from a key alone, which made them guessable."""

FORMER_IDS_COUNT: Final = timedelta(days=90)
"""So long after the secret was made, a repeated key can be one of before: as long as workflows are kept by default."""

MAX_TRIES: Final = 5


class Secret(NamedTuple):
    """The secret of an installation that is mixed into idempotency keys, so that ids cannot be derived from keys."""

    key: bytes
    former_until: datetime
    """Until when a key may have been used with an earlier version."""


class SecretKeeper:
    """Keeps the secret of the installation in the store, where the first replica that needs it makes it."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._secret: Secret | None = None

    async def get(self) -> Secret:
        """Return the secret; it is read once. Raises ``Unavailable`` when it cannot be read."""
        for _ in range(MAX_TRIES):
            if self._secret is not None:
                return self._secret
            document = await self._store.get_document(SECRET_DOCUMENT)
            if document is None:
                await self._make()
            else:
                self._secret = _read(document)
        if self._secret is None:
            raise errors.Unavailable("the secret of the installation cannot be made; try again")
        return self._secret

    async def _make(self) -> None:
        """Make the secret, unless another replica is faster. It never changes: ids of workflows are made with it."""
        moment = self._now()
        first = await self._store.list_workflows(WorkflowQuery(), limit=1, summaries=True)
        former_until = moment + FORMER_IDS_COUNT if first.workflows else moment
        body = {"secret": secrets.token_hex(SECRET_BYTES), "formerUntil": former_until.timestamp()}
        try:
            await self._store.put_document(SECRET_DOCUMENT, body, revision=0)
        except errors.VersionConflict:
            return


def _read(document: Document) -> Secret:
    try:
        key = bytes.fromhex(document.body["secret"])
        return Secret(key, datetime.fromtimestamp(document.body["formerUntil"], UTC))
    except (LookupError, TypeError, ValueError, OverflowError, OSError) as broken:
        # Another one in its place would make a second workflow of every key that is repeated.
        raise errors.Unavailable(
            f"the document {SECRET_DOCUMENT!r} of the store cannot be read, so requests with an Idempotency-Key cannot "
            "be told apart; restore it, or send them without a key"
        ) from broken


class IdempotencyToken(NamedTuple):
    """Workflow id and request fingerprint for an Idempotency-Key."""

    workflow_id: str
    fingerprint: str | None
    """Digest of the whole request when it came with an Idempotency-Key."""
    former: tuple[str, str] | None = None
    """Id and fingerprint that an earlier version would have given it."""

    @classmethod
    async def of(
        cls,
        request: Request,
        *,
        operation: str,
        idempotency_key: str | None,
        keeper: SecretKeeper,
        now: datetime,
        namespace: str | None = None,
    ) -> Self:
        """Return the token of a request; without a key every call gets a new id. Raises ``Unavailable``.

        With a ``namespace`` the key counts in it alone: what others made with the same key elsewhere is not met.
        """
        if idempotency_key is None:
            return cls(str(uuid.uuid4()), None)
        secret = await keeper.get()
        # Fields that a later version adds must not change the digest of requests without them.
        body = request.model_dump_json(by_alias=True, exclude_defaults=True)
        former = None
        if namespace is None and now < secret.former_until:
            former_id = str(uuid.uuid5(FORMER_IDS, idempotency_key))
            former = (former_id, _fingerprint(operation, request.model_dump_json(by_alias=True)))
        within = idempotency_key if namespace is None else f"{namespace}\0{idempotency_key}"
        return cls(keyed_id(secret.key, within), _fingerprint(operation, body), former)

    @property
    def known_as(self) -> list[tuple[str, str | None]]:
        """Under which ids the same request may have made a workflow before, each with its fingerprint."""
        return [(self.workflow_id, self.fingerprint), *([self.former] if self.former else [])]


def keyed_id(secret: bytes, idempotency_key: str) -> str:
    """Return the id of the workflow that a request with a key makes."""
    digest = hmac.digest(secret, idempotency_key.encode(), "sha256")
    return str(uuid.UUID(bytes=digest[:16], version=5))


def check(made: Workflow, fingerprint: str | None) -> Workflow:
    """Return the workflow that was made before. Raises ``IdempotencyKeyReused`` when another request made it."""
    if made.request_fingerprint != fingerprint:
        raise errors.IdempotencyKeyReused
    return made


def _fingerprint(operation: str, request: str) -> str:
    return hashlib.sha256(f"{operation}\n{request}".encode()).hexdigest()

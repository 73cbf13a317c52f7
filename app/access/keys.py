"""API keys: ``wfm_<id>_<secret>``, of which only the digest is stored.

A secret is 256 random bits, so a plain SHA-256 is as good as a slow hash: there is nothing to guess.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from app.access import principal
from app.access.principal import Binding, Principal, PrincipalKind
from app.audit.notes import note
from app.store.documents import Document, DocumentStore
from app.store.epochs import Watched, epoch_key
from workflow_manager import errors, models

log = structlog.get_logger(__name__)

KIND: Final = "keys"
KEY_PREFIX: Final = "key/"

ID_CHARACTERS: Final = string.digits + string.ascii_lowercase
ID_LENGTH: Final = 8
SECRET_CHARACTERS: Final = string.digits + string.ascii_letters
SECRET_LENGTH: Final = 43
"""Characters of 62 kinds that hold 256 bits."""

MARK: Final = "wfm_"
FORM: Final = re.compile(rf"wfm_([0-9a-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH}}}")

MAX_TRIES: Final = 20
"""Attempts to change a key: each can lose to the note of its last use."""

USE_NOTED_EVERY: Final = timedelta(hours=1)

NO_DIGEST: Final = "0" * 64


class KeySecret(BaseModel):
    """The digest of a secret, and until when it counts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str
    until: AwareDatetime | None = None


class KeyRecord(BaseModel):
    """A key as it is stored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    id: str
    name: str
    bindings: tuple[Binding, ...]
    created_at: AwareDatetime
    created_by: str | None = None
    expires_at: AwareDatetime | None = None
    last_used_at: AwareDatetime | None = None
    secrets: tuple[KeySecret, ...]
    """The current one first, then the one before its rotation."""

    @property
    def principal(self) -> Principal:
        """Who calls with the key."""
        return Principal(
            f"key/{self.id}", PrincipalKind.KEY, self.bindings, self.name, key_id=self.id, expires_at=self.expires_at
        )

    @property
    def rights(self) -> Mapping[str, object]:
        """What the audit tells of the key."""
        return self.model_dump(
            by_alias=True, mode="json", include={"name", "bindings", "expires_at"}, exclude_none=True
        )

    def shown(self, moment: datetime) -> models.ApiKey:
        """Return the key without its secrets."""
        return models.ApiKey.model_validate(self._fields(moment))

    def issued(self, key: str, moment: datetime) -> models.IssuedApiKey:
        """Return the key with its secret, this once."""
        return models.IssuedApiKey.model_validate({**self._fields(moment), "key": key})

    def _fields(self, moment: datetime) -> dict[str, object]:
        before = next((each.until for each in self.secrets[1:] if each.until and each.until > moment), None)
        fields = self.model_dump(exclude={"secrets"}, mode="json")
        return {**fields, "previous_secret_until": before}


class _Known(NamedTuple):
    record: KeyRecord
    principal: Principal

    def opens_with(self, digest: str, moment: datetime) -> bool:
        """Tell whether a secret is right, in the same time for every wrong one."""
        right = [
            hmac.compare_digest(digest, each.digest) and (each.until is None or moment < each.until)
            for each in self.record.secrets
        ]
        return any(right)


UNKNOWN_KEY: Final = _Known(
    KeyRecord(
        id="", name="", bindings=(), created_at=datetime.min.replace(tzinfo=UTC), secrets=(KeySecret(digest=NO_DIGEST),)
    ),
    Principal("", PrincipalKind.KEY),
)
"""Stands for a key that is not there, so that a wrong id takes as long as a wrong secret."""


class KeyRing:
    """Makes, checks and revokes keys. A key that was revoked is refused by every replica within ten seconds.

    ``clock`` gives seconds, ``now`` the time.
    """

    def __init__(self, store: DocumentStore, *, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._known: Watched[Mapping[str, _Known]] = Watched(store, kind=KIND, load=self._load, clock=clock)
        self._used: dict[str, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def authenticate(self, key: str) -> Principal:
        """Return who calls with a key. Raises ``NotAuthenticated``, the same for every wrong key."""
        form = FORM.fullmatch(key)
        if form is None:
            raise errors.NotAuthenticated(WRONG)
        given, moment = digest(key), self._now()
        known = (await self._known.get()).get(form[1], UNKNOWN_KEY)
        if not known.opens_with(given, moment):
            # It may have been made or rotated by another replica a moment ago.
            known = (await self._known.latest()).get(form[1], UNKNOWN_KEY)
        if not known.opens_with(given, moment):
            raise errors.NotAuthenticated(WRONG)
        if known.principal.expires_at is not None and moment >= known.principal.expires_at:
            raise errors.NotAuthenticated("the API key has expired; ask an administrator for another one")
        self._note_use(known.record, moment)
        return known.principal

    async def create(self, new: models.NewApiKey) -> models.IssuedApiKey:
        """Make a key, and return it with its secret."""
        for _ in range(MAX_TRIES):
            key_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
            key, moment = _new_key(key_id), self._now()
            record = KeyRecord(
                id=key_id,
                name=new.name,
                bindings=new.bindings,
                created_at=moment,
                created_by=principal.current().subject or None,
                expires_at=new.expires_at,
                secrets=(KeySecret(digest=digest(key)),),
            )
            try:
                await self._write(record, revision=0)
            except errors.VersionConflict:
                continue
            note(made=key_id, after=record.rights)
            log.info("key created", action="create-key", key_id=key_id, name=new.name)
            return record.issued(key, moment)
        raise errors.VersionConflict

    async def list(self) -> Sequence[models.ApiKey]:
        """Return all keys that can be read, without their secrets, the oldest first."""
        moment = self._now()
        documents = await self._store.list_documents(KEY_PREFIX)
        records = sorted(filter(None, map(_record, documents)), key=lambda record: (record.created_at, record.id))
        return [record.shown(moment) for record in records]

    async def rotate(self, key_id: str, *, overlap: timedelta) -> models.IssuedApiKey:
        """Give a key another secret; the one before is valid for ``overlap`` more. Raises ``KeyNotFound``."""
        for _ in range(MAX_TRIES):
            document, record = await self._read(key_id)
            key, moment = _new_key(key_id), self._now()
            before = record.secrets[0].model_copy(update={"until": moment + overlap})
            changed = record.model_copy(update={"secrets": (KeySecret(digest=digest(key)), before)})
            try:
                await self._write(changed, revision=document.revision)
            except errors.VersionConflict:
                continue
            log.info("key rotated", action="rotate-key", key_id=key_id, overlap_seconds=overlap.total_seconds())
            return changed.issued(key, moment)
        raise errors.VersionConflict

    async def revoke(self, key_id: str) -> None:
        """Remove a key. Raises ``KeyNotFound``."""
        for _ in range(MAX_TRIES):
            document = await self._store.get_document(KEY_PREFIX + key_id)
            if document is None:
                raise _no_key(key_id)
            try:
                await self._store.delete_document(document.key, revision=document.revision, raises=epoch_key(KIND))
            except errors.VersionConflict:
                continue
            self._known.outdate()
            record = _record(document)
            note(before=None if record is None else record.rights)
            log.info("key revoked", action="revoke-key", key_id=key_id)
            return
        raise errors.VersionConflict

    async def settle(self) -> None:
        """Wait until every use is noted."""
        await asyncio.gather(*self._noting, return_exceptions=True)

    async def _write(self, record: KeyRecord, *, revision: int) -> None:
        body = record.model_dump(by_alias=True, exclude_none=True, mode="json")
        await self._store.put_document(KEY_PREFIX + record.id, body, revision=revision, raises=epoch_key(KIND))
        self._known.outdate()

    async def _read(self, key_id: str) -> tuple[Document, KeyRecord]:
        document = await self._store.get_document(KEY_PREFIX + key_id)
        record = _record(document) if document else None
        if document is None or record is None:
            raise _no_key(key_id)
        return document, record

    async def _load(self) -> Mapping[str, _Known]:
        records = filter(None, map(_record, await self._store.list_documents(KEY_PREFIX)))
        return {record.id: _Known(record, record.principal) for record in records}

    def _note_use(self, record: KeyRecord, moment: datetime) -> None:
        """Have the last use of a key written down, once an hour."""
        noted = self._used.get(record.id, record.last_used_at)
        if noted is not None and moment - noted < USE_NOTED_EVERY:
            return
        self._used[record.id] = moment
        task = asyncio.create_task(self._write_use(record.id, moment), name="note-use-of-key")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _write_use(self, key_id: str, moment: datetime) -> None:
        try:
            document, record = await self._read(key_id)
            body = record.model_copy(update={"last_used_at": moment}).model_dump(
                by_alias=True, exclude_none=True, mode="json"
            )
            # It raises no epoch: replicas need not read the keys anew for it.
            await self._store.put_document(document.key, body, revision=document.revision)
        except (errors.VersionConflict, errors.NotFound):
            return  # another replica noted it, or the key was changed or revoked
        except errors.WorkflowManagerError as trouble:
            log.warning("use of a key not noted", action="note-key-use", key_id=key_id, error=trouble.message)


WRONG: Final = "the credential is not valid; check that it is complete and was not revoked"


def digest(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def _new_key(key_id: str) -> str:
    return f"{MARK}{key_id}_{''.join(secrets.choice(SECRET_CHARACTERS) for _ in range(SECRET_LENGTH))}"


def _record(document: Document) -> KeyRecord | None:
    """Return the key in a document, or None when it cannot be read; then it opens nothing."""
    try:
        return KeyRecord.model_validate(document.body)
    except ValidationError:
        log.warning("key cannot be read", action="unreadable-key", document=document.key)
        return None


def _no_key(key_id: str) -> errors.KeyNotFound:
    return errors.KeyNotFound(f"there is no API key {key_id!r}")

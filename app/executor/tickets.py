"""Tickets: the id of the workflow that a request makes, and how a repeated request is known again."""

import hashlib
import uuid
from typing import Final, NamedTuple, Self

from app import errors
from app.models import Request, Workflow

KEYED_IDS: Final = uuid.UUID("5a3e2a3c-6f3b-5b0e-9a55-3d3a4f6f1c77")
"""UUID namespace of ids made from an Idempotency-Key: the same key is the same workflow, with nothing to look up."""


class Ticket(NamedTuple):
    """What a request that makes a workflow is entitled to."""

    workflow_id: str
    fingerprint: str | None
    """Digest of the whole request when it came with an Idempotency-Key."""

    @classmethod
    def of(cls, request: Request, *, operation: str, idempotency_key: str | None) -> Self:
        """Return the ticket of a request; without a key every call gets a new id."""
        if idempotency_key is None:
            return cls(str(uuid.uuid4()), None)
        text = f"{operation}\n{request.model_dump_json(by_alias=True)}"
        return cls(str(uuid.uuid5(KEYED_IDS, idempotency_key)), hashlib.sha256(text.encode()).hexdigest())

    def check(self, made: Workflow) -> Workflow:
        """Return the workflow that was made before. Raises ``IdempotencyKeyReused`` when another request made it."""
        if made.request_fingerprint != self.fingerprint:
            raise errors.IdempotencyKeyReused
        return made

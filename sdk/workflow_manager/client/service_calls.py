"""Operations on the service itself: health, metrics, queues, quotas and access."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from workflow_manager import models
from workflow_manager.client.decoding import (
    AUDIT,
    HEALTH_BODY,
    IDENTITY,
    ISSUED_KEY,
    KEYS,
    QUEUE,
    QUEUES,
    QUOTAS,
    decode,
    decode_nothing,
    decode_text,
)
from workflow_manager.client.http import Caller
from workflow_manager.client.request_parts import same_service_path, segment, valid

MAX_AUDIT_PAGE: Final = 1_000


class OperationCalls(Caller):
    """Checks the service, reads its metrics and quotas, and manages queues and API keys."""

    async def health_check(self) -> None:
        """Return if the service is up; `errors.Unavailable` otherwise. Sent once, without retries."""
        decode_nothing(await self._connection.request("GET", "/_health", repeatable=True, once=True), HEALTH_BODY)

    async def readiness_check(self) -> None:
        """Return if the service is doing its work; `errors.Unavailable` otherwise. Sent once, without retries."""
        decode_nothing(await self._connection.request("GET", "/_ready", repeatable=True, once=True), HEALTH_BODY)

    async def get_metrics(self) -> str:
        """Return the metrics of the process that answers, in the Prometheus text format."""
        return decode_text(await self._connection.request("GET", "/metrics", repeatable=True))

    async def list_queues(self) -> list[models.Queue]:
        """List the queues that have limits, by name."""
        return decode(await self._connection.request("GET", "/queues", repeatable=True), QUEUES)

    async def get_queue(self, name: str) -> models.Queue:
        """Get the limits of a queue, and how many of its workflows run."""
        response = await self._connection.request("GET", f"/queues/{segment(name)}", repeatable=True)
        return decode(response, QUEUE)

    async def put_queue(self, name: str, limits: models.QueueLimits) -> models.Queue:
        """Set the limits of a queue; omitted limits are removed."""
        response = await self._connection.request("PUT", f"/queues/{segment(name)}", repeatable=True, body=limits)
        return decode(response, QUEUE)

    async def delete_queue(self, name: str) -> None:
        """Remove the limits of a queue."""
        decode_nothing(await self._connection.request("DELETE", f"/queues/{segment(name)}", repeatable=True))

    async def get_quotas(self) -> list[models.QuotaHeadroom]:
        """Return how much of the Step Functions API quotas is left, by action."""
        return decode(await self._connection.request("GET", "/quotas", repeatable=True), QUOTAS)

    async def whoami(
        self, *, role: models.Role | None = None, namespace: str | None = None, definition: str | None = None
    ) -> models.Identity:
        """Return who the service takes the caller for; with ``role``, also whether the caller has it there."""
        asked = {"role": role, "namespace": namespace, "definition": definition}
        parameters = [(name, str(value)) for name, value in asked.items() if value is not None]
        return decode(await self._connection.request("GET", "/whoami", repeatable=True, params=parameters), IDENTITY)

    async def list_audit(
        self,
        *,
        namespace: str | None = None,
        actor: str | None = None,
        about: str | None = None,
        after: datetime | None = None,
        limit: int = 100,
    ) -> list[models.AuditEntry]:
        """List what was changed and what was refused, the newest first; without ``after``, in the last 30 days.

        ``about`` is an object such as ``workflow/ID``.
        """
        asked = {"namespace": namespace, "actor": actor, "object": about}
        params = [(name, value) for name, value in asked.items() if value is not None]
        if after is not None:
            params.append(("after", models.format_time(after)))
        path: str | None = "/audit"
        given: Sequence[tuple[str, str]] = [*params, ("limit", str(min(limit, MAX_AUDIT_PAGE)))]
        found: list[models.AuditEntry] = []
        while path is not None and len(found) < limit:
            response = await self._connection.request("GET", path, repeatable=True, params=given)
            page = decode(response, AUDIT)
            found.extend(page)
            path, given = same_service_path(response), ()
        return found[:limit]

    async def list_keys(self) -> list[models.ApiKey]:
        """List the API keys, without their secrets."""
        return decode(await self._connection.request("GET", "/keys", repeatable=True), KEYS)

    async def create_key(self, request: models.NewApiKey) -> models.IssuedApiKey:
        """Create an API key. Not repeated: a key whose answer was lost would stay without anybody knowing it."""
        return decode(await self._connection.request("POST", "/keys", repeatable=False, body=request), ISSUED_KEY)

    async def rotate_key(self, key_id: str, *, overlap_seconds: int = 86_400) -> models.IssuedApiKey:
        """Give an API key another secret; the one before stays valid for ``overlap_seconds``."""
        rotation = valid(models.RotateApiKey, overlap_seconds=overlap_seconds)
        path = f"/keys/{segment(key_id)}/rotate"
        return decode(await self._connection.request("POST", path, repeatable=False, body=rotation), ISSUED_KEY)

    async def revoke_key(self, key_id: str) -> None:
        """Revoke an API key."""
        decode_nothing(await self._connection.request("DELETE", f"/keys/{segment(key_id)}", repeatable=True))

"""Writing workflows to DynamoDB, each write conditional on the revision."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.store.base import WorkflowChanges
from app.store.dynamodb import expressions as updates
from app.store.dynamodb import items
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.chunks import Parts, generations
from app.store.dynamodb.items import AttributeValue, Item, number, sendable, text
from app.store.dynamodb.payloads import detached, raw_payloads
from app.store.dynamodb.reader import Reader, no_workflow, summary_key
from app.store.dynamodb.recent import Recent
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

TRIES: Final = 10
"""Attempts at a write that involves another workflow, which others change meanwhile."""


class Writer:
    """Creates, changes and discards workflows.

    Every write leaves an id of its own, and the first one's id stays. When an answer is lost, and the repetition finds
    the condition broken by the write itself, these ids tell.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        table: str,
        reader: Reader,
        parts: Parts,
        recent: Recent,
        retention: timedelta,
        now: Callable[[], datetime],
        new_write_id: Callable[[], str],
    ) -> None:
        self._calls = calls
        self._table = table
        self._reader = reader
        self._parts = parts
        self._recent = recent
        self._retention = retention
        self._now = now
        self._new_write_id = new_write_id

    async def create(self, workflow: Workflow, ancestors: Sequence[Workflow]) -> None:
        """Store a new workflow as the contract says."""
        if any(ancestor.id == workflow.id for ancestor in ancestors):
            raise errors.VersionConflict(f"workflow {workflow.id} exists")
        write_id, expires_at = self._new_write_id(), None
        if workflow.status.terminal:
            expires_at = items.expiry(workflow.stopped_at or workflow.last_updated, self._retention)
        payloads = await self._parts.store(
            workflow.id,
            raw_payloads(dict(workflow)),
            write_id=write_id,
            expires_at=expires_at,
            now=self._now(),
        )
        item = items.summary(workflow, payloads=items.edited({}, payloads), write_id=write_id, expires_at=expires_at)
        entered = self._recent.enter(item)
        await self._put(item, workflow, ancestors)
        await entered

    async def update(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        """Change the named fields as the contract says."""
        if not sendable(workflow_id):
            raise no_workflow(workflow_id)
        guesses = updates.guesses(changes)
        if not updates.needs_current(changes):
            fields = {**dict.fromkeys(guesses, False), **changes}
            try:
                return await self._write(workflow_id, fields, revision=revision, guesses=guesses)
            except errors.VersionConflict:
                if not guesses:
                    raise
        fields = await self._completed(workflow_id, changes, revision)
        return await self._write(workflow_id, fields, revision=revision, guesses=frozenset())

    async def _write(
        self, workflow_id: str, fields: Mapping[str, Any], *, revision: int, guesses: updates.Guesses
    ) -> Workflow:
        write_id, now = self._new_write_id(), self._now()
        status: WorkflowStatus | None = fields.get("status")
        expires_at = None
        if status is not None and status.terminal:
            expires_at = items.expiry(fields["stopped_at"] or now, self._retention)
        payloads = await self._parts.store(
            workflow_id, raw_payloads(fields), write_id=write_id, expires_at=expires_at, now=now
        )
        edits = items.scalar_edits(fields) | payloads
        edits |= {"revision": number(revision + 1), "write_id": text(write_id)}
        if status is not None and (status.terminal or "redrives" in fields):
            edits["expires_at"] = expires_at
            edits |= items.state_edits(workflow_id, fields)
        parameters = updates.update(
            self._table,
            summary_key(workflow_id),
            edits,
            revision=revision,
            status=status,
            redrives=fields.get("redrives", 0),
            guesses=guesses,
            now=now,
        )
        before = await self._update(workflow_id, parameters, written=items.edited({}, edits))
        after = items.edited(before, edits)
        await self._tidy(workflow_id, before, after)
        return await self._reader.workflow(after, known=fields) or await self._reader.get(workflow_id)

    async def discard(self, workflow_id: str, *, revision: int) -> None:
        """Remove a workflow that never started, as the contract says."""
        for attempt in range(TRIES):
            try:
                item = await self._reader.item(workflow_id)
            except errors.WorkflowNotFound:
                if attempt:
                    return  # it was removed as asked, and only the answer got lost
                raise
            fields = self._reader.fields(item)
            if fields["revision"] != revision or fields["status"] is not WorkflowStatus.QUEUED:
                raise _changed(workflow_id)
            key = summary_key(workflow_id)
            actions = [{"Delete": updates.delete_queued(self._table, key, revision=revision)}]
            if original := await self._original(fields.get("retry_for")):
                write_id = self._new_write_id()
                actions.append({"Update": updates.remove_retry(self._table, original, workflow_id, write_id=write_id)})
            try:
                await self._calls.transact(actions)
            except errors.TransactionCancelled:
                continue  # one of the two changed meanwhile; the next look tells which
            await self._parts.remove(generations(workflow_id, detached(item)))
            return
        raise errors.VersionConflict

    async def _put(self, item: Item, workflow: Workflow, ancestors: Sequence[Workflow]) -> None:
        write_id = item["write_id"]["S"]
        put = updates.put(self._table, item, self._now())
        try:
            if ancestors:
                await self._calls.transact([{"Put": put}, *self._links(workflow, ancestors, write_id)])
            else:
                await self._calls.client.put_item(**put)
        except errors.ConditionFailed as taken:
            if not updates.created_by(taken.found, write_id):
                await self._parts.remove(generations(workflow.id, detached(item)))
                raise errors.VersionConflict(f"workflow {workflow.id} exists") from taken
        except errors.TransactionCancelled as cancelled:
            if not updates.created_by(cancelled.reasons[0].found, write_id):
                await self._parts.remove(generations(workflow.id, detached(item)))
                message = f"workflow {workflow.id} exists, or a workflow that it resumes has changed meanwhile"
                raise errors.VersionConflict(message) from cancelled
        except errors.TransactionConflict as conflict:
            raise errors.VersionConflict from conflict

    def _links(self, workflow: Workflow, ancestors: Sequence[Workflow], write_id: str) -> list[dict[str, Any]]:
        links = []
        for generation, ancestor in enumerate(ancestors):
            retry = workflow.id if generation == 0 else None
            key = summary_key(ancestor.id)
            links.append({"Update": updates.append_retry(self._table, key, ancestor, retry, write_id=write_id)})
        return links

    async def _completed(self, workflow_id: str, changes: WorkflowChanges, revision: int) -> dict[str, Any]:
        """Return the changes with those unchanged fields that the write depends on."""
        current = await self._reader.get(workflow_id)
        if current.revision != revision:
            raise _changed(workflow_id)
        names = ["status", "stopped_at", *updates.GUESSED]
        if "jobs" in changes or "last_job" in changes:
            names += ["jobs", "last_job"]
        return {name: getattr(current, name) for name in names} | dict(changes)

    async def _update(
        self, workflow_id: str, parameters: dict[str, Any], *, written: Item
    ) -> Mapping[str, AttributeValue]:
        """Write, and return the summary as it was before, or as it is when the write happened unnoticed before."""
        try:
            answer = await self._calls.client.update_item(**parameters, ReturnValues="ALL_OLD")
        except errors.ConditionFailed as failure:
            found = failure.found or {}
            if updates.write_id(found) == written["write_id"]["S"]:
                return found
            # If this write happened after all and was overtaken, the summary still names its parts.
            unnamed = detached(written).items() - detached(found).items()
            await self._parts.remove(generations(workflow_id, dict(unnamed)))
            if not found or items.expired(found, self._now()):
                raise no_workflow(workflow_id) from failure
            raise _changed(workflow_id) from failure
        except errors.TransactionConflict as conflict:
            raise _changed(workflow_id) from conflict
        if "Attributes" not in answer:
            raise errors.NoAnswer("DynamoDB does not say what it updated")
        return answer["Attributes"]

    async def _tidy(
        self, workflow_id: str, before: Mapping[str, AttributeValue], after: Mapping[str, AttributeValue]
    ) -> None:
        """Remove the parts that an update replaced, and let the others expire with their workflow.

        Those of a workflow that goes on after its end do not expire before its run must have ended.
        """
        old, new = detached(before), detached(after)
        await self._parts.remove(
            generations(workflow_id, {name: parts for name, parts in old.items() if new.get(name) != parts})
        )
        if "expires_at" in after:
            moved = after["expires_at"] != before.get("expires_at")
            # When the expiry moved, new parts were written with it. Otherwise the run was not known to have ended.
            late = {name: parts for name, parts in new.items() if (old.get(name) == parts) is moved}
            await self._parts.expire(generations(workflow_id, late), after["expires_at"])
        elif "expires_at" in before:
            kept = {name: parts for name, parts in new.items() if old.get(name) == parts}
            await self._parts.expire(generations(workflow_id, kept), self._parts.latest_expiry(self._now()))

    async def _original(self, workflow_id: str | None) -> Item | None:
        if workflow_id is None:
            return None
        try:
            return await self._reader.item(workflow_id)
        except errors.WorkflowNotFound:
            return None


def _changed(workflow_id: str) -> errors.VersionConflict:
    return errors.VersionConflict(f"workflow {workflow_id} has ended, or has changed in the meantime")

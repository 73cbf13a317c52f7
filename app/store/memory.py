"""The store in memory: for development and tests, and the model that other stores are compared with."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from functools import partial
from typing import Any

from app.store import paging
from app.store.base import ActivePage, DefinitionPage, Page, Store, WorkflowChanges, WorkflowQuery, header, summary
from app.store.documents import Document
from app.store.entries import Entry
from app.store.heavy_jobs import HeavyJobs, are_heavy
from app.store.memory_entries import Entries
from app.store.paging import Position
from app.store.unreadable import UnreadableRecords, is_placeholder
from app.store.weights import Scale
from workflow_manager import errors, models
from workflow_manager.models import StateResource, Workflow, WorkflowDefinition, WorkflowStatus

Place = tuple[datetime, str]
"""A ``Position`` as a plain tuple, which the garbage collector does not track."""


class MemoryStore(Store):
    """Keeps everything in dictionaries of this process.

    No method awaits between its check and its write, so each one is atomic on the event loop.
    """

    def __init__(
        self, *, unreadable: UnreadableRecords | None = None, now: Callable[[], datetime] = models.now
    ) -> None:
        self._definitions: dict[str, list[WorkflowDefinition]] = {}
        self._resources: dict[tuple[str, str], StateResource] = {}
        self._workflows: dict[str, Workflow] = {}
        self._heavy_jobs: dict[str, HeavyJobs] = {}
        self._shared_definitions: dict[tuple[str, int, str | None], list[WorkflowDefinition]] = {}
        self._unreadable = unreadable or UnreadableRecords()
        self._timeline: list[Place] = []
        self._timelines_by_definition: dict[str, list[Place]] = {}
        self._timelines_by_failure: dict[str, list[Place]] = {}
        self._active: list[Place] = []
        self._deferred: list[Place] = []
        self._documents: dict[str, Document] = {}
        self._entries = Entries(now=now)

    async def check(self) -> None:
        pass

    async def create_definition(self, definition: WorkflowDefinition) -> None:
        if definition.name in self._definitions:
            raise errors.DefinitionExists(f"workflow definition {definition.name!r} exists; update it to add a version")
        self._definitions[definition.name] = [definition.model_copy(deep=True)]

    async def add_definition_version(self, definition: WorkflowDefinition) -> None:
        versions = self._versions(definition.name)
        if definition.version != len(versions):
            raise errors.VersionConflict(f"version {definition.version} of {definition.name!r} is not the next one")
        versions.append(definition.model_copy(deep=True))

    async def get_definition(self, name: str, *, version: int | None = None) -> WorkflowDefinition:
        versions = self._versions(name)
        if version is None:
            return versions[-1]
        if not 0 <= version < len(versions):
            raise errors.DefinitionNotFound(f"workflow definition {name!r} has no version {version}")
        return versions[version]

    async def list_definitions(
        self,
        name: str | None = None,
        *,
        oldest_first: bool = False,
        limit: int | None = None,
        page_token: str | None = None,
        max_bytes: int | None = None,
        summaries: bool = False,
    ) -> DefinitionPage:
        if name is not None:
            end = paging.decode_key(page_token, int) if page_token else None
            found = self._versions(name)[:: 1 if oldest_first else -1]
            if end is not None:
                found = [each for each in found if (each.version > end if oldest_first else each.version < end)]
        else:
            after = paging.decode_key(page_token, str) if page_token else None
            names = (each for each in sorted(self._definitions) if after is None or each > after)
            found = [self._definitions[each][-1] for each in names]
        scale, size = Scale(), 0
        shown: list[WorkflowDefinition] = []
        for definition in found:
            if len(shown) == limit or (max_bytes is not None and size >= max_bytes):
                last = shown[-1]
                return DefinitionPage(shown, paging.encode_key(last.name if name is None else last.version))
            shown.append(header(definition) if summaries else definition)
            size += scale.definition(shown[-1]) if max_bytes is not None else 0
        return DefinitionPage(shown, None)

    async def put_state_resource(self, resource: StateResource) -> None:
        self._resources[resource.namespace, resource.name] = resource

    async def get_state_resource(self, namespace: str, name: str) -> StateResource:
        try:
            return self._resources[namespace, name]
        except KeyError:
            raise _no_resource(namespace, name) from None

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        if self._resources.pop((namespace, name), None) is None:
            raise _no_resource(namespace, name)

    async def find_state_resources(self, namespace: str, names: Iterable[str]) -> Mapping[str, StateResource]:
        return {name: self._resources[namespace, name] for name in names if (namespace, name) in self._resources}

    async def create_workflow(self, workflow: Workflow, *, ancestors: Sequence[Workflow] = ()) -> None:
        if workflow.id in self._workflows:
            raise errors.VersionConflict(f"workflow {workflow.id} exists")
        for ancestor in ancestors:
            self._at_revision(ancestor.id, ancestor.revision)
        for generation, ancestor in enumerate(ancestors):
            retries = (*ancestor.retries, workflow.id) if generation == 0 else ancestor.retries
            update = {"retries": retries, "revision": ancestor.revision + 1}
            self._workflows[ancestor.id] = self._workflows[ancestor.id].model_copy(update=update)
        place = _place(workflow)
        self._keep(workflow)
        _insert(self._timeline, place)
        _insert(self._timelines_by_definition.setdefault(workflow.workflow_definition.name, []), place)
        self._file(place, before=None, after=workflow)

    async def get_workflow(self, workflow_id: str) -> Workflow:
        return self._read(workflow_id)

    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        workflow = self._at_revision(workflow_id, revision)
        status = changes.get("status", workflow.status)
        if workflow.status.terminal and status is not workflow.status and not _redrives(workflow, changes):
            raise errors.VersionConflict(f"workflow {workflow_id} has ended as {workflow.status}")
        unreadable = workflow.workflow_definition.unreadable if "jobs" in changes else workflow.unreadable
        update = {**changes, "revision": revision + 1, "unreadable": unreadable}
        changed = workflow.model_copy(update=update)
        self._keep(changed, packed=None if "jobs" in changes else self._heavy_jobs.get(workflow_id))
        self._file(_place(workflow), before=workflow, after=changed)
        return changed if "jobs" in changes else self._read(workflow_id)

    async def discard_workflow(self, workflow_id: str, *, revision: int) -> None:
        workflow = self._at_revision(workflow_id, revision)
        if workflow.status is not WorkflowStatus.QUEUED:
            raise errors.VersionConflict(f"workflow {workflow_id} is {workflow.status}")
        del self._workflows[workflow_id]
        self._heavy_jobs.pop(workflow_id, None)
        by_definition = self._timelines_by_definition[workflow.workflow_definition.name]
        for timeline in (self._timeline, by_definition):
            _remove(timeline, _place(workflow))
        self._file(_place(workflow), before=workflow, after=None)
        if original := self._workflows.get(workflow.retry_for or ""):
            retries = tuple(retry for retry in original.retries if retry != workflow_id)
            update = {"retries": retries, "revision": original.revision + 1}
            self._workflows[original.id] = original.model_copy(update=update)

    async def list_workflows(
        self,
        query: WorkflowQuery,
        *,
        limit: int,
        page_token: str | None = None,
        summaries: bool = False,
        inputs: bool = False,
        max_bytes: int | None = None,
    ) -> Page:
        timeline = self._timeline
        if query.definition_name is not None:
            timeline = self._timelines_by_definition.get(query.definition_name, [])
        if query.fingerprint is not None:
            timeline = self._timelines_by_failure.get(query.fingerprint, [])
        ids = self._from(timeline, page_token, oldest_first=query.oldest_first)
        if query.id_prefix is not None:
            ids = filter(_begins_with(query.id_prefix), ids)
        if _filters(query):
            ids = (found for found in ids if query.matches(self._workflows[found]))
        return self._page(
            ids, limit, cut=partial(summary, with_input=inputs) if summaries else None, max_bytes=max_bytes
        )

    async def list_active_workflows(
        self, *, limit: int, page_token: str | None = None, known: Container[str] = ()
    ) -> ActivePage:
        after = paging.decode(page_token) if page_token else None
        start = bisect_right(self._active, after) if after else 0
        places = self._active[start : start + limit]
        last = Position(*places[-1]) if places else None
        more = start + limit < len(self._active)
        unknown = (workflow_id for _, workflow_id in places if workflow_id not in known)
        present = {workflow.id: workflow for workflow in self._summaries(unknown)}
        return ActivePage(
            ids=[workflow_id for _, workflow_id in places if workflow_id in known or workflow_id in present],
            workflows=list(present.values()),
            last=last,
            next_token=paging.encode(last) if last and more else None,
        )

    async def list_deferred_workflows(self, *, limit: int) -> Sequence[Workflow]:
        return self._summaries(workflow_id for _, workflow_id in self._deferred[:limit])

    async def get_document(self, key: str) -> Document | None:
        return self._documents.get(key)

    async def put_document(
        self, key: str, body: Mapping[str, Any], *, revision: int, raises: str | None = None
    ) -> Document:
        known = self._documents.get(key)
        if (known.revision if known else 0) != revision:
            raise errors.VersionConflict(f"document {key!r} has changed in the meantime")
        document = self._documents[key] = Document(key, revision + 1, deepcopy(dict(body)))
        self._raise(raises)
        return document

    async def delete_document(self, key: str, *, revision: int, raises: str | None = None) -> None:
        known = self._documents.get(key)
        if known is None or known.revision != revision:
            raise errors.VersionConflict(f"document {key!r} has changed in the meantime")
        del self._documents[key]
        self._raise(raises)

    def _raise(self, key: str | None) -> None:
        if key is not None:
            known = self._documents.get(key)
            self._documents[key] = Document(key, known.revision + 1 if known else 1, {})

    async def list_documents(self, prefix: str) -> list[Document]:
        return [document for key, document in sorted(self._documents.items()) if key.startswith(prefix)]

    async def add_entry(self, scope: str, key: str, body: Mapping[str, Any], *, expires: datetime) -> bool:
        return self._entries.add(scope, key, body, expires=expires)

    async def get_entry(self, scope: str, key: str) -> Entry | None:
        return self._entries.get(scope, key)

    async def list_entries(
        self, scope: str, *, limit: int, after: str | None = None, newest_first: bool = False
    ) -> Sequence[Entry]:
        return self._entries.page(scope, limit=limit, after=after, newest_first=newest_first)

    async def update_entry(
        self, scope: str, key: str, body: Mapping[str, Any], *, revision: int, expires: datetime | None = None
    ) -> Entry:
        return self._entries.update(scope, key, body, revision=revision, expires=expires)

    async def remove_entry(self, scope: str, key: str) -> None:
        self._entries.remove(scope, key)

    def _versions(self, name: str) -> list[WorkflowDefinition]:
        try:
            return self._definitions[name]
        except KeyError:
            raise errors.DefinitionNotFound(f"there is no workflow definition {name!r}") from None

    def _keep(self, workflow: Workflow, *, packed: HeavyJobs | None = None) -> None:
        """Keep a workflow, its definition shared with others of it, and its jobs packed where they are heavy."""
        definition = self._shared(workflow.workflow_definition)
        changes: dict[str, Any] = {"tags": dict(workflow.tags), "workflow_definition": definition}
        if packed is None and are_heavy(workflow.jobs):
            with suppress(ValueError):  # text that is not proper Unicode cannot be packed
                packed = HeavyJobs.of(workflow.jobs)
        if packed is None:
            self._heavy_jobs.pop(workflow.id, None)
        else:
            self._heavy_jobs[workflow.id] = packed
            changes["jobs"] = ()
        self._workflows[workflow.id] = workflow.model_copy(update=changes)

    def _shared(self, definition: WorkflowDefinition) -> WorkflowDefinition:
        """Return the equal definition that other workflows hold, if there is one."""
        key = (definition.name, definition.version, definition.state_machine.get("StartAt"))
        alike = self._shared_definitions.setdefault(key, [])
        for known in alike:
            if known is definition or known == definition:
                return known
        alike.append(definition)
        return definition

    def _read(self, workflow_id: str) -> Workflow:
        return self._copy(self._stored(workflow_id))

    def _copy(self, workflow: Workflow, *, with_jobs: bool = True) -> Workflow:
        changes: dict[str, Any] = {"tags": dict(workflow.tags)}
        if not with_jobs:
            changes["jobs"] = ()
        elif packed := self._heavy_jobs.get(workflow.id):
            changes["jobs"] = packed.jobs()
        return workflow.model_copy(update=changes)

    def _stored(self, workflow_id: str) -> Workflow:
        """Return a workflow as it is kept. Raises ``WorkflowNotFound`` or ``RecordUnreadable``."""
        try:
            workflow = self._workflows[workflow_id]
        except KeyError:
            raise errors.WorkflowNotFound(f"there is no workflow {workflow_id!r}") from None
        if is_placeholder(workflow):
            self._unreadable.note("workflow", workflow_id, why := workflow.unreadable or "")
            raise errors.RecordUnreadable(f"workflow {workflow_id} cannot be read ({why})", placeholder=workflow)
        return workflow

    def _at_revision(self, workflow_id: str, revision: int) -> Workflow:
        workflow = self._stored(workflow_id)
        if workflow.revision != revision:
            raise errors.VersionConflict(f"workflow {workflow_id} has changed in the meantime")
        return workflow

    def _from(self, timeline: list[Place], page_token: str | None, *, oldest_first: bool) -> Iterator[str]:
        after = paging.decode(page_token) if page_token else None
        if oldest_first:
            indices = range(bisect_right(timeline, after) if after else 0, len(timeline))
        else:
            indices = range((bisect_left(timeline, after) if after else len(timeline)) - 1, -1, -1)
        return (timeline[index][1] for index in indices)

    def _page(
        self, ids: Iterator[str], limit: int, *, cut: Callable[[Workflow], Workflow] | None, max_bytes: int | None
    ) -> Page:
        scale, size = Scale(), 0
        workflows: list[Workflow] = []
        for each in ids:
            if len(workflows) == limit or (max_bytes is not None and size >= max_bytes):
                return Page(workflows, paging.encode(Position(*_place(workflows[-1]))))
            shown = self._copy(self._workflows[each], with_jobs=cut is None)
            workflows.append(cut(shown) if cut else shown)
            size += scale.workflow(workflows[-1]) if max_bytes is not None else 0
        return Page(workflows, None)

    def _summaries(self, workflow_ids: Iterable[str]) -> list[Workflow]:
        """Return the summaries of the workflows that can be read."""
        found = (self._workflows[workflow_id] for workflow_id in workflow_ids)
        return [summary(self._copy(workflow, with_jobs=False)) for workflow in found if not is_placeholder(workflow)]

    def _file(self, place: Place, *, before: Workflow | None, after: Workflow | None) -> None:
        """Enter a workflow in the lists that it belongs to after a change, and take it out of the others."""
        for timeline, belongs in ((self._active, _is_active), (self._deferred, _is_deferred)):
            was, is_now = before is not None and belongs(before), after is not None and belongs(after)
            if is_now and not was:
                _insert(timeline, place)
            elif was and not is_now:
                _remove(timeline, place)
        self._file_failure(place, before.fingerprint if before else None, after.fingerprint if after else None)

    def _file_failure(self, place: Place, before: str | None, after: str | None) -> None:
        if before == after:
            return
        if before:
            _remove(self._timelines_by_failure[before], place)
            if not self._timelines_by_failure[before]:
                del self._timelines_by_failure[before]
        if after:
            _insert(self._timelines_by_failure.setdefault(after, []), place)


def _filters(query: WorkflowQuery) -> bool:
    """Tell whether a query wants to see the workflows themselves; the name of the definition has its own timeline, and
    ids are judged before they are read.
    """
    seen_by_id = WorkflowQuery(
        definition_name=query.definition_name, oldest_first=query.oldest_first, id_prefix=query.id_prefix
    )
    return query != seen_by_id


def _begins_with(prefix: str) -> Callable[[str], bool]:
    return lambda workflow_id: workflow_id.startswith(prefix)


def _redrives(workflow: Workflow, changes: WorkflowChanges) -> bool:
    """Tell whether changes let an ended workflow go on, which one that succeeded never does."""
    return workflow.status is not WorkflowStatus.SUCCEEDED and changes.get("redrives", 0) > workflow.redrives


def _is_active(workflow: Workflow) -> bool:
    pending = workflow.details_pending or workflow.stop_pending
    return not workflow.status.terminal or (pending and not _is_deferred(workflow))


def _is_deferred(workflow: Workflow) -> bool:
    went_well = workflow.status is WorkflowStatus.SUCCEEDED and workflow.resolved_by_user
    return went_well and workflow.details_pending and workflow.details_deferred and not workflow.stop_pending


def _place(workflow: Workflow) -> Place:
    return (workflow.created_at, workflow.id)


def _insert(timeline: list[Place], place: Place) -> None:
    if not timeline or timeline[-1] < place:  # nearly always: time goes on
        timeline.append(place)
    else:
        insort(timeline, place)


def _remove(timeline: list[Place], place: Place) -> None:
    index = bisect_left(timeline, place)
    if index < len(timeline) and timeline[index] == place:
        del timeline[index]


def _no_resource(namespace: str, name: str) -> errors.StateResourceNotFound:
    return errors.StateResourceNotFound(f"there is no state resource {name!r} in namespace {namespace!r}")

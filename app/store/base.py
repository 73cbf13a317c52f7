"""The contract of every store: what is kept, in which order it comes back, and what a conflict is.

Three rules hold for every method. What comes back is a snapshot: models are frozen, and the JSON inside them must not
be changed. A write is either wholly there or not at all, and is seen by every read that starts after it returned.
Two writers never overwrite each other: each write names the revision it has seen.

One bad record, damaged or written by a later version of the service, takes no other along. Reading it by its key raises
``RecordUnreadable`` with a placeholder; a listing for people shows the placeholder, other lists leave it out. A
workflow of which only a payload or the definition cannot be read is returned, and ``unreadable`` says what is missing.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from app.store.documents import DocumentStore
from app.store.entries import EntryStore
from app.store.paging import Position
from app.store.visibility import Visible
from workflow_manager.models import Job, StateResource, Workflow, WorkflowDefinition, WorkflowStatus, WorkflowWarning


class WorkflowChanges(TypedDict, total=False):
    """The fields of a workflow that can change after it was created; absent ones stay as they are."""

    status: WorkflowStatus
    status_reason: str | None
    error: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    last_updated: datetime
    observed_at: datetime
    output: str | None
    resolved_by_user: bool
    resolved_by: str | None
    fingerprint: str | None
    warnings: tuple[WorkflowWarning, ...]
    resolved_by_caller: str | None
    resolve_reason: str | None
    cancelled_by: str | None
    jobs: tuple[Job, ...]
    last_job: Job | None
    details_pending: bool
    details_deferred: bool
    start_pending: bool
    stop_pending: bool
    redrives: int
    redriven_at: datetime | None
    redriven_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowQuery:
    """Which workflows a listing wants; a filter that is None or empty lets everything through."""

    definition_name: str | None = None
    statuses: Collection[WorkflowStatus] = ()
    """Any of these."""
    id_prefix: str | None = None
    """How the id begins."""
    resolved_by_user: bool | None = None
    resolved_by: str | None = None
    """The retry that resolved them by succeeding."""
    fingerprint: str | None = None
    """That of their failure."""
    namespace: str | None = None
    queue: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None
    oldest_first: bool = False
    visible: Visible | None = None
    """Which workflows the reader may see; None: all."""

    def matches(self, workflow: Workflow) -> bool:
        """Tell whether a workflow passes every filter; times are exclusive bounds."""
        return (
            self.definition_name in {None, workflow.workflow_definition.name}
            and (not self.statuses or workflow.status in self.statuses)
            and (self.id_prefix is None or workflow.id.startswith(self.id_prefix))
            and self.resolved_by_user in {None, workflow.resolved_by_user}
            and self.resolved_by in {None, workflow.resolved_by}
            and self.fingerprint in {None, workflow.fingerprint}
            and self.namespace in {None, workflow.namespace}
            and self.queue in {None, workflow.queue}
            and (self.created_after is None or workflow.created_at > self.created_after)
            and (self.created_before is None or workflow.created_at < self.created_before)
            and (self.visible is None or self.visible.shows(workflow.namespace, workflow.workflow_definition.name))
            and all(workflow.tags.get(key) == value for key, value in self.tags.items())
        )


def summary(workflow: Workflow, *, with_input: bool = False) -> Workflow:
    """Return a workflow without what can be large: payloads, jobs, those of its last job, and its state machine."""
    last_job = workflow.last_job and brief(workflow.last_job)
    large = {
        "input": workflow.input if with_input else "",
        "output": None,
        "variables": None,
        "execution_input": None,
        "jobs": (),
    }
    definition = header(workflow.workflow_definition)
    return workflow.model_copy(update={**large, "last_job": last_job, "workflow_definition": definition})


def brief(job: Job) -> Job:
    """Return a job without what can be large: its input, its output, its variables and the cause of its failure."""
    return job.model_copy(update={"input": None, "output": None, "cause": None, "assigned_variables": None})


def header(definition: WorkflowDefinition) -> WorkflowDefinition:
    """Return a definition version without its state machine."""
    return definition.model_copy(update={"state_machine": {}}) if definition.state_machine else definition


@dataclass(frozen=True, slots=True)
class DefinitionPage:
    """Some definition versions, and the token of the next page when there is more."""

    definitions: Sequence[WorkflowDefinition]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some workflows of a listing, and the token of the next page when there is more."""

    workflows: Sequence[Workflow]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class ActivePage:
    """Some of the active workflows: the ids of all, and those workflows that the caller did not know."""

    ids: Sequence[str]
    workflows: Sequence[Workflow]
    last: Position | None
    """Place of the last id; ``paging.encode`` makes the token of a page that begins after a place."""
    next_token: str | None


class DefinitionStore(ABC):
    """Versions of workflow definitions; each is immutable once stored."""

    @abstractmethod
    async def create_definition(self, definition: WorkflowDefinition) -> None:
        """Store version 0 of a new name. Raises ``DefinitionExists`` when the name is taken."""

    @abstractmethod
    async def add_definition_version(self, definition: WorkflowDefinition) -> None:
        """Store the version after the latest and make it the latest, in one step.

        Raises ``DefinitionNotFound`` when the name is new, ``VersionConflict`` when ``definition.version`` is not the
        latest plus one.
        """

    @abstractmethod
    async def get_definition(self, name: str, *, version: int | None = None) -> WorkflowDefinition:
        """Return one version, or the latest without ``version``.

        Raises ``DefinitionNotFound``, ``RecordUnreadable``.
        """

    @abstractmethod
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
        """Return the latest version of every name, by name; with ``name`` all versions of that one, newest first
        unless ``oldest_first``.

        A version that is missing or cannot be read is a placeholder. With ``summaries`` state machines are left out and
        not read. A page ends after ``limit`` versions, and soon after ``max_bytes`` of JSON.

        Raises ``DefinitionNotFound`` when there is no such name, ``InvalidPageToken``.
        """


class StateResourceStore(ABC):
    """Registered URIs of short resource names."""

    @abstractmethod
    async def put_state_resource(self, resource: StateResource) -> None:
        """Store a resource, in place of one with the same namespace and name."""

    @abstractmethod
    async def get_state_resource(self, namespace: str, name: str) -> StateResource:
        """Return one resource. Raises ``StateResourceNotFound``, ``RecordUnreadable``."""

    @abstractmethod
    async def delete_state_resource(self, namespace: str, name: str) -> None:
        """Remove one resource. Raises ``StateResourceNotFound``."""

    @abstractmethod
    async def find_state_resources(self, namespace: str, names: Iterable[str]) -> Mapping[str, StateResource]:
        """Return those of ``names`` that are registered in ``namespace``, by name. Raises ``RecordUnreadable``."""


class WorkflowStore(ABC):
    """Workflows and the state of their runs."""

    @abstractmethod
    async def create_workflow(self, workflow: Workflow, *, ancestors: Sequence[Workflow] = ()) -> None:
        """Store a new workflow, of a definition version that is stored, whole or pruned to where the run starts.

        ``ancestors`` are the workflows that it resumes, the direct one first. In the same step the id is added to the
        ``retries`` of the direct one, and the revision of every ancestor goes up by one.

        Raises ``VersionConflict`` when the id is taken, or an ancestor is not at the revision given.
        """

    @abstractmethod
    async def get_workflow(self, workflow_id: str) -> Workflow:
        """Return one workflow as the last write left it. Raises ``WorkflowNotFound``, ``RecordUnreadable``."""

    @abstractmethod
    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        """Change the named fields and return the workflow as it is then; its revision is one more.

        A terminal status is final within a redrive: it changes only together with a higher ``redrives``, and
        ``succeeded`` never. A workflow that is active again has no expiry until it ends again.

        Raises ``WorkflowNotFound``, and ``VersionConflict`` when the workflow is not at ``revision`` or a terminal
        status would change without a redrive.
        """

    @abstractmethod
    async def discard_workflow(self, workflow_id: str, *, revision: int) -> None:
        """Remove a workflow that never started, also from the ``retries`` of the workflow that it resumes.

        Raises ``WorkflowNotFound``, and ``VersionConflict`` when it is not queued at ``revision``.
        """

    @abstractmethod
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
        """Return workflows by time of creation, newest first unless ``query.oldest_first``; ties go by id.

        With ``summaries`` each is cut by ``summary``, and what that leaves out is not read; ``inputs`` keeps the
        inputs, at the cost of reading large ones. A page ends soon after ``max_bytes`` of JSON, and has at least
        one workflow, if there is one.

        Following ``next_token`` shows every workflow that was there at the start exactly once, whatever is created
        meanwhile. A page may have fewer than ``limit`` workflows, even none, and still a ``next_token``: when the
        filters dropped thousands of others. A listing by definition name, without status and resolution, shows what was
        created before it; others may show a workflow, or its new status, a moment later.

        A token never names a workflow that ``query.visible`` does not show.

        Raises ``InvalidPageToken`` for a token that no page gave out.
        """

    @abstractmethod
    async def list_active_workflows(
        self, *, limit: int, page_token: str | None = None, known: Container[str] = ()
    ) -> ActivePage:
        """Return queued and running workflows, and ended ones whose details or whose stop are pending.

        The oldest come first; pages are like those of ``list_workflows``. Workflows are cut by ``summary``. Of those in
        ``known`` only the id is returned, which costs next to nothing; some may have ended a moment ago.

        What has succeeded and has its details deferred is not among them.
        """

    @abstractmethod
    async def list_deferred_workflows(self, *, limit: int) -> Sequence[Workflow]:
        """Return summaries of workflows that succeeded and have their details deferred, the oldest first.

        One whose details were written a moment ago may be missing from them, and one of the others be there instead.
        """


class Store(DefinitionStore, StateResourceStore, WorkflowStore, DocumentStore, EntryStore):
    """All that the service keeps."""

    @abstractmethod
    async def check(self) -> None:
        """Make sure that everything can be read; it costs a small read of each table.

        Raises ``StartupError`` when a table is missing, and ``Unavailable`` or ``AccessDenied`` when that cannot be
        told.
        """

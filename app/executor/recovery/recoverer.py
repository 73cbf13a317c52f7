"""The use case of recovering a workflow: what may be recovered, how, and carrying it out."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from app.access import checks
from app.access.principal import Role, current
from app.audit.notes import note
from app.executor import inputs, lineage, resuming
from app.executor.definition_cache import DefinitionCache
from app.executor.executor import Executor
from app.executor.idempotency import IdempotencyToken, SecretKeeper
from app.executor.outbox import NewWorkflow, Outbox
from app.executor.reconciler import Reconciler
from app.executor.recovery import planning
from app.executor.recovery.merge_patch import merged
from app.executor.recovery.redriver import Redriver
from app.store import Store
from workflow_manager import errors, states_language
from workflow_manager.models import (
    Job,
    RecoverRequest,
    Recovery,
    RecoveryMode,
    RecoveryPreview,
    Workflow,
    WorkflowDefinition,
    WorkflowStatus,
)

log = structlog.get_logger(__name__)

SWITCHED_OFF: Final = (
    "recover is switched off: set WFM_RECOVER=true once every replica runs this version, because an older one would "
    "end a redriven run again"
)
REPEATED: Final = "the same request was carried out before"
REMEMBERED: Final = timedelta(days=1)
"""How long a repeated request for a redrive is recognised by its key."""

LATEST: Final = -1


class Plan(NamedTuple):
    """What is to be done to a workflow."""

    mode: RecoveryMode
    why: str
    workflow: Workflow
    preview: RecoveryPreview
    redrives: int = 0
    new: NewWorkflow | None = None


class Recoverer:
    """Makes workflows go on that have failed or were cancelled."""

    def __init__(
        self,
        store: Store,
        definition_cache: DefinitionCache,
        reconciler: Reconciler,
        redriver: Redriver,
        outbox: Outbox,
        executor: Executor,
        *,
        now: Callable[[], datetime],
        enabled: bool,
    ) -> None:
        self._store = store
        self._definition_cache = definition_cache
        self._reconciler = reconciler
        self._redriver = redriver
        self._outbox = outbox
        self._executor = executor
        self._now = now
        self._enabled = enabled
        self._keeper = SecretKeeper(store, now=now)

    async def recover(
        self, workflow_id: str, request: RecoverRequest, *, idempotency_key: str | None = None
    ) -> Recovery:
        """Make a workflow go on, in the same run or in a new one; with ``dry_run`` only say how.

        Raises ``WorkflowNotFound``, ``WorkflowActive``, ``AlreadyResumed``, ``NotRecoverable``, ``UnknownState``,
        ``InvalidRequest``, ``IdempotencyKeyReused`` and what starting a workflow raises.
        """
        if not self._enabled:
            raise errors.Unavailable(SWITCHED_OFF)
        known = checks.workflow(await self._executor.stored(workflow_id), Role.OPERATE)
        token = await IdempotencyToken.of(
            request,
            operation=f"recover {workflow_id}",
            idempotency_key=idempotency_key,
            keeper=self._keeper,
            now=self._now(),
            namespace=known.namespace if current().restricted else None,
        )
        if await self._redriven_before(token, known):
            return Recovery(mode="redrive", why=REPEATED, workflow=known)
        plans: list[Plan] = []

        async def attempt() -> Workflow:
            plans.append(await self._plan(workflow_id, request, token))
            return await self._carry_out(plans[-1], token, request)

        workflow = await self._outbox.once(token, attempt)
        if not plans:
            return Recovery(mode="resume", why=REPEATED, workflow=workflow)
        plan = plans[-1]
        return Recovery(mode=plan.mode, why=plan.why, workflow=workflow, preview=plan.preview)

    async def _carry_out(self, plan: Plan, token: IdempotencyToken, request: RecoverRequest) -> Workflow:
        if request.dry_run:
            return plan.workflow
        note(reason=request.reason or None, after={"mode": plan.mode, "forced": request.force})
        if plan.new is not None:
            made = await self._outbox.submit(plan.new, token)
        else:
            await self._remember(token, plan)
            made = await self._outbox.redrive(plan.workflow, redrives=plan.redrives, by=current().subject or None)
            if made.redrives < plan.redrives:
                raise errors.NotRecoverable((made.status_reason or "it could not be redriven").partition("\n")[0])
        log.info(
            "workflow recovered",
            action="recover-workflow",
            workflow_id=plan.workflow.id,
            mode=plan.mode,
            made=made.id,
            forced=request.force,
        )
        return made

    async def _plan(self, workflow_id: str, request: RecoverRequest, token: IdempotencyToken) -> Plan:
        workflow = await self._executor.get(workflow_id, fetch_history=True)
        await self._refuse(workflow, force=request.force)
        standing = await self._redriver.standing(workflow)
        if standing is not None and (standing.redrives > workflow.redrives or not standing.ended):
            seen = await self._reconciler.look(workflow)
            if not seen.status.terminal:
                raise errors.WorkflowActive(f"workflow {workflow_id} was redriven outside of the service and runs")
            raise errors.VersionConflict
        job = planning.culprit(workflow)
        mode, why = planning.choose(request, standing, job)
        events = await self._events(workflow) if request.dry_run else None
        if mode == "redrive" and standing is not None:
            latest = await self._latest(workflow) if request.dry_run else None
            preview = planning.redrive_preview(workflow, job, events=events, latest=latest)
            return Plan(mode, why, workflow, preview, redrives=standing.redrives + 1)
        new = await self._resumption(workflow, request, job, token)
        machine = new.definition.state_machine
        preview = planning.resume_preview(
            workflow,
            start=machine["StartAt"],
            version=new.definition.version,
            machine=machine["States"],
            events=events,
        )
        return Plan(mode, why, workflow, preview, new=new)

    async def _refuse(self, workflow: Workflow, *, force: bool) -> None:
        if workflow.unreadable is not None:
            raise errors.RecordUnreadable(
                f"workflow {workflow.id} cannot be recovered: its record cannot be read ({workflow.unreadable})"
            )
        if workflow.status is WorkflowStatus.SUCCEEDED:
            raise errors.InvalidRequest(f"workflow {workflow.id} succeeded; there is nothing to recover")
        await lineage.refuse_while_active(self._store, workflow)
        if force:
            return
        await lineage.refuse_succeeded(self._store, workflow)
        if workflow.status is WorkflowStatus.FAILED and workflow.resolved_by_user:
            raise errors.NotRecoverable(f"workflow {workflow.id} is resolved; to recover it anyway, use force")

    async def _resumption(
        self, workflow: Workflow, request: RecoverRequest, job: Job | None, token: IdempotencyToken
    ) -> NewWorkflow:
        definition = await self._definition(workflow, request.version)
        start = request.start_at or planning.start_at(workflow, job)
        if start not in definition.state_machine["States"]:
            raise errors.UnknownState(_no_state(definition, start))
        pruned = states_language.prune(definition.state_machine, start_at=start)
        ancestors = await lineage.ancestors(self._store, workflow)
        given = None if request.input is None else inputs.normalize(request.input)
        try:
            jobs = await self._executor.jobs_before(workflow, start)
            had = resuming.beginning(workflow, jobs, machine=pruned, first=ancestors[-1])
        except errors.UnknownState:
            if given is None:
                raise
            had = resuming.Beginning(given, workflow.variables, None)
        text = had.input if given is None else given
        if request.input_patch is not None:
            patched = merged(json.loads(text), request.input_patch)
            text = json.dumps(patched, ensure_ascii=False, separators=(",", ":"))
        inputs.for_execution(text, token.workflow_id, variables=had.variables, execution_input=had.execution_input)
        return NewWorkflow(
            definition=definition.model_copy(update={"state_machine": pruned}),
            namespace=workflow.namespace,
            queue=workflow.queue,
            input=text,
            variables=had.variables,
            execution_input=had.execution_input,
            tags=workflow.tags,
            priority=workflow.priority,
            ancestors=ancestors,
        )

    async def _definition(self, workflow: Workflow, version: int | None) -> WorkflowDefinition:
        own = workflow.workflow_definition
        if version is None and workflow.retry_for is None:
            return own
        if version is None:
            version = own.version  # what a retry has is pruned
        return await self._definition_cache.definition(own.name, version=None if version == LATEST else version)

    async def _latest(self, workflow: Workflow) -> int:
        return (await self._definition_cache.definition(workflow.workflow_definition.name, version=None)).version

    async def _events(self, workflow: Workflow) -> int | None:
        try:
            return (await self._reconciler.read_history(workflow)).last_event_id
        except errors.ExecutionNotFound:
            return None

    async def _redriven_before(self, token: IdempotencyToken, known: Workflow) -> bool:
        """Tell whether the same request has redriven a workflow. Raises ``IdempotencyKeyReused``."""
        if token.fingerprint is None:
            return False
        entry = await self._store.get_entry(_scope(known.id), token.workflow_id)
        if entry is None:
            return False
        if entry.body.get("fingerprint") != token.fingerprint:
            raise errors.IdempotencyKeyReused
        return known.redrives >= int(entry.body.get("redrives", 0))

    async def _remember(self, token: IdempotencyToken, plan: Plan) -> None:
        """Write which redrive a request with a key makes, before it is written down."""
        if token.fingerprint is None:
            return
        scope, body = _scope(plan.workflow.id), {"fingerprint": token.fingerprint, "redrives": plan.redrives}
        expires = self._now() + REMEMBERED
        if await self._store.add_entry(scope, token.workflow_id, body, expires=expires):
            return
        entry = await self._store.get_entry(scope, token.workflow_id)
        if entry is not None:  # of an attempt that came to nothing
            await self._store.update_entry(scope, token.workflow_id, body, revision=entry.revision)


def _scope(workflow_id: str) -> str:
    return f"recover/{workflow_id}"


def _no_state(definition: WorkflowDefinition, start: str) -> str:
    machine = definition.state_machine
    inner = next((state for state in states_language.walk(machine) if state.name == start), None)
    where = " among its outermost ones" if inner is not None else ""
    return (
        f"version {definition.version} of {definition.name!r} has no state {start!r}{where}; "
        f"it can start at: {', '.join(machine['States'])}"
    )

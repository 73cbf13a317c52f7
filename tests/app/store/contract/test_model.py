"""The DynamoDB store and the memory store do the same, whatever is asked of them.

Covers `app.store.memory` and `app.store.dynamodb`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from app.store import Store, WorkflowChanges, WorkflowQuery
from app.store.memory import MemoryStore
from tests import samples
from tests.app.store import backends
from tests.app.store.incompressible import noise
from workflow_manager import errors, states_language
from workflow_manager.models import (
    Job,
    JobStatus,
    StateResource,
    StateResourceType,
    Workflow,
    WorkflowDefinition,
    WorkflowStatus,
    WorkflowWarning,
)

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

MACHINE: dict[str, Any] = {
    "StartAt": "first",
    "States": {"first": {"Type": "Pass", "Next": "second"}, "second": {"Type": "Succeed"}},
}

LARGE = noise(3_000)
"""Too large for the summary of a workflow."""

NAMES = st.sampled_from(["a", "b:master"])
IDS = st.sampled_from([f"w{number}" for number in range(6)])
TAGS = st.dictionaries(st.sampled_from(["team", "tier", ""]), st.sampled_from(["infra", "1", "", "x" * 600]))
MINUTES = st.integers(0, 2)
MOMENTS = MINUTES.map(lambda minutes: samples.EPOCH + timedelta(minutes=minutes))
STATUSES = st.sampled_from(WorkflowStatus)


def _job(number: int, output: str | None) -> Job:
    return Job(
        id=str(number),
        state="first",
        type="Pass",
        status=JobStatus.SUCCEEDED,
        created_at=samples.EPOCH,
        input="{}",
        output=output,
    )


JOBS = st.lists(st.builds(_job, st.integers(1, 3), st.sampled_from([None, "{}", LARGE])), max_size=3).map(tuple)

WARNING = WorkflowWarning(code="payload", message="é", since=samples.EPOCH, value=1, limit=2)
FINGERPRINTS = st.sampled_from([None, "1:a", "1:b"])

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUSES,
        "status_reason": st.sampled_from([None, "", "broken", LARGE]),
        "started_at": st.none() | MOMENTS,
        "stopped_at": st.none() | MOMENTS,
        "last_updated": MOMENTS,
        "output": st.sampled_from([None, "", "{}", LARGE]),
        "resolved_by_user": st.booleans(),
        "fingerprint": FINGERPRINTS,
        "warnings": st.sampled_from([(), (WARNING,)]),
        "jobs": JOBS,
        "last_job": st.none() | st.builds(_job, st.integers(1, 3), st.sampled_from([None, "{}", LARGE])),
        "details_pending": st.booleans(),
        "details_deferred": st.booleans(),
        "start_pending": st.booleans(),
        "stop_pending": st.booleans(),
    },
)

QUERIES = st.builds(
    WorkflowQuery,
    definition_name=st.none() | NAMES,
    statuses=st.lists(STATUSES, max_size=2).map(tuple),
    id_prefix=st.none() | st.sampled_from(["w", "w1", "x"]),
    resolved_by_user=st.none() | st.booleans(),
    fingerprint=st.none() | FINGERPRINTS,
    namespace=st.sampled_from([None, None, "dev", "production"]),
    queue=st.sampled_from([None, None, "default", "slow"]),
    tags=st.just({}) | TAGS,
    created_after=st.none() | MOMENTS,
    created_before=st.none() | MOMENTS,
    oldest_first=st.booleans(),
)


class Differential(RuleBasedStateMachine):
    """Does everything on both stores and compares what comes back."""

    runner: asyncio.Runner
    client: "DynamoDBClient"
    url: str

    def __init__(self) -> None:
        super().__init__()
        prefix = self.runner.run(backends.empty_tables(self.client, self.url))
        self.memory = MemoryStore()
        self.dynamodb = backends.store_on(self.client, prefix)

    def both(self, step: Callable[[Store], Awaitable[object]]) -> object:
        """Take a step on each store and require the same result or the same kind of error."""
        expected = self.runner.run(_outcome(step, self.memory))
        assert self.runner.run(_outcome(step, self.dynamodb)) == expected
        return expected

    def known(self, workflow_id: str) -> Workflow | None:
        """Return a workflow as memory has it."""
        found = self.runner.run(_outcome(lambda store: store.get_workflow(workflow_id), self.memory))
        return found if isinstance(found, Workflow) else None

    @rule(name=NAMES)
    def create_definition(self, name: str) -> None:
        self.both(lambda store: store.create_definition(samples.definition(name, machine=MACHINE)))

    @rule(name=NAMES, version=st.integers(0, 3))
    def add_definition_version(self, name: str, version: int) -> None:
        definition = samples.definition(name, version=version, machine=MACHINE)
        self.both(lambda store: store.add_definition_version(definition))

    @rule(name=NAMES, version=st.none() | st.integers(-1, 3))
    def get_definitions(self, name: str, version: int | None) -> None:
        self.both(lambda store: store.get_definition(name, version=version))
        self.both(lambda store: store.list_definitions(name))
        self.both(lambda store: store.list_definitions())

    @rule(
        workflow_id=IDS,
        name=NAMES,
        start_at=st.sampled_from(["first", "second"]),
        resumes=st.none() | IDS,
        stale=st.booleans(),
        fields=st.fixed_dictionaries(
            {"minutes": MINUTES},
            optional={
                "status": STATUSES,
                "namespace": st.just("production"),
                "queue": st.just("slow"),
                "tags": TAGS,
                "input": st.sampled_from(["", LARGE]),
                "resolved_by_user": st.booleans(),
                "fingerprint": FINGERPRINTS,
                "request_fingerprint": st.just("f"),
                "priority": st.integers(0, 9),
            },
        ),
    )
    def create_workflow(
        self, workflow_id: str, name: str, start_at: str, resumes: str | None, stale: bool, fields: dict[str, Any]
    ) -> None:
        definition = self.runner.run(_outcome(lambda store: store.get_definition(name), self.memory))
        if not isinstance(definition, WorkflowDefinition):
            return
        pruned = states_language.prune(MACHINE, start_at=start_at)
        ancestors = [original] if resumes and (original := self.known(resumes)) else []
        workflow = samples.workflow(
            workflow_id,
            workflow_definition=definition.model_copy(update={"state_machine": pruned}),
            retry_for=resumes if ancestors else None,
            **fields,
        )
        if stale:
            ancestors = [ancestor.model_copy(update={"revision": ancestor.revision + 1}) for ancestor in ancestors]
        self.both(lambda store: store.create_workflow(workflow, ancestors=ancestors))

    @rule(workflow_id=IDS, changes=CHANGES, behind=st.sampled_from([0, 0, 0, 1]))
    def update_workflow(self, workflow_id: str, changes: WorkflowChanges, behind: int) -> None:
        known = self.known(workflow_id)
        revision = (known.revision if known else 0) - behind
        self.both(lambda store: store.update_workflow(workflow_id, changes, revision=revision))

    @rule(workflow_id=IDS, behind=st.sampled_from([0, 0, 1]))
    def discard_workflow(self, workflow_id: str, behind: int) -> None:
        known = self.known(workflow_id)
        revision = (known.revision if known else 0) - behind
        self.both(lambda store: store.discard_workflow(workflow_id, revision=revision))

    @rule(workflow_id=IDS)
    def get_workflow(self, workflow_id: str) -> None:
        self.both(lambda store: store.get_workflow(workflow_id))

    @rule(query=QUERIES, limit=st.integers(1, 4), summaries=st.booleans())
    def list_workflows(self, query: WorkflowQuery, limit: int, summaries: bool) -> None:
        self.pages(lambda store, token: store.list_workflows(query, limit=limit, page_token=token, summaries=summaries))

    @rule(limit=st.integers(1, 4), known=st.sets(IDS))
    def list_active_workflows(self, limit: int, known: set[str]) -> None:
        self.pages(lambda store, token: store.list_active_workflows(limit=limit, page_token=token, known=known))
        self.both(lambda store: store.list_deferred_workflows(limit=limit))

    def pages(self, page: Callable[[Store, str | None], Awaitable[Any]]) -> None:
        """Compare page after page."""
        token = None
        while True:
            shown: Any = self.both(lambda store, token=token: page(store, token))  # type: ignore[misc]
            if (token := shown.next_token) is None:
                return

    @rule(name=st.sampled_from(["x", "y"]), uri=st.sampled_from(["arn:a", "arn:b"]))
    def put_state_resource(self, name: str, uri: str) -> None:
        resource = StateResource(
            name=name, namespace="dev", uri=uri, type=StateResourceType.TASK, last_updated=samples.EPOCH
        )
        self.both(lambda store: store.put_state_resource(resource))

    @rule(name=st.sampled_from(["x", "y"]))
    def look_for_state_resources(self, name: str) -> None:
        self.both(lambda store: store.get_state_resource("dev", name))
        self.both(lambda store: store.find_state_resources("dev", ["x", "y", "z"]))

    @rule(name=st.sampled_from(["x", "y"]))
    def delete_state_resource(self, name: str) -> None:
        self.both(lambda store: store.delete_state_resource("dev", name))

    @rule(key=st.sampled_from(["queue/a", "queue/b", "lease/a"]), revision=st.integers(0, 2), value=st.integers())
    def put_document(self, key: str, revision: int, value: int) -> None:
        self.both(lambda store: store.put_document(key, {"value": value}, revision=revision))
        self.both(lambda store: store.list_documents("queue/"))
        self.both(lambda store: store.get_document(key))

    @rule(key=st.sampled_from(["queue/a", "queue/b"]), revision=st.integers(1, 2))
    def delete_document(self, key: str, revision: int) -> None:
        self.both(lambda store: store.delete_document(key, revision=revision))
        self.both(lambda store: store.list_documents("queue/"))

    @precondition(lambda self: self.known("w0") is not None)
    @rule()
    def compare_all(self) -> None:
        for number in range(6):
            self.both(lambda store, number=number: store.get_workflow(f"w{number}"))  # type: ignore[misc]


async def _outcome(step: Callable[[Store], Awaitable[object]], store: Store) -> object:
    try:
        return await step(store)
    except errors.WorkflowManagerError as error:
        return type(error)


@pytest.fixture
def differential(dynamodb_url: str) -> Iterator[type[Differential]]:
    """The state machine on each endpoint in turn."""
    with asyncio.Runner() as runner:
        opening = backends.client_of(dynamodb_url)
        client = runner.run(opening.__aenter__())
        yield type("Differential", (Differential,), {"runner": runner, "client": client, "url": dynamodb_url})
        runner.run(opening.__aexit__(None, None, None))


def _settings(*, runs: int, steps: int) -> settings:
    return settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_both_stores_do_the_same(differential: type[Differential]) -> None:
    run_state_machine_as_test(differential, settings=_settings(runs=15, steps=20))


@pytest.mark.slow
def test_both_stores_do_the_same_over_many_runs(differential: type[Differential]) -> None:
    run_state_machine_as_test(differential, settings=_settings(runs=2_000, steps=50))

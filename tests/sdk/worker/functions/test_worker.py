"""A worker with Python functions inside another program, on the embedded AWS.

Covers `workflow_manager.worker.functions.worker`.
"""

import asyncio
import json
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import eventually
from tests.sdk.worker.executions import Machine
from tests.sdk.worker.functions.test_definitions import Shelf
from workflow_manager import errors
from workflow_manager.models import WorkflowDefinition
from workflow_manager.worker import Context, SyncContext, Worker

NAMESPACE = f"n{uuid.uuid4().hex[:8]}"
DEFINITION = "name: {name}\nstateMachine: {{StartAt: A, States: {{A: {{Type: Pass, End: true}}}}}}\n"


@pytest.fixture
def worker(local_aws_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Worker:
    """A worker with one task and one definition, in a namespace of its own."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws_url)
    path = tmp_path / "workflows.yaml"
    path.write_text(DEFINITION.format(name="album"))
    made = Worker(namespace=NAMESPACE, definitions=path)

    @made.task("double")
    async def double(numbers: dict[str, int], context: Context) -> dict[str, int]:
        context.log.info("Doubling")
        return {name: 2 * number for name, number in numbers.items()}

    return made


async def test_the_body_begins_when_everything_is_registered_and_the_worker_stops_after_it(
    worker: Worker, sfn: Any
) -> None:
    shelf = Shelf()
    async with worker.running(service=shelf):
        assert list(shelf.versions) == ["album"]
        execution = await asyncio.to_thread(Machine(sfn, f"{NAMESPACE}--double").start, '{"a":21}')
        await asyncio.to_thread(execution.ended)
        assert json.loads(execution.output) == {"a": 42}


async def test_a_service_that_is_away_holds_up_neither_body_nor_tasks_and_learns_the_definitions_later(
    worker: Worker, sfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_manager.worker.functions.definitions.FIRST_PAUSE_SECONDS", 0.01)
    shelf = Shelf()
    shelf.away = True
    async with worker.running(service=shelf):
        execution = await asyncio.to_thread(Machine(sfn, f"{NAMESPACE}--double").start, '{"a":21}')
        await asyncio.to_thread(execution.ended)
        assert not shelf.versions
        shelf.away = False
        await eventually(lambda: shelf.versions, "the service learns the definition")


async def test_a_service_that_does_not_answer_holds_up_the_body_for_a_moment_only(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_manager.worker.functions.worker.HEAD_START_SECONDS", 0.01)

    class Silent(Shelf):
        async def get_definition(self, name: str) -> WorkflowDefinition:
            await asyncio.Event().wait()
            raise AssertionError

    async with asyncio.timeout(10), worker.running(service=Silent()):
        pass


async def test_a_definition_that_is_refused_beside_the_body_stops_the_worker(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_manager.worker.functions.definitions.FIRST_PAUSE_SECONDS", 0.01)
    begun = asyncio.Event()

    async def run_beside() -> None:
        async with worker.running(service=Shelf(errors.Unavailable(), errors.NotAllowed())):
            begun.set()
            await eventually(lambda: "definition-refused" in [line["action"] for line in logs], "the refusal is told")

    with capture_logs() as logs, pytest.raises(errors.NotAllowed):
        await run_beside()
    assert begun.is_set()


async def test_a_definition_that_is_refused_at_once_is_raised_before_the_body(worker: Worker) -> None:
    with pytest.raises(errors.NotAllowed):
        async with worker.running(service=Shelf(errors.NotAllowed())):
            pytest.fail("the body began")


async def test_an_error_of_the_body_stops_the_worker_in_order(worker: Worker, sfn: Any) -> None:
    begun = asyncio.Event()

    @worker.task("wait")
    async def wait() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def fail_in_the_middle_of_a_task() -> None:
        async with worker.running():
            await begun.wait()
            raise ZeroDivisionError

    execution = await asyncio.to_thread(Machine(sfn, f"{NAMESPACE}--wait").start)
    with pytest.raises(ZeroDivisionError):
        await fail_in_the_middle_of_a_task()
    await asyncio.to_thread(execution.ended)
    assert execution.error[0] == "sfncli.CommandTerminated"


async def test_a_stop_that_comes_before_the_start_counts(worker: Worker) -> None:
    worker.request_stop()
    await asyncio.wait_for(worker.run(), timeout=10)


async def test_what_stops_the_start_is_raised_before_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    with pytest.raises(errors.SettingsError, match="has no tasks"):
        async with Worker(namespace="dev").running():
            pytest.fail("the body began")


async def test_a_definition_that_is_not_valid_stops_the_start(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "workflows.yaml").write_text("name: album\nstateMachine: {}\n")
    with pytest.raises(errors.InvalidDefinition):
        await worker.run(service=Shelf())


async def test_a_definition_that_the_service_refuses_stops_the_worker(worker: Worker) -> None:
    with pytest.raises(errors.NotAllowed):
        await asyncio.wait_for(worker.run(service=Shelf(errors.NotAllowed())), timeout=10)


def test_a_heartbeat_from_a_thread_that_outlived_its_worker_says_that_the_task_is_lost() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    async def beat() -> None:
        raise AssertionError

    context = SyncContext(
        task_name="work", execution_name="run-1", log=None, cancelled=threading.Event(), beat=beat, loop=loop
    )
    with pytest.raises(errors.TaskLost):
        context.heartbeat()

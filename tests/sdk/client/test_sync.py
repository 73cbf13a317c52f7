"""The client for programs that are not asynchronous.

Covers `workflow_manager.client.sync` and `workflow_manager.client.loop_thread`.
"""

import asyncio
import concurrent.futures
import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.sdk.client.documents import workflow_json
from workflow_manager import errors, models
from workflow_manager.client import SyncWorkflowManager, WorkflowManager

THREAD = "workflow-manager-client"


def operations(kind: type) -> dict[str, inspect.Signature]:
    """Return the public methods of a client, without what differs between the two by nature."""
    return {
        name: inspect.signature(method).replace(return_annotation=inspect.Signature.empty)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and name not in {"close", "aclose"}
    }


def answering(request: httpx.Request) -> httpx.Response:
    """Be a service of a workflow that succeeds while it is watched."""
    if request.url.path == "/workflows":
        return httpx.Response(200, json=[workflow_json(id="a"), workflow_json(id="b")])
    if request.url.path.endswith("/nope"):
        return httpx.Response(404, json={"message": "there is none"})
    if request.url.path.endswith("/events"):
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=events())
    return httpx.Response(200, json=workflow_json("succeeded"))


async def events() -> AsyncIterator[bytes]:
    for number, status in enumerate(("running", "succeeded")):
        yield f"event: workflow\nid: {number}\ndata: {json.dumps(workflow_json(status))}\n\n".encode()


@pytest.fixture
def manager() -> Iterator[SyncWorkflowManager]:
    with SyncWorkflowManager("http://service.test", transport=httpx.MockTransport(answering)) as manager:
        yield manager


def test_it_has_every_operation_with_the_same_parameters() -> None:
    """Both clients have the same signatures."""
    assert operations(SyncWorkflowManager) == operations(WorkflowManager)


def test_operations_return_what_the_service_answers(manager: SyncWorkflowManager) -> None:
    """And raise what it refuses."""
    assert manager.get_workflow("w").status is models.WorkflowStatus.SUCCEEDED
    assert manager.wait("w", timeout_seconds=5).id == "w"
    with pytest.raises(errors.NotFound, match="there is none"):
        manager.get_workflow("nope")


def test_pages_and_changes_are_plain_iterators(manager: SyncWorkflowManager) -> None:
    """For loops, list and next work on them."""
    assert [workflow.id for workflow in manager.iter_workflows(limit=2)] == ["a", "b"]
    assert [workflow.status.value for workflow in manager.follow("w")] == ["running", "succeeded"]
    assert next(manager.follow("w")).status is models.WorkflowStatus.RUNNING


async def test_it_works_where_an_event_loop_runs(manager: SyncWorkflowManager) -> None:
    """Such as in a notebook."""
    assert asyncio.get_running_loop().is_running()
    assert manager.get_workflow("w").id == "w"


def test_several_threads_may_use_one(manager: SyncWorkflowManager) -> None:
    """Their operations run side by side."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: manager.get_workflow("w").id, range(100))
        assert set(found) == {"w"}


def test_closing_ends_the_thread_and_what_waits() -> None:
    """Nothing is left behind, and a closed client says so."""
    asked = threading.Event()

    async def silent(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.sleep(3600)
        raise AssertionError

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with SyncWorkflowManager("http://service.test", transport=httpx.MockTransport(silent)) as manager:
            waiting = pool.submit(manager.get_workflow, "w")
            assert asked.wait(5)
        with pytest.raises(errors.ClientClosed):
            waiting.result(timeout=5)
    assert THREAD not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(errors.ClientClosed):
        manager.get_workflow("w")
    with pytest.raises(errors.ClientClosed):
        next(manager.follow("w"))


def test_it_can_be_closed_without_a_context() -> None:
    """More than once, and before it was used."""
    manager = SyncWorkflowManager("http://service.test", transport=httpx.MockTransport(answering))
    assert manager.get_workflow("w").id == "w"
    manager.close()
    manager.close()
    with pytest.raises(errors.ClientClosed):
        manager.get_workflow("w")
    never_used = SyncWorkflowManager("http://service.test")
    never_used.close()
    with pytest.raises(errors.ClientClosed):
        never_used.health_check()
    assert THREAD not in {thread.name for thread in threading.enumerate()}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_is_told_to_open_its_own(manager: SyncWorkflowManager) -> None:
    """The thread that does the work is not in there; to wait for it would never end."""
    manager.get_workflow("w")
    changes = manager.follow("w")
    next(changes)
    child = os.fork()
    if child == 0:
        os._exit(_refuses(manager))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert next(changes).status is models.WorkflowStatus.SUCCEEDED


def _refuses(manager: SyncWorkflowManager) -> int:
    signal.alarm(10)
    try:
        manager.get_workflow("w")
    except errors.ClientClosed as refusal:
        manager.close()
        return 0 if "forked" in refusal.message else 1
    return 2


class Interrupting:
    """A service that never answers: as soon as the main thread waits for it, it presses Ctrl-C there."""

    def __init__(self, silent: str) -> None:
        self._silent = silent
        self._main = threading.get_ident()
        self.cancelled = threading.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self._silent):
            return await self._never()
        return answering(request)

    async def _never(self) -> httpx.Response:
        try:
            while sys._current_frames()[self._main].f_code.co_name != "wait":  # noqa: ASYNC110  no event tells of it
                await asyncio.sleep(0)
            signal.pthread_kill(self._main, signal.SIGINT)
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # closing takes a moment and must not be disturbed
            self.cancelled.set()
            raise
        raise AssertionError


INTERRUPTED: list[tuple[str, Callable[[SyncWorkflowManager], object]]] = [
    ("/workflows/w", lambda manager: manager.get_workflow("w")),
    ("/events", lambda manager: next(manager.follow("w"))),
    ("/events", lambda manager: list(manager.follow("w"))),
    ("/workflows", lambda manager: next(manager.iter_workflows())),
    ("/workflows", lambda manager: list(manager.iter_workflows())),
]


@pytest.mark.parametrize(("silent", "call"), INTERRUPTED)
def test_ctrl_c_cancels_the_operation(silent: str, call: Callable[[SyncWorkflowManager], object]) -> None:
    """The interrupted request does not continue in the background, and no other error is raised."""
    service = Interrupting(silent)
    with SyncWorkflowManager("http://service.test", transport=httpx.MockTransport(service)) as manager:
        with pytest.raises(KeyboardInterrupt):
            call(manager)
        assert service.cancelled.wait(5)

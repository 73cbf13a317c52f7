"""What a worker asks of Amazon ECS.

Covers `workflow_manager.worker.host.ecs`.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.sdk.worker.conftest import StartWorker, eventually
from workflow_manager import errors
from workflow_manager.worker.host.ecs import TaskProtection, expand_ecs_task

ARN = "arn:aws:ecs:us-west-2:123456789012:task/cluster/0123456789abcdef"


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """Make an HTTP client that talks to ``answer``."""
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def metadata(request: httpx.Request) -> httpx.Response:
    """Answer as the metadata endpoint does."""
    assert str(request.url) == "http://ecs/v4/task"
    return httpx.Response(200, json={"Cluster": "cluster", "TaskARN": ARN})


def unreachable(request: httpx.Request) -> httpx.Response:
    """Refuse every connection."""
    raise httpx.ConnectError("refused", request=request)


async def test_a_name_without_the_magic_texts_asks_nobody() -> None:
    async with client(unreachable) as http:
        assert await expand_ecs_task("worker", {}, http) == "worker"


@pytest.mark.parametrize(
    ("text", "name"),
    [("MAGIC_ECS_TASK_ARN", ARN), ("w-MAGIC_ECS_TASK_ID", "w-0123456789abcdef")],
)
@pytest.mark.parametrize("variable", ["ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"])
async def test_the_endpoint_tells_the_task(text: str, name: str, variable: str) -> None:
    async with client(metadata) as http:
        assert await expand_ecs_task(text, {variable: "http://ecs/v4"}, http) == name


async def test_an_endpoint_that_does_not_know_the_task_yet_is_asked_again() -> None:
    answers = iter([httpx.Response(404), httpx.Response(500), httpx.Response(200, json={"TaskARN": ARN})])
    environ = {"ECS_CONTAINER_METADATA_URI_V4": "http://ecs/v4"}
    async with client(lambda _: next(answers)) as http:
        assert await expand_ecs_task("MAGIC_ECS_TASK_ID", environ, http, check_seconds=0.01) == "0123456789abcdef"


async def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    environ = {"ECS_CONTAINER_METADATA_FILE": str(tmp_path)}
    async with client(unreachable) as http:
        with pytest.raises(
            errors.SettingsError, match=r"^ECS_CONTAINER_METADATA_FILE: .* cannot be read: Is a directory"
        ):
            await expand_ecs_task("MAGIC_ECS_TASK_ID", environ, http)


@pytest.mark.parametrize("text", ["", '{"TaskARN":', '{"MetadataFileStatus":"NOT_READY"}', "[]", '{"TaskARN":7}'])
async def test_a_file_that_is_not_ready_does_not_tell_the_task(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.json").write_text(text)
    environ = {"ECS_CONTAINER_METADATA_FILE": str(tmp_path / "metadata.json")}
    async with client(unreachable) as http:
        with pytest.raises(errors.SettingsError):
            await expand_ecs_task("MAGIC_ECS_TASK_ID", environ, http, file_wait_seconds=0.02, check_seconds=0.01)


async def test_without_an_endpoint_the_file_tells_once_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    environ = {"ECS_CONTAINER_METADATA_FILE": str(path), "ECS_CONTAINER_METADATA_URI": "http://ecs/v3"}
    async with client(unreachable) as http:
        asking = asyncio.create_task(
            expand_ecs_task("MAGIC_ECS_TASK_ID", environ, http, endpoint_wait_seconds=0.02, check_seconds=0.01)
        )
        await asyncio.sleep(0)
        path.write_text(json.dumps({"TaskARN": ARN, "MetadataFileStatus": "READY"}))
        assert await asyncio.wait_for(asking, timeout=5) == "0123456789abcdef"


@pytest.mark.parametrize("environ", [{}, {"ECS_CONTAINER_METADATA_FILE": "/does/not/exist"}])
async def test_outside_ecs_the_start_is_refused(environ: dict[str, str]) -> None:
    async with client(unreachable) as http:
        with pytest.raises(errors.SettingsError, match="are we in a container of ECS"):
            await expand_ecs_task("MAGIC_ECS_TASK_ARN", environ, http, file_wait_seconds=0.02, check_seconds=0.01)


async def test_the_container_is_protected_while_a_task_runs(start_worker: StartWorker) -> None:
    states: list[object] = []

    def agent(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("PUT", "http://agent/task-protection/v1/state")
        states.append(json.loads(request.content))
        return httpx.Response(200, json={})

    async with client(agent) as http:
        protection = TaskProtection("http://agent", http)
        running = await start_worker("sleep 0.2", concurrency=2, protection=protection)
        tasks = [await running.schedule() for _ in range(2)]
        await eventually(lambda: len(states) == 1, "the container is protected")
        for task in tasks:
            await running.end_of(task)
        # The worker leaves a task a moment after AWS has heard of its end.
        await eventually(lambda: protection.idle, "the worker has left both tasks")
        await protection.close()
    assert states == [{"ProtectionEnabled": True, "ExpiresInMinutes": 120}, {"ProtectionEnabled": False}]


@pytest.mark.looptime
async def test_tasks_that_follow_each_other_are_protected_as_one_and_the_protection_is_renewed() -> None:
    told: list[tuple[float, bool]] = []
    clock = asyncio.get_running_loop().time

    def agent(request: httpx.Request) -> httpx.Response:
        told.append((clock(), json.loads(request.content)["ProtectionEnabled"]))
        return httpx.Response(200, json={})

    async with client(agent) as http:
        protection = TaskProtection("http://agent", http)
        started = clock()
        for _ in range(100):
            async with protection:
                await asyncio.sleep(49.5)
            await asyncio.sleep(0.5)
        await asyncio.sleep(1)
    assert [(round(at - started), protected) for at, protected in told] == [(0, True), (3600, True), (5000, False)]


async def test_an_agent_that_does_not_answer_hinders_no_task(start_worker: StartWorker) -> None:
    async with client(unreachable) as http:
        running = await start_worker("true", protection=TaskProtection("http://agent", http))
        assert (await running.perform()).status == "SUCCEEDED"
        assert (await running.perform()).status == "SUCCEEDED"


async def test_an_agent_that_hangs_holds_up_neither_tasks_nor_the_stop(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_manager.worker.host.ecs.LAST_WORD_SECONDS", 0.05)
    asked = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        protection = TaskProtection("http://agent", http)
        running = await start_worker("true", protection=protection)
        await running.perform()
        await asyncio.wait_for(asked.wait(), timeout=5)
        await running.perform()
        await asyncio.wait_for(running.worker.stop(), timeout=5)
        await asyncio.wait_for(protection.close(), timeout=5)

"""Many who watch at once do not keep each other, or anybody else, from being answered.

Covers `workflow_manager.client.http`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx

from tests.sdk.client.documents import workflow_json
from workflow_manager.client import WorkflowManager
from workflow_manager.client.http import MAX_CONCURRENT_REQUESTS

MANY = 60
"""Twice as many are more than httpx holds connections to, unless it is told otherwise."""


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event) -> None:
    line = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
    body = json.dumps(workflow_json("running")).encode()
    if b"/events" in line:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(b"event: workflow\nid: 1\ndata: " + body + b"\n\n")
        await writer.drain()
        await over.wait()
    else:
        if b"wait=" in line:
            await over.wait()
        writer.write(b'HTTP/1.1 200 OK\r\nETag: W/"1"\r\nConnection: close\r\n')
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    writer.close()


@asynccontextmanager
async def service() -> AsyncIterator[str]:
    """Serve a workflow that runs as long as the test."""
    over = asyncio.Event()
    server = await asyncio.start_server(lambda reader, writer: _answer(reader, writer, over), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


async def test_those_who_watch_leave_connections_for_others() -> None:
    """Streams and long polls last for as long as their workflows."""
    async with service() as url, WorkflowManager(url, timeout_seconds=10) as manager, AsyncExitStack() as stack:
        waiting = [asyncio.create_task(manager.wait("w")) for _ in range(MANY)]
        followed = [await stack.enter_async_context(aclosing(manager.follow("w"))) for _ in range(MANY)]
        first = await asyncio.gather(*(anext(each) for each in followed))
        assert {workflow.status.value for workflow in first} == {"running"}
        assert (await manager.get_workflow("w")).id == "w"
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_other_requests_are_sent_so_many_at_a_time() -> None:
    """The rest waits for its turn, however long that takes."""
    running, most = 0, 0

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json=workflow_json())

    async with WorkflowManager("http://service.test", transport=httpx.MockTransport(answer)) as manager:
        found = await asyncio.gather(*(manager.get_workflow("w") for _ in range(MAX_CONCURRENT_REQUESTS * 3)))
    assert len(found) == MAX_CONCURRENT_REQUESTS * 3
    assert most <= MAX_CONCURRENT_REQUESTS

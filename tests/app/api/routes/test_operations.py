"""Routes for operators.

Covers `app.api.routes.operations`, `app.api.request_stats` and `app.metrics`.
"""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from app.api.middleware import RequestContext
from app.api.request_stats import RequestStats
from app.executor import Quotas
from app.executor.sfn.quotas import LARGE
from tests.rig import Rig


async def test_a_queue_is_limited_and_shown(api: httpx.AsyncClient) -> None:
    put = await api.put("/queues/slow", json={"maxRunning": 2, "startsPerSecond": 0.5})

    expected = {"name": "slow", "maxRunning": 2, "startsPerSecond": 0.5, "paused": False, "running": 0, "queued": 0}
    assert (put.status_code, put.json()) == (200, expected)
    assert (await api.get("/queues/slow")).json() == expected
    assert (await api.put("/queues/slow", json={})).json() == {
        "name": "slow",
        "paused": False,
        "running": 0,
        "queued": 0,
    }


async def test_a_queue_is_deleted_and_no_longer_listed(api: httpx.AsyncClient) -> None:
    await api.put("/queues/slow", json={"maxRunning": 2})

    answers = [await api.delete("/queues/slow") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert (await api.get("/queues")).json() == []
    assert "maxRunning" not in (await api.get("/queues/slow")).json()


async def test_queues_that_have_limits_are_listed_by_name(api: httpx.AsyncClient) -> None:
    assert (await api.get("/queues")).json() == []

    await api.put("/queues/slow", json={"paused": True})
    await api.put("/queues/fast", json={"maxRunning": 100})

    listed = (await api.get("/queues")).json()
    assert [(queue["name"], queue["paused"]) for queue in listed] == [("fast", False), ("slow", True)]


async def test_limits_that_make_no_sense_are_refused(api: httpx.AsyncClient) -> None:
    for limits in ({"maxRunning": -1}, {"maxRunning": "1"}, {"startsPerSecond": 0}, {"pause": True}, {"paused": 1}):
        assert (await api.put("/queues/slow", json=limits)).status_code == 400


async def test_metrics_can_be_read_by_prometheus(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.started()

    answer = await api.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["workflow_manager_poller_active"].samples[0].value == 1
    assert "workflow_manager_dispatch_lag_seconds" in families


async def test_quotas_show_what_is_left(api: httpx.AsyncClient, rig: Rig) -> None:
    assert (await api.get("/quotas")).json() == []

    quotas = Quotas(LARGE, clock=rig.clock.seconds)
    await quotas.take("StartExecution")

    (start,) = [headroom for headroom in quotas.headroom() if headroom.action == "StartExecution"]
    assert (start.available, start.calls, start.throttled) == (1299, 1, 0)


async def test_requests_are_counted_by_route_and_status(api: httpx.AsyncClient, app: FastAPI) -> None:
    """A path of a stranger is no label of its own."""
    for path in ("/workflows/nobody", "/workflows/nothing", "/strange/1", "/strange/2", "/_health"):
        await api.get(path)
    await api.request("MADEUP", "/workflows")
    collectors = CollectorRegistry()
    collectors.register(app.state.request_stats.histogram)

    families = text_string_to_metric_families(generate_latest(collectors).decode())
    counts = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "workflow_manager_http_request_seconds_count"
    }
    assert counts["GET", "/workflows/{workflowID}", "404"] >= 2
    assert counts["GET", "unknown", "404"] >= 2
    assert not [route for _, route, _ in counts if "strange" in route]
    assert counts["unknown", "/workflows", "405"] >= 1
    assert not [method for method, _, _ in counts if method == "MADEUP"]


async def test_a_request_that_a_stop_cuts_off_is_answered_as_one_to_be_repeated() -> None:
    """Servers cancel what is under way for too long when they stop."""
    sent: list[Message] = []

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/workflows", "headers": []}
    await RequestContext(hang, RequestStats())(scope, receive, send)

    start, body = sent
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert "stops" in json.loads(body["body"])["message"]


async def test_an_answer_that_has_begun_is_cut_off() -> None:
    async def begin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        assert message["type"] == "http.response.start"

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(asyncio.CancelledError):
        await RequestContext(begin, RequestStats())(scope, receive, send)


async def test_a_service_whose_poller_stands_still_is_not_ready(api: httpx.AsyncClient, rig: Rig) -> None:
    began = await api.get("/_ready")
    rig.get_through()
    going_on = await api.get("/_ready")
    rig.clock.advance(3600)

    answer = await api.get("/_ready")

    assert [ready.status_code for ready in (began, going_on, answer)] == [503, 200, 503]
    assert "poller" in answer.json()["message"]

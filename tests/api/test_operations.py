"""Routes for operators."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.executor import Quotas
from app.executor.quotas import LARGE
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


async def test_a_service_whose_poller_stands_still_is_not_ready(api: httpx.AsyncClient, rig: Rig) -> None:
    assert (await api.get("/_ready")).status_code == 200

    rig.clock.advance(3600)

    answer = await api.get("/_ready")
    assert answer.status_code == 503
    assert "poller" in answer.json()["message"]

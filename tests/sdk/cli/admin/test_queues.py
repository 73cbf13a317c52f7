"""Queues, quotas, and how the service is.

Covers `workflow_manager.cli.admin.queues` and `workflow_manager.cli.admin.status`.
"""

import json

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import workflow_json

SLOW = {"name": "slow", "maxRunning": 5, "startsPerSecond": 0.5, "paused": False, "running": 2, "queued": 7}


def test_queues_are_listed(wfm: Run, service: FakeService) -> None:
    """With their limits; one that is lifted is a dash."""
    service.on("GET /queues", [SLOW, {"name": "x", "paused": True, "running": 0}])
    assert [line.split() for line in wfm("queues", "list").out.splitlines()[1:]] == [
        ["slow", "no", "2", "7", "5", "0.5"],
        ["x", "yes", "0", "0", "-", "-"],
    ]
    assert json.loads(wfm("queues", "list", "-o", "json").out)[0] == SLOW


def test_a_queue_is_shown(wfm: Run, service: FakeService) -> None:
    service.on("GET /queues/slow", SLOW)
    assert json.loads(wfm("queues", "get", "slow", "-o", "json").out) == SLOW


def test_the_limits_of_a_queue_are_set(wfm: Run, service: FakeService) -> None:
    """Omitted limits are removed; running workflows are not affected."""
    service.on("PUT /queues/slow", SLOW)
    assert wfm("queues", "put", "slow", "--max-running", "5", "--starts-per-second", "0.5").code == 0
    assert wfm("queues", "put", "slow", "--paused").code == 0
    assert [asked.body for asked in service.asked] == [
        {"maxRunning": 5, "startsPerSecond": 0.5, "paused": False},
        {"paused": True},
    ]


def test_the_limits_of_a_queue_are_removed(wfm: Run, service: FakeService) -> None:
    service.on("DELETE /queues/slow", Answer(b""))
    outcome = wfm("queues", "delete", "slow")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "Removed all limits of queue slow.\n")


@pytest.mark.parametrize(("verb", "paused"), [("pause", True), ("resume", False)])
def test_a_pause_leaves_the_limits(verb: str, paused: bool, wfm: Run, service: FakeService) -> None:
    """They are read, and put again."""
    service.on("GET /queues/slow", {**SLOW, "paused": not paused})
    service.on("PUT /queues/slow", {**SLOW, "paused": paused})
    outcome = wfm("queues", verb, "slow")
    assert outcome.out.splitlines()[1].split()[1] == ("yes" if paused else "no")
    assert service.asked[-1].body == {"maxRunning": 5, "startsPerSecond": 0.5, "paused": paused}


UNUSED = {"name": "nope", "paused": False, "running": 0, "queued": 0}


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_an_unused_queue_may_be_a_typo(verb: str, wfm: Run, service: FakeService) -> None:
    """It is done all the same: the first workflow may come later."""
    service.on("GET /queues/nope", UNUSED)
    service.on("GET /workflows?queue=nope", [])
    service.on("PUT /queues/nope", {**UNUSED, "paused": True})
    outcome = wfm("queues", verb, "nope")
    assert (outcome.code, outcome.err) == (
        0,
        "Queue nope had no limits, and no workflow has ever used it; check the name.\n",
    )


@pytest.mark.parametrize("signs", [{"running": 1}, {"queued": 1}, {"maxRunning": 0}, {"startsPerSecond": 0.5}])
def test_a_used_queue_is_not_a_typo(signs: dict[str, object], wfm: Run, service: FakeService) -> None:
    service.on("GET /queues/nope", {**UNUSED, **signs})
    service.on("PUT /queues/nope", {**UNUSED, **signs, "paused": True})
    assert wfm("queues", "pause", "nope").err == ""


def test_a_queue_in_which_something_ran_is_no_slip(wfm: Run, service: FakeService) -> None:
    """What runs is not counted where nothing limits it."""
    service.on("GET /queues/nope", UNUSED)
    service.on("PUT /queues/nope", {**UNUSED, "paused": True})
    service.on("GET /workflows?queue=nope", [workflow_json("running", queue="nope")])
    assert wfm("queues", "pause", "nope").err == ""


@pytest.mark.parametrize("words", [("--max-running", "-1"), ("--starts-per-second", "0")])
def test_a_limit_that_is_none_is_refused(words: tuple[str, ...], wfm: Run, service: FakeService) -> None:
    outcome = wfm("queues", "put", "slow", *words)
    assert (outcome.code, service.asked) == (2, [])
    assert outcome.err.startswith(f"workflow-manager: Invalid value for '{words[0]}': ")
    assert outcome.err.endswith(" queues put --help)\n")


def test_quotas_are_shown(wfm: Run, service: FakeService) -> None:
    quota = {
        "action": "StartExecution",
        "bucket": 1300.0,
        "refillPerSecond": 300.0,
        "available": 1299.5,
        "waiting": 1,
        "calls": 12,
        "throttled": 0,
    }
    service.on("GET /quotas", [quota])
    assert wfm("quotas").out.splitlines()[1].split() == ["StartExecution", "1300", "1300", "300", "1", "12", "0"]
    assert json.loads(wfm("quotas", "-o", "json").out) == [quota]


def test_a_service_that_is_well_is_zero(wfm: Run, service: FakeService) -> None:
    service.on("GET /_health", {"status": "ok"})
    service.on("GET /_ready", Answer(b""))
    outcome = wfm("health")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split() for line in outcome.out.splitlines()[1:]] == [["answers", "yes"], ["works", "yes"]]


def test_a_service_that_does_no_work_is_five(wfm: Run, service: FakeService) -> None:
    """It answers; the note says what is wrong."""
    service.on("GET /_health", {"status": "ok"})
    service.on("GET /_ready", {"message": "the poller stands still"}, status=503)
    outcome = wfm("health", "-o", "json")
    assert (outcome.code, outcome.err) == (5, "the poller stands still\n")
    assert json.loads(outcome.out)[1] == {"check": "works", "ok": False, "message": "the poller stands still"}


def test_a_login_page_is_no_health(wfm: Run, service: FakeService) -> None:
    """It says 200 to everything."""
    service.on("GET /_health", Answer(b"<html><title>Log in</title></html>"))
    outcome = wfm("health")
    assert outcome.code == 5
    assert "is not from workflow-manager" in outcome.err
    assert [asked.line for asked in service.asked] == ["GET /_health"]

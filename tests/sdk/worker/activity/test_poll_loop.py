"""Registration and polls.

Covers `workflow_manager.worker.activity.poll_loop` and `workflow_manager.worker.activity.registration`.
"""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import ACTIVITY, FAST, StartWorker, eventually
from workflow_manager import errors
from workflow_manager.worker.activity.poll_rate import RateLimiter
from workflow_manager.worker.backoff import Backoff
from workflow_manager.worker.metrics.hooks import NoHooks, PollResult

ARN = f"arn:aws:states:us-west-2:123456789012:activity:{ACTIVITY}"


async def test_the_activity_is_created_with_its_tags(start_worker: StartWorker) -> None:
    running = await start_worker("true", tags={"team": "images"})
    await running.perform()
    assert running.aws.tags[ARN] == {"team": "images"}


async def test_an_activity_that_is_there_already_gets_the_tags_too(start_worker: StartWorker) -> None:
    running = await start_worker("true", tags={"team": "images"})
    await running.aws.create_activity(name=ACTIVITY, tags=[{"key": "old", "value": "kept"}])
    await running.perform()
    assert running.aws.tags[ARN] == {"old": "kept", "team": "images"}


async def test_without_tags_nothing_is_tagged(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    await running.perform()
    assert running.aws.count("tag_resource") == 0


async def test_a_worker_that_may_not_tag_works(start_worker: StartWorker) -> None:
    running = await start_worker("true", tags={"team": "images"})
    running.aws.fail("tag_resource", "AccessDeniedException")
    assert (await running.perform()).status == "SUCCEEDED"


async def test_the_start_outlives_an_aws_that_does_not_answer(start_worker: StartWorker) -> None:
    running = await start_worker("true", tags={"team": "images"})
    running.aws.fail("create_activity", "ThrottlingException", "TooManyRequestsException", "ServiceUnavailable")
    running.aws.fail("tag_resource", "ThrottlingException")
    assert (await running.perform()).status == "SUCCEEDED"
    assert running.aws.tags[ARN] == {"team": "images"}


@pytest.mark.parametrize(
    ("code", "error"), [("InvalidName", errors.RefusedByAWS), ("AccessDeniedException", errors.AccessDenied)]
)
async def test_a_start_that_can_never_succeed_ends_the_worker(
    start_worker: StartWorker, code: str, error: type[Exception]
) -> None:
    running = await start_worker("true")
    running.aws.fail("create_activity", code)
    with pytest.raises(error):
        await running.task


async def test_a_worker_stopped_before_aws_answers_ends(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail("create_activity", *["ThrottlingException"] * 1000)
    await eventually(lambda: running.aws.count("create_activity") > 2, "a few tries")
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    await running.task


@pytest.mark.parametrize(
    ("slots", "polls", "starts"),
    [
        (1, [0, 0, 0.5, 7], [0, 1, 2, 7]),
        (1, [0, 5, 5.5], [0, 5, 6]),
        (3, [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 2]),
        (3, [0, 0.2, 0.4, 0.6, 0.8, 1.9], [0, 0.2, 0.4, 1, 1.2, 1.9]),
    ],
)
def test_as_many_polls_start_within_a_second_as_there_are_slots(
    slots: int, polls: list[float], starts: list[float]
) -> None:
    times = iter(polls)
    timings = RateLimiter(slots=slots, interval_seconds=1, clock=lambda: next(times))
    assert [wanted + timings.reserve() for wanted in polls] == pytest.approx(starts)


async def test_every_poll_waits_for_its_turn_when_the_pace_says_so(start_worker: StartWorker) -> None:
    running = await start_worker("true", timings=replace(FAST, poll_interval_seconds=0.1, every_poll_waits=True))
    for _ in range(4):
        await running.schedule()
    await eventually(lambda: running.aws.count("get_activity_task") >= 5, "five polls")
    times = [time for name, time in running.aws.calls if name == "get_activity_task"]
    # A call may take longer on its way when it is the first, so the intervals count together.
    assert times[-1] - times[0] >= 0.1 * (len(times) - 1) - 0.05


class PollsHeard(NoHooks):
    """Remembers what came of each poll."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def polled(self, result: PollResult) -> None:
        self.results.append(result.value)


async def test_after_a_task_the_next_poll_goes_at_once_and_after_an_empty_one_it_waits(
    start_worker: StartWorker,
) -> None:
    heard = PollsHeard()
    running = await start_worker("true", timings=replace(FAST, poll_interval_seconds=3600), hooks=heard)
    for task in [await running.schedule() for _ in range(3)]:
        await running.end_of(task)
    await eventually(lambda: "empty" in heard.results, "a poll without a task")
    await running.worker.stop()
    assert heard.results == ["task", "task", "task", "empty"]
    assert running.aws.count("get_activity_task") == 4


async def test_after_a_poll_that_failed_the_next_one_waits(start_worker: StartWorker) -> None:
    heard = PollsHeard()
    running = await start_worker(
        "true", timings=replace(FAST, poll_interval_seconds=3600, backoff_first_seconds=0), hooks=heard
    )
    running.aws.fail("get_activity_task", "ThrottlingException")
    await eventually(lambda: heard.results, "a poll that failed")
    await running.worker.stop()
    assert heard.results == ["failed"]
    assert running.aws.count("get_activity_task") == 1


async def test_each_slot_has_one_poll_open(start_worker: StartWorker) -> None:
    running = await start_worker("true", concurrency=3)
    await eventually(lambda: running.aws.open_polls == 3, "three open polls")
    await running.perform()
    assert running.aws.open_polls <= 3


async def test_no_task_is_asked_for_while_one_runs(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.3")
    first, second = await running.schedule(), await running.schedule()
    await eventually(lambda: first.status == "STARTED", "the first task is taken")
    assert second.status == "SCHEDULED"
    await running.end_of(second)


async def test_polls_go_on_after_any_passing_trouble_of_aws(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail(
        "get_activity_task",
        "ThrottlingException",
        "ServiceUnavailable",
        "ExpiredTokenException",
        "ActivityWorkerLimitExceeded",
        "KmsThrottlingException",
    )
    assert (await running.perform()).status == "SUCCEEDED"


async def test_a_worker_name_that_aws_refuses_is_told_in_a_line_and_tried_again(start_worker: StartWorker) -> None:
    name = "arn:aws:ecs:us-west-2:123456789012:task/a-cluster-with-a-long-name/0123456789abcdef0123456789abcdef"
    with capture_logs() as logs:
        running = await start_worker("true", worker_name=name)
        running.aws.fail("get_activity_task", "ValidationException", "ValidationException")
        assert (await running.perform()).status == "SUCCEEDED"
    told = [log for log in logs if log["action"] == "worker-name-refused"]
    assert len(told) == 2
    assert told[0]["log_level"] == "error"
    assert (told[0]["characters"], told[0]["longest"], told[0]["worker_name"]) == (len(name), 80, name)


async def test_another_refusal_of_a_poll_ends_the_worker(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail("get_activity_task", "ValidationException")
    with pytest.raises(errors.RefusedByAWS):
        await running.task


async def test_an_activity_that_was_deleted_is_made_again(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    await eventually(lambda: running.aws.open_polls, "the worker polls")
    running.aws.activities.clear()
    await eventually(lambda: ARN in running.aws.activities, "the activity is made again")
    assert (await running.perform()).status == "SUCCEEDED"


async def test_a_poll_loop_that_dies_is_loud_and_lets_the_other_tasks_end(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.2; echo '{\"done\":1}'", concurrency=2)
    task = await running.schedule()
    await eventually(lambda: task.status == "STARTED" and running.aws.open_polls == 1, "one works, one polls")
    with capture_logs() as logs:
        running.aws.fail("get_activity_task", "InvalidArn")
        with pytest.raises(errors.RefusedByAWS):
            await running.task
    assert "poll-loop-died" in [log["action"] for log in logs if log["log_level"] == "error"]
    assert task.ended.is_set()


async def test_a_poll_loop_stops_for_a_bug_too(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.faults["get_activity_task"].append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await running.task


def test_pauses_double_up_to_the_cap_and_are_spread() -> None:
    spread = iter([1.0, 1.0, 0.0, 0.5, 1.0])
    backoff = Backoff(first_seconds=1, cap_seconds=5, randomness=lambda: next(spread))
    assert [backoff.next_seconds() for _ in range(4)] == [1.0, 2.0, 2.0, 3.75]
    backoff.reset()
    assert backoff.next_seconds() == 1.0

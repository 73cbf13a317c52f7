"""Tasks, queues and histories under competition: what comes first is final, and everybody hears the same.

Covers `workflow_manager.local.stepfunctions.service_tasks`.
"""

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeSuccess

from tests.eventually import eventually
from workflow_manager.local.stepfunctions import activities
from workflow_manager.local.stepfunctions.activities import Activity, ActivityRegistry, PendingTask
from workflow_manager.local.stepfunctions.checkpoints import HistoryPosition
from workflow_manager.local.stepfunctions.history import ENDINGS, History
from workflow_manager.local.stepfunctions.scopes import CallbackScope

ARN = "arn:aws:states:us-west-2:123456789012:activity:a"
ROUNDS = 200


def success(token: str = "token") -> CallbackOutcomeSuccess:
    return CallbackOutcomeSuccess(token, "{}")


def present() -> bool:
    return False


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def together(pool: ThreadPoolExecutor, *calls: Callable[[], Any]) -> list[Any]:
    """Call everything at the same moment and return the results."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        barrier.wait()
        return one()

    return list(pool.map(call, calls))


@pytest.mark.parametrize("seconds", [0.0, 10.0], ids=["timeout", "interrupt"])
def test_an_answer_counts_exactly_when_the_state_gets_it(pool: ThreadPoolExecutor, seconds: float) -> None:
    for _ in range(ROUNDS):
        task = PendingTask("token", "{}")
        assert task.take(None)

        outcome, counted, _ = together(
            pool,
            partial(task.wait, seconds),
            partial(task.finish, success()),
            task.interrupt_all if seconds else int,
        )

        assert counted == (outcome is not None)


def test_a_task_is_given_away_exactly_when_its_state_sees_it_start(pool: ThreadPoolExecutor) -> None:
    for _ in range(ROUNDS):
        task = PendingTask("token", "{}")

        started, given = together(pool, partial(task.await_start, 0.0), partial(task.take, "w"))

        assert given == (started is not None)


def test_only_one_of_many_answers_counts(pool: ThreadPoolExecutor) -> None:
    for _ in range(ROUNDS):
        task = PendingTask("token", "{}")
        task.take(None)

        assert sum(together(pool, *[partial(task.finish, success())] * 4)) == 1


def test_the_time_for_an_answer_begins_when_the_task_is_scheduled() -> None:
    task = PendingTask("token", "{}")
    task.take(None)
    task.await_start(0.0)

    assert task.wait(math.inf) is None


def test_a_heartbeat_that_comes_before_the_state_expects_it_is_not_lost() -> None:
    task = PendingTask("token", "{}")
    task.take(None)
    task.finish(success())

    assert task.setup_heartbeat_endpoint(0.0).clear_and_wait()


def test_a_closed_task_refuses_everything() -> None:
    task = PendingTask("token", "{}")
    task.interrupt_all()

    assert (task.take("w"), task.finish(success()), task.beat(), task.wait(1)) == (False, False, False, None)


def test_each_task_goes_to_one_of_many_pollers(pool: ThreadPoolExecutor) -> None:
    activity = Activity(ARN, "a")
    tasks = [PendingTask(str(number), "{}") for number in range(40)]
    polls = [pool.submit(activity.take, None, seconds=10, hung_up=present) for _ in tasks]

    for task in tasks:
        activity.put(task)

    assert {poll.result() for poll in polls} == set(tasks)


def test_a_poll_without_a_task_ends_with_nothing() -> None:
    assert Activity(ARN, "a").take(None, seconds=0.01, hung_up=present) is None


def test_a_poller_that_hung_up_passes_its_wake_up_on(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activities, "HANG_UP_CHECK_SECONDS", 60.0)
    activity, task, gone = Activity(ARN, "a"), PendingTask("token", "{}"), threading.Event()
    first = pool.submit(activity.take, None, seconds=60, hung_up=gone.is_set)
    eventually(lambda: activity._arrived._waiters, what="the first poller waits")  # type: ignore[attr-defined]
    second = pool.submit(activity.take, None, seconds=60, hung_up=present)
    eventually(lambda: len(activity._arrived._waiters) == 2, what="both pollers wait")  # type: ignore[attr-defined]

    gone.set()
    activity.put(task)

    assert (first.result(10), second.result(10)) == (None, task)


def test_a_poller_that_hung_up_does_not_stay() -> None:
    assert Activity(ARN, "a").take(None, seconds=math.inf, hung_up=lambda: True) is None


def test_a_queue_forgets_tasks_that_were_closed() -> None:
    activity = Activity(ARN, "a")
    for number in range(5):
        task = PendingTask(str(number), "{}")
        activity.put(task)
        task.interrupt_all()

    assert len(activity._queue) == 1


def test_a_task_opened_while_its_scope_ends_is_closed(pool: ThreadPoolExecutor) -> None:
    for number in range(ROUNDS):
        board = ActivityRegistry()
        board.activities[ARN] = Activity(ARN, "a")
        scope = CallbackScope(board)

        task, _ = together(
            pool,
            partial(scope.add_activity_task, str(number), ARN, "{}"),
            scope.end,
        )

        assert task.closed


def test_a_scope_inside_an_ended_one_is_ended() -> None:
    board = ActivityRegistry()
    board.activities[ARN] = Activity(ARN, "a")
    scope = CallbackScope(board)
    scope.end()

    assert scope.child().add_activity_task("token", ARN, "{}").closed


def test_a_history_has_one_ending_whoever_competes(pool: ThreadPoolExecutor) -> None:
    for _ in range(ROUNDS):
        ended: list[dict[str, Any]] = []
        history = History(on_end=ended.append)

        won = together(pool, *[partial(history.end, kind, {}) for kind in ENDINGS])

        assert (sum(won), [event["type"] for event in ended]) == (
            1,
            [event["type"] for event in history.page(first_id=None, limit=10, newest_first=False)[0]],
        )


def test_a_history_takes_nothing_after_its_end_or_from_an_abandoned_path() -> None:
    history = History(on_end=lambda _: None)
    outer = HistoryPosition(0)
    abandoned = HistoryPosition(0, abandoned=True)
    history.add_event(outer, HistoryEventType.PassStateEntered)
    history.add_event(abandoned, HistoryEventType.ActivityTimedOut)
    history.add_event(HistoryPosition.inside(abandoned), HistoryEventType.ActivityTimedOut)
    history.add_event(outer, HistoryEventType.ExecutionFailed)

    history.end(HistoryEventType.ExecutionAborted, {})
    history.add_event(outer, HistoryEventType.PassStateExited)

    events, more = history.page(first_id=None, limit=10, newest_first=False)
    assert ([event["type"] for event in events], more) == (["PassStateEntered", "ExecutionAborted"], None)

"""What the embedded Step Functions forgets, and how it shares its time.

Covers `workflow_manager.local.stepfunctions.executions` and `workflow_manager.local.stepfunctions.turns`.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sdk.local.test_process import RESTLESS, SERVE, first_line, python, workbench
from tests.sdk.local.workbench import PASS, Workbench, task, unique
from workflow_manager.local.stepfunctions.turns import FREE_EVENTS, FairTurns

KEEP_THREE = "from workflow_manager.local.options import Options; " + SERVE.replace(
    "{port},", "{port}, Options(keep=3),"
)


@contextlib.contextmanager
def keeping_three() -> Iterator[Workbench]:
    """Run an embedded AWS that keeps three ended executions."""
    with python(KEEP_THREE.format(port=0)) as child:
        bench = workbench(first_line(child))
        try:
            yield bench
        finally:
            bench.client.close()
            child.kill()


def test_executions_beyond_those_that_are_kept_go_oldest_end_first() -> None:
    with keeping_three() as bench:
        arn = bench.machine(PASS)
        runs = []
        for _ in range(6):
            runs.append(bench.client.start_execution(stateMachineArn=arn)["executionArn"])
            bench.finish(runs[-1])

        last = bench.client.start_execution(stateMachineArn=arn)["executionArn"]

        kept = [row["executionArn"] for row in bench.client.list_executions(stateMachineArn=arn)["executions"]]
        assert set(kept) == {*runs[-3:], last}
        with pytest.raises(bench.client.exceptions.ExecutionDoesNotExist):
            bench.client.describe_execution(executionArn=runs[0])


def test_a_running_execution_and_its_tokens_are_never_forgotten() -> None:
    with keeping_three() as bench:
        activity = bench.activity()
        waiting = bench.start(task(activity))
        taken = bench.take(activity)
        arn = bench.machine(PASS)
        for _ in range(8):
            bench.finish(bench.client.start_execution(stateMachineArn=arn)["executionArn"])

        bench.echo(taken)

        assert bench.finish(waiting).status == "SUCCEEDED"


def test_a_name_is_free_again_once_its_execution_is_forgotten() -> None:
    with keeping_three() as bench:
        arn, name = bench.machine(PASS), unique("again")
        bench.finish(bench.client.start_execution(stateMachineArn=arn, name=name)["executionArn"])
        with pytest.raises(bench.client.exceptions.ExecutionAlreadyExists):
            bench.client.start_execution(stateMachineArn=arn, name=name)
        for _ in range(5):
            bench.finish(bench.client.start_execution(stateMachineArn=arn)["executionArn"])

        assert bench.client.start_execution(stateMachineArn=arn, name=name)["executionArn"]


def test_executions_that_never_rest_do_not_starve_the_others(bench: Workbench) -> None:
    restless = [bench.start(RESTLESS, [1, 2, 3]) for _ in range(5)]
    try:
        for _ in range(10):
            assert bench.run({"Type": "Pass", "Result": 1, "End": True}).output == 1
    finally:
        for execution_arn in restless:
            bench.client.stop_execution(executionArn=execution_arn)


def test_only_an_execution_that_adds_many_events_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    now = [0.0]
    clock: Any = type("Clock", (), {"monotonic": staticmethod(lambda: now[0]), "sleep": staticmethod(pauses.append)})
    monkeypatch.setattr("workflow_manager.local.stepfunctions.turns.time", clock)
    busy, calm = FairTurns(), FairTurns()

    for _ in range(int(FREE_EVENTS)):
        busy.take()
    assert not pauses
    busy.take()
    assert len(pauses) == 1
    for _ in range(int(FREE_EVENTS) * 2):
        now[0] += 0.02
        calm.take()
    assert len(pauses) == 1

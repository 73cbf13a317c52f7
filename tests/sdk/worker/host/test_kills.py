"""Workers that are killed while they work: every task is done exactly once, by one that lives, and never beside it.

Covers `workflow_manager.worker.activity.worker` and `workflow_manager.worker.commands.reaper`.
"""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.eventually import eventually
from tests.sdk.worker.executions import Execution, Machine
from tests.sdk.worker.processes import Nursery, WorkerProcess, arguments, write_script

HEARTBEAT_SECONDS = 2
"""After this long without a sign of life AWS gives a task to somebody else; workers beat twice a second."""

BATCH = 10
"""Workers that run at the same time."""

COMMAND = """
log="$LOGS/$_EXECUTION_NAME"
echo "attempt $PPID $$" >> "$log"
if [ "$(wc -l < "$log")" = 1 ]; then exec sleep 600; fi
read -r _ _ first < "$log"
if kill -0 "$first" 2>/dev/null; then echo "beside" >> "$log"; fi
echo "done" >> "$log"
echo '{"done":true}'
"""
"""Never ends at the first attempt, and succeeds at once at every other.

Logs the worker and the process of each attempt, when the first one still runs beside another, and each success.
"""


class Doomed(NamedTuple):
    """A worker in mid-task, the signal it will get, and the execution of its task."""

    victim: WorkerProcess
    number: int
    execution: Execution


class Battle:
    """Executions, and the workers that fall for them."""

    def __init__(self, nursery: Nursery, sfn: Any, directory: Path) -> None:
        self._nursery = nursery
        self._logs = directory
        self._command = write_script(directory / "command", COMMAND)
        self._machine = Machine(sfn, heartbeat_seconds=HEARTBEAT_SECONDS, retries=50)

    def begin(self, numbers: Sequence[int]) -> list["Doomed"]:
        """Start a worker for each of these signals; return them once each is in the middle of a task."""
        victims = [self.worker("1") for _ in numbers]
        begun = [self._machine.start() for _ in numbers]
        return [
            Doomed(victim, number, self._prey(victim, begun)) for victim, number in zip(victims, numbers, strict=True)
        ]

    def worker(self, concurrency: str) -> WorkerProcess:
        """Start a worker."""
        flags = ("-concurrency", concurrency, "-heartbeat-seconds", "0.5")
        return self._nursery.start(*arguments(self._machine.name, str(self._command), *flags), LOGS=str(self._logs))

    def _prey(self, victim: WorkerProcess, begun: list[Execution]) -> Execution:
        """Wait until a worker has taken a task for the first time, and return its execution."""

        def look() -> Execution | None:
            assert not victim.has_ended(), victim.stderr
            return next((run for run in begun if self._first_worker(run) == victim.pid), None)

        return eventually(look, what=f"a task of worker {victim.pid}")

    def _first_worker(self, execution: Execution) -> int | None:
        log = self._logs / execution.name
        return int(log.read_text().split()[1]) if log.exists() and log.stat().st_size else None

    def log_of(self, execution: Execution) -> list[str]:
        """Return what happened in the attempts of an execution, in order."""
        return [line.split()[0] for line in (self._logs / execution.name).read_text().splitlines()]


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_each_task_of_a_killed_worker_is_reported_or_times_out_and_is_done_once(
    nursery: Nursery, sfn: Any, tmp_path: Path, count: int
) -> None:
    battle = Battle(nursery, sfn, tmp_path)
    numbers = [signal.SIGTERM, signal.SIGKILL] * count
    hit: list[Doomed] = []
    for at in range(0, len(numbers), BATCH):
        doomed = battle.begin(numbers[at : at + BATCH])
        hit += doomed
        if len(hit) == len(numbers):
            survivor = battle.worker("10")
        for victim, number, _ in doomed:
            victim.signal(number)
        for victim, _, _ in doomed:
            victim.wait()

    for _, number, execution in hit:
        assert '"done":true' in execution.ended().output
        assert battle.log_of(execution) == ["attempt", "attempt", "done"]
        events = execution.events
        assert len(events["ActivitySucceeded"]) == 1
        reported = [event["error"] for event in events["ActivityFailed"]]
        if number == signal.SIGTERM:
            assert (reported, events["ActivityTimedOut"]) == (["sfncli.CommandTerminated"], [])
        else:
            assert (reported, len(events["ActivityTimedOut"])) == ([], 1)
    survivor.end()

"""What runs that loop over a large document cost: the most memory that a service holds while it reads them all at once.

    python -m benchmarks.loops [--runs 20] [--turns 500] [--kilobytes 100]

Each turn enters and leaves a Pass and a Choice, so a history of 500 turns names its document 2,000 times. The histories
are made up page by page while they are read; Step Functions and the SDK are not part of what is measured. Statuses are
written to the memory store, which holds the jobs that are kept.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from app.executor import Observer
from app.models import Manager, Workflow, WorkflowDefinition, WorkflowStatus
from app.store.memory import MemoryStore

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = ("PassStateEntered", "PassStateExited", "ChoiceStateEntered", "ChoiceStateExited")
ARN = "arn:aws:states:us-west-2:123456789012:execution:dev--loop--0--Count:"
ROUNDS = 3
"""How often each run is looked at; the later looks begin at a remembered place, where one is remembered."""


class LoopingSFN:
    """Histories of runs that go on, each event with a text of its own, as the SDK gives them."""

    def __init__(self, *, turns: int, document_bytes: int) -> None:
        self._length = 1 + turns * len(STEPS)
        self._document_bytes = document_bytes
        self.calls = 0

    async def get_execution_history(
        self, *, executionArn: str, maxResults: int, nextToken: str = "1"
    ) -> dict[str, Any]:
        """Make up one page."""
        await asyncio.sleep(0)
        self.calls += 1
        first = int(nextToken)
        after = min(first + maxResults, self._length + 1)
        page: dict[str, Any] = {"events": [self._event(executionArn, number) for number in range(first, after)]}
        if after <= self._length:
            page["nextToken"] = str(after)
        return page

    def _event(self, arn: str, number: int) -> dict[str, Any]:
        moment = EPOCH + timedelta(seconds=number)
        common = {"id": number, "previousEventId": number - 1, "timestamp": moment}
        if number == 1:
            return {**common, "type": "ExecutionStarted", "executionStartedEventDetails": {"input": "{}"}}
        turn, step = divmod(number - 2, len(STEPS))
        text = json.dumps({"run": arn, "turn": turn, "data": "x" * self._document_bytes})
        entered = STEPS[step].endswith("Entered")
        name = "Count" if step < len(STEPS) // 2 else "Again"
        details = {"name": name, "input" if entered else "output": text}
        return {**common, "type": STEPS[step], f"state{'Entered' if entered else 'Exited'}EventDetails": details}


def workflow(number: int, *, document_bytes: int) -> Workflow:
    """Return one of the runs."""
    machine = {
        "StartAt": "Count",
        "States": {"Count": {"Type": "Pass", "Next": "Again"}, "Again": {"Type": "Choice", "Default": "Count"}},
    }
    definition = WorkflowDefinition(
        id="loop",
        name="loop",
        version=0,
        created_at=EPOCH,
        manager=Manager.STEP_FUNCTIONS,
        state_machine=machine,
        default_tags={},
    )
    return Workflow(
        id=f"w{number}",
        created_at=EPOCH,
        last_updated=EPOCH,
        workflow_definition=definition,
        status=WorkflowStatus.RUNNING,
        namespace="dev",
        queue="default",
        input=json.dumps({"data": "x" * document_bytes}),
        tags={},
        execution_arn=f"{ARN}w{number}",
    )


async def measure(*, runs: int, turns: int, document_bytes: int) -> int:
    """Look at every run at the same time, a few times over; return the number of calls."""
    sfn = LoopingSFN(turns=turns, document_bytes=document_bytes)
    store = MemoryStore()
    observer = Observer(cast("SFNClient", sfn), store, now=lambda: EPOCH)
    workflows = [workflow(number, document_bytes=document_bytes) for number in range(runs)]
    await store.create_definition(workflows[0].workflow_definition)
    for one in workflows:
        await store.create_workflow(one)
    for _ in range(ROUNDS):
        await asyncio.gather(*(_look(observer, store, one.id) for one in workflows))
    return sfn.calls


async def _look(observer: Observer, store: MemoryStore, workflow_id: str) -> None:
    """Do as the poller does."""
    async with observer.turn(f"{ARN}{workflow_id}"):
        await observer.observe(await store.get_workflow(workflow_id))


def peak_mebibytes() -> float:
    """Return the most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--kilobytes", type=int, default=100)
    chosen = parser.parse_args()
    before, begun = peak_mebibytes(), time.perf_counter()
    calls = asyncio.run(measure(runs=chosen.runs, turns=chosen.turns, document_bytes=chosen.kilobytes * 1024))
    seconds = time.perf_counter() - begun
    print(f"{chosen.runs} runs of {chosen.turns} turns over {chosen.kilobytes} KB: ", end="")
    print(f"{before:.0f} MiB at first, {peak_mebibytes():.0f} MiB at most, {calls} calls, {seconds:.1f} s")


if __name__ == "__main__":
    main()

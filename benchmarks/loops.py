"""What runs that loop over a large document cost: the most memory that a service holds, and how fresh the others stay.

    python -m benchmarks.loops [--runs 20] [--turns 500] [--kilobytes 100] [--store memory] [--readers 4]

The service runs in a process of its own, with its poller, on a Step Functions over HTTP that makes up its histories:
each turn enters and leaves a Pass and a Choice, so a history of 500 turns names its documents, one of random letters
and digits for each turn, 2,000 times. Meanwhile readers ask for these workflows and for jobs that the store does not
keep, and small runs are started that end at their second look; the time until that is stored is printed. Jobs that are
printed tell how many loops were read to their end. ``--small-input`` starts them with an input that does not tell how
large their documents are.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

from benchmarks import canned_sfn, load, subjects
from benchmarks.load import Address
from benchmarks.looping_sfn import SMALL, LoopingSFN
from scripts.dynamodb_local import dynamodb_local

MACHINE: Final = {
    "StartAt": "Count",
    "States": {
        "Count": {"Type": "Pass", "Next": "Again"},
        "Again": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "IsPresent": True, "Next": "End"}],
            "Default": "Count",
        },
        "End": {"Type": "Succeed"},
    },
}
LOOP: Final = "loop"
LOOK_SECONDS: Final = 0.2
START_SECONDS: Final = 120.0


async def measure(address: Address, *, runs: int, kilobytes: int, seconds: float, readers: int) -> None:
    """Start the loops, look at them and at small runs for a while, and print what that cost."""
    (await load.connect(address, patience_seconds=START_SECONDS)).close()
    before = await _number(address, subjects.PEAK_PATH)
    for name in (LOOP, SMALL):
        await load.fetch(address, "POST", "/workflow-definitions", {"name": name, "stateMachine": MACHINE})
    document = {"data": "x" * (kilobytes * 1024)}
    heavy = [(await _start(address, LOOP, document))["id"] for _ in range(runs)]
    began = time.monotonic()
    delays: list[float] = []
    async with _reading(address, heavy, readers=readers) as answers:
        while time.monotonic() - began < seconds:
            delays.append(await _delay(address))
    kept = [await load.fetch(address, "GET", f"/workflows/{workflow_id}") for workflow_id in heavy]
    jobs = sum(len(workflow.get("jobs", ())) for workflow in kept)
    print(f"{before:.0f} MiB at first, {await _number(address, subjects.PEAK_PATH):.0f} MiB at most")
    print(f"{jobs} jobs of {runs} runs, {sum(answers):,} answers to {readers} readers, {await _calls(address)}")
    print(f"small runs: {len(delays)} ended, seen after {max(delays):.1f} s at most")


async def _delay(address: Address) -> float:
    """Run something small; returns how long it took until its end was stored."""
    began = time.monotonic()
    workflow_id = (await _start(address, SMALL, {}))["id"]
    path = f"/workflows?workflowDefinitionName={SMALL}&status=succeeded&limit=1&summaryOnly=true"
    while not any(found["id"] == workflow_id for found in await load.fetch(address, "GET", path)):  # noqa: ASYNC110  in another process
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began


@asynccontextmanager
async def _reading(address: Address, ids: list[str], *, readers: int) -> AsyncIterator[list[int]]:
    """Have readers ask for whole workflows and left-out jobs, one after the other."""
    answers = [0] * readers

    async def reader(number: int) -> None:
        for workflow_id in itertools.islice(itertools.cycle(ids), number, None):
            path = f"/workflows/{workflow_id}"
            for asked in (path, f"{path}?fetchHistory=true", f"{path}/jobs/{2 + 2 * number}"):
                with suppress(RuntimeError):  # refused, as an answer that took too long
                    await load.fetch(address, "GET", asked)
                answers[number] += 1

    tasks = [asyncio.create_task(reader(number)) for number in range(readers)]
    try:
        yield answers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _start(address: Address, name: str, document: object) -> Any:
    body = {"workflowDefinition": {"name": name}, "namespace": "bench", "input": json.dumps(document)}
    return await load.fetch(address, "POST", "/workflows", body)


async def _number(address: Address, path: str) -> float:
    return float(await load.fetch(address, "GET", path))


async def _calls(address: Address) -> str:
    quotas = await load.fetch(address, "GET", "/quotas")
    return ", ".join(f"{quota['calls']} {quota['action']}" for quota in quotas if quota["calls"])


@contextmanager
def _store(name: str) -> Iterator[str | None]:
    """Run the store that is named; gives its URL."""
    if name == "memory":
        yield None
        return
    with dynamodb_local() as url:
        yield url


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--kilobytes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--store", choices=("memory", "dynamodb"), default="memory")
    parser.add_argument("--small-input", action="store_true")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        loops = partial(LoopingSFN, turns=chosen.turns, document_bytes=chosen.kilobytes * 1024)
        aws_url = stack.enter_context(canned_sfn.running(loops))
        store_url = stack.enter_context(_store(chosen.store))
        address = stack.enter_context(
            subjects.serving(subjects.service, aws_url=aws_url, poller=True, preset="none", dynamodb_url=store_url)
        )
        print(f"{chosen.runs} runs of {chosen.turns} turns over {chosen.kilobytes} KB, {chosen.store}", flush=True)
        asyncio.run(
            measure(
                address,
                runs=chosen.runs,
                kilobytes=0 if chosen.small_input else chosen.kilobytes,
                seconds=chosen.seconds,
                readers=chosen.readers,
            )
        )


if __name__ == "__main__":
    main()

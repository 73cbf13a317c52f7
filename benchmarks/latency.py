"""How long requests take while the poller works at full quotas in the same process, beside a process without a poller.

    python -m benchmarks.latency [--rounds 3] [--seconds 20] [--active 1000]

Requests come at a fixed rate, half of them starts and half of them lists, and their time counts from when they were
due. Step Functions is a process of its own on loopback that answers at once, with full pages: a thousand rows of
ListExecutions, a hundred events of GetExecutionHistory. The two take turns, each time in fresh processes; what counts
is the least of the rounds, since whatever else runs on the machine can only add to it.
"""

import argparse
import asyncio
from contextlib import ExitStack
from typing import NamedTuple

from app.executor.sfn.quotas import LARGE
from benchmarks import canned_sfn, load, subjects
from benchmarks.load import Address

DEFINITIONS = 20
PER_SECOND = 60.0
WARM_UP_SECONDS = 15.0
"""The buckets are full at the start; after this the poller calls as often as they refill."""

POLLED = ("DescribeExecution", "GetExecutionHistory", "ListExecutions")


class Measured(NamedTuple):
    """What one process did."""

    p50: float
    p99: float
    calls_per_second: dict[str, float]


def start(number: int) -> bytes:
    """Return a request that starts a workflow of one of the definitions."""
    reference = {"name": f"weather-{number % DEFINITIONS}", "version": 0}
    return load.request("POST", "/workflows", subjects.START | {"workflowDefinition": reference})


LIST = load.request("GET", "/workflows?limit=10&summaryOnly=true")


async def measure(address: Address, *, active: int, seconds: float) -> Measured:
    """Fill the service, let it warm up, and make requests."""
    for number in range(DEFINITIONS):
        definition = subjects.DEFINITION | {"name": f"weather-{number}"}
        await load.fetch(address, "POST", "/workflow-definitions", definition)
    connection = await load.connect(address)
    for number in range(active):
        await connection.exchange(start(number))
    await asyncio.sleep(WARM_UP_SECONDS)
    before = await _calls(address)
    taken = await load.paced(
        address, lambda number: start(number) if number % 2 else LIST, per_second=PER_SECOND, seconds=seconds
    )
    after = await _calls(address)
    connection.close()
    ordered = sorted(taken)
    return Measured(
        p50=ordered[len(ordered) // 2],
        p99=ordered[int(len(ordered) * 0.99)],
        calls_per_second={action: (after[action] - before[action]) / seconds for action in POLLED},
    )


async def _calls(address: Address) -> dict[str, int]:
    quotas = await load.fetch(address, "GET", "/quotas")
    return {quota["action"]: quota["calls"] for quota in quotas}


def in_fresh_process(*, poller: bool, active: int, seconds: float) -> Measured:
    """Measure a service."""
    with ExitStack() as stack:
        url = stack.enter_context(canned_sfn.running())
        serving = subjects.serving(subjects.service, aws_url=url, poller=poller, preset="large")
        return asyncio.run(measure(stack.enter_context(serving), active=active, seconds=seconds))


def main() -> None:
    """Print both, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--active", type=int, default=1_000)
    options = parser.parse_args()
    p99s: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(options.rounds):
        without, beside = (
            in_fresh_process(poller=poller, active=options.active, seconds=options.seconds) for poller in (False, True)
        )
        for name, measured in (("without a poller", without), ("with a poller", beside)):
            print(f"{name:>17}: p50 {measured.p50 * 1000:6.1f} ms, p99 {measured.p99 * 1000:6.1f} ms", flush=True)
        print(
            "  of the quotas: " + ", ".join(_share(action, calls) for action, calls in beside.calls_per_second.items())
        )
        p99s[False].append(without.p99)
        p99s[True].append(beside.p99)
    print(f"least p99 with / without a poller = {min(p99s[True]) / min(p99s[False]):.2f}")


def _share(action: str, calls_per_second: float) -> str:
    return f"{action} {calls_per_second / LARGE[action].refill_per_second:.0%}"


if __name__ == "__main__":
    main()

"""What POST /workflows costs: CPU time of the serving process for one request, beside what it is made of.

    python -m benchmarks.api [--requests 100] [--rounds 60]

- service: the service with the memory store, on a Step Functions that answers at once over HTTP on loopback
- service, no AWS: the same on a Step Functions that is a fake in the process
- service, key and service, JWT: the same with access control, with an API key and with a token of a provider
- bare FastAPI: one route that takes and returns the same bodies, and does nothing
- bare SDK: aiobotocore's ``start_execution`` on the same Step Functions, and nothing around it

Each is a process of its own. They take short turns, so that a busy machine is as bad for one as for the other; what
counts is the median over the rounds.
"""

import argparse
import asyncio
import json
from contextlib import ExitStack
from statistics import median

from benchmarks import canned_sfn, load, subjects
from benchmarks.load import Address

START = load.request("POST", "/workflows", subjects.START)
MOST_WITH_CREDENTIAL = 1.1
"""Times the CPU of a start without access control that one with a credential may take."""

SERVICE, NO_AWS, FASTAPI, SDK = "service", "service, no AWS", "bare FastAPI", "bare SDK"
WITH_KEY, WITH_JWT = "service, key", "service, JWT"


async def measure(addresses: dict[str, Address], *, requests: int, rounds: int) -> dict[str, float]:
    """Return the median of the CPU seconds of one request or call."""
    tokens = {name: await load.fetch(addresses[name], "GET", subjects.TOKEN_PATH) for name in (WITH_KEY, WITH_JWT)}
    starts = {name: load.request("POST", "/workflows", subjects.START, token=token) for name, token in tokens.items()}
    for name in (SERVICE, NO_AWS, WITH_KEY, WITH_JWT):
        token = tokens.get(name)
        await load.fetch(addresses[name], "POST", "/workflow-definitions", subjects.DEFINITION, token=token)
    spent: dict[str, list[float]] = {name: [] for name in addresses}
    for number in range(rounds + 1):
        for name, address in addresses.items():
            seconds = (
                await _calls(address, requests)
                if name == SDK
                else await _requests(address, starts.get(name, START), requests)
            )
            if number:  # the first round warms up
                spent[name].append(seconds / requests)
    return {name: median(seconds) for name, seconds in spent.items()}


async def _requests(address: Address, start: bytes, requests: int) -> float:
    before = await load.fetch(address, "GET", subjects.CPU_PATH)
    await load.drive(address, start, requests=requests, connections=subjects.CALLERS)
    after = await load.fetch(address, "GET", subjects.CPU_PATH)
    return float(after) - float(before)


async def _calls(address: Address, calls: int) -> float:
    return float(await load.fetch(address, "GET", f"{subjects.CALLS_PATH}?{calls}"))


async def same_bodies(service: Address, bare: Address) -> bool:
    """Tell whether the bare route answers what the service answers, but for ids and times."""
    answers = [json.loads(await (await load.connect(address)).exchange(START)) for address in (service, bare)]
    return answers[0].keys() == answers[1].keys() and abs(len(str(answers[0])) - len(str(answers[1]))) < 16


def main() -> None:
    """Print the CPU time of each, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100, help="requests of one round")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(canned_sfn.running())
        addresses = {
            SERVICE: stack.enter_context(subjects.serving(subjects.service, aws_url=url)),
            WITH_KEY: stack.enter_context(subjects.serving(subjects.service_with_key, aws_url=url)),
            WITH_JWT: stack.enter_context(subjects.serving(subjects.service_with_jwt, aws_url=url)),
            NO_AWS: stack.enter_context(subjects.serving(subjects.service_without_aws)),
            FASTAPI: stack.enter_context(subjects.serving(subjects.bare_fastapi)),
            SDK: stack.enter_context(subjects.serving(subjects.bare_sdk, aws_url=url)),
        }
        costs = asyncio.run(measure(addresses, requests=options.requests, rounds=options.rounds))
        if not asyncio.run(same_bodies(addresses[SERVICE], addresses[FASTAPI])):
            raise SystemExit("the bare route does not answer what the service answers: nothing can be compared")
    for name, seconds in costs.items():
        print(f"{name:>16}: {seconds * 1e6:6.0f} µs of CPU")
    for name in (WITH_KEY, WITH_JWT):
        print(f"{name} / service = {costs[name] / costs[SERVICE]:.2f} (at most {MOST_WITH_CREDENTIAL})")
    both = costs[FASTAPI] + costs[SDK]
    print(f"service / (bare FastAPI + bare SDK) = {costs[SERVICE] / both:.2f}")
    print(f"service without AWS / bare FastAPI  = {costs[NO_AWS] / costs[FASTAPI]:.2f}")


if __name__ == "__main__":
    main()

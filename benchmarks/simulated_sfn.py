"""Step Functions as the quotas make it: token buckets, pages of a thousand, lists that lag, and a round trip a call."""

import asyncio
import heapq
import random
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from app.executor.sfn.quotas import LARGE, Priority, Quota, current_priority
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROUND_TRIP_SECONDS = 0.05
LIST_LAG_SECONDS = 1.0
MEAN_SECONDS = 600.0
FAILING = 0.03
ABORTED = 0.01
PAGE = 1000

JSON = dict[str, Any]


def moment(seconds: float) -> datetime:
    """Return a time of the simulation as a date."""
    return EPOCH + timedelta(seconds=seconds)


@dataclass(slots=True)
class Run:
    """One execution; when and how it ends is settled at its start."""

    name: str
    machine: str
    started: float
    ends: float
    ending: str


@dataclass(slots=True)
class Machine:
    """What the lists of one state machine show, in order of the start."""

    running: dict[str, Run] = field(default_factory=dict)
    ended: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))


class ServerBucket:
    """The token bucket of AWS: it never waits, it refuses."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._clock = clock
        self._tokens = quota.bucket
        self._counted_at = clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        now = self._clock()
        passed, self._counted_at = now - self._counted_at, now
        self._tokens = min(self._quota.bucket, self._tokens + passed * self._quota.refill_per_second)
        # Counting in floats must not refuse the token that the caller has just counted too.
        if self._tokens < 1 - 1e-6:
            return False
        self._tokens -= 1
        return True


class SimulatedSFN:
    """The calls that the service makes, in virtual time."""

    def __init__(self, clock: Callable[[], float], *, seed: int) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.runs: dict[str, Run] = {}
        self.definitions: dict[str, JSON] = {}
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.calls_by_lane: Counter[Priority] = Counter()
        self.refuse: Callable[[], bool] = lambda: False
        self.interfere: Callable[[str], Awaitable[None]] = let_be
        """Called with the action before each call: raises, or takes as long as it likes."""
        self.on_start: Callable[[Run], None] = lambda run: None
        self._machines: dict[str, Machine] = {}
        self._seen_ends: list[tuple[float, str]] = []
        self._buckets = {action: ServerBucket(quota, clock) for action, quota in LARGE.items()}

    def client(self) -> "SFNClient":
        """Return this simulation under the type of the real client."""
        return cast("SFNClient", self)

    def now(self) -> datetime:
        """Return the present as a date."""
        return moment(self.clock())

    def add(self, machine: str, name: str, *, started: float) -> Run:
        """Start a run that lasts exponentially long; an old one has what is left of its time from now on."""
        ends = self.clock() + self.random.expovariate(1 / MEAN_SECONDS)
        run = self.runs[name] = Run(name=name, machine=machine, started=started, ends=ends, ending=self._ending())
        self._machines.setdefault(machine, Machine()).running[name] = run
        heapq.heappush(self._seen_ends, (ends + LIST_LAG_SECONDS, name))
        self.on_start(run)
        return run

    def add_past(self, machine: str, *, starts_per_second: float, seconds: float) -> None:
        """Add the runs that started in so many seconds before now and have ended: lists show them too."""
        ended = self._machines.setdefault(machine, Machine()).ended
        started = self.clock() - seconds
        while (started := started + self.random.expovariate(starts_per_second)) < self.clock():
            ends = started + self.random.expovariate(1 / MEAN_SECONDS)
            if ends < self.clock():
                name = f"past-{len(self.runs):08}"
                self.runs[name] = Run(name=name, machine=machine, started=started, ends=ends, ending=self._ending())
                ended[self.runs[name].ending].append((started, name))

    async def create_state_machine(self, *, name: str, definition: str, roleArn: str, tags: list[JSON]) -> JSON:
        await self._call("CreateStateMachine")
        arn = f"arn:aws:states:us-west-2:123456789012:stateMachine:{name}"
        self.definitions[arn] = {"definition": definition, "roleArn": roleArn}
        return {}

    async def create_activity(self, *, name: str) -> JSON:
        await self._call("CreateActivity")
        return {"activityArn": f"arn:aws:states:us-west-2:123456789012:activity:{name}"}

    async def describe_state_machine(self, *, stateMachineArn: str) -> JSON:
        await self._call("DescribeStateMachine")
        return self.definitions[stateMachineArn]

    async def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> JSON:
        await self._call("StartExecution")
        if name not in self.runs:
            self.add(stateMachineArn, name, started=self.clock())
        return {}

    async def describe_execution(self, *, executionArn: str) -> JSON:
        await self._call("DescribeExecution")
        run = self._run(executionArn)
        answer = {"status": self._status(run), "startDate": moment(run.started)}
        if answer["status"] != "RUNNING":
            answer |= {"stopDate": moment(run.ends), "output": "{}"}
        return answer

    async def get_execution_history(self, *, executionArn: str, maxResults: int, nextToken: str = "") -> JSON:
        await self._call("GetExecutionHistory")
        run = self._run(executionArn)
        started = moment(run.started)
        events: list[JSON] = [
            {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": started},
            {
                "id": 2,
                "previousEventId": 1,
                "type": "TaskStateEntered",
                "timestamp": started,
                "stateEnteredEventDetails": {"name": "echo", "input": "{}"},
            },
        ]
        status = self._status(run)
        if status != "RUNNING":
            kind = "Execution" + status.capitalize()
            events.append({"id": 3, "previousEventId": 2, "type": kind, "timestamp": moment(run.ends)})
        return {"events": events}

    async def list_executions(
        self, *, stateMachineArn: str, statusFilter: str, maxResults: int, nextToken: str = ""
    ) -> JSON:
        await self._call("ListExecutions")
        self._show_ends()
        machine = self._machines.get(stateMachineArn, Machine())
        visible = self.clock() - LIST_LAG_SECONDS
        if statusFilter == "RUNNING":
            runs = [run for run in reversed(machine.running.values()) if run.started <= visible]
        else:
            runs = [self.runs[name] for _, name in reversed(machine.ended[statusFilter])]
        start = int(nextToken or 0)
        rows = [self._row(run, statusFilter) for run in runs[start : start + PAGE]]
        more = {"nextToken": str(start + PAGE)} if start + PAGE < len(runs) else {}
        return {"executions": rows, **more}

    def _ending(self) -> str:
        roll = self.random.random()
        return "FAILED" if roll < FAILING else "ABORTED" if roll < FAILING + ABORTED else "SUCCEEDED"

    def _row(self, run: Run, status: str) -> JSON:
        row = {"name": run.name, "status": status, "startDate": moment(run.started)}
        return row if status == "RUNNING" else row | {"stopDate": moment(run.ends)}

    def _show_ends(self) -> None:
        while self._seen_ends and self._seen_ends[0][0] <= self.clock():
            _, name = heapq.heappop(self._seen_ends)
            run = self.runs[name]
            machine = self._machines[run.machine]
            del machine.running[name]
            insort(machine.ended[run.ending], (run.started, name))

    def _status(self, run: Run) -> str:
        return "RUNNING" if self.clock() < run.ends else run.ending

    def _run(self, execution_arn: str) -> Run:
        try:
            return self.runs[execution_arn.rpartition(":")[2]]
        except KeyError:
            raise errors.ExecutionNotFound from None

    async def _call(self, action: str) -> None:
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        self.calls[action] += 1
        self.calls_by_lane[current_priority()] += 1
        await self.interfere(action)
        refused = not self._buckets[action].take() or self.refuse()
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        if refused:
            self.throttled[action] += 1
            raise errors.Throttled


async def let_be(_: str) -> None:
    """Interfere with nothing."""

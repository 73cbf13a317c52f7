"""Map states: iterations inside a run, and child runs of a distributed Map with batches and tolerated failures."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from moto.stepfunctions.parser.api import HistoryEventType, MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.inline_item_processor import (
    InlineItemProcessor,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from workflow_manager.local.language.failures import RUN_FAILED, failure
from workflow_manager.local.language.map_runs import MAX_REDRIVES, MapRun
from workflow_manager.local.language.queries import evaluated

MAX_THREADS: Final = 40
"""Iterations at the same time, which is AWS's limit for an inline Map; a distributed one could have 10,000 there."""


class InlineMap(InlineItemProcessor):
    """The iterations of an inline Map."""

    def _eval_body(self, env: Environment) -> None:
        eval_input: Any = env.stack[-1]
        wanted = eval_input.max_concurrency or MAX_THREADS
        eval_input.max_concurrency = max(1, min(wanted, MAX_THREADS, len(eval_input.input_items)))
        super()._eval_body(env)


def work_off(worker: IterationWorker, job: Any, worker_frame: Environment) -> None:
    """Stand in for the worker's way from job to job, which calls itself and ends at 1,000 of them."""
    env, pool, stopped = worker._env, worker._job_pool, worker.stopped  # noqa: SLF001 - takes the place of a method
    while job is not None:
        job_frame: Any = worker_frame.open_inner_frame()
        job_frame.take_path(job.job_index)
        worker._eval_job(env=job_frame, job=job)  # noqa: SLF001
        worker_frame.close_frame(job_frame)
        failed = isinstance(job.job_output, Exception) or stopped()  # type: ignore[no-untyped-call]
        next_job = None if failed else pool.next_job()
        if next_job is None:
            if not failed:
                last_id = job_frame.event_history_context.last_published_event_id
                worker_frame.event_history_context.source_event_id = last_id
            # Before the job, because the Map goes on once all jobs are closed.
            env.close_frame(worker_frame)
        pool.close_job(job)
        job = next_job
        if job is None:
            return
    env.close_frame(worker_frame)


@dataclass(frozen=True)
class Tolerance:
    """The failures that a distributed Map puts up with; None where it says nothing."""

    count: int | None
    percentage: float | None

    def allows(self, failed: int, total: int) -> bool:
        """Return whether the Map continues with this number of failed items."""
        if self.count is None and self.percentage is None:
            return failed == 0
        within_count = self.count is None or failed <= self.count
        return within_count and (self.percentage is None or failed * 100 <= self.percentage * total)


@dataclass(frozen=True)
class Batcher:
    """How items are put together; a component for each number, because they can be paths and expressions."""

    most_items: EvalComponent | None
    most_bytes: EvalComponent | None
    batch_input: EvalComponent | None


@dataclass(frozen=True)
class _Child:
    index: int
    value: Any
    items: int
    has_input: bool
    """Whether ``value`` is the input as it is, or an item that the selector has yet to see."""


class DistributedMap(distributed_item_processor.DistributedItemProcessor):
    """The child runs of a distributed Map. Their histories are not kept."""

    batcher: Batcher | None = None
    has_count = False
    has_percentage = False

    def _eval_body(self, env: Environment) -> None:
        eval_input: Any = env.stack.pop()
        record = eval_input.map_run_record = _begin(env, eval_input.map_run_record)
        history, checkpoint = env.event_manager, _checkpoint(env)
        try:
            _check_redrives(env, record)
            if checkpoint.items is None:
                checkpoint.items = self._items(env, eval_input)
            env.stack.append(checkpoint.items)
            env.event_manager = _Unrecorded()
            self._map_run(env, eval_input)
        except Exception as error:
            history.add_event(env.event_history_context, HistoryEventType.MapRunFailed, _run_failure(error))
            record.set_stop(MapRunStatus.FAILED if env.is_running() else MapRunStatus.ABORTED)
            raise
        finally:
            env.event_manager = history
        history.add_event(env.event_history_context, HistoryEventType.MapRunSucceeded)
        record.set_stop(MapRunStatus.SUCCEEDED if env.is_running() else MapRunStatus.ABORTED)

    def _items(self, env: Environment, eval_input: Any) -> list[Any]:
        if not eval_input.item_reader:
            return list(eval_input.input_items)
        eval_input.item_reader.eval(env=env)
        return list(env.stack.pop())

    def _map_run(self, env: Environment, eval_input: Any) -> None:
        items: list[Any] = env.stack.pop()
        tolerance = Tolerance(
            count=eval_input.tolerated_failure_count if self.has_count else None,
            percentage=eval_input.tolerated_failure_percentage if self.has_percentage else None,
        )
        run = _Run(
            env,
            select=_selector(env, eval_input),
            work=self._get_iteration_program().eval,
            record=eval_input.map_run_record,
            goes_on=lambda failed: tolerance.allows(failed, len(items)),
        )
        children = list(self._children(env, eval_input, items))
        outputs = run.outputs(children, threads=min(eval_input.max_concurrency or MAX_THREADS, MAX_THREADS))
        if not tolerance.allows(run.failed, len(items)):
            cause = "The specified tolerated failure threshold was exceeded"
            raise failure(env, "States.ExceedToleratedFailureThreshold", cause, event_type=RUN_FAILED)
        env.stack.append(outputs)

    def _children(self, env: Environment, eval_input: Any, items: list[Any]) -> Iterator[_Child]:
        if self.batcher is None:
            yield from (_Child(index, item, 1, has_input=False) for index, item in enumerate(items))
            return
        select, frame = _selector(env, eval_input), env.open_inner_frame()
        frame.stack.append(env.stack[-1])
        frame.states.reset(env.stack[-1])
        try:
            shared = _optional(self.batcher.batch_input, frame)
            most_items = _positive(frame, self.batcher.most_items)
            most_bytes = _positive(frame, self.batcher.most_bytes)
        finally:
            env.delete_frame(frame)
        extra = {} if shared is None else {"BatchInput": shared}
        selected = [select(index, item) for index, item in enumerate(items)]
        for index, batch in enumerate(_batches(selected, most_items, most_bytes)):
            yield _Child(index, {**extra, "Items": batch}, len(batch), has_input=True)


def _optional(component: EvalComponent | None, env: Environment) -> Any:
    return None if component is None else evaluated(component, env)


def _positive(env: Environment, component: EvalComponent | None) -> int | None:
    value = _optional(component, env)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise failure(env, "States.Runtime", f"The ItemBatcher needs a positive number, not {to_json_str(value)}")


def _batches(items: list[Any], most_items: int | None, most_bytes: int | None) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size = 0
    for item in items:
        weight = len(to_json_str(item, separators=(",", ":")).encode()) + 1
        full = len(batch) == most_items or (most_bytes is not None and size + weight > most_bytes)
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


def _selector(env: Environment, eval_input: Any) -> Callable[[int, Any], Any]:
    """Return what makes the input of an iteration from its item."""
    component, state_input = eval_input.item_selector or eval_input.parameters, env.stack[-1]

    def select(index: int, item: Any) -> Any:
        if component is None:
            return item
        frame = env.open_inner_frame()
        try:
            _name_item(frame, index, item)
            frame.states.reset(state_input)
            frame.stack.append(state_input)
            return evaluated(component, frame)
        finally:
            env.delete_frame(frame)

    return select


def _name_item(frame: Environment, index: int, item: Any) -> None:
    context: Any = frame.states.context_object.context_object_data
    context["Map"] = {"Item": {"Index": index, "Value": item}}


class _Unrecorded(EventManager):
    """Numbers events and forgets them; what they say of a child that is redriven is all that is kept."""

    def add_event(
        self,
        context: Any,
        event_type: HistoryEventType,
        event_details: Any = None,
        timestamp: Any = None,
        update_source_event_id: bool = True,
    ) -> int:
        """Note what an event says, and return its number."""
        event_id = context.repeated(event_type)
        if event_id is None:
            event_id = self._event_id_gen.get()
            context.note(event_type, event_id)
        return int(event_id)


def _checkpoint(env: Any) -> Any:
    return env.event_history_context.checkpoint


def _begin(env: Any, record: Any) -> Any:
    """Tell the history that a Map Run starts, or that the one of before goes on; return the run that it is."""
    checkpoint, details = _checkpoint(env), {"mapRunArn": record.map_run_arn}
    if checkpoint.map_run is None:
        checkpoint.map_run = record
        kind, name = HistoryEventType.MapRunStarted, "mapRunStartedEventDetails"
    else:
        env.map_run_record_pool_manager._pool.pop(record.map_run_arn)  # noqa: SLF001 - moto made one in vain
        record = checkpoint.map_run
        record.redrive()
        kind, name = HistoryEventType.MapRunRedriven, "mapRunRedrivenEventDetails"
        details = {"mapRunArn": record.map_run_arn, "redriveCount": record.redrive_count}
    env.event_manager.add_event(env.event_history_context, kind, {name: details})
    return record


def _check_redrives(env: Environment, record: MapRun) -> None:
    if record.redrive_count > MAX_REDRIVES:
        cause = f"The Map Run exceeded the maximum number of redrives ({MAX_REDRIVES})."
        raise failure(env, "States.Runtime", cause, event_type=RUN_FAILED)


def _run_failure(error: Exception) -> Any:
    pair = error.extract_error_cause_pair() if isinstance(error, FailureEventException) else None
    told = {name: text for name, text in zip(("error", "cause"), pair or (), strict=False) if text}
    return {"mapRunFailedEventDetails": told}


class _Run:
    """One run of all children, in a few threads."""

    def __init__(
        self,
        env: Environment,
        *,
        select: Callable[[int, Any], Any],
        work: Callable[[Environment], None],
        record: MapRun,
        goes_on: Callable[[int], bool],
    ) -> None:
        self._env = env
        self._select = select
        self._work = work
        self._record = record
        self._goes_on = goes_on
        self._lock = threading.Lock()
        self._outputs: dict[int, Any] = {}
        self._begun: frozenset[int] = frozenset()
        self.failed = 0
        """Items whose child failed."""

    def outputs(self, children: list[_Child], *, threads: int) -> list[Any]:
        """Run the children until all have ended or too many failed; return their outputs, null for a failed one.

        Items that succeeded before a redrive keep their outputs.
        """
        paths = _checkpoint(self._env).paths
        self._outputs = {number: path.output for number, path in paths.items() if path.ended}
        waiting = deque(child for child in children if child.index not in self._outputs)
        self._begun = frozenset(number for number, path in paths.items() if path.step is not None)
        self._record.admit(
            new=[child.items for child in waiting if child.index not in self._begun],
            redriven=[child.items for child in waiting if child.index in self._begun],
        )
        workers = [
            threading.Thread(target=self._work_off, args=(waiting,), daemon=True)
            for _ in range(max(1, min(threads, len(waiting))))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return [self._outputs.get(child.index) for child in children]

    def _work_off(self, waiting: deque[_Child]) -> None:
        while self._env.is_running() and self._goes_on(self.failed):
            try:
                child = waiting.popleft()
            except IndexError:
                return
            self._run(child)

    def _run(self, child: _Child) -> None:
        self._record.take(child.items, redriven=child.index in self._begun)
        succeeded = self._succeeds(child)
        self._record.close(child.items, succeeded=succeeded, aborted=not self._env.is_running())
        if not succeeded:
            with self._lock:
                self.failed += child.items

    def _succeeds(self, child: _Child) -> bool:
        frame: Any = self._env.open_inner_frame()
        try:
            frame.take_path(child.index)
            value = child.value if child.has_input else self._select(child.index, child.value)
            frame.event_manager = _Unrecorded()
            _name_item(frame, child.index, child.value)
            frame.states.reset(value)
            self._work(frame)
            ended = isinstance(frame.program_state(), ProgramEnded)
            if ended:
                with self._lock:
                    self._outputs[child.index] = frame.states.get_input()
        except Exception:  # noqa: BLE001 - whatever goes wrong in a child is its failure and not that of the thread
            return False
        else:
            return ended
        finally:
            self._env.delete_frame(frame)

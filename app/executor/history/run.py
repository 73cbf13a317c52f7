"""The state of a fold: all jobs so far, what goes on, and which job an event is about."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from app.executor.history import resources
from app.executor.history.definition_index import DefinitionIndex
from app.executor.history.events import Owner, SeenEvent
from app.executor.history.payloads import Newest, Payloads
from app.executor.history.reasons import ReportedFailure
from app.executor.history.records import CONTAINER_TYPES, Container, JobPlace, Record, lineage
from workflow_manager import models
from workflow_manager.models import JobStatus

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
ROOT_EVENT_ID: Final = 0
"""What the first event of a run points to, and those that end it from outside."""


class Run:
    """Keeps the jobs of one run and finds the one that an event is about."""

    def __init__(
        self, state_machine: Mapping[str, Any] | None = None, *, namespace: str = "", payloads: Payloads | None = None
    ) -> None:
        self.namespace = namespace
        self.payloads = payloads or Newest()
        self.definition = DefinitionIndex(state_machine)
        self.root = Container(None)
        self.records: list[Record] = []
        self.last_event_id = ROOT_EVENT_ID
        self._owners: dict[int, Owner] = {ROOT_EVENT_ID: JobPlace(self.root)}
        self._holders: dict[str, Record] = {}
        self._resumable: dict[int, Record] = {}
        self._redrives: set[int] = set()
        self._now = _EPOCH

    def see(self, event_id: int, event: Mapping[str, Any]) -> SeenEvent:
        """Find out what is known about an event."""
        moment, before = event.get("timestamp"), event.get("previousEventId")
        if isinstance(moment, datetime):
            self._now = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        details = (value for key, value in event.items() if key.endswith("EventDetails") and isinstance(value, Mapping))
        owner = self._owners.get(before) if isinstance(before, int) else None
        return SeenEvent(
            id=event_id,
            type=str(event.get("type")),
            at=self._now,
            details=next(details, {}),
            owner=owner or self._owners[self.last_event_id],
            lost=owner is None or before in self._redrives,
        )

    def saw(self, seen: SeenEvent, owner: Owner | None) -> None:
        """Note what an event belongs to; without an answer that is what the event before it belongs to."""
        self._owners[seen.id] = owner or seen.owner
        self.last_event_id = seen.id

    def enter(self, record: Record) -> None:
        """Take in a new job."""
        container = record.place.container
        before = container.latest.get(record.place.path)
        self.give_up(before)
        if before and before.output == record.input:
            record.input = before.output  # one text in memory instead of two
        container.enter(record)
        self.records.append(record)
        self.payloads.took(record)
        if record.type in CONTAINER_TYPES:
            self._holders[record.state] = record

    def place(self, state: str, seen: SeenEvent) -> JobPlace:
        """Tell where a state runs that is entered."""
        place = seen.place
        if seen.lost:
            place = self._remembered_place(state) or place
        around = place.container.job
        if around is None or around.type != "Parallel" or place.branch is not None:
            return place
        location = self.definition.location(state)
        known = location.branch if location else None
        return place._replace(branch=place.container.next_branch() if known is None else known)

    def resource(self, state: str, seen: SeenEvent) -> models.JobResource:
        """Tell what a state that is entered runs on, as far as the definition knows."""
        return resources.defined_resource(self.definition.fields(state), namespace=self.namespace, seen_at=seen.at)

    def _remembered_place(self, state: str) -> JobPlace | None:
        """Find a place without a path: that of the unfinished job, else what the definition says."""
        for record in self._resumable.values():
            if record.state == state:
                return record.place
        location = self.definition.location(state)
        holder = self._holders.get(location.container) if location and location.container else None
        return JobPlace(holder.inside, branch=location.branch) if location and holder and holder.inside else None

    def task(self, seen: SeenEvent, resource: models.JobResource | None = None) -> Record | None:
        """Find the task that an event is about, unless it is over."""
        resumed = self._resumable.values() if seen.lost and not isinstance(seen.owner, Record) else ()
        found = chain(self._at(seen), (one for one in resumed if one.runs(resource)))
        record = next((one for one in found if one.type == "Task" and one.live), None)
        return record if record and self.revive(record, seen.at) else None

    def container(self, seen: SeenEvent) -> Record | None:
        """Find the Parallel or Map that an event is about: the innermost one around it that goes on."""
        return next((one for one in self.around(seen) if one.live), None)

    def around(self, seen: SeenEvent) -> Iterator[Record]:
        """Walk outwards over the jobs that an event can be about, by type and name."""
        resumed = self._resumable.values() if seen.lost else ()
        for record in chain(lineage(seen.record), resumed, self._at(seen)):
            if record.type == seen.state_type and seen.name in {None, record.state}:
                yield record

    def evaluated(self, seen: SeenEvent) -> Record | None:
        """Find the job whose evaluation failed: the one that the event names, wherever it points to."""
        found = (one for one in self._at(seen) if seen.name in {None, one.state})
        return next((one for one in found if one.live or (one.type == "Fail" and one.broken)), None)

    def blamed(self, seen: SeenEvent) -> Record | None:
        """Find the job that made the run fail: the one that the cause names, else the one that is pointed to."""
        named = self._blamed(seen)
        return named if named and (named.open or named.broken) else seen.record

    def _blamed(self, seen: SeenEvent) -> Record | None:
        owner = self._owners.get(seen.blamed_entry or ROOT_EVENT_ID)
        return owner if isinstance(owner, Record) else None

    def _at(self, seen: SeenEvent) -> Iterator[Record]:
        """Yield the jobs that an event can be of, the surest first.

        An event need not point into its job: Step Functions points some to the event before the entry. Then the job is
        the last one of that path, or of that container by its name.
        """
        container, path = seen.place.container, seen.place.path
        last, named = container.latest.get(path), container.named.get(seen.name or "")
        pointed = seen.owner if isinstance(seen.owner, Record) else None
        yield from (record for record in (self._blamed(seen), pointed, last, named) if record)

    def fail(self, record: Record, seen: SeenEvent) -> None:
        """End a job as failed, by its own fault or that of a job inside."""
        failed_child = self.end_inside(record.inside, seen) if record.inside else None
        record.close(JobStatus.FAILED, seen.at, failed_child.why.without_cause() if failed_child else seen.failure)

    def end_inside(self, container: Container, seen: SeenEvent) -> Record | None:
        """End what goes on inside because one job there failed, and return that job."""
        failed_child = container.find_failed_child(self.blamed(seen))
        if failed_child and failed_child.open:
            self.fail(failed_child, seen)
        container.failed_child = failed_child if failed_child and failed_child.broken else None
        cause = f"{container.failed_child.state} failed" if container.failed_child else "the workflow failed"
        container.abort(JobStatus.ABORTED_DEPS_FAILED, seen.at, ReportedFailure(f"Aborted because {cause}"))
        return container.failed_child

    def revive(self, record: Record, at: datetime) -> bool:
        """Reopen what a redrive goes on with, a job and all around it. Tell whether the job goes on."""
        for one in lineage(record):
            if one.resumable:
                self._resumable.pop(one.id, None)
                one.reopen()
                if one.inside:
                    one.begin_try(at, status=JobStatus.RUNNING)
                    one.run(at)
        return record.open

    def give_up(self, record: Record | None) -> None:
        """Leave an unfinished job as it ended: its state is entered again."""
        if record and record.resumable:
            record.resumable = False
            self._resumable.pop(record.id, None)

    def start_over(self, record: Record) -> None:
        """Leave what is inside as it ended: a redrive runs all branches or items again, as after too large a result."""
        for one in tuple(record.inside.unfinished()) if record.inside else ():
            self.give_up(one)
        record.inside = None

    def redrive(self, event_id: int) -> None:
        """Let unfinished jobs go on, each as soon as an event of it says so."""
        self._resumable = {record.id: record for record in self.root.unfinished()}
        for record in self._resumable.values():
            record.resumable = True
        self.root.failed = self.root.failed_child = None
        self._redrives.add(event_id)

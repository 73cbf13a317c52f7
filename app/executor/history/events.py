"""One event of a history, with what the fold knows about it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from app.executor.history.reasons import ReportedFailure
from app.executor.history.records import JobPlace, Record

Owner: TypeAlias = Record | JobPlace
"""What an event belongs to: a job, or the inside of a container before a job of it is entered."""

_ENTRY: Final = re.compile(
    r"An error occurred while executing the state '.{1,80}?' \(entered at the event id #(\d{1,6})\)", re.DOTALL
)
"""How the causes that Step Functions itself writes begin: they name the entry of the state that failed."""


class SeenEvent(NamedTuple):
    """An event with what the fold knows about it."""

    id: int
    type: str
    at: datetime
    details: Mapping[str, Any]
    owner: Owner
    """What the event before it on its path belongs to."""
    lost: bool
    """The event before it is not known, or is a redrive: the owner is a guess."""

    @property
    def record(self) -> Record | None:
        """The job that the event is in, or directly inside of."""
        return self.owner if isinstance(self.owner, Record) else self.owner.container.job

    @property
    def place(self) -> JobPlace:
        """The path that the event before it is on."""
        return self.owner.place if isinstance(self.owner, Record) else self.owner

    @property
    def name(self) -> str | None:
        """The state that the event itself names."""
        return self.text("state") if self.type == "EvaluationFailed" else self.text("name")

    @property
    def blamed_entry(self) -> int | None:
        """The event that entered the state to blame, where the cause tells it."""
        cause = self.details.get("cause")
        found = _ENTRY.match(cause) if isinstance(cause, str) else None
        return int(found[1]) if found else None

    @property
    def state_type(self) -> str:
        """The state type that the event's own type names: ``Map`` of ``MapStateEntered`` and ``MapRunFailed``."""
        return "Map" if self.type.startswith("Map") else self.type.partition("State")[0]

    @property
    def failure(self) -> ReportedFailure:
        """What the event says about a failure."""
        return ReportedFailure.of(self.details.get("error"), self.details.get("cause"))

    def text(self, field: str) -> str | None:
        """Read a text of the details, unless it is missing or truncated."""
        value, about = self.details.get(field), self.details.get(f"{field}Details")
        truncated = isinstance(about, Mapping) and about.get("truncated") is True
        return value if isinstance(value, str) and not truncated else None

    @property
    def assigned(self) -> dict[str, str] | None:
        """The variables that the state assigned, each as JSON text."""
        variables = self.details.get("assignedVariables")
        if not isinstance(variables, Mapping) or not variables:
            return None
        return {str(name): value for name, value in variables.items() if isinstance(value, str)}

    @property
    def item(self) -> int | None:
        """Which item of a Map the event is about."""
        index = self.details.get("index")
        return index if isinstance(index, int) else None

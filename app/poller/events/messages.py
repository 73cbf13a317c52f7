"""Reading a status change of an execution as EventBridge delivers it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.executor.history import reasons
from app.executor.observations import STATUSES, Observation
from workflow_manager.models import WorkflowStatus

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

YEAR_10000_MILLISECONDS: Final = 253_402_300_800_000
"""The first moment that a date cannot hold."""

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far the clock of Step Functions may be ahead of ours."""

Milliseconds = Annotated[int, Field(ge=0, lt=YEAR_10000_MILLISECONDS)]

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """What one event says, and of which execution; its name is the id of a workflow, if it is one of ours."""

    workflow_id: str
    execution_arn: str
    observation: Observation


class _Payload(BaseModel):
    """Whether a payload fitted into the event; input and output together have 248 KiB."""

    included: bool = True


class _Detail(BaseModel):
    """The members of ``detail`` that matter here; they are those of DescribeExecution, with times as numbers."""

    model_config = ConfigDict(frozen=True)

    execution_arn: str = Field(alias="executionArn", min_length=1)
    name: str = Field(min_length=1, max_length=80)
    status: ExecutionStatus
    start_date: Milliseconds | None = Field(default=None, alias="startDate")
    stop_date: Milliseconds | None = Field(default=None, alias="stopDate")
    output: str | None = None
    output_details: _Payload | None = Field(default=None, alias="outputDetails")
    error: str | None = None
    cause: str | None = None
    redrive_count: int | None = Field(default=None, alias="redriveCount", ge=0)


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    source: Literal["aws.states"]
    detail_type: Literal["Step Functions Execution Status Change"] = Field(alias="detail-type")
    detail: _Detail


def read_event(body: str, *, now: datetime) -> StatusEvent:
    """Read the body of a message: an event of EventBridge, as it is.

    Raises ``ValueError`` that tells what is wrong with anything else, and with times that cannot be. The format is that
    of the Step Functions developer guide, "Automating Step Functions event delivery with EventBridge".
    """
    try:
        detail = _Message.model_validate_json(body).detail
    except ValidationError as invalid:
        raise ValueError(_one_line(invalid)) from None
    observation = _observation(detail)
    _check_times(observation, now=now)
    return StatusEvent(detail.name, detail.execution_arn, observation)


def _check_times(observation: Observation, *, now: datetime) -> None:
    started_at, stopped_at = observation.started_at, observation.stopped_at
    if started_at and stopped_at and stopped_at < started_at:
        raise ValueError("stopDate is before startDate")
    if any(moment > now + MAX_AHEAD for moment in (started_at, stopped_at) if moment is not None):
        raise ValueError("startDate or stopDate is more than five minutes ahead")


def _observation(detail: _Detail) -> Observation:
    status = STATUSES[detail.status]
    left_out = detail.output_details is not None and not detail.output_details.included
    output = None if left_out else detail.output
    return Observation(
        status=status,
        started_at=_moment(detail.start_date),
        stopped_at=_moment(detail.stop_date) if status.terminal else None,
        outcome_known=status.terminal and (output is not None or status is not WorkflowStatus.SUCCEEDED),
        reason=reasons.status_reason({"status": detail.status, "error": detail.error, "cause": detail.cause}),
        error=detail.error,
        output=output,
        redrives=detail.redrive_count or 0,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)


def _one_line(invalid: ValidationError) -> str:
    problems = invalid.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"]))) for each in problems)

"""How much of the quotas of Step Functions is left."""

from pydantic import Field

from workflow_manager.models.wire import Response


class QuotaHeadroom(Response):
    """The token bucket of one action of Step Functions, as this process sees it."""

    action: str = Field(description="Name of the action, such as `StartExecution`.")
    bucket: float = Field(description="Capacity: number of calls that can be made at once when the bucket is full.")
    refill_per_second: float = Field(description="Calls added per second; fewer after AWS throttled some.")
    available: float = Field(description="Number of calls that can be made now.")
    waiting: int = Field(description="Number of calls that wait for the bucket.")
    calls: int = Field(description="Number of calls that this process has made.")
    throttled: int = Field(description="Number of calls of this process that AWS throttled.")

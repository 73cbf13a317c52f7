"""Headroom: what is left of the quotas of Step Functions."""

from pydantic import Field

from workflow_manager.models.wire import Response


class QuotaHeadroom(Response):
    """How one action of Step Functions stands."""

    action: str
    bucket: float = Field(description="Calls that can be made at once when the bucket is full.")
    refill_per_second: float = Field(description="Calls that come back in a second; less after AWS refused some.")
    available: float = Field(description="Calls that can be made now.")
    waiting: int = Field(description="Calls that wait for their turn.")
    calls: int = Field(description="Calls made by this process.")
    throttled: int = Field(description="Calls of this process that AWS refused.")

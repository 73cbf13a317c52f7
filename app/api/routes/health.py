"""Whether the service is up."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process serves requests."""

    status: Literal["ok"] = Field(default="ok", description="Always `ok`.")


@router.head("/_health", include_in_schema=False)
@router.get("/_health", operation_id="healthCheck")
async def health_check() -> Health:
    """Liveness: answers 200 while the process serves requests."""
    return Health()

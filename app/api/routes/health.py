"""Whether the service is up."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"


@router.head("/_health", include_in_schema=False)
@router.get("/_health", operation_id="healthCheck")
async def health_check() -> Health:
    """Tell that the service is up and answers."""
    return Health()

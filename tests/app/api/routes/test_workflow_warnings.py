"""Warnings about a run in the answers of the API.

Covers `app.api.routes.workflows`.
"""

import httpx

from app.executor.observations import Observation
from tests import samples
from tests.rig import Rig
from workflow_manager.models import WorkflowStatus


async def test_warnings_are_shown_and_absent_when_there_are_none(rig: Rig, api: httpx.AsyncClient) -> None:
    workflow = await rig.started()
    before = (await api.get(f"/workflows/{workflow.id}")).json()

    seen = Observation(
        status=WorkflowStatus.RUNNING, started_at=samples.EPOCH, outcome_known=True, jobs=(), last_event_id=20_000
    )
    await rig.reconciler.record(workflow.id, seen, before=workflow)

    assert "warnings" not in before
    (shown,) = (await api.get(f"/workflows/{workflow.id}")).json()["warnings"]
    assert (shown["code"], shown["value"], shown["limit"]) == ("history-events", 20_000, 25_000)
    (listed,) = (await api.get("/workflows?summaryOnly=true")).json()
    assert listed["warnings"] == [shown]

"""What people do to workflows leaves a line in the log, with the ids that lead on.

Covers `app.executor.executor`.
"""

from collections.abc import MutableMapping
from typing import Any

from tests.rig import Rig
from workflow_manager import models

Line = MutableMapping[str, Any]


def logged(lines: list[Line], action: str) -> list[Line]:
    return [line for line in lines if line["action"] == action]


async def test_a_resume_names_the_workflow_and_its_retry(rig: Rig, log_lines: list[Line]) -> None:
    original = await rig.failed()
    retry = await rig.executor.resume(original.id, models.WorkflowDefinitionOverrides(start_at="echo"))

    [line] = logged(log_lines, "resume-workflow")
    assert (line["workflow_id"], line["retry_id"]) == (original.id, retry.id)


async def test_a_resolution_names_the_workflow_and_the_retry_that_came_before(rig: Rig, log_lines: list[Line]) -> None:
    original = await rig.failed()
    retry = await rig.executor.resume(original.id, models.WorkflowDefinitionOverrides(start_at="echo"))
    await rig.executor.resolve(original.id)

    [line] = logged(log_lines, "resolve-workflow")
    assert (line["workflow_id"], line["retry_id"]) == (original.id, retry.id)


async def test_a_cancellation_is_logged_with_its_reason(rig: Rig, log_lines: list[Line]) -> None:
    workflow = await rig.started()
    await rig.executor.cancel(workflow.id, "not needed")

    [line] = logged(log_lines, "cancel-workflow")
    assert (line["workflow_id"], line["reason"]) == (workflow.id, "not needed")

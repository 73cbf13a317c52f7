"""Recovering through the API.

Covers `app.api.routes.recovery`.
"""

import httpx

from tests.rig import Rig


async def test_a_preview_and_a_recovery(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await rig.failed()

    preview = await api.post(f"/workflows/{workflow.id}/recover", json={"dryRun": True})
    done = await api.post(f"/workflows/{workflow.id}/recover", json={"reason": "the disk was full"})

    assert (preview.status_code, preview.json()["mode"], preview.json()["workflow"]["status"]) == (
        200,
        "redrive",
        "failed",
    )
    assert preview.json()["preview"]["runsAgain"] == ["echo"]
    assert (done.status_code, done.json()["workflow"]["status"], done.json()["workflow"]["redrives"]) == (
        200,
        "running",
        1,
    )


async def test_a_refusal_says_why(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.executor.resolve(workflow.id)

    answer = await api.post(f"/workflows/{workflow.id}/recover", json={})

    assert (answer.status_code, answer.json()["message"]) == (
        409,
        f"workflow {workflow.id} is resolved; to recover it anyway, use force",
    )


async def test_while_it_is_switched_off_the_setting_is_named(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await rig.failed()
    rig.recoverer._enabled = False

    answer = await api.post(f"/workflows/{workflow.id}/recover", json={})

    assert answer.status_code == 503
    assert "WFM_RECOVER=true" in answer.json()["message"]

"""Judging a definition without storing it.

Covers `app.api.routes.definitions`.
"""

import httpx

from tests import samples


async def test_a_valid_definition_is_called_valid_and_not_stored(api: httpx.AsyncClient) -> None:
    body = {"name": "a", "stateMachine": samples.BOUNDED_ECHO}

    answer = await api.post("/workflow-definitions?validateOnly=true", json=body)

    assert (answer.status_code, answer.json()) == (200, {"name": "a", "valid": True})
    assert (await api.get("/workflow-definitions")).json() == []


async def test_an_invalid_definition_gets_the_findings_of_a_real_creation(api: httpx.AsyncClient) -> None:
    body = {"name": "a", "stateMachine": {"StartAt": "x", "States": {"a": {"Type": "Pass"}}}}

    judged = await api.post("/workflow-definitions?validateOnly=true", json=body)
    created = await api.post("/workflow-definitions", json=body)

    assert judged.status_code == created.status_code == 400
    assert judged.json()["errors"] == created.json()["errors"] != []


async def test_a_name_that_exists_does_not_matter(api: httpx.AsyncClient) -> None:
    body = {"name": "a", "stateMachine": samples.BOUNDED_ECHO}
    await api.post("/workflow-definitions", json=body)

    assert (await api.post("/workflow-definitions?validateOnly=true", json=body)).status_code == 200

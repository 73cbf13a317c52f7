"""Tags of a definition: they become those of state machines, so they keep to the limits of AWS.

Covers `app.api.routes.definitions`.
"""

import httpx
import pytest

from tests import samples

ACCEPTED = [{}, {"k" * 128: "v" * 256}, {"a": ""}, {f"k{n}": "v" for n in range(45)}]
REFUSED = [
    ({"": "v"}, "1 to 128"),
    ({"k" * 129: "v"}, "1 to 128"),
    ({"a": "v" * 257}, "256"),
    ({"aws:team": "v"}, "aws:"),
    ({"AWS:team": "v"}, "aws:"),
    ({f"k{n}": "v" for n in range(46)}, "45"),
]


def body(tags: dict[str, str]) -> dict[str, object]:
    return {"name": "a", "stateMachine": samples.ECHO, "defaultTags": tags}


@pytest.mark.parametrize("tags", ACCEPTED, ids=lambda tags: str(tags)[:30])
async def test_tags_that_aws_takes_are_taken(tags: dict[str, str], api: httpx.AsyncClient) -> None:
    assert (await api.post("/workflow-definitions", json=body(tags))).status_code == 201


@pytest.mark.parametrize(("tags", "reason"), REFUSED, ids=lambda part: str(part)[:30])
async def test_tags_that_aws_refuses_are_refused(tags: dict[str, str], reason: str, api: httpx.AsyncClient) -> None:
    refused = await api.post("/workflow-definitions", json=body(tags))

    assert refused.status_code == 400
    (problem,) = refused.json()["errors"]
    assert problem["pointer"] == "/defaultTags"
    assert reason in problem["message"]


async def test_a_namespace_that_no_activity_can_have_is_refused_at_the_start(api: httpx.AsyncClient) -> None:
    machine = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "w", "End": True}}}
    await api.post("/workflow-definitions", json={"name": "a", "stateMachine": machine})

    for namespace, reason in (("dev:1", "refuses ':'"), ("x" * 100, "103 characters")):
        refused = await api.post("/workflows", json={"workflowDefinition": {"name": "a"}, "namespace": namespace})

        assert refused.status_code == 400
        assert reason in refused.json()["message"]
    assert (await api.get("/workflows?workflowDefinitionName=a")).json() == []

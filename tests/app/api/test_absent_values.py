"""What old clients send for what they leave out: null, empty texts, empty parameters of a query.

Covers `app.api.parameters`, `app.api.strict_route` and `workflow_manager.models`.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from app.api.pagination import WorkflowsParameters
from tests import samples
from workflow_manager import models

NAME = samples.definition().name
LEAST: dict[type[models.Request], dict[str, Any]] = {
    models.Binding: {"role": "read"},
    models.CancelReason: {},
    models.NewApiKey: {"name": "a", "bindings": [{"role": "read"}]},
    models.RotateApiKey: {},
    models.NewStateResource: {
        "name": "a",
        "namespace": "dev",
        "uri": "arn:aws:lambda:us-west-2:123456789012:function:a",
    },
    models.NewWorkflowDefinitionRequest: {"name": "a", "stateMachine": samples.ECHO},
    models.QueueLimits: {},
    models.RecoverRequest: {},
    models.ResolveReason: {},
    models.StartWorkflowRequest: {"workflowDefinition": {"name": "a"}, "namespace": "dev"},
    models.WorkflowDefinitionOverrides: {"StartAt": "echo"},
    models.WorkflowDefinitionRef: {"name": "a"},
}
"""Every model of a request, with no more than it must have."""


def _fields(*, required: bool) -> list[tuple[type[models.Request], str]]:
    return [
        (model, field.alias or name)
        for model in LEAST
        for name, field in model.model_fields.items()
        if field.is_required() == required
    ]


def _subclasses(base: type[models.Request]) -> Iterator[type[models.Request]]:
    for model in base.__subclasses__():
        yield model
        yield from _subclasses(model)


def test_every_model_of_a_request_is_in_the_table() -> None:
    ours = {model for model in _subclasses(models.Request) if model.__module__.startswith("workflow_manager.models")}

    assert set(LEAST) == ours


@pytest.mark.parametrize(("model", "field"), _fields(required=False))
def test_null_is_absent_in_every_optional_field(model: type[models.Request], field: str) -> None:
    assert model.model_validate({**LEAST[model], field: None}) == model.model_validate(LEAST[model])


@pytest.mark.parametrize("field", ["input", "queue", "idSuffix"])
def test_an_empty_text_is_absent_when_a_workflow_starts(field: str) -> None:
    least = LEAST[models.StartWorkflowRequest]

    request = models.StartWorkflowRequest.model_validate({**least, field: ""})

    assert request == models.StartWorkflowRequest.model_validate(least)


def test_an_empty_manager_and_an_empty_reason_are_absent() -> None:
    least = LEAST[models.NewWorkflowDefinitionRequest]

    definition = models.NewWorkflowDefinitionRequest.model_validate({**least, "manager": ""})

    assert definition.manager is models.Manager.STEP_FUNCTIONS
    assert models.CancelReason.model_validate({"reason": ""}).reason == ""


@pytest.mark.parametrize(("model", "field"), _fields(required=True))
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_may_be_neither_null_nor_empty(model: type[models.Request], field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**LEAST[model], field: value})


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (models.QueueLimits, "maxRunning"),
        (models.StartWorkflowRequest, "tags"),
        (models.StartWorkflowRequest, "priority"),
    ],
)
def test_an_empty_text_is_wrong_where_no_text_belongs(model: type[models.Request], field: str) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**LEAST[model], field: ""})


def test_zero_means_what_it_says_where_it_says_something() -> None:
    assert models.WorkflowDefinitionRef.model_validate({"name": "a", "version": 0}).version == 0
    assert models.QueueLimits.model_validate({"maxRunning": 0}).max_running == 0


async def test_requests_full_of_nothing_are_accepted_on_every_route(api: httpx.AsyncClient) -> None:
    definition = {"name": NAME, "stateMachine": samples.ECHO, "manager": "", "version": None, "defaultTags": None}
    assert (await api.post("/workflow-definitions", json=definition)).status_code == 201
    assert (await api.put(f"/workflow-definitions/{NAME}", json=definition)).status_code == 201
    start = {
        "workflowDefinition": {"name": NAME, "version": None},
        "namespace": "dev",
        "input": None,
        "queue": "",
        "priority": None,
        "tags": None,
        "idSuffix": None,
    }

    started = await api.post("/workflows", json=start)

    assert started.status_code == 200, started.text
    shown = started.json()
    assert (shown["queue"], shown["input"], shown["workflowDefinition"]["version"]) == ("default", "{}", 1)
    cancelled = await api.request("DELETE", f"/workflows/{shown['id']}", json={"reason": None})
    assert cancelled.status_code == 200, cancelled.text
    assert (await api.put("/queues/q", json={"maxRunning": None, "paused": None})).status_code == 200


PARAMETERS = [field.alias for field in WorkflowsParameters.model_fields.values()]


@pytest.mark.parametrize("name", PARAMETERS)
async def test_an_empty_parameter_of_a_listing_is_absent(api: httpx.AsyncClient, name: str) -> None:
    await api.post("/workflow-definitions", json={"name": NAME, "stateMachine": samples.ECHO})
    for _ in range(2):
        await api.post("/workflows", json={"workflowDefinition": {"name": NAME}, "namespace": "dev"})

    everything = (await api.get("/workflows")).json()
    for query in (f"{name}=", name):
        answer = await api.get(f"/workflows?{query}")
        assert answer.status_code == 200, answer.text
        assert answer.json() == everything


async def test_a_limit_of_zero_is_absent(api: httpx.AsyncClient) -> None:
    await api.post("/workflow-definitions", json={"name": NAME, "stateMachine": samples.ECHO})
    for _ in range(11):
        await api.post("/workflows", json={"workflowDefinition": {"name": NAME}, "namespace": "dev"})

    assert len((await api.get("/workflows?limit=0")).json()) == 10


@pytest.mark.parametrize(
    "path",
    [
        f"/workflow-definitions/{NAME}?latest=",
        "/workflows/{id}?fetchHistory=",
        "/workflows/{id}?wait=",
        "/workflows?status=&limit=1&pageToken=",
    ],
)
async def test_empty_parameters_of_other_routes_are_absent(api: httpx.AsyncClient, path: str) -> None:
    await api.post("/workflow-definitions?validateOnly=", json={"name": NAME, "stateMachine": samples.ECHO})
    started = await api.post("/workflows", json={"workflowDefinition": {"name": NAME}, "namespace": "dev"})

    answer = await api.get(path.replace("{id}", started.json()["id"]))

    assert answer.status_code == 200, answer.text


async def test_an_empty_parameter_does_not_come_back_in_the_path_of_the_next_page(api: httpx.AsyncClient) -> None:
    await api.post("/workflow-definitions", json={"name": NAME, "stateMachine": samples.ECHO})
    for _ in range(2):
        await api.post("/workflows", json={"workflowDefinition": {"name": NAME}, "namespace": "dev"})

    first = await api.get("/workflows?status=&limit=1")

    assert (await api.get(first.headers["X-Next-Page-Path"])).status_code == 200
    assert "status" not in first.headers["X-Next-Page-Path"]

"""The OpenAPI document: complete, in step with the code, and true.

Covers `app.api.openapi.document` and `app.api.openapi.examples`.
"""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from app.api import error_responses
from app.api.openapi import examples
from app.api.openapi.document import document
from tests.checkout import ROOT
from workflow_manager import errors, models

METHODS = {"get", "put", "post", "delete"}

PEER_OPERATIONS = {
    "healthCheck",
    "getWorkflowDefinitions",
    "newWorkflowDefinition",
    "getWorkflowDefinitionVersionsByName",
    "updateWorkflowDefinition",
    "getWorkflowDefinitionByNameAndVersion",
    "startWorkflow",
    "getWorkflows",
    "getWorkflowCounts",
    "getWorkflowByID",
    "CancelWorkflow",
    "resumeWorkflowByID",
    "resolveWorkflowByID",
    "postStateResource",
    "getStateResource",
    "putStateResource",
    "deleteStateResource",
}
PEER_MODELS = {
    *("BadRequest", "CancelReason", "Conflict", "InternalError", "Job", "JobAttempt", "JobStatus", "Manager"),
    *("NewStateResource", "NewWorkflowDefinitionRequest", "NotFound", "SLCatcher", "SLChoice", "SLErrorEquals"),
    *("SLRetrier", "SLState", "SLStateMachine", "SLStateType", "StartWorkflowRequest", "StateResource"),
    *("StateResourceType", "Workflow", "WorkflowDefinition", "WorkflowDefinitionOverrides", "WorkflowDefinitionRef"),
    *("WorkflowStatus", "WorkflowSummary"),
}


@pytest.fixture(scope="module")
def spec(app: FastAPI) -> dict[str, Any]:
    """Return the document of the application."""
    return document(app)


def operations(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every operation by its id."""
    return {
        operation["operationId"]: operation
        for path in spec["paths"].values()
        for method, operation in path.items()
        if method in METHODS
    }


def test_the_file_in_the_repository_is_up_to_date(spec: dict[str, Any]) -> None:
    assert json.loads((ROOT / "openapi.json").read_text()) == json.loads(json.dumps(spec)), "run: make openapi"


def test_the_operations_and_models_of_the_peer_have_their_names(spec: dict[str, Any]) -> None:
    assert operations(spec).keys() >= PEER_OPERATIONS
    assert spec["components"]["schemas"].keys() >= PEER_MODELS


def test_every_operation_has_examples_and_says_what_it_does(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec).items():
        assert operation["description"], name
        contents = [response.get("content", {}) for response in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for content in contents:
            for media in content.values():
                assert "example" in media, name


def test_everything_is_described(spec: dict[str, Any]) -> None:
    missing = [
        f"{name}.{member}"
        for name, schema in spec["components"]["schemas"].items()
        for member, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    for name, operation in operations(spec).items():
        described = [*operation.get("parameters", ()), *operation["responses"].values()]
        missing += [name for each in described if each.get("description") in {None, "", "Successful Response"}]

    assert missing == []


def test_every_operation_has_a_summary_of_its_own(spec: dict[str, Any]) -> None:
    summaries = [operation["summary"] for operation in operations(spec).values()]

    assert len(set(summaries)) == len(summaries) == len(examples.SUMMARIES)


def test_the_example_of_an_error_names_what_its_operation_is_about(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec).items():
        for status in operation["responses"].keys() & {"404", "409"}:
            assert (name, status) in examples.OPERATION_MESSAGES
    declared = {(name, status) for name, operation in operations(spec).items() for status in operation["responses"]}

    assert examples.OPERATION_MESSAGES.keys() <= declared


def test_every_error_that_can_reach_a_caller_is_declared_somewhere(spec: dict[str, Any]) -> None:
    declared = {status for operation in operations(spec).values() for status in operation["responses"]}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = {kind.status for kind in kinds if issubclass(kind, errors.WorkflowManagerError)}

    assert {str(status) for status in raised} <= declared
    assert {str(status) for status in error_responses.MODELS} == {status for status in declared if status >= "400"}


def test_the_framework_s_own_errors_are_not_mentioned(spec: dict[str, Any]) -> None:
    assert "422" not in json.dumps(spec)
    assert "HTTPValidationError" not in json.dumps(spec)


def test_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    text = json.dumps(spec)

    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in spec["components"]["schemas"]


REQUEST_MODELS: dict[str, type[models.Request]] = {
    "newWorkflowDefinition": models.NewWorkflowDefinitionRequest,
    "updateWorkflowDefinition": models.NewWorkflowDefinitionRequest,
    "startWorkflow": models.StartWorkflowRequest,
    "CancelWorkflow": models.CancelReason,
    "resolveWorkflowByID": models.ResolveReason,
    "resumeWorkflowByID": models.WorkflowDefinitionOverrides,
    "recoverWorkflow": models.RecoverRequest,
    "putQueue": models.QueueLimits,
    "createKey": models.NewApiKey,
    "rotateKey": models.RotateApiKey,
    "postStateResource": models.NewStateResource,
    "putStateResource": models.NewStateResource,
}


@pytest.mark.parametrize("name", examples.REQUESTS)
def test_an_example_of_a_request_is_accepted(name: str) -> None:
    assert REQUEST_MODELS[name].model_validate_json(json.dumps(examples.REQUESTS[name]))


ANSWER_TYPES: list[tuple[Any, Any]] = [
    (models.WorkflowDefinition, examples.DEFINITION),
    (models.Workflow, examples.QUEUED),
    (models.Workflow, examples.SUCCEEDED),
    (models.StateResource, examples.RESOURCE),
]


@pytest.mark.parametrize(("kind", "example"), ANSWER_TYPES)
def test_an_example_of_an_answer_is_what_the_service_would_write(kind: Any, example: Any) -> None:
    answer = TypeAdapter(kind).validate_python(example)

    assert json.loads(answer.model_dump_json(by_alias=True, exclude_none=True)) == example

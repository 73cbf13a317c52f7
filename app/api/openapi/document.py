"""The OpenAPI document: that of FastAPI, corrected to what is really sent and received."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.openapi import examples, states_language_schemas
from workflow_manager.models import WorkflowSummary

JSON = dict[str, Any]

REF_TEMPLATE: Final = "#/components/schemas/{model}"

LEFT_OUT: Final = {
    "Workflow": ("input", "jobs", "warnings"),
    "WorkflowDefinition": ("stateMachine",),
    "WorkflowSummary": ("input", "warnings"),
}
"""Properties that are not required: listings with ``summaryOnly`` leave them out, or they are absent when empty."""

FRAMEWORK_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
"""Schemas of FastAPI's 422 response, which this service never sends."""

SECURITY_SCHEMES: Final[JSON] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a token of an OpenID Connect issuer.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An API key as the password; the user does not matter.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key."},
}
"""How callers authenticate. Optional, and not in the operations: otherwise generated clients would demand credentials,
which a service without access control does not."""


def install(app: FastAPI) -> None:
    """Make the application serve the document of ``document``."""

    def openapi() -> JSON:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to replace it


def document(app: FastAPI) -> JSON:
    """Return the OpenAPI 3.1 document of the application."""
    spec = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = spec["components"]["schemas"]
    for name in FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    schemas |= states_language_schemas.SCHEMAS
    schemas["WorkflowSummary"] = _summary_schema()
    for schema in schemas.values():
        _tidy_schema(schema)
    for name, properties in LEFT_OUT.items():
        schemas[name]["required"] = [given for given in schemas[name]["required"] if given not in properties]
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            _tidy_operation(operation)
            _add_examples(operation, path)
    spec["components"]["schemas"] = dict(sorted(schemas.items()))
    spec["components"]["securitySchemes"] = SECURITY_SCHEMES
    spec["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
    return spec


def _summary_schema() -> JSON:
    schema = WorkflowSummary.model_json_schema(by_alias=True, mode="serialization", ref_template=REF_TEMPLATE)
    schema.pop("$defs", None)
    return schema


def _tidy_operation(operation: JSON) -> None:
    operation["responses"].pop("422", None)
    operation["summary"] = examples.SUMMARIES[operation["operationId"]]
    operation["description"] = _unwrapped(operation["description"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _without_null(content["schema"])  # an optional body is left out instead
        content["schema"].pop("title", None)
    for parameter in operation.get("parameters", ()):
        _without_null(parameter["schema"])
        parameter["schema"].pop("title", None)


def _add_examples(operation: JSON, path: str) -> None:
    name = operation["operationId"]
    if name in examples.REQUESTS:
        operation["requestBody"]["content"]["application/json"]["example"] = examples.REQUESTS[name]
    for status, response in operation["responses"].items():
        if response["description"] == "Successful Response":
            response["description"] = examples.DESCRIPTIONS[name]
        content = response.get("content", {}).get("application/json")
        if content is None:
            continue
        if message := examples.message(name, status):
            content["example"] = {"message": message, "requestId": examples.REQUEST_ID}
        elif (name, status) in examples.ANSWERS:
            content["example"] = examples.ANSWERS[name, status]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["example"] = examples.PATH_PARAMETERS[path][parameter["name"]]


def _tidy_schema(schema: JSON) -> None:
    # Requests refuse unknown fields; answers may get more of them.
    is_request = schema.get("additionalProperties") is False
    for name, member in schema.get("properties", {}).items():
        if member.pop("title", None) in states_language_schemas.SCHEMAS:
            member["$ref"] = REF_TEMPLATE.format(model="SLStateMachine")
            del member["type"]
        if is_request:
            _default_in_words(member)
            continue
        _without_null(member)
        if "default" in member:
            del member["default"]
            schema.setdefault("required", []).append(name)


def _default_in_words(member: JSON) -> None:
    """Describe the default instead of declaring it: generators require fields that declare one."""
    default = member.pop("default", None)
    if default not in (None, "") and not isinstance(default, list):
        member["description"] = f"{member.get('description', '')} Default: `{default}`.".strip()


def _without_null(schema: JSON) -> None:
    """Remove null, which is never sent for an absent value, neither in responses nor in queries."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del schema["anyOf"]
        schema |= options[0]
    if schema.get("default", ...) is None:
        del schema["default"]


def _unwrapped(text: str) -> str:
    """Join the lines of each paragraph of a docstring."""
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in text.split("\n\n"))

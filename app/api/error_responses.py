"""Error responses: every failure becomes JSON with a ``message`` that says what to do next."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.api import generated_clients, middleware
from app.api.audited import FAILURE
from workflow_manager import errors

log = structlog.get_logger(__name__)

MAX_PROBLEMS: Final = 1_000
"""Maximum number of problems in one response; the message counts the rest."""

MAX_STEP_LENGTH: Final = 128
"""Characters of a key in a pointer."""

CHALLENGE: Final = 'Bearer realm="workflow-manager"'
"""Not Basic, for which a browser would ask with a window of its own; it is still accepted."""

RETRY_SECONDS: Final = "5"
"""When an identity provider that does not answer is asked again."""

METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class Problem(BaseModel):
    """One problem of a request."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the body; `?name` for a parameter of the query, `{name}` for one of "
        "the path, `name:` for a header."
    )
    message: str = Field(description="What is wrong, and what to do.")
    severity: errors.Severity | None = Field(
        default=None, description="`warning` for a problem that alone would not refuse the request; absent for others."
    )


class Failure(BaseModel):
    """The body of every error response."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    message: str = Field(description="What went wrong, and what to do next.")
    errors: tuple[Problem, ...] | None = Field(
        default=None, description="Each problem of the request, when they are known one by one."
    )
    request_id: str | None = Field(default=None, description="Id of the request, which the logs carry too.")


class BadRequest(Failure):
    """The request is not valid; repeating it unchanged fails again."""


class Unauthorized(Failure):
    """The credential of the request is missing or not valid."""


class Forbidden(Failure):
    """The credential does not allow this."""


class NotFound(Failure):
    """The object does not exist."""


class Conflict(Failure):
    """The request conflicts with the current state."""

    retry: str | None = Field(default=None, description="Id of the workflow that already resumes this one.")


class PayloadTooLarge(Failure):
    """The request body is larger than 1 MiB."""


class Misdirected(Failure):
    """The service is not known by the host of the request."""


class InternalError(Failure):
    """The service failed (500), AWS answered with an error (502), or AWS or the store is unavailable (503)."""


MODELS: dict[int, type[Failure]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    421: Misdirected,
    500: InternalError,
    502: InternalError,
    503: InternalError,
}


DESCRIPTIONS: Final = {
    400: "The request is not valid; repeating it unchanged fails again.",
    401: "The credential is missing or not valid.",
    403: "The credential does not allow this; the message names the role and the namespace.",
    404: "The object does not exist.",
    409: "The request conflicts with the current state.",
    413: "The request body is larger than 1 MiB.",
    421: "The service is not known by the host of the request.",
    500: "The service failed; its log has the details.",
    502: "AWS answered with an error.",
    503: "AWS or the store is unavailable; try again.",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses=`` of a route that can fail with these statuses."""
    return {status: {"model": MODELS[status], "description": DESCRIPTIONS[status]} for status in statuses}


COMMON = responses(400, 401, 403, 421, 500, 503)
"""Errors that every route can answer."""


def install(app: FastAPI) -> None:
    """Register the handlers that answer errors."""

    @app.exception_handler(errors.WorkflowManagerError)
    async def on_known(request: Request, error: errors.WorkflowManagerError) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        details = error.errors()
        found = {(problem.pointer, problem.message): problem for problem in map(_problem, details[:MAX_PROBLEMS])}
        problems = list(found.values())
        first = problems[0]
        message = f"{_label(first.pointer)}: {first.message}" if first.pointer else first.message
        count = len(problems) + max(0, len(details) - MAX_PROBLEMS)
        more = f" (and {count - 1} more)" if count > 1 else ""
        return _answer(request, 400, message + more, problems)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        about_path = error.status_code in {404, 405}
        message = f"{request.method} {request.url.path}: {error.detail}" if about_path else error.detail
        answer = _answer(request, error.status_code, message, ())
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_allowed(request))
        return answer

    @app.exception_handler(Exception)
    async def on_unknown(request: Request, error: Exception) -> JSONResponse:
        log.error("request crashed", action="request-crashed", path=request.url.path, exc_info=error)
        answer = _answer(request, 500, "internal error; the log of the service has the details", ())
        # This handler runs outside of all middleware, so it sets the header itself.
        answer.headers[middleware.HEADER] = request.scope.get("request_id", "")
        return answer


def answer(request: Request, error: errors.WorkflowManagerError) -> JSONResponse:
    """Return the response to a request that failed with one of our errors."""
    request.scope[FAILURE] = error.message
    if error.status >= 500:
        log.error("request failed", action="request-failed", error=error.message, path=request.url.path)
    problems = [
        Problem(
            pointer=finding.pointer,
            message=finding.message,
            severity=None if finding.is_error else finding.severity,
        )
        for finding in error.findings
    ]
    more = {"retry": error.retry} if isinstance(error, errors.AlreadyResumed) else {}
    response = _answer(request, error.status, error.message, problems, **more)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, errors.IssuerUnavailable):
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _allowed(request: Request) -> list[str]:
    """Return every method of the path; the framework names only those of the first route that fits."""
    fitting = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    same_path = [route for route in fitting if getattr(route, "path", None) == getattr(fitting[0], "path", None)]
    return [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in same_path)
    ]


def _problem(detail: dict[str, Any]) -> Problem:
    where, *path = detail["loc"]
    if detail["type"] == "json_invalid":
        return Problem(pointer="", message=detail["ctx"]["error"])
    return Problem(pointer=_pointer(str(where), [_step(step) for step in path]), message=_sentence(detail))


def _label(pointer: str) -> str:
    return pointer if pointer.startswith(("/", "?")) else pointer.strip("{}:")


def _pointer(where: str, steps: Sequence[str]) -> str:
    name = ".".join(steps)
    match where:
        case "body":
            return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        case "path":
            return f"{{{name}}}"
        case "header":
            return f"{name}:"
    return f"?{name}"


def _step(step: object) -> str:
    text = str(step)
    return text if len(text) <= MAX_STEP_LENGTH else f"{text[: MAX_STEP_LENGTH - 1]}…"


def _sentence(detail: dict[str, Any]) -> str:
    if detail["type"] == "extra_forbidden":
        return "this field is not known; remove it or check its spelling"
    if detail["type"] == "missing" and detail["loc"] == ("body",):
        return "the body is missing: a JSON object, at least {}, sent with Content-Type: application/json"
    if detail["type"] == "model_attributes_type":
        return "the body must be a JSON object, sent with Content-Type: application/json"
    return str(detail["msg"]).removeprefix("Value error, ")


def _answer(
    request: Request, status: int, message: str, problems: Sequence[Problem], **more: str | None
) -> JSONResponse:
    failure = MODELS.get(status, Failure)(
        message=message, errors=tuple(problems) or None, request_id=request.scope.get("request_id"), **more
    )
    known = generated_clients.known_status(request.scope, status)
    answer = JSONResponse(failure.model_dump(by_alias=True, exclude_none=True), status_code=known)
    if known != status:
        answer.headers[generated_clients.STATUS_HEADER] = str(status)
    return answer

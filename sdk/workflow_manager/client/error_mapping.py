"""What an answer stands for that is not the one that was hoped for, or that never came."""

import html
import http
import re
from collections.abc import Mapping
from typing import Final

import httpx
import pydantic

from workflow_manager import errors
from workflow_manager.client.retries import RETRIED_STATUSES

ERRORS_BY_STATUS: Final[Mapping[int, type[errors.WorkflowManagerError]]] = {
    401: errors.NotAuthenticated,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.RequestTooLarge,
    429: errors.Throttled,
}
SAID_BY_GATEWAYS: Final = frozenset({401, 403, 413, 429})
"""What those who stand in front of a service say in their own words, and mean as it is written."""

EXCERPT_CHARACTERS: Final = 200
"""How much of an answer that is not ours is quoted."""

READ_CHARACTERS: Final = 16_384
"""How much of it is searched for that; markup that is not closed would be searched again and again."""

_UNKNOWN_ROUTE: Final = re.compile(r"[A-Z]+ /\S*: (Not Found|Method Not Allowed)")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<[/!?a-z][^>]*>", re.IGNORECASE | re.DOTALL)

NOT_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout)


class Away(errors.Unavailable):
    """The service does not answer just now, or says so; a restart looks like this."""


class Unreached(Away):
    """No connection could be made; nobody may be there at all."""


class ErrorDetail(pydantic.BaseModel):
    """One of several things that were wrong with a request."""

    pointer: str = ""
    message: str = ""
    severity: errors.Severity = errors.Severity.ERROR


class ErrorBody(pydantic.BaseModel):
    """What the service says with a status of 400 or more; Clever's says no more than the message."""

    message: str
    errors: list[ErrorDetail] = []
    request_id: str | None = pydantic.Field(default=None, alias="requestId")


def error_of(
    response: httpx.Response, *, missing: type[errors.NotFound] = errors.NotFound
) -> errors.WorkflowManagerError:
    """Translate an answer that is not 2xx into the error it stands for; ``missing`` is what a 404 is about.

    A refusal in words that are not those of the service says nothing of workflows: a wrong URL must not look as if
    there were no such definition.
    """
    status, body = response.status_code, _read(response)
    if status < 400:
        return errors.Unavailable(_redirection(response))
    if status >= 500:
        kind_of_fault = Away if status in RETRIED_STATUSES else errors.Unavailable
        return kind_of_fault(_fault(response, body), findings=_findings(body))
    if body is None:
        return ERRORS_BY_STATUS[status](_quoted(response)) if status in SAID_BY_GATEWAYS else not_ours(response)
    if status in {404, 405} and _UNKNOWN_ROUTE.fullmatch(body.message):
        return errors.Unavailable(f"{origin(response.request)} does not support this operation ({body.message}).")
    kind = missing if status == 404 else ERRORS_BY_STATUS.get(status, errors.InvalidRequest)
    return kind(body.message, findings=_findings(body))


def not_ours(response: httpx.Response, why: str | None = None) -> errors.Unavailable:
    """Say that something else than a workflow-manager has answered."""
    whose = origin(response.request)
    return errors.Unavailable(f"The response from {whose} is not from workflow-manager ({why or _summary(response)}).")


def no_answer(request: httpx.Request, error: httpx.RequestError) -> Away:
    """Say that nobody has answered."""
    reason = str(error) or type(error).__name__
    kind = Unreached if isinstance(error, NOT_CONNECTED) else Away
    return kind(f"No response from {origin(request)}: {reason}")


def origin(request: httpx.Request) -> str:
    """Name the service without path, query or credentials."""
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _read(response: httpx.Response) -> ErrorBody | None:
    try:
        return ErrorBody.model_validate_json(response.content)
    except pydantic.ValidationError:
        return None


def _findings(body: ErrorBody | None) -> tuple[errors.Finding, ...]:
    return (
        tuple(errors.Finding(detail.pointer, detail.message, detail.severity) for detail in body.errors) if body else ()
    )


def _fault(response: httpx.Response, body: ErrorBody | None) -> str:
    if body is None:
        return _quoted(response)
    return f"{body.message} (request {body.request_id})" if body.request_id else body.message


def _redirection(response: httpx.Response) -> str:
    where = response.headers.get("Location")
    return f"{_quoted(response)} It redirects to {where}." if where else _quoted(response)


def _quoted(response: httpx.Response) -> str:
    summary = _summary(response)
    return f"{origin(response.request)} answered {summary}" + ("" if summary.endswith(".") else ".")


def _summary(response: httpx.Response) -> str:
    """Describe an answer that the service did not write: a proxy's page, another server."""
    try:
        phrase = f"{response.status_code} {http.HTTPStatus(response.status_code).phrase}"
    except ValueError:
        phrase = str(response.status_code)
    excerpt = _words(response.text)[:EXCERPT_CHARACTERS]
    return f"{phrase}: {excerpt}" if excerpt else phrase


def _words(text: str) -> str:
    """Return what a person would read first: the title of a page, else its text without the markup."""
    text = text[:READ_CHARACTERS]
    title = _TITLE.search(text)
    plain = title[1] if title else _MARKUP.sub(" ", text)
    return " ".join(html.unescape(plain).split())

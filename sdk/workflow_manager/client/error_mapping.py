"""Mapping of failed responses, and of failures without a response, to errors."""

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
    421: errors.MisdirectedRequest,
    429: errors.Throttled,
}
GATEWAY_STATUSES: Final = frozenset({401, 403, 413, 421, 429})
"""Statuses that gateways in front of a service send with bodies of their own."""

EXCERPT_CHARACTERS: Final = 200
"""How much of a foreign response is quoted."""

READ_CHARACTERS: Final = 16_384
"""How much of a foreign response is searched for text; bounds the time for unclosed markup."""

_UNKNOWN_ROUTE: Final = re.compile(r"[A-Z]+ /\S*: (Not Found|Method Not Allowed)")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<[/!?a-z][^>]*>", re.IGNORECASE | re.DOTALL)

NOT_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout)


class ServiceUnavailable(errors.Unavailable):
    """The service does not respond now, or says so; a restart looks like this."""


class ConnectionFailed(ServiceUnavailable):
    """No connection could be made; there may be no service at this URL."""


class ErrorDetail(pydantic.BaseModel):
    """One finding in an error response."""

    pointer: str = ""
    message: str = ""
    severity: errors.Severity = errors.Severity.ERROR


class ErrorBody(pydantic.BaseModel):
    """The body of an error response; that of Clever's service has only the message."""

    message: str
    errors: list[ErrorDetail] = []
    request_id: str | None = pydantic.Field(default=None, alias="requestId")


def error_of(
    response: httpx.Response, *, missing: type[errors.NotFound] = errors.NotFound
) -> errors.WorkflowManagerError:
    """Return the error for a response that is not 2xx; ``missing`` is the class for a 404.

    A refusal that is not from workflow-manager becomes ``Unavailable``: a wrong URL must not look like a missing
    definition.
    """
    status, body = response.status_code, _read(response)
    if status < 400:
        return errors.Unavailable(_redirection(response))
    if status >= 500:
        kind_of_fault = ServiceUnavailable if status in RETRIED_STATUSES else errors.Unavailable
        return kind_of_fault(_fault(response, body), findings=_findings(body))
    if body is None:
        return ERRORS_BY_STATUS[status](_quoted(response)) if status in GATEWAY_STATUSES else foreign_response(response)
    if status in {404, 405} and _UNKNOWN_ROUTE.fullmatch(body.message):
        return errors.Unavailable(f"{origin(response.request)} does not support this operation ({body.message}).")
    kind = missing if status == 404 else ERRORS_BY_STATUS.get(status, errors.InvalidRequest)
    return kind(body.message, findings=_findings(body))


def foreign_response(response: httpx.Response, why: str | None = None) -> errors.Unavailable:
    """Return the error for a response from something other than workflow-manager."""
    source = origin(response.request)
    return errors.Unavailable(f"The response from {source} is not from workflow-manager ({why or _summary(response)}).")


def no_response(request: httpx.Request, error: httpx.RequestError) -> ServiceUnavailable:
    """Return the error for a request without a response."""
    reason = str(error) or type(error).__name__
    kind = ConnectionFailed if isinstance(error, NOT_CONNECTED) else ServiceUnavailable
    return kind(f"No response from {origin(request)}: {reason}")


def origin(request: httpx.Request) -> str:
    """Return the URL of the service without path, query or credentials."""
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
    """Describe a foreign response, such as the page of a proxy."""
    try:
        phrase = f"{response.status_code} {http.HTTPStatus(response.status_code).phrase}"
    except ValueError:
        phrase = str(response.status_code)
    excerpt = _words(response.text)[:EXCERPT_CHARACTERS]
    return f"{phrase}: {excerpt}" if excerpt else phrase


def _words(text: str) -> str:
    """Return the title of a page, or else its text without markup."""
    text = text[:READ_CHARACTERS]
    title = _TITLE.search(text)
    plain = title[1] if title else _MARKUP.sub(" ", text)
    return " ".join(html.unescape(plain).split())

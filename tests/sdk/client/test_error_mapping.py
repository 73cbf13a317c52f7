"""What the service refuses, and answers that are not those of the service.

Covers `workflow_manager.client.error_mapping` and `workflow_manager.client.decoding`.
"""

import httpx
import pytest

from tests.sdk.client.operations import NEW_DEFINITION, START, WORKFLOW_ID, Call
from tests.sdk.client.recording_service import URL, Recorder, manager_for
from workflow_manager import errors
from workflow_manager.client.error_mapping import ServiceUnavailable

LOGIN = "<!DOCTYPE html><html><head><title>Log in &amp; go on</title></head><body>Who are you?</body></html>"
NOT_OURS = "is not from workflow-manager"

ANSWERS = [
    (400, errors.InvalidRequest),
    (401, errors.NotAuthenticated),
    (403, errors.NotAllowed),
    (404, errors.WorkflowNotFound),
    (409, errors.Conflict),
    (413, errors.RequestTooLarge),
    (421, errors.MisdirectedRequest),
    (418, errors.InvalidRequest),
    (429, errors.Throttled),
    (500, errors.Unavailable),
    (503, ServiceUnavailable),
]


@pytest.mark.parametrize(("status", "kind"), ANSWERS)
async def test_a_status_becomes_an_error_class(status: int, kind: type[errors.WorkflowManagerError]) -> None:
    """The class fits the status exactly, and the message is the service's; Clever's says no more than that."""
    async with manager_for(Recorder({"message": "because"}, status=status)) as manager:
        with pytest.raises(errors.WorkflowManagerError, match=r"^because$") as raised:
            await manager.resolve_workflow(WORKFLOW_ID)
    assert type(raised.value) is kind


async def test_findings_arrive_with_the_error() -> None:
    """A refused definition tells everything that is wrong, and where."""
    body = {"message": "2 problems", "errors": [{"pointer": "/States/a", "message": "m"}, {"message": "n"}]}
    async with manager_for(Recorder(body, status=400)) as manager:
        with pytest.raises(errors.InvalidRequest) as raised:
            await manager.create_definition(NEW_DEFINITION)
    assert raised.value.findings == (errors.Finding("/States/a", "m"), errors.Finding("", "n"))


async def test_a_fault_of_the_service_names_the_request() -> None:
    """The id leads to the fault in the service's log."""
    async with manager_for(Recorder({"message": "bad luck", "requestId": "r-1"}, status=500)) as manager:
        with pytest.raises(errors.Unavailable, match=r"bad luck \(request r-1\)"):
            await manager.resolve_workflow(WORKFLOW_ID)


async def test_a_proxys_error_page_is_quoted() -> None:
    """An answer that is not JSON says who answered what."""

    def proxy(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(504, text="<html>\n<h1>upstream   timed out</h1>" + "x" * 1000)

    async with manager_for(proxy) as manager:
        with pytest.raises(errors.Unavailable) as raised:
            await manager.get_workflow(WORKFLOW_ID)
    assert raised.value.message.startswith(f"{URL} answered 504 Gateway Timeout: upstream timed out xx")
    assert len(raised.value.message) < 300


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b'{"id": "x"}', b"\xff"])
async def test_a_wrong_server_is_recognised(content: bytes) -> None:
    """A 200 that is no workflow comes from another server, and is no crash."""

    def other(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content)

    async with manager_for(other) as manager:
        with pytest.raises(errors.Unavailable, match="is not from workflow-manager"):
            await manager.get_workflow(WORKFLOW_ID)


MISSING: list[tuple[Call, type[errors.NotFound]]] = [
    (lambda m: m.get_definition("x"), errors.DefinitionNotFound),
    (lambda m: m.get_definition("x", version=3), errors.DefinitionNotFound),
    (lambda m: m.list_definition_versions("x"), errors.DefinitionNotFound),
    (lambda m: m.update_definition(NEW_DEFINITION), errors.DefinitionNotFound),
    (lambda m: m.start_workflow(START), errors.DefinitionNotFound),
    (lambda m: m.get_workflow("w"), errors.WorkflowNotFound),
    (lambda m: m.wait("w"), errors.WorkflowNotFound),
    (lambda m: m.cancel_workflow("w"), errors.WorkflowNotFound),
    (lambda m: m.resume_workflow("w", start_at="s"), errors.WorkflowNotFound),
    (lambda m: m.resolve_workflow("w"), errors.WorkflowNotFound),
    (lambda m: m.get_state_resource("ns", "n"), errors.StateResourceNotFound),
    (lambda m: m.delete_state_resource("ns", "n"), errors.StateResourceNotFound),
    (lambda m: m.get_queue("q"), errors.NotFound),
]


@pytest.mark.parametrize(("call", "kind"), MISSING)
async def test_what_is_missing_is_told_by_the_class(call: Call, kind: type[errors.NotFound]) -> None:
    """A program need not read the message."""
    async with manager_for(Recorder({"message": "there is none"}, status=404)) as manager:
        with pytest.raises(errors.NotFound, match="there is none") as raised:
            await call(manager)
    assert type(raised.value) is kind


async def test_a_cancel_that_comes_too_late_is_told_by_the_class() -> None:
    """It is about the workflow, not about the request."""
    async with manager_for(Recorder({"message": "it succeeded"}, status=400)) as manager:
        with pytest.raises(errors.WorkflowEnded, match="it succeeded"):
            await manager.cancel_workflow("w")


SILENT: list[Call] = [
    lambda m: m.cancel_workflow("w"),
    lambda m: m.resolve_workflow("w"),
    lambda m: m.delete_state_resource("ns", "n"),
    lambda m: m.health_check(),
    lambda m: m.readiness_check(),
    lambda m: m.get_metrics(),
]


@pytest.mark.parametrize("call", SILENT)
async def test_a_page_is_no_success(call: Call) -> None:
    """A proxy that wants people to log in answers 200 to everything."""

    def proxy(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html=LOGIN)

    async with manager_for(proxy) as manager:
        with pytest.raises(errors.Unavailable, match=NOT_OURS):
            await call(manager)


@pytest.mark.parametrize("call", SILENT[:-1])
@pytest.mark.parametrize("content", [b"", b"\n", b"{}"])
async def test_an_empty_answer_is_a_success(call: Call, content: bytes) -> None:
    """There is nothing to tell."""

    def service(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content)

    async with manager_for(service) as manager:
        await call(manager)


@pytest.mark.parametrize("call", SILENT[:-1])
async def test_another_document_is_no_success(call: Call) -> None:
    """Another server has answered."""
    async with manager_for(Recorder({"error": "login_required"})) as manager:
        with pytest.raises(errors.Unavailable, match=NOT_OURS):
            await call(manager)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 418])
@pytest.mark.parametrize("body", [LOGIN, "404 page not found", "", "[]", '"no"', '{"error": "no"}', '{"message": 1}'])
async def test_a_refusal_of_another_server_says_nothing_of_workflows(status: int, body: str) -> None:
    """A wrong URL must not look as if there were no such workflow."""
    async with manager_for(Recorder(body, status=status)) as manager:
        with pytest.raises(errors.Unavailable, match=NOT_OURS):
            await manager.get_workflow("w")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, errors.NotAuthenticated), (403, errors.NotAllowed), (413, errors.RequestTooLarge), (429, errors.Throttled)],
)
async def test_a_gateway_may_refuse_in_its_own_words(status: int, kind: type[errors.WorkflowManagerError]) -> None:
    """What it says of credentials and sizes is meant as it is."""
    async with manager_for(Recorder(LOGIN, status=status)) as manager:
        with pytest.raises(kind) as raised:
            await manager.resolve_workflow("w")
    assert type(raised.value) is kind
    assert raised.value.message.endswith(": Log in & go on.")


@pytest.mark.parametrize(
    ("status", "message"), [(404, "GET /wfm/workflows/w: Not Found"), (405, "GET /workflows/w: Method Not Allowed")]
)
async def test_a_route_that_is_not_there_is_no_missing_workflow(status: int, message: str) -> None:
    """The service is an older one, or its URL is wrong."""
    async with manager_for(Recorder({"message": message, "requestId": "r"}, status=status)) as manager:
        with pytest.raises(errors.Unavailable, match="does not support this operation"):
            await manager.get_workflow("w")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Location": "https://login.test/"}, "answered 301 Moved Permanently. It redirects to https://login"),
        ({}, "answered 301 Moved Permanently."),
    ],
)
async def test_a_redirection_tells_where_to(headers: dict[str, str], words: str) -> None:
    """It is not followed: a body would be lost on the way."""

    def elsewhere(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(301, headers=headers)

    async with manager_for(elsewhere) as manager:
        with pytest.raises(errors.Unavailable) as raised:
            await manager.get_workflow("w")
    assert words in raised.value.message


PAGES = [
    ("<p>one</p><p>two &lt;3</p>", "one two <3"),
    ("<html><style>p {}</style><script>alert('<p>')</script><!-- no --><p class='a'>yes</p>", "yes"),
    ("a < b and c > d", "a < b and c > d"),
    ("<title>\n  Gone\n</title><p>x</p>", "Gone"),
    ("<!-- " * 4_000 + "<title>far away</title>", ("<!-- " * 4_000)[:200]),
]


@pytest.mark.parametrize(("page", "words"), PAGES)
async def test_a_page_is_quoted_as_people_read_it(page: str, words: str) -> None:
    """Without its markup."""
    async with manager_for(Recorder(page, status=500)) as manager:
        with pytest.raises(errors.Unavailable) as raised:
            await manager.get_workflow("w")
    assert raised.value.message == f"{URL} answered 500 Internal Server Error: {words}."

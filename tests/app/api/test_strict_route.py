"""Reading the body of a request.

Covers `app.api.strict_route`.
"""

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from app.main import create_app
from app.settings import Settings
from tests.rig import Rig


async def test_a_body_in_pieces_is_read_whole() -> None:
    sent = await _post([b'{"workflowDefinition":{"name":"echo"},', b'"namespace":"dev"}'])

    assert sent[0]["status"] == 200


async def test_a_body_in_pieces_that_is_wrong_is_explained() -> None:
    sent = await _post([b'{"workflowDefinition":', b'{"name":1}}'])

    assert sent[0]["status"] == 400
    assert b"/workflowDefinition/name" in sent[1]["body"]


async def _post(pieces: list[bytes]) -> list[Message]:
    """Send a body piece by piece; return what is answered."""
    rig = Rig()
    await rig.define()
    app: FastAPI = create_app(Settings())
    app.state.services = rig.services()
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/workflows",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b""})
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    receiving: Receive = receive
    sending: Send = send
    await app(scope, receiving, sending)
    return sent

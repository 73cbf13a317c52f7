"""A service that gives one answer to everything, and a client of it."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from workflow_manager.client import WorkflowManager

URL = "http://service.test"

Handler = Callable[[httpx.Request], httpx.Response]


class Recorder:
    """A service that gives one answer to everything and remembers what it was asked; text is sent as it is."""

    def __init__(self, body: object, *, status: int = 200) -> None:
        self._body = body
        self._status = status
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._body, str):
            return httpx.Response(self._status, text=self._body)
        return httpx.Response(self._status, json=self._body)

    @property
    def line(self) -> str:
        """Method, path and query of the only request."""
        [request] = self.requests
        return f"{request.method} {request.url.raw_path.decode()}"

    @property
    def sent(self) -> Any:
        """The JSON body of the only request; None without one."""
        [request] = self.requests
        return json.loads(request.content) if request.content else None


async def no_sleep(_seconds: float) -> None:
    return


def manager_for(handler: Handler) -> WorkflowManager:
    return WorkflowManager(URL, transport=httpx.MockTransport(handler), sleep=no_sleep, randomness=lambda: 0.5)

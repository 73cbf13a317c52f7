"""Tokens that a command of a profile prints: it runs for the first request, and when a token is refused."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from typing import Final

import httpx

from workflow_manager import errors
from workflow_manager.cli.options.connection import TokenCommand

COMMAND_SECONDS: Final = 60.0
"""A person may have to confirm a login."""

UNAUTHORIZED: Final = 401


class CommandToken(httpx.Auth):
    """Sends the token that a command prints; runs it again, once, when the service refuses the token."""

    def __init__(self, command: TokenCommand) -> None:
        self._command = command
        self._token: str | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the token to a request."""
        token = await self._current(refused=None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._current(refused=token)}"
            yield request

    async def _current(self, *, refused: str | None) -> str:
        async with self._lock:
            if self._token is None or self._token == refused:
                self._token = await self._run()
            return self._token

    async def _run(self) -> str:
        """Run the command. What it writes to standard error is shown; its output never is."""
        source = f"The token_command of the {self._command.source}"
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise errors.SettingsError(f"{source} cannot be run: {error.strerror}.") from error
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            raise errors.NotAuthenticated(f"{source} printed no token within {COMMAND_SECONDS:g} seconds.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise errors.NotAuthenticated(f"{source} ended with exit code {process.returncode}; run it to see why.")
        token = output.decode("ascii", errors="replace").strip()
        if not token or not token.isascii() or len(token.split()) != 1:
            raise errors.NotAuthenticated(f"{source} must print a token and nothing else.")
        return token

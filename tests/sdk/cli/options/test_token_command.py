"""Tokens that a command of a profile prints.

Covers `workflow_manager.cli.options.token_command` and `workflow_manager.cli.options.connection`.
"""

import json
from pathlib import Path

import httpx
import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from workflow_manager import errors
from workflow_manager.cli.options.connection import TokenCommand
from workflow_manager.cli.options.token_command import CommandToken


def _command(*words: str) -> TokenCommand:
    return TokenCommand(words, "profile p")


async def _answers(auth: httpx.Auth, *statuses: int) -> list[str]:
    """Return the tokens that requests carry, which are answered with these statuses."""
    seen: list[str] = []
    left = list(statuses)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(left.pop(0))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as client:
        while left:
            await client.get("http://service/")
    return seen


@pytest.fixture
def counting(tmp_path: Path) -> TokenCommand:
    """A command that prints another token each time."""
    script = tmp_path / "token"
    script.write_text(f'echo x >> {tmp_path}/runs; echo "token$(wc -l < {tmp_path}/runs | tr -d " ")"\n')
    return _command("sh", str(script))


async def test_the_command_runs_once_for_many_requests(counting: TokenCommand) -> None:
    assert await _answers(CommandToken(counting), 200, 200, 200) == ["Bearer token1"] * 3


async def test_it_runs_again_when_its_token_is_refused(counting: TokenCommand) -> None:
    assert await _answers(CommandToken(counting), 200, 401, 200, 200) == [
        "Bearer token1",
        "Bearer token1",
        "Bearer token2",
        "Bearer token2",
    ]


async def test_a_second_refusal_is_told(counting: TokenCommand) -> None:
    assert await _answers(CommandToken(counting), 401, 401) == ["Bearer token1", "Bearer token2"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sh", "-c", "exit 3"), "ended with exit code 3"),
        (("true",), "must print a token"),
        (("echo", "two words"), "must print a token"),
        (("/nothing/here",), "cannot be run"),
    ],
)
async def test_a_command_that_fails_is_named_and_its_output_is_not(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(errors.WorkflowManagerError, match=told) as raised:
        await _answers(CommandToken(_command(*words)), 200)
    assert "profile p" in raised.value.message
    assert "two words" not in raised.value.message


def _configure(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".config" / "workflow-manager" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


IDENTITY = {"subject": "key/k1", "kind": "key", "bindings": []}


def test_a_profile_names_the_command(
    wfm: Run, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKFLOWMANAGER_URL")
    _configure(tmp_path, f'profile = "p"\n[profiles.p]\nurl = "{service.url}"\ntoken_command = "echo t1"\n')
    service.on("GET /whoami", IDENTITY)

    outcome = wfm("whoami", "-o", "json")
    assert (outcome.code, json.loads(outcome.out)["subject"]) == (0, "key/k1")
    assert service.asked[-1].headers["Authorization"] == "Bearer t1"
    monkeypatch.setenv("WORKFLOWMANAGER_TOKEN", "of-shell")
    wfm("whoami")
    assert service.asked[-1].headers["Authorization"] == "Bearer of-shell"
    wfm("whoami", "--profile", "p")
    assert service.asked[-1].headers["Authorization"] == "Bearer t1"
    shown = wfm("config", "show", "--profile", "p").out
    assert "token_command" in shown
    assert "t1" not in shown


def test_a_refusal_says_what_to_do(wfm: Run, service: FakeService) -> None:
    service.on("GET /whoami", {"message": "this needs a credential"}, status=401)
    unknown = wfm("whoami")
    service.on("GET /whoami", {"message": "this needs the role read"}, status=403)
    refused = wfm("whoami")

    assert (unknown.code, refused.code) == (4, 4)
    assert "export WORKFLOWMANAGER_TOKEN=KEY" in unknown.err
    assert refused.err.endswith("  wfm whoami\n")


def test_can_answers_by_its_exit_code(wfm: Run, service: FakeService) -> None:
    service.on("GET /whoami", IDENTITY | {"allowed": True})
    assert (wfm("can", "cancel", "--namespace", "dev").code, service.asked[-1].line) == (
        0,
        "GET /whoami?role=operate&namespace=dev",
    )
    service.on("GET /whoami", IDENTITY | {"allowed": False})
    assert wfm("can", "author").code == 4
    assert wfm("can", "fly").code == 2

"""The guides: the reference is that of the commands, and every example runs.

Covers `app.cli.commands` and `workflow_manager.cli.commands`.
"""

import ast
import asyncio
import inspect
import io
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.cli.commands import main
from scripts.cli_reference import with_reference
from tests.checkout import ROOT
from tests.sdk.cli.real_service import RealService, serving
from workflow_manager import models
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.connection import TOKEN_VARIABLE
from workflow_manager.cli.options.profiles import PROFILE_VARIABLE, VARIABLES
from workflow_manager.client import WorkflowManager

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)(?: \S+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^# (\S+/\S+\.\w+)\n")
EXITS = re.compile(r"# exits (\d+)$")
INPUT = "input.json"


class Block(NamedTuple):
    """An example of a guide."""

    language: str
    text: str


def blocks(name: str) -> list[Block]:
    return [Block(*match) for match in BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))]


@pytest.fixture
def real() -> Iterator[RealService]:
    with serving() as service:
        yield service


def test_the_reference_is_up_to_date() -> None:
    """A changed command needs `make docs`."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert text == with_reference(text), "docs/cli.md is out of date; run: make docs"


def test_every_exit_code_is_in_the_guide() -> None:
    """Scripts rely on them."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == set(ExitCode)


@pytest.mark.parametrize("variable", [*VARIABLES.values(), PROFILE_VARIABLE, TOKEN_VARIABLE, "XDG_CONFIG_HOME"])
def test_every_variable_of_the_command_line_is_in_the_guide(variable: str) -> None:
    """Beside those of the service."""
    assert f"| `{variable}` |" in (DOCS / "settings.md").read_text(encoding="utf-8")


def lay_out(block: Block, folder: Path) -> None:
    """Write the file that an example shows."""
    name = match[1] if (match := FILE.match(block.text)) else INPUT if block.language == "json" else None
    if name is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block.text, encoding="utf-8")


async def failed_workflow(url: str) -> str:
    """Return the id of a workflow that failed."""
    async with WorkflowManager(url) as manager:
        [newest] = (await manager.list_workflows(status=models.WorkflowStatus.FAILED, limit=1)).workflows
        return newest.id


@pytest.mark.slow
def test_the_commands_of_the_guide_run(
    real: RealService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One after the other, each with the exit code that is promised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("WORKFLOWMANAGER_URL", real.url)
    ran, workflow_id = 0, ""
    with ThreadPoolExecutor(1) as thread:
        for block in blocks("cli.md"):
            lay_out(block, tmp_path)
            for line in block.text.splitlines() if block.language == "sh" else ():
                if " wfm worker " in line:
                    continue  # this service has no workers, but runs that end by themselves
                if line.startswith("ID=$("):
                    workflow_id = thread.submit(asyncio.run, failed_workflow(real.url)).result()
                    continue
                for command in line.replace("$ID", workflow_id).split(" | "):
                    monkeypatch.setattr("sys.stdin", io.StringIO(capfd.readouterr().out))
                    program, *arguments = shlex.split(command, comments=True)
                    code = thread.submit(main, arguments).result()
                    wanted = int(match[1]) if (match := EXITS.search(command)) else 0
                    assert (program, code) == ("wfm", wanted), (line, capfd.readouterr())
                    ran += 1
    assert ran > 20


def test_the_programs_of_the_client_guide_run(real: RealService, capfd: pytest.CaptureFixture[str]) -> None:
    """One after the other, as in a notebook."""
    names: dict[str, Any] = {}

    def run(number: int, text: str) -> None:
        code = compile(text, f"client.md, example {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)
        if inspect.iscoroutine(result):
            asyncio.run(result)

    with ThreadPoolExecutor(1) as thread:
        for number, block in enumerate(blocks("client.md"), start=1):
            if block.language != "python" or "Worker(" in block.text:
                continue
            thread.submit(run, number, block.text.replace("http://localhost:8080", real.url)).result()
    shown = capfd.readouterr().out
    assert 'succeeded {"greeting": "hello"}' in shown
    assert "there is no workflow 'nope'" in shown
    assert "304" in shown
    assert "event: workflow" in shown

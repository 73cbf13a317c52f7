"""The command line starts quickly: a verb's module is loaded when the verb is called.

Covers `workflow_manager.cli.program` and `workflow_manager.cli.commands`.
"""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from typing import get_args, get_type_hints

import pytest

from app.cli.commands import COMMANDS
from app.cli.serve import serve
from app.settings import StoreBackend
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from workflow_manager.cli.commands import CommandGroup, CommandSpec
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import DEFAULT_URL
from workflow_manager.cli.worker.worker import InputModeName
from workflow_manager.worker.config import InputMode

HEAVY = {"aioboto3", "botocore", "fastapi", "httpx", "moto", "pydantic", "rich", "uvicorn", "yaml"}

VERBS = {
    " ".join(path): verb
    for name, entry in COMMANDS.items()
    for path, verb in (
        [((name, member), verb) for member, verb in entry.members.items()]
        if isinstance(entry, CommandGroup)
        else [((name,), entry)]
    )
}


def loaded_modules(*arguments: str) -> set[str]:
    return loaded_by(f"from app.cli.commands import main; main({list(arguments)!r})")


def loaded_by(program: str) -> set[str]:
    program = f"import sys; {program}; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()} | set(done.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    """The help of all verbs needs none of them."""
    loaded = loaded_modules("--help")
    assert loaded & HEAVY == set()
    assert "workflow_manager.cli.workflows.submit" not in loaded


def test_the_help_of_all_shows_every_summary_whole(wfm: Run) -> None:
    """In a pipe, where they may take several lines."""
    text = " ".join(wfm("--help").out.split())
    assert [entry.summary for entry in COMMANDS.values() if entry.summary not in text] == []
    queues = " ".join(wfm("queues", "--help").out.split())
    assert "Show the limits of a queue and how many of its workflows are running." in queues


def test_the_help_of_all_names_every_exit_code(wfm: Run) -> None:
    """As the guide does."""
    codes = wfm("--help").out.partition("Exit codes:")[2]
    assert {int(number) for number in re.findall(r"\d+", codes)} == set(ExitCode)


def test_the_help_of_a_verb_loads_nothing_heavy() -> None:
    """Help needs neither the code of the verb nor what typer validates values with."""
    calls = "; ".join(f"main({[*words.split(), '--help']!r})" for words in VERBS)
    assert loaded_by(f"from app.cli.commands import main; {calls}") & HEAVY == set()


def test_a_client_verb_loads_no_server(service: FakeService) -> None:
    """Asking a service does not load what a service is made of."""
    service.on("GET /workflows", [])
    loaded = loaded_modules("workflows", "--url", service.url)
    assert "httpx" in loaded
    assert loaded & {"aioboto3", "botocore", "fastapi", "moto", "uvicorn"} == set()


def test_a_server_verb_loads_no_moto() -> None:
    """Only the process that is the embedded AWS pays for it."""
    assert loaded_by("import app.cli.service_process") & {"moto"} == set()


def test_the_stores_of_serve_are_those_of_the_service() -> None:
    """They are written down twice, because the settings take long to load."""
    offered = get_args(get_args(get_args(get_type_hints(serve, include_extras=True)["store"])[0])[0])
    assert set(offered) == set(StoreBackend)


def test_the_input_modes_of_a_worker_are_those_of_its_commands() -> None:
    """They are written down twice, because the worker takes long to load."""
    assert set(get_args(InputModeName)) == set(InputMode)


@pytest.mark.parametrize("words", VERBS)
def test_the_summary_of_a_verb_is_the_first_line_of_its_docstring(words: str) -> None:
    """What the table says and what the verb says of itself are the same."""
    verb: CommandSpec = VERBS[words]
    module, function = verb.target.split(":")
    documentation = inspect.getdoc(getattr(import_module(module), function)) or ""
    assert documentation.split("\n")[0] == verb.summary


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_has_help(words: str, wfm: Run) -> None:
    """Every verb loads, and its help has no boxes outside a terminal."""
    outcome = wfm(*words.split(), "--help")
    assert outcome.code == 0
    assert f"{words} [OPTIONS]" in outcome.out
    assert VERBS[words].summary in " ".join(outcome.out.split())
    assert outcome.out.isascii()


def test_the_version_is_shown(wfm: Run) -> None:
    """One line, for bug reports."""
    outcome = wfm("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("workflow-manager ")


def test_the_default_url_is_the_one_of_serve(wfm: Run) -> None:
    """A service started without options is found without options."""
    assert "8080" in wfm("serve", "--help").out
    assert DEFAULT_URL == "http://localhost:8080"


@pytest.mark.parametrize("group", [(), ("definitions",), ("config",), ("queues",)])
def test_a_group_alone_shows_its_help(group: tuple[str, ...], wfm: Run) -> None:
    """As `gh` and `kubectl` do."""
    alone, asked = wfm(*group), wfm(*group, "--help")
    assert alone == asked
    assert alone.code == 0
    assert ("Commands:" if group else "Workflows:") in alone.out

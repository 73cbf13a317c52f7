"""The command line starts quickly: a verb's module is loaded when the verb is called."""

import inspect
import resource
import subprocess
import sys
import tempfile
from importlib import import_module

import pytest

from app.cli.commands import COMMANDS, Family, Verb
from app.cli.options import DEFAULT_URL
from tests.cli.conftest import Run

HEAVY = {"aioboto3", "botocore", "fastapi", "httpx", "moto", "pydantic", "rich", "uvicorn", "yaml"}

VERBS = {
    " ".join(path): verb
    for name, entry in COMMANDS.items()
    for path, verb in (
        [((name, member), verb) for member, verb in entry.members.items()]
        if isinstance(entry, Family)
        else [((name,), entry)]
    )
}


def loaded_modules(*arguments: str) -> set[str]:
    program = (
        f"import sys; from app.cli.edge import main; main({list(arguments)!r}); sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()} | set(done.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    """The help of all verbs needs none of them."""
    loaded = loaded_modules("--help")
    assert loaded & HEAVY == set()
    assert "app.cli.submit" not in loaded


def test_a_client_verb_loads_no_server() -> None:
    """Asking a service does not load what a service is made of."""
    assert loaded_modules("submit", "--help") & {"aioboto3", "botocore", "fastapi", "moto", "uvicorn"} == set()


def test_a_server_verb_loads_no_moto() -> None:
    """Only the process that is the embedded AWS pays for it."""
    assert loaded_modules("serve", "--help") & {"moto"} == set()


@pytest.mark.parametrize("words", VERBS)
def test_the_summary_of_a_verb_is_the_first_line_of_its_docstring(words: str) -> None:
    """What the table says and what the verb says of itself are the same."""
    verb: Verb = VERBS[words]
    module, function = verb.target.split(":")
    documentation = inspect.getdoc(getattr(import_module(module), function)) or ""
    assert documentation.split("\n")[0] == verb.summary


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_has_help(words: str, wfm: Run) -> None:
    """Every verb loads, and explains itself without drawing boxes when nobody looks."""
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


def test_the_help_is_there_at_once() -> None:
    """Below 0.4 seconds of work: what is slow is what is loaded, whoever else uses the machine."""
    with tempfile.TemporaryFile() as nowhere:
        spent = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "app", "--help"]
            assert subprocess.run(command, stdout=nowhere, timeout=20, check=False).returncode == 0
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) < 0.4

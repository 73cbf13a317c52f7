"""All guides, one after the other on one service: each starts the workers that it needs, and uses names of its own.

Covers `app.main` and `workflow_manager.worker`.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.checkout import ROOT
from tests.e2e.conftest import Service
from tests.eventually import eventually

GUIDES: Final = ("README.md", "docs/cli.md", "docs/client.md", "docs/worker.md", "docs/poller.md")
ELSEWHERE: Final = {
    "docs/access.md": "configures services of its own",
    "docs/deploy.md": "needs an account",
    "docs/local.md": "starts embedded AWSs of its own",
    "docs/recovery.md": "needs failures of an earlier night",
    "docs/states-language.md": "has a test of its own",
}
SECTIONS: Final = {"README.md": "## A walk of five minutes"}
"""The part of a guide that is about a running service; other parts start services of their own."""

URL: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1):(8080|4566)\b")
BLOCK: Final = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE: Final = re.compile(r"^# (\S+/\S+\.\w+)\n")
"""A first line that names the file."""

EXITS: Final = re.compile(r"# exits (\d+)$", re.MULTILINE)
STAYS: Final = re.compile(r"\b(?:wfm|workflow-manager) (?:worker|sfncli) ")
REGISTERS: Final = re.compile(r"--module (?!hello_worker)")
"""Workers that register definitions, which the commands after them need."""

STARTS_THE_SERVICE: Final = "make run\n"

PROGRAM: Final = r"""
import ast, asyncio, inspect, sys
names = {}
for number, text in enumerate(sys.stdin.read().split("\0")):
    result = eval(compile(text, f"example {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.iscoroutine(result):
        asyncio.run(result)
"""
"""Runs examples with the same names, as a notebook does."""


class Block(NamedTuple):
    """An example of a guide."""

    language: str
    file: str
    """The name of the file that it shows, if it shows one."""
    text: str


def blocks(guide: str, service: Service) -> list[Block]:
    """Return the examples of a guide; only the ports are others."""
    text = (ROOT / guide).read_text(encoding="utf-8")
    if section := SECTIONS.get(guide):
        text = text.partition(section)[2].partition("\n## ")[0]
    urls = {"8080": service.url, "4566": service.aws_url}
    here = URL.sub(lambda found: urls[found[1]], text).replace("--metrics-port 9100", "--metrics-port 0")
    here = here.replace(". .venv/bin/activate", ":")
    return [Block(language, file or _file(language, text), text) for language, file, text in BLOCK.findall(here)]


def _file(language: str, text: str) -> str:
    if match := FILE.match(text):
        return match[1]
    return "input.json" if language == "json" else ""


def environment(service: Service, folder: Path) -> dict[str, str]:
    """Return the environment of a newcomer: the programs, and a service that is not at the usual place."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ours = {"PATH": programs, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder / ".config")}
    return {**os.environ, **ours, "WORKFLOWMANAGER_URL": service.url}


def checked(text: str) -> str:
    """Return commands that must exit with 0, or as the guide says."""
    if not EXITS.search(text):
        return f"set -e\n{text}\nset +e"
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = match[1] if (match := EXITS.search(line)) else "0"
        lines += [line, f"[ $? = {code} ] || {{ echo line {number} must exit with {code} >&2; exit 99; }}"]
    return "\n".join(lines)


@contextmanager
def running(script: str, folder: Path, environ: dict[str, str], log: Path) -> Iterator[None]:
    """Run a worker, from the moment that it takes tasks."""
    with log.open("w", encoding="utf-8") as written:
        worker = subprocess.Popen(
            ["bash", "-c", script], cwd=folder, env=environ, stderr=written, start_new_session=True
        )
    wanted = "definition-registered" if REGISTERS.search(script) else "worker-started"
    try:
        eventually(lambda: wanted in log.read_text(), what=f"{wanted} of {script}", timeout_seconds=60)
        yield
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(timeout=60)


def run(command: list[str], folder: Path, environ: dict[str, str], *, stdin: str = "") -> None:
    """Run a program that ends; its failure shows all that it said."""
    done = subprocess.run(
        command, input=stdin, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def walk(guide: str, service: Service, folder: Path, workers: ExitStack) -> None:
    """Do what a guide says: write its files, start its workers, run its commands and then its programs."""
    found, environ = blocks(guide, service), environment(service, folder)
    for block in found:
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
    shell = [block.text for block in found if block.language == "sh" and not block.file]
    exports = "\n".join(re.findall(r"^export .*$", "\n".join(shell), re.MULTILINE))
    for number, text in enumerate(each for each in shell if STAYS.search(each)):
        workers.enter_context(running(f"{exports}\n{text}", folder, environ, folder / f"worker-{number}.log"))
    ending = [each for each in shell if not STAYS.search(each) and each != STARTS_THE_SERVICE]
    run(["bash", "-c", "\n".join([exports, *map(checked, ending)])], folder, environ)
    programs = [block.text for block in found if block.language == "python" and not block.file]
    if programs:
        run([sys.executable, "-c", PROGRAM], folder, environ, stdin="\0".join(programs))


@pytest.mark.slow
def test_the_guides_run_one_after_the_other(service: Service, tmp_path: Path) -> None:
    """On one service, with the workers of all of them: no guide stands in the way of another."""
    with ExitStack() as workers:
        for guide in GUIDES:
            folder = tmp_path / guide.replace("/", "-")
            folder.mkdir()
            walk(guide, service, folder, workers)


def test_every_guide_with_commands_is_run() -> None:
    """A new one is named here, or with the reason why it runs elsewhere."""
    documents = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
    runnable = re.compile(r"^```(?:sh|python|json)\b", re.MULTILINE)
    found = {name for name in documents if runnable.search((ROOT / name).read_text(encoding="utf-8"))}
    assert found == {*GUIDES, *ELSEWHERE}

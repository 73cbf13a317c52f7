"""The examples of the worker guide, run as it says.

Covers `workflow_manager.worker`.
"""

import ast
import json
import re
import shlex
import socket
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.checkout import ROOT
from tests.sdk.worker.executions import Machine
from tests.sdk.worker.processes import Nursery, WorkerProcess
from workflow_manager.worker.metrics.prometheus import WorkerMetrics
from workflow_manager.worker.task_errors import ErrorName, FunctionErrorName

GUIDE = (ROOT / "docs/worker.md").read_text()
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
FILES = {name: text for _, name, text in BLOCKS if name}
COMMANDS = [shlex.split(line) for kind, name, text in BLOCKS if kind == "sh" and not name for line in text.splitlines()]
PROGRAM = "workflow-manager"
STAYING = ("worker", "sfncli")
"""Verbs that run until they are stopped."""


class Example(NamedTuple):
    """A command of the guide that ended."""

    code: int
    out: str


@dataclass
class Walk:
    """What came of the commands of the guide."""

    workers: dict[str, WorkerProcess]
    ended: dict[str, Example]


def _is_worker(command: list[str]) -> bool:
    return command[0] == PROGRAM and command[1] in STAYING


@pytest.fixture(scope="module")
def service_url(nursery: Nursery) -> str:
    """A service on the embedded AWS, which is there in a while."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nursery.start("serve", "--port", str(port), WFM_LOG_LEVEL="warning")
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def walk(nursery: Nursery, service_url: str, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Write the files and start the workers, then run the other commands: one after the other, workflows at once."""
    directory = tmp_path_factory.mktemp("guide")
    for name, text in FILES.items():
        (directory / name).write_text(text.replace("http://localhost:8080", service_url))
    environ: dict[str, Any] = {"WORKFLOWMANAGER_URL": service_url, "WORKFLOWMANAGER_NAMESPACE": "dev"}
    for command in COMMANDS:
        if command[0] == "chmod":
            subprocess.run(command, cwd=directory, check=True)
    workers = {
        " ".join(command): nursery.start(*(word.replace("9100", "0") for word in command[1:]), cwd=directory, **environ)
        for command in COMMANDS
        if _is_worker(command)
    }
    for started, worker in workers.items():
        worker.until_logged("definition-registered" if "--module" in started else "worker-started")
    ended = {name: Example(process.wait(), process.stdout) for name, process in _begun(nursery, directory, environ)}
    return Walk(workers, ended)


def _begun(nursery: Nursery, directory: Path, environ: dict[str, Any]) -> list[tuple[str, WorkerProcess]]:
    begun = []
    for command in COMMANDS:
        if command[0] in {PROGRAM, "python"} and not _is_worker(command):
            process = nursery.start(*command[command[0] == PROGRAM :], cwd=directory, **environ)
            if command[1] == "definitions":
                process.wait()
            begun.append((" ".join(command), process))
    return begun


@pytest.mark.slow
def test_every_command_of_the_guide_is_run(walk: Walk) -> None:
    prepared = {"export", "chmod"}
    assert {" ".join(command) for command in COMMANDS if command[0] not in prepared} == {*walk.workers, *walk.ended}
    assert {name: example.out for name, example in walk.ended.items() if example.code != 0} == {}


@pytest.mark.slow
def test_the_program_with_a_worker_in_it_prints_the_output_of_its_workflow(walk: Walk) -> None:
    assert '"a":42}' in walk.ended["python embedded.py"].out


@pytest.mark.parametrize(
    ("activity", "output"),
    [
        ("crop", {"cropped": True}),
        ("turn", {"turned": True}),
        ("print", {"printed": 1}),
        ("archive", {"resized": 3}),
        ("scan", {}),
    ],
)
@pytest.mark.slow
def test_each_activity_of_the_guide_is_served(walk: Walk, sfn: Any, activity: str, output: dict[str, Any]) -> None:
    assert walk.workers
    execution = Machine(sfn, f"dev--{activity}").start().ended()
    assert json.loads(execution.output) == {"_EXECUTION_NAME": execution.name, **output}


@pytest.mark.slow
def test_the_thumbnails_are_made(walk: Walk, sfn: Any, service_url: str) -> None:
    with urllib.request.urlopen(f"{service_url}/workflows?workflowDefinitionName=thumbnails") as answer:
        (workflow,) = json.load(answer)
    page = Path(json.loads(workflow["output"])["page"])
    thumbnails = sorted(page.parent.glob("*.png"))
    assert [thumbnail.name in page.read_text() for thumbnail in thumbnails] == [True] * 3
    assert {thumbnail.read_bytes()[:8] for thumbnail in thumbnails} == {b"\x89PNG\r\n\x1a\n"}


@pytest.mark.slow
def test_the_metrics_of_the_guide_are_served(walk: Walk, sfn: Any) -> None:
    (worker,) = (process for command, process in walk.workers.items() if "--metrics-port" in command)
    port = re.search(r'"port": ?(\d+)', worker.stderr)
    assert port
    Machine(sfn, "dev--print").start().ended()
    with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/metrics") as answer:
        text = answer.read().decode()
    assert re.search(
        r'^workflow_manager_worker_tasks_total\{activity="dev--print",outcome="succeeded"\} [1-9]', text, re.MULTILINE
    )
    assert 'workflow_manager_worker_slots{activity="dev--print"} 4.0' in text


def test_the_guide_lists_every_metric() -> None:
    metrics = WorkerMetrics()
    metrics.hooks("a", slots=1)
    names = {
        sample.name
        for family in metrics.registry.collect()
        if family.name.startswith("workflow_manager_worker")
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket", "_sum"))
    }
    documented = set(re.findall(r"^\| `(workflow_manager_worker_\w+)` \|", GUIDE, flags=re.MULTILINE))
    assert documented == {name.removesuffix("_count") for name in names}


@pytest.mark.parametrize("error", [*ErrorName, *FunctionErrorName])
def test_the_guide_explains_every_error_name(error: str) -> None:
    assert re.search(rf"^\| .*`{re.escape(error)}`.* \|", GUIDE, flags=re.MULTILINE)


def test_each_behaviour_of_sfncli_has_a_test_and_a_row() -> None:
    rows = re.findall(r"^\| (.*) \| `(\w+)` \|$", GUIDE.partition("| behaviour | test |\n")[2], flags=re.MULTILINE)
    tests = [row for name in ("start", "tasks", "end") for row in _rows(f"sfncli/test_{name}.py")]
    assert rows == tests


def _rows(name: str) -> list[tuple[str, str]]:
    module = ast.parse((Path(__file__).parent / name).read_text())
    tests = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    return [(_first_paragraph(ast.get_docstring(test) or ""), test.name) for test in tests]


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())

"""The built wheel of what people import, in a fresh environment beside a project that has an ``app`` of its own.

Covers `workflow_manager`.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.checkout import ROOT
from tests.e2e.conftest import Service

UV = str(Path(sys.executable).with_name("uv"))
TASKS = """
from workflow_manager import Worker

worker = Worker(namespace="wheels")


@worker.task("hello")
async def hello(guest: dict[str, object]) -> dict[str, str]:
    return {"greeting": f"hello {guest['name']}"}
"""
START = """
import asyncio
import sys

from workflow_manager import Workflow, WorkflowManager, errors, models


async def start(url: str) -> Workflow:
    machine: models.StateMachine = {"StartAt": "s", "States": {"s": {"Type": "Task", "Resource": "hello", "End": True}}}
    async with WorkflowManager(url) as manager:
        try:
            await manager.get_definition("from-a-wheel")
        except errors.NotFound:
            new = models.NewWorkflowDefinitionRequest(name="from-a-wheel", state_machine=machine)
            await manager.create_definition(new)
        definition = models.WorkflowDefinitionRef(name="from-a-wheel")
        request = models.StartWorkflowRequest(
            workflow_definition=definition, namespace="wheels", input={"name": "Ada"}
        )
        started = await manager.start_workflow(request)
        return await manager.wait(started.id)


if __name__ == "__main__":
    print(asyncio.run(start(sys.argv[1])).output)
"""
SERVER_PACKAGES = {"fastapi", "uvicorn", "aioboto3", "botocore", "moto"}


class Project(NamedTuple):
    """A user's project and the environment it runs in."""

    folder: Path
    bin: Path

    def run(self, *command: str, **variables: str) -> str:
        """Run a program of the environment in the project; return what it writes."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **variables}
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def install(python: Path, *packages: str) -> None:
    command = [UV, "pip", "install", "--quiet", "--python", str(python), "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*command, *packages], check=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT / "sdk")]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, folder.iterdir())]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder / ".venv")], check=True, timeout=120)
    made = Project(folder, folder / ".venv" / "bin")
    install(made.bin / "python", str(wheel))
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text('"""Ours."""\n\nOURS = True\n')
    (folder / "app" / "tasks.py").write_text(TASKS)
    (folder / "app" / "start.py").write_text(START)
    return made


@pytest.mark.slow
def test_a_client_installs_nothing_of_a_server(project: Project) -> None:
    listed = subprocess.run(
        [UV, "pip", "list", "--python", str(project.bin / "python"), "--format", "freeze"],
        check=True, timeout=120, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert {line.partition("==")[0] for line in listed.splitlines()} & SERVER_PACKAGES == set()
    assert project.run("python", "-c", "import app, workflow_manager; print(app.OURS)") == "True\n"
    assert project.run("wfm", "--version").startswith("workflow-manager ")
    assert "submit" in project.run("wfm", "--help")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "."])
def test_client_worker_and_command_line_work_beside_an_app_package(
    project: Project, wheel: Path, service: Service, path: str
) -> None:
    install(project.bin / "python", f"{wheel}[worker]")
    variables = {"PYTHONPATH": path} if path else {}
    environment = {"PATH": os.environ["PATH"], "HOME": str(project.folder), "AWS_ENDPOINT_URL": service.aws_url}
    worker = subprocess.Popen(
        [str(project.bin / "wfm"), "worker", "--module", "app.tasks", "--url", service.url],
        cwd=project.folder,
        env=environment | variables,
    )
    try:
        said = project.run("python", "-m", "app.start", service.url, **variables)
        assert "hello Ada" in said
        submit = ["wfm", "submit", "from-a-wheel", '{"name": "Bea"}', "--namespace", "wheels", "--follow"]
        assert "hello Bea" in project.run(*submit, "--url", service.url, **variables)
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0


@pytest.mark.slow
def test_a_strict_checker_of_types_accepts_the_project(project: Project) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(project.bin / "python"), "app"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_uninstalling_ours_leaves_theirs(project: Project) -> None:
    command = [UV, "pip", "uninstall", "--quiet", "--python", str(project.bin / "python"), "sfn-workflow-manager"]
    subprocess.run(command, check=True, timeout=120)
    assert project.run("python", "-c", "import app; print(app.OURS)") == "True\n"
    assert not (project.bin / "wfm").exists()
    assert (project.folder / "app" / "tasks.py").exists()

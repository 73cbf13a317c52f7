"""The client that openapi-python-client makes."""

import os
import shutil
from pathlib import Path
from typing import Final

from tests.generated_clients.folders import CACHE, HERE, OPENAPI, ROOT, python_environment
from tests.generated_clients.steps import step

SOURCES: Final = HERE / "python"
GENERATED: Final = CACHE / "python"
PACKAGE: Final = GENERATED / "workflow_manager_client"
MACHINES: Final = ROOT / "tests" / "sdk" / "states_language" / "machines" / "valid"


def prepare() -> None:
    """Generate the client, compile it, and check its types and those of the walk."""
    # The generator allows only older releases of a library that the service uses, so it lives apart.
    generator = python_environment("python-generator", SOURCES / "generator.txt")
    consumer = python_environment("python-consumer", SOURCES / "consumer.txt")
    _generate(generator / "openapi-python-client", path=f"{generator}{os.pathsep}{os.environ['PATH']}")
    step(
        "python: byte-compile the client",
        [consumer / "python", "-W", "error", "-m", "compileall", "-q", "-f", PACKAGE],
    )
    step(
        "python: check the types of the client and the walk",
        [consumer / "mypy", "--config-file", "mypy.ini", "--cache-dir", CACHE / "mypy", PACKAGE, "walk.py"],
        cwd=SOURCES,
    )


def walk(url: str, key: str) -> None:
    """Walk through the service."""
    command: list[str | Path] = [CACHE / "python-consumer" / "bin" / "python", SOURCES / "walk.py", url, MACHINES]
    step("python: walk", command, variables={"PYTHONPATH": str(GENERATED), "WORKFLOWMANAGER_TOKEN": key}, show=True)


def _generate(generator: Path, *, path: str) -> None:
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir(parents=True)
    files: list[str | Path] = ["--path", OPENAPI, "--output-path", PACKAGE]
    how = ["--meta", "none", "--fail-on-warning"]
    # The generator formats with the ruff that it finds on the path, and warns when there is none.
    step("python: generate the client", [generator, "generate", *files, *how], variables={"PATH": path})

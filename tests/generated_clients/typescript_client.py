"""The types that openapi-typescript makes, used with openapi-fetch."""

import shutil
from typing import Final

from tests.generated_clients.folders import CACHE, HERE, OPENAPI, node_environment
from tests.generated_clients.steps import step

SOURCES: Final = HERE / "typescript"
HOME: Final = CACHE / "typescript"


def prepare() -> None:
    """Generate the types, and compile the walk with them."""
    commands = node_environment(HOME.name, SOURCES / "package.json") / "node_modules" / ".bin"
    for name in ("walk.ts", "tsconfig.json"):
        shutil.copy(SOURCES / name, HOME)
    step("typescript: generate the types", [commands / "openapi-typescript", OPENAPI, "--output", "api.ts"], cwd=HOME)
    step("typescript: compile the types and the walk", [commands / "tsc", "--strict", "--project", HOME], cwd=HOME)


def walk(url: str, key: str) -> None:
    """Walk through the service."""
    step(
        "typescript: walk",
        ["node", HOME / "built" / "walk.js", url],
        variables={"WORKFLOWMANAGER_TOKEN": key},
        show=True,
    )

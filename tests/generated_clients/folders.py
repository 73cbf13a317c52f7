"""Folders of the checkout, and the environments that the clients and their generators live in."""

import shutil
import sys
from pathlib import Path
from typing import Final

from tests.generated_clients.steps import step

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
OPENAPI: Final = ROOT / "openapi.json"
CACHE: Final = ROOT / ".cache" / "generated-clients"


def python_environment(name: str, requirements: Path) -> Path:
    """Return the ``bin`` folder of a virtual environment with these packages; made anew when the list changes."""
    home = CACHE / name
    wanted = f"{sys.version}\n{requirements.read_text()}"
    if not _is_ready(home, wanted):
        _empty(home)
        step(f"{name}: make the environment", [sys.executable, "-m", "venv", home])
        pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
        step(f"{name}: install {requirements.name}", [*pip, "install", "--quiet", "--requirement", requirements])
        _mark_ready(home, wanted)
    return home / "bin"


def node_environment(name: str, package: Path) -> Path:
    """Return a folder with the packages of a ``package.json`` in ``node_modules``."""
    home = CACHE / name
    wanted = package.read_text()
    if not _is_ready(home, wanted):
        _empty(home)
        shutil.copy(package, home)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        step(f"{name}: install {package.name}", ["npm", "install", *options], cwd=home)
        _mark_ready(home, wanted)
    return home


def _is_ready(home: Path, wanted: str) -> bool:
    stamp = home / ".ready"
    return stamp.is_file() and stamp.read_text() == wanted


def _mark_ready(home: Path, wanted: str) -> None:
    # Written last, so an installation that was broken off is made anew.
    (home / ".ready").write_text(wanted)


def _empty(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)

"""Lists that must stay true: what is declared, documented and exported."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import app
from app.settings import Settings
from workflow_manager import errors

ROOT = Path(__file__).parent.parent
MODULES = sorted(module.name for module in pkgutil.walk_packages(app.__path__, "app.") if "__main__" not in module.name)
ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_a_sentence_and_a_place_in_the_tree(kind: type[errors.WorkflowManagerError]) -> None:
    assert 400 <= kind.status < 600
    assert kind().message.endswith(".")
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs/settings.md").read_text()

    for name, setting in Settings.model_fields.items():
        if name == "aws_region":
            continue
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `WFM_{name.upper()}` |")]
        if setting.default is not None:
            assert f"`{str(setting.default).lower()}`" in row


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_exports_what_it_has(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__doc__
    for exported in getattr(module, "__all__", ()):
        assert hasattr(module, exported), f"{name}.__all__ names {exported}"


def test_the_readme_names_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for target in re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_documents_link_to_files_that_exist() -> None:
    for document in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"

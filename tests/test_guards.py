"""Lists that must stay true: what is declared, documented and exported."""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import app
import workflow_manager
from app.settings import Settings
from tests.checkout import ROOT
from workflow_manager import errors
from workflow_manager.version import __version__

BUILDINGS = (ROOT / "app", ROOT / "sdk" / "workflow_manager")
FILES = [path for building in BUILDINGS for path in sorted(building.rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULES = sorted(
    module.name
    for package in (app, workflow_manager)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if "__main__" not in module.name
)
COMMAND_TABLES = {ROOT / "app/cli/commands.py", ROOT / "sdk/workflow_manager/cli/commands.py"}
MODULE = re.compile(r"(app|workflow_manager)(\.[a-z_]+)+(:\w+)?")
RUN_AS_PROGRAMS = {"workflow_manager.local"}
"""Modules that are named to run a process of them with ``python -m``."""
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


def test_the_drawing_of_the_architecture_shows_the_layers_that_are_checked() -> None:
    drawing = (ROOT / "docs/architecture.md").read_text().split("```")[1]
    rows: dict[str, list[str]] = {}
    building = ""
    for line in filter(None, drawing.splitlines()):
        building = line[:22].strip() or building
        rows.setdefault(building, []).append(line[22:].split("  ")[0])
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    checked = {each["containers"][0]: each["layers"] for each in contracts if each["type"] == "layers"}

    assert rows == {name: checked[name] for name in ("app", "workflow_manager")}


def test_documents_link_to_files_that_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_a_folder_holds_few_files() -> None:
    """A folder with more of them is a heap: divide it by what its modules do."""
    counts = Counter(path.parent for path in [*FILES, *TESTS])

    assert {str(folder): count for folder, count in counts.items() if count > 18} == {}


@pytest.mark.parametrize("path", [path for path in TESTS if path.name.startswith("test_")], ids=lambda path: path.name)
def test_a_test_opens_with_the_modules_that_it_covers(path: Path) -> None:
    description = ast.get_docstring(ast.parse(path.read_text())) or ""
    if path == Path(__file__):
        return
    _, _, covered = description.partition("Covers ")
    names = re.findall(r"`([\w.]+)`", covered.partition(".\n")[0])

    assert names
    for name in names:
        assert name in {*MODULES, "workflow_manager", "app"}, f"{name} is no module"


def test_modules_are_named_in_strings_by_the_tables_of_commands_alone() -> None:
    """What an import says, checkers of types and of contracts can read."""
    named = {
        (str(path.relative_to(ROOT)), node.value)
        for path in FILES
        if path not in COMMAND_TABLES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value)
    }
    assert {value for _, value in named} <= RUN_AS_PROGRAMS, named


def test_a_public_name_is_used_for_one_class() -> None:
    """Those of error answers stand in the OpenAPI document, beside the errors that they tell of."""
    homes: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name for name, files in homes.items() if len(files) > 1} == {"Conflict", "NotFound"}, homes


def test_both_distributions_have_one_version() -> None:
    assert app.__version__ == workflow_manager.__version__ == __version__


def test_every_name_of_the_package_is_there() -> None:
    """They are loaded when they are first used."""
    assert [name for name in workflow_manager.__all__ if getattr(workflow_manager, name).__name__ != name] == []
    assert set(workflow_manager.__all__) <= set(dir(workflow_manager))
    with pytest.raises(AttributeError, match="has no attribute 'Workflows'"):
        _ = workflow_manager.Workflows  # type: ignore[attr-defined]


def test_texts_tell_to_install_what_is_ours() -> None:
    """Another project has the name of the program on the index."""
    texts = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*"),
        ROOT / "sdk/README.md",
        *FILES,
    ]
    for path in texts:
        if path.is_file() and path.suffix in {".md", ".py", ".yaml", ".sh"}:
            assert not re.search(r"pip3? install \S*workflow-manager(?<!sfn-workflow-manager)", path.read_text()), path
            assert "from app.client" not in path.read_text(), path

"""Definitions that come with a worker.

Covers `workflow_manager.worker.functions.definitions`.
"""

import json
import os
from pathlib import Path

import pytest

from tests.sdk.cli.fake_service import running
from tests.sdk.worker.processes import Nursery
from workflow_manager import errors, models
from workflow_manager.models import NewWorkflowDefinitionRequest, WorkflowDefinition
from workflow_manager.worker import Worker
from workflow_manager.worker.functions.definitions import read_definitions, register

MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "a", "End": True}}}


class Shelf:
    """A service that keeps definitions; ``trouble`` is raised by its next calls, and it may be ``away``."""

    def __init__(self, *trouble: Exception) -> None:
        self.versions: dict[str, list[WorkflowDefinition]] = {}
        self.trouble = list(trouble)
        self.away = False

    async def get_definition(self, name: str) -> WorkflowDefinition:
        self._stumble()
        if name not in self.versions:
            raise errors.DefinitionNotFound
        return self.versions[name][-1]

    async def create_definition(self, request: NewWorkflowDefinitionRequest) -> WorkflowDefinition:
        self._stumble()
        if request.name in self.versions:
            raise errors.DefinitionExists
        return self._keep(request)

    async def update_definition(self, request: NewWorkflowDefinitionRequest) -> WorkflowDefinition:
        self._stumble()
        return self._keep(request)

    def _stumble(self) -> None:
        if self.away:
            raise errors.Unavailable
        if self.trouble:
            raise self.trouble.pop(0)

    def _keep(self, request: NewWorkflowDefinitionRequest) -> WorkflowDefinition:
        versions = self.versions.setdefault(request.name, [])
        versions.append(
            WorkflowDefinition(
                id=f"{request.name}-{len(versions)}",
                name=request.name,
                version=len(versions),
                created_at=models.now(),
                manager=request.manager,
                state_machine=request.state_machine,
                default_tags=request.default_tags,
            )
        )
        return versions[-1]


def definition(*, comment: str = "", tags: dict[str, str] | None = None) -> NewWorkflowDefinitionRequest:
    """Make a definition."""
    return NewWorkflowDefinitionRequest(
        name="album", state_machine={**MACHINE, "Comment": comment}, default_tags=tags or {}
    )


async def test_a_definition_is_created_and_gets_a_version_only_when_something_changed() -> None:
    shelf = Shelf()
    for wanted in [
        definition(),
        definition(),
        definition(comment="new"),
        definition(comment="new", tags={"team": "media"}),
        definition(comment="new", tags={"team": "media"}),
    ]:
        await register(shelf, [wanted])
    assert [(kept.state_machine["Comment"], kept.default_tags) for kept in shelf.versions["album"]] == [
        ("", {}),
        ("new", {}),
        ("new", {"team": "media"}),
    ]


async def test_a_number_and_a_boolean_differ() -> None:
    """Python takes 1 and True for equal."""
    shelf = Shelf()
    for value in (1, True):
        machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": value, "End": True}}}
        await register(shelf, [NewWorkflowDefinitionRequest(name="album", state_machine=machine)])
    assert len(shelf.versions["album"]) == 2


async def test_registering_goes_on_until_the_service_answers() -> None:
    shelf = Shelf(errors.Unavailable(), errors.Throttled(), errors.DefinitionExists(), errors.VersionConflict())
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await register(shelf, [definition()], sleep=sleep)
    assert len(shelf.versions["album"]) == 1
    assert len(pauses) == 4
    assert all(later <= 30 for later in pauses)


async def test_what_the_service_refuses_is_raised() -> None:
    with pytest.raises(errors.InvalidDefinition):
        await register(Shelf(errors.InvalidDefinition()), [definition()])


@pytest.mark.parametrize("name", ["one.yaml", "many.yaml", "one.json"])
def test_a_file_holds_one_definition_or_a_list_in_yaml_or_json(tmp_path: Path, name: str) -> None:
    yaml = "name: album\nstateMachine: {StartAt: A, States: {A: {Type: Pass, End: true}}}\n"
    json = '{"name": "album", "stateMachine": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}}'
    text = {"one.yaml": yaml, "many.yaml": "- " + yaml.replace("\n", "\n  ").rstrip(" "), "one.json": json}[name]
    (tmp_path / name).write_text(text)
    assert [found.name for found in read_definitions(tmp_path / name)] == ["album"]


def test_everything_that_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "workflows.yaml"
    path.write_text(
        "- name: album\n  stateMachine:\n    StartAt: B\n    States:\n      A: {Type: Pass, End: true}\n- nme: x\n"
    )
    with pytest.raises(errors.InvalidDefinition) as refused:
        Worker(definitions=path).definitions()
    found = [(finding.pointer, finding.message) for finding in refused.value.findings]
    assert found[0][0] == f"{path}:3: /0/stateMachine/StartAt"
    assert {pointer for pointer, _ in found[1:]} >= {f"{path}:6: /1/nme", f"{path}:6: /1/name"}


@pytest.mark.parametrize("text", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "workflows.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(errors.SettingsError, match=r"workflows\.yaml"):
        read_definitions(path)


MODULE = """
from pathlib import Path
from workflow_manager.worker import Worker

worker = Worker(namespace="{namespace}", definitions=Path("definitions.yaml"))

@worker.task()
def a(): ...
"""


def test_the_verb_asks_the_service_with_what_the_shell_knows(nursery: Nursery, tmp_path: Path) -> None:
    """The credentials that other verbs send; a service that refuses them ends the worker."""
    namespace = f"n{os.getpid()}"
    (tmp_path / "mine.py").write_text(MODULE.format(namespace=namespace))
    machine = json.dumps(MACHINE)
    (tmp_path / "definitions.yaml").write_text(
        f"name: mine\nmanager: step-functions\nversion: 0\nstateMachine: {machine}\n"
    )
    with running() as service:
        service.on("GET /workflow-definitions/mine", {"message": "who are you?"}, status=403)
        worker = nursery.start(
            "worker",
            "--module",
            "mine",
            cwd=tmp_path,
            WORKFLOWMANAGER_URL=service.url,
            WORKFLOWMANAGER_TOKEN="secret",
        )
        assert worker.wait() != 0
    assert {asked.headers["Authorization"] for asked in service.asked} == {"Bearer secret"}
    assert "who are you?" in worker.stderr

"""A folder of definition files is what the service should have.

Covers `workflow_manager.cli.definitions.apply`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import definition_json
from workflow_manager.cli.output.escaping import has_control_characters

MACHINE: dict[str, Any] = {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}
OLD = {**MACHINE, "Comment": "old"}
ABSENT = Answer({"message": "no such definition"}, 404)


def stored(name: str, version: int, machine: dict[str, Any] = MACHINE) -> dict[str, Any]:
    return definition_json(version, name=name, stateMachine=machine, defaultTags={})


def lay_out(folder: Path, **machines: dict[str, Any]) -> str:
    """Write one file for each definition."""
    folder.mkdir(exist_ok=True)
    for name, machine in machines.items():
        (folder / f"{name}.json").write_text(json.dumps({"name": name, "stateMachine": machine}))
    return str(folder)


@pytest.fixture
def folder(service: FakeService, tmp_path: Path) -> str:
    """A folder of a new, a changed and an unchanged definition."""
    service.on("GET /workflow-definitions/new", ABSENT)
    service.on("GET /workflow-definitions/changed", [stored("changed", 3, OLD)])
    service.on("GET /workflow-definitions/same", [stored("same", 7)])
    service.on("POST /workflow-definitions", stored("new", 0))
    service.on("PUT /workflow-definitions/changed", stored("changed", 4))
    return lay_out(tmp_path / "definitions", new=MACHINE, changed=MACHINE, same=MACHINE)


def written(service: FakeService) -> list[str]:
    return [asked.line for asked in service.asked if not asked.line.startswith("GET")]


def test_only_what_changed_is_put(wfm: Run, service: FakeService, folder: str) -> None:
    """A new one is created, a changed one gets a version, an equal one gets none."""
    outcome = wfm("definitions", "apply", folder)
    assert (outcome.code, outcome.err) == (0, "1 created, 1 added, 1 unchanged.\n")
    assert [line.split()[1:4] for line in outcome.out.splitlines()[1:]] == [
        ["changed", "4", "added"],
        ["new", "0", "created"],
        ["same", "7", "unchanged"],
    ]
    assert written(service) == ["PUT /workflow-definitions/changed", "POST /workflow-definitions"]


def test_a_dry_run_puts_nothing(wfm: Run, service: FakeService, folder: str) -> None:
    """It tells what would be done."""
    outcome = wfm("definitions", "apply", folder, "--dry-run", "-o", "json")
    assert outcome.err == "1 created, 1 added, 1 unchanged (dry run: nothing was changed).\n"
    results = {each["name"]: each["result"] for each in json.loads(outcome.out)}
    assert results == {"new": "created", "changed": "added", "same": "unchanged"}
    assert written(service) == []


def test_one_refusal_does_not_keep_the_others(wfm: Run, service: FakeService, folder: str) -> None:
    """The exit code tells of it, and its line says why."""
    service.on("PUT /workflow-definitions/changed", Answer({"message": "a concurrent update was first"}, 409))
    outcome = wfm("definitions", "apply", folder)
    message = f"{folder}/changed.json: a concurrent update was first\n1 created, 1 unchanged, 1 failed.\n"
    assert (outcome.code, outcome.err) == (3, message)
    assert written(service) == ["PUT /workflow-definitions/changed", "POST /workflow-definitions"]


@pytest.mark.parametrize(("status", "code"), [(500, 5), (403, 4)])
def test_a_service_that_is_gone_is_not_asked_for_the_rest(
    status: int, code: int, wfm: Run, service: FakeService, folder: str
) -> None:
    """Nor one that refuses the credentials; the rest is listed as not tried."""
    service.on("GET /workflow-definitions/changed", {"message": "no"}, status=status)
    outcome = wfm("definitions", "apply", folder)
    assert outcome.code == code
    assert outcome.err == f"{folder}/changed.json: no\n1 failed, 2 not tried.\n"
    assert len(service.asked) == 1


def test_the_404_of_another_server_creates_nothing(wfm: Run, service: FakeService, folder: str) -> None:
    """A wrong URL is no sign that there is no such definition."""
    service.on("GET /workflow-definitions/changed", Answer(b"<h1>Not here</h1>", 404))
    outcome = wfm("definitions", "apply", folder)
    assert outcome.code == 5
    assert "is not from workflow-manager (404 Not Found: Not here)" in outcome.err
    assert written(service) == []


def test_a_difference_is_shown_as_diff_does(wfm: Run, service: FakeService, folder: str) -> None:
    """Its exit code is for CI: 1 when an apply would change something."""
    outcome = wfm("definitions", "diff", folder)
    assert (outcome.code, outcome.err) == (1, "2 of 3 definitions would change.\n")
    lines = outcome.out.splitlines()
    assert lines[:2] == ["--- changed:3", f"+++ {folder}/changed.json"]
    assert '-    "Comment": "old",' in lines
    assert "--- /dev/null" in lines
    assert "same" not in outcome.out
    assert written(service) == []


def test_no_difference_is_success(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Nothing is shown, and a program gets a document all the same."""
    service.on("GET /workflow-definitions/same", [stored("same", 7)])
    folder = lay_out(tmp_path / "d", same=MACHINE)
    assert wfm("definitions", "diff", folder) == (0, "", "0 of 1 definition would change.\n")
    [document] = json.loads(wfm("definitions", "diff", folder, "-o", "json").out)
    assert (document["name"], document["version"], document["result"]) == ("same", 7, "unchanged")


def test_folders_are_searched_and_files_are_taken(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """JSON and YAML at any depth; what is hidden or something else is left."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.yaml").write_text("name: one\nstateMachine: {StartAt: a, States: {a: {Type: Pass, End: true}}}\n")
    (tmp_path / "a" / "README.md").write_text("# no definition")
    (tmp_path / "a" / ".hidden.json").write_text("{")
    single = tmp_path / "two.json"
    single.write_text(json.dumps({"name": "two", "stateMachine": MACHINE}))
    for name in ("one", "two"):
        service.on(f"GET /workflow-definitions/{name}", [stored(name, 0)])
    assert wfm("definitions", "diff", str(tmp_path / "a"), str(single)).err == "0 of 2 definitions would change.\n"


def test_one_wrong_file_keeps_all_from_being_put(wfm: Run, service: FakeService, folder: str) -> None:
    """All problems are listed at once, before any request."""
    lay_out(Path(folder), bad={"StartAt": "z", "States": {"a": {"Type": "Pass", "End": True}}}, worse={"StartAt": "a"})
    outcome = wfm("definitions", "apply", folder)
    assert outcome.code == 2
    assert outcome.err.endswith(" problems in 5 files; nothing was sent.\n")
    assert f"{folder}/bad.json:1: /stateMachine/StartAt: " in outcome.err
    assert f"{folder}/worse.json:1: /stateMachine" in outcome.err
    assert "nothing was sent" in outcome.err
    assert service.asked == []


def test_two_files_of_one_name_are_refused(wfm: Run, service: FakeService, folder: str) -> None:
    """Otherwise it would be unclear which of them applies."""
    (Path(folder) / "z.json").write_text(json.dumps({"name": "new", "stateMachine": MACHINE}))
    outcome = wfm("definitions", "apply", folder)
    assert (outcome.code, service.asked) == (2, [])
    assert "both define new." in outcome.err


def test_a_file_may_hold_a_list(wfm: Run, service: FakeService, folder: str) -> None:
    """As the one of a Python worker does."""
    machines = [{"name": name, "stateMachine": MACHINE} for name in ("new", "changed", "same")]
    path = Path(folder) / "all.json"
    path.write_text(json.dumps(machines))
    assert wfm("definitions", "diff", str(path)).err == "2 of 3 definitions would change.\n"
    assert wfm("definitions", "apply", str(path)).err == "1 created, 1 added, 1 unchanged.\n"
    assert written(service) == ["POST /workflow-definitions", "PUT /workflow-definitions/changed"]


@pytest.mark.parametrize("verb", ["diff", "apply"])
def test_a_folder_without_definitions_is_wrong_usage(verb: str, wfm: Run, tmp_path: Path) -> None:
    """A wrong path in CI must not look like success."""
    assert wfm("definitions", verb, str(tmp_path)).code == 2
    assert wfm("definitions", verb, str(tmp_path / "nope")).code == 2


def test_text_of_others_does_not_steer_a_difference(
    open_terminal: OpenTerminal, wfm: Run, service: FakeService, folder: str
) -> None:
    """On a terminal and in a pipe."""
    evil = "\x1b[2J\x9b2J\u202e\x07"
    service.on("GET /workflow-definitions/changed", [stored("changed", 3, {**MACHINE, "Comment": evil})])
    assert not has_control_characters(wfm("definitions", "diff", folder).out)
    with open_terminal("definitions", "diff", folder, columns=200) as terminal:
        assert terminal.end() == 1
    assert "\x1b[2J" not in terminal.shown
    assert not has_control_characters("\n".join(terminal.lines))
    assert any("Comment" in line and "\\u202e" in line for line in terminal.lines)


def test_a_terminal_gets_colours(open_terminal: OpenTerminal, service: FakeService, folder: str) -> None:
    """Red is gone, green is new; brackets of JSON are no markup."""
    service.on("GET /workflow-definitions/changed", [stored("changed", 3, {**MACHINE, "Comment": "[bold]old[/]"})])
    with open_terminal("definitions", "diff", folder, rows=100) as terminal:
        assert terminal.end() == 1
    assert '\x1b[31m-    "Comment": "[bold]old[/]",' in terminal.shown
    assert "\x1b[32m+" in terminal.shown

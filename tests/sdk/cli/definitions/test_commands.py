"""Putting and checking definitions from files.

Covers `workflow_manager.cli.definitions.commands` and `workflow_manager.cli.definitions.lint`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import definition_json
from workflow_manager.cli.definitions.files import NAMELESS

MACHINE: dict[str, Any] = {"StartAt": "a", "States": {"a": {"Type": "Pass", "ResultPath": None, "End": True}}}
DEFINITION = {"name": "x", "stateMachine": MACHINE, "defaultTags": {"team": "infra"}}

YAML = """\
name: x
stateMachine:
  StartAt: a
  States:
    a: {Type: Pass, ResultPath: null, End: true}
defaultTags:
  team: infra
"""
ABSENT = Answer({"message": "no such definition"}, 404)


def stored(version: int, machine: Any = None) -> dict[str, Any]:
    return definition_json(version, name="x", stateMachine=machine or MACHINE)


def write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_a_new_definition_is_created(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """When there is none of the name."""
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", stored(0))
    outcome = wfm("definitions", "put", write(tmp_path / "x.json", DEFINITION))
    assert (outcome.code, outcome.err) == (0, "Created x:0.\n")
    assert outcome.out.splitlines()[1].split()[:2] == ["x", "0"]
    assert service.asked[-1].body == DEFINITION


@pytest.mark.parametrize(
    ("name", "content"), [("x.yaml", YAML), ("x.yml", YAML), ("x", YAML), ("x", json.dumps(DEFINITION))]
)
def test_files_are_json_or_yaml(name: str, content: str, wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """By their name, or by how they begin."""
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", stored(0))
    assert wfm("definitions", "put", write(tmp_path / name, content)).code == 0
    assert service.asked[-1].body == DEFINITION


def test_a_changed_definition_gets_a_version(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """The service counts; the command says which it became."""
    service.on("GET /workflow-definitions/x", [stored(3, {**MACHINE, "Comment": "old"})])
    service.on("PUT /workflow-definitions/x", stored(4))
    outcome = wfm("definitions", "put", write(tmp_path / "x.json", DEFINITION))
    assert (outcome.code, outcome.err) == (0, "Added x:4.\n")


def test_an_unchanged_definition_gets_none(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Whatever the order of its fields; nothing is sent."""
    reordered = {"States": MACHINE["States"], "StartAt": "a"}
    service.on("GET /workflow-definitions/x", [stored(3)])
    outcome = wfm("definitions", "put", write(tmp_path / "x.json", {**DEFINITION, "stateMachine": reordered}))
    assert (outcome.code, outcome.err) == (0, "Unchanged: identical to x:3.\n")
    assert [asked.line for asked in service.asked] == ["GET /workflow-definitions/x?latest=true"]


def test_force_adds_a_version_all_the_same(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """For a new version of the same definition."""
    service.on("GET /workflow-definitions/x", [stored(3)])
    service.on("PUT /workflow-definitions/x", stored(4))
    assert wfm("definitions", "put", write(tmp_path / "x.json", DEFINITION), "--force").err == "Added x:4.\n"


@pytest.mark.parametrize("changed", [1, 1.0, True, "1"])
def test_values_that_python_takes_for_equal_are_a_change(
    changed: object, wfm: Run, service: FakeService, tmp_path: Path
) -> None:
    """1, 1.0 and true are three things to AWS."""
    others = [other for other in (1, 1.0, True, "1") if json.dumps(other) != json.dumps(changed)]
    service.on("PUT /workflow-definitions/x", stored(4))
    for other in others:
        service.on("GET /workflow-definitions/x", [stored(3, {**MACHINE, "Result": other})])
        content = {**DEFINITION, "stateMachine": {**MACHINE, "Result": changed}}
        assert wfm("definitions", "put", write(tmp_path / "x.json", content)).err == "Added x:4.\n"


def test_other_tags_are_a_change(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """--tag adds to those in the file."""
    service.on("GET /workflow-definitions/x", [stored(3)])
    service.on("PUT /workflow-definitions/x", stored(4))
    assert wfm("definitions", "put", write(tmp_path / "x.json", DEFINITION), "--tag", "a=b").err == "Added x:4.\n"
    assert service.asked[-1].body["defaultTags"] == {"team": "infra", "a": "b"}


def test_a_state_machine_alone_takes_a_name(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """NAME FILE."""
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", stored(0))
    assert wfm("definitions", "put", "x", write(tmp_path / "m.json", MACHINE)).code == 0
    assert service.asked[-1].body == {"name": "x", "stateMachine": MACHINE}


def test_what_get_writes_can_be_put(wfm: Run, process: Run, service: FakeService) -> None:
    """A copy under another name, through a pipe."""
    service.on("GET /workflow-definitions/x", [stored(3)])
    service.on("GET /workflow-definitions/copy", ABSENT)
    service.on("POST /workflow-definitions", definition_json(0, name="copy"))
    written = wfm("definitions", "get", "x", "-o", "yaml").out
    assert process("definitions", "put", "copy", "-", stdin=written).code == 0
    assert service.asked[-1].body == {**DEFINITION, "name": "copy", "manager": "step-functions"}


REFUSED = [
    ("x.json", '{"StartAt": "a"\n "States"}', "x.json:2: /: Not JSON"),
    ("x.yaml", "a: [", "x.yaml:1: /: Not YAML"),
    ("x.json", '{"a": 1,\n"a": 2}', "x.json:2: /a: The key"),
    ("x.json", "[]", "holds 0 definitions, not one"),
    ("x.json", "[1]", "must contain an object"),
    ("x.json", json.dumps([DEFINITION, DEFINITION]), "holds 2 definitions, not one; use `definitions apply`"),
    ("x.json", json.dumps(MACHINE), "has no definition name; give one before the file"),
    ("x.json", json.dumps({**DEFINITION, "name": "no spaces"}), "name: "),
    ("x.json", json.dumps({**DEFINITION, "stateMachin": {}}), "stateMachin: "),
    ("x.json", json.dumps({**DEFINITION, "defaultTags": [1]}), "defaultTags: "),
]


@pytest.mark.parametrize(("name", "content", "words"), REFUSED)
def test_a_wrong_file_is_refused_before_the_service_is_asked(
    name: str, content: str, words: str, wfm: Run, service: FakeService, tmp_path: Path
) -> None:
    """One line, with file and line where there is one."""
    outcome = wfm("definitions", "put", write(tmp_path / name, content))
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert service.asked == []


def test_a_lost_race_is_a_conflict(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Another client added a version in between."""
    service.on("GET /workflow-definitions/x", [stored(3, {"StartAt": "b"})])
    service.on("PUT /workflow-definitions/x", Answer({"message": "a concurrent update was first"}, 409))
    assert wfm("definitions", "put", write(tmp_path / "x.json", DEFINITION)).code == 3


def test_lint_is_silent_about_good_files(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Definitions and bare machines, without a service."""
    files = [
        write(tmp_path / "a.json", DEFINITION),
        write(tmp_path / "b.json", MACHINE),
        write(tmp_path / "c.yaml", YAML.replace("name: x", "name: y")),
        write(tmp_path / "d.json", [{**DEFINITION, "name": "z"}, {**DEFINITION, "name": "zz"}]),
    ]
    outcome = wfm("definitions", "lint", *files)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "0 problems in 4 files.\n")
    assert service.asked == []


def test_lint_shows_every_problem_with_its_line(wfm: Run, tmp_path: Path) -> None:
    """As compilers write it, so that editors find the place."""
    bad = write(tmp_path / "bad.yaml", YAML.replace("End: true", "Next: nowhere").replace("StartAt: a", "StartAt: z"))
    broken = write(tmp_path / "broken.json", '{\n"StartAt" 1}')
    outcome = wfm("definitions", "lint", bad, broken)
    lines = outcome.out.splitlines()
    assert outcome.code == 1
    assert any(line.startswith(f"{bad}:3: /stateMachine/StartAt: ") for line in lines)
    assert any(line.startswith(f"{bad}:5: /stateMachine/States/a/Next: ") for line in lines)
    assert lines[-1].startswith(f"{broken}:2: /: Not JSON")
    assert outcome.err == f"{len(lines)} problems in 2 files.\n"


def test_lint_reads_a_folder_as_apply_does(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """What passes is not refused later."""
    one = write(tmp_path / "1.json", [DEFINITION, {**DEFINITION, "name": "y"}])
    two = write(tmp_path / "2.json", DEFINITION)
    machine = write(tmp_path / "3.json", MACHINE)
    spaced = write(tmp_path / "4.json", {**DEFINITION, "name": "no spaces"})
    outcome = wfm("definitions", "lint", str(tmp_path))
    lines = outcome.out.splitlines()
    assert outcome.code == 1
    assert [line for line in lines if not line.startswith(f"{spaced}:1: /name: ")] == [
        f"{machine}:1: /: {NAMELESS}",
        f"{two}:1: /name: {one} and {two} both define x.",
    ]
    assert len(lines) == 3
    refusal = wfm("definitions", "apply", str(tmp_path))
    assert (refusal.code, refusal.err.splitlines()[:3], service.asked) == (2, lines, [])


def test_a_finding_in_a_list_has_its_place(wfm: Run, tmp_path: Path) -> None:
    """The number of the definition, and the line."""
    good = YAML.replace("\n", "\n  ").strip()
    bad = good.replace("name: x", "name: y").replace("End: true", "Next: nowhere")
    path = write(tmp_path / "list.yaml", f"- {good}\n- {bad}\n")
    outcome = wfm("definitions", "lint", path)
    assert outcome.out.startswith(f"{path}:12: /1/stateMachine/States/a/Next: ")
    assert wfm("definitions", "lint", write(tmp_path / "none.yaml", "[]")).out.endswith(" holds no definition.\n")


def test_lint_writes_documents_for_programs(wfm: Run, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", {**DEFINITION, "stateMachine": {**MACHINE, "StartAt": "nowhere"}})
    outcome = wfm("definitions", "lint", bad, "-o", "json")
    assert outcome.code == 1
    [finding] = json.loads(outcome.out)
    assert list(finding) == ["file", "line", "pointer", "severity", "message"]
    assert (finding["file"], finding["line"], finding["pointer"]) == (bad, 1, "/stateMachine/StartAt")
    assert finding["severity"] == "error"
    assert json.loads(wfm("definitions", "lint", write(tmp_path / "good.json", DEFINITION), "-o", "json").out) == []


def test_lint_searches_folders(wfm: Run, tmp_path: Path) -> None:
    """As apply does; one problem in one file is said in the singular."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    write(folder / "good.json", DEFINITION)
    write(folder / "README.md", "# no definition")
    assert wfm("definitions", "lint", str(tmp_path)).err == "0 problems in 1 file.\n"
    bad = write(folder / "good.json", {**DEFINITION, "stateMachine": {"StartAt": "z", "States": MACHINE["States"]}})
    outcome = wfm("definitions", "lint", str(tmp_path))
    assert outcome.code == 1
    assert outcome.out.startswith(f"{bad}:1: /stateMachine/StartAt: ")
    assert wfm("definitions", "lint", str(tmp_path / "nope")).code == 2


DESCRIPTION = {"paths": {"/workflow-definitions": {"post": {"parameters": [{"name": "validateOnly"}]}}}}


def test_lint_may_ask_the_service(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Which may know more; its findings have the lines of the file, and nothing is stored."""
    files = [write(tmp_path / "a.yaml", YAML), write(tmp_path / "b.json", json.dumps(MACHINE, indent=1))]
    service.on("GET /openapi.json", DESCRIPTION)
    service.on("POST /workflow-definitions", {"name": "x", "valid": True})
    assert wfm("definitions", "lint", *files, "--service").code == 0
    assert {asked.line for asked in service.asked if asked.body} == {"POST /workflow-definitions?validateOnly=true"}
    finding = {"pointer": "/stateMachine/States/a", "message": "not in this account"}
    service.on("POST /workflow-definitions", {"message": "1 problem", "errors": [finding]}, status=400)
    outcome = wfm("definitions", "lint", *files, "--service")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        f"{files[0]}:5: /stateMachine/States/a: not in this account",
        f"{files[1]}:4: /States/a: not in this account",
    ]


def test_lint_does_not_store_what_it_checks(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """A service that takes no notice of the question is not asked."""
    service.on("GET /openapi.json", {"paths": {}})
    outcome = wfm("definitions", "lint", write(tmp_path / "a.json", DEFINITION), "--service")
    assert (outcome.code, [asked.line for asked in service.asked]) == (5, ["GET /openapi.json"])


def test_a_url_without_service_is_wrong_usage(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Without --service no service is called."""
    outcome = wfm("definitions", "lint", write(tmp_path / "a.json", DEFINITION), "--url", service.url)
    assert (outcome.code, service.asked) == (2, [])


@pytest.mark.parametrize("arguments", [("lint", "-"), ("put", "-"), ("apply", "-")])
def test_a_definition_comes_from_standard_input(arguments: tuple[str, ...], process: Run, service: FakeService) -> None:
    """It is read once, whatever is done with it."""
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", stored(0))
    assert process("definitions", *arguments, stdin=YAML).code == 0


def test_a_mark_at_the_beginning_of_a_file_is_no_text(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """Editors on Windows write it."""
    service.on("POST /workflows", Answer({"message": "stop here"}, 400))
    path = tmp_path / "input.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    wfm("submit", "x", f"@{path}")
    assert service.asked[0].body["input"] == '{"a": 1}'
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(DEFINITION).encode())
    assert wfm("definitions", "lint", str(path)).code == 0

"""Placeholders of SAM, CDK and Terraform in files: given values, missing values, and what they stand for.

Covers `workflow_manager.states_language.substitutions` and `workflow_manager.cli.definitions.files`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import definition_json

LAMBDA = "arn:aws:lambda:us-west-2:123456789012:function:f"
TEMPLATE = {
    "name": "x",
    "stateMachine": {
        "StartAt": "a",
        "States": {"a": {"Type": "Task", "Resource": "${Lambda}", "Parameters": {"to": "${Topic}!"}, "End": True}},
    },
}
YAML = """\
name: x
stateMachine:
  StartAt: a
  States:
    a: {Type: Task, Resource: "${Lambda}", TimeoutSeconds: 5, End: true}
    b:
      Type: Wait
      Seconds: ${Delay}
      End: true
"""
ABSENT = Answer({"message": "no such definition"}, 404)


def write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return str(path)


def test_a_placeholder_without_a_value_is_a_warning_of_lint(wfm: Run, tmp_path: Path) -> None:
    outcome = wfm("definitions", "lint", write(tmp_path / "x.json", TEMPLATE))

    assert outcome.code == 0
    first, second = outcome.out.splitlines()
    assert "x.json:8: /stateMachine/States/a/Resource: warning: There is no value for ${Lambda}" in first
    assert "/stateMachine/States/a/Parameters/to: warning: There is no value for ${Topic}" in second
    assert outcome.err == "0 problems and 2 warnings in 1 file.\n"


def test_a_placeholder_without_a_value_is_refused_by_apply_and_diff(
    wfm: Run, service: FakeService, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.json", TEMPLATE)

    for verb in ("apply", "diff"):
        outcome = wfm("definitions", verb, path, "--substitute", f"Lambda={LAMBDA}")

        assert outcome.code == 2
        assert "There is no value for ${Topic}" in outcome.err
    assert service.asked == []


def test_values_are_put_in_place(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", definition_json(0, name="x"))
    values = write(tmp_path / "values.yml", "Lambda: nothing\nTopic: 5\n")
    path = write(tmp_path / "x.json", TEMPLATE)

    outcome = wfm(
        "definitions", "apply", path, "--substitutions", values, "--substitute", f"Lambda={LAMBDA}", "--substitute",
        'Topic=a "topic" of ${Nobody}',
    )  # fmt: skip

    assert outcome.code == 0, outcome.err
    state = service.asked[-1].body["stateMachine"]["States"]["a"]
    assert (state["Resource"], state["Parameters"]) == (LAMBDA, {"to": 'a "topic" of ${Nobody}!'})


def test_what_is_no_placeholder_is_given_itself(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", definition_json(0, name="x"))
    path = write(tmp_path / "x.json", TEMPLATE)

    outcome = wfm(
        "definitions", "apply", path, "--substitute", f"Lambda={LAMBDA}", "--substitute", "Topic=${Topic}"
    )  # fmt: skip

    assert outcome.code == 0, outcome.err
    assert service.asked[-1].body["stateMachine"]["States"]["a"]["Parameters"] == {"to": "${Topic}!"}


@pytest.mark.parametrize(("value", "code"), [("30", 0), ("soon", 1), ('"30"', 1)])
def test_a_value_outside_quotes_is_read_as_written_there(value: str, code: int, wfm: Run, tmp_path: Path) -> None:
    text = YAML.replace("End: true}", "Next: b}")

    outcome = wfm("definitions", "lint", write(tmp_path / "x.yml", text), "--substitute", f"Delay={value}")

    assert outcome.code == code
    json_text = '{"StartAt": "b", "States": {"b": {"Type": "Wait", "Seconds": ${Delay}, "End": true}}}'
    outcome = wfm("definitions", "lint", write(tmp_path / "x.json", json_text), "--substitute", f"Delay={value}")
    assert outcome.code == code


def test_put_takes_values_and_shows_what_the_service_warns_of(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    warning = {"pointer": "/stateMachine/States/a/Parameters/to", "message": "Odd."}
    service.on("GET /workflow-definitions/x", ABSENT)
    service.on("POST /workflow-definitions", {**definition_json(0, name="x"), "warnings": [warning]})
    path = write(tmp_path / "x.json", TEMPLATE)

    outcome = wfm("definitions", "put", path, "--substitute", f"Lambda={LAMBDA}")

    assert outcome.code == 0
    assert "x.json:10: /stateMachine/States/a/Parameters/to: warning: Odd." in outcome.err
    assert service.asked[-1].body["stateMachine"]["States"]["a"]["Resource"] == LAMBDA


@pytest.mark.parametrize("option", ["Lambda", "=x", ""])
def test_a_substitution_has_a_name_and_a_value(option: str, wfm: Run, tmp_path: Path) -> None:
    outcome = wfm("definitions", "lint", write(tmp_path / "x.json", TEMPLATE), "--substitute", option)

    assert (outcome.code, "NAME=VALUE" in outcome.err) == (2, True)


@pytest.mark.parametrize("content", ["[1]", '{"a": {"b": 1}}', "{", "text"])
def test_a_file_of_substitutions_holds_names_and_values(content: str, wfm: Run, tmp_path: Path) -> None:
    values = write(tmp_path / "values.json", content)

    outcome = wfm("definitions", "lint", write(tmp_path / "x.json", TEMPLATE), "--substitutions", values)

    assert (outcome.code, values in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${A}", True), ("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:q", True), ("${Token[TOKEN.12]}", True),
        ("${aws_sqs_queue.work.arn}", True), ('${var.names["a"]}', True), ("{% '${Queue}' %}", True),
        ("{% ${'a': 1} %}", False), ("$.a", False), ("${}", False), ("$ {A}", False), ("{A}", False),
    ],
)  # fmt: skip
def test_what_a_placeholder_looks_like(text: str, names: bool, wfm: Run, tmp_path: Path) -> None:
    jsonata = {"QueryLanguage": "JSONata"} if text.startswith("{%") else {}
    field = "Output" if jsonata else "Result"
    machine = {**jsonata, "StartAt": "a", "States": {"a": {"Type": "Pass", field: text, "End": True}}}

    outcome = wfm("definitions", "lint", write(tmp_path / "x.json", machine))

    assert outcome.code == 0
    assert ("There is no value" in outcome.out) is names

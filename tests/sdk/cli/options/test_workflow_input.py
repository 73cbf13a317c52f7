"""What people type: definitions with versions, tags, inputs.

Covers `workflow_manager.cli.options.workflow_input` and `workflow_manager.cli.options.parsing`.
"""

import json
from pathlib import Path

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.cli.options.parsing import parse_definition, parse_tags
from workflow_manager.cli.options.workflow_input import read_input


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("x", "x", None),
        ("x:0", "x", 0),
        ("x:12", "x", 12),
        ("sfncli-test:master", "sfncli-test:master", None),
        ("sfncli-test:master:3", "sfncli-test:master", 3),
        ("ingest:2024:-1", "ingest:2024", None),
        ("x:-2", "x:-2", None),
        ("x:1.0", "x:1.0", None),
        ("x:", "x:", None),
        ("x:\u0661", "x:\u0661", None),
        (":5", ":5", None),
        ("5", "5", None),
    ],
)
def test_only_a_number_after_the_last_colon_is_a_version(text: str, name: str, version: int | None) -> None:
    """Names hold colons; -1 is the latest, which is what no version means."""
    assert parse_definition(text) == (name, version)


@pytest.mark.parametrize(
    ("pairs", "tags"),
    [((), {}), (("a=1",), {"a": "1"}), (("a=b=c", "d="), {"a": "b=c", "d": ""}), (("a=1", "a=2"), {"a": "2"})],
)
def test_tags_are_pairs(pairs: tuple[str, ...], tags: dict[str, str]) -> None:
    """The first equals sign separates; the last value of a key wins."""
    assert parse_tags(pairs) == tags


@pytest.mark.parametrize("pair", ["a", "=1", ""])
def test_a_tag_without_key_or_sign_is_refused(pair: str) -> None:
    """The message shows the form."""
    with pytest.raises(errors.InvalidRequest, match="KEY=VALUE"):
        parse_tags([pair])


def test_submit_sends_what_was_typed(wfm: Run, service: FakeService) -> None:
    """The input travels as the text it was typed as, so no number is rounded."""
    service.on("POST /workflows", workflow_json("queued"))
    text = '{"big": 12345678901234567890, "f": 1.10}'
    arguments = ("--namespace", "prod", "--queue", "slow", "--tag", "a=b", "--idempotency-key", "k")
    assert wfm("submit", "sfncli-test:master:3", text, *arguments).code == 0
    [asked] = service.asked
    assert asked.line == "POST /workflows"
    assert asked.idempotency_key == "k"
    assert asked.body == {
        "workflowDefinition": {"name": "sfncli-test:master", "version": 3},
        "namespace": "prod",
        "input": text,
        "queue": "slow",
        "tags": {"a": "b"},
    }


def test_submit_needs_only_a_name(wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest version, an empty input, the namespace of the environment."""
    monkeypatch.setenv("WORKFLOWMANAGER_NAMESPACE", "staging")
    service.on("POST /workflows", workflow_json("queued"))
    assert wfm("submit", "x").code == 0
    [asked] = service.asked
    assert asked.body == {"workflowDefinition": {"name": "x"}, "namespace": "staging", "input": "{}", "tags": {}}


def test_an_input_comes_from_standard_input(process: Run, service: FakeService) -> None:
    """A dash reads it."""
    service.on("POST /workflows", workflow_json("queued"))
    assert process("submit", "x", "-", stdin='{"from": "stdin"}').code == 0
    assert service.asked[0].body["input"] == '{"from": "stdin"}'


def test_an_input_comes_from_a_file(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """An at sign names it."""
    service.on("POST /workflows", workflow_json("queued"))
    path = tmp_path / "input.json"
    path.write_text('{"from": "ÿ file"}\n', encoding="utf-8")
    assert wfm("submit", "x", f"@{path}").code == 0
    assert service.asked[0].body["input"] == '{"from": "ÿ file"}\n'


CHANGES = [
    ("{}", ["a=1"], {"a": 1}),
    ("{}", ["a.b.c=true", "a.d=null"], {"a": {"b": {"c": True}, "d": None}}),
    ("{}", ["a=x y", "b=", "c=01", "d=NaN", "e=[1"], {"a": "x y", "b": "", "c": "01", "d": "NaN", "e": "[1"}),
    ("{}", ['a="01"', 'b={"c": [1]}'], {"a": "01", "b": {"c": [1]}}),
    ("{}", ["a=1=2"], {"a": "1=2"}),
    ("{}", ["a=1", "a=2"], {"a": 2}),
    ("{}", [r"a\.b=1", r"c.d\.e=2"], {"a.b": 1, "c": {"d.e": 2}}),
    ("{}", ["big=12345678901234567890"], {"big": 12345678901234567890}),
    ("{}", ["a=[1,2]", "a.0=9", "a.2=3"], {"a": [9, 2, 3]}),
    ("{}", ["a=[]", "a.0.b=1", "a.1.b=2"], {"a": [{"b": 1}, {"b": 2}]}),
    ('{"keep": 1, "a": {"b": 1, "c": 2}}', ["a.b=9"], {"keep": 1, "a": {"b": 9, "c": 2}}),
    ('{"0": "x"}', ["0=y"], {"0": "y"}),
]


@pytest.mark.parametrize(("text", "changes", "value"), CHANGES)
def test_values_of_an_input_are_set(text: str, changes: list[str], value: object) -> None:
    """As JSON where they are JSON, else as text; into objects by name, into lists by number."""
    assert json.loads(read_input(text, changes=changes)) == value


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        ("{}", "a", "--set takes A.B=VALUE"),
        ("{}", "=1", "--set takes A.B=VALUE"),
        ("{}", "a..b=1", "--set takes A.B=VALUE"),
        ("{}", ".a=1", "--set takes A.B=VALUE"),
        ('{"a": 1}', "a.b=1", "neither an object nor a list"),
        ('{"a": null}', "a.b=1", "neither an object nor a list"),
        ('{"a": [1]}', "a.b=1", "not an index of a list with 1"),
        ('{"a": [1]}', "a.2=1", "not an index of a list with 1"),
        ('{"a": [1]}', "a.-1=1", "not an index of a list with 1"),
    ],
)
def test_a_change_that_fits_nowhere_is_refused(text: str, change: str, words: str) -> None:
    """The message names it."""
    with pytest.raises(errors.InvalidRequest, match=words):
        read_input(text, changes=[change])


def test_submit_sends_what_was_set(wfm: Run, service: FakeService) -> None:
    """On top of the input, if there is one."""
    service.on("POST /workflows", workflow_json("queued"))
    assert wfm("submit", "x", '{"a": 1}', "--set", "b.c=2", "--set", "name=Zoë").code == 0
    assert wfm("submit", "x", "--set", "b=2").code == 0
    assert [json.loads(asked.body["input"]) for asked in service.asked] == [
        {"a": 1, "b": {"c": 2}, "name": "Zoë"},
        {"b": 2},
    ]


def test_filters_of_a_list_are_sent(wfm: Run, service: FakeService) -> None:
    """Only the given filters, and a page that is one larger than the limit, to know if there are more."""
    service.on("GET /workflows", [workflow_json()])
    arguments = ("--definition", "a:b", "--status", "failed", "--unresolved", "--tag", "k=v", "--limit", "7")
    assert wfm("workflows", *arguments, "--oldest-first", "-n", "dev").code == 0
    assert service.asked[0].line == (
        "GET /workflows?status=failed&workflowDefinitionName=a%3Ab&namespace=dev&tag=k%3Av&resolvedByUser=false"
        "&oldestFirst=true&summaryOnly=true&omitInput=true&limit=8"
    )


@pytest.mark.parametrize(
    ("arguments", "line", "body"),
    [
        (("cancel", "w", "--reason", "r"), "DELETE /workflows/w", {"reason": "r"}),
        (("resolve", "w"), "POST /workflows/w/resolved", None),
        (("resume", "w", "--start-at", "s"), "POST /workflows/w", {"StartAt": "s"}),
        (("resources", "delete", "dev", "n"), "DELETE /state-resources/dev/n", None),
    ],
)
def test_changes_are_sent(arguments: tuple[str, ...], line: str, body: object, wfm: Run, service: FakeService) -> None:
    """In one request; what would be done twice is looked at before."""
    service.on("GET /workflows/w", workflow_json("failed"))
    service.on(line, workflow_json("queued") if arguments[0] == "resume" else {})
    assert wfm(*arguments).code == 0
    assert [(asked.line, asked.body) for asked in service.asked if not asked.line.startswith("GET ")] == [(line, body)]

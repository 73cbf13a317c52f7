"""Reading definitions from files: lines, repeated keys, and YAML read as JSON.

Covers `workflow_manager.states_language.source`.
"""

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.states_language.machine_builders import VALID_MACHINES, read
from workflow_manager.states_language.source import source


def load_yaml(text: str) -> source.Source:
    return source.load(textwrap.dedent(text), format="yaml")


@pytest.mark.parametrize("path", VALID_MACHINES, ids=lambda path: path.stem)
def test_a_json_file_reads_as_its_machine(path: Path) -> None:
    result = source.load(path.read_text(encoding="utf-8"), format="json")

    assert (result.machine, result.findings, result.readable) == (read(path), (), True)


@pytest.mark.parametrize("path", VALID_MACHINES, ids=lambda path: path.stem)
def test_the_same_machine_in_yaml_reads_the_same(path: Path) -> None:
    text = yaml.safe_dump(read(path), allow_unicode=True, sort_keys=False)

    result = source.load(text, format="yaml")

    assert (result.machine, result.findings) == (read(path), ())


JSON_TEXT = """{
  "StartAt": "a/b",
  "States": {
    "a/b": {
      "Type": "Pass", "Result": [
        1,
        {"x": "}], \\" {"}
      ],
      "End": true
    }
  }
}
"""
YAML_TEXT = """
# A comment.
StartAt: a/b
States:
  a/b:
    Type: Pass
    Result:
      - 1
      - x: "]"
    End: true
"""


@pytest.mark.parametrize(
    ("pointer", "json_line", "yaml_line"),
    [
        ("", 1, 3),
        ("/StartAt", 2, 3),
        ("/States/a~1b", 4, 5),
        ("/States/a~1b/Type", 5, 6),
        ("/States/a~1b/Result/0", 6, 8),
        ("/States/a~1b/Result/1", 7, 9),
        ("/States/a~1b/Result/1/x", 7, 9),
        ("/States/a~1b/End", 9, 10),
        ("/States/a~1b/Next", 4, 5),
        ("/nowhere/at/all", 1, 3),
    ],
)
def test_a_pointer_has_a_line(pointer: str, json_line: int, yaml_line: int) -> None:
    assert source.load(JSON_TEXT, format="json").line(pointer) == json_line
    assert source.load(YAML_TEXT, format="yaml").line(pointer) == yaml_line


def test_a_repeated_key_in_json_is_found_with_its_line() -> None:
    result = source.load('{"a": {\n"x": 1,\n"y": 2,\n"x": 3}}', format="json")

    assert [(finding.pointer, result.line(finding.pointer)) for finding in result.findings] == [("/a/x", 4)]
    assert result.findings[0].message == 'The key "x" is given twice in one object; remove or rename one.'
    assert result.machine == {"a": {"x": 3, "y": 2}}
    assert result.readable


def test_a_key_repeated_with_an_escape_is_found() -> None:
    assert [finding.pointer for finding in source.load('{"a": 1, "\\u0061": 2}', format="json").findings] == ["/a"]


def test_a_repeated_key_in_yaml_is_found_with_its_line() -> None:
    result = load_yaml("""\
        a:
          x: 1
          y: 2
          x: 3
        """)

    assert [(finding.pointer, result.line(finding.pointer)) for finding in result.findings] == [("/a/x", 4)]
    assert result.machine == {"a": {"x": 3, "y": 2}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("{", 1),
        ('{"a":\n1,}', 2),
        ("{'a': 1}", 1),
        ('{"a": 01}', 1),
        ("\ufeff{}", 1),
        ("[" * 100_000, 1),
        ("[" * 200 + "]" * 200, 1),
        ("1" * 5_000, 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_broken_json_is_one_finding_with_its_line(text: str, line: int) -> None:
    result = source.load(text, format="json")

    assert not result.readable
    assert result.machine is None
    assert [result.line(finding.pointer) for finding in result.findings] == [line]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_json_cannot_hold_is_found_where_it_is(number: str) -> None:
    result = source.load(f'{{"a":\n[1, {number}]}}', format="json")

    assert [(finding.pointer, result.line(finding.pointer)) for finding in result.findings] == [("/a/1", 2)]
    assert (result.machine, result.readable) == (None, False)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("# nothing", 1),
        ("a: [1, 2\nb: 3", 2),
        ("a: 1\n  b: 2", 2),
        ("\t{}", 1),
        ("a: 1\n---\nb: 2", 2),
        ("a: *unknown", 1),
        ("? [a, b]\n: c", 1),
        ("a: !Ref b", 1),
        ("a: !!binary aGk=", 1),
        ("a: !!python/object:os.system x", 1),
        ("a: !!set {b}", 1),
        ("a: !!int x", 1),
        ("a: 1e999", 1),
        ("a: .inf", 1),
        ("a: -.Inf", 1),
        ("a: .NaN", 1),
        ("a: &a [*a]", 1),
        ("a:\n  <<: 5", 1),
        ("a: \x01", 1),
        ("[" * 500 + "]" * 500, 1),
        ("[" * 1_200, 1),
        ("%YAML 3.0\n---\na: 1", 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_yaml_that_has_no_json_form_is_a_finding_with_its_line(text: str, line: int) -> None:
    result = source.load(text, format="yaml")

    assert not result.readable
    assert result.machine is None
    assert [result.line(finding.pointer) for finding in result.findings] == [line]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("5", 5), ("-1.5e3", -1500.0),
        ("0", 0),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"), ("tRUE", "tRUE"),
        ("True", True), ("TRUE", True), ("False", False), ("FALSE", False), ("Null", None), ("NULL", None),
        ("2030-01-31", "2030-01-31"), ("2030-01-31T08:00:00Z", "2030-01-31T08:00:00Z"), ("010", "010"),
        ("0x1F", 31), ("0o17", 15), ("-010", "-010"), ("01.5", "01.5"),
        ("012345678901", "012345678901"), ("1_000", "1_000"), ("1:30", "1:30"), (".5", 0.5), ("+1", 1),
        ("1.", 1.0),
        ("+1.5e+2", 150.0), (".", "."), ("+", "+"), ("1.0", 1.0), ("'5'", "5"), ('"true"', "true"),
        ("!!str 5", "5"), ("|\n  a\n  b", "a\nb"),
        ("=", "="),
    ],
)  # fmt: skip
def test_a_plain_yaml_word_is_what_the_core_schema_makes_of_it(text: str, value: object) -> None:
    result = source.load(f"a: {text}", format="yaml")

    assert (result.machine, result.findings) == ({"a": value}, ())


def test_keys_are_text_whatever_they_look_like() -> None:
    assert load_yaml("{on: 1, 5: 2, true: 3, 2030-01-31: 4, null: 5}").machine == {
        "on": 1,
        "5": 2,
        "true": 3,
        "2030-01-31": 4,
        "null": 5,
    }


def test_an_alias_repeats_what_its_anchor_names() -> None:
    result = load_yaml("""\
        a: &retry
          - ErrorEquals: [States.ALL]
        b: *retry
        """)

    assert result.machine == {"a": [{"ErrorEquals": ["States.ALL"]}], "b": [{"ErrorEquals": ["States.ALL"]}]}
    assert result.line("/b") == 3
    assert result.line("/b/0/ErrorEquals") == 2


def test_a_merge_key_fills_in_what_is_not_written_out() -> None:
    result = load_yaml("""\
        base: &base {Type: Task, Resource: x}
        more: &more {Resource: y, End: true}
        a:
          Comment: c
          <<: [*base, *more]
          Type: Pass
        """)

    assert result.findings == ()
    assert isinstance(result.machine, dict)
    assert result.machine["a"] == {"Comment": "c", "Type": "Pass", "Resource": "x", "End": True}
    assert result.line("/a/Type") == 6


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    result = source.load("\n".join(lines), format="yaml")

    assert not result.readable
    assert "multiply" in result.findings[0].message


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.text(alphabet='{}[]":, \n-&*!<a1.eE\\%', max_size=60)),
    st.sampled_from(["json", "yaml"]),
)
def test_any_text_is_read(text: str, syntax: str) -> None:
    result = source.load(text, format="json" if syntax == "json" else "yaml")

    assert result.readable or result.findings
    assert all(result.line(finding.pointer) >= 1 for finding in result.findings)

"""Whatever comes in, the judgement is a list of findings; depth, size and values that are not JSON are among them.

Covers `workflow_manager.states_language.document`.
"""

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.states_language.machine_builders import VALID_MACHINES, Json, machine, one, passing, read
from workflow_manager import states_language
from workflow_manager.states_language.model import KINDS
from workflow_manager.states_language.rules.choices import TESTS
from workflow_manager.states_language.rules.fields import FIELDS

WORDS = ["StartAt", "States", "Version", "ErrorEquals", "Condition", "And", "Or", "Not", "Variable", *FIELDS, *TESTS]
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [*WORDS, *KINDS, "A", "B", "$", "$.a", "$..[", "$$.x", "{% a %}", "{% (", "States.Format('{}')", "arn:"]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), TEXTS), inner, max_size=6),
    ),
    max_leaves=30,
)
STATES = st.builds(
    lambda kind, fields: {**fields, "Type": kind},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8),
)
MACHINES = st.builds(
    lambda states, fields: {**fields, "StartAt": "A", "States": states},
    st.dictionaries(st.sampled_from("ABCD"), STATES, max_size=4),
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=2),
)


def judge(value: object) -> list[str]:
    """Return the pointers of the findings, having checked that each leads to something and has a sentence."""
    before = copy.deepcopy(value)
    findings = states_language.validate(value)
    assert repr(value) == repr(before)
    for finding in findings:
        resolve(value, finding.pointer)
        assert finding.message[0].isprintable()
        assert finding.message.endswith((".", "?"))
    return [finding.pointer for finding in findings]


def resolve(value: Any, pointer: str) -> object:
    """Follow an RFC 6901 pointer."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_judged(value: object) -> None:
    judge(value)


@settings(max_examples=150, deadline=None)
@given(MACHINES)
def test_anything_like_a_machine_is_judged(value: object) -> None:
    judge(value)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([read(path) for path in VALID_MACHINES]), st.data())
def test_a_valid_machine_with_one_value_replaced_is_judged(original: Json, data: st.DataObject) -> None:
    value: Any = copy.deepcopy(original)
    place = value
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not inner or not isinstance(inner, dict | list) or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(JSON)

    judge(value)


def nested(depth: int) -> Json:
    value: Json = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("depth", [101, 1_000, 50_000])
def test_nesting_beyond_100_levels_is_one_finding(depth: int) -> None:
    (finding,) = states_language.validate(nested(depth))

    assert finding.pointer == "/a" * 100
    assert finding.message.startswith("Nested deeper than 100 levels")


def test_nesting_of_100_levels_is_looked_into() -> None:
    given_machine = one(passing(Parameters=nested(96)))

    assert states_language.validate(given_machine) == []


def test_twenty_parallels_in_one_another_are_accepted() -> None:
    inner = machine({"Leaf": {"Type": "Succeed"}})
    for level in range(20):
        inner = machine({f"Level {level}": {"Type": "Parallel", "Branches": [inner], "End": True}})

    assert states_language.validate(inner) == []


def test_deeply_nested_rules_do_not_exhaust_the_stack() -> None:
    rule: Json = {"Variable": "$.a", "IsNull": True}
    for _ in range(90):
        rule = {"Not": rule}

    assert states_language.validate(one({"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "B"})) == []


def test_a_definition_of_one_mebibyte_is_accepted_and_one_byte_more_is_not() -> None:
    def sized(size: int) -> Json:
        empty = len(json.dumps(one(passing(Result="")), separators=(",", ":")))
        return one(passing(Result="é" * ((size - empty) // 2) + "x" * ((size - empty) % 2)))

    assert states_language.validate(sized(1_048_576)) == []
    (finding,) = states_language.validate(sized(1_048_577))
    assert finding.pointer == ""
    assert "1,048,577 bytes" in finding.message


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        10**400,
        "\ud800",
        {"\udfff": 1},
        {5: 1},
        pytest.param(object(), id="object"),
        b"x",
        {1, 2},
        (1,),
    ],
    ids=repr,
)
def test_what_is_not_json_is_refused_where_it_is(value: object) -> None:
    (finding,) = states_language.validate(one(passing(Result=[value])))

    assert finding.pointer == "/States/A/Result/0"


def test_texts_that_would_keep_a_parser_busy_are_judged() -> None:
    texts = [
        "$" + "[?(" * 60_000,
        "$" + ".a" * 60_000 + "[",
        "'" * 100_000,
        "States.Format('" + "\\" * 100_000,
        "{%" + "(" * 100_000 + "%}",
    ]

    for text in texts:
        pointers = judge(one(passing(Parameters={"a.$": text}, InputPath=text, ResultPath=text)))

        assert len(pointers) == 3


def test_a_large_definition_is_judged_quickly() -> None:
    states: Json = {}
    for index in range(2_000):
        states[f"State {index}"] = {
            "Type": "Task",
            "Resource": f"worker-{index}",
            "Comment": "x" * 180,
            "Parameters": {
                "id.$": "$.id",
                "name.$": "States.Format('{}-{}', $.a, $.b)",
                "list": [1, 2, {"x.$": "$.x"}],
            },
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "State 1999"}],
            **({"Next": f"State {index + 1}"} if index < 1_999 else {"End": True}),
        }
    large = machine(states)
    size = len(json.dumps(large))
    started = time.perf_counter()

    findings = states_language.validate(large)

    print(f"{size:,} bytes, 2,000 states: {time.perf_counter() - started:.3f} s")  # noqa: T201 -- shown by pytest -s
    assert findings == []

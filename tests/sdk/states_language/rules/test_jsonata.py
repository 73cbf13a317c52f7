"""JSONata strings: the frame, quotes and brackets; the rest is left to AWS.

Covers `workflow_manager.states_language.rules.jsonata`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, machine, mapping, one, passing, task
from workflow_manager import states_language
from workflow_manager.states_language.rules.jsonata import is_expression, text_problem

SOUND = [
    "{% 1 %}", "{%1%}", "{%\n$states.input\n%}", "{% $f({'a': [1, 2]}) %}", "{% 'a (' %}", '{% "]" & "}" %}',
    "{% `a {` %}",
    "{% /* ( ' */ 1 %}", "{% $match(x, /[(]'/) %}", "{% (1 + 2) / 3 %}", "{% 'a\\'b' %}", "plain", "", "%", "{",
    "a {% b %} c",
    "{ % 1 % }",
]  # fmt: skip
BROKEN = [
    "{% 1", "1 %}", "{%", "%}", "{%}", "{% %}", "{%%}", "{%  \n %}", " {% 1 %}", "{% 1 %} ", "{% ( %}", "{% ) %}",
    "{% [) %}",
    "{% {'a': 1 %}", "{% 'a %}", '{% "a %}', "{% `a %}", "{% 'a\\' %}", "{% f(]) %}",
]  # fmt: skip


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_text_passes(text: str) -> None:
    assert text_problem(text) is None


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_expression_is_found(text: str) -> None:
    assert text_problem(text) is not None


def test_the_shortest_frame_is_no_expression() -> None:
    assert not is_expression("{%}")


REFUSED: list[tuple[Json, str]] = [
    (passing(Output="{% 1"), "/Output"),
    (passing(Output={"a": [{"b/c": "{% ( %}"}]}), "/Output/a/0/b~1c"),
    (passing(Assign={"a": "{% ( %}"}), "/Assign/a"),
    (passing(Assign={"a.$": 1}), "/Assign/a.$"),
    (passing(Assign=[]), "/Assign"),
    (task(Arguments="text"), "/Arguments"),
    (task(Arguments=[1]), "/Arguments"),
    (task(Arguments={"a": "{% 1"}), "/Arguments/a"),
    (task(TimeoutSeconds="5"), "/TimeoutSeconds"),
    (task(TimeoutSeconds="{% ( %}"), "/TimeoutSeconds"),
    (task(HeartbeatSeconds=-1), "/HeartbeatSeconds"),
    ({"Type": "Wait", "Seconds": "ten", "End": True}, "/Seconds"),
    ({"Type": "Wait", "Timestamp": "soon", "End": True}, "/Timestamp"),
    ({"Type": "Fail", "Cause": "{% x"}, "/Cause"),
    ({"Type": "Fail", "Error": 5}, "/Error"),
    (mapping(Items="text"), "/Items"),
    (mapping(Items=5), "/Items"),
    (mapping(Items=["{% ( %}"]), "/Items/0"),
    (mapping(MaxConcurrency="{% ( %}"), "/MaxConcurrency"),
]


@pytest.mark.parametrize(("state", "where"), REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_jsonata_field_is_refused_where_it_is(state: Json, where: str) -> None:
    findings = states_language.validate(one(jsonata(state)))

    assert {finding.pointer for finding in findings} == {f"/States/A{where}"}


def test_a_machine_in_jsonata_puts_its_states_into_jsonata() -> None:
    given = one(mapping(ItemProcessor=machine({"X": passing(InputPath="$")})), QueryLanguage="JSONata")

    assert [finding.pointer for finding in states_language.validate(given)] == [
        "/States/A/ItemProcessor/States/X/InputPath"
    ]


@pytest.mark.parametrize("inner", [passing(OutputPath="$"), jsonata(passing(Output=1))], ids=str)
def test_inside_a_jsonata_map_of_a_jsonpath_machine_a_state_names_its_language(inner: Json) -> None:
    given = one(jsonata(mapping(ItemProcessor=machine({"X": inner}))))

    assert states_language.validate(given) == []


@pytest.mark.parametrize(
    ("inner", "refused"),
    [
        (passing(Output="{% 1 %}"), {"/Output"}),
        (task(Arguments={}), {"/Arguments"}),
        (choosing({"Condition": "{% true %}", "Next": "X"}), {"/Choices/0/Condition"}),
        (passing(Parameters={"a": ["{% $states.input %}"]}), set()),
    ],
    ids=str,
)
@pytest.mark.parametrize("outer", ["Map", "Parallel"])
def test_a_state_inside_a_jsonata_map_does_not_inherit_its_language(inner: Json, refused: set[str], outer: str) -> None:
    body = machine({"X": inner, "B": {"Type": "Succeed"}})
    inside = mapping(ItemProcessor=body) if outer == "Map" else {"Type": "Parallel", "Branches": [body], "End": True}
    place = "ItemProcessor" if outer == "Map" else "Branches/0"

    state = f"/States/A/{place}/States/X"
    findings = [
        finding for finding in states_language.validate(one(jsonata(inside))) if finding.pointer.startswith(state)
    ]

    assert {finding.pointer for finding in findings if finding.is_error} == {state + field for field in refused}
    (hint,) = [finding for finding in findings if "query language" in finding.message]
    assert hint.pointer == state
    assert f'inherit the query language of the {outer} "A"' in hint.message


def test_expressions_in_jsonpath_states_are_plain_text() -> None:
    assert states_language.validate(one(passing(Parameters={"a": "{% ("}))) == []


def test_comments_are_not_evaluated() -> None:
    assert states_language.validate(one(jsonata(passing(Comment="{% (")))) == []

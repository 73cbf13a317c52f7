"""The rules of machines, names and transitions: what is refused, and where the finding points.

Covers `workflow_manager.states_language.validation` and `workflow_manager.states_language.graph`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, machine, mapping, one, passing, task
from workflow_manager import errors, states_language

DONE = {"Type": "Succeed"}

REFUSED: list[tuple[str, object, set[str]]] = [
    ("null", None, {""}),
    ("a list", [], {""}),
    ("a text", "machine", {""}),
    ("nothing in it", {}, {""}),
    ("no StartAt", {"States": {"A": DONE}}, {""}),
    ("no States", {"StartAt": "A"}, {""}),
    ("States is empty", {"StartAt": "A", "States": {}}, {"/States", "/StartAt"}),
    ("States is a list", {"StartAt": "A", "States": []}, {"/States"}),
    ("StartAt is a number", {"StartAt": 1, "States": {"A": DONE}}, {"/StartAt"}),
    ("StartAt names nothing", {"StartAt": "B", "States": {"A": DONE}}, {"/StartAt"}),
    ("an unknown version", machine({"A": DONE}, Version="2.0"), {"/Version"}),
    ("a Comment that is no text", machine({"A": DONE}, Comment=5), {"/Comment"}),
    ("no time at all", machine({"A": DONE}, TimeoutSeconds=-1), {"/TimeoutSeconds"}),
    ("too much time", machine({"A": DONE}, TimeoutSeconds=100_000_000), {"/TimeoutSeconds"}),
    ("half a second", machine({"A": DONE}, TimeoutSeconds=0.5), {"/TimeoutSeconds"}),
    ("time as text", machine({"A": DONE}, TimeoutSeconds="60"), {"/TimeoutSeconds"}),
    ("time as a boolean", machine({"A": DONE}, TimeoutSeconds=True), {"/TimeoutSeconds"}),
    ("an unknown query language", machine({"A": DONE}, QueryLanguage="XPath"), {"/QueryLanguage"}),
    ("a state that is a text", machine({"A": {"Type": "Pass", "Next": "B"}, "B": "x"}), {"/States/B"}),
    ("a state without a type", machine({"A": {"End": True}}), {"/States/A"}),
    ("a type that is a number", machine({"A": {"Type": 1}}), {"/States/A/Type"}),
    ("a type in lower case", machine({"A": {"Type": "pass", "End": True}}), {"/States/A/Type"}),
    ("a name of 81 characters", machine({"x" * 81: DONE}), {f"/States/{'x' * 81}"}),
    ("an empty name", machine({"": DONE}), {"/States/"}),
    ("a name twice, inside a branch", one({"Type": "Parallel", "Branches": [machine({"B": DONE})], "End": True}),
     {"/States/A/Branches/0/States/B"}),
    ("a name twice, in two branches",
     one({"Type": "Parallel", "Branches": [machine({"X": DONE}), machine({"X": DONE})], "End": True}),
     {"/States/A/Branches/1/States/X"}),
    ("a name twice, inside a Map", one(mapping(ItemProcessor=machine({"A": DONE}))),
     {"/States/A/ItemProcessor/States/A"}),
    ("Next names nothing", one({"Type": "Pass", "Next": "C"}), {"/States/A/Next"}),
    ("Next in other letters", one({"Type": "Pass", "Next": "b"}), {"/States/A/Next"}),
    ("Next is a number", one({"Type": "Pass", "Next": 5}), {"/States/A/Next"}),
    ("Default names nothing", one({**choosing({"Variable": "$", "IsNull": True, "Next": "B"}), "Default": "C"}),
     {"/States/A/Default"}),
    ("a rule leads nowhere", one(choosing({"Variable": "$", "IsNull": True, "Next": "C"})),
     {"/States/A/Choices/0/Next"}),
    ("a catcher leads nowhere", one(task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}])),
     {"/States/A/Catch/0/Next"}),
    ("a Map's body leads out", one(mapping(ItemProcessor=machine({"X": {"Type": "Pass", "Next": "B"}}))),
     {"/States/A/ItemProcessor/States/X/Next"}),
    ("a branch leads into another",
     one({"Type": "Parallel", "End": True,
          "Branches": [machine({"X": {"Type": "Pass", "Next": "Y"}}), machine({"Y": DONE})]}),
     {"/States/A/Branches/0/States/X/Next"}),
    ("a transition into a branch",
     machine({"A": {"Type": "Parallel", "Branches": [machine({"X": DONE})], "Next": "C"},
              "C": {"Type": "Pass", "Next": "X"}}),
     {"/States/C/Next"}),
    ("a state that nothing leads to", machine({"A": DONE, "B": DONE}), {"/States/B"}),
    ("a cycle that nothing enters",
     machine({"A": DONE, "B": {"Type": "Pass", "Next": "C"}, "C": {"Type": "Pass", "Next": "B"}}),
     {"/States/B", "/States/C"}),
    ("a state that leads to itself only", machine({"A": DONE, "B": {"Type": "Pass", "Next": "B"}}), {"/States/B"}),
    ("an unreached state in a branch",
     one({"Type": "Parallel", "Branches": [machine({"X": DONE, "Y": DONE})], "End": True}),
     {"/States/A/Branches/0/States/Y"}),
    ("a run without an end",
     machine({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}), {"/States"}),
    ("a Map's body without an end", one(mapping(ItemProcessor=machine({"X": {"Type": "Pass", "Next": "X"}}))),
     {"/States/A/ItemProcessor/States"}),
    ("an end that is not reached",
     machine({"A": {"Type": "Pass", "Next": "A"}, "B": DONE}), {"/States/B", "/States"}),
    ("Next with End", one({"Type": "Pass", "Next": "B", "End": True}), {"/States/A"}),
    ("neither Next nor End", one({"Type": "Wait", "Seconds": 1}), {"/States/A"}),
    ("an End of false alone", one({"Type": "Pass", "End": False}), {"/States/A"}),
    ("an End that is a text", one({"Type": "Pass", "End": "true"}), {"/States/A/End"}),
    ("a Choice with Next", one({**choosing({"Variable": "$", "IsNull": True, "Next": "B"}), "Next": "B"}),
     {"/States/A/Next"}),
    ("a Choice with End", one({**choosing({"Variable": "$", "IsNull": True, "Next": "B"}), "End": True}),
     {"/States/A/End"}),
    ("a Succeed with Next", one({"Type": "Succeed", "Next": "B"}), {"/States/A/Next"}),
    ("a Fail with End", one({"Type": "Fail", "End": True}), {"/States/A/End"}),
    ("no branches", one({"Type": "Parallel", "End": True}), {"/States/A"}),
    ("an empty list of branches", one({"Type": "Parallel", "Branches": [], "End": True}), {"/States/A/Branches"}),
    ("a branch that is a list", one({"Type": "Parallel", "Branches": [[]], "End": True}), {"/States/A/Branches/0"}),
    ("an empty branch", one({"Type": "Parallel", "Branches": [{}], "End": True}), {"/States/A/Branches/0"}),
    ("branches that are an object", one({"Type": "Parallel", "Branches": {}, "End": True}), {"/States/A/Branches"}),
    ("a name with a slash and a tilde", machine({"A": DONE, "a/b~c": DONE}), {"/States/a~1b~0c"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "pointers"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_broken_structure_is_refused_where_it_is_broken(given: object, pointers: set[str]) -> None:
    assert {finding.pointer for finding in states_language.validate(given)} == pointers


ACCEPTED: list[tuple[str, Json]] = [
    ("End of false beside Next", one({"Type": "Pass", "Next": "B", "End": False})),
    ("a whole number written as a float", machine({"A": DONE}, TimeoutSeconds=60.0)),
    ("the longest timeout", machine({"A": DONE}, TimeoutSeconds=99_999_999)),
    ("a name of 80 characters", machine({"é" * 80: DONE})),
    ("an empty comment", machine({"A": DONE}, Comment="")),
    ("a loop with a way out", machine({"A": {**choosing({"Variable": "$", "IsNull": True, "Next": "A"})}, "B": DONE})),
    ("an end by a catcher only",
     machine({"A": {**task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]), "End": False, "Next": "A"},
              "B": DONE})),
    ("an unknown field of the machine", machine({"A": DONE}, Owner={"team": 1})),
    ("an unknown field of a state", machine({"A": {**DONE, "Owner": None}})),
]  # fmt: skip


@pytest.mark.parametrize("given", [case[1] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_a_sound_structure_is_accepted(given: Json) -> None:
    assert states_language.validate(given) == []


def test_all_findings_come_at_once() -> None:
    given = {"StartAt": "X", "States": {"A": {"Type": "Pass", "Next": "Y"}, "B": {"Type": "Task", "End": True}}}

    findings = states_language.validate(given)

    assert {finding.pointer for finding in findings} == {"/StartAt", "/States/A/Next", "/States/B"}


def test_a_dangling_transition_suggests_the_name_in_other_letters() -> None:
    (finding,) = states_language.validate(one({"Type": "Pass", "Next": "b "}))

    assert finding.message == 'There is no state "b "; did you mean "B"?'


def test_a_transition_into_a_branch_says_where_the_state_is() -> None:
    inner = one(mapping(ItemProcessor=machine({"X": {"Type": "Pass", "Next": "B"}})))

    (finding,) = states_language.validate(inner)

    assert 'State "B" is at /States/B' in finding.message


def test_check_passes_a_valid_machine() -> None:
    states_language.check(one(passing()))


def test_check_raises_with_the_first_finding_and_the_number_of_others() -> None:
    with pytest.raises(errors.InvalidDefinition) as caught:
        states_language.check({"StartAt": 1, "States": []})

    assert caught.value.message == "/States: This must be an object, not an array. (1 more)"
    assert [finding.pointer for finding in caught.value.findings] == ["/States", "/StartAt"]


def test_check_shows_the_whole_machine_as_a_slash() -> None:
    with pytest.raises(errors.InvalidDefinition, match=r"^/: StartAt and States are missing\.$"):
        states_language.check({})

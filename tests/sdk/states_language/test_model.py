"""The typed view of a machine.

Covers `workflow_manager.states_language.model`.
"""

from tests.sdk.states_language.machine_builders import Json, jsonata, machine, mapping, one, passing, task
from workflow_manager import states_language

MACHINE: Json = machine(
    {
        "A": {"Type": "Parallel", "Next": "M", "Branches": [machine({"B": passing()}), machine({"C/1": passing()}), 5]},
        "M": mapping(ItemProcessor=machine({"D": mapping(ItemProcessor=machine({"E": task()}))})),
        "broken": 5,
    }
)


def test_walk_yields_every_state_with_its_pointer() -> None:
    assert {state.name: state.pointer for state in states_language.walk(MACHINE)} == {
        "A": "/States/A",
        "M": "/States/M",
        "B": "/States/A/Branches/0/States/B",
        "C/1": "/States/A/Branches/1/States/C~11",
        "D": "/States/M/ItemProcessor/States/D",
        "E": "/States/M/ItemProcessor/States/D/ItemProcessor/States/E",
    }


def test_outer_states_come_before_those_inside() -> None:
    names = [state.name for state in states_language.walk(MACHINE)]

    assert names == ["A", "M", "B", "C/1", "D", "E"]


def test_a_state_knows_the_branch_it_is_in() -> None:
    found = states_language.find(MACHINE, "C/1")

    assert found is not None
    assert (found.branch, found.parent and found.parent.name) == (1, "A")


def test_a_state_in_a_map_has_a_parent_and_no_branch() -> None:
    found = states_language.find(MACHINE, "E")

    assert found is not None
    assert (found.branch, found.parent and found.parent.name) == (None, "D")


def test_an_outermost_state_has_no_parent() -> None:
    found = states_language.find(MACHINE, "A")

    assert found is not None
    assert (found.branch, found.parent) == (None, None)


def test_an_unknown_name_is_not_found() -> None:
    assert states_language.find(MACHINE, "Z") is None


def test_scopes_are_the_machine_the_branches_and_the_bodies() -> None:
    assert [scope.pointer for scope in states_language.scopes(MACHINE)] == [
        "",
        "/States/A/Branches/0",
        "/States/A/Branches/1",
        "/States/M/ItemProcessor",
        "/States/M/ItemProcessor/States/D/ItemProcessor",
    ]


def test_a_state_is_in_the_language_of_the_machine_unless_it_says_otherwise() -> None:
    languages = {state.name: state.language for state in states_language.walk(one(jsonata(passing())))}

    assert languages == {"Lead": "JSONPath", "A": "JSONata", "B": "JSONPath"}


def test_a_machine_without_states_is_empty() -> None:
    assert list(states_language.walk({})) == []


def test_everything_that_is_offered_exists() -> None:
    assert all(hasattr(states_language, name) for name in states_language.__all__)
    assert sorted(states_language.__all__) == states_language.__all__

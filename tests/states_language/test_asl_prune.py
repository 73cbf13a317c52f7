"""Cutting a machine to what is reachable from a state."""

import copy

import pytest

from app import errors, states_language
from tests.states_language.machine_builders import Json, machine, mapping, task

MACHINE: Json = machine(
    {
        "First": {"Type": "Pass", "Next": "Choose"},
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Not": {"Variable": "$", "IsNull": True}, "Next": "Risky"}],
            "Default": "Loop",
        },
        "Risky": {**task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Repair"}]), "End": False, "Next": "Both"},
        "Repair": {"Type": "Pass", "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                machine({"Left": task()}),
                machine({"Right": mapping(ItemProcessor=machine({"Deep": task()}))}),
            ],
            "Next": "Done",
        },
        "Loop": {"Type": "Wait", "Seconds": 1, "Next": "Choose"},
        "Done": {"Type": "Succeed"},
    },
    Comment="kept",
    TimeoutSeconds=60,
)


@pytest.mark.parametrize(
    ("start_at", "kept"),
    [
        ("First", ["First", "Choose", "Risky", "Repair", "Both", "Loop", "Done"]),
        ("Choose", ["Choose", "Risky", "Repair", "Both", "Loop", "Done"]),
        ("Loop", ["Choose", "Risky", "Repair", "Both", "Loop", "Done"]),
        ("Risky", ["Risky", "Repair", "Both", "Done"]),
        ("Repair", ["Repair", "Both", "Done"]),
        ("Both", ["Both", "Done"]),
        ("Done", ["Done"]),
    ],
)
def test_what_can_still_be_entered_is_kept_in_order(start_at: str, kept: list[str]) -> None:
    pruned = states_language.prune(MACHINE, start_at=start_at)

    assert pruned["StartAt"] == start_at
    assert list(pruned["States"]) == kept
    assert all(pruned["States"][name] == MACHINE["States"][name] for name in kept)


def test_the_other_fields_of_the_machine_are_kept() -> None:
    pruned = states_language.prune(MACHINE, start_at="Done")

    assert pruned == {
        "StartAt": "Done",
        "States": {"Done": {"Type": "Succeed"}},
        "Comment": "kept",
        "TimeoutSeconds": 60,
    }


def test_the_result_shares_nothing_with_the_argument() -> None:
    before = copy.deepcopy(MACHINE)

    states_language.prune(MACHINE, start_at="Both")["States"]["Both"]["Branches"].clear()

    assert before == MACHINE


def test_an_unknown_state_is_refused_with_those_there_are() -> None:
    with pytest.raises(errors.UnknownState) as caught:
        states_language.prune(MACHINE, start_at="Secnd")

    assert caught.value.message == (
        'There is no state "Secnd"; start at one of "First", "Choose", "Risky", "Repair", "Both", "Loop", "Done".'
    )


def test_a_long_list_of_states_is_cut() -> None:
    many = machine({f"S{index}": {"Type": "Pass", "Next": f"S{index + 1}"} for index in range(50)})

    with pytest.raises(errors.UnknownState, match=r'"S9", \.\.\.\.$'):
        states_language.prune(many, start_at="x")


@pytest.mark.parametrize("name", ["Left", "Right", "Deep"])
def test_a_state_inside_another_is_refused_with_the_outer_one(name: str) -> None:
    with pytest.raises(errors.UnknownState, match=f'"{name}" is inside the Parallel state "Both".*start at "Both"'):
        states_language.prune(MACHINE, start_at=name)


def test_a_machine_without_states_has_none_to_start_at() -> None:
    with pytest.raises(errors.UnknownState):
        states_language.prune({}, start_at="A")

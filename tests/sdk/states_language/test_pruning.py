"""Starting a machine at a state: what is cut, and what is restored.

Covers `workflow_manager.states_language.pruning`.
"""

import copy

import pytest

from tests.sdk.states_language.machine_builders import Json, machine, mapping, task
from workflow_manager import errors, states_language

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


@pytest.mark.parametrize(
    ("language", "restore"),
    [
        (
            "JSONPath",
            {
                "Assign": {"day.$": "$$.Execution.Input['_RESUMED']['variables']['day']"},
                "OutputPath": "$['_RESUMED']['input']",
            },
        ),
        (
            "JSONata",
            {
                "Assign": {"day": "{% $states.context.Execution.Input._RESUMED.variables.`day` %}"},
                "Output": "{% $states.input._RESUMED.input %}",
            },
        ),
    ],
)
def test_a_machine_that_restores_variables_is_valid_and_begins_with_their_assignment(
    language: str, restore: Json
) -> None:
    given = machine({"Restore variables": {"Type": "Pass", "End": True}}, QueryLanguage=language)

    restoring = states_language.restoring(given, ["day"])

    states_language.validate(restoring)
    assert restoring["StartAt"] == states_language.restoring_state(given) == "Restore variables_"
    first = {"Type": "Pass", **restore, "Next": "Restore variables"}
    assert restoring["States"] == {"Restore variables_": first, **given["States"]}


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("$$.Execution.Input.who", True),
        ("$$['Execution']['Input']", True),
        ("$$", True),
        ("$$.Execution", True),
        ("States.Format('{}', $$.Execution.Input)", True),
        ("{% $states.context.Execution.Input.who %}", True),
        ("{% $string($states.context) %}", True),
        ("$$.Execution.Name", False),
        ("$$.Execution.StartTime", False),
        ("$$.State.Name", False),
        ("$$.Map.Item.Value", False),
        ("{% $states.context.Execution.Id %}", False),
        ("$.Execution.Input", False),
        ("the Execution", False),
    ],
)
def test_an_expression_that_may_read_the_input_of_the_execution_is_found(text: str, *, reads: bool) -> None:
    assert states_language.reads_execution_input(machine({"A": task(Parameters={"x.$": text})})) is reads

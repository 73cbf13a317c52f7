"""Machines that AWS accepts are accepted, and stay valid after the changes that the service makes.

Covers `workflow_manager.states_language.validation` and `workflow_manager.states_language.expansion`.
"""

import copy
from pathlib import Path

import pytest

from tests.sdk.states_language.machine_builders import VALID_MACHINES, read
from workflow_manager import states_language

EVERY_MACHINE = pytest.mark.parametrize("path", VALID_MACHINES, ids=lambda path: path.stem)


def test_there_are_machines_to_try() -> None:
    assert len(VALID_MACHINES) >= 25


@EVERY_MACHINE
def test_a_valid_machine_is_accepted(path: Path) -> None:
    states_language.check(read(path))


@EVERY_MACHINE
def test_a_valid_machine_stays_valid_when_it_is_expanded(path: Path) -> None:
    expanded = states_language.expand(
        read(path), names={}, namespace="production", region="us-west-2", account_id="123456789012"
    )

    states_language.check(expanded)


@EVERY_MACHINE
def test_expanding_twice_changes_nothing_more(path: Path) -> None:
    def expand(machine: dict[str, object]) -> dict[str, object]:
        return states_language.expand(
            machine, names={}, namespace="production", region="us-west-2", account_id="123456789012"
        )

    once = expand(read(path))

    assert expand(once) == once


@EVERY_MACHINE
def test_a_valid_machine_can_start_at_every_outermost_state(path: Path) -> None:
    machine = read(path)

    for name in machine["States"]:
        states_language.check(states_language.prune(machine, start_at=name))


@EVERY_MACHINE
def test_a_machine_cut_to_its_own_start_stays_equal(path: Path) -> None:
    machine = read(path)

    assert states_language.prune(machine, start_at=machine["StartAt"]) == machine


@EVERY_MACHINE
def test_the_machine_that_is_given_stays_as_it_is(path: Path) -> None:
    machine = read(path)
    before = copy.deepcopy(machine)

    states_language.validate(machine)
    states_language.expand(machine, names={}, namespace="n", region="r", account_id="a")
    states_language.prune(machine, start_at=machine["StartAt"])

    assert machine == before

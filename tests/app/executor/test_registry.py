"""Registering definitions: large ones do not hold up what else the service does.

Covers `app.executor.registry`.
"""

import asyncio

import pytest

from tests.rig import Rig
from workflow_manager import errors, models


def large(**state: object) -> models.NewWorkflowDefinitionRequest:
    machine = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "End": True, "Result": ["x" * 100] * 1_000, **state}},
    }
    return models.NewWorkflowDefinitionRequest(name="large", state_machine=machine)


async def count_turns(until: "asyncio.Task[object]") -> int:
    turns = 0
    while not until.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


async def test_the_loop_goes_on_while_a_large_definition_is_judged(rig: Rig) -> None:
    judging: asyncio.Task[object] = asyncio.create_task(rig.registry.check_definition(large()))

    assert await count_turns(judging) > 2
    assert judging.result() == ()


async def test_the_loop_goes_on_while_many_expressions_are_parsed(rig: Rig) -> None:
    """They take far longer than other text of their length."""
    expressions = ["{% " + f"a{number}" + "^(a)" * 200 + " %}" for number in range(10)]
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "End": True, "Output": expressions}},
    }
    request = models.NewWorkflowDefinitionRequest(name="parsed", state_machine=machine)
    judging: asyncio.Task[object] = asyncio.create_task(rig.registry.check_definition(request))

    assert await count_turns(judging) > 2
    assert judging.result() == ()


async def test_a_large_definition_is_judged_like_a_small_one(rig: Rig) -> None:
    with pytest.raises(errors.InvalidDefinition) as refused:
        await rig.registry.create_definition(large(Next="B"))

    assert refused.value.findings[0].pointer.startswith("/stateMachine/States/A")

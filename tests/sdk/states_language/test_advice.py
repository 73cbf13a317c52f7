"""Advice about machines that AWS accepts: loops, Maps, timeouts, heartbeats, and failures that cannot be redriven.

Covers `workflow_manager.states_language.advice` and `workflow_manager.states_language.event_counts`.
"""

import copy
import re
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.sdk.states_language.machine_builders import (
    VALID_MACHINES,
    Json,
    choosing,
    jsonata,
    machine,
    mapping,
    passing,
    read,
    task,
)
from workflow_manager import errors, states_language
from workflow_manager.states_language import event_counts
from workflow_manager.states_language.model import machine_scope

LAMBDA = "lambda:f"
ARN = "arn:aws:states:us-west-2:123456789012:activity:dev--w"
GLUE = "arn:aws:states:::glue:startJobRun.sync"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
PUBLISH = "arn:aws:states:::sns:publish"
BOTH = "without TimeoutSeconds and HeartbeatSeconds"


def quick(**fields: object) -> Json:
    """Make a task that needs no advice."""
    return task(**{"Resource": LAMBDA, **fields})


def leading(state: Json, target: str) -> Json:
    """Let a state lead to another one."""
    return {**{key: value for key, value in state.items() if key != "End"}, "Next": target}


def done_or(target: str) -> Json:
    return {"Type": "Choice", "Choices": [{"Variable": "$.done", "IsPresent": True, "Next": "Done"}], "Default": target}


def looping(*states: tuple[str, Json]) -> Json:
    """Make a machine that runs some states again until it is done."""
    names = [*(name for name, _ in states), "Again?"]
    chain = {name: leading(state, after) for (name, state), after in zip(states, names[1:], strict=True)}
    return machine({**chain, "Again?": done_or(names[0]), "Done": {"Type": "Succeed"}})


def advice(given: Json) -> list[tuple[str, str]]:
    findings = states_language.advise(given)
    assert not any(finding.is_error for finding in findings)
    return [(finding.pointer, finding.message) for finding in findings]


def only(given: Json) -> tuple[str, str]:
    (found,) = advice(given)
    return found


@pytest.mark.parametrize(
    ("states", "length", "events", "turns"),
    [
        ([("Work", quick())], 2, 7, "3,571"),
        ([("Work", quick()), ("Rest", passing())], 3, 9, "2,777"),
        ([("Work", quick(Resource=GLUE, TimeoutSeconds=60))], 2, 8, "3,125"),
        ([("Side", {"Type": "Parallel", "Branches": [machine({"L": quick()}), machine({"R": passing()})]})], 2, 13,
         "1,923"),
        ([("Each", mapping(ItemProcessor=machine({"X": quick()}), QueryLanguage="JSONata", Items=[1]))], 2, 6, "4,166"),
    ],
)  # fmt: skip
def test_a_loop_without_a_wait_tells_how_many_turns_fit(
    states: list[tuple[str, Json]], length: int, events: int, turns: str
) -> None:
    pointer, message = only(looping(*states))

    assert pointer == f"/States/{states[0][0]}"
    assert f"a loop of {length} states without a Wait: a turn takes {events} events" in message
    assert f"after {turns} turns or fewer the run fails at 25,000 events" in message


@pytest.mark.parametrize(
    "given",
    [
        looping(("Work", quick()), ("Pause", {"Type": "Wait", "Seconds": 60})),
        machine({"A": leading(quick(), "B"), "B": passing()}),
        machine({"A": leading(quick(Catch=[{"ErrorEquals": ["E"], "Next": "B"}]), "B"), "B": passing()}),
        machine({"A": quick(Retry=[{"ErrorEquals": ["States.ALL"]}])}),
    ],
    ids=["with a Wait", "chain", "Catch forward", "Retry"],
)
def test_what_does_not_loop_without_a_wait_is_fine(given: Json) -> None:
    assert advice(given) == []


def test_a_state_that_leads_to_itself_is_a_loop_of_one() -> None:
    again = choosing({"Variable": "$.a", "IsPresent": True, "Next": "A"})

    pointer, message = only(machine({"A": again, "B": {"Type": "Succeed"}}))

    assert pointer == "/States/A"
    assert "a loop of a state without a Wait: a turn takes 2 events" in message


def test_a_catch_that_leads_back_is_a_loop() -> None:
    given = machine({"Work": quick(Catch=[{"ErrorEquals": ["E"], "Next": "Mend"}]), "Mend": leading(quick(), "Work")})

    assert "a loop of 2 states" in only(given)[1]


def test_a_wait_on_one_of_two_ways_back_leaves_the_other() -> None:
    given = looping(("Work", quick()))
    given["States"]["Pause"] = {"Type": "Wait", "Seconds": 1, "Next": "Work"}
    given["States"]["Again?"]["Choices"].append({"Variable": "$.late", "IsPresent": True, "Next": "Pause"})

    assert only(given)[0] == "/States/Work"


def test_each_loop_is_told_once() -> None:
    first, second = looping(("A", quick()), ("B", quick())), looping(("C", quick()))
    second["States"] = {name.replace("Again?", "More?"): state for name, state in second["States"].items()}
    second["States"]["C"]["Next"] = "More?"
    first["States"]["Again?"]["Choices"][0]["Next"] = "C"
    given = {**first, "States": {**second["States"], **first["States"]}, "StartAt": "A"}

    assert [pointer for pointer, _ in advice(given)] == ["/States/C", "/States/A"]


@pytest.mark.parametrize(("execution_type", "count"), [("STANDARD", 1), ("EXPRESS", 0)])
def test_a_loop_inside_a_distributed_map_counts_unless_its_runs_are_express(execution_type: str, count: int) -> None:
    body = looping(("Work", quick())) | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type}}

    assert len(advice(machine({"Each": mapping(ItemProcessor=body)}))) == count


@pytest.mark.parametrize(
    ("inner", "events", "items"), [(quick(), 7, "3,571"), (passing(), 4, "6,250")], ids=["task", "pass"]
)
def test_an_inline_map_over_a_list_of_unknown_length_tells_how_many_items_fit(
    inner: Json, events: int, items: str
) -> None:
    pointer, message = only(machine({"Each": mapping(ItemProcessor=machine({"X": inner}))}))

    assert pointer == "/States/Each"
    assert f"an item takes {events} events or more, so a run fails beyond {items} items" in message
    assert '"Mode": "DISTRIBUTED"' in message


@pytest.mark.parametrize(
    "state",
    [
        jsonata(mapping(Items=[1, 2, 3])),
        mapping(ItemProcessor=machine({"X": passing()}, ProcessorConfig={
            "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})),
    ],
    ids=["literal list", "distributed"],
)  # fmt: skip
def test_a_map_that_fits_is_fine(state: Json) -> None:
    assert advice(machine({"Each": state})) == []


def test_the_old_name_of_a_body_is_known() -> None:
    old = {"Type": "Map", "Iterator": machine({"X": quick()}), "End": True}

    assert "runs inline" in only(machine({"Each": old}))[1]


@pytest.mark.parametrize(
    ("state", "lacks"),
    [
        (task(), BOTH),
        (task(Resource=ARN), BOTH),
        (task(HeartbeatSeconds=60), "without TimeoutSeconds:"),
        (task(HeartbeatSecondsPath="$.h"), "without TimeoutSeconds:"),
        (task(TimeoutSeconds=3600), "without HeartbeatSeconds:"),
        (task(TimeoutSecondsPath="$.t"), "without HeartbeatSeconds:"),
        (task(TimeoutSeconds=600), None),
        (task(TimeoutSeconds=3600, HeartbeatSeconds=60), None),
        (quick(Resource=GLUE), "without TimeoutSeconds:"),
        (quick(Resource=TOKEN), "without TimeoutSeconds:"),
        (quick(Resource=PUBLISH), None),
        (quick(), None),
        (task(Resource="${Worker}"), None),
        (task(TimeoutSeconds="${Timeout}", HeartbeatSeconds="${Heartbeat}"), None),
    ],
    ids=str,
)
def test_a_task_that_can_wait_for_ever_is_told(state: Json, lacks: str | None) -> None:
    found = advice(machine({"A": state}))

    assert [pointer for pointer, _ in found] == ([] if lacks is None else ["/States/A"])
    assert lacks is None or lacks in found[0][1]


@pytest.mark.parametrize(("seconds", "lacks"), [(600, []), (601, ["without HeartbeatSeconds:"])])
def test_a_timeout_of_the_machine_counts_for_its_tasks(seconds: int, lacks: list[str]) -> None:
    found = advice(machine({"A": task()}, TimeoutSeconds=seconds))

    assert [any(words in message for words in lacks) for _, message in found] == [True] * len(lacks)


def test_a_large_machine_gets_one_finding_of_a_kind() -> None:
    states = {f"T{number}": leading(task(), f"T{number + 1}") for number in range(200)}

    pointer, message = only(machine({**states, "T200": passing()}))

    assert pointer == "/States/T0"
    assert message.startswith('200 tasks ("T0", "T1", "T2", "T3", "T4" and 195 more) are')


def test_a_catch_that_leads_to_fail_is_told_at_the_fail_state() -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Stop"}]
    given = machine(
        {
            "A": leading(quick(Catch=caught), "B"),
            "B": quick(Catch=caught),
            "Stop": {"Type": "Fail"},
        }
    )

    pointer, message = only(given)

    assert pointer == "/States/Stop"
    assert message.startswith('The Catch of "A", "B" leads to this Fail state. A redrive repeats')


@pytest.mark.parametrize("target", ["Tell", "Missing", "${Next}"])
def test_a_catch_that_leads_elsewhere_is_fine(target: str) -> None:
    given = machine(
        {
            "A": quick(Catch=[{"ErrorEquals": ["States.ALL"], "Next": target}]),
            "Tell": leading(quick(Resource=PUBLISH), "Stop"),
            "Stop": {"Type": "Fail"},
        }
    )

    assert advice(given) == []


@pytest.mark.parametrize(
    "given",
    [None, [], "x", {}, {"States": 1}, {"StartAt": "A", "States": {"A": 1}}, {"a": float("nan")}, {"\ud800": 1},
     machine({"A": {"Type": "Map", "ItemProcessor": 1, "Iterator": {}}}),
     machine({"A": {"Type": "Parallel", "Branches": [1, {}, {"StartAt": 1, "States": []}], "Next": "A"}}),
     machine({"A": {"Type": "Task", "Resource": 1, "Catch": [1, {"Next": 1}, {"Next": "A"}]}}),
     machine({"A": {"Type": "Choice", "Choices": "x", "Default": "A"}})],
    ids=repr,
)  # fmt: skip
def test_what_is_malformed_is_left_to_the_judgement(given: object) -> None:
    before = copy.deepcopy(given)

    states_language.advise(given)

    assert given == before or isinstance(given, dict)


def test_the_shortest_run_counts_the_way_with_the_fewest_events() -> None:
    given = machine(
        {
            "Which?": choosing({"Variable": "$.a", "IsPresent": True, "Next": "Long"}) | {"Default": "Short"},
            "Long": leading(quick(), "Short"),
            "Short": passing(),
        }
    )

    assert event_counts.shortest_run(machine_scope(given)) == 4


KINDS = {
    "loop": "without a Wait",
    "inline map": "runs inline",
    "timeout and heartbeat": BOTH,
    "timeout": "without TimeoutSeconds:",
    "heartbeat": "without HeartbeatSeconds:",
    "caught": "leads to this Fail state",
}


def kinds(findings: Iterable[errors.Finding]) -> Counter[str]:
    return Counter(
        next(kind for kind, words in KINDS.items() if re.search(re.escape(words), finding.message))
        for finding in findings
    )


def test_the_corpus_gets_this_much_advice() -> None:
    """Count what fires on the machines that are kept as files, so that a rule does not become noise unnoticed."""
    found = {path.stem: kinds(states_language.advise(read(path))) for path in VALID_MACHINES}

    assert sum(found.values(), Counter()) == {
        "inline map": 5,
        "timeout and heartbeat": 17,
        "timeout": 1,
        "heartbeat": 1,
        "caught": 3,
    }
    assert max(counts.total() for counts in found.values()) <= 3
    assert sum(not counts for counts in found.values()) == 11

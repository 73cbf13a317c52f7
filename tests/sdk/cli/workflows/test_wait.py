"""Waiting until workflows have ended.

Covers `workflow_manager.cli.workflows.wait`.
"""

import json

import pytest

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json

ENDS = [
    (("succeeded", "succeeded"), 0),
    (("succeeded", "failed"), 1),
    (("cancelled", "succeeded"), 6),
    (("cancelled", "failed"), 1),
]


@pytest.mark.parametrize(("ends", "code"), ENDS)
def test_the_exit_code_is_that_of_the_worst(ends: tuple[str, str], code: int, wfm: Run, service: FakeService) -> None:
    """One line for each that has ended."""
    for name, end in zip(("a", "b"), ends, strict=True):
        service.on(f"GET /workflows/{name}", workflow_json("running", id=name), workflow_json(end, id=name))
    outcome = wfm("wait", "a", "b")
    assert outcome.code == code
    assert sorted(line.split()[:2] for line in outcome.out.splitlines()) == [["a", ends[0]], ["b", ends[1]]]


def test_an_id_that_is_not_there_is_told_before_anybody_waits(wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows/a", workflow_json("running", id="a"))
    assert wfm("wait", "a", "nope").code == 3


def test_the_time_can_be_limited(wfm: Run, service: FakeService) -> None:
    """What has ended is shown, and the command that waits for the rest."""
    service.on("GET /workflows/a", workflow_json("succeeded", id="a"))
    service.on("GET /workflows/b", workflow_json("running", id="b"))
    outcome = wfm("wait", "a", "b", "--timeout", "0.05")
    assert outcome.code == 124
    assert outcome.out.split()[:2] == ["a", "succeeded"]
    assert "  workflow-manager wait b" in outcome.err.splitlines()


def test_what_has_ended_is_a_document_for_programs(wfm: Run, service: FakeService) -> None:
    """In the order of the ids."""
    for name in ("a", "b"):
        service.on(f"GET /workflows/{name}", workflow_json("succeeded", id=name))
    assert [each["id"] for each in json.loads(wfm("wait", "b", "a", "-o", "json").out)] == ["b", "a"]
    assert wfm("wait", "b", "-o", "id").out == "b\n"


def test_ids_come_from_standard_input_too(process: Run, service: FakeService) -> None:
    service.on("GET /workflows/a", workflow_json("failed", id="a"))
    assert process("wait", "-", stdin="a\n").code == 1

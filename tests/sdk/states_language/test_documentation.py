"""The examples of the documentation work.

Covers `workflow_manager.states_language.validation`.
"""

import json
import re
from typing import Any

import pytest

from tests.checkout import ROOT
from workflow_manager import states_language

PAGE = (ROOT / "docs" / "states-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json (written|sent)\n(.*?)```", PAGE, re.DOTALL)


def examples(kind: str) -> list[dict[str, Any]]:
    return [json.loads(text) for name, text in EXAMPLES if name == kind]


def test_each_example_shows_what_is_written_and_what_is_sent() -> None:
    assert [name for name, _ in EXAMPLES] == ["written", "sent"] * (len(EXAMPLES) // 2)
    assert len(EXAMPLES) == PAGE.count("```json")


@pytest.mark.parametrize("machine", [*examples("written"), *examples("sent")], ids=lambda machine: machine["StartAt"])
def test_an_example_is_valid(machine: dict[str, Any]) -> None:
    assert states_language.validate(machine) == []


@pytest.mark.parametrize(
    ("written", "sent"),
    list(zip(examples("written"), examples("sent"), strict=True)),
    ids=lambda machine: machine["StartAt"],
)
def test_what_is_written_becomes_what_is_sent(written: dict[str, Any], sent: dict[str, Any]) -> None:
    expanded = states_language.expand(
        written, names={}, namespace="production", region="us-west-2", account_id="123456789012"
    )

    assert expanded == sent

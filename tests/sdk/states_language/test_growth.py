"""Reading and judging cost what a text weighs: in steps, in memory, and in what is answered.

Covers `workflow_manager.states_language.validation`, `workflow_manager.states_language.advice` and
`workflow_manager.states_language.source`.
"""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import workflow_manager
from tests.sdk.states_language import growing_documents
from tests.sdk.states_language.machine_builders import one, passing, task
from workflow_manager import errors, states_language, strict_json
from workflow_manager.states_language.findings import MAX_FINDINGS, MAX_TEXT_LENGTH, ROOT, Findings
from workflow_manager.states_language.source import source

# Only the parser of patterns tells what they are made of.
_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

SMALL, LARGE = 100, 400
MOST_STEPS = 1.3 * LARGE / SMALL
"""The growth of steps that a constant part and rounding leave to what is linear; squares would be 16."""


def count_steps(act: Callable[[], object]) -> int:
    """Count the lines of this program that are run."""
    steps = 0
    home = str(Path(workflow_manager.__file__).parent)

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace if frame.f_code.co_filename.startswith(home) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return steps


def load(text: str, syntax: str) -> source.Source:
    return source.load(text, format="json" if syntax == "json" else "yaml")


@pytest.mark.parametrize("name", growing_documents.STATES)
def test_the_steps_of_judging_grow_with_the_definition(name: str) -> None:
    make = growing_documents.STATES[name]
    small, large = make(SMALL), make(LARGE)

    steps = [count_steps(lambda given=given: states_language.validate(given)) for given in (small, large)]  # type: ignore[misc]

    assert steps[1] <= steps[0] * MOST_STEPS


@pytest.mark.parametrize("name", growing_documents.STATES)
def test_the_steps_of_advising_grow_with_the_definition(name: str) -> None:
    make = growing_documents.STATES[name]
    small, large = make(SMALL), make(LARGE)

    steps = [count_steps(lambda given=given: states_language.advise(given)) for given in (small, large)]  # type: ignore[misc]

    assert 0 < steps[1] <= steps[0] * MOST_STEPS


@pytest.mark.parametrize("name", growing_documents.TEXTS)
@pytest.mark.parametrize("syntax", ["json", "yaml"])
def test_the_steps_of_reading_grow_with_the_text(name: str, syntax: str) -> None:
    make = growing_documents.TEXTS[name]

    steps = [count_steps(lambda n=n: load(make(n), syntax)) for n in (SMALL, LARGE)]  # type: ignore[misc]

    assert steps[1] <= steps[0] * MOST_STEPS


@pytest.mark.parametrize("name", growing_documents.YAML_TEXTS)
def test_the_steps_of_reading_yaml_grow_with_the_text(name: str) -> None:
    make = growing_documents.YAML_TEXTS[name]

    steps = [count_steps(lambda n=n: load(make(n), "yaml")) for n in (SMALL, LARGE)]  # type: ignore[misc]

    assert steps[1] <= steps[0] * MOST_STEPS


class CountedKey(str):
    """A key that counts how often it is compared or hashed."""

    __slots__ = ()
    uses = 0

    def __eq__(self, other: object) -> bool:
        CountedKey.uses += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        CountedKey.uses += 1
        return str.__hash__(self)


@pytest.mark.parametrize("count", [100, 1_000])
def test_a_repeated_key_is_found_by_looking_at_each_key_a_few_times(count: int) -> None:
    pairs: list[tuple[str, Any]] = [(CountedKey(f"k{number}"), 1) for number in range(count)]
    CountedKey.uses = 0

    with pytest.raises(errors.InvalidRequest, match=f"'k{count - 1}' is given twice"):
        strict_json._object([*pairs, (CountedKey(f"k{count - 1}"), 2)])

    assert CountedKey.uses <= 12 * count


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the compiled regular expressions of what reads definitions."""
    for module in pkgutil.iter_modules(states_language.__path__, "workflow_manager.states_language."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value


PATTERNS = dict(patterns())


def endless(parsed: Any) -> Iterator[str]:
    """Yield the repetitions of a pattern that have no end and give back what they took."""
    for kind, detail in parsed:
        if kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT} and detail[1] is _constants.MAXREPEAT:
            yield f"{kind} of {detail[2]}"
        inner = [detail]
        while inner:
            part = inner.pop()
            if isinstance(part, _parser.SubPattern):
                yield from endless(part)
            elif isinstance(part, list | tuple):
                inner.extend(part)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_regular_expression_tries_again_what_it_has_read(name: str) -> None:
    """So a match costs what it reads: ``a*+`` instead of ``a*``."""
    pattern = PATTERNS[name]

    assert list(endless(_parser.parse(pattern.pattern, pattern.flags))) == []


def peak_of(act: Callable[[], object]) -> int:
    """Return the bytes that an act has in use at most."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["long key over a list", "long key over faults", "branches", "nested"])
def test_the_memory_of_judging_grows_with_the_definition(name: str) -> None:
    make = growing_documents.STATES[name]
    small, large = make(1_000), make(4_000)

    peaks = [peak_of(lambda given=given: states_language.validate(given)) for given in (small, large)]  # type: ignore[misc]

    assert peaks[1] <= max(6 * peaks[0], 2_000_000)


@pytest.mark.parametrize("syntax", ["json", "yaml"])
def test_the_memory_of_reading_grows_with_the_text(syntax: str) -> None:
    make = growing_documents.TEXTS["long key over a list"]

    peaks = [peak_of(lambda n=n: load(make(n), syntax)) for n in (1_000, 4_000)]  # type: ignore[misc]

    assert peaks[1] <= 5 * peaks[0]


IN_512_MIB = """
import resource, json
from workflow_manager import states_language
from workflow_manager.states_language.source import source
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
key = "k" * 35_000
"""


@pytest.mark.parametrize(
    "act",
    [
        """
        machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, "Parameters": {key: [0] * 15_000}}}}
        assert states_language.validate(machine) == []
        """,
        """
        faults = [{"a.$": 1}] * 15_000
        machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, "Parameters": {key: faults}}}}
        assert 0 < sum(len(found.pointer + found.message) for found in states_language.validate(machine)) < 1_000_000
        """,
        """
        text = json.dumps({key: [0] * 15_000})
        assert source.load(text, format="json").readable
        assert source.load("? " + key + "\\n: [" + "0, " * 15_000 + "0]", format="yaml").readable
        """,
        """
        text = "a: &a " + "x" * 500_000 + "\\nb: [" + "*a, " * 10_000 + "]"
        result = source.load(text, format="yaml")
        assert not result.readable
        assert "too much text" in next(iter(result.findings)).message
        """,
        """
        machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, "Result": [[]] * 300_000}}}
        assert states_language.validate(machine) == []
        """,
        """
        text = "[" + '"' + "\\\\" * 500_000 + '"' + "]"
        assert source.load(text, format="json").readable
        """,
    ],
    ids=["long key", "long key over faults", "long key in a file", "aliases of a long text", "many values", "escapes"],
)
def test_what_weighs_little_is_read_in_512_mib(act: str) -> None:
    script = IN_512_MIB + textwrap.dedent(act)

    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)

    assert child.returncode == 0, child.stderr[-2000:]


def test_findings_beyond_a_thousand_are_counted() -> None:
    machine = one(passing(Parameters={"a": [{"b.$": 1}] * 5_000}))

    findings = states_language.validate(machine)

    assert len(findings) <= MAX_FINDINGS
    assert findings[-1].is_error
    assert (
        sum(int(word.replace(",", "")) for word in findings[-1].message.split() if word[0].isdigit())
        + len(findings)
        - 1
        == 5_000
    )


def test_findings_have_a_bounded_length() -> None:
    machine = one(passing(Parameters={"k" * 20_000: [{"b.$": 1}] * 5_000}))

    text = json.dumps(states_language.validate(machine))

    assert len(text) < 2 * MAX_TEXT_LENGTH


def test_an_error_after_many_warnings_is_shown() -> None:
    names = [f"States.Mine{number}" for number in range(5_000)]
    machine = one(task(Retry=[{"ErrorEquals": names}], TimeoutSeconds=-1))

    errors_found = [finding for finding in states_language.validate(machine) if finding.is_error]

    assert [finding.pointer for finding in errors_found if finding.pointer] == ["/States/A/TimeoutSeconds"]


def test_a_long_key_is_shortened_in_a_pointer() -> None:
    found = Findings()

    found.add(ROOT / ("a" * 500 + "/" + "z" * 500) / "b~c" / 0, "Wrong.")

    (finding,) = found
    assert len(finding.pointer) < 200
    assert finding.pointer.startswith("/aaaa")
    assert finding.pointer.endswith("zzz/b~0c/0")


def test_a_shortened_key_still_has_its_line() -> None:
    key = "k" * 500
    result = source.load(f'{{"a": 1,\n"{key}":\n[1,\n1e999]}}', format="json")

    assert [result.line(finding.pointer) for finding in result.findings] == [4]

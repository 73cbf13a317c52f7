"""What is remembered and shown of the output of commands.

Covers `workflow_manager.worker.commands.output_streams`.
"""

import asyncio
import io
import threading

import pytest

from tests.sdk.worker.conftest import eventually
from workflow_manager.worker.commands.output_streams import (
    CHUNK_BYTES,
    MAX_BACKLOG_CHUNKS,
    CommandStream,
    LastLine,
    OutputForwarder,
    Tail,
)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (b"", b""),
        (b"\n\n \n", b""),
        (b"one", b"one"),
        (b"one\ntwo", b"two"),
        (b"one\ntwo\n", b"two"),
        (b"one\r\ntwo\r\n\r\n  \n", b"two"),
        (b"one\n  two  \n\n", b"two"),
        (b"0123456789", b"0123456789"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_last_line_that_is_not_blank_is_found_however_it_arrives(written: bytes, line: bytes, size: int) -> None:
    memory = LastLine(limit=10)
    for start in range(0, len(written), size):
        memory.feed(written[start : start + size])
    assert (memory.line, memory.too_long) == (line, False)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_a_line_over_the_limit_is_known_as_such_and_not_kept(size: int, end: bytes) -> None:
    memory = LastLine(limit=10)
    written = b"short\n" + b"x" * 500 + end
    for start in range(0, len(written), size):
        memory.feed(written[start : start + size])
    assert memory.too_long
    assert len(memory._open) + len(memory._ended) <= 22


def test_a_short_line_after_one_that_was_too_long_counts() -> None:
    memory = LastLine(limit=10)
    memory.feed(b"x" * 500)
    memory.feed(b"\nshort\n")
    assert (memory.line, memory.too_long) == (b"short", False)


def test_the_tail_is_bounded_and_says_that_it_was_cut() -> None:
    tail = Tail(limit=5)
    tail.feed(b"abc")
    assert (tail.data, tail.cut) == (b"abc", False)
    tail.feed(b"defg")
    assert (tail.data, tail.cut) == (b"cdefg", True)


LONG = 60.0
"""Seconds that no test waits."""


async def test_parts_of_a_line_are_shown_as_they_come_when_nobody_else_writes() -> None:
    output = io.BytesIO()
    stream = CommandStream(Tail(limit=100), OutputForwarder(output), hold_seconds=0)
    await stream.feed(b"one\ntw")
    assert output.getvalue() == b"one\ntw"
    await stream.close(seconds=1)
    assert output.getvalue() == b"one\ntw"


async def test_where_others_write_whole_lines_are_shown_at_once_and_the_rest_at_the_end() -> None:
    output = io.BytesIO()
    stream = CommandStream(Tail(limit=100), OutputForwarder(output), hold_seconds=LONG)
    await stream.feed(b"one\ntw")
    assert output.getvalue() == b"one\n"
    await stream.feed(b"o\nthree")
    assert output.getvalue() == b"one\ntwo\n"
    await stream.close(seconds=1)
    assert output.getvalue() == b"one\ntwo\nthree"


async def test_where_others_write_a_part_of_a_line_is_held_for_a_moment_only() -> None:
    output = io.BytesIO()
    stream = CommandStream(Tail(limit=100), OutputForwarder(output), hold_seconds=0.01)
    await stream.feed(b"Continue? ")
    await eventually(lambda: output.getvalue() == b"Continue? ", "the part is shown")
    await stream.feed(b"yes\n")
    await stream.close(seconds=1)
    assert output.getvalue() == b"Continue? yes\n"


async def test_a_line_without_end_is_not_held_back_for_ever() -> None:
    output = io.BytesIO()
    stream = CommandStream(Tail(limit=1), OutputForwarder(output), hold_seconds=LONG)
    for _ in range(3):
        await stream.feed(b"x" * CHUNK_BYTES)
    assert len(output.getvalue()) == 3 * CHUNK_BYTES
    await stream.close(seconds=1)


async def test_lines_of_two_commands_do_not_mix() -> None:
    output = io.BytesIO()
    echo = OutputForwarder(output)
    streams = [CommandStream(Tail(limit=1), echo, hold_seconds=LONG) for _ in range(2)]
    for piece in (b"al", b"pha\nbe", b"ta\n"):
        await asyncio.gather(*(stream.feed(piece) for stream in streams))
    assert sorted(output.getvalue().split()) == [b"alpha", b"alpha", b"beta", b"beta"]


class Clogged(io.BytesIO):
    """An output whose reader has stopped reading."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def flush(self) -> None:
        self.open.wait(timeout=5)


async def test_an_output_that_blocks_does_not_block_the_event_loop() -> None:
    output = Clogged()
    showing = asyncio.create_task(OutputForwarder(output).show(b"x"))
    await asyncio.sleep(0)
    assert not showing.done()
    output.open.set()
    await showing


async def test_a_running_command_waits_for_its_output_to_be_shown_and_an_ended_one_does_not() -> None:
    output, memory = Clogged(), Tail(limit=100)
    stream = CommandStream(memory, OutputForwarder(output), hold_seconds=0)
    feeding = asyncio.create_task(stream.feed(b"one\n"))
    await asyncio.sleep(0)
    assert not feeding.done()
    stream.command_ended()
    await feeding
    for _ in range(1000):
        await stream.feed(b"more\n")
    assert len(stream._showing) == MAX_BACKLOG_CHUNKS
    await stream.close(seconds=0.01)
    output.open.set()
    assert memory.data.endswith(b"more\nmore\n")


async def test_an_output_that_is_closed_is_given_up_without_an_error() -> None:
    output = io.BytesIO()
    echo = OutputForwarder(output)
    output.close()
    await echo.show(b"lost")
    await echo.show(b"lost")

"""What reading a text yields, whatever it is written in."""

from dataclasses import dataclass, field

from app import errors
from app.states_language.findings import quoted


@dataclass(slots=True)
class Reading:
    """A value, the line of each of its parts, and what is wrong with the text."""

    value: object = None
    readable: bool = True
    findings: list[errors.Finding] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=lambda: {"": 1})

    def note(self, pointer: str, message: str) -> None:
        """Note something wrong that leaves the text readable."""
        self.findings.append(errors.Finding(pointer, message))

    def fail(self, pointer: str, message: str) -> None:
        """Note something wrong that leaves nothing to validate."""
        self.note(pointer, message)
        self.readable = False


def unreadable(line: int, message: str) -> Reading:
    """Return the reading of a text that has broken syntax in a line."""
    reading = Reading(readable=False, lines={"": line})
    reading.note("", message)
    return reading


def repeated(key: str) -> str:
    """Say that a key stands twice in one object."""
    return f"The key {quoted(key)} is given twice in one object; remove or rename one."

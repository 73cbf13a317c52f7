"""What reading a text yields, whatever it is written in."""

from dataclasses import dataclass, field

from workflow_manager.states_language.findings import ROOT, Findings, Pointer, quoted, token


@dataclass(slots=True)
class Part:
    """An object or array in a text: its line, and those of its members, by their keys as pointers have them."""

    line: int
    lines: dict[str | int, int] = field(default_factory=dict)
    parts: dict[str | int, "Part"] = field(default_factory=dict)

    def put(self, key: str | int, line: int) -> None:
        """Note the line of a member or an element."""
        self.lines[_step(key)] = line

    def enter(self, key: str | int, line: int) -> "Part":
        """Return the part that a member is, at its noted line or at this one."""
        step = _step(key)
        self.parts[step] = part = Part(self.lines.setdefault(step, line))
        return part

    def line_of(self, pointer: str) -> int:
        """Return the line of what a pointer leads to, or of the closest thing around it."""
        here: Part | None = self
        line = self.line
        for text in pointer.split("/")[1:]:
            step = next((step for step in (text, _number(text)) if here and step in here.lines), None)
            if here is None or step is None:
                break
            line, here = here.lines[step], here.parts.get(step)
        return line


def _step(key: str | int) -> str | int:
    return key if isinstance(key, int) else token(key)


def _number(text: str) -> str | int:
    return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else text


@dataclass(slots=True)
class Reading:
    """A value, the lines of its parts, and what is wrong with the text."""

    value: object = None
    readable: bool = True
    root: Part = field(default_factory=lambda: Part(1))
    findings: Findings = field(default_factory=Findings)

    def note(self, pointer: Pointer, message: str) -> None:
        """Note something wrong that leaves the text readable."""
        self.findings.add(pointer, message)

    def fail(self, pointer: Pointer, message: str) -> None:
        """Note something wrong that leaves nothing to validate."""
        self.note(pointer, message)
        self.readable = False


def unreadable(line: int, message: str) -> Reading:
    """Return the reading of a text that has broken syntax in a line."""
    reading = Reading(readable=False, root=Part(line))
    reading.note(ROOT, message)
    return reading


def repeated(key: str) -> str:
    """Say that a key stands twice in one object."""
    return f"The key {quoted(key)} is given twice in one object; remove or rename one."

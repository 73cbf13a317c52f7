"""Text of others made safe to show: what could steer a terminal is written as an escape."""

import re

# C0 and C1 controls, DEL, the marks that reorder or hide text, separators that break lines, lone surrogates.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_STEERING_BUT_LAYOUT = re.compile(_STEERING.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def visible(text: str) -> str:
    """Escape every steering character, line breaks and tabs included: fit for one cell or line."""
    return _STEERING.sub(_escape, text)


def visible_lines(text: str) -> str:
    """Escape every steering character but keep line breaks and tabs."""
    return _STEERING_BUT_LAYOUT.sub(_escape, text)


def visible_json(text: str) -> str:
    """Escape steering characters of a JSON document, which stays the same document."""
    return _STEERING_BUT_LAYOUT.sub(_escape_json, text)


def holds_steering(text: str) -> bool:
    """Tell whether `visible_lines` would change the text."""
    return _STEERING_BUT_LAYOUT.search(text) is not None


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def _escape_json(match: re.Match[str]) -> str:
    character = match.group()
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

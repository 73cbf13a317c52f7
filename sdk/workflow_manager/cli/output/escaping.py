"""Escaping of control characters in stored text, so that it cannot control the terminal."""

import re

# C0 and C1 controls, DEL, the marks that reorder or hide text, separators that break lines, lone surrogates.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_CONTROLS_IN_LINES = re.compile(_CONTROLS.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def escape(text: str) -> str:
    """Escape every control character, line breaks and tabs included: safe for one cell or line."""
    return _CONTROLS.sub(_escaped, text)


def escape_lines(text: str) -> str:
    """Escape every control character except line breaks and tabs."""
    return _CONTROLS_IN_LINES.sub(_escaped, text)


def escape_json(text: str) -> str:
    """Escape control characters in JSON text, which stays the same document."""
    return _CONTROLS_IN_LINES.sub(_json_escaped, text)


def has_control_characters(text: str) -> bool:
    """Return whether `escape_lines` would change the text."""
    return _CONTROLS_IN_LINES.search(text) is not None


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def _json_escaped(match: re.Match[str]) -> str:
    character = match.group()
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

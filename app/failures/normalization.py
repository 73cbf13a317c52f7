"""Taking out of a message what differs from run to run: ids, addresses, times, numbers.

What tells one fault from another stays: names in quotes, codes of errors, and the numbers after words such as status,
code, exit, errno and HTTP. Every repetition in the pattern is bounded or possessive, so no text makes it read twice.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

MAX_READ_CHARACTERS: Final = 1_000
"""A message is cut to this length first."""

MAX_CHARACTERS: Final = 200
"""Longest normalized message."""

_START: Final = r"(?<![0-9A-Za-z])"
_STOP: Final = r"(?![0-9A-Za-z])"
_WEEKDAYS: Final = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CODE_WORDS: Final = (
    r"exit(?:ed)?+|exit_?code|return_?code|(?:http_?)?status(?:_?code)?+|code|error_?code|errno|signal|sqlstate|"
    r"returned|http(?:/\d(?:\.\d)?+)?+"
)
_JOINING: Final = r"[ :=\[(#'\"]|(?:code|status|with|was|is|of|no)\b"
_UNITS: Final = (
    r"milliseconds?|microseconds?|nanoseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|ms|us|µs|ns|[smhd]"
)

_CLOCK: Final = r"\d\d:\d\d(?::\d\d(?:[.,]\d++)?+)?+"
_ID_WORDS: Final = "request|correlation|trace|session|execution|invocation"

_PARTS: Final = {
    "kept": rf"(?i:\b(?:{_CODE_WORDS})\b(?:{_JOINING}){{0,8}}+(?<!\w)-?\d{{1,5}}\b(?![.:/-]?\d))"
    r"|(?i:\berror (?:occurred )?+[#(]?+\d{1,5}\b)(?!:)|\b(?:ORA|TNS|PLS|DPI|DPY)-\d{1,5}\b",
    "request_id": rf"(?i:\b(?:{_ID_WORDS})[ _-]?+id\b\W{{1,3}}+)[^\s;,)\]\"']++",
    "uuid": rf"{_START}[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}{_STOP}",
    "arn": r"\barn:aws[a-z-]{0,20}+:[^\s\"'<>,;)\]]++",
    "url": r"(?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{1,20}+://[^\s\"'<>,;)\]]++",
    "email": r"(?<![\w.+-])[\w.+-]{1,64}+@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++",
    "time": rf"{_START}\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?+)?+{_STOP}"
    rf"|{_START}\d{{1,4}}/\d{{1,2}}/\d{{1,4}}(?:[ T]{_CLOCK})?+{_STOP}"
    rf"|{_START}\d{{1,2}}:\d\d:\d\d(?:[.,]\d++)?+{_STOP}"
    rf"|\b(?:{_WEEKDAYS}),?+ (?=[A-Z0-9])|\b(?:{_MONTHS})\b(?= ?\d| )",
    "ip": r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?+(?![\w])"
    r"|(?<![\w:])(?=[0-9a-fA-F:]{0,39}\d)(?:[0-9a-fA-F]{1,4})?+(?::[0-9a-fA-F]{0,4}){2,7}+(?![\w:])",
    "hex": rf"\b0[xX][0-9a-fA-F]++|(?<=@)[0-9a-fA-F]{{4,}}+{_STOP}"
    rf"|{_START}(?=[0-9]*+[a-fA-F])(?=[a-fA-F]*+[0-9])[0-9a-fA-F]{{8,}}+{_STOP}",
    "id": rf"{_START}(?=[A-Za-z]*+[0-9])(?=[0-9]*+[A-Za-z])[0-9A-Za-z]{{16,}}+",
    "duration": rf"{_START}(?:\d++(?:\.\d++)?+ ?(?:{_UNITS})(?![A-Za-z]))++",
    "size": rf"{_START}\d++(?:[.,]\d++)*+ ?(?:bytes?|[kKMGT]i?B){_STOP}",
    "path": r"(?<![\w/])(?:/private)?+/(?:tmp|var/tmp|var/folders|dev/shm)/[^\s\"'<>:,;)\]]*+"
    r"|\b[A-Z]:\\Users\\[^\s\"'<>:,;)\]]*+",
    "value": r"(?<==)\"[^\"]*+\"|(?<==)'[^']*+'|(?<=\)=)\([^)]*+\)|(?<=[Dd]uplicate entry )'[^']*+'",
    "n": r"(?<![A-Za-z\d])\d++(?:[.,]\d++)*+|(?<=[a-z])\d{4,}+",
}
"""What is looked for at each place, in this order."""

PATTERN: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS.items()))
_LIST_OF_NUMBERS: Final = re.compile(r"<n>(?:,? ?<n>)++")
_REQUEST_ID: Final = re.compile(r"(?i:id\b\W{1,3}+)")
_HOST: Final = re.compile(r"([a-z][a-z0-9+.-]*+)://(?:[^/?#@]*+@)?+([^/?#:@]*+)")
_DIGITS: Final = re.compile(r"(?<![A-Za-z\d])\d++")


def normalized(message: str) -> str:
    """Return a message with placeholders, ``<n>`` for a number, where messages of one fault differ."""
    printable = "".join(character if character.isprintable() else " " for character in message[:MAX_READ_CHARACTERS])
    replaced = PATTERN.sub(_replacement, " ".join(printable.split()))
    return _LIST_OF_NUMBERS.sub("<n>", replaced)[:MAX_CHARACTERS].rstrip()


def _replacement(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    replace = _REPLACEMENTS.get(kind)
    return replace(found[0]) if replace else f"<{kind}>"


def _url(text: str) -> str:
    """Keep the scheme and the host: credentials, port, path and query differ."""
    host = _HOST.match(text)
    return f"{host[1]}://{_DIGITS.sub('<n>', host[2])}/<path>" if host else "<url>"


def _request_id(text: str) -> str:
    """Keep the word for the id."""
    word = _REQUEST_ID.search(text)
    return f"{text[: word.end()]}<id>" if word else "<id>"


_REPLACEMENTS: Final[Mapping[str, Callable[[str], str]]] = {
    "kept": lambda text: text,
    "url": _url,
    "request_id": _request_id,
}

"""JSONPath: each path is parsed once, and no filter searches for longer than it may."""

import functools
from typing import Any, Final

import regex
from jsonpath_ng import parser as plain
from jsonpath_ng.ext import parser as extended

CACHED_PATHS: Final = 4096

SEARCH_SECONDS: Final = 5.0
"""How long a regular expression of a filter may search one text."""

parse = functools.lru_cache(maxsize=CACHED_PATHS)(extended.parse)
"""Read a path with filters."""

parse_reference = functools.lru_cache(maxsize=CACHED_PATHS)(plain.parse)
"""Read a path that names one place."""


def matches(text: Any, pattern: str) -> bool:
    """Tell whether a text matches, for the operator ``=~``; raises ``TimeoutError``."""
    return isinstance(text, str) and bool(regex.search(pattern, text, timeout=SEARCH_SECONDS, concurrent=True))

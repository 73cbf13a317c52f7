"""The words that bash hands over for completion: it cuts at colons, which names hold, at ``=``, and at ``@``."""

from collections.abc import MutableMapping
from typing import Final

BASH: Final = "complete_bash"
CUTS: Final = (":", "=")
ASSIGNED: Final = "="
AT: Final = "@"
WORDS: Final = "COMP_WORDS"
CURSOR: Final = "COMP_CWORD"
TYPED_BEFORE: Final = "WORKFLOWMANAGER_TYPED_BEFORE"
"""Where the part of a name is kept that bash takes for other words."""


def join_words(environment: MutableMapping[str, str]) -> None:
    """Put words together again that bash has cut at colons, at ``=`` or after an ``@``, up to that under the cursor.

    Of that one bash replaces only what comes after the last cut, so the rest is kept apart; an ``@`` at its beginning
    is replaced as well. A bash that was told not to cut there is left alone.
    """
    in_bash = any(name.endswith("_COMPLETE") and value == BASH for name, value in environment.items())
    cursor = environment.get(CURSOR, "")
    if not in_bash or not cursor.isdecimal():
        return
    joined: list[list[str]] = []
    open_end = False
    for word in environment.get(WORDS, "").split("\n")[: int(cursor) + 1]:
        if joined[1:] and (open_end or word.startswith(CUTS)):
            joined[-1].append(word)
        else:
            joined.append([word])
        open_end = word.endswith((*CUTS, AT))
    *before, under_cursor = joined
    if under_cursor[0].startswith("-") and ASSIGNED in under_cursor[1:]:
        # The value of an option is completed as one that follows it.
        option, under_cursor = under_cursor[0], ["", *under_cursor[2:]]
        before.append([option])
    if any(word.startswith(CUTS) for word in under_cursor[1:]):
        environment[TYPED_BEFORE], under_cursor = _cut("".join(under_cursor))
    environment[WORDS] = "\n".join("".join(parts) for parts in [*before, under_cursor])
    environment[CURSOR] = str(len(before))


def _cut(word: str) -> tuple[str, list[str]]:
    end = max(map(word.rfind, CUTS)) + 1
    return word[:end], [word[end:]]

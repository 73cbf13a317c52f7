"""The words that bash passes for completion, which it splits at ``:``, ``=`` and ``@``."""

from collections.abc import MutableMapping
from typing import Final

BASH: Final = "complete_bash"
CUTS: Final = (":", "=")
ASSIGNED: Final = "="
AT: Final = "@"
WORDS: Final = "COMP_WORDS"
CURSOR: Final = "COMP_CWORD"
TYPED_BEFORE: Final = "WORKFLOWMANAGER_TYPED_BEFORE"
"""Keeps the part of a word that bash has split off."""


def join_words(environment: MutableMapping[str, str]) -> None:
    """Rejoin the words that bash has split at ``:``, ``=`` or after ``@``, up to the word under the cursor.

    Of that word bash replaces only what follows the last split, so the rest is kept apart; an ``@`` at its beginning
    is replaced too. A bash configured not to split there is left alone.
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
        # The value of --option=value is completed like that of --option value.
        option, under_cursor = under_cursor[0], ["", *under_cursor[2:]]
        before.append([option])
    if any(word.startswith(CUTS) for word in under_cursor[1:]):
        environment[TYPED_BEFORE], under_cursor = _cut("".join(under_cursor))
    environment[WORDS] = "\n".join("".join(parts) for parts in [*before, under_cursor])
    environment[CURSOR] = str(len(before))


def _cut(word: str) -> tuple[str, list[str]]:
    end = max(map(word.rfind, CUTS)) + 1
    return word[:end], [word[end:]]

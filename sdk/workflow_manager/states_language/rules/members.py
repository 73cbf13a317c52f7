"""Checks of objects whose members each have a check of their own."""

import difflib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from workflow_manager.states_language.findings import Check, Findings, Pointer, listed, quoted
from workflow_manager.states_language.model import JSONATA, JSONPATH
from workflow_manager.states_language.rules import values

SIMILARITY: Final = 0.86
"""How alike an unknown field and the one that is meant are: ``Resourc`` and ``Resource`` have 0.93."""

MAX_MISSPELLED_LENGTH: Final = 40
MAX_LOOKED_UP: Final = 200
"""Unknown fields of a machine that are compared with all known ones."""


def object_of(
    language: str,
    *,
    both: Mapping[str, Check],
    jsonpath: Mapping[str, Check] | None = None,
    jsonata: Mapping[str, Check] | None = None,
    required: tuple[str, ...] = (),
    exclusive: tuple[tuple[str, ...], ...] = (),
    others: tuple[str, ...] = (),
) -> Check:
    """Make the check of an object from those of its members; members that are not known are warned of or left alone.

    ``others`` are known and checked elsewhere.
    ``both`` are members of either query language, ``jsonpath`` and ``jsonata`` of that one only. Of the names in one
    entry of ``exclusive`` at most one may be there.
    """
    of_language = {JSONPATH: jsonpath or {}, JSONATA: jsonata or {}}
    other = JSONPATH if language == JSONATA else JSONATA
    checks = {**both, **of_language[language]}
    foreign = of_language[other].keys()
    known = frozenset({*checks, *required, *others})

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if not values.is_object(value, pointer, found):
            return
        missing = tuple(field for field in required if field not in value)
        if missing:
            found.add(pointer, f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing.")
        for names in exclusive:
            only_one(value, names, pointer, found)
        for field, member in value.items():
            if field in checks:
                checks[field](member, pointer / field, found)
            elif field in foreign:
                found.add(pointer / field, wrong_language(field, other, language))
            else:
                warn_of_unknown(field, known, pointer, found)

    return check


def only_one(body: Mapping[str, object], names: tuple[str, ...], pointer: Pointer, found: Findings) -> None:
    """Note when more than one of several fields is there."""
    given = tuple(name for name in names if name in body)
    if len(given) > 1:
        found.add(pointer, f"{listed(given)} exclude each other; keep one.")


def warn_of_unknown(field: str, known: frozenset[str], pointer: Pointer, found: Findings) -> None:
    """Warn of a field that is not known and looks like one that is; others may be new at AWS."""
    if field in known or found.unknown >= MAX_LOOKED_UP or len(field) > MAX_MISSPELLED_LENGTH:
        return
    found.unknown += 1
    meant = _closest(field, known)
    if meant is not None:
        found.warn(pointer / field, f"{quoted(field)} is not known here; {meant} is.")


@lru_cache(maxsize=1024)
def _closest(field: str, known: frozenset[str]) -> str | None:
    close = difflib.get_close_matches(field, sorted(known), n=1, cutoff=SIMILARITY)
    return close[0] if close else None


def wrong_language(field: str, other: str, language: str) -> str:
    """Say that a field belongs to the other query language."""
    return f"{field} belongs to {other}, and this state is in {language}; remove it."

"""Checks of objects whose members each have a check of their own."""

from collections.abc import Mapping

from app.states_language import values
from app.states_language.findings import Check, Findings, Pointer, listed
from app.states_language.model import JSONATA, JSONPATH


def object_of(
    language: str,
    *,
    both: Mapping[str, Check],
    jsonpath: Mapping[str, Check] | None = None,
    jsonata: Mapping[str, Check] | None = None,
    required: tuple[str, ...] = (),
    exclusive: tuple[tuple[str, ...], ...] = (),
) -> Check:
    """Make the check of an object from those of its members; members that are not known are left alone.

    ``both`` are members of either query language, ``jsonpath`` and ``jsonata`` of that one only. Of the names in one
    entry of ``exclusive`` at most one may be there.
    """
    of_language = {JSONPATH: jsonpath or {}, JSONATA: jsonata or {}}
    other = JSONPATH if language == JSONATA else JSONATA
    checks = {**both, **of_language[language]}
    foreign = of_language[other].keys()

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

    return check


def only_one(body: Mapping[str, object], names: tuple[str, ...], pointer: Pointer, found: Findings) -> None:
    """Note when more than one of several fields is there."""
    given = tuple(name for name in names if name in body)
    if len(given) > 1:
        found.add(pointer, f"{listed(given)} exclude each other; keep one.")


def wrong_language(field: str, other: str, language: str) -> str:
    """Say that a field belongs to the other query language."""
    return f"{field} belongs to {other}, and this state is in {language}; remove it."

"""What a reader may see.

Covers `app.store.visibility`.
"""

import pytest

from app.store.visibility import Visible, matches


def test_many_stars_are_matched_in_no_time() -> None:
    """Runs of stars are one star; a glob has few parts, and each is looked for once."""
    assert not matches("*a" * 20 + "*b", "a" * 128)


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*", "abc", True),
        ("*b*b*", "abc", False),
        ("a**c", "abc", True),
        ("ab*bc", "abc", False),
        ("a*c", "abcd", False),
        ("abc", "ABC", False),
    ],
)
def test_glob(glob: str, name: str, expected: bool) -> None:
    assert matches(glob, name) is expected


@pytest.mark.parametrize(
    ("namespace", "definition", "expected"),
    [("dev", "echo", True), ("dev", "greet", False), ("team-a", "greet", True), ("production", "echo", False)],
)
def test_one_of_the_pairs_must_match(namespace: str, definition: str, expected: bool) -> None:
    visible = Visible(((("dev",), ("echo",)), (("team-*",), ("*",))))

    assert visible.shows(namespace, definition) is expected


def test_without_pairs_nothing_is_seen() -> None:
    assert not Visible(()).shows("dev", "echo")

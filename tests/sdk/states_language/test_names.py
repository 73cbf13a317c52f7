"""Names and ARNs at AWS.

Covers `workflow_manager.states_language.names`.
"""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_manager import states_language

Parts = tuple[str, str, int, str]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("production", "my-workflow", 0, "start"), "production--my-workflow--0--start"),
        (("dev", "a.b_c", 12, "First_State"), "dev--a.b_c--12--First_State"),
        (("n", "w", 3, "s=1+(2)@'!'"), "n--w--3--s=1+(2)@'!'"),
        (("n", "w", 0, "e" * 71), f"n--w--0--{'e' * 71}"),
    ],
)
def test_a_plain_name_joins_its_parts(parts: Parts, name: str) -> None:
    assert states_language.state_machine_name(*parts) == name


@pytest.mark.parametrize(
    ("parts", "start"),
    [
        (("production", "sfncli-test:master", 0, "start"), "production--sfncli-test-master--0--start-"),
        (("n", "w", 0, "Hello World"), "n--w--0--Hello-World-"),
        (("n", "w", 0, 'a/b\\c<d>{e}[f]?*"#%^|~`$&,;:'), "n--w--0--a-b-c-d--e--f------------------"[:38]),
        (("n", "w", 0, "tab\tnewline\n"), "n--w--0--tab-newline--"),
        (("n", "w", 0, "\x00\x1f\x7f\x9f"), "n--w--0-------"),
        (("n", "w", 0, "größe 📦"), "n--w--0--gr--e---"),
        (("n", "w", 0, "x" * 72), f"n--w--0--{'x' * 44}-"),
        (("n", "a--b", 0, "s"), "n--a--b--0--s-"),
        (("n-", "w", 0, "s"), "n---w--0--s-"),
        (("n", "w", 0, "s-0123456789ab"), "n--w--0--s-0123456789ab-"),
        (("n", "w", 0, "s-0123456789abcdef0123456789"), "n--w--0--s-0123456789abcdef0123456789-"),
    ],
    ids=str,
)
def test_a_name_that_could_stand_for_other_parts_ends_with_a_hash(parts: Parts, start: str) -> None:
    name = states_language.state_machine_name(*parts)

    assert name.startswith(start)
    assert re.search(r"-[0-9a-f]{26}\Z", name)
    assert len(name) <= 80


COLLIDING: list[tuple[Parts, Parts]] = [
    (("a--b", "c", 0, "s"), ("a", "b--c", 0, "s")),
    (("a", "b", 0, "1--s"), ("a", "b--0", 1, "s")),
    (("a-", "b", 0, "s"), ("a", "-b", 0, "s")),
    (("n", "w", 0, "a b"), ("n", "w", 0, "a-b")),
    (("n", "w", 0, "a b"), ("n", "w", 0, "a/b")),
    (("n", "w:x", 0, "s"), ("n", "w-x", 0, "s")),
    (("n", "w", 0, "x" * 80), ("n", "w", 0, "x" * 79 + "y")),
    (("n", "w" * 128, 1, "s"), ("n", "w" * 128, 2, "s")),
    (("n", "w", 0, "ä"), ("n", "w", 0, "ö")),
]


@pytest.mark.parametrize(("one", "other"), COLLIDING, ids=str)
def test_different_parts_get_different_names(one: Parts, other: Parts) -> None:
    assert states_language.state_machine_name(*one) != states_language.state_machine_name(*other)


def test_no_two_combinations_of_dashes_share_a_name() -> None:
    texts = ["a", "-", "--", "a-", "-a", "a--a", "a--0", "0--a"]
    parts = list(itertools.product(texts, texts, [0, 1], texts))

    assert len({states_language.state_machine_name(*each) for each in parts}) == len(parts)


def test_a_state_cannot_be_named_like_the_hashed_name_of_another() -> None:
    hashed = states_language.state_machine_name("n", "w", 0, "a b")
    start_at = hashed.removeprefix("n--w--0--")

    assert states_language.state_machine_name("n", "w", 0, start_at) != hashed


def test_the_hash_of_a_name_has_at_least_100_bits() -> None:
    name = states_language.state_machine_name("n", "w", 0, "a b")
    digest = name.rpartition("-")[2]

    assert len(digest) * 4 >= 100
    assert int(digest, 16)


INSTALLATIONS = ["", "workflow-manager-2", "blue", "green"]


@pytest.mark.parametrize("parts", [("n", "w", 0, "s"), ("n", "w:x", 0, "s"), ("n", "w", 3, "x" * 80)], ids=str)
def test_installations_never_share_a_state_machine(parts: Parts) -> None:
    names = {states_language.state_machine_name(*parts, installation=each) for each in INSTALLATIONS}

    assert len(names) == len(INSTALLATIONS)
    assert all(name.startswith(f"{parts[0]}--w") and len(name) <= 80 for name in names)


def test_an_installation_is_no_part_of_a_definition() -> None:
    one = states_language.state_machine_name("n", "w", 0, "s", installation="a")

    assert one != states_language.state_machine_name("n", "w", 0, "s-a")
    assert re.fullmatch(r"n--w--0--s-[0-9a-f]{26}", one)


@given(st.text(max_size=130), st.text(max_size=130), st.integers(0, 10**6), st.text(max_size=90))
def test_every_name_is_one_that_aws_takes(namespace: str, name: str, version: int, start_at: str) -> None:
    result = states_language.state_machine_name(namespace, name, version, start_at)

    assert re.fullmatch(r"[A-Za-z0-9._!'()+=@-]{1,80}", result)
    assert result == states_language.state_machine_name(namespace, name, version, start_at)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-west-2", "aws"),
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_the_partition_follows_the_region(region: str, partition: str) -> None:
    assert states_language.partition(region) == partition


def test_an_activity_is_named_by_namespace_and_name() -> None:
    arn = states_language.activity_arn("worker", namespace="dev", region="cn-north-1", account_id="123456789012")

    assert arn == "arn:aws-cn:states:cn-north-1:123456789012:activity:dev--worker"


def test_a_machine_that_restores_variables_has_a_name_for_each_set_of_them() -> None:
    sets = [None, [], ["a"], ["b"], ["a", "b"]]
    names = [states_language.state_machine_name("dev", "w", 0, "s", restored=restored) for restored in sets]

    assert len(set(names)) == len(sets)
    assert names[0] == "dev--w--0--s"
    assert all(name.startswith("dev--w--0--s-") for name in names[1:])

"""What every store promises about definitions and state resources.

Covers `app.store.base`.
"""

import asyncio
from datetime import UTC, datetime

import pytest

from app.store import Store
from tests import samples
from workflow_manager import errors, models


async def test_the_first_version_of_a_name_can_be_read_back_equal(store: Store) -> None:
    await store.create_definition(samples.definition("a"))

    assert await store.get_definition("a") == samples.definition("a")
    assert await store.get_definition("a", version=0) == samples.definition("a")


async def test_a_name_is_created_once(store: Store) -> None:
    await store.create_definition(samples.definition("a"))

    with pytest.raises(errors.DefinitionExists):
        await store.create_definition(samples.definition("a"))


async def test_the_latest_version_is_the_one_added_last(store: Store) -> None:
    await store.create_definition(samples.definition("a"))
    await store.add_definition_version(samples.definition("a", version=1))

    assert (await store.get_definition("a")).version == 1
    assert [definition.version for definition in (await store.list_definitions("a")).definitions] == [1, 0]


async def test_a_version_cannot_be_added_to_a_name_that_is_not_there(store: Store) -> None:
    with pytest.raises(errors.DefinitionNotFound):
        await store.add_definition_version(samples.definition("a", version=1))


@pytest.mark.parametrize("version", [0, 2, 5])
async def test_versions_leave_no_gap_and_are_never_replaced(store: Store, version: int) -> None:
    await store.create_definition(samples.definition("a"))

    with pytest.raises(errors.VersionConflict):
        await store.add_definition_version(samples.definition("a", version=version))


async def test_of_many_writers_of_one_version_one_wins(store: Store) -> None:
    await store.create_definition(samples.definition("a"))

    outcomes = await asyncio.gather(
        *(store.add_definition_version(samples.definition("a", version=1)) for _ in range(20)), return_exceptions=True
    )

    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, errors.VersionConflict) for outcome in outcomes) == 19


@pytest.mark.parametrize(("name", "version"), [("b", None), ("b", 0), ("a", 1), ("a", 2**40)])
async def test_what_is_not_there_is_not_found(store: Store, name: str, version: int | None) -> None:
    await store.create_definition(samples.definition("a"))

    with pytest.raises(errors.DefinitionNotFound):
        await store.get_definition(name, version=version)


async def test_versions_of_a_name_that_is_not_there_are_not_found(store: Store) -> None:
    with pytest.raises(errors.DefinitionNotFound):
        await store.list_definitions("a")


async def test_the_list_of_definitions_has_the_latest_of_each_by_name(store: Store) -> None:
    for name in ("b", "a", "c"):
        await store.create_definition(samples.definition(name))
    await store.add_definition_version(samples.definition("b", version=1))

    listed = (await store.list_definitions()).definitions

    assert [(definition.name, definition.version) for definition in listed] == [("a", 0), ("b", 1), ("c", 0)]


def resource(name: str, uri: str = "arn:aws:states:us-west-2:123456789012:activity:x") -> models.StateResource:
    """Return a state resource in the namespace ``dev``."""
    return models.StateResource(
        name=name,
        namespace="dev",
        uri=uri,
        type=models.StateResourceType.ACTIVITY,
        last_updated=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_a_state_resource_is_replaced_by_a_later_one(store: Store) -> None:
    await store.put_state_resource(resource("a"))
    await store.put_state_resource(resource("a", "arn:other"))

    assert (await store.get_state_resource("dev", "a")).uri == "arn:other"


async def test_a_deleted_state_resource_is_gone(store: Store) -> None:
    await store.put_state_resource(resource("a"))
    await store.delete_state_resource("dev", "a")

    with pytest.raises(errors.StateResourceNotFound):
        await store.get_state_resource("dev", "a")
    with pytest.raises(errors.StateResourceNotFound):
        await store.delete_state_resource("dev", "a")


async def test_a_state_resource_belongs_to_its_namespace(store: Store) -> None:
    await store.put_state_resource(resource("a"))

    with pytest.raises(errors.StateResourceNotFound):
        await store.get_state_resource("production", "a")
    assert await store.find_state_resources("production", ["a"]) == {}


async def test_only_registered_names_are_found(store: Store) -> None:
    await store.put_state_resource(resource("a"))

    assert await store.find_state_resources("dev", ["a", "b"]) == {"a": resource("a")}

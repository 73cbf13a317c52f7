"""The verbs ``keys ...`` of the service: on the store itself, so that there can be a first key."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from workflow_manager.cli.admin import keys as options
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.output.console import note

if TYPE_CHECKING:
    from app.access.keys import KeyRing

T = TypeVar("T")


def create_key(
    *,
    role: options.RoleOption,
    name: options.KeyNameOption = None,
    namespace: options.NamespacesOption = None,
    definition: options.DefinitionsOption = None,
    expires_in: options.LifetimeOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Create an API key in the DynamoDB tables, without a running service.

    Prints the key, which is not shown again. Region, endpoint and credentials come from the AWS environment, the
    prefix of the tables from WFM_TABLE_PREFIX.
    """
    new = options.new_key(role=role, name=name, namespaces=namespace, definitions=definition, expires_in=expires_in)
    options.write_issued(_on_store(lambda ring: ring.create(new)), output=output)


def list_keys(*, output: FormatOption = Format.TABLE) -> None:
    """List the API keys in the DynamoDB tables, without their secrets."""
    options.write_keys(_on_store(lambda ring: ring.list()), output=output)


def rotate_key(
    key_id: options.KeyArgument, *, overlap: options.OverlapOption = "24h", output: FormatOption = Format.TABLE
) -> None:
    """Give an API key in the DynamoDB tables another secret.

    The secret before stays valid for the overlap.
    """
    both = options.parse_lifetime(overlap, option="--overlap")
    options.write_issued(_on_store(lambda ring: ring.rotate(key_id, overlap=both)), output=output)


def revoke_key(key_id: options.KeyArgument) -> None:
    """Revoke an API key in the DynamoDB tables: it is refused within ten seconds."""
    _on_store(lambda ring: ring.revoke(key_id))
    note(f"Revoked key {key_id}.")


def _on_store(work: "Callable[[KeyRing], Awaitable[T]]") -> T:
    async def open_and_work() -> T:
        from app.services import open_key_ring
        from app.settings import Settings
        from workflow_manager.logs.setup import configure

        settings = Settings.load()
        configure(settings.log_format, "warning")
        async with open_key_ring(settings) as ring:
            return await work(ring)

    return asyncio.run(open_and_work())

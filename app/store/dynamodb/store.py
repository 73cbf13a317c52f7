"""The store in DynamoDB."""

import asyncio
import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.store import tables
from app.store.base import ActivePage, DefinitionPage, Page, Store, WorkflowChanges, WorkflowQuery
from app.store.documents import Document
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.cache import SharedDefinitions
from app.store.dynamodb.chunks import Parts
from app.store.dynamodb.definitions import DynamoDBDefinitions
from app.store.dynamodb.documents import DynamoDBDocuments
from app.store.dynamodb.entries import DynamoDBEntries
from app.store.dynamodb.listing import Listing
from app.store.dynamodb.reader import Reader
from app.store.dynamodb.recent import Recent
from app.store.dynamodb.state_resources import DynamoDBStateResources
from app.store.dynamodb.writer import Writer
from app.store.entries import Entry
from app.store.unreadable import UnreadableRecords
from workflow_manager import errors
from workflow_manager.models import StateResource, Workflow, WorkflowDefinition

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

WRITE_ID_BYTES: Final = 8


def _new_write_id() -> str:
    return secrets.token_hex(WRITE_ID_BYTES)


class DynamoDBStore(Store):
    """Keeps everything in the four tables of ``tables``; any number of processes may use them at once.

    ``client`` raises the errors of ``workflow_manager.errors``, as the clients of ``workflow_manager.aws`` do. An
    ended workflow is kept for ``retention_days`` after its end.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        table_prefix: str,
        retention_days: int,
        now: Callable[[], datetime],
        unreadable: UnreadableRecords | None = None,
    ) -> None:
        def name(table: tables.Table) -> str:
            return tables.table_name(table_prefix, table)

        self._client, self._table_prefix = client, table_prefix
        calls, retention = Calls(client), timedelta(days=retention_days)
        records = unreadable or UnreadableRecords()
        workflows, coordination = name(tables.WORKFLOWS), name(tables.COORDINATION)
        parts = Parts(calls, table=workflows, retention=retention)
        self._definitions = DynamoDBDefinitions(
            calls,
            table=name(tables.DEFINITIONS),
            cache=SharedDefinitions(),
            new_write_id=_new_write_id,
            unreadable=records,
        )
        self._documents = DynamoDBDocuments(calls, table=coordination, new_write_id=_new_write_id)
        self._entries = DynamoDBEntries(calls, table=coordination, now=now, new_write_id=_new_write_id)
        self._resources = DynamoDBStateResources(calls, table=name(tables.STATE_RESOURCES), unreadable=records)
        self._reader = Reader(
            calls, table=workflows, definitions=self._definitions, parts=parts, now=now, unreadable=records
        )
        self._listing = Listing(
            calls,
            workflows=workflows,
            coordination=coordination,
            reader=self._reader,
            now=now,
            unreadable=records,
        )
        self._writer = Writer(
            calls,
            table=workflows,
            reader=self._reader,
            parts=parts,
            recent=Recent(calls, table=coordination, now=now),
            retention=retention,
            now=now,
            new_write_id=_new_write_id,
        )

    async def check(self) -> None:
        found = await asyncio.gather(*(self._check(table) for table in tables.TABLES), return_exceptions=True)
        for trouble in filter(None, found):
            raise trouble

    async def _check(self, table: tables.Table) -> None:
        name = tables.table_name(self._table_prefix, table)
        nothing = {key: {"S": "-"} for key in (table.hash_key, table.range_key)}
        try:
            await self._client.get_item(TableName=name, Key=nothing)
        except errors.TableNotFound:
            raise errors.StartupError(
                f"The DynamoDB table {name} is missing; make it with: workflow-manager tables create "
                f"--prefix {self._table_prefix}"
            ) from None

    async def create_definition(self, definition: WorkflowDefinition) -> None:
        await self._definitions.create_definition(definition)

    async def add_definition_version(self, definition: WorkflowDefinition) -> None:
        await self._definitions.add_definition_version(definition)

    async def get_definition(self, name: str, *, version: int | None = None) -> WorkflowDefinition:
        return await self._definitions.get_definition(name, version=version)

    async def list_definitions(
        self,
        name: str | None = None,
        *,
        oldest_first: bool = False,
        limit: int | None = None,
        page_token: str | None = None,
        max_bytes: int | None = None,
        summaries: bool = False,
    ) -> DefinitionPage:
        return await self._definitions.list_definitions(
            name,
            oldest_first=oldest_first,
            limit=limit,
            page_token=page_token,
            max_bytes=max_bytes,
            summaries=summaries,
        )

    async def put_state_resource(self, resource: StateResource) -> None:
        await self._resources.put_state_resource(resource)

    async def get_state_resource(self, namespace: str, name: str) -> StateResource:
        return await self._resources.get_state_resource(namespace, name)

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        await self._resources.delete_state_resource(namespace, name)

    async def find_state_resources(self, namespace: str, names: Iterable[str]) -> Mapping[str, StateResource]:
        return await self._resources.find_state_resources(namespace, names)

    async def get_document(self, key: str) -> Document | None:
        return await self._documents.get_document(key)

    async def put_document(
        self, key: str, body: Mapping[str, Any], *, revision: int, raises: str | None = None
    ) -> Document:
        return await self._documents.put_document(key, body, revision=revision, raises=raises)

    async def delete_document(self, key: str, *, revision: int, raises: str | None = None) -> None:
        await self._documents.delete_document(key, revision=revision, raises=raises)

    async def list_documents(self, prefix: str) -> list[Document]:
        return await self._documents.list_documents(prefix)

    async def add_entry(self, scope: str, key: str, body: Mapping[str, Any], *, expires: datetime) -> bool:
        return await self._entries.add_entry(scope, key, body, expires=expires)

    async def get_entry(self, scope: str, key: str) -> Entry | None:
        return await self._entries.get_entry(scope, key)

    async def list_entries(
        self, scope: str, *, limit: int, after: str | None = None, newest_first: bool = False
    ) -> Sequence[Entry]:
        return await self._entries.list_entries(scope, limit=limit, after=after, newest_first=newest_first)

    async def update_entry(
        self, scope: str, key: str, body: Mapping[str, Any], *, revision: int, expires: datetime | None = None
    ) -> Entry:
        return await self._entries.update_entry(scope, key, body, revision=revision, expires=expires)

    async def remove_entry(self, scope: str, key: str) -> None:
        await self._entries.remove_entry(scope, key)

    async def create_workflow(self, workflow: Workflow, *, ancestors: Sequence[Workflow] = ()) -> None:
        await self._writer.create(workflow, ancestors)

    async def get_workflow(self, workflow_id: str) -> Workflow:
        return await self._reader.get(workflow_id)

    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        return await self._writer.update(workflow_id, changes, revision=revision)

    async def discard_workflow(self, workflow_id: str, *, revision: int) -> None:
        await self._writer.discard(workflow_id, revision=revision)

    async def list_workflows(
        self,
        query: WorkflowQuery,
        *,
        limit: int,
        page_token: str | None = None,
        summaries: bool = False,
        inputs: bool = False,
        max_bytes: int | None = None,
    ) -> Page:
        return await self._listing.workflows(
            query, limit=limit, page_token=page_token, summaries=summaries, inputs=inputs, max_bytes=max_bytes
        )

    async def list_active_workflows(
        self, *, limit: int, page_token: str | None = None, known: Container[str] = ()
    ) -> ActivePage:
        return await self._listing.active(limit=limit, page_token=page_token, known=known)

    async def list_deferred_workflows(self, *, limit: int) -> Sequence[Workflow]:
        return await self._listing.deferred(limit=limit)

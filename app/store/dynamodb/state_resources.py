"""State resources in DynamoDB: one small item each."""

from collections.abc import Iterable, Mapping

from app.store.base import StateResourceStore
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import AttributeValue, Item, milliseconds, moment, number, sendable, text
from app.store.unreadable import BROKEN, UnreadableRecords, reason
from workflow_manager import errors
from workflow_manager.models import StateResource, StateResourceType


class DynamoDBStateResources(StateResourceStore):
    """Keeps state resources under their namespace and name."""

    def __init__(self, calls: Calls, *, table: str, unreadable: UnreadableRecords) -> None:
        self._calls = calls
        self._table = table
        self._unreadable = unreadable

    async def put_state_resource(self, resource: StateResource) -> None:
        item = {
            **_key(resource.namespace, resource.name),
            "uri": text(resource.uri),
            "type": text(resource.type),
            "last_updated": number(milliseconds(resource.last_updated)),
        }
        await self._calls.client.put_item(TableName=self._table, Item=item)

    async def get_state_resource(self, namespace: str, name: str) -> StateResource:
        found = await self.find_state_resources(namespace, [name])
        if name not in found:
            raise _no_resource(namespace, name)
        return found[name]

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        if not (sendable(namespace) and sendable(name)):
            raise _no_resource(namespace, name)
        try:
            await self._calls.client.delete_item(
                TableName=self._table,
                Key=_key(namespace, name),
                ConditionExpression="attribute_exists(#name)",
                ExpressionAttributeNames={"#name": "name"},
            )
        except errors.ConditionFailed as missing:
            raise _no_resource(namespace, name) from missing

    async def find_state_resources(self, namespace: str, names: Iterable[str]) -> Mapping[str, StateResource]:
        keys = [_key(namespace, name) for name in {*names} if sendable(namespace) and sendable(name)]
        found = [self._read(item) for item in await self._calls.get_many(self._table, keys)]
        return {resource.name: resource for resource in found}

    def _read(self, item: Item) -> StateResource:
        """Read a resource. An unreadable one must not be taken for an unregistered one."""
        try:
            return _read(item)
        except BROKEN as broken:
            name = f"{item['namespace']['S']}/{item['name']['S']}"
            self._unreadable.note("state resource", name, reason(broken))
            raise errors.RecordUnreadable(
                f"the state resource {name} cannot be read ({reason(broken)}); register it again"
            ) from broken


def _key(namespace: str, name: str) -> Item:
    return {"namespace": text(namespace), "name": text(name)}


def _read(item: Mapping[str, AttributeValue]) -> StateResource:
    return StateResource(
        namespace=item["namespace"]["S"],
        name=item["name"]["S"],
        uri=item["uri"]["S"],
        type=StateResourceType(item["type"]["S"]),
        last_updated=moment(item["last_updated"]["N"]),
    )


def _no_resource(namespace: str, name: str) -> errors.StateResourceNotFound:
    return errors.StateResourceNotFound(f"there is no state resource {name!r} in namespace {namespace!r}")

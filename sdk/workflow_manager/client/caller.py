"""The base of the groups of operations."""

from workflow_manager.client.http import Connection, Sleep


class Caller:
    """Operations that are sent over one connection."""

    _connection: Connection
    _sleep: Sleep

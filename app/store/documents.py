"""Small versioned documents: what replicas agree on, such as who leads and how a queue stands."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object under a key, as one write left it."""

    key: str
    revision: int
    """Counts the writes; the first one makes it 1."""
    body: Mapping[str, Any]
    """Empty when it cannot be read."""
    unreadable: str | None = None
    """Why it cannot be read; it can still be replaced."""


class DocumentStore(ABC):
    """Documents with strongly consistent reads, and writes that are conditional on the revision."""

    @abstractmethod
    async def get_document(self, key: str) -> Document | None:
        """Return a document, or None if it does not exist; an unreadable one says why, and has no body."""

    @abstractmethod
    async def put_document(
        self, key: str, body: Mapping[str, Any], *, revision: int, raises: str | None = None
    ) -> Document:
        """Replace the document at ``revision`` (0: there is none yet), and return it as it is then.

        In the same step the revision of the document ``raises``, which only this method writes, goes up by one.

        Raises ``VersionConflict`` when it is at another revision. ``body`` is a JSON object of at most 300 KB.
        """

    @abstractmethod
    async def delete_document(self, key: str, *, revision: int, raises: str | None = None) -> None:
        """Remove the document at ``revision``; a later one of this key counts from 1 again.

        ``raises`` is as in ``put_document``.

        Raises ``VersionConflict`` when it is at another revision, or not there.
        """

    @abstractmethod
    async def list_documents(self, prefix: str) -> list[Document]:
        """Return all documents whose key begins with ``prefix``, by key."""

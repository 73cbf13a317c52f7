"""Which indexes answer a listing: from its filters to the ranges to read, without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from app.store import tables
from app.store.base import WorkflowQuery
from app.store.dynamodb.items import (
    DEFERRED,
    MILLISECOND,
    SHARDS,
    UNIX_EPOCH,
    AttributeValue,
    active,
    milliseconds,
    position,
    state,
    text,
    timeline,
)
from app.store.paging import Position
from app.store.visibility import EVERYTHING
from workflow_manager.models import WorkflowStatus

ACTIVE: Final = "active"
"""Stands for all shards of the active workflows."""

FIRST: Final = "0"
LAST: Final = ":"
"""Before and after every position: they begin with a digit."""

MAX_GLOBS: Final = 50
"""Globs of what a reader may see that DynamoDB is given; an expression may have 4 KB."""

MAX_MILLISECONDS: Final = 10**13 - 1
"""Thirteen digits last until the year 2286."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of an index, read in order of position."""

    index: tables.Index
    value: str
    sharded: bool = False
    """Whether others have as many of the positions."""


@dataclass(frozen=True, slots=True)
class Range:
    """Which positions a page looks at, both ends included, and where the page before it ended."""

    first: str
    last: str
    oldest_first: bool
    after: str | None

    @classmethod
    def of(cls, query: WorkflowQuery, after: Position | None) -> "Range":
        """Return the range of a query, from where the page before ended."""
        first, last = FIRST, LAST
        if query.created_after is not None:
            first = _bound(milliseconds(query.created_after) + 1)
        if query.created_before is not None:
            last = _bound(-((UNIX_EPOCH - query.created_before) // MILLISECOND))
        if after is None:
            return cls(first=first, last=last, oldest_first=query.oldest_first, after=None)
        end = position(after.created_at, after.workflow_id)
        if query.oldest_first:
            return cls(first=max(first, end), last=last, oldest_first=True, after=end)
        return cls(first=first, last=min(last, end), oldest_first=False, after=end)

    @property
    def empty(self) -> bool:
        """Whether no position is in the range."""
        return self.first > self.last


def _bound(since_epoch: int) -> str:
    return f"{min(max(since_epoch, 0), MAX_MILLISECONDS):013d}"


def partitions(query: WorkflowQuery) -> list[Partition]:
    """Return the partitions that together have every workflow that a query wants."""
    if query.fingerprint is not None:
        return [Partition(tables.BY_FAILURE, query.fingerprint)]
    states = _states(query)
    name = query.definition_name
    if states is None:
        if name is not None:
            return [Partition(tables.BY_DEFINITION, name)]
        return [Partition(tables.BY_TIME, timeline(shard), sharded=True) for shard in range(SHARDS)]
    ended = sorted(states - {ACTIVE})
    found = _active_shards() if ACTIVE in states else []
    if name is not None and ended:
        return [*found, Partition(tables.BY_TROUBLE, name)]
    return [*found, *(Partition(tables.BY_STATE, name) for name in ended)]


def active_partitions() -> list[Partition]:
    """Return the partitions of all workflows that there is still something to ask about."""
    return [*_active_shards(), Partition(tables.BY_STATE, "pending")]


def deferred_partitions() -> list[Partition]:
    """Return the partitions of all workflows whose details are deferred."""
    return [Partition(tables.BY_STATE, DEFERRED)]


def _active_shards() -> list[Partition]:
    return [Partition(tables.BY_STATE, active(shard), sharded=True) for shard in range(SHARDS)]


def _states(query: WorkflowQuery) -> frozenset[str] | None:
    """Return the states whose partitions hold what a query wants; None when some of it is under no state."""
    statuses = query.statuses or tuple(WorkflowStatus)
    flags = [False, True] if query.resolved_by_user is None else [query.resolved_by_user]
    if query.resolved_by is not None:  # only failures need that
        statuses, flags = [WorkflowStatus.FAILED], [True]
    states = {
        state(status, resolved=resolved, pending=pending) if status.terminal else ACTIVE
        for status, resolved, pending in product(statuses, flags, [False, True])
    }
    return None if None in states else frozenset(name for name in states if name is not None)


def filter_expression(query: WorkflowQuery, index: tables.Index) -> dict[str, Any]:
    """Return the parameters with which DynamoDB drops entries of an index before they are sent.

    The filters are a first sieve: what they let through is judged again by the workflow itself. Entries of new
    workflows have the same attributes as those of ``BY_DEFINITION``.
    """
    conditions: list[str] = []
    names: dict[str, str] = {}
    values: dict[str, AttributeValue] = {}

    def equal(path: str, key: str, value: str) -> str:
        values[f":{key}"] = text(value)
        return f"{path} = :{key}"

    wanted = {"definition": query.definition_name, "namespace": query.namespace, "queue": query.queue}
    for name, value in wanted.items():
        if value is not None and name in index.included:
            names[f"#{name}"] = name
            conditions.append(equal(f"#{name}", name, value))
    if ended := _ended_states(query, index):
        names["#state"] = "state"
        conditions.append(_either([equal("#state", f"state{number}", name) for number, name in enumerate(ended)]))
    if query.visible is not None:
        conditions += _visible(query, index, names, values)
    if query.tags:
        names["#many_tags"] = "many_tags"
        conditions.append(f"(attribute_exists(#many_tags){_or_tags(query.tags, names, values)})")
    if not conditions:
        return {}
    filters = {"FilterExpression": " AND ".join(conditions), "ExpressionAttributeNames": names}
    return {**filters, "ExpressionAttributeValues": values} if values else filters


def _ended_states(query: WorkflowQuery, index: tables.Index) -> list[str]:
    """Return the states that the entries of an index must have; none where all of its entries may pass."""
    states = _states(query) or frozenset()
    if index is tables.BY_TROUBLE:
        return sorted(states - {ACTIVE})
    return sorted(states) if index is tables.BY_FAILURE and ACTIVE not in states else []


def _visible(
    query: WorkflowQuery, index: tables.Index, names: dict[str, str], values: dict[str, AttributeValue]
) -> list[str]:
    """Return the condition that lets through what a reader may see; none when it takes too many or too odd globs."""
    pairs = query.visible.pairs if query.visible else ()
    attributes = [("namespace", 0), *([("definition", 1)] if "definition" in index.included else [])]
    limits = [[(name, pair[place]) for name, place in attributes if EVERYTHING not in pair[place]] for pair in pairs]
    if not all(limits):
        return []  # one of the pairs lets everything through
    globs = [(name, glob) for limit in limits for name, each in limit for glob in each]
    if len(globs) > MAX_GLOBS or any("*" in glob[:-1] for _, glob in globs):
        return []
    seen: dict[tuple[str, str], str] = {}
    for name, glob in globs:
        if (name, glob) in seen:
            continue
        key = f":visible{len(seen)}"
        names[f"#{name}"], values[key] = name, text(glob.removesuffix("*"))
        prefix = glob.endswith("*")
        seen[name, glob] = f"begins_with(#{name}, {key})" if prefix else f"#{name} = {key}"
    options = [" AND ".join(_either([seen[name, glob] for glob in each]) for name, each in limit) for limit in limits]
    return [_either(list(dict.fromkeys(options)))] if options else []


def _either(conditions: Sequence[str]) -> str:
    """Join conditions by OR. AWS refuses parentheses around a single one, which has them already."""
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def _or_tags(tags: Mapping[str, str], names: dict[str, str], values: dict[str, AttributeValue]) -> str:
    if "" in tags:
        return ""  # no index has such tags
    names["#tags"] = "tags"
    conditions = []
    for number, (key, value) in enumerate(tags.items()):
        names[f"#tag{number}"] = key
        values[f":tag{number}"] = text(value)
        conditions.append(f"#tags.#tag{number} = :tag{number}")
    return f" OR ({' AND '.join(conditions)})"

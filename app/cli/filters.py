"""The options that narrow a list of workflows, and what they say together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import typer

from app.cli.completion import complete_definition, complete_queue
from app.statuses import WorkflowStatus

DefinitionFilter = Annotated[
    str | None,
    typer.Option(
        "--definition",
        "-d",
        metavar="NAME[:VERSION]",
        help="Runs of this definition, or of one version of it.",
        autocompletion=complete_definition,
    ),
]
StatusFilter = Annotated[list[WorkflowStatus] | None, typer.Option(help="Those with this status; repeatable.")]
NamespaceFilter = Annotated[str | None, typer.Option("--namespace", "-n", metavar="NS", help="Those in it.")]
QueueFilter = Annotated[str | None, typer.Option(help="Those in this queue.", autocompletion=complete_queue)]
TagFilter = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="Those with this tag; repeatable, all must fit.")
]
CreatedAfterFilter = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Those created after it: 2026-01-31T12:00:00Z, or 2d, 3h, 30m ago."),
]
CreatedBeforeFilter = Annotated[str | None, typer.Option(metavar="TIME", help="Those created before it.")]


class Filters(NamedTuple):
    """What was asked for; None and empty let everything through."""

    definition_name: str | None = None
    version: int | None = None
    statuses: Sequence[WorkflowStatus] = ()
    namespace: str | None = None
    queue: str | None = None
    tags: dict[str, str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    resolved: bool | None = None

    @property
    def given(self) -> bool:
        """Whether anything narrows the choice."""
        return self != Filters()

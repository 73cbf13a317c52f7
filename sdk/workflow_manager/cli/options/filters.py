"""The options that filter workflows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import typer

from workflow_manager.cli.options.completion import (
    complete_definition,
    complete_namespace,
    complete_queue,
    complete_status,
    complete_tag,
)
from workflow_manager.statuses import WorkflowProperty, WorkflowStatus

DefinitionFilter = Annotated[
    str | None,
    typer.Option(
        "--definition",
        "-d",
        metavar="NAME[:VERSION]",
        help="Only workflows of this definition, or of one version of it.",
        autocompletion=complete_definition,
    ),
]
StatusFilter = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STATUS",
        help=f"Only workflows with these statuses, comma-separated: {', '.join(WorkflowStatus)}.",
        autocompletion=complete_status,
    ),
]
NamespaceFilter = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NS",
        help="Only workflows in this namespace.",
        autocompletion=complete_namespace,
    ),
]
QueueFilter = Annotated[
    str | None, typer.Option(metavar="QUEUE", help="Only workflows in this queue.", autocompletion=complete_queue)
]
TagFilter = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="Only workflows with this tag; repeat for several.", autocompletion=complete_tag
    ),
]
CreatedAfterFilter = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Only workflows created after this time: 2026-01-31, 2026-01-31T12:00Z, yesterday, 3h."
    ),
]
CreatedBeforeFilter = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only workflows created before this time.")
]

ResolvedByFilter = Annotated[
    str | None, typer.Option(metavar="ID", help="Only workflows resolved by the success of this retry.")
]

FingerprintFilter = Annotated[
    str | None, typer.Option(metavar="FP", help="Only workflows that failed of the fault with this fingerprint.")
]

CountByOption = Annotated[
    WorkflowProperty | None,
    typer.Option(
        metavar="PROPERTY",
        help="Count instead of list, by " + ", ".join(WorkflowProperty) + ": the newest 1,000 matching workflows, or "
        "--limit.",
    ),
]


class Filters(NamedTuple):
    """Filters for workflows; None and empty match everything."""

    definition_name: str | None = None
    version: int | None = None
    statuses: Sequence[WorkflowStatus] = ()
    namespace: str | None = None
    queue: str | None = None
    tags: dict[str, str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    resolved: bool | None = None
    resolved_by: str | None = None
    fingerprint: str | None = None

    @property
    def given(self) -> bool:
        """Whether any filter is set."""
        return self != Filters()

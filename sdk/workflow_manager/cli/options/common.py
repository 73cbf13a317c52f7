"""Output formats, and options that several verbs share."""

from enum import StrEnum
from typing import Annotated

import typer

URL_VARIABLE = "WORKFLOWMANAGER_URL"
NAMESPACE_VARIABLE = "WORKFLOWMANAGER_NAMESPACE"
PROFILE_OPTION_HELP = "Profile in the configuration file; see `config show`."
DEFAULT_URL = "http://localhost:8080"
DEFAULT_NAMESPACE = "dev"


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    WIDE = "wide"
    CSV = "csv"

    @property
    def has_columns(self) -> bool:
        """Whether results are written as rows."""
        return self in {Format.TABLE, Format.WIDE, Format.CSV}


class WorkflowFormat(StrEnum):
    """Output formats of workflows: those of other results, or only ids, one per line."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    WIDE = "wide"
    CSV = "csv"
    ID = "id"


def _complete_namespace(context: typer.Context, incomplete: str) -> list[str]:
    # Profiles, which completion needs, need this module.
    from workflow_manager.cli.options.completion import complete_namespace

    return complete_namespace(context, incomplete)


WorkflowFormatOption = Annotated[
    WorkflowFormat, typer.Option("--output", "-o", help="Output format; id prints only ids.")
]
FormatOption = Annotated[Format, typer.Option("--output", "-o", help="Output format.")]
NamespaceOption = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        envvar=NAMESPACE_VARIABLE,
        metavar="NS",
        help="Namespace to run in.",
        autocompletion=_complete_namespace,
    ),
]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Show each change until the workflow ends.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", min=0, metavar="SECONDS", help="With --follow: stop watching after this long."),
]

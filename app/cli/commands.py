"""The commands of ``workflow-manager``: those that run the service, and every command of ``wfm``."""

from collections.abc import Mapping, Sequence
from typing import Final

from workflow_manager.cli import main as command_line
from workflow_manager.cli.commands import COMMANDS as CLIENT_COMMANDS
from workflow_manager.cli.commands import Family, Verb

COMMANDS: Final[Mapping[str, Verb | Family]] = {
    "serve": Verb("app.cli.serve:serve", "Run the service."),
    "poll": Verb("app.cli.poll:poll", "Keep workflows up to date without serving the API."),
    "demo": Verb(
        "app.cli.demo:demo", "Run one workflow from end to end on an embedded AWS, show it, and stop everything again."
    ),
    "tables": Family(
        "Create and describe the DynamoDB tables.",
        {
            "create": Verb(
                "app.cli.tables:create_tables",
                "Make the DynamoDB tables, or what is missing of them, and wait until they can be used.",
            ),
            "describe": Verb("app.cli.tables:describe_tables", "Show what is there of the DynamoDB tables."),
        },
    ),
    "openapi": Verb("app.cli.openapi:openapi", "Write the OpenAPI description of the service."),
    **CLIENT_COMMANDS,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. Nothing is raised."""
    return command_line.main(arguments, commands=COMMANDS)

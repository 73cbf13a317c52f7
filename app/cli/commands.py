"""The commands of ``workflow-manager``: those that run the service, and every command of ``wfm``."""

from collections.abc import Mapping, Sequence
from typing import Final

from workflow_manager.cli import main as command_line
from workflow_manager.cli.commands import COMMANDS as CLIENT_COMMANDS
from workflow_manager.cli.commands import Family, Verb

COMMANDS: Final[Mapping[str, Verb | Family]] = {
    "serve": Verb("app.cli.serve:serve", "Run the service."),
    "poll": Verb("app.cli.poll:poll", "Run only the poller: keep workflows up to date without serving the API."),
    "demo": Verb("app.cli.demo:demo", "Run one workflow end to end on an embedded AWS, show it, then stop everything."),
    "tables": Family(
        "Create and describe the DynamoDB tables.",
        {
            "create": Verb(
                "app.cli.tables:create_tables",
                "Create the missing DynamoDB tables and indexes, and wait until they are active.",
            ),
            "describe": Verb("app.cli.tables:describe_tables", "Show the state of the DynamoDB tables."),
        },
    ),
    "openapi": Verb("app.cli.openapi:openapi", "Write the OpenAPI description of the service."),
    **CLIENT_COMMANDS,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. Nothing is raised."""
    return command_line.main(arguments, commands=COMMANDS)

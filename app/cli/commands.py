"""The commands of ``workflow-manager``: the commands of the service, and every command of ``wfm``."""

from collections.abc import Mapping, Sequence
from typing import Final

from workflow_manager.cli import main as command_line
from workflow_manager.cli.commands import COMMANDS as CLIENT_COMMANDS
from workflow_manager.cli.commands import CommandGroup, CommandSpec

COMMANDS: Final[Mapping[str, CommandSpec | CommandGroup]] = {
    "serve": CommandSpec("app.cli.serve:serve", "Run the service."),
    "poll": CommandSpec("app.cli.poll:poll", "Run only the poller: keep workflows up to date without serving the API."),
    "demo": CommandSpec(
        "app.cli.demo:demo", "Run one workflow end to end on an embedded AWS, show it, then stop everything."
    ),
    "tables": CommandGroup(
        "Create and describe the DynamoDB tables.",
        {
            "create": CommandSpec(
                "app.cli.tables:create_tables",
                "Create the missing DynamoDB tables and indexes, and wait until they are active.",
            ),
            "describe": CommandSpec("app.cli.tables:describe_tables", "Show the state of the DynamoDB tables."),
        },
    ),
    "openapi": CommandSpec("app.cli.openapi:openapi", "Write the OpenAPI description of the service."),
    **CLIENT_COMMANDS,
    "keys": CommandGroup(
        "Create, list, rotate and revoke API keys, straight in the store.",
        {
            "create": CommandSpec(
                "app.cli.keys:create_key", "Create an API key in the DynamoDB tables, without a running service."
            ),
            "list": CommandSpec(
                "app.cli.keys:list_keys", "List the API keys in the DynamoDB tables, without their secrets."
            ),
            "rotate": CommandSpec("app.cli.keys:rotate_key", "Give an API key in the DynamoDB tables another secret."),
            "revoke": CommandSpec(
                "app.cli.keys:revoke_key", "Revoke an API key in the DynamoDB tables: it is refused within ten seconds."
            ),
        },
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. Never raises."""
    return command_line.main(arguments, commands=COMMANDS)

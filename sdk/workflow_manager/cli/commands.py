"""The tree of commands: a table of names, and groups that load a verb only when it is called."""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from workflow_manager.cli.about import version
from workflow_manager.cli.exit_codes import EXIT_CODES_HELP
from workflow_manager.cli.help import HelpfulCommand, write_examples, write_parameters
from workflow_manager.cli.options.completion import add_completion_options, default_flag_to_false
from workflow_manager.cli.options.profile_options import add_connection_options
from workflow_manager.cli.program import PROGRAM
from workflow_manager.cli.synonyms import Hint, suggestions, translate, translate_member
from workflow_manager.early_signals import EarlySignals, let_through

DEBUG_VARIABLE = "WFM_DEBUG"
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
HELP = "help"
SUMMARY = "Versioned workflows on AWS Step Functions: submit them, watch them, run the service."
SUBMIT = "submit"
"""A command that only the root group has."""


class CommandSpec(NamedTuple):
    """A command: the function behind it as ``module:function``, and its line in the help of its group."""

    target: str
    summary: str
    options_end_early: bool = False
    """Whether everything after the first argument is an argument, even if it looks like an option."""

    command_class: str | None = None
    """A class that parses its arguments differently, as ``module:class``."""

    stops_in_order: bool = False
    """Whether an early stop signal is kept, as ``obj`` of the context, until the command can handle it."""


class CommandGroup(NamedTuple):
    """The commands for one kind of resource."""

    summary: str
    members: Mapping[str, CommandSpec]


COMMANDS: Mapping[str, CommandSpec | CommandGroup] = {
    "local-aws": CommandSpec("workflow_manager.cli.admin.local_aws:local_aws", "Run the embedded AWS on its own."),
    "worker": CommandSpec(
        "workflow_manager.cli.worker.worker:worker",
        "Run a worker: perform activity tasks with a command or with Python functions.",
        stops_in_order=True,
    ),
    "sfncli": CommandSpec(
        "workflow_manager.cli.worker.sfncli:sfncli",
        "Run a command for each task of an activity; takes the arguments of Clever's sfncli.",
        options_end_early=True,
        command_class="workflow_manager.cli.worker.sfncli:GoFlags",
        stops_in_order=True,
    ),
    "definitions": CommandGroup(
        "List, get, put, compare and check workflow definitions.",
        {
            "list": CommandSpec(
                "workflow_manager.cli.definitions.commands:list_definitions",
                "List definitions, or all versions of one.",
            ),
            "get": CommandSpec(
                "workflow_manager.cli.definitions.commands:get_definition", "Show one version of a definition."
            ),
            "put": CommandSpec(
                "workflow_manager.cli.definitions.commands:put_definition",
                "Create a definition, or add a version to it.",
            ),
            "lint": CommandSpec(
                "workflow_manager.cli.definitions.lint:lint",
                "Check definitions and state machines without a service.",
            ),
            "diff": CommandSpec(
                "workflow_manager.cli.definitions.apply:diff", "Show what `definitions apply` would change."
            ),
            "apply": CommandSpec(
                "workflow_manager.cli.definitions.apply:apply",
                "Create or update the definitions in files and folders.",
            ),
        },
    ),
    "submit": CommandSpec("workflow_manager.cli.workflows.submit:submit", "Start a workflow."),
    "workflows": CommandSpec(
        "workflow_manager.cli.workflows.commands:workflows", "List workflows, or show and follow individual ones."
    ),
    "wait": CommandSpec("workflow_manager.cli.workflows.wait:wait", "Wait until workflows end."),
    "cancel": CommandSpec("workflow_manager.cli.bulk.commands:cancel", "Cancel one or more workflows."),
    "resume": CommandSpec(
        "workflow_manager.cli.bulk.commands:resume", "Resume one or more ended workflows from one of their states."
    ),
    "recover": CommandSpec(
        "workflow_manager.cli.bulk.recovery:recover", "Make one or more failed or cancelled workflows continue."
    ),
    "resolve": CommandSpec(
        "workflow_manager.cli.bulk.commands:resolve", "Mark failed workflows as needing no further attention."
    ),
    "refresh": CommandSpec(
        "workflow_manager.cli.bulk.commands:refresh",
        "Read the current state of workflows from Step Functions.",
    ),
    "queues": CommandGroup(
        "List, get, limit, pause and resume queues.",
        {
            "list": CommandSpec("workflow_manager.cli.admin.queues:list_queues", "List the queues that have limits."),
            "get": CommandSpec(
                "workflow_manager.cli.admin.queues:get_queue",
                "Show the limits of a queue and how many of its workflows are running.",
            ),
            "put": CommandSpec("workflow_manager.cli.admin.queues:put_queue", "Set the limits of a queue."),
            "delete": CommandSpec("workflow_manager.cli.admin.queues:delete_queue", "Remove all limits of a queue."),
            "pause": CommandSpec(
                "workflow_manager.cli.admin.queues:pause_queue",
                "Pause a queue: queued workflows wait, running ones continue.",
            ),
            "resume": CommandSpec("workflow_manager.cli.admin.queues:resume_queue", "Resume a paused queue."),
        },
    ),
    "quotas": CommandSpec(
        "workflow_manager.cli.admin.status:quotas", "Show how much of the Step Functions API quotas is left."
    ),
    "health": CommandSpec(
        "workflow_manager.cli.admin.status:health", "Check that the service answers and is doing its work."
    ),
    "resources": CommandGroup(
        "Get, put and delete state resources.",
        {
            "get": CommandSpec(
                "workflow_manager.cli.admin.resources:get_resource",
                "Show the URI that a short resource name expands to.",
            ),
            "put": CommandSpec(
                "workflow_manager.cli.admin.resources:put_resource",
                "Register the URI that a short resource name expands to.",
            ),
            "delete": CommandSpec(
                "workflow_manager.cli.admin.resources:delete_resource",
                "Remove the URI that a short resource name expands to.",
            ),
        },
    ),
    "whoami": CommandSpec(
        "workflow_manager.cli.admin.identity:whoami", "Show who the service takes you for and what you may do."
    ),
    "can": CommandSpec("workflow_manager.cli.admin.identity:can", "Tell whether you may do something."),
    "audit": CommandSpec(
        "workflow_manager.cli.admin.audit:audit", "List what was changed and what was refused, the newest first."
    ),
    "keys": CommandGroup(
        "Create, list, rotate and revoke API keys.",
        {
            "create": CommandSpec("workflow_manager.cli.admin.keys:create_key", "Create an API key."),
            "list": CommandSpec(
                "workflow_manager.cli.admin.keys:list_keys", "List the API keys, without their secrets."
            ),
            "rotate": CommandSpec("workflow_manager.cli.admin.keys:rotate_key", "Give an API key another secret."),
            "revoke": CommandSpec(
                "workflow_manager.cli.admin.keys:revoke_key", "Revoke an API key: it is refused within ten seconds."
            ),
        },
    ),
    "config": CommandGroup(
        "Show the configuration of the command line.",
        {
            "show": CommandSpec(
                "workflow_manager.cli.admin.config:show", "Show the effective settings and where each comes from."
            )
        },
    ),
    "help": CommandSpec("workflow_manager.cli.about:show_help", "Show the help of a command."),
    "version": CommandSpec("workflow_manager.cli.about:version", "Show the version of this program."),
}

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Workflows": ("submit", "workflows", "wait", "cancel", "resume", "recover", "resolve", "refresh"),
    "Definitions": ("definitions", "resources"),
    "Operations": ("serve", "poll", "worker", "sfncli", "local-aws", "demo", "tables", "queues", "quotas", "health"),
    "Access": ("whoami", "can", "audit", "keys"),
    "This program": ("config", "openapi", "help", "version"),
}
"""The sections of the root help."""


class LazyCommand(TyperCommand):
    """Stands for a command that is not loaded yet."""

    def __init__(self, name: str, entry: CommandSpec | CommandGroup) -> None:
        super().__init__(name, help=entry.summary, short_help=entry.summary)
        self.entry = entry


class LazyGroup(TyperGroup):
    """A group that loads a command only to run it or to complete its arguments.

    Called without a command it shows its help, as `gh` and `kubectl` do.
    """

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option with the default False."""
        option = super().get_help_option(ctx)
        if option is not None:
            default_flag_to_false(option)
        return option

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help if there are no arguments."""
        return super().parse_args(ctx, args or ["--help"] if not ctx.resilient_parsing else args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, in sections, and then the options."""
        for title, names in self._sections():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].help or "") for name in names])
        write_parameters(self.get_params(ctx), formatter)
        write_examples(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the arguments name, also by a synonym, and load it."""
        try:
            args = self._translated(ctx, args)
        except Hint:
            if not ctx.resilient_parsing:
                raise
        if args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            group_name = None if ctx.parent is None else self.name
            similar = ", ".join(map(repr, suggestions(args[0], commands=self.commands, group_name=group_name)))
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {similar}?" if similar else ""))
        name, command, rest = super().resolve_command(ctx, args)
        if not isinstance(command, LazyCommand):
            return name, command, rest
        if isinstance(command.entry, CommandSpec) and command.entry.stops_in_order:
            ctx.obj = EarlySignals()
            ctx.obj.remember()
        let_through()
        return name, load(command.name or "", command.entry), rest

    def _translated(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.parent is None:
            return translate(args, commands=self.commands)
        if args[0] == HELP and HELP not in self.commands:
            return [*args[1:2], "--help"] if args[1:] else self._help_of_all(ctx)
        return translate_member(args, group_name=self.name or "", commands=self.commands)

    def _help_of_all(self, ctx: Any) -> list[str]:
        typer.echo(ctx.get_help())
        raise typer.Exit

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        """Yield titles with names of commands; commands without a section come last."""
        left = dict.fromkeys(self.commands)
        for title, names in SECTIONS.items() if SUBMIT in left else ():
            yield title, [name for name in names if name in left]
            left = dict.fromkeys(name for name in left if name not in names)
        if left:
            yield "Commands", list(left)


def load(name: str, entry: CommandSpec | CommandGroup) -> Any:
    """Import a command and return it ready to run."""
    if isinstance(entry, CommandGroup):
        return _group(_holder(name, callback=lambda: None, summary=entry.summary), entry.members)
    settings = {**HELP_OPTIONS, "allow_interspersed_args": not entry.options_end_early}
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=settings)
    command_class = _imported(entry.command_class) if entry.command_class else HelpfulCommand
    holder.command(name, cls=command_class, context_settings=settings)(_imported(entry.target))
    command: Any = get_command(holder)
    add_connection_options(command)
    return command


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def build(commands: Mapping[str, CommandSpec | CommandGroup] = COMMANDS) -> Any:
    """Return the root group, with nothing loaded yet."""
    root = _group(
        _holder(PROGRAM, callback=_root, summary=SUMMARY, epilog=EXIT_CODES_HELP, add_completion=True), commands
    )
    add_completion_options(root)
    return root


def _holder(
    name: str,
    *,
    callback: Callable[..., None],
    summary: str | None = None,
    epilog: str | None = None,
    add_completion: bool = False,
) -> typer.Typer:
    holder = typer.Typer(
        cls=LazyGroup,
        name=name,
        add_completion=add_completion,
        rich_markup_mode=None,
        context_settings=HELP_OPTIONS,
        epilog=epilog,
        help=summary,
    )
    holder.callback()(callback)
    return holder


def _group(holder: typer.Typer, table: Mapping[str, CommandSpec | CommandGroup]) -> Any:
    group: Any = get_command(holder)
    group.commands = {name: LazyCommand(name, entry) for name, entry in table.items()}
    return group


def _version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


def _debug(wanted: bool) -> None:
    if wanted:
        os.environ[DEBUG_VARIABLE] = "1"


def _root(
    debug: Annotated[
        bool,
        typer.Option("--debug", callback=_debug, is_eager=True, help=f"Show tracebacks, like {DEBUG_VARIABLE}=1."),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Declare the options of the root group."""

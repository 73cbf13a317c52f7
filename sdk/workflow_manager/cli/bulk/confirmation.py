"""Asking a person before something is done to many workflows."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

import typer

from workflow_manager import errors, models
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import definition_label
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.words import counted

MOST_GROUPS: Final = 10


def confirmed(verb: str, done_word: str, workflows: Sequence[models.Workflow], service: Service) -> bool:
    """Show what it would be about, and ask. Raises ``InvalidRequest`` where nobody can be asked."""
    number = counted(len(workflows), "workflow")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise errors.InvalidRequest(
            f"{number} would be {done_word}; without a terminal to confirm on, add --yes (or --dry-run)."
        )
    note(f"At {service}:")
    for line in _groups(workflows):
        note(line)
    return typer.confirm(f"{verb.capitalize()} {number}?", err=True)


def _groups(workflows: Sequence[models.Workflow]) -> list[str]:
    """Count the workflows by namespace and definition, those with the most first."""
    counts = Counter((each.namespace, definition_label(each.workflow_definition)) for each in workflows)
    groups = counts.most_common()
    shown = [f"{count:>6}  {namespace}  {definition}" for (namespace, definition), count in groups[:MOST_GROUPS]]
    more = len(groups) - len(shown)
    return [*shown, f"        and {counted(more, 'more definition')}"] if more else shown

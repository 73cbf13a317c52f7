"""The file that tells one process to serve several activities, each with a command of its own."""

import shlex
from pathlib import Path
from typing import Annotated

import pydantic

from workflow_manager import errors
from workflow_manager.states_language.source.source import load
from workflow_manager.worker.config import CommandSettings, InputMode, qualified_name
from workflow_manager.worker.host.command_host import CommandActivity

ACTIVITY_VARIABLE = "_ACTIVITY_NAME"
"""Variable that tells a command which activity its task is of, by the short name."""


def _words(value: object) -> object:
    return shlex.split(value) if isinstance(value, str) else value


class _Entry(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    command: Annotated[tuple[str, ...], pydantic.BeforeValidator(_words), pydantic.Field(min_length=1)]
    concurrency: int = pydantic.Field(default=1, ge=1)
    input_mode: InputMode = InputMode.ARGUMENT
    work_dir: Path | None = None


class _Document(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    activities: dict[str, _Entry] = pydantic.Field(min_length=1)


def read_activities(path: Path, *, namespace: str) -> list[CommandActivity]:
    """Read the activities of a YAML file; raises ``SettingsError`` with one line that says what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise errors.SettingsError(f"{path} cannot be read: {unreadable}") from None
    source = load(text, format="yaml")
    if source.findings:
        raise errors.SettingsError("; ".join(f"{path}:{source.line(f.pointer)}: {f.message}" for f in source.findings))
    try:
        document = _Document.model_validate(source.machine)
    except pydantic.ValidationError as invalid:
        raise errors.SettingsError(f"{path}: {_one_line(invalid)}") from None
    return [
        activity_of(
            name,
            CommandSettings(
                command=entry.command[0],
                args=entry.command[1:],
                work_dir=entry.work_dir,
                input_mode=entry.input_mode,
            ),
            namespace=namespace,
            concurrency=entry.concurrency,
        )
        for name, entry in document.activities.items()
    ]


def activity_of(name: str, command: CommandSettings, *, namespace: str, concurrency: int) -> CommandActivity:
    """Make an activity of a namespace from its short name."""
    return CommandActivity(
        name=qualified_name(namespace, name),
        command=command,
        concurrency=concurrency,
        environ={ACTIVITY_VARIABLE: name},
        warn_when_missing=True,
    )


def _one_line(invalid: pydantic.ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, found['loc'])) or 'file'}: {found['msg']}" for found in invalid.errors())

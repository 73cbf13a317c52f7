"""What a worker says at its start of commands that are not there.

Covers `workflow_manager.worker.commands.start_errors`.
"""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import eventually
from tests.sdk.worker.processes import write_script
from workflow_manager.aws import AWSSettings
from workflow_manager.worker.commands.start_errors import warn_unless_found
from workflow_manager.worker.config import CommandSettings
from workflow_manager.worker.host.activity_file import activity_of, read_activities
from workflow_manager.worker.host.command_host import CommandActivity, Host, run_commands


@pytest.mark.parametrize(
    ("command", "search_path", "told"),
    [
        ("{here}/resize", None, False),
        ("resize", "/nowhere:{here}", False),
        ("resize", "/nowhere", True),
        ("{here}/other", None, True),
        ("{here}/plain.txt", None, True),
        ("{here}", None, True),
    ],
)
def test_a_command_that_is_not_there_or_not_executable_is_told(
    tmp_path: Path, command: str, search_path: str | None, told: bool
) -> None:
    write_script(tmp_path / "resize", "true")
    (tmp_path / "plain.txt").touch(mode=0o644)
    with capture_logs() as logs:
        warn_unless_found(
            command.format(here=tmp_path), activity="dev--a", search_path=(search_path or "").format(here=tmp_path)
        )
    assert [(line["action"], line["log_level"]) for line in logs] == [("command-missing", "warning")] * told


async def test_the_worker_tells_of_its_commands_at_the_start_and_sfncli_leaves_it_to_the_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (tmp_path / "w.yaml").write_text("activities: {in-file: {command: no-such x}, there: {command: sh -c true}}")
    missing = CommandSettings(command="no-such")
    activities = [
        activity_of("in-line", missing, namespace="dev", concurrency=1),
        *read_activities(tmp_path / "w.yaml", namespace="dev"),
        CommandActivity(name="dev--like-sfncli", command=missing),
    ]
    with capture_logs() as logs:
        running = asyncio.create_task(run_commands(activities, Host(), AWSSettings.from_environment()))
        await eventually(lambda: running.done() or "register-retried" in [line["action"] for line in logs], "a start")
        running.cancel()
        await asyncio.wait({running})
    told = [line["activity"] for line in logs if line["action"] == "command-missing"]
    assert told == ["dev--in-line", "dev--in-file"]

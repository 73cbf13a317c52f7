"""What a worker is told.

Covers `workflow_manager.worker.config` and `workflow_manager.worker.env_expansion`.
"""

from pathlib import Path

import pytest

from tests.sdk.worker.conftest import StartWorker
from workflow_manager import errors, worker
from workflow_manager.worker.config import (
    SECRET_VARIABLES,
    CommandSettings,
    WorkerSettings,
    command_environment,
    qualified_name,
    tags_from_environment,
)
from workflow_manager.worker.env_expansion import expand


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$ENV--app", "dev--app"),
        ("${ENV}--${APP}", "dev--images"),
        ("$ENVIRONMENT", ""),
        ("${ENV}IRONMENT", "devIRONMENT"),
        ("$ENV_", ""),
        ("a$", "a$"),
        ("a$/b", "a$/b"),
        ("$1st", "st"),
        ("${}", ""),
        ("${ENV", "${ENV"),
        ("$$ENV", "ENV"),
        ("$NESTED", "$ENV"),
    ],
)
def test_variables_are_expanded_as_a_go_program_does(text: str, expanded: str) -> None:
    assert expand(text, {"ENV": "dev", "APP": "images", "NESTED": "$ENV"}) == expanded


def test_tags_come_from_the_variables_that_are_set() -> None:
    environ = {
        "_DEPLOY_ENV": "dev",
        "_APP_NAME": "images",
        "_POD_ID": "p1",
        "_POD_SHORTNAME": "p",
        "_POD_REGION": "us-west-2",
        "_POD_ACCOUNT": "123456789012",
        "_TEAM_OWNER": "media",
        "OTHER": "x",
    }
    assert tags_from_environment(environ) == {
        "environment": "dev",
        "application": "images",
        "pod": "p1",
        "pod-shortname": "p",
        "pod-region": "us-west-2",
        "pod-account": "123456789012",
        "team": "media",
    }
    assert tags_from_environment({"_APP_NAME": "images", "_POD_ID": ""}) == {"application": "images"}


def test_the_activity_of_a_namespace_is_named_as_in_shorthand_resources() -> None:
    assert qualified_name("dev", "resize") == "dev--resize"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activity_name": ""}, "the activity name must have 1 to 80 characters, not 0"),
        ({"activity_name": "x" * 81}, "the activity name must have 1 to 80 characters, not 81"),
        ({"worker_name": ""}, "the worker name is empty; is a variable not set?"),
        ({"concurrency": 0}, "concurrency must be at least 1, not 0"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(errors.SettingsError) as refused:
        WorkerSettings(**{"activity_name": "a", "worker_name": "w", **wrong})  # type: ignore[arg-type]  # on purpose
    assert message in refused.value.message


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(errors.SettingsError, match="the command is empty"):
        CommandSettings(command="")


async def test_a_work_directory_that_cannot_be_used_stops_the_start(start_worker: StartWorker, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    running = await start_worker("true", work_dir=tmp_path / "file")
    with pytest.raises(errors.SettingsError, match=r"the work directory .*/file cannot be used: File exists"):
        await running.task
    assert running.aws.calls == []


def test_everything_that_is_offered_exists() -> None:
    assert [name for name in worker.__all__ if not hasattr(worker, name)] == []


def test_commands_get_no_secret_of_the_worker() -> None:
    environ = {
        "PATH": "/bin",
        "WORKFLOWMANAGER_TOKEN": "secret",
        "MY_TOKEN": "secret",
        "WORKFLOWMANAGER_URL": "https://me:secret@wfm.example:8443/base",
    }

    assert command_environment(environ, without={*SECRET_VARIABLES, "MY_TOKEN"}) == {
        "PATH": "/bin",
        "WORKFLOWMANAGER_URL": "https://wfm.example:8443/base",
    }

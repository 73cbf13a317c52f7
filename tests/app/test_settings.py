"""What the service is put together from: where it may keep things, and what it says of itself.

Covers `app.settings` and `app.services`.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest

from app import __version__
from app.services import open_services
from app.settings import Settings
from workflow_manager import errors

ON_AWS = {"AWS_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody"}
ROLE = "arn:aws:iam::123456789012:role/workflow-manager"
EMBEDDED = "http://127.0.0.1:1"

Line = MutableMapping[str, Any]


@pytest.fixture(autouse=True)
def on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that means AWS itself; nothing there is called."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SFN", "WFM_STORE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ON_AWS.items():
        monkeypatch.setenv(name, value)


async def start(**settings: Any) -> None:
    """Open everything, and close it again."""
    fixed = {"account_id": "123456789012", "sfn_role_arn": ROLE, "poller_enabled": False}
    async with open_services(Settings.load(**{**fixed, **settings}), on_fatal=lambda: None):
        pass


def actions(lines: Sequence[Line]) -> list[str]:
    return [line["action"] for line in lines]


async def test_on_aws_the_store_must_be_named() -> None:
    """What is kept in memory by mistake is noticed at the first restart, when it is too late."""
    with pytest.raises(errors.SettingsError, match="WFM_STORE is not set"):
        await start()


async def test_memory_on_aws_is_for_who_says_so_and_is_warned_of(log_lines: list[Line]) -> None:
    await start(store="memory")
    assert "memory-store" in actions(log_lines)


async def test_the_embedded_aws_forgets_too_so_memory_needs_no_word(
    monkeypatch: pytest.MonkeyPatch, log_lines: list[Line]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", EMBEDDED)
    await start()
    assert actions(log_lines) == ["service-start"]


@pytest.mark.parametrize(
    ("settings", "preset"), [({}, "large"), ({"aws_region": "eu-north-1"}, "other"), ({"quota_preset": "none"}, "none")]
)
async def test_the_first_line_says_what_the_service_runs_on(
    log_lines: list[Line], settings: dict[str, Any], preset: str
) -> None:
    await start(store="memory", **settings)
    said = log_lines[0]
    assert said["action"] == "service-start"
    assert said["version"] == __version__
    assert (said["store"], said["tables"], said["poller"]) == ("memory", None, False)
    assert (said["account"], said["region"]) == ("123456789012", settings.get("aws_region", "us-west-2"))
    assert (said["quota_preset"], said["quota_share"]) == (preset, 1.0)


async def test_the_tables_are_named_by_their_prefix(monkeypatch: pytest.MonkeyPatch, log_lines: list[Line]) -> None:
    """They are named also when they cannot be read."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", EMBEDDED)
    await start(store="dynamodb", table_prefix="elsewhere")
    assert (log_lines[0]["store"], log_lines[0]["tables"]) == ("dynamodb", "elsewhere")


def test_roles_of_namespaces_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFM_SFN_ROLES", f'{{"dev": "{ROLE}", "team-*": "{ROLE}"}}')

    assert Settings.load().sfn_roles == {"dev": ROLE, "team-*": ROLE}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("dev=arn", "not valid JSON"),
        ("{}", "at least 1 item"),
        (f'{{"dev": "{ROLE}", "dev": "{ROLE}"}}', "dev"),
        ('{"dev": "workflow-manager"}', "match pattern"),
        (f'{{"d v": "{ROLE}"}}', "match pattern"),
        (f'["{ROLE}"]', "dictionary"),
    ],
)
def test_wrong_roles_of_namespaces_stop_the_start_with_one_line(
    value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WFM_SFN_ROLES", value)

    with pytest.raises(errors.SettingsError, match=r"WFM_SFN_ROLES.*") as stopped:
        Settings.load()

    assert problem in stopped.value.message
    assert "\n" not in stopped.value.message


async def test_with_roles_of_namespaces_none_for_all_is_needed() -> None:
    await start(store="memory", sfn_role_arn=None, sfn_roles={"dev": ROLE})

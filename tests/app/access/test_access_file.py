"""The access file is read strictly, and its mistakes are told in one line.

Covers `app.access.access_file`.
"""

from pathlib import Path

import pytest

from app.access.access_file import AccessFile, read_access_file
from app.access.principal import Role
from workflow_manager import errors

GITHUB = """
[anonymous]
bindings = [{role = "submit", namespaces = ["dev"]}]

[[issuers]]
alias = "github"
issuer = "https://token.actions.githubusercontent.com"
audience = "workflow-manager"

[[issuers.rules]]
claims = {repository_id = "123456", ref = ["refs/heads/main", "refs/tags/*"]}
bindings = [{role = "author", definitions = ["team-*"]}]
"""


def _read(folder: Path, text: str, name: str = "access.toml") -> AccessFile:
    path = folder / name
    path.write_text(text)
    return read_access_file(path)


def test_without_a_file_nothing_is_granted() -> None:
    assert read_access_file(None) == AccessFile()


def test_a_file_in_toml_is_read(tmp_path: Path) -> None:
    found = _read(tmp_path, GITHUB)

    assert found.anonymous.bindings[0].role is Role.SUBMIT
    assert found.issuers[0].rules[0].claims == {"repository_id": ("123456",), "ref": ("refs/heads/main", "refs/tags/*")}


def test_a_file_in_json_is_read(tmp_path: Path) -> None:
    found = _read(tmp_path, '{"anonymous": {"bindings": [{"role": "read"}]}}', "access.json")

    assert found.anonymous.bindings[0].namespaces == ("*",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "WFM_ACCESS_FILE"),
        ("[anonymus]", "anonymus"),
        ('[anonymous]\nbindings = [{role = "root"}]', "role"),
        ('[anonymous]\nbindings = [{role = "admin", namespaces = ["dev"]}]', "all namespaces"),
        (GITHUB.replace("https:", "http:"), "issuer"),
        (GITHUB.replace('repository_id = "123456", ref', "aud"), "every user of the provider"),
        (GITHUB.replace('repository_id = "123456", ref', "email"), "another person"),
        (GITHUB.replace('"123456", ref = ["refs/heads/main", "refs/tags/*"]', '"*"'), "every user of the provider"),
        (GITHUB.replace('bindings = [{role = "author", definitions = ["team-*"]}]', ""), "bindings"),
        (GITHUB + GITHUB.partition("\n\n")[2], "two issuers"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(errors.SettingsError) as raised:
        _read(tmp_path, text)
    assert told in raised.value.message
    assert "\n" not in raised.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"nothing\.toml cannot be read"):
        read_access_file(tmp_path / "nothing.toml")

"""Recovering one workflow or many.

Covers `workflow_manager.cli.bulk.recovery`.
"""

from pathlib import Path
from typing import Any

from tests.sdk.cli.bulk.many_workflows import FAST, OF_X, changes, listed
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import workflow_json


def answer(mode: str, status: str, workflow_id: str = "a", **preview: Any) -> dict[str, Any]:
    """Return an answer of the service."""
    said = {"runsAgain": ["echo"], "kept": [], "version": 0, "warnings": []} | preview
    return {"mode": mode, "why": "because", "workflow": workflow_json(status, id=workflow_id), "preview": said}


def test_what_failed_goes_on(wfm: Run, service: FakeService) -> None:
    service.on("POST /workflows/a/recover", answer("redrive", "running"))
    service.on("POST /workflows/b/recover", answer("resume", "queued", "c"))
    outcome = wfm("recover", "a", "b", "--reason", "disk", *FAST)
    assert outcome.code == 0
    assert sorted(outcome.out.splitlines()) == ["a  done     redriven", "b  done     resumed as c"]
    assert outcome.err == "2 of 2 workflows recovered.\n"
    assert service.asked[-1].body == {"reason": "disk"}


def test_a_preview_says_what_runs_again(wfm: Run, service: FakeService) -> None:
    listed(service, "a", status="failed")
    service.on("POST /workflows/a/recover", answer("redrive", "failed", kept=["first"], warnings=["late"]))
    outcome = wfm("recover", *OF_X, "--preview", *FAST)
    assert outcome.out == ("a  done     would redrive: because; runs again: echo; kept: first; warning: late\n")
    assert service.asked[-1].body == {"dryRun": True}


def test_input_and_version_can_change(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    patch = tmp_path / "patch.json"
    patch.write_text('{"a": null}')
    service.on("POST /workflows/a/recover", answer("resume", "queued", "c"))
    wfm("recover", "a", "--patch", f"@{patch}", "--version", "-1", "--start-at", "echo", "--mode", "resume", *FAST)
    assert service.asked[-1].body == {"inputPatch": {"a": None}, "version": -1, "startAt": "echo", "mode": "resume"}


def test_a_preview_records_nothing(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    outcome = wfm("recover", "a", "--preview", "--journal", str(tmp_path / "journal"))
    assert outcome.code == 2
    assert changes(service) == []

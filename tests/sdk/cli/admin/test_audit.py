"""The audit, and the reason of what people do.

Covers `workflow_manager.cli.admin.audit` and `workflow_manager.cli.bulk.commands`.
"""

import json

from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.operations import AUDIT_JSON


def test_the_audit_is_listed(wfm: Run, service: FakeService) -> None:
    folded = AUDIT_JSON | {"operation": "getWorkflows", "outcome": "refused", "count": 10, "reason": "two\nlines"}
    service.on("GET /audit", [AUDIT_JSON, {key: folded[key] for key in folded if key not in {"actor", "object"}}])

    shown = wfm("audit", "--namespace", "dev", "--after", "2026-01-30T00:00:00Z", "--limit", "5")

    assert (
        shown.out.splitlines()[1].split()[-6:]
        == ["key/k1", "CancelWorkflow", "workflow/w", "dev", "done", "-", "-"][-6:]
    )
    assert "refused 10+" in shown.out
    assert service.asked[0].line == "GET /audit?namespace=dev&after=2026-01-30T00%3A00%3A00.000Z&limit=5"


def test_the_audit_is_written_as_json(wfm: Run, service: FakeService) -> None:
    service.on("GET /audit", [AUDIT_JSON])

    [entry] = json.loads(wfm("audit", "--object", "workflow/w", "-o", "json").out)

    assert entry["keyId"] == "k1"


def test_a_failure_is_resolved_with_a_reason(wfm: Run, service: FakeService) -> None:
    service.on("POST /workflows/a/resolved", None, status=201)

    wfm("resolve", "a", "--reason", "known bug")
    wfm("resolve", "a")

    bodies = [asked.body for asked in service.asked if asked.line.startswith("POST")]
    assert bodies == [{"reason": "known bug"}, None]

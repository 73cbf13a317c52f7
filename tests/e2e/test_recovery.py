"""Failed work that goes on, through a running service, a real worker and the embedded AWS.

Covers `app.executor.recovery.recoverer`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Service

Worker = Callable[[str, str], None]

PARALLEL: dict[str, Any] = {
    "StartAt": "prepare",
    "States": {
        "prepare": {"Type": "Pass", "Next": "both"},
        "both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "quick", "States": {"quick": {"Type": "Pass", "End": True}}},
                {"StartAt": "work", "States": {"work": {"Type": "Task", "Resource": "mended", "End": True}}},
            ],
            "End": True,
        },
    },
}


def recover(service: Service, workflow_id: str, **request: Any) -> dict[str, Any]:
    """Recover a workflow."""
    answer = service.api.post(f"/workflows/{workflow_id}/recover", json=request)
    assert answer.status_code == 200, answer.text
    recovery: dict[str, Any] = answer.json()
    return recovery


def test_a_run_goes_on_where_it_failed_once_its_worker_is_mended(
    service: Service, worker: Worker, tmp_path: Path
) -> None:
    """The failed branch has a second attempt, the other one keeps its output; the patched one is a new run."""
    mended = tmp_path / "mended"
    worker("mended", f'[ -e {mended} ] || {{ echo "disk full" >&2; exit 7; }}; echo "$1"')
    service.define("recovered", PARALLEL)
    first, second = (service.ended(service.start("recovered", f'{{"n":{number}}}')) for number in (1, 2))
    assert (first["status"], second["status"]) == ("failed", "failed")

    preview = recover(service, first["id"], dryRun=True)["preview"]
    mended.touch()
    redriven = recover(service, first["id"])
    resumed = recover(service, second["id"], inputPatch={"n": 3})

    assert (preview["runsAgain"], preview["kept"]) == (["both", "work (branch 1)"], ["prepare", "quick (branch 0)"])
    ended = service.ended(first["id"])
    assert (redriven["mode"], ended["status"], ended["redrives"]) == ("redrive", "succeeded", 1)
    attempts = {job["state"]: len(job["attempts"]) for job in ended["jobs"]}
    assert attempts == {"prepare": 0, "both": 1, "quick": 0, "work": 1}
    patched = service.ended(resumed["workflow"]["id"])
    assert (resumed["mode"], patched["status"], patched["retryFor"]) == ("resume", "succeeded", second["id"])
    assert '"n":3' in patched["output"]
    assert service.workflow(second["id"])["resolvedBy"] == patched["id"]

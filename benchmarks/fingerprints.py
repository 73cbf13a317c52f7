"""What a fingerprint costs, as ratios: to reading the cause as people do, and hostile texts to an ordinary one.

Run it with ``python -m benchmarks.fingerprints``.
"""

from collections.abc import Callable
from timeit import repeat
from typing import Final

from app.executor.history.reasons import failure_reason
from app.failures import fingerprint
from app.failures.normalization import MAX_READ_CHARACTERS, normalized
from workflow_manager.models import Job, JobStatus, now

ROUNDS: Final = 200
TRACEBACK: Final = "Traceback (most recent call last):\n  File \"/app/main.py\", line 7, in <module>\nKeyError: 'total'"
LINE: Final = "connect to 10.0.3.17:5432 for order 7f1c0c1e-1111-2222-3333-444455556666 timed out after 3.2 s; "
HOSTILE: Final = {
    "one letter": "x",
    "digits": "1",
    "numbers": "1 ",
    "hexadecimal": "0a",
    "colons": "1:",
    "at signs": "a@",
    "words for codes": "exit status code ",
    "urls": "http://",
    "slashes": "/a/b",
}


def seconds(act: Callable[[], object]) -> float:
    """Return the shortest time of a few rounds."""
    return min(repeat(act, number=ROUNDS, repeat=5))


def main() -> None:
    """Print the ratios."""
    culprit = Job(
        id="1", state="Work", type="Task", status=JobStatus.FAILED, created_at=now(), error="E.E", cause=TRACEBACK
    )
    read = seconds(lambda: failure_reason("E.E", TRACEBACK))
    made = seconds(lambda: fingerprint.of_run("d", culprit=culprit, jobs=[culprit], error=None, reason=None))
    print(f"a fingerprint of a traceback: {made / read:.1f} times the sentence that people read")
    ordinary = seconds(lambda: normalized(LINE * 10))
    for name, text in HOSTILE.items():
        hostile = seconds(lambda text=text: normalized(text * MAX_READ_CHARACTERS))  # type: ignore[misc]
        print(f"{MAX_READ_CHARACTERS:,} characters of {name}: {hostile / ordinary:.1f} times an ordinary message")


if __name__ == "__main__":
    main()

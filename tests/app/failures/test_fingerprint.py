"""Equal faults have equal fingerprints, and others do not.

Covers `app.failures.fingerprint` and `app.failures.normalization`.
"""

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from app.failures import fingerprint, normalization
from app.failures.fingerprint import Fault
from app.failures.normalization import normalized
from tests import samples
from workflow_manager.models import Job, JobStatus

# Only the parser of patterns tells what they are made of.
_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")


def job(job_id: str = "1", state: str = "Work", **fields: Any) -> Job:
    """Return a job that failed."""
    values: dict[str, Any] = {"type": "Task", "status": JobStatus.FAILED, "created_at": samples.EPOCH} | fields
    return Job(id=job_id, state=state, **values)


def failure(error: str | None, cause: str | None, *, definition: str = "d", state: str = "Work") -> Fault:
    culprit = job(state=state, error=error, cause=cause)
    return fingerprint.of_run(definition, culprit=culprit, jobs=[culprit], error=error, reason=None)


def python(message: str, *, line: int = 7) -> str:
    return (
        f'2026-03-01 10:0{line}:00 loading\nTraceback (most recent call last):\n  File "/app/main.py", line {line}, '
        f"in <module>\n    main({line})\n{message}"
    )


def java(message: str, *, line: int = 12) -> str:
    return (
        f'Exception in thread "worker-{line}" java.lang.IllegalStateException: batch {line} failed\n'
        f"\tat com.example.Load.run(Load.java:{line})\nCaused by: {message}\n\tat com.example.Disk.write(Disk.java:3)"
    )


def node(message: str, *, line: int = 3) -> str:
    return f"/app/index.js:{line}\n  throw e\n  ^\n\n{message}\n    at run (/app/index.js:{line}:9)\n\nNode.js v20.1.0"


def go(message: str, *, line: int = 9) -> str:
    trace = f"goroutine {line} [running]:\nmain.main()\n\t/src/main.go:{line}"
    return f"2026/03/01 loading\npanic: {message}\n\n{trace}\nexit status 2"


def lambda_(message: str, kind: str = "RuntimeError", request: str = "1") -> str:
    return json.dumps({"errorMessage": message, "errorType": kind, "requestId": request, "stackTrace": [request]})


def glue(message: str, run: str = "jr_1") -> str:
    return json.dumps({"Id": run, "JobName": "load", "JobRunState": "FAILED", "ErrorMessage": message, "Attempt": 3})


def batch(code: int, job_id: str = "a") -> str:
    reason = "Essential container in task exited"
    container = {"ExitCode": code, "TaskArn": f"arn:aws:ecs:us-west-2:1:task/{job_id}"}
    return json.dumps({"JobId": job_id, "Status": "FAILED", "StatusReason": reason, "Container": container})


def ecs(code: int, reason: str, task: str = "1") -> str:
    containers = [{"Name": "main", "ExitCode": code, "Reason": reason, "RuntimeId": task}]
    stopped = "Essential container in task exited"
    return json.dumps({"TaskArn": task, "LastStatus": "STOPPED", "StoppedReason": stopped, "Containers": containers})


def nested(cause: str, name: str) -> str:
    return json.dumps({"ExecutionArn": f"a:{name}", "Name": name, "Status": "FAILED", "Error": "Inner", "Cause": cause})


UUID = "7f1c0c1e-1111-2222-3333-444455556666"

ONE_FAULT: dict[str, tuple[str, str, str]] = {
    "uuid": ("States.TaskFailed", "order 7f1c0c1e-1111-2222-3333-444455556666 lost",
             "order 0aaaaaaa-9999-2222-3333-444455556666 lost"),
    "ids": ("States.TaskFailed", "user_17 and i-0abc123def4567890 gone", "user_839201 and i-0ffc993def4567123 gone"),
    "ports": ("States.TaskFailed", "connect ECONNREFUSED 10.0.3.17:5432", "connect ECONNREFUSED 10.9.200.4:61234"),
    "IPv6": ("States.TaskFailed", "dial [2001:db8::17]:443 refused", "dial [fe80::1]:8443 refused"),
    "times": ("States.TaskFailed", "no answer since 2026-03-01T10:00:00.123Z",
              "no answer since 2026-11-30 23:59:59+02:00"),
    "days": ("States.TaskFailed", "certificate expired Sun Mar 1 10:00:00 2026",
             "certificate expired Wed Nov 25 09:08:07 2026"),
    "durations": ("States.TaskFailed", "timed out after 3.00 seconds", "timed out after 1m30s"),
    "sizes": ("States.TaskFailed", "used 512 MB of memory", "used 1,024 MiB of memory"),
    "arns": ("States.TaskFailed", "arn:aws:s3:::a/k?x, denied", "arn:aws-cn:s3:::other/b, denied"),
    "temporary paths": ("States.TaskFailed", "no file '/tmp/tmpab1/x.csv'", "no file '/var/folders/zz/T/y'"),
    "addresses": ("States.TaskFailed", "Foo@5e91993 at 0x7f3a is closed", "Foo@1b6d3586 at 0x99ffee11 is closed"),
    "e-mails": ("States.TaskFailed", "no account nora@example.org", "no account j.k+x@mail.example.co.uk"),
    "hashes": ("States.TaskFailed", "no layer sha256:9f86d081884c7d65 left", "no layer sha256:03ac674216f3e15c left"),
    "keys": ("States.TaskFailed", "no key AKIA0ZZZ1YYY2XXX3 here", "no key AKIA9QQQ8RRR7SSS6 here"),
    "lists": ("States.TaskFailed", "rows [1, 2, 3] are bad", "rows [17] are bad"),
    "paths of URLs": ("States.TaskFailed", "GET https://u:p@api.example.org:8443/orders/17?a=b failed",
                      "GET https://api.example.org/orders/839201 failed"),
    "request ids": ("States.TaskFailed", "NoSuchKey (Status Code: 404; Request ID: 7ZAB3F; Proxy: null)",
                    "NoSuchKey (Status Code: 404; Request ID: QQ11+/=; Proxy: null)"),
    "values": ("States.TaskFailed", "Key (email)=(nora) exists", "Key (email)=(a, b) exists"),
    "MySQL": ("States.TaskFailed", "(1062, \"Duplicate entry 'nora-17' for key 'users.email'\")",
              "(1062, \"Duplicate entry 'x y' for key 'users.email'\")"),
    "Python": ("States.TaskFailed", python("ValueError: row 17 is bad"), python("ValueError: row 839 is bad", line=9)),
    "Java": ("States.TaskFailed", java("java.io.IOException: disk 7 full"),
             java("java.io.IOException: disk 93 full", line=99)),
    "Node": ("States.TaskFailed", node("Error: no bucket 17"), node("Error: no bucket 4", line=88)),
    "Go": ("States.TaskFailed", go("index out of range [3] with length 3"),
           go("index out of range [17] with length 9", line=1)),
    "Lambda": ("RuntimeError", lambda_("row 17 is bad"), lambda_("row 3 is bad", request="2")),
    "Lambda timeout": ("Sandbox.Timedout", lambda_(f"RequestId: {UUID} Error: Task timed out after 3.00 seconds"),
                       lambda_(f"RequestId: {UUID[::-1]} Error: Task timed out after 900.1 seconds")),
    "Glue": ("States.TaskFailed", glue("out of memory in stage 17"), glue("out of memory in stage 3", "jr_2")),
    "Batch": ("States.TaskFailed", batch(1, "a"), batch(1, "b")),
    "ECS": ("States.TaskFailed", ecs(137, "OutOfMemoryError: killed"), ecs(137, "OutOfMemoryError: killed", "9")),
    "nested execution": ("States.TaskFailed", nested("row 17 is bad", "a"), nested("row 3 is bad", "b")),
    "shell": ("sfncli.CommandExitedNonzero", "load.sh: line 17: jq: command not found",
              "2026 started\nload.sh: line 3: jq: command not found"),
    "colours": ("States.TaskFailed", "\x1b[31mno bucket\x1b[0m", "no bucket"),
    "the author's own error": ("OrderRejected", "order of Nora", "order of Jon, in full"),
    "the name of the error before the text": ("ValueError", "ValueError: bad row", "bad row"),
}  # fmt: skip


@pytest.mark.parametrize(("error", "one", "other"), ONE_FAULT.values(), ids=ONE_FAULT.keys())
def test_one_fault_has_one_fingerprint(error: str, one: str, other: str) -> None:
    assert failure(error, one) == failure(error, other)


TWO_FAULTS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "exit codes": (("T.E", "exit status 1"), ("T.E", "exit status 137")),
    "exit codes after output": (("T.E", "make failed\nexit status 1"), ("T.E", "make failed\nexit status 137")),
    "exit codes of ECS": (("T.E", ecs(1, "x")), ("T.E", ecs(137, "x"))),
    "exit codes of Batch": (("T.E", batch(1)), ("T.E", batch(137))),
    "exit codes of commands": (("T.E", "the command exited with status 1 and wrote nothing to stderr"),
                               ("T.E", "the command exited with status 3 and wrote nothing to stderr")),
    "HTTP": (("T.E", "HTTP 404"), ("T.E", "HTTP 503")),
    "HTTP 1.1": (("T.E", "HTTP/1.1 404"), ("T.E", "HTTP/1.1 503")),
    "status=": (("T.E", 'status="404"'), ("T.E", 'status="503"')),
    "statusCode": (("T.E", "statusCode: 404"), ("T.E", "statusCode: 503")),
    "errno": (("T.E", "[Errno 2] x"), ("T.E", "[Errno 13] x")),
    "Oracle": (("T.E", "ORA-00942: x"), ("T.E", "ORA-01017: x")),
    "MongoDB": (("T.E", "E11000 x"), ("T.E", "E12000 x")),
    "keys": (("KeyError", "KeyError: 'email'"), ("KeyError", "KeyError: 'name'")),
    "keys in Lambda": (("KeyError", lambda_("'email'", "KeyError")), ("KeyError", lambda_("'name'", "KeyError"))),
    "unique keys": (("IntegrityError", 'violates unique constraint "users_email_key"'),
                    ("IntegrityError", 'violates unique constraint "users_name_key"')),
    "hosts": (("T.E", "GET https://a.example.org/x failed"), ("T.E", "GET https://b.example.org/x failed")),
    "algorithms": (("T.E", "no sha256 here"), ("T.E", "no sha512 here")),
    "errors": (("OrderRejected", "x"), ("OrderLost", "x")),
    "no cause and a cause": (("T.E", ""), ("T.E", "x")),
    "root causes": (("T.E", java("java.io.IOException: disk full")), ("T.E", java("java.net.SocketException: reset"))),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), TWO_FAULTS.values(), ids=TWO_FAULTS.keys())
def test_two_faults_have_two_fingerprints(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert failure(*one).fingerprint != failure(*other).fingerprint


@pytest.mark.parametrize("fields", [{"definition": "e"}, {"state": "Load"}])
def test_definition_and_state_tell_faults_apart(fields: dict[str, str]) -> None:
    assert failure("E", "c").fingerprint != failure("E", "c", **fields).fingerprint


@pytest.mark.parametrize(
    ("error", "cause", "title"),
    [
        ("States.TaskFailed", python("KeyError: 'total'"), "States.TaskFailed: KeyError: 'total'"),
        ("KeyError", lambda_("'total'", "KeyError"), "KeyError: 'total'"),
        ("OrderRejected", "order 17 of Nora", "OrderRejected"),
        ("States.TaskFailed", ecs(137, "OutOfMemoryError: killed"),
         "States.TaskFailed: Essential container in task exited (main: exit code 137, OutOfMemoryError: killed)"),
        ("States.Timeout", None, "States.Timeout"),
        (None, "no bucket 17", "no bucket <n>"),
        (None, None, "failed without a reason"),
        ("E" * 300, "x", "E" * 199 + "…"),
    ],
)  # fmt: skip
def test_a_failure_has_a_title_for_people(error: str | None, cause: str | None, title: str) -> None:
    assert failure(error, cause).title == title


HOSTILE = {
    "empty": "",
    "blanks": " \n\t ",
    "32 KiB of text": "x" * 32_768,
    "a line of numbers": "1 " * 16_384,
    "a line of digits": "1" * 32_768,
    "a traceback of 32 KiB": python("ValueError: " + "y" * 32_000),
    "binary": bytes(range(256)).decode("latin-1") * 100,
    "halves of pairs": "\ud800\udfff no bucket",
    "open JSON": "{" * 32_768,
    "deep JSON": '{"a":' * 6_500,
    "colons": ":" * 32_768,
    "slashes": "/tmp/" * 6_000,
    "at signs": "a@" * 16_000,
    "hexadecimal": "0a" * 16_000,
    "dots": "1." * 16_000,
    "equals": '="' * 16_000,
    "words for codes": "exit status code " * 2_000,
    "dashes": "-" * 32_768,
    "urls": "http://" * 4_000,
    "percent": "%" * 32_768,
}


@pytest.mark.parametrize("cause", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_text_has_a_stable_fingerprint_and_a_short_title(cause: str) -> None:
    one, other = failure("States.TaskFailed", cause), failure("States.TaskFailed", cause)

    assert one == other
    assert fingerprint.FINGERPRINT.fullmatch(one.fingerprint)
    assert 0 < len(one.title) <= 200
    assert one.title.isprintable()


def test_no_more_than_a_thousand_characters_are_read() -> None:
    """What follows is not looked at, however long it is."""
    text = "abcdefghi " * 100
    seen: list[str] = []

    class Recorded(str):
        def __getitem__(self, part: Any) -> str:
            seen.append(super().__getitem__(part))
            return seen[-1]

    assert normalized(Recorded(text + "x" * 10**6)) == normalized(text)
    assert [len(part) for part in seen] == [normalization.MAX_READ_CHARACTERS]


def _repeats(parsed: Any) -> Iterator[tuple[Any, int]]:
    """Yield the kind and the most times of each repetition in a parsed pattern."""
    for operation, argument in parsed:
        if operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}:
            yield operation, int(argument[1])
        yield from _inner_repeats(argument)


def _inner_repeats(argument: Any) -> Iterator[tuple[Any, int]]:
    if isinstance(argument, _parser.SubPattern):
        yield from _repeats(argument)
    elif isinstance(argument, list | tuple):
        for part in argument:
            yield from _inner_repeats(part)


def test_a_repetition_is_possessive_or_short() -> None:
    """So a text is never read twice for one place: the steps are bounded by its length and that of the pattern."""
    repeats = list(_repeats(_parser.parse(normalization.PATTERN.pattern)))
    open_ended = [most for kind, most in repeats if kind is not _constants.POSSESSIVE_REPEAT and most > 40]

    assert len(repeats) > 50
    assert open_ended == []


def test_a_placeholder_is_not_replaced_again() -> None:
    once = normalized("user_17 at 10.0.0.1:80 on 2026-03-01 for 3 s")

    assert normalized(once) == once


def nested_jobs(*, branch: int = 0, item: int = 0) -> list[Job]:
    return [
        job("2", "Each", type="Map"),
        job("5", "Both", type="Parallel", parent="2", iteration=item),
        job(str(7 + item), "Work", parent="5", branch=branch, error="E", cause="c"),
    ]


def of_jobs(jobs: Sequence[Job], culprit: Job | None, **fields: Any) -> Fault:
    values: dict[str, Any] = {"error": None, "reason": None} | fields
    return fingerprint.of_run("d", culprit=culprit, jobs=jobs, **values)


def test_the_path_names_the_states_around_and_no_item() -> None:
    one, other = nested_jobs(), nested_jobs(branch=2, item=17)

    assert of_jobs(one, one[-1]).path == "Each/Both/Work"
    assert of_jobs(one, one[-1]) == of_jobs(other, other[-1])


def test_a_slash_in_the_name_of_a_state_does_not_make_another_path() -> None:
    culprit = job(state="a/b")

    assert of_jobs([culprit], culprit).path == "a%2Fb"


def test_jobs_that_name_each_other_as_parents_have_a_path() -> None:
    jobs = [job("1", "A", parent="2"), job("2", "B", parent="1")]

    assert of_jobs(jobs, jobs[0]).path.endswith("A")


def test_a_run_that_timed_out_is_blamed_on_what_it_waited_for() -> None:
    waiting = job(state="Wait for approval", status=JobStatus.ABORTED_DEPS_FAILED, status_reason="Aborted")

    found = of_jobs([waiting], waiting, reason="Workflow timed out")

    assert (found.path, found.title) == ("Wait for approval", "Workflow timed out")


def test_a_run_without_jobs_is_told_by_its_own_reason() -> None:
    assert of_jobs([], None, error="States.Runtime", reason="States.Runtime: no role\nmore").title == (
        "States.Runtime: no role"
    )


def test_a_cause_that_was_not_kept_is_told_by_the_reason() -> None:
    kept = job(
        error="States.TaskFailed", cause="first\nno bucket 17", status_reason="States.TaskFailed: no bucket 17\nfirst"
    )
    left_out = kept.model_copy(update={"cause": None, "payloads_left_out": True})

    assert of_jobs([kept], kept) == of_jobs([left_out], left_out)


def test_a_fingerprint_of_version_1_stays_what_it_is() -> None:
    """Groups are kept under fingerprints: what changes this value needs a new version."""
    assert failure("States.TaskFailed", "no bucket 17").fingerprint == "1:f62dc4945eb2e3222158c4a98070c990"


def test_every_pattern_is_there_for_something() -> None:
    texts = [text for _, one, other in ONE_FAULT.values() for text in (one, other)]
    texts += [cause for pair in TWO_FAULTS.values() for _, cause in pair]
    used = {found.lastgroup for text in texts for found in normalization.PATTERN.finditer(text)}

    assert used == set(re.compile(normalization.PATTERN.pattern).groupindex)

"""The words for failures of tries, jobs and runs.

Covers `app.executor.history.reasons` and `app.failures.causes`.
"""

import json

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape

from app.executor.history import reasons
from app.executor.history.reasons import ReportedFailure

TRACEBACK = """Traceback (most recent call last):
  File "/app/main.py", line 7, in <module>
    main()
  File "/app/main.py", line 4, in main
    return rows["total"]
KeyError: 'total'"""

JAVA = """Exception in thread "main" java.lang.IllegalStateException: cannot load
\tat com.example.Load.run(Load.java:12)
\tat com.example.Load.main(Load.java:5)
Caused by: java.io.IOException: disk full
\tat com.example.Disk.write(Disk.java:3)
\t... 2 more"""

NODE = """/app/index.js:3
  throw new Error('no bucket')
  ^

Error: no bucket
    at run (/app/index.js:3:9)
    at Object.<anonymous> (/app/index.js:6:1)

Node.js v20.1.0"""

GO = """2026/03/01 loading
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
\t/src/main.go:9 +0x1d
exit status 2"""


GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/app/main.py", line 3, in <module>
  |     raise ExceptionGroup("two", [KeyError("a"), ValueError("b")])
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | KeyError: 'a'
    +---------------- 2 ----------------
    | ValueError: b
    +------------------------------------"""

PHP = """PHP Fatal error:  Uncaught Exception: no bucket in /app/index.php:3
Stack trace:
#0 {main}
  thrown in /app/index.php on line 3"""


def head(error: str | None, cause: str | None) -> str:
    """Return the first line of a reason."""
    return (reasons.failure_reason(error, cause) or "").partition("\n")[0]


@pytest.mark.parametrize(
    ("error", "cause", "expected"),
    [
        ("E", "c", "E: c"),
        ("E", None, "E"),
        (None, "c", "c"),
        (None, None, None),
        ("", " \n ", None),
        ("E", "first\n\nlast\n", "E: last\nfirst"),
        ("E", "50%\r100%\rdone", "E: done\n50%\n100%"),
        (7, ["c"], None),
        ("KeyError", "KeyError: 'total'", "KeyError: 'total'"),
    ],
)
def test_a_failure_reason_is_error_and_sentence_and_then_the_rest(
    error: object, cause: object, expected: str | None
) -> None:
    assert reasons.failure_reason(error, cause) == expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (TRACEBACK, "KeyError: 'total'"),
        (f"loading\n{TRACEBACK}\n", "KeyError: 'total'"),
        (f"{TRACEBACK}\n\nDuring handling of the above exception:\n\n{TRACEBACK}2", "KeyError: 'total'2"),
        (f"{TRACEBACK}\nsecond line of the message\nsee the log", "KeyError: 'total'"),
        (JAVA, "java.io.IOException: disk full"),
        (NODE, "Error: no bucket"),
        (GO, "panic: runtime error: index out of range [3] with length 3"),
        ("make: *** [all] Error 2\nexit status 2", "make: *** [all] Error 2"),
        ('loading\n{"level": "error", "msg": "no bucket"}', "no bucket"),
        ('loading\n{\n  "level": "error",\n  "msg": "no bucket"\n}\nexit status 1', "no bucket"),
        (GROUP, "ExceptionGroup: two (2 sub-exceptions)"),
        ("\n".join(f"app | {line}" for line in TRACEBACK.splitlines()), "KeyError: 'total'"),
        (PHP, "PHP Fatal error:  Uncaught Exception: no bucket in /app/index.php:3"),
        ("\x1b[1;31mno bucket\x1b[0m\n\x1b[2K", "no bucket"),
        (json.dumps("no bucket"), "no bucket"),
        (json.dumps(TRACEBACK), "KeyError: 'total'"),
    ],
    ids=[
        *("traceback", "log before", "chained", "more after", "java", "node", "go", "exit status", "log line of JSON"),
        *("JSON in many lines", "group", "prefixed lines", "php", "colours", "JSON text", "traceback as JSON text"),
    ],
)
def test_the_first_line_of_output_or_a_stack_trace_is_what_it_is_about(cause: str, expected: str) -> None:
    assert head("E", cause) == f"E: {expected}"


def test_the_rest_of_a_traceback_follows() -> None:
    reason = reasons.failure_reason("E", TRACEBACK)
    assert reason == "E: KeyError: 'total'\n" + TRACEBACK.removesuffix("\nKeyError: 'total'")


def test_a_long_rest_is_cut_from_its_middle() -> None:
    lines = [f"line {number}" for number in range(1000)]
    reason = reasons.failure_reason("E", "\n".join(lines)) or ""
    first, *others = reason.split("\n")
    assert len(reason) == reasons.REASON_CHARACTERS
    assert (first, others[0], others[-1]) == ("E: line 999", "line 0", "line 998")
    assert "…" in reason


@pytest.mark.parametrize("cause", ["x" * 40_000 + "end", "begin" + "x" * 40_000])
def test_a_long_line_keeps_its_beginning_and_its_end(cause: str) -> None:
    reason = reasons.failure_reason("E", cause) or ""
    assert len(reason) == reasons.REASON_CHARACTERS
    assert reason.startswith("E: " + cause[:100])
    assert reason.endswith(cause[-100:])


def nested(levels: int) -> str:
    """Write the cause of executions that failed inside each other."""
    cause = "disk full"
    for number in range(levels):
        cause = json.dumps({"Error": f"E{number}", "Cause": cause, "ExecutionArn": "a", "Status": "FAILED"})
    return cause


SERVICES = {
    "lambda": (
        {"errorMessage": "no bucket", "errorType": "ValueError", "requestId": "1", "stackTrace": ["message"]},
        "no bucket",
    ),
    "lambda without a message": ({"errorMessage": "", "errorType": "Mine", "stackTrace": ["a"]}, "Mine"),
    "lambda of several lines": ({"errorMessage": "2 rows are bad:\n- first\n- second"}, "2 rows are bad:"),
    "lambda with a traceback": ({"errorMessage": TRACEBACK}, "KeyError: 'total'"),
    "command": ({"error": "my.Error", "cause": "the command said so"}, "the command said so"),
    "command with JSON": ({"error": "my.Error", "cause": json.dumps({"message": "deep"})}, "deep"),
    "API Gateway": ({"message": "Missing Authentication Token"}, "Missing Authentication Token"),
    "EventBridge": (
        {"Entries": [{"EventId": "1"}, {"ErrorCode": "X", "ErrorMessage": "Source is a required argument."}]},
        "Source is a required argument.",
    ),
    "Kubernetes": (
        {"status": {"conditions": [{"type": "Failed", "reason": "BackoffLimitExceeded", "message": "limit reached"}]}},
        "limit reached",
    ),
    "EMR Serverless": ({"JobRun": {"State": "FAILED", "StateDetails": "no such class"}}, "no such class"),
    "an error in an object": ({"error": {"code": 7, "message": "quota exceeded"}}, "quota exceeded"),
    "many errors": ({"errors": ["no bucket", "no key"]}, "no bucket"),
    "many messages": ({"errorMessages": ["", "no bucket"], "errors": {"a": "b"}}, "no bucket"),
    "EMR on EKS": (
        {"state": "FAILED", "failureReason": "USER_ERROR", "stateDetails": "no such class"},
        "no such class",
    ),
    "a word alone": ({"failureReason": "USER_ERROR"}, "USER_ERROR"),
    "nested execution with a traceback": (
        {"ExecutionArn": "a", "Status": "FAILED", "Error": "Inner", "Cause": TRACEBACK},
        "Inner: KeyError: 'total'",
    ),
    "deep": ({"a": [{"b": {"c": [{"message": "far down"}]}}]}, "far down"),
    "the input is somebody else's": ({"input": {"message": "hello"}, "x": {"reason": "too late"}}, "too late"),
    "nested execution": (
        {"ExecutionArn": "a", "Name": "n", "Status": "FAILED", "Error": "Inner", "Cause": "no bucket"},
        "Inner: no bucket",
    ),
    "nested execution of a Lambda": (
        {"ExecutionArn": "a", "Status": "FAILED", "Error": "Inner", "Cause": json.dumps({"errorMessage": "no bucket"})},
        "Inner: no bucket",
    ),
    "nested execution without a cause": (
        {"ExecutionArn": "a", "Name": "n", "Status": "FAILED", "Error": "Inner", "Input": '{"message":"hello"}'},
        "Inner",
    ),
    "nested execution without a word": ({"ExecutionArn": "a", "Name": "n", "Status": "FAILED"}, "Execution n failed"),
    "nested execution that timed out": (
        {"ExecutionArn": "a", "Name": "n", "Status": "TIMED_OUT"},
        "Execution n timed out",
    ),
    "nested execution that was stopped": (
        {"ExecutionArn": "a", "Name": "n", "Status": "ABORTED"},
        "Execution n was aborted",
    ),
}


@pytest.mark.parametrize(("document", "expected"), SERVICES.values(), ids=SERVICES.keys())
def test_the_sentence_of_a_json_cause_comes_first(document: object, expected: str) -> None:
    assert head("E", json.dumps(document)) == f"E: {expected}"


SHAPES = {
    "ecs": (
        ("ecs", "Task"),
        {
            "LastStatus": "STOPPED",
            "StopCode": "TaskFailedToStart",
            "StoppedReason": "CannotPullContainerError: pull access denied",
            "Containers": [{"Name": "main", "LastStatus": "STOPPED"}],
            "Overrides": {"ContainerOverrides": [{"Name": "main", "Environment": [{"Name": "message", "Value": "x"}]}]},
        },
        "CannotPullContainerError: pull access denied",
    ),
    "ecs exit code": (
        ("ecs", "Task"),
        {
            "LastStatus": "STOPPED",
            "StoppedReason": "Essential container in task exited",
            "Containers": [
                {"Name": "main", "ExitCode": 137, "Reason": "OutOfMemoryError: Container killed"},
                {"Name": "sidecar", "ExitCode": 0},
            ],
        },
        "Essential container in task exited (main: exit code 137, OutOfMemoryError: Container killed)",
    ),
    "batch": (
        ("batch", "JobDetail"),
        {
            "JobId": "1",
            "JobName": "load",
            "Status": "FAILED",
            "StatusReason": "Essential container in task exited",
            "Attempts": [{"StatusReason": "Host EC2 terminated", "Container": {"ExitCode": 1}}],
            "Container": {"ExitCode": 3, "Environment": [{"Name": "reason", "Value": "x"}]},
        },
        "Essential container in task exited (exit code 3)",
    ),
    "glue": (
        ("glue", "JobRun"),
        {
            "Id": "1",
            "JobName": "load",
            "JobRunState": "FAILED",
            "ErrorMessage": "out of memory",
            "Arguments": {"a": "b"},
        },
        "out of memory",
    ),
    "emr step": (
        ("emr", "DescribeStepOutput"),
        {
            "Step": {
                "Id": "s-1",
                "Name": "load",
                "Status": {
                    "State": "FAILED",
                    "StateChangeReason": {},
                    "FailureDetails": {"Reason": "Unknown Error.", "Message": "no such jar", "LogFile": "s3://b/k"},
                },
            }
        },
        "no such jar",
    ),
    "emr cluster": (
        ("emr", "DescribeClusterOutput"),
        {
            "Cluster": {
                "Id": "j-1",
                "Status": {
                    "State": "TERMINATED_WITH_ERRORS",
                    "StateChangeReason": {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 failed"},
                },
            }
        },
        "bootstrap action 1 failed",
    ),
    "sagemaker": (
        ("sagemaker", "DescribeTrainingJobResponse"),
        {
            "TrainingJobName": "t",
            "TrainingJobStatus": "Failed",
            "FailureReason": "AlgorithmError: no data",
            "HyperParameters": {"message": "x"},
            "SecondaryStatusTransitions": [{"Status": "Failed", "StatusMessage": "Training failed"}],
        },
        "AlgorithmError: no data",
    ),
    "athena": (
        ("athena", "GetQueryExecutionOutput"),
        {
            "QueryExecution": {
                "Query": "SELECT",
                "Status": {
                    "State": "FAILED",
                    "StateChangeReason": "SYNTAX_ERROR: line 1:7",
                    "AthenaError": {"ErrorCategory": 2, "ErrorMessage": "SYNTAX_ERROR"},
                },
            }
        },
        "SYNTAX_ERROR: line 1:7",
    ),
    "codebuild": (
        ("codebuild", "Build"),
        {
            "Id": "b:1",
            "BuildStatus": "FAILED",
            "Phases": [
                {"PhaseType": "INSTALL", "PhaseStatus": "SUCCEEDED", "Contexts": [{"StatusCode": "", "Message": ""}]},
                {
                    "PhaseType": "BUILD",
                    "PhaseStatus": "FAILED",
                    "Contexts": [{"StatusCode": "COMMAND_EXECUTION_ERROR", "Message": "make failed"}],
                },
            ],
        },
        "make failed",
    ),
}


@pytest.mark.parametrize(("_", "document", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_the_failure_of_a_service_is_told_in_its_words(_: object, document: object, expected: str) -> None:
    assert head("States.TaskFailed", json.dumps(document)) == f"States.TaskFailed: {expected}"


@pytest.mark.parametrize(("model", "document", "_"), SHAPES.values(), ids=SHAPES.keys())
def test_the_failures_of_services_have_the_fields_of_their_apis(
    model: tuple[str, str], document: object, _: str
) -> None:
    service, shape = model
    _fits(document, botocore.session.get_session().get_service_model(service).shape_for(shape))


def _fits(document: object, shape: Shape) -> None:
    """Compare names without their case, which Step Functions changes."""
    if isinstance(shape, StructureShape) and isinstance(document, dict):
        members = {name.lower(): member for name, member in shape.members.items()}
        for name, value in document.items():
            _fits(value, members[name.lower()])
    elif isinstance(shape, ListShape) and isinstance(document, list):
        for value in document:
            _fits(value, shape.member)


def test_executions_inside_each_other_are_followed_to_the_end() -> None:
    levels = 8
    names = ": ".join(f"E{number}" for number in reversed(range(levels)))
    assert head("States.TaskFailed", nested(levels)) == f"States.TaskFailed: {names}: disk full"


@pytest.mark.parametrize(
    "document", [{"message": "  "}, {"Output": 1}, ["errorMessage"], [], {}], ids=["blank", "none", "list", "[]", "{}"]
)
def test_json_that_says_nothing_is_shown_as_it_is(document: object) -> None:
    assert reasons.failure_reason("E", json.dumps(document)) == f"E: {json.dumps(document)}"


@pytest.mark.parametrize("cause", ["{not json", "{" * 32_768, '{"a":' * 6_500])
def test_a_cause_that_only_looks_like_json_is_shown_as_it_is(cause: str) -> None:
    assert reasons.failure_reason(None, cause) == reasons.cut(cause, length=reasons.REASON_CHARACTERS)


def test_json_that_was_cut_off_still_tells() -> None:
    whole = json.dumps({"errorMessage": 'no "bucket"', "stackTrace": ["x" * 40_000]})
    assert head("E", whole[:32_768]) == 'E: no "bucket"'


def test_error_and_cause_are_kept_beside_the_reason() -> None:
    assert ReportedFailure.of("E", TRACEBACK)[1:] == ("E", TRACEBACK)
    assert ReportedFailure.of(None, " ") == ReportedFailure(None, None, None)


@pytest.mark.parametrize(
    ("execution", "expected"),
    [
        ({"status": "FAILED", "error": "E", "cause": "c"}, "E: c"),
        ({"status": "FAILED"}, None),
        ({"status": "TIMED_OUT"}, "Workflow timed out"),
        ({"status": "ABORTED", "error": "E", "cause": "asked by nora"}, "asked by nora"),
        ({"status": "ABORTED", "error": "E", "cause": "first\nsecond"}, "first\nsecond"),
        ({"status": "ABORTED", "error": "E"}, "E"),
        ({"status": "ABORTED"}, None),
        ({"status": "SUCCEEDED", "output": "{}"}, None),
        ({"status": "RUNNING"}, None),
        ({"status": "PENDING_REDRIVE", "error": "E"}, None),
        ({}, None),
    ],
)
def test_the_reason_of_a_run_follows_its_status(execution: dict[str, str], expected: str | None) -> None:
    assert reasons.status_reason(execution) == expected

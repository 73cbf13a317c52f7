"""Who may ask the embedded AWS.

Covers `workflow_manager.local.access`.
"""

import http.client
from typing import Any

import pytest

from tests.sdk.local.workbench import Workbench

JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions.ListStateMachines"}


def ask(bench: Workbench, path: str = "/", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request as a browser or any program can."""
    url = bench.client.meta.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(url, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest("POST", path, skip_host="Host" in named)
    for name, value in {**JSON, **named, "Content-Length": "2"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"{}")
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="page"),
        pytest.param({"Origin": "null"}, id="sandboxed-page"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="page-of-another-port"),
        pytest.param({"Origin": "https://evil.example", "Host": "evil.example"}, id="page-under-its-own-name"),
        pytest.param({"Host": "evil.example"}, id="foreign-name"),
        pytest.param({"Host": "localhost.evil.example:80"}, id="name-that-begins-like-ours"),
        pytest.param({"Host": "amazonaws.com.evil.example"}, id="name-that-begins-like-that-of-aws"),
        pytest.param({"Host": "["}, id="broken-name"),
        pytest.param({"Host": ""}, id="no-name"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="image-of-a-page"),
    ],
)
def test_what_a_foreign_page_or_name_asks_for_is_refused(bench: Workbench, headers: dict[str, str]) -> None:
    status, _, body = ask(bench, **headers)

    assert (status, b"AccessDenied" in body) == (403, True)


@pytest.mark.parametrize(
    "host",
    ["localhost:4566", "127.0.0.1", "[::1]:4566", "sync-localhost", "local-aws:4566", "sts.us-west-2.amazonaws.com"],
)
def test_clients_of_this_machine_and_its_containers_are_answered(bench: Workbench, host: str) -> None:
    status, headers, _ = ask(bench, Host=host)

    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["/moto-api/reset", "/moto-api/", "//moto-api/data.json", "/Moto-API/reset", "/moto-api/seed?a=1"]
)
def test_the_back_door_of_moto_is_closed(bench: Workbench, path: str) -> None:
    arn = bench.activity()

    status, _, _ = ask(bench, path)

    assert status == 403
    assert bench.client.describe_activity(activityArn=arn)["activityArn"] == arn


def test_an_sdk_is_answered(bench: Workbench) -> None:
    answer: Any = bench.client.list_state_machines()

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200

"""What gets past the filter, and what a refused request is told.

Covers `app.api.security.request_filter`, `app.api.security.root_path` and `app.settings`.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from app.api.security import root_path
from app.api.security.request_filter import FilterRules
from app.main import create_app
from app.settings import Settings
from tests.rig import Rig
from workflow_manager import errors

PAGES = {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}
START = {"workflowDefinition": {"name": "echo"}, "namespace": "dev"}


@pytest.fixture
def ruled(app: FastAPI) -> Iterator[FastAPI]:
    """The application, whose rules a test may change."""
    before = app.state.rules
    yield app
    app.state.rules = before


async def _everything(api: httpx.AsyncClient) -> list[tuple[str, str]]:
    paths = (await api.get("/openapi.json")).json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if method != "get"]


@pytest.mark.parametrize("page", PAGES)
async def test_no_operation_changes_anything_for_a_page_of_another_origin(
    api: httpx.AsyncClient, page: dict[str, str]
) -> None:
    for method, path in await _everything(api):
        answer = await api.request(method, path.format_map(_Any()), headers=page, json={})
        assert (answer.status_code, answer.json()["requestId"]) == (403, answer.headers["x-request-id"]), path


class _Any(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "0"


@pytest.mark.parametrize("page", PAGES)
async def test_a_form_of_another_site_resolves_nothing(api: httpx.AsyncClient, rig: Rig, page: dict[str, str]) -> None:
    """It needs neither a body nor a content type, so the browser would not ask first."""
    failed = await rig.failed()

    answer = await api.post(f"/workflows/{failed.id}/resolved", headers=page)

    assert answer.status_code == 403
    assert "page of another origin" in answer.json()["message"]
    assert not (await rig.store.get_workflow(failed.id)).resolved_by_user


@pytest.mark.parametrize("page", [{}, {"sec-fetch-site": "same-origin"}, {"origin": "http://localhost"}])
async def test_clients_and_our_own_pages_change_things(api: httpx.AsyncClient, rig: Rig, page: dict[str, str]) -> None:
    await rig.define()

    answer = await api.post("/workflows", json=START, headers=page)

    assert answer.status_code == 200


async def test_pages_of_other_sites_may_read_as_far_as_their_browser_lets_them(api: httpx.AsyncClient) -> None:
    answer = await api.get("/workflows", headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/workflows", "/docs", "/openapi.json", "/metrics", "/nowhere"])
async def test_a_host_that_is_not_ours_is_misdirected_and_told_the_setting(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, headers={"host": "rebound.evil.example:8080"})

    assert answer.status_code == 421
    assert "WFM_PUBLIC_HOSTS" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/_health", "/_ready"])
async def test_load_balancers_check_health_by_any_address(api: httpx.AsyncClient, rig: Rig, path: str) -> None:
    rig.get_through()

    assert (await api.get(path, headers={"host": "10.1.2.3:8080"})).status_code == 200


async def test_a_host_is_named_once(api: httpx.AsyncClient) -> None:
    answer = await api.get("/workflows", headers=[("host", "localhost"), ("host", "localhost")])

    assert (answer.status_code, "Host" in answer.json()["message"]) == (400, True)


async def test_public_hosts_are_ours_too(api: httpx.AsyncClient, ruled: FastAPI) -> None:
    ruled.state.rules = FilterRules.of(Settings.load(public_hosts="wm.example.com, service,10.0.0.0/8,[fd00::1]"))

    for host in ("wm.example.com", "service:8080", "10.0.0.7", "[fd00::1]:8080", "localhost"):
        assert (await api.get("/workflows", headers={"host": host})).status_code == 200, host


async def test_the_caller_and_the_scheme_are_those_before_the_trusted_proxies(
    api: httpx.AsyncClient, ruled: FastAPI
) -> None:
    ruled.state.rules = FilterRules.of(Settings.load(trusted_proxies="127.0.0.1,10.0.0.0/8"))
    seen: list[Any] = []

    async def note(request: Request) -> None:
        seen.append((request.client and request.client.host, request.url.scheme))

    ruled.add_api_route("/_seen", note)
    try:
        await api.get("/_seen", headers={"x-forwarded-for": "1.1.1.1, 198.51.100.7", "x-forwarded-proto": "https"})
        ruled.state.rules = FilterRules()
        await api.get("/_seen", headers={"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"})
    finally:
        ruled.router.routes.pop()

    assert seen == [("198.51.100.7", "https"), ("127.0.0.1", "http")]


@pytest.mark.parametrize("prefix", ["", "/wm/api"])
async def test_below_a_root_path_everything_leads_back_to_it(
    api: httpx.AsyncClient, rig: Rig, ruled: FastAPI, prefix: str
) -> None:
    """Whether the proxy has removed it from the path or not."""
    ruled.state.rules = FilterRules.of(Settings.load(root_path="/wm/api/"))
    await rig.define()
    for _ in range(2):
        await rig.start()

    listed = await api.get(f"{prefix}/workflows", params={"limit": 1})
    page = await api.get(f"{prefix}/docs")
    document = await api.get(f"{prefix}/openapi.json")
    health = await api.get(f"{prefix}/_health", headers={"host": "10.0.0.1"})
    asset = await api.get(f"{prefix}/docs/assets/swagger-ui.css")

    assert listed.headers["x-next-page-path"].startswith("/workflows?limit=1&pageToken=")
    assert listed.headers["link"].startswith("</wm/api/workflows?limit=1&pageToken=")
    assert "/wm/api/openapi.json" in page.text
    assert "/wm/api/docs/assets/swagger-ui.css" in page.text
    assert document.json()["servers"] == [{"url": "/wm/api"}]
    assert (health.status_code, asset.status_code) == (200, 200)


async def test_without_a_root_path_the_document_names_no_server(api: httpx.AsyncClient) -> None:
    assert "servers" not in (await api.get("/openapi.json")).json()


@pytest.mark.parametrize("path", ["/workflows", "/docs", "/queues/x", "/openapi.json"])
def test_a_root_path_cannot_be_taken_for_a_path_of_the_service(path: str) -> None:
    paths = [getattr(route, "path", "/") for route in create_app(Settings()).routes]

    with pytest.raises(errors.SettingsError, match="WFM_ROOT_PATH"):
        root_path.refuse_ambiguous(path, paths)

    root_path.refuse_ambiguous("/wm", paths)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("public_hosts", "wm.example.com:8080"),
        ("public_hosts", "http://wm.example.com"),
        ("public_hosts", "*"),
        ("public_hosts", "*.*.example.com"),
        ("public_hosts", "10.0.0.1/8"),
        ("trusted_proxies", "proxy"),
        ("trusted_proxies", "*"),
        ("root_path", "wm"),
        ("root_path", "/wm//x"),
        ("root_path", "/wm/../x"),
        ("root_path", "/{name}"),
    ],
)
def test_wrong_settings_stop_the_start(setting: str, value: str) -> None:
    with pytest.raises(errors.SettingsError, match=f"WFM_{setting.upper()}"):
        Settings.load(**{setting: value})


@pytest.mark.parametrize("value", ["", " ", ","])
def test_an_empty_list_is_none(value: str) -> None:
    loaded = Settings.load(public_hosts=value, trusted_proxies=value, root_path="/")

    assert (loaded.public_hosts, loaded.trusted_proxies, loaded.root_path) == (None, None, None)


@pytest.mark.parametrize(
    ("listening", "host"),
    [("192.0.2.7", "192.0.2.7:8080"), ("wm.internal", "wm.internal"), ("fd00::5", "[fd00::5]:8080")],
)
def test_the_address_that_the_service_listens_on_is_one_of_its_hosts(listening: str, host: str) -> None:
    rules = FilterRules.of(Settings.load(public_hosts="wm.example.com").known_as(listening))

    assert rules.hosts.allows(host)
    assert rules.hosts.allows("wm.example.com")


@pytest.mark.parametrize("listening", ["0.0.0.0", "::"])
def test_all_interfaces_are_no_host(listening: str) -> None:
    assert not FilterRules.of(Settings.load().known_as(listening)).hosts.allows("0.0.0.0:8080")

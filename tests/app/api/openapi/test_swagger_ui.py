"""The docs page lets nothing in: no script of others, no page around it.

Covers `app.api.openapi.swagger_ui`.
"""

import base64
import hashlib
import re

import httpx


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    directives = [directive.split() for directive in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in directives}


async def test_the_page_runs_its_own_scripts_and_no_others(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")
    directives = policy(page)
    [inline] = re.findall(r"<script>(.*?)</script>", page.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert directives["connect-src"] == ["'self'"]


async def test_nobody_puts_the_page_into_a_frame(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")
    assert policy(page)["frame-ancestors"] == ["'none'"]
    assert page.headers["x-frame-options"] == "DENY"


async def test_no_content_is_taken_for_another_kind(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")
    assets = re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', page.text)
    assert len(assets) >= 3
    for path in ("/docs", *assets):
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff"), path


async def test_the_page_lets_people_enter_what_they_authenticate_with(api: httpx.AsyncClient) -> None:
    """The button is there when the document has security schemes."""
    document = (await api.get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "basic", "apiKey"}
    assert document["security"][0] == {}
    assert not any("security" in operation for path in document["paths"].values() for operation in path.values())

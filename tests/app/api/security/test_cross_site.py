"""Which requests a page of another origin caused.

Covers `app.api.security.cross_site`.
"""

import pytest

from app.api.security.cross_site import is_foreign

HOST = "wm.example.com:8080"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_left_to_the_browser(method: str) -> None:
    assert not is_foreign(method, fetch_site="cross-site", origin="https://evil.example", host=HOST)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "MADE-UP", "get"])
@pytest.mark.parametrize(
    ("fetch_site", "origin", "foreign"),
    [
        (None, None, False),
        ("same-origin", None, False),
        ("none", None, False),
        ("same-origin", "https://other.example.com", False),
        ("cross-site", None, True),
        ("same-site", None, True),
        ("same-site", f"http://{HOST}", True),
        ("", None, True),
        ("cross-origin", None, True),
        ("none,cross-site", None, True),
        (None, f"http://{HOST}", False),
        (None, f"https://{HOST}", False),
        (None, f"http://{HOST.upper()}", False),
        (None, "http://wm.example.com", True),
        (None, "http://wm.example.com:80", True),
        (None, "http://evil.example", True),
        (None, f"http://evil.example,http://{HOST}", True),
        (None, f"http://{HOST}.evil.example", True),
        (None, "null", True),
        (None, "", True),
        (None, f"chrome-extension://{HOST}", True),
        (None, HOST, True),
    ],
)
def test_a_change_comes_from_our_own_page_or_from_no_page(
    method: str, fetch_site: str | None, origin: str | None, foreign: bool
) -> None:
    assert is_foreign(method, fetch_site=fetch_site, origin=origin, host=HOST) is foreign

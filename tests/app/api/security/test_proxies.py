"""Whom a request comes from: the last hop that no trusted proxy is.

Covers `app.api.security.proxies`.
"""

from ipaddress import ip_network

import pytest

from app.api.security.proxies import TrustedProxies

TRUSTED = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.3,10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1, "], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ['"[2001:db8::1]:4711"'], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8::1"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:10.0.0.2, 198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        (None, ["198.51.100.1"], None),
        ("unix", ["198.51.100.1"], "unix"),
    ],
)
def test_the_last_hop_that_is_not_trusted_is_the_caller(
    peer: str | None, forwarded: list[str], caller: str | None
) -> None:
    assert TRUSTED.caller(peer, forwarded) == caller


def test_without_a_setting_nobody_is_trusted() -> None:
    """Not even this machine, where other users have processes too."""
    assert TrustedProxies().caller("127.0.0.1", ["198.51.100.1"]) == "127.0.0.1"
    assert TrustedProxies().scheme("127.0.0.1", ["https"]) is None


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("10.0.0.1", ["https"], "https"),
        ("10.0.0.1", ["http, HTTPS"], "https"),
        ("10.0.0.1", ["https", "http"], "http"),
        ("10.0.0.1", ["javascript"], None),
        ("10.0.0.1", [], None),
        ("203.0.113.9", ["https"], None),
    ],
)
def test_the_scheme_is_what_the_nearest_trusted_proxy_says(peer: str, said: list[str], scheme: str | None) -> None:
    assert TRUSTED.scheme(peer, said) == scheme

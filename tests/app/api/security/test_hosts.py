"""Hosts are an allow-list: a name that somebody points at this service reaches nothing.

Covers `app.api.security.hosts`.
"""

from ipaddress import ip_address, ip_network

import pytest

from app.api.security.hosts import AllowedHosts, Network, parse

LOOPBACK = [
    "localhost",
    "LOCALHOST:8080",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.9.8.7:1",
    "[::1]",
    "[::1]:8080",
]
FOREIGN = [
    "evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.nip.io",
    "10.0.0.5:8080",
    "0.0.0.0",
    "0x7f000001",
    "2130706433",
    "127.1",
    "[fe80::1]",
    "[::]",
    "::1",
    "",
    ":8080",
    "localhost:",
    "localhost:port",
    "localhost@evil.example",
    "evil.example/localhost",
    "localhost,evil.example",
    "[localhost]",
    "[127.0.0.1]",
    "[::1",
    "localhost..",
]
PUBLIC: list[str | Network] = [
    "WM.example.com.",
    "*.wm.example.net",
    ip_network("10.0.0.0/8"),
    ip_network("fd00::7"),
]


@pytest.mark.parametrize("header", LOOPBACK)
def test_loopback_is_allowed_without_a_setting(header: str) -> None:
    assert AllowedHosts().allows(header)


@pytest.mark.parametrize("header", [host for host in FOREIGN if host != "localhost:"])
def test_anything_else_is_not(header: str) -> None:
    assert not AllowedHosts().allows(header)


@pytest.mark.parametrize(
    "header",
    ["wm.example.com", "WM.Example.com:8443", "wm.example.com.", "a.wm.example.net", "10.255.0.1:80", "[fd00::7]:80"],
)
def test_public_hosts_are_allowed_in_any_spelling(header: str) -> None:
    assert AllowedHosts(PUBLIC).allows(header)


@pytest.mark.parametrize(
    "header", ["a.wm.example.com", "wm.example.net", "xwm.example.net", "example.com", "11.0.0.1", "[fd00::8]"]
)
def test_neighbours_of_public_hosts_are_not(header: str) -> None:
    assert not AllowedHosts(PUBLIC).allows(header)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("Example.com:80", "example.com"),
        ("[::ffff:127.0.0.1]:80", ip_address("127.0.0.1")),
        ("[2001:DB8::1]", ip_address("2001:db8::1")),
        ("a b", "a b"),
        ("a:b", None),
    ],
)
def test_a_host_has_one_spelling(header: str, host: object) -> None:
    assert parse(header) == host

"""Which hosts a request may name: a name that an attacker points at this service (DNS rebinding) is none of them."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK_NAME: Final = "localhost"

_AUTHORITY: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:@/]+))(?::\d{0,5})?", re.ASCII)


class AllowedHosts:
    """The allowed hosts: loopback, and the configured ones.

    Those are names, ``*.`` and a name for everything below it, addresses and networks.
    """

    def __init__(self, public: Sequence[str | Network] = ()) -> None:
        names = [_name(host) for host in public if isinstance(host, str)]
        self._names = frozenset(name for name in names if not name.startswith("*."))
        self._suffixes = (f".{LOOPBACK_NAME}", *(name[1:] for name in names if name.startswith("*.")))
        self._networks = tuple(host for host in public if not isinstance(host, str))

    def allows(self, header: str) -> bool:
        """Tell whether the value of a ``Host`` header names this service; its port does not matter."""
        host = parse(header)
        if host is None:
            return False
        if isinstance(host, str):
            return host == LOOPBACK_NAME or host in self._names or host.endswith(self._suffixes)
        return host.is_loopback or any(host in network for network in self._networks)


def parse(header: str) -> str | Address | None:
    """Return the host of an authority (RFC 3986) without its port, in one spelling; None for anything else."""
    matched = _AUTHORITY.fullmatch(header.strip(" \t"))
    if matched is None:
        return None
    in_brackets, name = matched.groups()
    address = to_address(in_brackets or name)
    if in_brackets is not None:
        return address if isinstance(address, IPv6Address | IPv4Address) and ":" in in_brackets else None
    return _name(name) if address is None else address


def to_address(text: str) -> Address | None:
    """Read an address; an IPv4 address written as IPv6 is that IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name(host: str) -> str:
    return host.lower().removesuffix(".")

"""Which caller a request comes from, when proxies pass it on."""

from collections.abc import Sequence
from typing import Final

from app.api.security.hosts import Address, Network, to_address

SCHEMES: Final = frozenset({"http", "https"})


class TrustedProxies:
    """The proxies whose word counts. Everybody can send ``X-Forwarded-For``, and only these add what they have seen."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __contains__(self, address: str | None) -> bool:
        parsed = to_address(address) if address is not None and self._networks else None
        return parsed is not None and any(parsed in network for network in self._networks)

    def caller(self, peer: str | None, forwarded_for: Sequence[str]) -> str | None:
        """Return the address of the caller: the last hop that is no trusted proxy.

        ``peer`` is where the connection comes from, ``forwarded_for`` the values of ``X-Forwarded-For`` in their order.
        A hop that is not an address ends the chain at the proxy that named it.
        """
        if peer not in self:
            return peer
        nearest = peer
        for hop in reversed([hop for value in forwarded_for for hop in value.split(",")]):
            address = _hop(hop)
            if address is None:
                break
            nearest = str(address)
            if nearest not in self:
                break
        return nearest

    def scheme(self, peer: str | None, forwarded_proto: Sequence[str]) -> str | None:
        """Return the scheme that the nearest proxy was called with, if it is trusted and says so."""
        if peer not in self or not forwarded_proto:
            return None
        said = forwarded_proto[-1].rpartition(",")[2].strip().lower()
        return said if said in SCHEMES else None


def _hop(text: str) -> Address | None:
    """Read a hop: an address, which some proxies write with a port."""
    hop = text.strip().strip('"')
    if hop.startswith("["):
        return to_address(hop[1:].partition("]")[0])
    if hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return to_address(hop)

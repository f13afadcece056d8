"""How many messages one source may send. Asked before anything of a message is read, so that a flood costs little."""

from __future__ import annotations

import ipaddress

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

DEFAULT_RATE = 500
"""Messages per second and source. A vendor sends a few; after a mass change some hundred."""
_NETWORK = 64
"""Bits of an IPv6 address that tell one source from another: the rest is the sender's to choose."""


class Sources:
    """Counts messages per source, in this process."""

    def __init__(self, per_second: int = DEFAULT_RATE) -> None:
        self._limit = RateLimitItemPerSecond(per_second)
        self._storage = MemoryStorage()
        self._counter = SlidingWindowCounterRateLimiter(self._storage)

    def may_send(self, address: str | None) -> bool:
        """Whether this source may send one more now. `address` is the peer's, None when it has none (a local socket)."""
        return self._counter.hit(self._limit, source_of(address))

    def close(self) -> None:
        """End the library's own timer."""
        self._storage.timer.cancel()


def source_of(address: str | None) -> str:
    """What counts as one source: an IPv4 address, an IPv6 network of 64 bits."""
    if address is None:
        return "local"
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, _NETWORK), strict=False))
    return str(known)

"""How much anybody may ask for, and how often (Q5)."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from consensus.model import check

ADDRESSES_MAX: Final = 8192
"""Addresses with a bucket of their own; the one that was quiet longest makes room."""
_IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one node's API; times in seconds."""

    request_bytes_max: int = 1 << 20
    requests_per_s: float = 20.0
    """For each address, in the long run; an IPv6 network of 64 bits is one address."""
    requests_burst: int = 60
    request_s: float = 15.0
    bundle_s: float = 120.0
    bundle_bytes_max: int = 128 << 20
    bundle_leaves_max: int = 250_000
    bundles_waiting_max: int = 8
    bundle_cache_bytes: int = 64 << 20
    windows_cached: int = 4
    page_max: int = 200
    page_default: int = 50
    scan_max: int = 4000
    """Entries looked at for one page of a filtered list; the next page goes on from there."""
    final_depth: int = 6
    """Blocks, after which an entry on chain counts as final and its file may be kept for ever."""
    feed_clients_max: int = 256
    feed_clients_per_address: int = 16
    feed_queue_max: int = 256
    """Events that wait for one client; a client that takes fewer is dropped."""
    feed_write_s: float = 10.0
    feed_heartbeat_s: float = 15.0

    def __post_init__(self) -> None:
        check(0 < self.page_default <= self.page_max <= 500, "a page has 1 to 500 rows")
        check(self.requests_per_s > 0 and self.requests_burst >= 1, "somebody may ask something")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Buckets:
    """A token bucket for each address. `now_s` is of a clock that only rises."""

    def __init__(self, limits: Limits) -> None:
        self._rate, self._burst = limits.requests_per_s, limits.requests_burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, address: str, now_s: float) -> float:
        """Take a token: 0.0 if there was one, else for how many seconds to wait."""
        key = network_of(address)
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now_s))
        self._buckets.move_to_end(key)
        while len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.at_s) * self._rate)
        bucket.at_s = now_s
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._rate
        bucket.tokens -= 1
        return 0.0


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or 64 bits of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed)

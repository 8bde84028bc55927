"""Who counts as one client, and how often it may ask."""

from __future__ import annotations

import pytest

from consensus.model import InvariantBroken
from oracle.api.limits import ADDRESSES_MAX, Buckets, Limits, network_of


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    buckets = Buckets(Limits(requests_per_s=2, requests_burst=3))
    assert [buckets.take("192.0.2.1", 100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("192.0.2.1", 100.0) == pytest.approx(0.5)
    assert buckets.take("192.0.2.2", 100.0) == 0.0
    assert buckets.take("192.0.2.1", 100.5) == 0.0
    assert buckets.take("192.0.2.1", 100.5) > 0.0


def test_who_was_quiet_has_no_more_than_a_burst() -> None:
    buckets = Buckets(Limits(requests_per_s=100, requests_burst=2))
    buckets.take("192.0.2.1", 0.0)
    assert [buckets.take("192.0.2.1", 1e6) for _ in range(3)] == [0.0, 0.0, pytest.approx(0.01)]


def test_one_ipv6_network_is_one_client_and_a_mapped_address_is_ipv4() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("unknown") == "unknown"


def test_many_addresses_do_not_fill_the_memory() -> None:
    buckets = Buckets(Limits(requests_per_s=0.001, requests_burst=1))
    buckets.take("192.0.2.1", 0.0)
    for number in range(ADDRESSES_MAX):
        buckets.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(buckets._buckets) == ADDRESSES_MAX
    assert buckets.take("192.0.2.1", 0.0) == 0.0


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvariantBroken):
        Limits(page_default=300, page_max=200)
    with pytest.raises(InvariantBroken):
        Limits(page_max=501)

"""The hello of a resharing names the committee to come; that of the first key does not."""

from __future__ import annotations

import pytest

from consensus.encoding import Value, encode
from consensus.simulator.runs import keys
from oracle.audit.values import CeremonyBody, Malformed, read_entry

KEYS = tuple(key.public_key.format() for key in keys(4))


def hello(epoch: int, **more: Value) -> bytes:
    body: Value = {"epoch": epoch, "session": bytes(32), "attachment": bytes(32), **more}
    return encode({"network": bytes(32), "height": 9, "previous": bytes(32), "kind": "hello", "body": body})


def test_the_committee_to_come_is_read_from_the_hello_of_a_resharing() -> None:
    body = read_entry(hello(2, committee=KEYS)).body
    assert isinstance(body, CeremonyBody)
    assert body.committee == KEYS


@pytest.mark.parametrize(
    "data",
    [hello(1, committee=KEYS), hello(2), hello(2, committee=KEYS[:3]), hello(2, committee=KEYS[:3] * 2)],
)
def test_a_hello_without_its_committee_or_with_one_that_is_none_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_entry(data)

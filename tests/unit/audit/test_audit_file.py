"""The export file: strict to the byte, and no byte of it can be changed unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from consensus.model import Rejected
from oracle.audit.bundle import Bundle, build, parse
from oracle.audit.document import MAGIC, BundleReason
from oracle.audit.verify import verify
from tests.unit.audit.world import Draft, resealed, unsealed_body

STRIDE = 53
"""Every byte is tried under the old checksum, one in so many under a new one."""


@pytest.fixture(scope="module")
def file() -> bytes:
    return build(Draft().parts())


def with_body(body: bytes) -> bytes:
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def reason(data: bytes) -> BundleReason:
    read = parse(data)
    assert isinstance(read, Rejected)
    assert isinstance(read.reason, BundleReason)
    return read.reason


def test_a_file_reads_back_and_is_written_the_same_again(file: bytes) -> None:
    assert isinstance(parse(file), Bundle)
    assert file == resealed(file, lambda _: None)
    assert file.startswith(b"wattest-bundle/1 sha256:")
    assert file.endswith(b"}\n")
    assert file.isascii()


def test_every_single_byte_counts(file: bytes) -> None:
    for at in range(len(file)):
        bent = bytearray(file)
        bent[at] ^= 1
        verdict = verify(bytes(bent), backend="fast")
        assert verdict.first_failure is not None, at
        assert verdict.first_failure.name == "file", at


def test_a_file_cut_short_anywhere_fails(file: bytes) -> None:
    for at in range(0, len(file), STRIDE):
        assert not verify(file[:at], backend="fast").passed


def test_no_byte_can_be_changed_even_with_a_new_checksum(file: bytes) -> None:
    body = unsealed_body(file)
    unproven = unproven_spans(body)
    failed_at: set[str] = set()
    for at in range(0, len(body), STRIDE):
        if any(start <= at < end for start, end in unproven):
            continue
        bent = bytearray(body)
        bent[at] = ord("1") if bent[at] != ord("1") else ord("2")
        verdict = verify(with_body(bytes(bent)), backend="fast")
        assert verdict.first_failure is not None, body[at - 40 : at + 40]
        failed_at.add(verdict.first_failure.name)
    assert {"file", "zone-trees", "epoch", "energy", "registry", "chain"} <= failed_at


def unproven_spans(body: bytes) -> list[tuple[int, int]]:
    """What only the chain can confirm and the verdict says so: the block, and when it was mined."""
    height = body.index(b'"block-height":')
    attested = body.index(b"attested-at".hex().encode())
    return [(height, height + 19), (attested, attested + 56)]


def test_a_file_of_another_kind_is_not_a_bundle(file: bytes) -> None:
    assert reason(b"") is BundleReason.NOT_A_BUNDLE
    assert reason(b"{}\n") is BundleReason.NOT_A_BUNDLE
    assert reason(file.replace(b"bundle/1", b"bundle/2", 1)) is BundleReason.NOT_A_BUNDLE
    assert reason(file + b"\n") is BundleReason.CHECKSUM
    read = parse(file, bytes_max=100)
    assert isinstance(read, Rejected)
    assert read.reason is BundleReason.TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}\n',
        b'{"a": 1}\n',
        b'{"b":1,"a":1}\n',
        b'{"a":1}',
        b'{"a":1.0}\n',
        b'{"a":NaN}\n',
        b"\xef\xbb\xbf{}\n",
        b"[" * 100_000 + b"\n",
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"' + b'\\"' * 100_000 + b"\n",
        b"1" * 5000 + b"\n",
        b"nothing\n",
    ],
)
def test_json_that_would_be_written_differently_is_not_canonical(body: bytes) -> None:
    assert reason(with_body(body)) is BundleReason.NOT_CANONICAL


Bend = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "bend",
    [
        lambda content: content.pop("chain"),
        lambda content: content.update(more=1),
        lambda content: content.update(zones={}),
        lambda content: content.update(genesis="00"),
        lambda content: content.update(genesis=content["genesis"].upper()),
        lambda content: content["signed"].update(bls="00"),
        lambda content: content["signed"].update(more=""),
        lambda content: content["signed"].update(entry=content["signed"]["certificate"]),
        lambda content: content["records"][0].update(data="A"),
        lambda content: content["records"][0].update(data=content["records"][0]["data"] + "===="),
        lambda content: content["records"][0].update(format="xml"),
        lambda content: content["records"][0].update(source=-1),
        lambda content: content["records"][0].update(source=True),
        lambda content: content["batches"][0]["items"][0].update({"time-s": 1}),
        lambda content: content["batches"].clear(),
        lambda content: content["devices"][0]["proof"].update(path=["00" * 32] * 25),
        lambda content: content["devices"][0]["proof"].update(path=["00"]),
        lambda content: content["epochs"][0].update({"node-keys": []}),
        lambda content: content["observations"][0].update(signature="00"),
        lambda content: content.update(attachment="aGk="),
        lambda content: content["chain"].update(contract="03"),
        lambda content: content["chain"].update(txid=7),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_malformed(file: bytes, bend: Bend) -> None:
    bent = resealed(file, bend)  # type: ignore[arg-type]  # what a bend returns does not matter
    assert reason(bent) is BundleReason.MALFORMED
    verdict = verify(bent, backend="fast")
    assert verdict.first_failure is not None
    assert verdict.first_failure.name == "file"
    assert verdict.first_failure.sentence.startswith("malformed: ")


def test_a_json_value_that_is_no_object_is_malformed() -> None:
    for body in (b"[]\n", b"null\n", b'"text"\n'):
        assert reason(with_body(body)) is BundleReason.MALFORMED


def test_the_listing_of_batches_is_made_from_the_batches(file: bytes) -> None:
    batches = json.loads(unsealed_body(file))["batches"]
    assert [item["usage-point"] for item in batches[0]["items"]] == [4, 7, 8]
    assert [item["format"] for item in batches[0]["items"]] == ["register", "ocmf", "dsmr"]

"""Properties of the auditor: nothing bent passes, nothing raises, two backends agree."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from coincurve import PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consensus.model import Rejected
from oracle.audit.backend import select
from oracle.audit.bundle import build, parse
from oracle.audit.document import MAGIC
from oracle.audit.merkle import Proof, double_sha256, prove, proves, root_of
from oracle.audit.meters import parse_batch, parse_dsmr, parse_ocmf, raw_signature
from oracle.audit.transaction import parse_contract_call
from oracle.audit.values import Malformed
from oracle.audit.verify import verify
from tests.unit.audit import world
from tests.unit.audit.world import Draft, unsealed_body

FAST, REFERENCE = select("fast"), select("reference")
FILE = build(Draft().parts())
BODY = unsealed_body(FILE)
OCMF = Draft().records[1].data
TELEGRAM = Draft().records[5].data
BATCH = Draft().records[world.GATEWAY].data
TRANSACTION = world.transaction("submit-window", [1, b"\x00", {"a": 1}])

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def resealed(body: bytes) -> bytes:
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@bounded
@given(st.integers(0, len(BODY) - 1), st.sampled_from("0123456789abcdef"))
def test_no_bent_byte_passes_though_the_checksum_fits(at: int, letter: str) -> None:
    bent = BODY[:at] + letter.encode() + BODY[at + 1 :]
    height, mined = BODY.index(b'"block-height":'), BODY.index(b"attested-at".hex().encode())
    unproven = height <= at < height + 19 or mined <= at < mined + 56  # the verdict names both as unchecked
    if bent != BODY and not unproven:
        assert not verify(resealed(bent), backend=FAST).passed


@bounded
@given(st.binary(max_size=300))
def test_reading_a_file_never_raises(data: bytes) -> None:
    assert isinstance(parse(data), Rejected)
    assert isinstance(parse(resealed(data)), Rejected)


@bounded
@given(st.sampled_from([OCMF, TELEGRAM, BATCH, TRANSACTION]), st.integers(0, 4000), st.binary(max_size=6))
def test_readers_of_foreign_bytes_raise_malformed_and_nothing_else(
    data: bytes, at: int, patch: bytes
) -> None:
    bent = data[: at % len(data)] + patch + data[at % len(data) + len(patch) :]
    for read in (parse_ocmf, parse_dsmr, parse_batch, parse_contract_call):
        try:
            read(bent)
        except Malformed:
            continue
    raw_signature(bent)


@bounded
@given(st.integers(1, 200), st.data())
def test_a_leaf_proves_its_own_place_and_no_other(count: int, data: st.DataObject) -> None:
    leaves = [double_sha256(bytes([index])) for index in range(count)]
    at = data.draw(st.integers(0, count - 1))
    root, proof = root_of(leaves), prove(leaves, at)
    assert proves(leaves[at], proof, root)
    elsewhere = data.draw(st.integers(0, count).filter(lambda index: index != at))
    assert not proves(leaves[at], Proof(elsewhere, count, proof.path), root)
    assert not proves(leaves[at], Proof(at, 2 * count + 1, proof.path), root)
    assert not proves(double_sha256(b"another"), proof, root)
    if proof.path:
        assert not proves(leaves[at], replace(proof, path=proof.path[1:]), root)


@bounded
@given(st.binary(min_size=32, max_size=32), st.integers(0, 64), st.integers(0, 255))
def test_backends_recover_the_same_key_or_none(digest: bytes, at: int, bits: int) -> None:
    signature = bytearray(PrivateKey(world.secret("property")).sign_recoverable(digest, hasher=None))
    signature[at] ^= bits
    bent = bytes(signature)
    assert FAST.recover_secp256k1(digest, bent) == REFERENCE.recover_secp256k1(digest, bent)


@bounded
@given(st.binary(min_size=32, max_size=32), st.integers(0, 63), st.sampled_from([0, 0, 1, 128]))
def test_backends_agree_on_meter_signatures(digest: bytes, at: int, bits: int) -> None:
    def bend(signature: bytes) -> bytes:
        return signature[:at] + bytes([signature[at] ^ bits]) + signature[at + 1 :]

    key = world.compressed(world.METER_KEYS[1])
    p256 = bend(world.p256_raw(world.METER_KEYS[1], digest))
    found = FAST.verify_secp256r1(digest, p256, key)
    assert found is (bits == 0)
    assert REFERENCE.verify_secp256r1(digest, p256, key) is found
    ed_key, ed = world.METER_ED.public_key().public_bytes_raw(), bend(world.METER_ED.sign(digest))
    assert FAST.verify_ed25519(digest, ed, ed_key) is (bits == 0)
    assert REFERENCE.verify_ed25519(digest, ed, ed_key) is (bits == 0)


@bounded
@given(st.binary(min_size=32, max_size=32))
def test_backends_agree_on_any_key(key: bytes) -> None:
    digest, signature = bytes(32), world.p256_raw(world.METER_KEYS[1], bytes(32))
    for parity in (b"\x02", b"\x03"):
        assert FAST.verify_secp256r1(digest, signature, parity + key) is REFERENCE.verify_secp256r1(
            digest, signature, parity + key
        )
        assert FAST.verify_secp256k1(digest, signature, parity + key) is REFERENCE.verify_secp256k1(
            digest, signature, parity + key
        )
    ed = world.METER_ED.sign(digest)
    assert FAST.verify_ed25519(digest, ed, key) is REFERENCE.verify_ed25519(digest, ed, key)

"""Properties of shares, batches and ceremonies, over random keys, committees and liars."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.dkg.bundle import Bundle, decode_attachment
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.polynomial import possession_holds, prove_possession, secret_polynomial, share_fits
from consensus.dkg.status import Complete, Failed, Phase
from consensus.encoding import Value, encode
from consensus.model import NodeId, Rejected, faults, quorum
from consensus.threshold import bls, reference
from consensus.threshold.batch import find_invalid
from consensus.threshold.bls import FAST
from consensus.threshold.reference import REFERENCE
from consensus.threshold.scheme import ORDER, SIGNATURE_DST, is_canonical
from consensus.threshold.shares import (
    BadShares,
    Combined,
    PublicPolynomial,
    SecretShare,
    combine,
    lagrange_at_zero,
    scalar_from,
)
from tests.unit.dkg.ceremonies import Tamper, genesis, run, without

SEEDS = st.binary(min_size=32, max_size=32)
MESSAGES = st.binary(min_size=32, max_size=32)
SECRETS = st.integers(1, ORDER - 1)
FEW = settings(max_examples=8, deadline=None)
SOME = settings(max_examples=30, deadline=None)
MANY = settings(max_examples=150, deadline=None)


@st.composite
def shared_keys(draw: st.DrawFn) -> tuple[PublicPolynomial, list[SecretShare]]:
    members = draw(st.integers(4, 13))
    polynomial = secret_polynomial(draw(SEEDS), bytes(32), quorum(members), None)
    shares = [
        SecretShare(slot, int.from_bytes(polynomial.share(slot), "big"))
        for slot in map(NodeId, range(members))
    ]
    return PublicPolynomial(polynomial.commit()), shares


@SOME
@given(shared_keys(), MESSAGES, st.data())
def test_liars_never_change_the_signature_and_never_blame_the_honest(
    key: tuple[PublicPolynomial, list[SecretShare]], message: bytes, data: st.DataObject
) -> None:
    polynomial, shares = key
    slots = [share.slot for share in shares]
    liars = set(data.draw(st.lists(st.sampled_from(slots), max_size=len(slots), unique=True)))
    lie = data.draw(st.sampled_from([b"", bytes([0xC0]) + bytes(47), shares[0].sign(bytes(32)), bytes(48)]))
    partials = {share.slot: lie if share.slot in liars else share.sign(message) for share in shares}
    honest = len(slots) - len(liars)
    combined = combine(polynomial, message, partials)
    assert set(combined.culprits) <= liars
    if honest >= polynomial.threshold:
        assert isinstance(combined, Combined)
        secret = sum(
            weight * share.scalar for weight, share in zip(lagrange_at_zero(slots), shares, strict=True)
        )
        assert combined.signature == FAST.secret_g1(secret % ORDER, message, SIGNATURE_DST)
    else:
        assert combined == BadShares(tuple(sorted(liars)), polynomial.threshold - honest)


@FEW
@given(SECRETS, st.binary(max_size=64), st.booleans())
def test_both_libraries_agree_on_what_is_valid(secret: int, message: bytes, honest: bool) -> None:
    key = FAST.secret_g2(secret)
    signature = FAST.secret_g1(secret, message if honest else message + b"x", SIGNATURE_DST)
    assert REFERENCE.secret_g2(secret) == key
    assert bls.verify(key, message, signature) == reference.verify(key, message, signature) == honest


@SOME
@given(st.binary(min_size=47, max_size=47), st.sampled_from([0x80, 0xA0, 0xC0, 0xE0, 0x00, 0x9A, 0xBA]))
def test_both_libraries_read_the_same_points(rest: bytes, first: int) -> None:
    data = bytes([first]) + rest
    fast, slow = FAST.decode_g1(data), REFERENCE.decode_g1(data)
    assert (fast is None) == (slow is None)
    if fast is not None:
        assert FAST.encode_g1(fast) == data


@SOME
@given(SECRETS, st.integers(0, 47), st.integers(1, 255))
def test_a_point_has_one_form_only(secret: int, position: int, flip: int) -> None:
    good = FAST.secret_g1(secret, b"m", SIGNATURE_DST)
    other = bytearray(good)
    other[position] ^= flip
    point, changed = FAST.decode_g1(good), FAST.decode_g1(bytes(other))
    assert point is not None
    assert changed is None or FAST.encode_g1(changed) == bytes(other)


@MANY
@given(st.binary(min_size=1, max_size=100))
def test_any_bytes_are_read_or_refused_without_an_error(data: bytes) -> None:
    for decode, size in ((FAST.decode_g1, 48), (FAST.decode_g2, 96)):
        assert is_canonical(data, size) or decode(data) is None
    assert not bls.verify(data, data, data)
    assert scalar_from(data) is None or len(data) == 32
    assert isinstance(decode_attachment(data), Rejected)


@SOME
@given(SEEDS, st.integers(2, 8), st.integers(0, 30))
def test_a_share_fits_its_commitments_and_no_other_slot(seed: bytes, threshold: int, slot: int) -> None:
    polynomial = secret_polynomial(seed, bytes(32), threshold, None)
    commitments, share = polynomial.commit(), polynomial.share(NodeId(slot))
    assert share_fits(commitments, NodeId(slot), share)
    assert not share_fits(commitments, NodeId(slot + 1), share)
    proof = prove_possession(polynomial.coefficients[0], bytes(32), NodeId(slot))
    assert possession_holds(commitments[0], proof, bytes(32), NodeId(slot))
    assert not possession_holds(commitments[0], proof, bytes(32), NodeId(slot + 1))
    assert not possession_holds(commitments[0], proof, bytes([1]) * 32, NodeId(slot))


@SOME
@given(SECRETS, SEEDS, st.lists(st.booleans(), max_size=12))
def test_a_batch_names_exactly_the_wrong_signatures(secret: int, seed: bytes, wrong: list[bool]) -> None:
    messages = [hashlib.sha256(bytes([number])).digest() for number in range(len(wrong))]
    signed = [
        (message, FAST.secret_g1(secret, bytes(32) if bad else message, SIGNATURE_DST))
        for message, bad in zip(messages, wrong, strict=True)
    ]
    expected = tuple(position for position, bad in enumerate(wrong) if bad)
    assert find_invalid(FAST.secret_g2(secret), signed, seed) == expected


def garbled(slot: int, field: int, value: Value) -> Tamper:
    def tamper(_: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
        changed = []
        for bundle in bundles:
            own = [key for key in sorted(bundle.payload) if key not in ("topic", "session", "slot")]
            payload = {**bundle.payload, own[field % len(own)]: value}
            changed.append(Bundle(bundle.slot, payload) if bundle.slot == slot else bundle)
        return changed

    return tamper


VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.integers(0, 40),
    st.binary(max_size=96),
    st.lists(st.integers(0, 6), max_size=4).map(tuple),
    st.lists(st.binary(min_size=96, max_size=96), min_size=3, max_size=3).map(tuple),
)


@SOME
@given(st.sampled_from(list(Phase)), st.integers(0, 3), st.integers(0, 2), VALUES)
def test_one_liar_of_four_never_stops_a_ceremony_or_errs_a_node(
    phase: Phase, slot: int, field: int, value: Value
) -> None:
    plan, participants = genesis(4)
    ceremony = run(plan, participants, {phase: garbled(slot, field, value)})
    assert isinstance(ceremony.status, Complete)
    assert {fault.slot for fault in ceremony.faults} <= {slot}
    assert bls.verify(
        ceremony.status.outcome.polynomial.group_key,
        ceremony.status.outcome.activation,
        ceremony.status.signature,
    )


@FEW
@given(st.integers(4, 8), st.sampled_from(list(Phase)), st.data())
def test_a_ceremony_completes_exactly_when_a_quorum_is_there(
    members: int, phase: Phase, data: st.DataObject
) -> None:
    plan, participants = genesis(members)
    away = data.draw(st.lists(st.integers(0, members - 1), unique=True, max_size=faults(members) + 1))
    ceremony = run(plan, participants, {phase: without(*away)})
    complete = phase is Phase.JUSTIFY or members - len(away) >= plan.members.quorum
    assert isinstance(ceremony.status, Complete if complete else Failed)
    assert encode({"state": ceremony.to_bytes()})

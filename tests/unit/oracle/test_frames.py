"""Frames: what is written is read again, what is not written by us is refused and never raises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.agreement import wire
from consensus.encoding import Value, encode
from consensus.envelope import ProposalFrame, Verified, open_proposal
from consensus.messages import MessageReason, Proposal
from consensus.model import ZERO_DIGEST, Committee, Digest, EpochNumber, Height, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK, keys
from oracle import frames
from oracle.frames import (
    InventoryNotice,
    NodeMessage,
    Observation,
    Observations,
    ObservationsWanted,
    Part,
    PartWanted,
    Records,
    RecordsWanted,
    Rows,
    RowsWanted,
    Share,
)
from oracle.model import Record, RecordHash, UsagePoint, WindowStart
from oracle.tenure import INSTANCE_BYTES, LEASE_MS_MAX, Claim, Grant
from oracle.windows.readings import Rows as PackedRows
from tests.unit.oracle.network import (
    COMMITTEE,
    COMMITTEES,
    KEYS,
    certified,
    entry_of,
    observations_by,
    signed,
    vote_of,
)

W = WindowStart(9_000)
HASH = RecordHash(hashlib.sha256(b"record").digest())
DIGEST = Digest(hashlib.sha256(b"entry").digest())
ROW = Observation(UsagePoint(3), W + 900, 1_500, 20, 7, HASH)


def parse(frame: bytes) -> NodeMessage | Rejected:
    return frames.parse(frame, NETWORK, COMMITTEES)


def reason_of(frame: bytes) -> MessageReason:
    answer = parse(frame)
    assert isinstance(answer, Rejected), answer
    assert isinstance(answer.reason, MessageReason)
    return answer.reason


def bundle_payload(**more: Value) -> bytes:
    return encode({"topic": "hello", "session": bytes(32), "slot": 1, **more})


def observed(*rows: Observation, slot: int = 2) -> Verified[Observations]:
    return observations_by(slot, Observations(COMMITTEE.epoch, W, rows))


def proposal_of(attachment: bytes, named: bytes | None) -> ProposalFrame:
    body: dict[str, Value] = {"window": W} if named is None else {"attachment": named}
    entry = entry_of("deal", body)
    slot = COMMITTEE.proposer(ZERO_DIGEST, Round(0))
    proposal = Proposal(COMMITTEE.epoch, Height(1), Round(0), entry.digest, None)
    payload = encode(proposal.value(NETWORK))
    opened = open_proposal(payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert isinstance(opened, Verified)
    return ProposalFrame(opened, entry, attachment, None)


def entries_of(attachment: bytes, named: bytes) -> bytes:
    decided = certified(entry_of("deal", {"attachment": named}))
    return wire.entries_frame(((decided.entry.encoded(), decided.certificate.encoded(), attachment),))


SHARE = Share(Height(4), DIGEST, bytes(48), EpochNumber(1))
NOTICE = InventoryNotice(W, b"inventory", bytes(32))
PACKED = PackedRows.from_bytes((3).to_bytes(8, "big") + HASH, rows_max=1)
assert isinstance(PACKED, PackedRows)
CLAIM = Claim(bytes(INSTANCE_BYTES), 3, 5_000)
GRANT = Grant(bytes(INSTANCE_BYTES), 3, granted=True, height=12)
EVERY: list[tuple[NodeMessage, bytes]] = [
    (NOTICE, frames.inventory_frame(NOTICE)),
    *(
        (one, frames.rows_wanted_frame(one))
        for one in (RowsWanted(W, None, (0, 5)), RowsWanted(W, DIGEST, ()))
    ),
    *(
        (one, frames.rows_frame(one))
        for one in (Rows(W, DIGEST, ((4, PACKED.to_bytes()),)), Rows(W, None, ()))
    ),
    (RecordsWanted((HASH, HASH)), frames.records_wanted_frame((HASH, HASH))),
    (Records((Record("ocmf", 7, b"data"),)), frames.records_frames((Record("ocmf", 7, b"data"),))[0]),
    (observed(ROW), frames.signed_frame(observed(ROW))),
    (signed(1, bundle_payload()), frames.signed_frame(signed(1, bundle_payload()))),
    (ObservationsWanted(W, NodeId(3)), frames.observations_wanted_frame(ObservationsWanted(W, NodeId(3)))),
    (SHARE, frames.share_frame(SHARE)),
    (PartWanted(Height(4), "window"), frames.part_wanted_frame(PartWanted(Height(4), "window"))),
    (Part(Height(4), "window", b"leaves"), frames.part_frame(Part(Height(4), "window", b"leaves"))),
    (CLAIM, frames.claim_frame(CLAIM)),
    *((one, frames.grant_frame(one)) for one in (GRANT, replace(GRANT, granted=False))),
    (vote_of(1, 3, DIGEST), wire.vote_frame(vote_of(1, 3, DIGEST))),
    (wire.Status(Height(3), Round(1), 5, 2), wire.status_frame(wire.Status(Height(3), Round(1), 5, 2))),
    (wire.EntriesWanted(Height(3)), wire.entries_wanted_frame(Height(3))),
    (proposal_of(b"kept", None), wire.proposal_frame(proposal_of(b"kept", None))),
]


@pytest.mark.parametrize(("message", "frame"), EVERY, ids=lambda one: type(one).__name__)
def test_every_frame_is_read_as_it_was_written(message: NodeMessage, frame: bytes) -> None:
    assert parse(frame) == message
    assert len(frame) <= frames.FRAME_BYTES_MAX


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_never_raise(data: bytes) -> None:
    assert isinstance(parse(data), Rejected)


@pytest.mark.parametrize("frame", [frame for _, frame in EVERY], ids=lambda one: f"{len(one)}-bytes")
def test_a_frame_with_flipped_bits_never_raises_and_no_signature_survives_it(frame: bytes) -> None:
    chance = Random(len(frame))
    message = parse(frame)
    for _ in range(150):
        damaged = bytearray(frame)
        damaged[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
        answer = parse(bytes(damaged))
        if isinstance(message, Verified) and not isinstance(answer, Rejected):
            assert isinstance(answer, Verified)
            assert answer.message == message.message


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["inventory", "rows", "rows-wanted", "records", "signed", "share", "part", "hello", "x"]),
    st.dictionaries(
        st.sampled_from(["window", "data", "observed", "proposal", "buckets", "records", "payload", "slot"]),
        st.one_of(st.integers(0, 1 << 100), st.binary(max_size=70), st.booleans(), st.just(())),
    ),
)
def test_frames_of_any_fields_are_a_message_or_refused_and_never_raise(
    topic: str, fields: dict[str, Value]
) -> None:
    answer = parse(encode({"topic": topic, **fields}))
    assert isinstance(answer, Rejected | InventoryNotice | Rows | RowsWanted | Records)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        encode({"topic": "observations"}),
        encode({"topic": "vote"}),
        encode({"topic": 5}),
        encode(5),
        encode({"topic": "observations", "network": NETWORK, "epoch": 1, "window": 0, "rows": (5,)}),
    ],
)
def test_signed_frames_around_anything_are_refused_and_never_raise(payload: bytes) -> None:
    frame = encode({"topic": "signed", "sender": 1, "payload": payload, "signature": bytes(65)})
    assert isinstance(parse(frame), Rejected)


def test_a_signed_message_counts_for_its_signer_only() -> None:
    right = observed(ROW, slot=2)
    for slot, why in ((1, MessageReason.BAD_SIGNATURE), (9, MessageReason.NOT_A_MEMBER)):
        lie: Value = {
            "topic": "signed",
            "sender": slot,
            "payload": right.payload,
            "signature": right.signature,
        }
        assert reason_of(encode(lie)) is why


def test_observations_of_another_network_or_epoch_are_refused_by_name() -> None:
    elsewhere = Observations(COMMITTEE.epoch, W, (ROW,)).value(NETWORK) | {"network": bytes(32)}
    later = Observations(EpochNumber(2), W, (ROW,)).value(NETWORK)
    for value, why in ((elsewhere, MessageReason.WRONG_NETWORK), (later, MessageReason.UNKNOWN_EPOCH)):
        payload = encode(value)
        signature = KEYS[0].sign_recoverable(payload)
        frame = encode({"topic": "signed", "sender": 0, "payload": payload, "signature": signature})
        assert reason_of(frame) is why


def test_observations_name_a_usage_point_once_and_in_order() -> None:
    other = Observation(UsagePoint(4), W, 0, 0, 0, HASH)
    assert observed(ROW, other).message.rows == (ROW, other)
    for rows in ((other, ROW), (ROW, ROW)):
        payload = encode(Observations(COMMITTEE.epoch, W, rows).value(NETWORK))
        signature = KEYS[2].sign_recoverable(payload)
        frame = encode({"topic": "signed", "sender": 2, "payload": payload, "signature": signature})
        assert reason_of(frame) is MessageReason.WRONG_SHAPE


def test_whatever_number_a_reading_may_hold_can_be_observed() -> None:
    # A forged unsigned record with a register or sequence beyond 2^48 stopped every node that
    # heard it: its own signed observations did not open.
    most = (1 << 63) - 1
    extreme = Observation(UsagePoint(most), 1 << 33, 10**15, 10**15, most, HASH)
    assert observed(extreme).message.rows == (extreme,)


def test_a_bundle_is_verified_by_the_newest_committee() -> None:
    newer = Committee(EpochNumber(2), tuple(key.public_key.format() for key in keys(7)[3:]))
    payload = bundle_payload()
    signature = keys(7)[4].sign_recoverable(payload)
    frame = encode({"topic": "signed", "sender": 1, "payload": payload, "signature": signature})
    assert isinstance(frames.parse(frame, NETWORK, COMMITTEES), Rejected)
    assert isinstance(frames.parse(frame, NETWORK, COMMITTEES | {newer.epoch: newer}), Verified)


def test_an_entry_that_names_its_attachment_comes_with_that_one_only() -> None:
    # U1, K1: certificate and signature are over the entry; a peer could serve any attachment.
    good = b"the bundles"
    named = hashlib.sha256(good).digest()
    assert isinstance(parse(entries_of(good, named)), wire.Entries)
    assert isinstance(parse(wire.proposal_frame(proposal_of(good, named))), ProposalFrame)
    assert reason_of(entries_of(b"other bundles", named)) is MessageReason.WRONG_SHAPE
    assert reason_of(wire.proposal_frame(proposal_of(b"", named))) is MessageReason.WRONG_SHAPE


def frame_with(topic: str, **fields: Value) -> Callable[[], bytes]:
    return lambda: encode({"topic": topic, **fields})


@pytest.mark.parametrize(
    "make",
    [
        frame_with("inventory", window=W, data=bytes(frames.INVENTORY_BYTES_MAX + 1), observed=b""),
        frame_with("claim", instance=bytes(INSTANCE_BYTES), number=1, **{"lease-ms": LEASE_MS_MAX + 1}),
        frame_with("claim", instance=bytes(INSTANCE_BYTES - 1), number=1, **{"lease-ms": 1}),
        frame_with("inventory", window=W, data=b"", observed=bytes(31)),
        frame_with("rows-wanted", window=W, proposal=b"", buckets=tuple(range(frames.BUCKETS_MAX + 1))),
        frame_with("rows-wanted", window=W, proposal=b"", buckets=(frames.BUCKETS_MAX,)),
        frame_with("rows-wanted", window=W, proposal=bytes(5), buckets=()),
        frame_with("records-wanted", hashes=bytes(33)),
        frame_with("records-wanted", hashes=bytes(32 * (frames.RECORDS_PER_FRAME + 1))),
        frame_with(
            "rows",
            window=W,
            proposal=b"",
            buckets=({"bucket": 0, "rows": bytes(frames.ROWS_PER_FRAME * 40 + 1)},),
        ),
        frame_with(
            "records", records=({"format": "x", "source": 1, "data": bytes(frames.RECORD_BYTES_MAX + 1)},)
        ),
        frame_with("records", records=({"format": "x", "source": 1, "data": b"", "more": 1},)),
        frame_with("share", height=1, digest=bytes(32), signature=bytes(47)),
        frame_with("part", height=1, name="a" * 25, data=b""),
        frame_with("observations-wanted", window=W, slot=256),
        frame_with("status", height=1, round=0, prevotes=0, commits=0, more=1),
        frame_with("unheard-of"),
    ],
)
def test_what_is_beyond_a_limit_is_refused(make: Callable[[], bytes]) -> None:
    assert reason_of(make()) is MessageReason.WRONG_SHAPE


def test_a_frame_longer_than_any_of_ours_is_not_even_decoded() -> None:
    assert reason_of(bytes(frames.FRAME_BYTES_MAX + 1)) is MessageReason.TOO_LARGE


def test_records_go_into_as_few_frames_as_hold_them_and_all_of_them_are_read() -> None:
    sizes = [frames.RECORD_BYTES_MAX] * 5 + [1] * (2 * frames.RECORDS_PER_FRAME)
    records = tuple(Record("batch", at, bytes([at % 256]) * size) for at, size in enumerate(sizes))
    sent = frames.records_frames(records)
    read: list[Record] = []
    for frame in sent:
        message = parse(frame)
        assert isinstance(message, Records)
        assert len(message.records) <= frames.RECORDS_PER_FRAME
        read += message.records
    assert tuple(read) == records
    assert len(sent) == 4  # three of the largest, then two and as many as may be, and the rest
    assert frames.records_frames(()) == []


def test_the_largest_of_each_still_fits_a_frame() -> None:
    rows = tuple(
        Observation(UsagePoint(at), W, at, at, at, HASH) for at in range(frames.OBSERVATIONS_PER_FRAME)
    )
    largest = [
        frames.inventory_frame(InventoryNotice(W, bytes(frames.INVENTORY_BYTES_MAX), bytes(32))),
        frames.rows_wanted_frame(RowsWanted(W, DIGEST, tuple(range(frames.BUCKETS_MAX)))),
        frames.records_frames((Record("batch", 1, bytes(frames.RECORD_BYTES_MAX)),))[0],
        frames.part_frame(Part(Height(1 << 48), "n" * 24, bytes(frames.PART_BYTES_MAX))),
        frames.signed_frame(observed(*rows)),
    ]
    for frame in largest:
        assert not isinstance(parse(frame), Rejected)

"""Bundles are strict, sessions are separate, and voters refuse what must not be agreed (K1)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consensus.dkg import sealing
from consensus.dkg.bundle import (
    Bundle,
    BundleReason,
    Envelope,
    decode_attachment,
    encode_attachment,
    parse_confirmation,
    parse_deal,
    parse_hello,
    parse_justification,
    parse_response,
)
from consensus.dkg.ceremony import Ceremony, JudgeReason
from consensus.dkg.status import Phase
from consensus.encoding import EncodingError, Value, decode, encode
from consensus.model import InvariantBroken, NodeId, Rejected
from tests.unit.dkg.ceremonies import genesis, node_key, run

PLAN, PARTICIPANTS = genesis(4)


def bundles_at(phase: Phase) -> tuple[Ceremony, list[Bundle]]:
    ceremony = run(PLAN, PARTICIPANTS, until=phase)
    made = [participant.next_bundle(ceremony) for participant in PARTICIPANTS]
    return ceremony, [bundle for bundle in made if isinstance(bundle, Bundle)]


def justification() -> tuple[Ceremony, list[Bundle]]:
    tampers = {
        Phase.RESPOND: lambda _, bundles: [
            Bundle(b.slot, {**b.payload, "complaints": (0,)}) if b.slot == 3 else b for b in bundles
        ]
    }
    ceremony = run(PLAN, PARTICIPANTS, tampers, until=Phase.JUSTIFY)
    answer = PARTICIPANTS[0].next_bundle(ceremony)
    assert isinstance(answer, Bundle)
    return ceremony, [answer]


CASES: list[tuple[Callable[[], tuple[Ceremony, list[Bundle]]], Callable[..., Any]]] = [
    (lambda: bundles_at(Phase.HELLO), parse_hello),
    (lambda: bundles_at(Phase.DEAL), parse_deal),
    (lambda: bundles_at(Phase.RESPOND), parse_response),
    (justification, parse_justification),
    (lambda: bundles_at(Phase.ACTIVATE), parse_confirmation),
]
NAMES = ["hello", "deal", "respond", "justify", "confirm"]


def reason_of(result: object) -> object:
    assert isinstance(result, Rejected), result
    return result.reason


@pytest.mark.parametrize(("make", "parse"), CASES, ids=NAMES)
def test_what_is_written_is_read_again(make: Any, parse: Any) -> None:
    _, bundles = make()
    payload = decode(encode(bundles[0].payload))
    assert parse(PLAN, bundles[0].slot, payload).payload(PLAN.session) == payload


@pytest.mark.parametrize(("make", "parse"), CASES, ids=NAMES)
def test_bundle_of_another_session_topic_or_sender_is_foreign(make: Any, parse: Any) -> None:
    _, bundles = make()
    slot, payload = bundles[0].slot, bundles[0].payload
    for stranger in (
        {**payload, "session": bytes(32)},
        {**payload, "topic": "vote"},
        {**payload, "slot": slot + 1},
        {**payload, "slot": bool(slot)},
        {key: value for key, value in payload.items() if key != "session"},
        {"topic": payload["topic"]},
    ):
        if stranger != payload or isinstance(stranger.get("slot"), bool):
            assert reason_of(parse(PLAN, slot, stranger)) is BundleReason.FOREIGN
    assert reason_of(parse(replace(PLAN, attempt=1), slot, payload)) is BundleReason.FOREIGN


@pytest.mark.parametrize(("make", "parse"), CASES, ids=NAMES)
def test_bundle_with_fields_more_or_less_is_malformed(make: Any, parse: Any) -> None:
    _, bundles = make()
    slot, payload = bundles[0].slot, bundles[0].payload
    own = [key for key in payload if key not in ("topic", "session", "slot")]
    wrong = [{**payload, "extra": 1}]
    wrong += [{key: value for key, value in payload.items() if key != gone} for gone in own]
    wrong += [{**payload, key: None} for key in own]
    for bad in wrong:
        assert reason_of(parse(PLAN, slot, bad)) is BundleReason.MALFORMED


def test_lists_out_of_order_or_with_strangers_are_malformed() -> None:
    _, bundles = bundles_at(Phase.RESPOND)
    for complaints in ((2, 1), (1, 1), (True,), (b"",), (1, "x")):
        bad = {**bundles[0].payload, "complaints": complaints}
        assert reason_of(parse_response(PLAN, NodeId(0), bad)) is BundleReason.MALFORMED
    _, (answer,) = justification()
    share: dict[str, Value] = {"member": 3, "share": bytes(32)}
    wrong: list[Value] = [
        (share, share),
        ({**share, "share": bytes(31)},),
        ({**share, "more": 1},),
        ({**share, "member": True},),
        (3,),
    ]
    for shares in wrong:
        bad = {**answer.payload, "shares": shares}
        assert reason_of(parse_justification(PLAN, NodeId(0), bad)) is BundleReason.MALFORMED


@pytest.mark.parametrize("field", ["network", "attempt", "members"])
def test_the_session_depends_on_all_of_the_plan(field: str) -> None:
    bigger, _ = genesis(7)
    other = {
        "network": replace(PLAN, network=type(PLAN.network)(bytes(32))),
        "attempt": replace(PLAN, attempt=1),
        "members": bigger,
    }[field]
    assert other.session != PLAN.session


def test_voters_refuse_bundles_that_must_not_be_agreed() -> None:
    ceremony, bundles = bundles_at(Phase.DEAL)
    _, hellos = bundles_at(Phase.HELLO)
    again = PARTICIPANTS[0].next_bundle(ceremony)
    third = PARTICIPANTS[0].next_bundle(ceremony)
    assert isinstance(again, Bundle)
    assert isinstance(third, Bundle)
    stranger = Bundle(NodeId(4), {**bundles[0].payload, "slot": 4})
    replayed = Bundle(NodeId(1), bundles[0].payload)
    cases = [
        (Phase.HELLO, bundles, JudgeReason.OUT_OF_PHASE),
        (Phase.DEAL, bundles[::-1], JudgeReason.OUT_OF_ORDER),
        (Phase.DEAL, [bundles[0], bundles[0]], JudgeReason.OUT_OF_ORDER),
        (Phase.DEAL, [bundles[0], again, third], JudgeReason.OUT_OF_ORDER),
        (Phase.DEAL, [*bundles, stranger], JudgeReason.UNEXPECTED_SLOT),
        (Phase.DEAL, [replayed], JudgeReason.FOREIGN),
        (Phase.DEAL, hellos, JudgeReason.FOREIGN),
    ]
    for phase, refused, reason in cases:
        assert reason_of(ceremony.judge(phase, refused)) is reason
        with pytest.raises(InvariantBroken):
            ceremony.apply(phase, refused)
    assert ceremony.judge(Phase.DEAL, bundles) is None
    assert ceremony.judge(Phase.DEAL, [bundles[0], again]) is None  # two deals are evidence


def test_an_unaccused_dealer_cannot_reveal_shares() -> None:
    ceremony, (answer,) = justification()
    other = Bundle(NodeId(1), {**answer.payload, "slot": 1})
    assert reason_of(ceremony.judge(Phase.JUSTIFY, [other])) is JudgeReason.UNEXPECTED_SLOT


def test_the_signer_of_each_phase_is_known_by_slot() -> None:
    ceremony = Ceremony(PLAN)
    assert ceremony.node_key(Phase.DEAL, NodeId(2)) == node_key(2)
    assert ceremony.node_key(Phase.HELLO, NodeId(4)) is None
    assert ceremony.node_key(Phase.HELLO, NodeId(-1)) is None


def test_attachments_round_trip_and_refuse_anything_else() -> None:
    _, bundles = bundles_at(Phase.DEAL)
    envelopes = tuple(Envelope(b.slot, b.payload, bytes([b.slot]) * 65) for b in bundles)
    data = encode_attachment(envelopes)
    assert decode_attachment(data) == envelopes
    assert encode_attachment(envelopes) == data
    bad = [
        b"",
        data[:-1],
        encode(7),
        encode([{"slot": 1}]),
        encode([{"slot": True, "payload": {"topic": "x"}, "signature": bytes(65)}]),
        encode_attachment([replace(envelopes[0], signature=bytes(64))]),
        encode_attachment([envelopes[0]] * 63),
    ]
    for wrong in bad:
        assert reason_of(decode_attachment(wrong)) is BundleReason.MALFORMED


def test_a_saved_ceremony_that_was_changed_is_not_resumed() -> None:
    ceremony, _ = bundles_at(Phase.RESPOND)
    data = ceremony.to_bytes()
    assert Ceremony.from_bytes(data) == ceremony
    with pytest.raises(EncodingError):
        Ceremony.from_bytes(data[:-1])
    with pytest.raises(EncodingError):
        Ceremony.from_bytes(encode({"plan": 1, "history": ()}))
    with pytest.raises((EncodingError, InvariantBroken)):
        Ceremony.from_bytes(data.replace(PLAN.network, bytes(32)))


def test_sealed_shares_open_only_where_they_belong() -> None:
    private, other = bytes(range(32)), bytes(32)
    public = sealing.box_key(private)
    sealed = sealing.seal(b"s" * 32, public, bytes(32), NodeId(1), NodeId(2))
    assert len(sealed) == 80
    assert sealing.unseal(sealed, private, bytes(32), NodeId(1), NodeId(2)) == b"s" * 32
    wrong = [
        (sealed, other, bytes(32), 1, 2),
        (sealed, private, bytes([1]) * 32, 1, 2),
        (sealed, private, bytes(32), 0, 2),
        (sealed, private, bytes(32), 1, 3),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), private, bytes(32), 1, 2),
        (bytes(80), private, bytes(32), 1, 2),
        (b"", private, bytes(32), 1, 2),
    ]
    for data, key, session, dealer, member in wrong:
        assert sealing.unseal(data, key, session, NodeId(dealer), NodeId(member)) is None


def test_low_order_keys_are_not_usable() -> None:
    for low in (bytes(32), b"\x01" + bytes(31), bytes([0xEC]) + b"\xff" * 30 + b"\x7f"):
        assert not sealing.is_usable(low)
    assert sealing.is_usable(sealing.box_key(bytes(range(32))))

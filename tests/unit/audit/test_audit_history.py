"""The whole log at once: what it holds, and the height at which a bent one breaks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.encoding import Value, decode, encode
from consensus.model import ZERO_DIGEST
from oracle.audit.history import BATCH, Anchor, HistoryVerdict, verify_chain, weights_from
from oracle.audit.parts import SignedPart
from tests.unit.audit.world import FIRST, WINDOW_S, Draft, Network

RANDOMNESS = bytes(range(32))
NETWORK = Network()


def summary(window: int, revision: int = 0) -> dict[str, Value]:
    draft = Draft(network=NETWORK)
    _, value = draft.window(FIRST, draft.first_leaves)
    return {**value.value(), "window": window, "revision": revision}


def log(bodies: Sequence[tuple[str, dict[str, Value]]]) -> list[SignedPart]:
    parts = [NETWORK.activation()]
    for kind, body in bodies:
        previous = hashlib.sha256(parts[-1].entry).digest()
        parts.append(NETWORK.signed(kind, body, len(parts) + 1, previous))
    return parts


def history() -> list[SignedPart]:
    """Activation, registry, twelve windows of which the fifth is void, and a restatement of the first."""
    bodies: list[tuple[str, dict[str, Value]]] = [
        ("registry", {"registry": bytes(32), "device-count": 8, "chain-height": 1})
    ]
    for index in range(12):
        window = FIRST + index * WINDOW_S
        void: dict[str, Value] = {"window": window, "revision": 0, "reason": 1, "count": 1}
        bodies.append(("void", void) if index == 4 else ("window", summary(window)))
    bodies.append(("window", summary(FIRST, 1)))
    return log(bodies)


HISTORY = history()


def judged(parts: Sequence[SignedPart], anchor: Anchor | None = None) -> HistoryVerdict:
    return verify_chain(parts, anchor or Anchor(NETWORK.genesis), RANDOMNESS, backend="fast")


def failure(verdict: HistoryVerdict) -> tuple[str, int | None]:
    step = verdict.verdict.first_failure
    assert not verdict.passed
    assert step is not None
    return step.name, verdict.failed_height


def bent(at: int, part: SignedPart) -> list[SignedPart]:
    return [*HISTORY[:at], part, *HISTORY[at + 1 :]]


def test_an_honest_history_passes_and_is_counted() -> None:
    done: list[int] = []
    verdict = verify_chain(HISTORY, Anchor(NETWORK.genesis), RANDOMNESS, "fast", done.append)
    assert verdict.passed, verdict.verdict.text()
    assert (verdict.entries, verdict.windows, verdict.voids, verdict.restatements) == (15, 12, 1, 1)
    assert verdict.certificate_signatures == 15 * NETWORK.quorum
    assert verdict.group_signatures == 15
    assert verdict.last_digest == hashlib.sha256(HISTORY[-1].entry).digest()
    assert done == [15]


def test_an_entry_left_out_breaks_the_links() -> None:
    assert failure(judged(HISTORY[:5] + HISTORY[6:])) == ("links", 6)
    assert failure(judged(HISTORY[1:])) == ("links", 1)


def test_a_history_can_be_taken_up_in_the_middle() -> None:
    anchor = Anchor(
        NETWORK.genesis,
        height=6,
        digest=hashlib.sha256(HISTORY[5].entry).digest(),
        group_key=NETWORK.group_key,
    )
    verdict = judged(HISTORY[6:], anchor)
    assert verdict.passed, verdict.verdict.text()
    assert verdict.last_height == 15
    assert failure(judged(HISTORY[6:], replace(anchor, digest=bytes(32)))) == ("links", 7)


def test_a_weak_or_foreign_certificate_is_found_at_its_height() -> None:
    weak = NETWORK.certificate(HISTORY[7].entry, 8, (0, 1))
    assert failure(judged(bent(7, replace(HISTORY[7], certificate=weak)))) == ("certificates", 8)
    other = replace(HISTORY[7], certificate=HISTORY[8].certificate)
    assert failure(judged(bent(7, other))) == ("certificates", 8)
    stranger = NETWORK.certificate(HISTORY[7].entry, 8, epoch=2)
    assert failure(judged(bent(7, replace(HISTORY[7], certificate=stranger)))) == ("certificates", 8)


def test_a_wrong_group_signature_is_found_though_they_are_checked_together() -> None:
    wrong = replace(HISTORY[9], bls=HISTORY[8].bls)
    assert failure(judged(bent(9, wrong))) == ("group-signatures", 10)
    assert failure(judged(bent(9, replace(HISTORY[9], bls=b"")))) == ("group-signatures", 10)


def test_two_group_signatures_that_cancel_out_are_found() -> None:
    shift = G1Point()
    points = [G1Point.from_compressed_bytes(HISTORY[at].bls) for at in (8, 9)]
    first, second = points[0] + shift, points[1] - shift
    parts = bent(8, replace(HISTORY[8], bls=bytes(first.to_compressed_bytes())))
    parts[9] = replace(HISTORY[9], bls=bytes(second.to_compressed_bytes()))
    assert failure(judged(parts)) == ("group-signatures", 9)


def test_the_first_fault_is_reported_whichever_kind_it_is() -> None:
    parts = bent(7, replace(HISTORY[7], bls=HISTORY[8].bls))
    parts[9] = replace(parts[9], certificate=parts[8].certificate)
    assert failure(judged(parts)) == ("group-signatures", 8)


def test_bytes_that_are_no_entry_and_entries_of_other_networks_are_found() -> None:
    assert failure(judged(bent(3, replace(HISTORY[3], entry=b"\x01")))) == ("entries", 4)
    value = decode(HISTORY[3].entry)
    assert isinstance(value, dict)
    foreign = encode({**value, "network": bytes(32)})
    assert failure(judged(bent(3, replace(HISTORY[3], entry=foreign)))) == ("entries", 4)


def test_a_silent_gap_in_the_calendar_fails() -> None:
    parts = log([("window", summary(FIRST)), ("window", summary(FIRST + 3 * WINDOW_S))])
    verdict = judged(parts)
    assert failure(verdict) == ("calendar", None)
    assert str(FIRST + WINDOW_S) in verdict.verdict.text()


@pytest.mark.parametrize("second", [summary(FIRST), summary(FIRST, 2), summary(FIRST + 1)])
def test_a_window_attested_twice_or_out_of_turn_fails(second: dict[str, Value]) -> None:
    assert failure(judged(log([("window", summary(FIRST)), ("window", second)]))) == ("entries", 3)


def test_a_replaced_committee_certifies_no_more() -> None:
    second = Network(label="second")
    second.network = NETWORK.network
    parts = list(HISTORY)
    for at in (5, 6):
        certificate = second.certificate(parts[at].entry, at + 1, epoch=2)
        parts[at] = replace(parts[at], certificate=certificate)
    anchor = Anchor(NETWORK.genesis, {2: second.node_keys})
    assert failure(judged(parts, anchor)) == ("certificates", 8)
    for at in range(7, len(parts)):
        certificate = second.certificate(parts[at].entry, at + 1, epoch=2)
        parts[at] = replace(parts[at], certificate=certificate)
    assert judged(parts, anchor).passed


def test_another_group_key_cannot_be_activated_later() -> None:
    body = decode(NETWORK.activation().entry)
    assert isinstance(body, dict)
    other = bytes((G2Point() * Scalar(5)).to_compressed_bytes())
    parts = log([("activate", {**body["body"], "epoch": 2, "group-key": other})])
    assert failure(judged(parts)) == ("entries", 2)


def test_a_group_signature_before_there_is_a_group_key_fails() -> None:
    signed = NETWORK.signed("void", {"window": FIRST, "revision": 0, "reason": 1, "count": 1}, 1, ZERO_DIGEST)
    assert failure(judged([signed])) == ("group-signatures", 1)


def test_weights_depend_on_the_randomness_and_are_never_zero() -> None:
    assert weights_from(RANDOMNESS, 1, BATCH) != weights_from(bytes(32), 1, BATCH)
    assert all(0 < weight < 1 << 128 for weight in weights_from(RANDOMNESS, 1, BATCH))
    with pytest.raises(ValueError, match="randomness"):
        verify_chain([], Anchor(NETWORK.genesis), b"short")


def test_an_empty_history_verifies_nothing_new() -> None:
    verdict = judged([])
    assert (verdict.entries, verdict.windows, verdict.last_height) == (0, 0, 0)

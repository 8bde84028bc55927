"""Two votes of one key (E1): what proves it, and by which name anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from consensus import evidence as double_votes
from consensus.encoding import encode
from consensus.envelope import Verified, open_vote
from consensus.evidence import (
    VOTES_PER_KEY_MAX,
    DoubleVote,
    DoubleVoteReason,
    ProvenDoubleVote,
    SignedBytes,
    VoteWatch,
    verify_double_vote,
)
from consensus.messages import Phase, Vote
from consensus.model import Committee, EpochNumber, Network, Rejected
from oracle.audit.case import Expectations
from oracle.audit.parts import EpochPart
from oracle.audit.verdict import Outcome
from oracle.evidence.file import EVIDENCE_BYTES_MAX, EvidenceReason
from oracle.evidence.verify import judge
from tests.unit.evidence.votes import EPOCHS, MEMBERS, NETWORK, A, B, file_of, vote

LIAR = MEMBERS.node_keys[2]
OTHER = Network(b"\x0f" * 32)


def reason_of(first: SignedBytes, second: SignedBytes) -> object:
    found = verify_double_vote(NETWORK, first, second)
    return found.reason if isinstance(found, Rejected) else found


def opened(signed: SignedBytes, epoch: int = 1) -> Verified[Vote]:
    committee = Committee(EpochNumber(epoch), MEMBERS.node_keys)
    found = open_vote(signed.payload, signed.signature, NETWORK, {committee.epoch: committee})
    assert isinstance(found, Verified)
    return found


def test_two_votes_for_different_digests_name_the_key() -> None:
    proven = verify_double_vote(NETWORK, vote(A), vote(B))
    assert isinstance(proven, ProvenDoubleVote)
    assert proven.key == LIAR


def test_a_vote_for_nothing_and_one_for_something_contradict_each_other() -> None:
    assert isinstance(verify_double_vote(NETWORK, vote(None), vote(B)), ProvenDoubleVote)


def test_votes_under_two_epochs_contradict_each_other_as_well() -> None:
    assert isinstance(verify_double_vote(NETWORK, vote(A), vote(B, epoch=2)), ProvenDoubleVote)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (vote(A), DoubleVoteReason.SAME_DIGEST),
        (vote(A, epoch=2), DoubleVoteReason.SAME_DIGEST),
        (vote(B, height=8), DoubleVoteReason.OTHER_PLACE),
        (vote(B, round_=2), DoubleVoteReason.OTHER_PLACE),
        (vote(B, phase=Phase.PREVOTE), DoubleVoteReason.OTHER_PLACE),
        (vote(B, network=OTHER), DoubleVoteReason.WRONG_NETWORK),
        (vote(B, key=MEMBERS.operators[1]), DoubleVoteReason.OTHER_KEY),
        (replace(vote(B), signature=bytes(65)), DoubleVoteReason.BAD_SIGNATURE),
        (replace(vote(B), signature=bytes(64)), DoubleVoteReason.TOO_LARGE),
        (replace(vote(B), payload=vote(B).payload[:-1]), DoubleVoteReason.NOT_CANONICAL),
        (replace(vote(B), payload=bytes(2000)), DoubleVoteReason.TOO_LARGE),
        (replace(vote(B), payload=encode({"topic": "vote"})), DoubleVoteReason.WRONG_SHAPE),
    ],
)
def test_what_proves_nothing_is_refused_by_name(second: SignedBytes, reason: DoubleVoteReason) -> None:
    assert reason_of(vote(A), second) is reason
    assert reason_of(second, vote(A)) is reason


def test_a_high_s_twin_of_a_signature_is_no_second_vote() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    good = vote(A)
    s = order - int.from_bytes(good.signature[32:64], "big")
    twin = good.signature[:32] + s.to_bytes(32, "big") + bytes([good.signature[64] ^ 1])
    assert reason_of(good, replace(good, signature=twin)) is DoubleVoteReason.SAME_DIGEST
    assert reason_of(vote(B), replace(good, signature=twin)) is DoubleVoteReason.BAD_SIGNATURE


def test_the_watch_tells_of_a_place_once_and_in_one_order() -> None:
    watch = VoteWatch()
    first, second, third = (opened(vote(digest)) for digest in (A, B, None))
    assert watch.see(LIAR, second) is None
    assert watch.see(LIAR, second) is None
    proof = watch.see(LIAR, first)
    assert proof == DoubleVote.of(second, first) == DoubleVote.of(first, second)
    assert watch.see(LIAR, third) is None
    assert not watch.tell(LIAR, DoubleVote.of(first, third))


def test_the_watch_sees_through_a_change_of_epoch() -> None:
    watch = VoteWatch()
    assert watch.see(LIAR, opened(vote(A))) is None
    assert watch.see(LIAR, opened(vote(B, epoch=2), epoch=2)) is not None


def test_the_watch_is_bounded_and_a_flood_costs_the_flooder_alone() -> None:
    watch = VoteWatch()
    other = MEMBERS.operators[1]
    watch.see(MEMBERS.node_keys[1], opened(vote(A, key=other)))
    for height in range(100, 101 + VOTES_PER_KEY_MAX):
        watch.see(LIAR, opened(vote(A, height=height)))
    assert len(watch._first[LIAR]) == VOTES_PER_KEY_MAX
    assert watch.see(MEMBERS.node_keys[1], opened(vote(B, key=other))) is not None


# --- the file


def test_a_file_is_verified_offline_and_names_the_accused() -> None:
    judgement = judge(file_of(vote(A), vote(B)), Expectations(network=NETWORK))
    assert judgement.proven
    assert judgement.verdict.complete
    assert judgement.accused == (LIAR,)
    assert [step.name for step in judgement.verdict.steps] == ["file", "genesis", "votes", "member"]


@pytest.mark.parametrize("backend", ["fast", "reference"])
def test_both_backends_say_the_same(backend: str) -> None:
    assert judge(file_of(vote(A), vote(B)), backend=backend).proven  # type: ignore[arg-type]
    assert not judge(file_of(vote(A), vote(A)), backend=backend).proven  # type: ignore[arg-type]


def bent(data: bytes, **fields: object) -> bytes:
    content = json.loads(data)
    content.update(fields)
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


GOOD = file_of(vote(A), vote(B))
TURNED = (EpochPart(1, MEMBERS.node_keys[::-1]),)
OUTSIDER = PrivateKey(b"\x09" * 32)


@pytest.mark.parametrize(
    ("data", "step", "reason"),
    [
        (b"", "file", EvidenceReason.NOT_CANONICAL),
        (GOOD[:-1], "file", EvidenceReason.NOT_CANONICAL),
        (GOOD[: len(GOOD) // 2], "file", EvidenceReason.NOT_CANONICAL),
        (b" " + GOOD, "file", EvidenceReason.NOT_CANONICAL),
        (b"[" * 100_000, "file", EvidenceReason.NOT_CANONICAL),
        (b"x" * (EVIDENCE_BYTES_MAX + 1), "file", EvidenceReason.TOO_LARGE),
        (bent(GOOD, padding="x" * (1 << 17)), "file", EvidenceReason.TOO_LARGE),
        (b"[]\n", "file", EvidenceReason.NOT_EVIDENCE),
        (bent(GOOD, **{"wattest-evidence": 2}), "file", EvidenceReason.NOT_EVIDENCE),
        (bent(GOOD, kind="gossip"), "file", EvidenceReason.UNKNOWN_KIND),
        (bent(GOOD, extra=1), "file", EvidenceReason.MALFORMED),
        (bent(GOOD, first=None), "file", EvidenceReason.MALFORMED),
        (bent(GOOD, network="0f" * 32), "genesis", EvidenceReason.WRONG_NETWORK),
        (file_of(vote(A), vote(B, network=OTHER)), "votes", EvidenceReason.BAD_VOTES),
        (file_of(vote(A), vote(A)), "votes", EvidenceReason.BAD_VOTES),
        (file_of(vote(A, key=OUTSIDER), vote(B, key=OUTSIDER)), "member", EvidenceReason.NOT_A_MEMBER),
        (file_of(vote(A), vote(B, epoch=2)), "member", EvidenceReason.BAD_EPOCH),
        (file_of(vote(A), vote(B), TURNED), "member", EvidenceReason.BAD_EPOCH),
        (file_of(vote(A), vote(B), EPOCHS * 2), "member", EvidenceReason.BAD_EPOCH),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_at_its_step_by_name(data: bytes, step: str, reason: EvidenceReason) -> None:
    judgement = judge(data)
    failure = judgement.verdict.first_failure
    assert failure is not None
    assert (failure.name, judgement.reason) == (step, reason)
    assert reason.value in failure.sentence
    assert judgement.accused == ()


def test_evidence_of_another_network_than_asked_for_costs_no_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a key was recovered for evidence of another network")

    monkeypatch.setattr(double_votes, "recover", forbidden)
    judgement = judge(GOOD, Expectations(network=OTHER))
    assert judgement.reason is EvidenceReason.WRONG_NETWORK
    outcomes = [step.outcome for step in judgement.verdict.steps]
    assert outcomes == [Outcome.PASSED, Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.NOT_CHECKED]
    for bad in (file_of(vote(A), vote(B, network=OTHER)), file_of(vote(A), vote(B, height=9))):
        assert judge(bad).reason is EvidenceReason.BAD_VOTES


def test_keys_of_a_later_epoch_are_named_as_unproven() -> None:
    epochs = (*EPOCHS, EpochPart(2, MEMBERS.node_keys[::-1]))
    judgement = judge(file_of(vote(A), vote(B, epoch=2), epochs), Expectations(network=NETWORK))
    assert judgement.proven
    assert not judgement.verdict.complete
    assert "epoch 2" in judgement.verdict.unchecked[0]

"""Judge one evidence file, offline: the steps in order, up to the first that fails.

In the manner of `oracle.audit.verify`, with one difference: after a failed step no further
one is taken. Evidence accuses somebody, so what its sender did not get right is not worth an
elliptic curve; limits, shapes and the network stand before any signature.

What no file can show is left to the chain, and named: whose key it is, whether the operator
still has a stake, and whether the same was proven before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consensus.evidence import ProvenDoubleVote, verify_double_vote
from consensus.model import InvariantBroken, Network, Rejected
from oracle.audit.backend import Backend, BackendName, select
from oracle.audit.case import Expectations, not_checked, short
from oracle.audit.verdict import Outcome, Step, Verdict
from oracle.evidence.contents import DoubleVoteContent, Evidence, read
from oracle.evidence.file import EvidenceReason, Faulty, Kind, digest_of

Take = Callable[["Trial"], str]

STEPS: Final = {
    Kind.DOUBLE_VOTE: ("file", "genesis", "votes", "member"),
}
"""The steps of each kind, in order."""


@dataclass(slots=True)
class Trial:
    """One piece of evidence under judgement, and what the steps have found so far."""

    evidence: Evidence
    backend: Backend
    expected: Expectations
    accused: tuple[bytes, ...] = ()
    voted: ProvenDoubleVote | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and whom it is about: `accused` are node keys, none unless everything held."""

    verdict: Verdict
    digest: bytes
    evidence: Evidence | None
    accused: tuple[bytes, ...]
    reason: EvidenceReason | None

    @property
    def proven(self) -> bool:
        """Whether every step passed."""
        return self.verdict.passed


def verify(
    data: bytes, expected: Expectations | None = None, backend: Backend | BackendName = "auto"
) -> Verdict:
    """The verdict on a file; bad bytes raise nothing."""
    return judge(data, expected, backend).verdict


def judge(
    data: bytes, expected: Expectations | None = None, backend: Backend | BackendName = "auto"
) -> Judgement:
    """The verdict, and whom the evidence accuses.

    Raises ImportError if `backend` is "fast" and its libraries are missing.
    """
    arithmetic = select(backend) if isinstance(backend, str) else backend
    name = digest_of(data)
    try:
        evidence = read(data)
    except Faulty as fault:
        refused = Step("file", Outcome.FAILED, str(fault))
        verdict = Verdict("an unreadable file", arithmetic.name, (refused,))
        return Judgement(verdict, name, None, (), fault.reason)
    trial = Trial(evidence, arithmetic, expected or Expectations())
    read_step = Step("file", Outcome.PASSED, f"{len(data)} bytes, sha256 {short(name)}")
    steps, reason = _taken(trial, read_step)
    accused = trial.accused if reason is None else ()
    subject = f"{evidence.kind.value} in network {short(evidence.network)}"
    return Judgement(Verdict(subject, arithmetic.name, steps), name, evidence, accused, reason)


def _taken(trial: Trial, first: Step) -> tuple[tuple[Step, ...], EvidenceReason | None]:
    steps, reason = [first], None
    for name in STEPS[trial.evidence.kind][1:]:
        if reason is not None:
            steps.append(not_checked(name, "an earlier step failed"))
            continue
        try:
            trial.gaps = ()
            sentence = _TAKE[name](trial)
            steps.append(Step(name, Outcome.PASSED, sentence, trial.gaps))
        except Faulty as fault:
            reason = fault.reason
            steps.append(Step(name, Outcome.FAILED, str(fault)))
    return tuple(steps), reason


def _genesis(trial: Trial) -> str:
    """The genesis hashes to the network that the file and, if given, the reader name (Q4)."""
    evidence, asked = trial.evidence, trial.expected.network
    if asked is not None and asked != evidence.network:
        detail = f"of network {short(evidence.network)}, not the {short(asked)} asked for"
        raise Faulty(EvidenceReason.WRONG_NETWORK, detail)
    if evidence.genesis.network != evidence.network:
        raise Faulty(EvidenceReason.WRONG_NETWORK, "the genesis is that of another network")
    if asked is None:
        trial.gaps = ("no network digest was given to compare the genesis with",)
    return f"the genesis is that of network {short(evidence.network)}"


def _votes(trial: Trial) -> str:
    """One key voted for two things at one place (E1)."""
    content = trial.evidence.content
    if not isinstance(content, DoubleVoteContent):
        raise InvariantBroken("the steps of a kind are taken on evidence of that kind")
    proven = verify_double_vote(Network(trial.evidence.network), content.first, content.second)
    if isinstance(proven, Rejected):
        detail = str(proven.reason.value) + (f" ({proven.detail})" if proven.detail else "")
        raise Faulty(EvidenceReason.BAD_VOTES, detail)
    trial.accused, trial.voted = (proven.key,), proven
    vote = proven.first
    where = f"height {vote.height}, round {vote.round}, {vote.phase.name.lower()}"
    return f"key {short(proven.key)} signed two different votes: {where}"


def _member(trial: Trial) -> str:
    """The key is of the committees that the votes name."""
    evidence, proven = trial.evidence, trial.voted
    if proven is None:
        raise InvariantBroken("votes are judged before their signer")
    key = proven.key
    committees = {epoch.number: epoch.node_keys for epoch in evidence.epochs}
    named = sorted({int(proven.first.epoch), int(proven.second.epoch)})
    if sorted(committees) != named or len(evidence.epochs) != len(committees):
        raise Faulty(EvidenceReason.BAD_EPOCH, "the file has other epochs than the votes")
    if committees.get(1, evidence.genesis.node_keys) != evidence.genesis.node_keys:
        raise Faulty(EvidenceReason.BAD_EPOCH, "the committee of epoch 1 is not that of the genesis")
    for number in named:
        if key not in committees[number]:
            detail = f"{short(key)} is not in the committee of epoch {number}"
            raise Faulty(EvidenceReason.NOT_A_MEMBER, detail)
    later = [number for number in named if number > 1]
    trial.gaps = tuple(
        f"epoch {one}: its keys are the file's word, the staking contract's count" for one in later
    )
    return f"slot {committees[named[0]].index(key)} of epoch {named[0]}"


_TAKE: Final[dict[str, Take]] = {"genesis": _genesis, "votes": _votes, "member": _member}

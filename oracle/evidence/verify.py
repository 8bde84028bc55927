"""Judge one evidence file, offline: the steps in order, up to the first that fails.

In the manner of `oracle.audit.verify`, with one difference: after a failed step no further
one is taken. Evidence accuses somebody, so what its sender did not get right is not worth an
elliptic curve; limits, shapes and the network stand before any signature.

What no file can show is left to the chain, and named: whose key it is, whether the operator
still has a stake, and whether the same was proven before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consensus.evidence import ProvenDoubleVote, verify_double_vote
from consensus.model import InvariantBroken, Network, Rejected
from oracle.audit.backend import Backend, BackendName, select
from oracle.audit.case import Expectations, not_checked, short
from oracle.audit.merkle import root_of
from oracle.audit.verdict import Outcome, Step, Verdict
from oracle.evidence.contents import (
    DoubleVoteContent,
    Evidence,
    FalseEnergyContent,
    FalseLeafContent,
    FalseWindowContent,
    FalseZoneContent,
    read,
)
from oracle.evidence.file import EvidenceReason, Faulty, Kind, digest_of
from oracle.evidence.records import batch_contradicts, ocmf_contradicts
from oracle.evidence.sums import is_false_beginning, is_false_energy, is_false_window, is_false_zone
from oracle.evidence.trial import (
    Trial,
    placed,
    proven_zone,
    take_certificate,
    take_epoch,
    take_genesis,
    window_of,
)
from oracle.evidence.withheld import take_absence, take_reading, take_receipt

Take = Callable[[Trial], str]

STEPS: Final = {
    Kind.DOUBLE_VOTE: ("file", "genesis", "votes", "member"),
    Kind.FALSE_LEAF: ("file", "genesis", "leaf", "record", "epoch", "certificate"),
    Kind.FALSE_SUM: ("file", "genesis", "sum", "epoch", "certificate"),
    Kind.WITHHELD_RECORD: (
        *("file", "genesis", "absence"),
        *("epoch", "certificate", "receipt", "reading"),
    ),
}
"""The steps of each kind, in order."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and whom it is about: `accused` are node keys, none unless everything held."""

    verdict: Verdict
    digest: bytes
    evidence: Evidence | None
    accused: tuple[bytes, ...]
    reason: EvidenceReason | None
    voted: ProvenDoubleVote | None = None
    """The two votes, where it is about votes."""

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
    verdict = Verdict(subject, arithmetic.name, steps)
    return Judgement(verdict, name, evidence, accused, reason, trial.voted)


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


def _votes(trial: Trial) -> str:
    """One key voted for two things at one place (E1)."""
    content = trial.evidence.content
    if not isinstance(content, DoubleVoteContent):
        raise _other_kind()
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


def _leaf(trial: Trial) -> str:
    """The leaf stands in the window (R6)."""
    content = trial.evidence.content
    if not isinstance(content, FalseLeafContent | FalseEnergyContent):
        raise _other_kind()
    placed(content.placed)
    leaf = content.placed.leaf.leaf
    return f"the leaf of usage point {leaf.usage_point} stands in zone {content.placed.zone.summary.zone}"


def _record(trial: Trial) -> str:
    """The record is the one that the leaf names, and the leaf does not follow from it (E2)."""
    content = trial.evidence.content
    if not isinstance(content, FalseLeafContent):
        raise _other_kind()
    leaf, record = content.placed.leaf.leaf, content.record
    if hashlib.sha256(record.data).digest() != leaf.record:
        raise Faulty(EvidenceReason.OTHER_RECORD, "the leaf names another record")
    if record.format == "batch":
        contradicted = batch_contradicts(leaf, record.data, trial.evidence.genesis.window_s)
    else:
        contradicted = ocmf_contradicts(leaf, record.data)
    if not contradicted:
        raise Faulty(EvidenceReason.NOTHING_FALSE, "the leaf may follow from its record")
    registers = f"{leaf.import_register_wh} Wh in, {leaf.export_register_wh} Wh out"
    return f"the record that the leaf names does not say {registers}"


def _sum(trial: Trial) -> str:
    """What is summed, and that the sum is false (E3)."""
    match trial.evidence.content:
        case FalseEnergyContent() as content:
            return _energy(content)
        case FalseZoneContent(signed, zone, leaves):
            proven_zone(window_of(signed), zone)
            if (
                len(leaves) != zone.summary.leaf_count
                or root_of([one.hash for one in leaves]) != zone.summary.root
            ):
                raise Faulty(EvidenceReason.NOT_PROVEN, "these are not all leaves of the zone")
            if not is_false_zone(zone.summary, (one.leaf for one in leaves)):
                raise Faulty(EvidenceReason.NOTHING_FALSE, "the zone's energy is that of its leaves")
            return f"the energy of zone {zone.summary.zone} is not that of its {len(leaves)} leaves"
        case FalseWindowContent(signed, zones):
            summary = window_of(signed)
            if len(zones) != summary.zone_count or root_of([hash_ for _, hash_ in zones]) != summary.root:
                raise Faulty(EvidenceReason.NOT_PROVEN, "these are not all zones of the window")
            if not is_false_window(summary, (zone for zone, _ in zones)):
                raise Faulty(EvidenceReason.NOTHING_FALSE, "the window's energy is that of its zones")
            return f"the energy of window {summary.window} is not that of its {len(zones)} zones"
        case _:
            raise _other_kind()


def _energy(content: FalseEnergyContent) -> str:
    summary, leaf, since = placed(content.placed), content.placed.leaf.leaf, content.since
    name = f"usage point {leaf.usage_point}"
    if leaf.since >= summary.window or leaf.window != summary.window:
        if not is_false_beginning(leaf, summary.window):
            raise Faulty(EvidenceReason.NOTHING_FALSE, f"{name}: a first leaf without energy")
        return f"{name}: a leaf that counts from its own window has energy"
    if since is None:
        raise Faulty(EvidenceReason.NOT_PROVEN, "the leaf that it counts from is not in the file")
    earlier, before = placed(since), since.leaf.leaf
    if (before.usage_point, before.window) != (leaf.usage_point, leaf.since) or earlier.window != leaf.since:
        raise Faulty(EvidenceReason.NOT_PROVEN, "that is not the leaf it counts from")
    if not is_false_energy(before, leaf):
        raise Faulty(EvidenceReason.NOTHING_FALSE, f"{name}: the energy may be what its registers say")
    return f"{name}: {leaf.import_wh} Wh in, {leaf.export_wh} Wh out are not the difference of its registers"


def _other_kind() -> InvariantBroken:
    return InvariantBroken("the steps of a kind are taken on evidence of that kind")


_TAKE: Final[dict[str, Take]] = {
    "genesis": take_genesis,
    "epoch": take_epoch,
    "certificate": take_certificate,
    "votes": _votes,
    "member": _member,
    "leaf": _leaf,
    "record": _record,
    "sum": _sum,
    "receipt": take_receipt,
    "reading": take_reading,
    "absence": take_absence,
}

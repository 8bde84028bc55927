"""One piece of evidence under judgement, and the steps that all kinds share.

A step gives a sentence, or raises Faulty with its reason. Every step trusts what the steps
before it have found; the order is `verify`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consensus.evidence import ProvenDoubleVote
from consensus.model import InvariantBroken
from oracle.audit import log
from oracle.audit.backend import Backend
from oracle.audit.bundle import Bundle, ProvenDevice, SignedEntry
from oracle.audit.case import Case, Expectations, short
from oracle.audit.merkle import proves
from oracle.audit.verdict import Outcome
from oracle.evidence.contents import (
    Evidence,
    FalseEnergyContent,
    Placed,
    ProvenLeaf,
    ProvenZone,
    WithheldContent,
)
from oracle.evidence.file import EvidenceReason, Faulty
from oracle.model import WindowSummary


@dataclass(slots=True)
class Trial:
    """The evidence, the arithmetic, what the reader knows, and what the steps have found so far."""

    evidence: Evidence
    backend: Backend
    expected: Expectations
    accused: tuple[bytes, ...] = ()
    voted: ProvenDoubleVote | None = None
    gaps: tuple[str, ...] = ()
    _case: Case | None = field(default=None)

    @property
    def case(self) -> Case:
        """The same evidence as the auditor's steps take it."""
        if self._case is None:
            evidence, signed = self.evidence, self.evidence.signed
            if signed is None:
                raise InvariantBroken("a double vote is about no entry")
            devices: tuple[ProvenDevice, ...] = ()
            if isinstance(evidence.content, WithheldContent):
                devices = evidence.content.devices
            bundle = Bundle(
                evidence.genesis, evidence.epochs, signed, None, (), devices, (), (), (), None, b"", None
            )
            self._case = Case.of(bundle, self.backend, self.expected)
        return self._case

    @property
    def committees(self) -> Mapping[int, tuple[bytes, ...]]:
        """Node keys by epoch, as the file has them."""
        return {epoch.number: epoch.node_keys for epoch in self.evidence.epochs}


def take_genesis(trial: Trial) -> str:
    """The genesis hashes to the network that the file and, if given, the reader name (Q4)."""
    evidence, asked = trial.evidence, trial.expected.network
    if asked is not None and asked != evidence.network:
        detail = f"of network {short(evidence.network)}, not the {short(asked)} asked for"
        raise Faulty(EvidenceReason.WRONG_NETWORK, detail)
    if evidence.genesis.network != evidence.network:
        raise Faulty(EvidenceReason.WRONG_NETWORK, "the genesis is that of another network")
    signed = evidence.signed
    if signed is not None and signed.entry.network != evidence.network:
        raise Faulty(EvidenceReason.WRONG_NETWORK, "the entry is of another network")
    if asked is None:
        trial.gaps = ("no network digest was given to compare the genesis with",)
    return f"the genesis is that of network {short(evidence.network)}"


def take_epoch(trial: Trial) -> str:
    """Every committee follows from the genesis by activations that members certified."""
    step = log.epoch_step(trial.case)
    if step.outcome is Outcome.FAILED:
        raise Faulty(EvidenceReason.BAD_EPOCH, step.sentence)
    trial.gaps = step.gaps
    return step.sentence


def take_certificate(trial: Trial) -> str:
    """A quorum certified the entry; its signers are whom the evidence accuses (E2, E3)."""
    signed, content = trial.case.bundle.signed, trial.evidence.content
    certified(trial, signed)
    if isinstance(content, FalseEnergyContent) and content.since is not None:
        certified(trial, content.since.signed)
    keys = trial.committees[signed.certificate.epoch]
    signers = [slot for slot, signature in enumerate(signed.certificate.signatures) if signature]
    trial.accused = tuple(keys[slot] for slot in signers)
    height, epoch = signed.entry.height, signed.certificate.epoch
    return f"height {height} is certified by {len(signers)} members of epoch {epoch}"


def certified(trial: Trial, signed: SignedEntry) -> None:
    """Raise Faulty unless a quorum committed to the entry, which attests a window."""
    window_of(signed)
    fault = log.certified(trial.case, signed)
    if fault is not None:
        raise Faulty(EvidenceReason.NOT_CERTIFIED, fault)


def window_of(signed: SignedEntry) -> WindowSummary:
    """The window that an entry attests. Raises Faulty."""
    body = signed.entry.body
    if not isinstance(body, WindowSummary) or signed.entry.kind != "window":
        raise Faulty(EvidenceReason.NOT_PROVEN, "the entry attests no window")
    return body


def proven_zone(summary: WindowSummary, zone: ProvenZone) -> None:
    """Raise Faulty unless the zone stands under the window's root, as `open-zone` asks."""
    right_window = zone.summary.window == summary.window
    if not right_window or zone.proof.count != summary.zone_count:
        raise Faulty(
            EvidenceReason.NOT_PROVEN, "the zone is of another window, or its proof of another count"
        )
    if not proves(zone.hash, zone.proof, summary.root):
        raise Faulty(EvidenceReason.NOT_PROVEN, f"zone {zone.summary.zone} is not in the window")


def proven_leaf(zone: ProvenZone, leaf: ProvenLeaf) -> None:
    """Raise Faulty unless the leaf stands under the zone's root."""
    if leaf.proof.count != zone.summary.leaf_count:
        raise Faulty(EvidenceReason.NOT_PROVEN, "a leaf's proof is of another count than the zone's")
    if not proves(leaf.hash, leaf.proof, zone.summary.root):
        raise Faulty(EvidenceReason.NOT_PROVEN, f"the leaf of {leaf.leaf.usage_point} is not in the zone")


def placed(placed_: Placed) -> WindowSummary:
    """The window that a leaf stands in, in its first revision. Raises Faulty.

    A restatement carries on the leaves of the revision before, and who signs it did not make
    them (A8): leaves are judged in revision 0 alone.
    """
    summary = window_of(placed_.signed)
    if summary.revision != 0:
        raise Faulty(EvidenceReason.UNSUPPORTED, "leaves are judged in revision 0, which made them")
    proven_zone(summary, placed_.zone)
    proven_leaf(placed_.zone, placed_.leaf)
    return summary

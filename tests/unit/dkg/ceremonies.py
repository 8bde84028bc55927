"""Whole ceremonies in one process: committees, participants, and a log that lies on demand."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from consensus.dkg.bundle import Bundle
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import Participant
from consensus.dkg.plan import Plan
from consensus.dkg.status import Complete, Fault, Phase
from consensus.model import Committee, EpochNumber, Network, Rejected
from consensus.threshold.shares import SecretShare

NETWORK = Network(hashlib.sha256(b"test network").digest())

Tamper = Callable[[Ceremony, list[Bundle]], Sequence[Bundle]]
"""What the log agrees on instead of what participants sent."""


def node_key(number: int) -> bytes:
    return b"\x02" + hashlib.sha256(b"node %d" % number).digest()


def committee(epoch: int, members: int, first: int = 0) -> Committee:
    return Committee(EpochNumber(epoch), tuple(node_key(first + number) for number in range(members)))


def seed(key: bytes, epoch: int) -> bytes:
    return hashlib.sha256(b"seed of epoch %d " % epoch + key).digest()


def genesis(members: int) -> tuple[Plan, list[Participant]]:
    plan = Plan(NETWORK, 0, committee(1, members), committee(1, members))
    return plan, [Participant(key, seed(key, 1)) for key in plan.members.node_keys]


@dataclass(frozen=True)
class Epoch:
    """A finished ceremony and who holds what."""

    ceremony: Ceremony
    complete: Complete
    shares: dict[bytes, SecretShare]
    """By node key."""


def resharing(old: Epoch, members: Committee) -> tuple[Plan, list[Participant]]:
    plan = Plan(NETWORK, 0, old.ceremony.plan.members, members, previous=old.complete.outcome.polynomial)
    keys = [*plan.dealers.node_keys, *(k for k in members.node_keys if k not in plan.dealers.node_keys)]
    return plan, [Participant(key, seed(key, members.epoch), old.shares.get(key)) for key in keys]


def restarted(ceremony: Ceremony) -> Ceremony:
    again = Ceremony.from_bytes(ceremony.to_bytes())
    assert again == ceremony
    return again


def step(ceremony: Ceremony, participants: Sequence[Participant], tamper: Tamper | None = None) -> Ceremony:
    """One phase: everyone publishes, the log agrees on it in slot order, everyone applies."""
    assert ceremony.phase is not None
    made = [participant.next_bundle(ceremony) for participant in participants]
    bundles = [bundle for bundle in made if isinstance(bundle, Bundle)]
    assert not [bundle for bundle in made if isinstance(bundle, Rejected)]
    bundles.sort(key=lambda bundle: bundle.slot)
    agreed = list(tamper(ceremony, bundles)) if tamper else bundles
    return ceremony.apply(ceremony.phase, agreed)


def run(
    plan: Plan,
    participants: Sequence[Participant],
    tampers: Mapping[Phase, Tamper] | None = None,
    *,
    until: Phase | None = None,
) -> Ceremony:
    """Run to the end, or to where `until` is the open phase, restarting between all steps."""
    ceremony = Ceremony(plan)
    while (phase := ceremony.phase) is not None and phase is not until:
        ceremony = restarted(step(ceremony, participants, (tampers or {}).get(phase)))
    return ceremony


def completed(ceremony: Ceremony, participants: Sequence[Participant]) -> Epoch:
    assert isinstance(ceremony.status, Complete), ceremony.status
    shares = {}
    for participant in participants:
        share = participant.new_share(ceremony)
        if isinstance(share, SecretShare):
            shares[participant.node_key] = share
    return Epoch(ceremony, ceremony.status, shares)


def found_epoch(members: int) -> Epoch:
    plan, participants = genesis(members)
    return completed(run(plan, participants), participants)


def faults_of(ceremony: Ceremony) -> list[tuple[str, int, str, str]]:
    def told(fault: Fault) -> tuple[str, int, str, str]:
        return fault.role.value, fault.slot, fault.phase.value, fault.reason.value

    return [told(fault) for fault in ceremony.faults]


def without(*slots: int) -> Tamper:
    """The bundles of these slots never arrive."""
    return lambda _, bundles: [bundle for bundle in bundles if bundle.slot not in slots]


def changed(slot: int, change: Callable[[Bundle], Bundle]) -> Tamper:
    """This slot signs something else."""
    return lambda _, bundles: [change(bundle) if bundle.slot == slot else bundle for bundle in bundles]

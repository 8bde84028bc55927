"""Four members of the oracle network in one process: each reads, computes and signs for itself.

Every member takes the meters' records through the production parsers and signature checks,
summarises the window over its own state, and commits to the digest it arrives at; an entry
is decided where a quorum has committed to the same one. The key ceremony is the real one.
Left out is only what lies between machines: gossip, rounds, time-outs and journals, which
`make demo` has. Knows no HTTP and no contract.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import coincurve
import numpy as np

from consensus.dkg.bundle import Bundle, Envelope, encode_attachment
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import Participant
from consensus.dkg.plan import Plan
from consensus.dkg.status import Confirming
from consensus.encoding import Value, digest, encode
from consensus.messages import Certificate, Entry, Phase, Vote
from consensus.model import (
    ZERO_DIGEST,
    Committee,
    Digest,
    EpochNumber,
    Genesis,
    Height,
    NodeId,
    Rejected,
    Round,
)
from consensus.threshold.shares import Combined, PublicPolynomial, SecretShare, combine
from oracle.feeds import signatures
from oracle.feeds.formats import Context, parse
from oracle.feeds.formats.context import RosterEntry
from oracle.model import Device, Record, WindowStart
from oracle.windows.attested import Attested
from oracle.windows.keeper import Keeper
from oracle.windows.registry import Registry
from oracle.windows.summary import summarise
from oracle.windows.vee import Rules
from oracle.windows.window_data import WindowData, assemble

FIRST_EPOCH = EpochNumber(1)
ROUND = Round(0)


class Disagreement(Exception):  # noqa: N818 - it states a fact
    """No quorum of members arrives at the same entry, or takes a record."""


@dataclass(slots=True)
class Member:
    """One member: its node key, its share of the group's key, what it holds and what it knows."""

    slot: NodeId
    key: coincurve.PrivateKey = field(repr=False)
    keeper: Keeper
    attested: Attested
    participant: Participant = field(repr=False)
    share: SecretShare | None = field(default=None, repr=False)

    def commit(self, network: bytes, entry: Entry) -> bytes:
        """This member's commit vote on an entry: 65 bytes."""
        vote = Vote(FIRST_EPOCH, entry.height, ROUND, Phase.COMMIT, entry.digest)
        return self.key.sign_recoverable(encode(vote.value(network)))  # type: ignore[arg-type]

    def follow(self, registry: Registry) -> None:
        """A `registry` entry is decided."""
        self.keeper.change_registry(registry)
        self.attested = self.attested.rebase(registry)

    def hear(self, window: WindowStart, records: Sequence[Record], context: Context, now_s: int) -> None:
        """Take the records of a window in, as a feed would bring them."""
        self.keeper.open(window)
        for record in records:
            read = parse(record, context)
            confirmed = read if isinstance(read, Rejected) else signatures.confirm(read)
            if isinstance(confirmed, Rejected):
                raise Disagreement(f"a record of device {record.source} is refused: {confirmed}")
            for verdict in self.keeper.offer(confirmed.readings, now_s):
                if isinstance(verdict, Rejected):
                    raise Disagreement(f"a reading of device {record.source} is refused: {verdict}")

    def summarise(self, window: WindowStart) -> WindowData:
        """Close the window and compute what it says."""
        self.keeper.close(window)
        return summarise(self.attested, self.keeper.rules, self.keeper.choice(window))

    def settle(self, data: WindowData) -> None:
        """A window is decided."""
        self.attested = self.attested.apply(data)
        self.keeper.forget(data.summary.window)


@dataclass(frozen=True, slots=True)
class Lie:
    """More energy out of a meter than its record shows."""

    usage_point: int
    extra_wh: int

    def told_of(self, data: WindowData) -> WindowData:
        """A window with the lie in it, sums and trees made anew so that nothing else is wrong."""
        leaves = data.leaves
        extra = np.where(leaves.usage_point == self.usage_point, self.extra_wh, 0)
        bent = replace(
            leaves,
            export_wh=leaves.export_wh + extra,
            export_register_wh=leaves.export_register_wh + extra,
        )
        return assemble(data.summary.window, data.summary.revision, data.summary.registry, bent)


@dataclass(frozen=True, slots=True)
class Decided:
    """An entry, the quorum's certificate and the group's one signature (48 bytes)."""

    entry: Entry
    certificate: Certificate
    signature: bytes


@dataclass(slots=True)
class Members:
    """The committee of the first epoch, and the log it has agreed on."""

    genesis: Genesis
    members: tuple[Member, ...]
    polynomial: PublicPolynomial | None = None
    log: list[Entry] = field(default_factory=list)

    @classmethod
    def seated(cls, genesis: Genesis, keys: Mapping[bytes, coincurve.PrivateKey]) -> Members:
        """The members of the genesis, with their keys by public key; nothing is agreed yet."""
        registry, rules = Registry(()), Rules(window_s=genesis.window_s, tolerance_s=genesis.window_s)
        members = tuple(
            Member(
                NodeId(slot),
                keys[public],
                Keeper(registry, rules),
                Attested.initial(registry),
                Participant(public, hashlib.sha256(b"seed" + keys[public].secret).digest()),
            )
            for slot, public in enumerate(genesis.committee.node_keys)
        )
        return cls(genesis, members)

    @property
    def committee(self) -> Committee:
        """Who they are."""
        return self.genesis.committee

    def make_key(self, first_window: int) -> Decided:
        """Run the key ceremony; gives the entry that activates the first epoch."""
        ceremony = Ceremony(Plan(self.genesis.network, 0, self.committee, self.committee))
        while not isinstance(ceremony.status, Confirming):
            ceremony, _ = self._agree_phase(ceremony, {})
        for member in self.members:
            share = member.participant.new_share(ceremony)
            if isinstance(share, Rejected):
                raise Disagreement(f"member {member.slot} has no share: {share}")
            member.share = share
        self.polynomial = ceremony.status.outcome.polynomial
        opening: dict[str, Value] = {
            "group-key": self.polynomial.group_key,
            "commitments": self.polynomial.commitments,
            "first-window": first_window,
        }
        return self._agree_phase(ceremony, opening)[1]

    def _agree_phase(self, ceremony: Ceremony, more: Mapping[str, Value]) -> tuple[Ceremony, Decided]:
        """One phase of the ceremony: every member's bundle, signed, in one entry of the log."""
        phase = ceremony.phase
        made = [member.participant.next_bundle(ceremony) for member in self.members]
        bundles = [one for one in made if isinstance(one, Bundle)]
        if phase is None or len(bundles) < len(self.members):
            raise Disagreement("the key ceremony cannot go on")
        envelopes = []
        for one in bundles:
            signature = self.members[one.slot].key.sign_recoverable(encode(one.payload))
            envelopes.append(Envelope(one.slot, one.payload, signature))
        body: dict[str, Value] = {
            "epoch": FIRST_EPOCH,
            "session": ceremony.plan.session,
            "attachment": hashlib.sha256(encode_attachment(envelopes)).digest(),
            **more,
        }
        return ceremony.apply(phase, bundles), self.decide(phase.value, lambda _: body)

    def decide(self, kind: str, body_of: Callable[[Member], Mapping[str, Value]]) -> Decided:
        """Each member arrives at a body and commits to it; raises Disagreement without a quorum."""
        height = Height(len(self.log) + 1)
        previous = self.log[-1].digest if self.log else ZERO_DIGEST
        entries = [
            Entry(self.genesis.network, height, previous, kind, body_of(member)) for member in self.members
        ]
        entry = max(entries, key=lambda one: sum(one.digest == other.digest for other in entries))
        agreeing = [
            member for member, own in zip(self.members, entries, strict=True) if own.digest == entry.digest
        ]
        if len(agreeing) < self.committee.quorum:
            raise Disagreement(f"{len(agreeing)} of {len(self.members)} members agree on {kind} {height}")
        votes = {member.slot: member.commit(self.genesis.network, entry) for member in agreeing}
        signatures_ = tuple(votes.get(member.slot, b"") for member in self.members)
        self.log.append(entry)
        return Decided(
            entry, Certificate(FIRST_EPOCH, ROUND, signatures_), self._signed(entry.digest, agreeing)
        )

    def follow(self, devices: tuple[Device, ...], chain_height: int) -> None:
        """Agree on a registry as the chain has it."""
        registry = Registry(devices)
        body: dict[str, Value] = {
            "registry": registry.root,
            "device-count": registry.device_count,
            "chain-height": chain_height,
        }
        self.decide("registry", lambda _: body)
        for member in self.members:
            member.follow(registry)

    def attest(
        self,
        window: WindowStart,
        records: Sequence[Record],
        roster: Mapping[int, RosterEntry],
        now_s: int,
        lie: Lie | None = None,
    ) -> tuple[Decided, WindowData]:
        """Each member takes the records in and summarises; what a quorum says is decided.

        With a `lie`, a quorum of traitors says that instead, under the very same records.
        """
        found: dict[NodeId, WindowData] = {}
        for member in self.members:
            context = Context(member.keeper.registry.device, roster.get, now_s)
            member.hear(window, records, context, now_s)
            found[member.slot] = member.summarise(window)
            if lie is not None and member.slot < self.committee.quorum:
                found[member.slot] = lie.told_of(found[member.slot])
        decided = self.decide("window", lambda member: found[member.slot].summary.value())
        data = next(
            one for one in found.values() if digest(one.summary.value()) == digest(decided.entry.body)
        )
        for member in self.members:
            member.settle(data)
        return decided, data

    def _signed(self, message: Digest, agreeing: Sequence[Member]) -> bytes:
        """The threshold signature; empty before there is a key."""
        partials = {one.slot: one.share.sign(message) for one in agreeing if one.share is not None}
        if self.polynomial is None or not partials:
            return b""
        combined = combine(self.polynomial, message, partials)
        if not isinstance(combined, Combined):
            raise Disagreement("the shares make no signature")
        return combined.signature

"""Traitors: an honest node whose links, and whose key, are in bad hands.

An `Adversary` stands between a node and its peers: it changes what the node hears and what
it says, and signs with the node's key outside the sign-once register. It sees frames and
Steps alone, so the same one wraps a machine of the simulator (`Traitor`) and the node of a
real process. It counts its acts, so that one that did nothing cannot pass for one that was
withstood.

Knows frames as canonical tuples with a `topic`; what a height is about it does not know.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import ClassVar, Final

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.messages import Entry, Fields, Phase, Vote, WrongShape
from consensus.model import Committee, Digest, Height, Network, NodeId, Rejected, Round
from consensus.simulator.world import Machine
from consensus.step import Outgoing, Signing, Step

OWN_KEPT: Final = 256
"""Own votes and proposals that an adversary remembers."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a traitor has: its place, its key outside the register, and a source of chance."""

    slot: NodeId
    committee: Committee
    network: Network
    sign: Callable[[bytes], bytes]
    """65 bytes r||s||v over sha256 of what is given."""
    chance: Random

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """Everybody else."""
        return tuple(NodeId(slot) for slot in range(self.committee.size) if slot != self.slot)


@dataclass(slots=True)
class Adversary:
    """Honest as it stands; each kind changes some of what follows."""

    name: ClassVar[str] = "honest"

    means: Means
    acts: Counter[str] = field(default_factory=Counter)
    own: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    """payload -> signature of what the honest part signed last"""

    def hear(self, via: NodeId, frame: bytes) -> Iterable[bytes]:  # noqa: ARG002 - kinds use it
        """What the node gets to hear when a peer's frame comes."""
        return (frame,)

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """What leaves instead of one frame."""
        return (outgoing,)

    def sign(self, signing: Signing) -> bytes | None:  # noqa: ARG002 - kinds use it
        """A signature made beside the shell's signer, or None to leave it to that."""
        return None

    def heed(self, event: object) -> object | None:
        """What reaches the node of an event inside its process; None for nothing."""
        return event

    def forgets(self) -> bool:
        """Whether the node is to be made anew from old state now."""
        return False

    def note_signed(self, signing: Signing, signature: bytes) -> None:
        """The honest part has signed."""
        self.own[signing.payload] = signature
        while len(self.own) > OWN_KEPT:
            self.own.popitem(last=False)

    def act(self, what: str) -> None:
        """Count a malicious act."""
        self.acts[f"{self.name}: {what}"] += 1

    # -- tools of the trade -----------------------------------------------------------

    def chances(self, share: float) -> bool:
        """True in that share of cases."""
        return self.means.chance.random() < share

    def some_peers(self) -> frozenset[NodeId]:
        """A random set of peers: at least one, not all."""
        peers = self.means.peers
        return frozenset(self.means.chance.sample(peers, self.means.chance.randint(1, len(peers) - 1)))

    def receivers(self, outgoing: Outgoing) -> tuple[NodeId, ...]:
        """Whom a frame was for."""
        return self.means.peers if outgoing.to is None else (outgoing.to,)

    def signed_frame(self, frame: Mapping[str, Value], payload: bytes) -> bytes:
        """A frame like another, over another payload, signed beside the register."""
        return encode({**frame, "payload": payload, "signature": self.means.sign(payload)})

    def vote_frame(self, height: int, round_: int, phase: int, digest: bytes | None) -> bytes:
        """A vote made outside the register."""
        vote = Vote(
            self.means.committee.epoch,
            Height(height),
            Round(round_),
            Phase(phase),
            None if digest is None else Digest(digest),
        )
        return self.signed_frame({"topic": "vote"}, encode(vote.value(self.means.network)))


def read_frame(frame: bytes) -> Mapping[str, Value]:
    """A frame's tuple; empty for what is none."""
    try:
        value = decode(frame)
    except EncodingError:
        return {}
    return value if isinstance(value, Mapping) else {}


def read_vote(payload: bytes) -> tuple[int, int, int, bytes | None]:
    """Height, round, phase and digest of a vote's payload."""
    fields = Fields(decode(payload))
    said = fields.optional_buff("digest", 32)
    return fields.uint("height"), fields.uint("round"), fields.uint("phase"), said


def other_entry(entry: bytes) -> Entry | None:
    """An entry like another with one number changed; None where it has none."""
    read = Entry.parse(entry)
    if isinstance(read, Rejected):
        return None
    for name, value in sorted(read.body.items()):
        if isinstance(value, int) and not isinstance(value, bool):
            return replace(read, body={**read.body, name: value + 1})
    return None


def other_proposal(frame: Mapping[str, Value]) -> tuple[bytes, Entry] | None:
    """A proposal's payload, and entry, that says something else at the same place."""
    entry = other_entry(bytes(frame["entry"]))  # type: ignore[arg-type]  # a proposal's frame has one
    if entry is None:
        return None
    try:
        payload = dict(read_frame(bytes(frame["payload"])))  # type: ignore[arg-type]  # and a payload
        return encode({**payload, "digest": entry.digest}), entry
    except (EncodingError, WrongShape):
        return None


@dataclass(slots=True)
class Traitor:
    """A Machine around an honest one, with an adversary in between.

    `rebuild` gives the machine from old state, for adversaries that forget.
    """

    inner: Machine
    adversary: Adversary
    rebuild: Callable[[], Machine] | None = None

    def start(self) -> Step:
        """Begin."""
        return self._said(self.inner.start())

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        """A frame has come."""
        return self._said(*(self.inner.deliver(via, heard) for heard in self.adversary.hear(via, frame)))

    def timer(self, name: str) -> Step:
        """A timer has passed."""
        return self._said(self.inner.timer(name))

    def signed(self, signing: Signing, signature: bytes) -> Step:
        """The signer has answered."""
        self.adversary.note_signed(signing, signature)
        return self._said(self.inner.signed(signing, signature))

    def _said(self, *steps: Step) -> Step:
        if self.rebuild is not None and self.adversary.forgets():
            self.inner = self.rebuild()
            steps = (self.inner.start(),)  # what the old one still wanted is forgotten too
        done: list[Step] = []
        waiting = list(steps)
        while waiting:
            step = waiting.pop(0)
            answers = [(signing, self.adversary.sign(signing)) for signing in step.signings]
            left = tuple(signing for signing, signature in answers if signature is None)
            said = tuple(said for one in step.envelopes for said in self.adversary.twist(one))
            done.append(replace(step, signings=left, envelopes=said))
            for signing, signature in answers:
                if signature is not None:
                    self.adversary.note_signed(signing, signature)
                    waiting.append(self.inner.signed(signing, signature))
        return joined(done)


def joined(steps: Iterable[Step]) -> Step:
    """Several Steps in one."""
    every = tuple(steps)
    if len(every) == 1:
        return every[0]
    return Step(
        tuple(one for step in every for one in step.records),
        tuple(one for step in every for one in step.envelopes),
        tuple(one for step in every for one in step.timers),
        tuple(one for step in every for one in step.signings),
        tuple(one for step in every for one in step.transmissions),
        tuple(one for step in every for one in step.milestones),
    )

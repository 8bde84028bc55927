"""The named adversaries that know no more than votes and frames.

`ADVERSARIES` has them by name. Those that lie about shares, ceremonies and records stand
with what wraps the whole node.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from consensus.encoding import encode
from consensus.messages import Fields
from consensus.model import NodeId
from consensus.simulator.adversary import (
    Adversary,
    other_proposal,
    read_frame,
    read_vote,
)
from consensus.step import Outgoing, Signing

FRAMES_KEPT: Final = 512


@dataclass(slots=True)
class Equivocate(Adversary):
    """Two votes and two proposals for one place, to different peers (E1).

    Each height the peers are parted anew; mostly each side sees one story, sometimes
    everybody sees both.
    """

    name: ClassVar[str] = "equivocate"

    careless: float = 0.2
    _height: int = -1
    _side: frozenset[NodeId] = frozenset()
    _second: dict[int, bytes] = field(default_factory=dict)
    """round -> the digest of the second proposal of this height"""

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Part own votes and proposals; hand on the rest."""
        frame = read_frame(outgoing.frame)
        if frame.get("payload") not in self.own:
            return (outgoing,)
        payload = frame["payload"]
        if not isinstance(payload, bytes):
            return (outgoing,)
        match frame.get("topic"):
            case "vote":
                return self._two_votes(outgoing, payload)
            case "proposal":
                return self._two_proposals(outgoing, dict(frame))
            case _:
                return (outgoing,)

    def _two_votes(self, outgoing: Outgoing, payload: bytes) -> list[Outgoing]:
        height, round_, phase, digest = read_vote(payload)
        self._part(height)
        other = self._second.get(round_)
        if other is None and digest is None:
            other = self.means.chance.randbytes(32)
        second = self.vote_frame(height, round_, phase, other)
        self.act("two votes")
        return self._show(outgoing, second)

    def _two_proposals(self, outgoing: Outgoing, frame: dict[str, object]) -> list[Outgoing]:
        made = other_proposal(frame)  # type: ignore[arg-type]  # it was read from a frame
        if made is None:
            return [outgoing]
        payload, entry = made
        self._part(entry.height)
        self._second[Fields(read_frame(payload)).uint("round")] = entry.digest
        second = {**frame, "entry": entry.encoded()}
        self.act("two proposals")
        return self._show(outgoing, self.signed_frame(second, payload))  # type: ignore[arg-type]

    def _show(self, outgoing: Outgoing, second: bytes) -> list[Outgoing]:
        both = self.chances(self.careless)
        shown = []
        for peer in self.receivers(outgoing):
            if both or peer not in self._side:
                shown.append(Outgoing(outgoing.frame, peer))
            if both or peer in self._side:
                shown.append(Outgoing(second, peer))
        return shown

    def _part(self, height: int) -> None:
        if height != self._height:
            self._height, self._side = height, self.some_peers()
            self._second.clear()


@dataclass(slots=True)
class Favour(Adversary):
    """Talks to some peers only, and hears only some; whom changes now and then."""

    name: ClassVar[str] = "favour"

    _told: frozenset[NodeId] = frozenset()
    _heard: frozenset[NodeId] = frozenset()

    def hear(self, via: NodeId, frame: bytes) -> Iterable[bytes]:
        """Nothing of the others."""
        if not self._heard or self.chances(0.005):
            self._heard = frozenset(self.means.peers) if self.chances(0.5) else self.some_peers()
        if via in self._heard:
            return (frame,)
        self.act("frames not heard")
        return ()

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """To the favoured alone."""
        if not self._told or self.chances(0.01):
            self._told = self.some_peers()
        kept = [Outgoing(outgoing.frame, peer) for peer in self.receivers(outgoing) if peer in self._told]
        if len(kept) < len(self.receivers(outgoing)):
            self.act("frames kept from peers")
        return kept


@dataclass(slots=True)
class Withhold(Adversary):
    """Says nothing of some topics: votes, proposals, shares, parts, or nothing at all."""

    name: ClassVar[str] = "withhold"

    MOODS: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"vote"}),
        frozenset({"proposal"}),
        frozenset({"share", "part"}),
        frozenset({"signed", "inventory", "rows", "records"}),
        frozenset({"entries", "part", "records", "rows"}),
        frozenset({"vote", "proposal", "status", "entries", "share", "part", "signed", "records"}),
        frozenset(),
    )
    _mood: frozenset[str] = frozenset({"vote"})

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Only what the mood of the day lets through."""
        if self.chances(0.01):
            self._mood = self.means.chance.choice(self.MOODS)
        topic = read_frame(outgoing.frame).get("topic")
        if topic not in self._mood:
            return (outgoing,)
        self.act(f"no {topic}")
        return ()


@dataclass(slots=True)
class Amnesia(Adversary):
    """Forgets its locks: starts again from an old copy, and signs beside its register."""

    name: ClassVar[str] = "amnesia"

    often: float = 0.004

    def forgets(self) -> bool:
        """Now and then."""
        if not self.chances(self.often):
            return False
        self.act("restarts from an old copy")
        return True

    def sign(self, signing: Signing) -> bytes | None:
        """The register is in the way."""
        if signing.topic not in ("vote", "proposal"):
            return None
        self.act("signatures beside the register")
        return self.means.sign(signing.payload)


@dataclass(slots=True)
class Replay(Adversary):
    """Says again what was said: old frames, damaged ones, and own votes for other networks and epochs."""

    name: ClassVar[str] = "replay"

    often: float = 0.15
    _kept: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def hear(self, via: NodeId, frame: bytes) -> Iterable[bytes]:
        """Hear, and keep."""
        self._keep(frame)
        return Adversary.hear(self, via, frame)

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """What the node says, and what was said before."""
        self._keep(outgoing.frame)
        if not self.chances(self.often):
            return (outgoing,)
        return (outgoing, *(self._again() for _ in range(self.means.chance.randint(1, 4))))

    def _again(self) -> Outgoing:
        chance = self.means.chance
        frame = chance.choice(tuple(self._kept))
        to = chance.choice(self.means.peers)
        match chance.randint(0, 5):
            case 0:
                self.act("frame cut short")
                return Outgoing(frame[: chance.randint(0, len(frame) - 1)], to)
            case 1:
                self.act("frame with a bit turned")
                at = chance.randrange(len(frame))
                return Outgoing(
                    frame[:at] + bytes([frame[at] ^ 1 << chance.randint(0, 7)]) + frame[at + 1 :], to
                )
            case 2 if self.own:
                return Outgoing(self._elsewhere(), to)
            case _:
                self.act("old frame")
                return Outgoing(frame, to)

    def _elsewhere(self) -> bytes:
        """An own vote or proposal as if of another network or epoch, rightly signed."""
        chance = self.means.chance
        payload = dict(read_frame(chance.choice(tuple(self.own))))
        if chance.random() < 0.5:
            payload["network"] = chance.randbytes(32)
            self.act("vote of another network")
        else:
            payload["epoch"] = self.means.committee.epoch + 1
            self.act("vote of another epoch")
        return self.signed_frame({"topic": "vote"}, encode(payload))

    def _keep(self, frame: bytes) -> None:
        self._kept[frame] = None
        while len(self._kept) > FRAMES_KEPT:
            self._kept.popitem(last=False)


ADVERSARIES: Final[dict[str, type[Adversary]]] = {
    kind.name: kind for kind in (Equivocate, Favour, Withhold, Amnesia, Replay)
}

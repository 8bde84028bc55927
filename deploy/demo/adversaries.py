"""Traitors among whole nodes: lies about shares, ceremonies and records; and how a node is turned.

The kinds that know only votes stand in `consensus.simulator.adversaries`; `ALL` has all of
them by name. Each is put around a node in two places, the same in the simulator and in a
real process: `TurnedNode` around the node itself, and around its links what calls `hear`
for every frame that comes and `twist` for every frame that leaves (`TurnedLinks`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Protocol

from consensus.encoding import Value, encode
from consensus.model import NodeId
from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.adversary import Adversary, joined, read_frame
from consensus.step import Outgoing, Step
from oracle.events import Event, Offered, Signed
from oracle.node import Node

SHARES_KEPT: Final = 32
LYING: Final = 0.5
"""In this share of cases a liar lies: one who always does is soon known."""


@dataclass(slots=True)
class BadShare(Adversary):
    """Its BLS shares are wrong: points of other entries, and bytes that are no point (T2, T3)."""

    name: ClassVar[str] = "bad-share"

    _old: deque[bytes] = field(default_factory=lambda: deque(maxlen=SHARES_KEPT))

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Another signature in the frame of a share."""
        frame = read_frame(outgoing.frame)
        mine = frame.get("signature")
        if frame.get("topic") != "share" or not isinstance(mine, bytes):
            return (outgoing,)
        others = [one for one in self._old if one != mine]
        if mine not in self._old:
            self._old.append(mine)
        if others and self.chances(0.8):
            self.act("share of another entry")
            wrong = self.means.chance.choice(others)
        else:
            self.act("share that is no point")
            wrong = self.means.chance.randbytes(48)
        return (Outgoing(encode({**frame, "signature": wrong}), outgoing.to),)


@dataclass(slots=True)
class BadDealer(Adversary):
    """In a ceremony: wrong sealed shares, wrong commitments, two deals, false complaints (K1, K2)."""

    name: ClassVar[str] = "bad-dealer"

    _made: dict[bytes, bytes] = field(default_factory=dict)
    """honest payload -> what is said instead, so that it is the same at each repetition"""
    _side: frozenset[NodeId] = frozenset()

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Own bundles alone."""
        frame = read_frame(outgoing.frame)
        payload = frame.get("payload")
        if (frame.get("topic"), frame.get("sender")) != ("signed", int(self.means.slot)):
            return (outgoing,)
        if not isinstance(payload, bytes):
            return (outgoing,)
        if payload not in self._made:
            self._made[payload] = self._instead(dict(read_frame(payload)), payload)
            self._side = self.some_peers() if self.chances(0.3) else frozenset(self.means.peers)
        wrong = Outgoing(self.signed_frame(frame, self._made[payload]))
        return [
            Outgoing(wrong.frame if peer in self._side else outgoing.frame, peer)
            for peer in self.receivers(outgoing)
        ]

    def _instead(self, bundle: dict[str, Value], payload: bytes) -> bytes:
        chance = self.means.chance
        match bundle:
            case {"topic": "deal", "sealed": tuple(sealed), "commitments": tuple(commitments)}:
                if chance.random() < 0.3:
                    self.act("wrong commitments")
                    bundle["commitments"] = (commitments[0], *commitments[:-1])
                else:
                    self.act("wrong shares")
                    victims = chance.sample(range(len(sealed)), chance.randint(1, len(sealed) - 1))
                    bundle["sealed"] = tuple(
                        chance.randbytes(80) if at in victims else one for at, one in enumerate(sealed)
                    )
            case {"topic": "respond"} if chance.random() < LYING:
                self.act("false complaint")
                bundle["complaints"] = (chance.choice(self.means.peers),)
            case {"topic": "justify", "shares": tuple(shares)} if chance.random() < LYING:
                self.act("false justification")
                bundle["shares"] = tuple({**_tuple(one), "share": bytes(31) + b"\x01"} for one in shares)
            case _:
                return payload
        return encode(bundle)


@dataclass(slots=True)
class LyingRecords(Adversary):
    """Lies about records: forged ones, inventories and rows of none, observations of its own making."""

    name: ClassVar[str] = "lying-records"

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Lie in half of what is said of records."""
        if not self.chances(LYING):
            return (outgoing,)
        frame = dict(read_frame(outgoing.frame))
        match frame:
            case {"topic": "inventory", "data": bytes(data)} if len(data) > 16:
                self.act("false inventory")
                at = self.means.chance.randrange(16, len(data))
                frame["data"] = data[:at] + self.means.chance.randbytes(len(data) - at)
            case {"topic": "rows", "buckets": tuple(buckets)}:
                self.act("false rows")
                frame["buckets"] = tuple(self._other_rows(_tuple(one)) for one in buckets)
            case {"topic": "records", "records": tuple(records)}:
                self.act("forged records")
                frame["records"] = tuple(self._forged(_tuple(one)) for one in records)
            case {"topic": "signed", "payload": bytes(payload), "sender": self.means.slot}:
                return (self._false_observations(outgoing, frame, payload),)
            case _:
                return (outgoing,)
        return (Outgoing(encode(frame), outgoing.to),)

    def _other_rows(self, bucket: Mapping[str, Value]) -> Value:
        packed = bucket["rows"]
        rows = packed if isinstance(packed, bytes) else b""
        lies = [rows[at : at + 8] + self.means.chance.randbytes(32) for at in range(0, len(rows), 40)]
        return {**bucket, "rows": b"".join(lies)}

    def _forged(self, record: Mapping[str, Value]) -> Value:
        data = record["data"]
        held = data if isinstance(data, bytes) else b"\x00"
        at = self.means.chance.randrange(len(held))
        return {**record, "data": held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :]}

    def _false_observations(self, outgoing: Outgoing, frame: Mapping[str, Value], payload: bytes) -> Outgoing:
        said = dict(read_frame(payload))
        rows = said.get("rows")
        if said.get("topic") != "observations" or not isinstance(rows, tuple):
            return outgoing
        self.act("false observations")
        said["rows"] = tuple({**_tuple(row), "import-register": 0} for row in rows)
        return Outgoing(self.signed_frame(frame, encode(said)), outgoing.to)


@dataclass(slots=True)
class Censor(Adversary):
    """Leaves some usage points' leaves out of what it proposes: it does not want to know of them (A3)."""

    name: ClassVar[str] = "censor"

    victims: frozenset[int] = frozenset({1})

    def heed(self, event: object) -> object | None:
        """No reading of a victim."""
        if not isinstance(event, Offered):
            return event
        kept = tuple(one for one in event.readings if one.usage_point not in self.victims)
        if len(kept) < len(event.readings):
            self.act("readings left out")
        return replace(event, readings=kept)

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Count what it proposes."""
        frame = read_frame(outgoing.frame)
        if frame.get("topic") == "proposal" and frame.get("payload") in self.own:
            entry = frame.get("entry")
            if isinstance(entry, bytes) and read_frame(entry).get("kind") == "window":
                self.act("windows proposed without a victim")
        return (outgoing,)


ALL: Final[dict[str, type[Adversary]]] = {
    **ADVERSARIES,
    **{kind.name: kind for kind in (BadShare, BadDealer, LyingRecords, Censor)},
}


class TurnedNode:
    """The production node with an adversary at its ear and its pen; otherwise as it is."""

    def __init__(self, node: Node, adversary: Adversary) -> None:
        self._node = node
        self._adversary = adversary

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def handle(self, at_ms: int, event: Event) -> Step:
        """What the node does about what the adversary lets it know; some of it signed at once."""
        heeded = self._adversary.heed(event)
        if heeded is None:
            return Step()
        done: list[Step] = []
        waiting: list[Any] = [heeded]
        while waiting:
            now = waiting.pop(0)
            if isinstance(now, Signed):
                self._adversary.note_signed(now.signing, now.signature)
            step = self._node.handle(at_ms, now)
            answers = [(signing, self._adversary.sign(signing)) for signing in step.signings]
            left = tuple(signing for signing, signature in answers if signature is None)
            done.append(replace(step, signings=left))
            waiting += [Signed(signing, signature) for signing, signature in answers if signature is not None]
        return joined(done)


class CarriesFrames(Protocol):
    """What a node's links do for its shell."""

    def broadcast(self, frame: bytes) -> None:
        """To every peer."""

    def send(self, slot: int, frame: bytes) -> None:
        """To one."""


class TurnedLinks:
    """Links with an adversary on the wire; give `on_frame` to the links in place of the runtime's.

    Links number their peers otherwise than the committee does: `seat_of` and `link_of` lead
    from one to the other, None for nobody.
    """

    def __init__(
        self,
        links: CarriesFrames,
        adversary: Adversary,
        deliver: Callable[[int, bytes], None],
        seat_of: Callable[[int], int | None] = lambda link: link,
        link_of: Callable[[int], int | None] = lambda seat: seat,
    ) -> None:
        self._links = links
        self._adversary = adversary
        self._deliver = deliver
        self._seat_of = seat_of
        self._link_of = link_of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._links, name)

    def broadcast(self, frame: bytes) -> None:
        """To every peer, or what the adversary makes of it."""
        self._carry(Outgoing(frame))

    def send(self, slot: int, frame: bytes) -> None:
        """To one peer, or what the adversary makes of it."""
        seat = self._seat_of(slot)
        if seat is None:
            self._links.send(slot, frame)
        else:
            self._carry(Outgoing(frame, NodeId(seat)))

    def on_frame(self, slot: int, frame: bytes) -> None:
        """What the node gets to hear of a peer's frame."""
        seat = self._seat_of(slot)
        for heard in (frame,) if seat is None else self._adversary.hear(NodeId(seat), frame):
            self._deliver(slot, heard)

    def _carry(self, outgoing: Outgoing) -> None:
        for said in self._adversary.twist(outgoing):
            if said.to is None:
                self._links.broadcast(said.frame)
                continue
            link = self._link_of(said.to)
            if link is not None:
                self._links.send(link, said.frame)


def _tuple(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}

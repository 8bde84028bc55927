"""Members' settlements around a square: a scenario says who heard what, and carries their frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from consensus.encoding import Value, encode
from consensus.envelope import Verified
from consensus.messages import Entry
from consensus.model import ZERO_DIGEST, Digest, Height, NodeId, Rejected
from consensus.simulator.runs import NETWORK
from consensus.step import Outgoing
from oracle import frames
from oracle.model import Assurance, Reading, RecordHash
from oracle.settle import Settlement, Worth
from oracle.windows.keeper import Accepted
from oracle.windows.registry import Registry
from oracle.windows.vee import Rules
from tests.unit.oracle.network import COMMITTEE, COMMITTEES, signed
from tests.unit.windows.meters import L, W, reading, town

RULES = Rules(windows_max=16)
TOWN = town(1, 1, 2, 2)
END = W + L
MEMBERS = COMMITTEE.size


def unsigned(point: int, into: int, name: object = None, time_s: int = END) -> Reading:
    return reading(point, time_s, into, name=name, assurance=Assurance.WITNESSED)


@dataclass
class Square:
    """Four settlements over one registry, with window W next."""

    registry: Registry = field(default_factory=lambda: TOWN)
    quorum: int = COMMITTEE.quorum
    records: dict[int, dict[RecordHash, Reading]] = field(default_factory=dict)
    sent: list[tuple[int, int, object]] = field(default_factory=list)
    """Frames that were delivered: (from, to, message)."""

    def __post_init__(self) -> None:
        self.members = [
            Settlement(self.registry, RULES, NETWORK, NodeId(slot), MEMBERS, self.quorum)
            for slot in range(MEMBERS)
        ]
        for member in self.members:
            member.begin_at(W)
            member.open_windows(W)

    # -- feeds and the close ------------------------------------------------------------

    def hear(self, slots: Iterable[int], *readings: Reading) -> None:
        for slot in slots:
            mine = self.records.setdefault(slot, {})
            mine |= {one.record: one for one in readings}
            self.members[slot].offer(readings, None)

    def close(self, *slots: int) -> None:
        for slot in slots or range(MEMBERS):
            self.members[slot].close()

    def observe(self, *slots: int, told: Sequence[int] = range(MEMBERS)) -> None:
        """Members sign what they saw of unsigned meters, and tell others."""
        for slot in slots or range(MEMBERS):
            mine = self.signed_observations(slot)
            for other in {slot, *told}:
                self.members[other].on_observations(mine)

    def signed_observations(self, slot: int) -> Verified[frames.Observations]:
        payload = self.members[slot].own_observations(COMMITTEE.epoch)
        assert payload is not None
        opened = signed(slot, payload)
        assert isinstance(opened.message, frames.Observations)
        return opened

    # -- what is said ---------------------------------------------------------------------

    def notify(self, slot: int, *others: int) -> None:
        """A member's notice, and everything that follows from it."""
        notice = self.members[slot].notice(COMMITTEE.epoch)
        assert notice is not None
        for other in others or [one for one in range(MEMBERS) if one != slot]:
            self.carry(slot, [Outgoing(frames.inventory_frame(notice), NodeId(other))])

    def carry(self, sender: int, out: Iterable[Outgoing], *, drop: Sequence[type] = ()) -> None:
        """Deliver frames through their bytes, and what is answered to them, to the end."""
        waiting = [(sender, one) for one in out]
        while waiting:
            at, outgoing = waiting.pop(0)
            assert outgoing.to is not None
            message = frames.parse(outgoing.frame, NETWORK, COMMITTEES)
            assert not isinstance(message, Rejected), message
            self.sent.append((at, int(outgoing.to), message))
            if not isinstance(message, tuple(drop)):
                waiting += [(int(outgoing.to), one) for one in self._deliver(int(outgoing.to), at, message)]

    def _deliver(self, slot: int, via: int, message: object) -> list[Outgoing]:
        member = self.members[slot]
        match message:
            case frames.InventoryNotice():
                return member.on_notice(NodeId(via), message)
            case frames.RowsWanted():
                return member.on_rows_wanted(NodeId(via), message)
            case frames.Rows():
                return member.on_rows(NodeId(via), message)
            case frames.RecordsWanted(hashes):  # the shell's part: records go over as readings
                held = self.records.get(slot, {})
                handed = [held[one] for one in hashes if one in held]
                self.hear([via], *(one for one in handed if one.assurance is not Assurance.WITNESSED))
                return []
            case frames.ObservationsWanted(window, of):
                known = member.observations_of(window, of)
                return [] if known is None else [Outgoing(frames.signed_frame(known), NodeId(via))]
            case Verified():
                member.on_observations(message)
                return []
            case _:
                raise AssertionError(message)

    def said(self, kind: type, *, sender: int | None = None) -> int:
        return sum(isinstance(message, kind) and sender in (None, at) for at, _, message in self.sent)

    # -- values -----------------------------------------------------------------------------

    def make(self, slot: int, now_s: int = END + 5) -> tuple[Entry, bytes]:
        worth = self.members[slot].make(now_s)
        assert worth is not None
        return self.proposed(slot, worth)

    def proposed(self, slot: int, worth: Worth) -> tuple[Entry, bytes]:
        made = entry(worth.kind, dict(worth.body))
        if worth.found is not None:
            self.members[slot].remember(made.digest, *worth.found)
        return made, worth.attachment

    def check(self, slot: int, made: tuple[Entry, bytes], proposer: int) -> bool | None:
        """What a voter says, after it has fetched all that it wants to fetch."""
        verdict, wanted = self.members[slot].check_window(*made, NodeId(proposer))
        for _ in range(4):
            if verdict is not None or not wanted:
                break
            self.carry(slot, wanted)
            verdict, wanted = self.members[slot].check_window(*made, NodeId(proposer))
        return verdict


def entry(kind: str, body: dict[str, Value]) -> Entry:
    return Entry(NETWORK, Height(5), Digest(ZERO_DIGEST), kind, body)


def altered(made: tuple[Entry, bytes], **body: Value) -> tuple[Entry, bytes]:
    return replace(made[0], body={**made[0].body, **body}), made[1]


def accepted(square: Square, slot: int, one: Reading, now_s: int | None = None) -> bool:
    return isinstance(square.members[slot].offer((one,), now_s)[0], Accepted)


__all__ = ["END", "MEMBERS", "RULES", "TOWN", "L", "Square", "W", "accepted", "altered", "encode", "reading"]

"""Nodes that settle windows and restate them; what is decided is given to each, nobody agrees on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from consensus.encoding import Value
from consensus.messages import Entry
from consensus.model import ZERO_DIGEST, Height, NodeId
from consensus.simulator.runs import NETWORK
from consensus.step import Outgoing
from oracle import frames
from oracle.model import Leaf, Reading, UsagePoint, WindowStart
from oracle.restate import Restating
from oracle.settle import Settlement
from oracle.windows.calendar import Calendar
from oracle.windows.vee import Rules
from oracle.windows.window_data import WindowData
from tests.unit.windows.meters import L, W, reading, town

POINTS = 3
RULES = Rules(windows_max=64)
REGISTRY = town(*[1] * POINTS)
MEMBERS = 4


def start(at: int) -> WindowStart:
    """Where window number `at` begins."""
    return WindowStart(W + at * L)


def closing(point: int, at: int, register_wh: int) -> Reading:
    """The reading that closes window number `at` of a meter."""
    return reading(point, start(at) + L, register_wh, name=(point, at))


@dataclass
class Member:
    """One node's settlement and restatements."""

    calendar: Calendar
    slot: int = 0
    history: dict[WindowStart, WindowData] = field(default_factory=dict)
    revisions: list[tuple[int, int]] = field(default_factory=list)
    heard: dict[bytes, Reading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = NodeId(self.slot)
        self.settlement = Settlement(REGISTRY, RULES, NETWORK, own, MEMBERS, 3)
        self.settlement.begin_at(W)
        self.restating = Restating(self.calendar, self.settlement, own, MEMBERS)

    def hear(self, readings: Sequence[Reading]) -> None:
        self.heard |= {one.record: one for one in readings}
        self.settlement.open_windows(self.settlement.next_window + 2 * L)
        late = [one for one in readings if self.restating.is_late(one)]
        self.settlement.offer([one for one in readings if one not in late], None)
        self.restating.offer(late)

    def settle(self) -> None:
        """Decide the next window as this node would propose it."""
        window = self.settlement.next_window
        self.settlement.open_windows(window)
        self.settlement.close()
        worth = self.settlement.make(window + L)
        assert worth is not None
        if worth.found is None:
            self.restating.decided_void(window, 1)
            self.settlement.skip(1)
        else:
            data = worth.found[0]
            self.history[window] = data
            self.restating.decided_window(data)
            self.settlement.apply_window(data)
        self.restating.moved(window)

    # -- restatements ---------------------------------------------------------------

    def recall(self) -> None:
        """Bring what is wanted from the history, until nothing more is."""
        for _ in range(200):
            if self.restating.resolved:
                return
            for window in self.restating.take_wanted():
                self.restating.recalled(window, self.history.get(window))
        raise AssertionError("the leaves it wants never suffice")

    def next_revision(self) -> WindowData | None:
        """The next restatement as this node would propose it."""
        self.recall()
        data = self.restating.make()
        assert (data is not None) == self.restating.insists
        return data

    def decide(self, data: WindowData) -> None:
        """A restatement was decided."""
        while not self.restating.can_absorb(data):
            for window in self.restating.take_wanted():
                self.restating.recalled(window, self.history[window])
        self.restating.absorb(data)
        self.settlement.attested = self.settlement.attested.apply(data)
        self.history[data.summary.window] = data
        self.revisions.append((data.summary.window, data.summary.revision))

    def restate(self) -> WindowData | None:
        """The next restatement as this node would propose it, decided."""
        data = self.next_revision()
        if data is not None:
            self.decide(data)
        return data

    def propose(self) -> Entry:
        """The next restatement, put to the others."""
        data = self.next_revision()
        assert data is not None
        entry = entry_of(data.summary.value())
        self.restating.made(entry.digest, data)
        return entry

    def judge(self, entry: Entry, proposer: Member) -> bool | None:
        """This node's verdict once it has asked the proposer all that it wants to know; None: not yet."""
        for _ in range(10):
            verdict, asked = self.restating.check(entry, b"", NodeId(proposer.slot))
            wanted = self.restating.take_wanted()
            if verdict is not None or not (asked or wanted):
                return verdict
            for window in wanted:
                self.restating.recalled(window, self.history[window])
            for outgoing in asked:
                assert outgoing.to == proposer.slot
                self.answer(message_of(outgoing), proposer)
        raise AssertionError("it asks without end")

    def answer(self, message: frames.NodeMessage, peer: Member) -> None:
        """What a peer says to one of this node's requests."""
        match message:
            case frames.RowsWanted():
                for outgoing in peer.restating.on_rows_wanted(NodeId(self.slot), message):
                    rows = message_of(outgoing)
                    assert isinstance(rows, frames.Rows)
                    for asked in self.restating.on_rows(NodeId(peer.slot), rows):
                        self.answer(message_of(asked), peer)
            case frames.RecordsWanted(hashes):
                self.hear([peer.heard[one] for one in hashes])
            case _:
                raise AssertionError(f"nobody asks by {message}")

    # -- what is seen -----------------------------------------------------------------

    def leaves(self, point: int) -> list[Leaf]:
        found = [data.leaf(UsagePoint(point)) for _, data in sorted(self.history.items())]
        return [one for one in found if one is not None]


def entry_of(body: dict[str, Value]) -> Entry:
    return Entry(NETWORK, Height(9), ZERO_DIGEST, "window", body)


def message_of(outgoing: Outgoing) -> frames.NodeMessage:
    """Through the bytes of the wire."""
    message = frames.parse(outgoing.frame, NETWORK, {})
    assert isinstance(message, frames.RowsWanted | frames.Rows | frames.RecordsWanted), message
    return message

"""Where each window stands, or where it stopped and why; and who was heard about it, when.

Every window passes the same stages; the node notes each as it is reached, and of every
member the first word of each sort that reached it. What an operator asks ("why is there no
attestation for 14:15, and who was late?") is answered from here. Bounded: the last
WINDOWS_KEPT windows in memory; each goes to the history as a part of its height, so that a
restart forgets none of the recent ones. Decides nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.messages import Fields, WrongShape
from consensus.model import NodeId
from oracle.model import WindowStart

WINDOWS_KEPT: Final = 256
REMARKS_MAX: Final = 32
DETAIL_MAX: Final = 128
ROUNDS_HEARD: Final = 3
"""Votes are kept of the first round and of so many last ones."""
HEARD_MAX: Final = 31 * (3 + 3 * (ROUNDS_HEARD + 1))
EARLY_MAX: Final = 31 * 4
"""Words about the height after the open one, which are noted once it is open."""
TRAVEL_BYTES_MAX: Final = 1 << 17


class Stage(IntEnum):
    """The stages of a window, in order."""

    COLLECTING = 0
    CLOSED = 1
    RECONCILED = 2
    PROPOSED = 3
    CERTIFIED = 4
    ATTESTED = 5
    SUBMITTED = 6
    ON_CHAIN = 7


class Said(IntEnum):
    """What a member can say about a window, in the order in which it is due."""

    NOTICE = 1
    """What it holds (A2)."""
    OBSERVATIONS = 2
    """What it saw of unsigned meters (R4)."""
    PROPOSAL = 3
    PREVOTE = 4
    COMMIT = 5
    SHARE = 6
    """Its share of the group's signature (T1)."""


_IN_ROUNDS: Final = (Said.PROPOSAL, Said.PREVOTE, Said.COMMIT)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was noted about a window; `at_ms` is UTC milliseconds."""

    at_ms: int
    stage: Stage
    detail: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The first word of one sort by one member; `value` begins the digest it is for, b"" for nothing."""

    at_ms: int
    said: Said
    slot: NodeId
    round: int = 0
    value: bytes = b""


@dataclass(slots=True)
class Travel:
    """One window's way."""

    window: WindowStart
    height: int = 0
    stage: Stage = Stage.COLLECTING
    void_reason: int = 0
    leaves: int = 0
    remarks: list[Remark] = field(default_factory=list)
    readings: int = 0
    """Readings that were taken for it here, also those that another outranks."""
    first_reading_ms: int = 0
    last_reading_ms: int = 0
    words: dict[tuple[Said, NodeId, int], Heard] = field(default_factory=dict)

    def note(self, stage: Stage, at_ms: int, detail: str = "") -> None:
        """A stage is reached; one that was reached is not taken back."""
        self.stage = max(self.stage, stage)
        if len(self.remarks) < REMARKS_MAX:
            self.remarks.append(Remark(at_ms, stage, detail[:DETAIL_MAX]))

    def reached_ms(self, stage: Stage) -> int:
        """When a stage was first reached, UTC ms; 0 where it was not noted."""
        return next((remark.at_ms for remark in self.remarks if remark.stage is stage), 0)

    def read(self, count: int, at_ms: int) -> None:
        """So many readings for this window were taken."""
        self.first_reading_ms = self.first_reading_ms or at_ms
        self.last_reading_ms = at_ms
        self.readings += count

    def hear(self, heard: Heard) -> bool:
        """A member's word; the first of its sort and round counts. Whether it was news."""
        key = (heard.said, heard.slot, heard.round)
        if key in self.words:
            return False
        if heard.said in _IN_ROUNDS:
            self._drop_rounds(heard.round)
        if len(self.words) >= HEARD_MAX:
            return False
        self.words[key] = heard
        return True

    def heard(self) -> tuple[Heard, ...]:
        """All that is kept, in the order of the stages, rounds and members."""
        words = self.words.copy()  # the node's thread may add to it
        return tuple(words[key] for key in sorted(words, key=lambda one: (one[2], one[0], one[1])))

    def drop_votes(self) -> None:
        """The votes were about another entry, which took the height before this window."""
        for key in [key for key in self.words if key[0] in _IN_ROUNDS]:
            del self.words[key]

    def _drop_rounds(self, newest: int) -> None:
        if newest <= ROUNDS_HEARD:
            return
        for key in [key for key in self.words if 0 < key[2] <= newest - ROUNDS_HEARD]:
            del self.words[key]

    def to_bytes(self) -> bytes:
        """For the history."""
        remarks: list[Value] = [
            {"at-ms": one.at_ms, "stage": int(one.stage), "detail": one.detail} for one in tuple(self.remarks)
        ]
        words: list[Value] = [
            {
                "at-ms": one.at_ms,
                "said": int(one.said),
                "slot": int(one.slot),
                "round": one.round,
                "value": one.value,
            }
            for one in self.heard()
        ]
        return encode(
            {
                "window": self.window,
                "height": self.height,
                "stage": int(self.stage),
                "void-reason": self.void_reason,
                "leaves": self.leaves,
                "remarks": remarks,
                "readings": self.readings,
                "first-reading-ms": self.first_reading_ms,
                "last-reading-ms": self.last_reading_ms,
                "words": words,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Travel | None:
        """From the history; None for what another version wrote: nothing hangs on it."""
        try:
            fields = Fields(decode(data, bytes_max=TRAVEL_BYTES_MAX))
            remarks = [_remark(Fields(row)) for row in fields.items("remarks", REMARKS_MAX)]
            words = [_heard(Fields(row)) for row in fields.items("words", HEARD_MAX)]
            return cls(
                WindowStart(fields.uint("window")),
                fields.uint("height"),
                Stage(fields.uint("stage")),
                fields.uint("void-reason"),
                fields.uint("leaves"),
                remarks,
                fields.uint("readings"),
                fields.uint("first-reading-ms"),
                fields.uint("last-reading-ms"),
                {(one.said, one.slot, one.round): one for one in words},
            )
        except (WrongShape, EncodingError, ValueError):
            return None


@dataclass(slots=True)
class Journey:
    """The last windows, oldest first."""

    _travels: OrderedDict[WindowStart, Travel] = field(default_factory=OrderedDict)
    _early: list[tuple[int, Heard]] = field(default_factory=list)
    _changed: dict[WindowStart, None] = field(default_factory=dict)
    _noted: bool = False

    def note(self, window: WindowStart, stage: Stage, at_ms: int, detail: str = "") -> Travel:
        """A window has reached a stage; a stage once reached is not taken back."""
        travel = self.at(window)
        travel.note(stage, at_ms, detail)
        self._noted = True
        return travel

    def at(self, window: WindowStart) -> Travel:
        """A window's way, begun here if it is new; it counts as changed."""
        travel = self._travels.setdefault(window, Travel(window))
        while len(self._travels) > WINDOWS_KEPT:
            gone, _ = self._travels.popitem(last=False)
            self._changed.pop(gone, None)
        self._changed[window] = None
        return travel

    def hear(self, height: int, open_height: int, window: WindowStart, heard: Heard) -> None:
        """A word about a height: the open one, which is about `window`, one before, or the next."""
        if height == open_height:
            self.at(window).hear(heard)
        elif height == open_height + 1:
            if len(self._early) < EARLY_MAX:
                self._early.append((height, heard))
        else:
            known = self.of_height(height)
            if known is not None and known.hear(heard):
                self._changed[known.window] = None

    def opened(self, height: int, window: WindowStart) -> None:
        """A height is open: what was said of it before counts now."""
        early, self._early = self._early, []
        for at, heard in early:
            if at == height:
                self.at(window).hear(heard)

    def due(self, open_window: WindowStart) -> tuple[Travel, ...]:
        """Ways for the history, once a stage was noted: what is settled or open, and has changed.

        What is merely heard goes with the next stage of whichever window.
        """
        if not self._noted:
            return ()
        self._noted = False
        ready = [
            travel
            for window in list(self._changed)
            if (travel := self._travels[window]).height or window == open_window
        ]
        for travel in ready:
            del self._changed[travel.window]
        return tuple(ready)

    def recall(self, data: bytes) -> None:
        """A way as the history has it, after a restart."""
        travel = Travel.from_bytes(data)
        if travel is not None and travel.window not in self._travels:
            self._travels[travel.window] = travel

    def of(self, window: WindowStart) -> Travel | None:
        """One window's way, if it is still kept."""
        return self._travels.get(window)

    def of_height(self, height: int) -> Travel | None:
        """The window that a height settled, if it is still kept."""
        return next((one for one in reversed(self._travels.values()) if one.height == height), None)

    def newest(self) -> tuple[Travel, ...]:
        """All kept, newest first."""
        return tuple(reversed(self._travels.values()))


def _remark(fields: Fields) -> Remark:
    return Remark(fields.uint("at-ms"), Stage(fields.uint("stage")), fields.text("detail", DETAIL_MAX))


def _heard(fields: Fields) -> Heard:
    return Heard(
        fields.uint("at-ms"),
        Said(fields.uint("said")),
        NodeId(fields.uint("slot", 255)),
        fields.uint("round"),
        fields.buff("value", 0, 4),
    )

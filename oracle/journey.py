"""Where each window stands, or where it stopped and why.

Every window passes the same stages; the node notes each as it is reached. What an
operator asks ("why is there no attestation for 14:15?") is answered from here. Bounded:
the last WINDOWS_KEPT windows; older ones are in the history.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from oracle.model import WindowStart

WINDOWS_KEPT: Final = 256
REMARKS_MAX: Final = 32


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


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was noted about a window; `at_ms` is UTC milliseconds."""

    at_ms: int
    stage: Stage
    detail: str


@dataclass(slots=True)
class Travel:
    """One window's way."""

    window: WindowStart
    height: int = 0
    stage: Stage = Stage.COLLECTING
    void_reason: int = 0
    leaves: int = 0
    remarks: list[Remark] = field(default_factory=list)

    def reached_ms(self, stage: Stage) -> int:
        """When a stage was first reached, UTC ms; 0 where it was not noted."""
        return next((remark.at_ms for remark in self.remarks if remark.stage is stage), 0)


@dataclass(slots=True)
class Journey:
    """The last windows, oldest first."""

    _travels: OrderedDict[WindowStart, Travel] = field(default_factory=OrderedDict)

    def note(self, window: WindowStart, stage: Stage, at_ms: int, detail: str = "") -> Travel:
        """A window has reached a stage; a stage once reached is not taken back."""
        travel = self._travels.setdefault(window, Travel(window))
        travel.stage = max(travel.stage, stage)
        if len(travel.remarks) < REMARKS_MAX:
            travel.remarks.append(Remark(at_ms, stage, detail))
        while len(self._travels) > WINDOWS_KEPT:
            self._travels.popitem(last=False)
        return travel

    def of(self, window: WindowStart) -> Travel | None:
        """One window's way, if it is still kept."""
        return self._travels.get(window)

    def of_height(self, height: int) -> Travel | None:
        """The window that a height settled, if it is still kept."""
        return next((one for one in reversed(self._travels.values()) if one.height == height), None)

    def newest(self) -> tuple[Travel, ...]:
        """All kept, newest first."""
        return tuple(reversed(self._travels.values()))

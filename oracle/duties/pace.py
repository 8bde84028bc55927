"""How long a node waits, and the names of the timers that tell it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_TIMER: Final = "window"
COLLECT_TIMER: Final = "collect"
NUDGE_TIMER: Final = "nudge"
DEADLINE_TIMER: Final = "deadline"
LATE_COLLECT_TIMER: Final = "late-collect"
LATE_DEADLINE_TIMER: Final = "late-deadline"
PHASE_TIMER: Final = "phase"
RESHARING_TIMER: Final = "resharing"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long this node waits, in ms."""

    grace_ms: int = 2000
    """From a window's end to its close: how late a reading may arrive."""
    collect_ms: int = 1500
    """From the close to the proposal, unless the members' notices agree earlier."""
    ceremony_ms: int = 20_000
    """For each phase of a key ceremony, unless everybody's bundle is there earlier."""
    deadline_ms: int = 600_000
    """From the close until a window without agreement may be given up (A7)."""
    nudge_ms: int = 1000
    """How often what has not moved is said again."""

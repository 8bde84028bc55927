"""What goes wrong in a simulated world, and how a seed draws it.

Every fault can be off: a run in which everything is bad at once hides what one fault
alone would show, so a seed turns some on and some off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from consensus.simulator.network import NetworkFaults

ON: Final = 0.55
"""Chance that a kind of fault is on in a run."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Of nodes, their disks and clocks; chances are of 1, times in ms."""

    network: NetworkFaults = field(default_factory=NetworkFaults)
    crash: float = 0.0
    """Chance that carrying out one Step is cut short by a crash, before any one act of it."""
    down_max_ms: int = 8000
    failed_write: float = 0.0
    """Chance that a Step's records cannot be written; then the process ends (N2)."""
    disk_full: float = 0.0
    """Chance, a node and simulated second, that its disk is full for a while."""
    full_max_ms: int = 5000
    clock_skew: float = 0.0
    """Timers run faster or slower by up to this share, fixed for each node."""
    clock_jump: float = 0.0
    """Chance, a node and simulated second, that its UTC clock is set anew."""
    jump_max_ms: int = 3000
    lost_state: float = 0.0
    """Chance that a crash takes durable state along: for at most f members, traitors included."""


def draw_faults(seed: int) -> Faults:
    """Draw how bad this run is: some faults on, some off, so that each combination comes up."""
    draw = Random(seed ^ 0x5EED)  # noqa: S311 - a simulation wants the same chance again

    def maybe(high: float) -> float:
        return draw.random() * high if draw.random() < ON else 0.0

    network = NetworkFaults(
        loss=maybe(0.25),
        duplication=maybe(0.2),
        delay_max_ms=draw.choice((20, 60, 400, 1500)),
        partition=maybe(0.15),
        one_way=maybe(0.15),
        swizzle=maybe(0.08),
        uneven=draw.random() < ON,
    )
    return Faults(
        network,
        crash=maybe(0.004),
        failed_write=maybe(0.002),
        disk_full=maybe(0.02),
        clock_skew=maybe(0.3),
        clock_jump=maybe(0.03),
        lost_state=maybe(0.5),
    )

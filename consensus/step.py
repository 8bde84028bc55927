"""What a pure machine takes and gives: events in, a `Step` out.

The shell carries out a Step's fields in the order in which they stand here, so that
*persist before send* is a property of the shape and not a habit:

    records       durable (one transaction, fsync) before anything else happens
    envelopes     to peers
    timers        armed, by name; arming a name again replaces it
    signings      asked of the signer, answered by an event
    transmissions to the chain's outbox
    milestones    to logs, metrics and `explain`

If making the records durable fails, nothing else of the Step happens (N2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from consensus.model import NodeId


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One thing to remember: `kind` names how to read `data` on restart."""

    height: int
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Bytes for one peer, or for all when `to` is None."""

    frame: bytes
    to: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """An event with this name is wanted after `delay_ms`; None disarms it."""

    name: str
    delay_ms: int | None


@dataclass(frozen=True, slots=True)
class Signing:
    """A signature wanted from the signer.

    `topic` "vote" and "proposal" go through the sign-once register (N1), keyed by
    (height, round, phase); phase 0 is a proposal. Others are signed as they are.
    """

    topic: str
    payload: bytes
    height: int = 0
    round: int = 0
    phase: int = 0


@dataclass(frozen=True, slots=True)
class Transmission:
    """A contract call wanted on chain; `key` makes it idempotent (C1)."""

    key: str
    contract: str
    function: str
    arguments: tuple[bytes, ...]
    """Canonical Clarity values, encoded."""
    height: int
    stage: int
    """How many submitters stand before this node; each waits its turn (C1)."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that an operator may want to know: what, about which height, in which words."""

    name: str
    height: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What the shell must do, field by field, in this order."""

    records: tuple[JournalRecord, ...] = ()
    envelopes: tuple[Outgoing, ...] = ()
    timers: tuple[Timer, ...] = ()
    signings: tuple[Signing, ...] = ()
    transmissions: tuple[Transmission, ...] = ()
    milestones: tuple[Milestone, ...] = ()


@dataclass(slots=True)
class StepBuilder:
    """Collects a Step while one event is handled."""

    records: list[JournalRecord] = field(default_factory=list)
    envelopes: list[Outgoing] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    signings: list[Signing] = field(default_factory=list)
    transmissions: list[Transmission] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)

    def take(self) -> Step:
        """Give what was collected and start anew."""
        step = Step(
            tuple(self.records),
            tuple(self.envelopes),
            tuple(self.timers),
            tuple(self.signings),
            tuple(self.transmissions),
            tuple(self.milestones),
        )
        self.records.clear()
        self.envelopes.clear()
        self.timers.clear()
        self.signings.clear()
        self.transmissions.clear()
        self.milestones.clear()
        return step

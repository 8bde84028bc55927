"""What the duties of one node share: who it is, how far the log is, the time, and the Step in the making."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from consensus.agreement.engine import Engine
from consensus.dkg.status import Fault, FaultReason
from consensus.messages import DecidedEntry
from consensus.model import Committee, Genesis, Height, Network, NodeId
from consensus.step import JournalRecord, Milestone, Outgoing, Signing, Step, StepBuilder, Timer
from oracle import chronicle
from oracle.conduct import Conduct, Misdeed
from oracle.duties.pace import Pace
from oracle.journey import Journey


@dataclass(slots=True)
class Context:
    """Shared by one node's duties; each adds to the Step in the order in which it is asked."""

    genesis: Genesis
    engine: Engine
    pace: Pace
    journey: Journey = field(default_factory=Journey)
    conduct: Conduct = field(default_factory=Conduct)
    out: StepBuilder = field(default_factory=StepBuilder)
    now_ms: int = 0
    """The shell's UTC clock at the event that is being handled."""
    unapplied: deque[tuple[DecidedEntry, bytes]] = field(default_factory=deque)
    """Decided entries, with their attachments, that wait for their data, in the order of the log (U1)."""
    rejections: dict[str, int] = field(default_factory=dict)
    """How many readings were rejected, by reason."""

    @property
    def network(self) -> Network:
        """The network's id."""
        return self.genesis.network

    @property
    def own(self) -> NodeId | None:
        """This node's slot, None outside the committee."""
        return self.engine.own

    @property
    def committee(self) -> Committee:
        """The committee in force."""
        return self.engine.committee

    @property
    def height(self) -> Height:
        """The height being worked on."""
        return self.engine.height

    @property
    def open_height(self) -> int:
        """The first height that is not applied yet."""
        return self.unapplied[0][0].entry.height if self.unapplied else self.height

    @property
    def now_s(self) -> int:
        """UTC seconds."""
        return self.now_ms // 1000

    def write(self, record: JournalRecord) -> None:
        """Durable before anything else of this Step happens."""
        self.out.records.append(record)

    def keep(self, height: Height, name: str, data: bytes) -> None:
        """A part of a height, for the history."""
        self.write(chronicle.part(height, name, data))

    def send(self, envelopes: Iterable[Outgoing]) -> None:
        """To peers."""
        self.out.envelopes += envelopes

    def arm(self, name: str, delay_ms: int) -> None:
        """Arm a timer, or arm it again."""
        self.out.timers.append(Timer(name, delay_ms))

    def sign(self, signing: Signing) -> None:
        """Ask the signer, or another of the shell's workers."""
        self.out.signings.append(signing)

    def note(self, name: str, height: int, detail: str) -> None:
        """Something that an operator may want to know."""
        self.out.milestones.append(Milestone(name, height, detail))

    def merge(self, step: Step) -> None:
        """What another machine wants done."""
        self.out.records += step.records
        self.out.envelopes += step.envelopes
        self.out.timers += step.timers
        self.out.signings += step.signings
        self.out.milestones += step.milestones

    def count_rejection(self, reason: str) -> None:
        """A reading was rejected."""
        self.rejections[reason] = self.rejections.get(reason, 0) + 1

    def saw(self, slot: NodeId, misdeed: Misdeed, height: int, detail: str = "") -> None:
        """A member of the committee in force did what it should not."""
        keys = self.committee.node_keys
        if slot < len(keys):
            self.conduct.see(keys[slot], misdeed, self.now_ms, height, detail)

    def saw_faults(self, faults: Iterable[tuple[bytes, Fault]], height: int) -> None:
        """What an entry of a ceremony, the first or a later one, shows of its participants (K2)."""
        for key, fault in faults:
            misdeed = Misdeed.ABSENT if fault.reason is FaultReason.ABSENT else Misdeed.BAD_CEREMONY
            detail = f"{fault.phase.value}: {fault.reason.value}"
            self.conduct.see(key, misdeed, self.now_ms, height, detail)

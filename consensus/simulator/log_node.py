"""The smallest node: an engine that agrees on entries of no meaning.

Each height is due a fixed while after the one before; the value of a height differs
from proposer to proposer, so that agreement has something to agree on.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from coincurve import PrivateKey

from consensus.agreement.engine import (
    CheckWanted,
    Committed,
    Engine,
    Misbehaved,
    ProposeWanted,
    Timeouts,
)
from consensus.agreement.wire import (
    ENTRIES_PER_FRAME,
    AgreementMessage,
    EntriesWanted,
    entries_frame,
    parse_frame,
)
from consensus.encoding import Value, encode
from consensus.messages import Certificate, Entry
from consensus.model import ZERO_DIGEST, Committee, Digest, Height, InvariantBroken, Network, NodeId, Rejected
from consensus.simulator.disk import DECIDED, EVIDENCE, Disk
from consensus.step import JournalRecord, Milestone, Outgoing, Signing, Step, StepBuilder, Timer

BEGIN_TIMER = "begin"
ATTACHMENT = b"attached"
FRAMES_READ_MAX: Final = 4096


@dataclass(slots=True)
class Reader:
    """Reads and verifies a frame once for all nodes of a world: reading is a pure function.

    The twin of the production shell's threads, which verify beside the node.
    """

    network: Network
    committee: Committee
    _read: OrderedDict[bytes, AgreementMessage | Rejected] = field(default_factory=OrderedDict)

    def __call__(self, frame: bytes) -> AgreementMessage | Rejected:
        """The message in a frame."""
        known = self._read.get(frame)
        if known is None:
            known = parse_frame(frame, self.network, {self.committee.epoch: self.committee})
            self._read[frame] = known
            if len(self._read) > FRAMES_READ_MAX:
                self._read.popitem(last=False)
        return known


class LogNode:
    """A Machine of the simulator over the production engine."""

    def __init__(self, read: Reader, key: PrivateKey, disk: Disk, pause_ms: int = 200) -> None:
        self._read = read
        self._disk = disk
        self._pause_ms = pause_ms
        self._name = key.public_key.format()[:4]
        self._engine = Engine(
            read.network, read.committee, key.public_key.format(), Timeouts(), self._head_on_disk()
        )
        self._out = StepBuilder()

    def start(self) -> Step:
        """Resume from the disk."""
        self._engine.replay(self._disk.journal)
        self._engine.start()
        if not self._engine.begun:
            self._out.timers.append(Timer(BEGIN_TIMER, self._pause_ms))
        return self._settle()

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        """A frame from a peer; requests for history are answered from the disk."""
        message = self._read(frame)
        if isinstance(message, EntriesWanted):
            rows = []
            for height in range(message.first, message.first + ENTRIES_PER_FRAME):
                row = self._disk.history.get(height)
                if row is None:
                    break
                rows.append(row)
            if rows:
                self._out.envelopes.append(Outgoing(entries_frame(tuple(rows)), via))
        elif not isinstance(message, Rejected):
            self._engine.receive(via, message)
        else:
            self._note("rejected", message.reason.value)
        return self._settle()

    def timer(self, name: str) -> Step:
        """A timer has passed."""
        if name == BEGIN_TIMER:
            self._engine.begin()
        else:
            self._engine.timer(name)
        return self._settle()

    def signed(self, signing: Signing, signature: bytes) -> Step:
        """The signer has answered."""
        self._engine.signed(signing, signature)
        return self._settle()

    def _settle(self) -> Step:
        """Answer the engine's asks until it has none, and merge what it did."""
        while True:
            step, asks = self._engine.take()
            self._merge(step)
            if not asks:
                return self._out.take()
            for ask in asks:
                self._answer(ask)

    def _answer(self, ask: object) -> None:
        match ask:
            case ProposeWanted(height, round_):
                body: dict[str, Value] = {"proposer": self._name, "round": round_}
                entry = Entry(self._engine.network, height, self._engine.head[1], "test", body)
                self._engine.made(round_, entry, ATTACHMENT)
            case CheckWanted(entry, attachment):
                self._engine.checked(entry.digest, valid=attachment == ATTACHMENT)
            case Committed(decided, attachment, live):
                if not live:
                    self._note("caught-up", "")
                row: Value = {
                    "entry": decided.entry.encoded(),
                    "certificate": decided.certificate.encoded(),
                    "attachment": attachment,
                }
                self._out.records.append(JournalRecord(decided.entry.height, DECIDED, encode(row)))
                self._out.timers.append(Timer(BEGIN_TIMER, self._pause_ms))
            case Misbehaved(proof):
                evidence: Value = {
                    "first": {"payload": proof.first.payload, "signature": proof.first.signature},
                    "second": {"payload": proof.second.payload, "signature": proof.second.signature},
                }
                height = proof.first.message.height
                self._out.records.append(JournalRecord(height, EVIDENCE, encode(evidence)))
                self._note("double-vote", f"member {proof.first.sender}")

    def _note(self, name: str, detail: str) -> None:
        self._out.milestones.append(Milestone(name, self._engine.height, detail))

    def _merge(self, step: Step) -> None:
        self._out.records += step.records
        self._out.envelopes += step.envelopes
        self._out.timers += step.timers
        self._out.signings += step.signings
        self._out.milestones += step.milestones

    def _head_on_disk(self) -> tuple[Height, Digest]:
        if not self._disk.history:
            return Height(0), ZERO_DIGEST
        top = max(self._disk.history)
        entry = Entry.parse(self._disk.history[top][0])
        certificate = Certificate.parse(self._disk.history[top][1])
        if isinstance(entry, Rejected) or isinstance(certificate, Rejected):
            raise InvariantBroken("the disk gives back what was written")
        return entry.height, entry.digest

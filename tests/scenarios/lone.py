"""One whole node amid a window, whose peers, clock and shell a scenario plays."""

from __future__ import annotations

from dataclasses import dataclass, field

from consensus.agreement.wire import entries_frame, proposal_frame
from consensus.encoding import encode
from consensus.envelope import ProposalFrame, Verified, certificate_at, open_proposal
from consensus.messages import Entry, Phase, Proposal, Vote
from consensus.model import Digest, NodeId, Rejected, Round
from consensus.step import Signing, Step
from oracle import frames
from oracle.duties.pace import DEADLINE_TIMER
from oracle.events import ChainRead, TimerPassed
from oracle.model import Device
from tests.scenarios.network import Member, Town


@dataclass
class Lone:
    """The node of `slot`, just after the close of a window that nothing is decided about."""

    slot: int = 0
    windows: int = 2
    heard: float = 1.0
    town: Town = field(default_factory=Town)
    votes: list[Vote] = field(default_factory=list)
    sent: list[object] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        town = self.town
        town.run_until(lambda: min(town.windows(slot) for slot in range(4)) >= self.windows)
        town.kill(*(slot for slot in range(4) if slot != self.slot))
        town.ears[self.slot].heard = self.heard
        self.node = town.node(self.slot)
        world = town.world
        close_s = self.node.settlement.next_window + town.genesis.window_s + 2
        world.run(world.now_ms + (close_s - town.now_s()) * 1000)
        assert self.node.settlement.closed
        machine = world.hosts[self.slot].machine
        assert isinstance(machine, Member)
        self.machine = machine

    # -- what happens -----------------------------------------------------------------

    def carry_out(self, step: Step) -> None:
        """Persist, note what is said, and let the signer answer; nobody hears it."""
        host = self.town.world.hosts[self.slot]
        host.disk.commit(step.records)
        self.timers |= {timer.name: timer.delay_ms or 0 for timer in step.timers}
        for outgoing in step.envelopes:
            message = frames.parse(outgoing.frame, self.node.network, self.node.engine.committees)
            self.sent.append(message)
            if isinstance(message, Verified) and isinstance(message.message, Vote):
                self.votes.append(message.message)
        for signing in step.signings:
            signature = host.signer.sign(signing)
            if signature is not None:
                self.carry_out(self.machine.signed(signing, signature))

    def sign(self, signing: Signing) -> bytes:
        return self.town.keys[self.slot].sign_recoverable(signing.payload)

    def pass_timer(self, name: str) -> None:
        self.carry_out(self.machine.happen(TimerPassed(name)))

    def pass_deadline(self) -> None:
        self.pass_timer(f"{DEADLINE_TIMER}/{self.node.settlement.next_window}")

    def read_chain(self, devices: tuple[Device, ...], height: int = 9) -> None:
        self.carry_out(self.machine.happen(ChainRead(devices, height)))

    def propose(self, entry: Entry, round_: int, attachment: bytes = b"") -> None:
        """The proposal of whoever's turn it is, through the bytes of the wire."""
        committee = self.node.engine.committee
        slot = committee.proposer(entry.previous, Round(round_))
        assert slot != self.slot, "the scenario speaks for the others"
        proposal = Proposal(committee.epoch, entry.height, Round(round_), entry.digest, None)
        payload = encode(proposal.value(self.node.network))
        signature = self.town.keys[slot].sign_recoverable(payload)
        opened = open_proposal(payload, signature, self.node.network, self.node.engine.committees)
        assert isinstance(opened, Verified)
        frame = proposal_frame(ProposalFrame(opened, entry, attachment, None))
        assert not isinstance(frames.parse(frame, self.node.network, self.node.engine.committees), Rejected)
        self.carry_out(self.machine.deliver(NodeId(slot), frame))

    def decide(self, entry: Entry, attachment: bytes = b"") -> None:
        """A quorum of the others has decided this entry; a peer hands it over (U1)."""
        committee = self.node.engine.committee
        vote = Vote(committee.epoch, entry.height, Round(0), Phase.COMMIT, entry.digest)
        payload = encode(vote.value(self.node.network))
        others = [NodeId(slot) for slot in range(4) if slot != self.slot]
        signatures = {slot: self.town.keys[slot].sign_recoverable(payload) for slot in others}
        certificate = certificate_at(committee.epoch, Round(0), signatures, committee.size)
        frame = entries_frame(((entry.encoded(), certificate.encoded(), attachment),))
        self.carry_out(self.machine.deliver(others[0], frame))

    @property
    def late(self) -> bool:
        """Whether the node holds its window to be past the deadline."""
        return self.node.past_deadline

    def skip_rounds_to(self, round_: int) -> None:
        """Let rounds pass without any agreement until this one."""
        assert self.node.engine.begun
        while self.node.engine.round < round_:
            now = self.node.engine.round
            for stage in range(3):
                self.pass_timer(f"round/{self.node.height}/{now}/{stage}")

    def rounds_of_others(self, first: int = 0) -> list[int]:
        """Rounds in which it is not this node's turn."""
        committee, previous = self.node.engine.committee, self.node.engine.head[1]
        return [r for r in range(first, first + 8) if committee.proposer(previous, Round(r)) != self.slot]

    # -- what is seen -------------------------------------------------------------------

    def entry(self, kind: str, **body: object) -> Entry:
        height, previous = self.node.height, self.node.engine.head[1]
        return Entry(self.node.network, height, previous, kind, body)  # type: ignore[arg-type]

    def void(self, reason: int, count: int = 1) -> Entry:
        window = self.node.settlement.next_window
        return self.entry("void", window=window, revision=0, reason=reason, count=count)

    def verdict(self, digest: Digest) -> bool | None:
        """What the node has told agreement of a value; None while it is open."""
        return self.node.engine._rules.validity.get(digest)

    def prevotes(self, digest: Digest | None) -> list[int]:
        return [vote.round for vote in self.votes if vote.phase is Phase.PREVOTE and vote.digest == digest]

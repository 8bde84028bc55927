"""Who said what, for `explain`: the first word of each sort of each member. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from consensus.agreement.tally import ROUNDS_AHEAD
from consensus.encoding import decode
from consensus.envelope import ProposalFrame, Verified
from consensus.messages import Fields, Phase, Vote
from consensus.model import NodeId
from consensus.step import Signing
from oracle import frames
from oracle.duties.context import Context
from oracle.journey import Heard, Said
from oracle.model import WindowStart
from oracle.settle import Settlement


@dataclass(slots=True)
class Hearing:
    """Notes words where they belong: at the height or the window that they are about."""

    context: Context
    settlement: Settlement

    def hear(self, via: NodeId, message: frames.NodeMessage) -> None:
        """A member's message."""
        match message:
            case Verified(message=Vote(_, height, round_, phase, digest), sender=sender):
                said = Said.PREVOTE if phase is Phase.PREVOTE else Said.COMMIT
                self._at(height, said, sender, round_, digest)
            case ProposalFrame(Verified(message=one, sender=sender)):
                self._at(one.height, Said.PROPOSAL, sender, one.round, one.digest)
            case frames.Share(height, digest):
                self._at(height, Said.SHARE, via, 0, digest)
            case frames.InventoryNotice(window):
                self._of(window, Said.NOTICE, via)
            case Verified(message=frames.Observations(_, window), sender=sender):
                self._of(window, Said.OBSERVATIONS, sender)
            case _:
                pass

    def hear_own(self, signing: Signing) -> None:
        """This node's own vote or proposal, signed."""
        own, height = self.context.own, self.context.height
        if own is None or signing.height != height:
            return
        fields = Fields(decode(signing.payload))
        if signing.topic == "vote":
            said = Said.PREVOTE if signing.phase == Phase.PREVOTE else Said.COMMIT
            digest = fields.optional_buff("digest", 32)
        else:
            said, digest = Said.PROPOSAL, fields.buff("digest", 32)
        self._at(height, said, own, signing.round, digest)

    def _at(self, height: int, said: Said, sender: NodeId, round_: int, digest: bytes | None) -> None:
        context = self.context
        if round_ > context.engine.round + ROUNDS_AHEAD:  # nobody fills the account with rounds to come
            return
        heard = Heard(context.now_ms, said, sender, round_, (digest or b"")[:4])
        context.journey.hear(height, context.open_height, self.settlement.next_window, heard)

    def _of(self, window: WindowStart, said: Said, sender: NodeId) -> None:
        if self.settlement.takes(window):
            self.context.journey.at(window).hear(Heard(self.context.now_ms, said, sender))

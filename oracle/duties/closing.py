"""A window from its end to its proposal: the close, what the members hold, what they observed.

After the grace period the window closes: no record enters it any more. Then the members tell
each other what they hold (A2) and what they saw of meters that do not sign (R4), until they
hold the same or the time for that is over. A deadline says when a window without agreement
may be given up (A7).
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.envelope import Verified
from consensus.model import NodeId, Rejected, check
from consensus.step import Outgoing, Signing
from oracle import chronicle, frames
from oracle.chronicle import INPUTS
from oracle.duties.context import Context
from oracle.duties.pace import COLLECT_TIMER, DEADLINE_TIMER, WINDOW_TIMER
from oracle.journey import Stage
from oracle.settle import Settlement


@dataclass(slots=True)
class Closing:
    """The window that is open, and how far it is on its way to a proposal."""

    context: Context
    settlement: Settlement
    past_deadline: bool = False
    """Whether the window may be given up, as far as time goes."""
    _collected: bool = False
    _armed_ms: int = 0
    _observed: bytes | None = None
    """This node's own observations of the open height, once they are signed."""
    _notice: frames.InventoryNotice | None = None
    _inputs: bytes | None = None

    def close_if_due(self) -> bool:
        """Close the window once its grace is over; True if that is now."""
        context, settlement = self.context, self.settlement
        settlement.open_windows(context.now_s)
        close_ms = (settlement.next_window + context.genesis.window_s) * 1000 + context.pace.grace_ms
        if context.now_ms < close_ms:
            if self._armed_ms != close_ms:
                self._armed_ms = close_ms
                context.arm(WINDOW_TIMER, close_ms - context.now_ms)
            return False
        if settlement.closed:
            return False
        self._close()
        return True

    def is_due(self) -> bool:
        """Whether the window can be decided: the members hold the same, or had their time."""
        return self.settlement.closed and (self._collected or self.settlement.reconciled)

    def note_begun(self) -> None:
        """A height begins; if it is for the window, the members are done with telling each other."""
        if self.is_due():
            self.context.journey.note(self.settlement.next_window, Stage.RECONCILED, self.context.now_ms)

    def collect_passed(self, name: str) -> None:
        """The time for telling each other is over."""
        self._collected |= name == self._timer(COLLECT_TIMER)

    def deadline_passed(self, name: str) -> None:
        """The time for agreement is over."""
        self.past_deadline |= name == self._timer(DEADLINE_TIMER)

    def observations_signed(self, payload: bytes, signature: bytes) -> Verified[frames.Observations]:
        """This node's own observations: durable, then sent, then counted like any member's."""
        context, own = self.context, NodeId(int(self.context.own or 0))
        opened = frames.open_signed(own, payload, signature, context.network, context.engine.committees)
        check(isinstance(opened, Verified), "our own observations verify")
        said: Verified[frames.Observations] = opened  # type: ignore[assignment]
        self._observed = payload
        context.write(chronicle.observed(context.height, said))
        self.settlement.on_observations(said)
        context.send([Outgoing(frames.signed_frame(said))])
        return said

    def recall_observations(self, payload: bytes, signature: bytes) -> None:
        """What this node observed of the open window before it was restarted."""
        context = self.context
        if context.own is None:
            return
        known = context.engine.committees
        opened = frames.open_signed(context.own, payload, signature, context.network, known)
        if not isinstance(opened, Rejected):
            self.settlement.on_observations(opened)  # type: ignore[arg-type]

    def send_notice(self, *, again: bool = True) -> None:
        """Say what this node holds of the window."""
        notice = self.settlement.notice(self.context.committee.epoch)
        if notice is not None and (again or notice != self._notice):
            self._notice = notice
            self.context.send([Outgoing(frames.inventory_frame(notice))])

    def say_again(self) -> None:
        """Notices and observations get lost."""
        self.send_notice()
        self.context.send(self.settlement.compare_all())
        own = self.context.own
        held = None if own is None else self.settlement.observations_of(self.settlement.next_window, own)
        if held is not None:
            self.context.send([Outgoing(frames.signed_frame(held))])
        elif self._observed is None:
            self._ask_observations()

    def begin_height(self) -> None:
        """Another height: the next window, or the same one over another registry."""
        self._collected = self.past_deadline = False
        self._observed = None
        said = self.settlement.signed_already(self.context.committee.epoch)
        if said is not None:  # the journal of the height before is gone
            self.context.write(chronicle.observed(self.context.height, said))
        if self.settlement.closed:  # the same window, over another registry
            self._arm_collection()
            self._arm_deadline()
            self.send_notice()

    def begin_with_others(self) -> None:
        """The window that is open goes on with other members; its deadline stays."""
        self._observed = None
        if self.settlement.closed:
            self._arm_collection()
            self._ask_observations()
            self.send_notice()

    def take_inputs(self) -> bytes | None:
        """What was held at the close, of a window that is settled now."""
        inputs, self._inputs = self._inputs, None
        return inputs

    def _close(self) -> None:
        context, window = self.context, self.settlement.next_window
        self.settlement.close()
        context.journey.note(window, Stage.CLOSED, context.now_ms)
        self._inputs = self.settlement.inputs().to_bytes()
        context.keep(context.height, INPUTS, self._inputs)
        self._arm_collection()
        self._arm_deadline()
        self._ask_observations()
        self.send_notice()
        context.send(self.settlement.compare_all())

    def _arm_collection(self) -> None:
        self._collected = False
        self.context.arm(self._timer(COLLECT_TIMER), self.context.pace.collect_ms)

    def _arm_deadline(self) -> None:
        self.past_deadline = False
        self.context.arm(self._timer(DEADLINE_TIMER), self.context.pace.deadline_ms)

    def _timer(self, name: str) -> str:
        return f"{name}/{self.settlement.next_window}"

    def _ask_observations(self) -> None:
        epoch = self.context.committee.epoch
        if self.context.own is None or self.settlement.signed_already(epoch) is not None:
            return
        payload = self.settlement.own_observations(epoch)
        if payload is not None:
            self.context.sign(Signing("observations", payload, self.context.height))

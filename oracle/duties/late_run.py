"""Late data: the members tell each other what they hold of settled windows, for so long (A8).

Which windows may be restated, from what and when, `oracle.restate` decides. This gives a run
its time, says what this node holds for it, and has old leaves brought from the history.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.encoding import encode
from consensus.model import Rejected
from consensus.step import JournalRecord, Outgoing, Signing
from oracle import frames
from oracle.duties.context import Context
from oracle.duties.pace import LATE_COLLECT_TIMER, LATE_DEADLINE_TIMER
from oracle.events import Recalled
from oracle.model import WindowStart
from oracle.restate import LATE, Restating
from oracle.settle import Settlement
from oracle.windows.window_data import WindowData


@dataclass(slots=True)
class LateRun:
    """The run of restatements that is on, if one is."""

    context: Context
    settlement: Settlement
    restating: Restating
    _collected: bool = False
    _armed: str = ""

    def moved(self, before: WindowStart) -> None:
        """The log has passed a window, and perhaps come to a run."""
        self.restating.moved(before)
        for reason in self.restating.take_refused():
            self.context.count_rejection(reason.value)
        self._armed = ""
        if self.restating.running:
            self.tell()

    def tell(self) -> None:
        """Say what this node holds for the run; its time begins with the first record."""
        notices = self.restating.notices()
        self.context.send(Outgoing(frames.inventory_frame(notice)) for notice in notices)
        if self.restating.insists and self._armed != self._timer(""):
            self._armed, self._collected = self._timer(""), False
            pace = self.context.pace
            self.context.arm(self._timer(LATE_COLLECT_TIMER), pace.collect_ms)
            self.context.arm(self._timer(LATE_DEADLINE_TIMER), pace.deadline_ms)

    def time_passed(self, name: str) -> None:
        """One of the run's timers has passed; it may be one of a run that is over."""
        if name == self._timer(LATE_COLLECT_TIMER):
            self._collected = True
        elif name == self._timer(LATE_DEADLINE_TIMER):
            self.restating.given_up = True

    def is_due(self) -> bool:
        """Whether a restatement can be decided: it is owed, or all had time to hand over what they hold."""
        restating = self.restating
        due = restating.insists and restating.candidate is not None
        self.recall()
        return due and (restating.owes or self._collected or restating.reconciled)

    def recall(self) -> None:
        """Leaves of settled windows come from the history."""
        for window in self.restating.take_wanted():
            self.context.sign(Signing("recall", encode({"window": window}), self.context.height))

    def recalled(self, recalled: Recalled) -> None:
        """The history's answer."""
        data = None
        if recalled.summary is not None:
            found = WindowData.from_bytes(recalled.leaves, recalled.summary)
            data = None if isinstance(found, Rejected) else found
        self.restating.recalled(recalled.window, data)

    def say_again(self) -> None:
        """Notices get lost, and answers of the history."""
        self.restating.ask_again()
        if self.restating.running:
            self.tell()

    def write_changes(self) -> None:
        """Late records that came, and those that are done with: a restart forgets none."""
        for change in self.restating.take_changes():
            self.context.write(JournalRecord(self.context.height, LATE, change.to_bytes()))

    def _timer(self, name: str) -> str:
        return f"{name}/{self.settlement.next_window}"

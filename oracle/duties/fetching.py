"""Parts of decided heights that this node lacks, asked of its peers in turn.

Knows how to ask, and which windows' observations are still lacking; whether a part that
comes is the decided one, whoever asked for it finds out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from consensus.model import Height, NodeId, Rejected
from consensus.step import Outgoing
from oracle import frames
from oracle.attest import HEIGHTS_KEPT
from oracle.chronicle import OBSERVATIONS
from oracle.duties.context import Context
from oracle.settle import Settlement

PARTS_AT_ONCE: Final = 8
"""Windows whose observations are asked for at each nudge."""


@dataclass(slots=True)
class Fetching:
    """What was asked for, and whose turn it is to be asked."""

    context: Context
    settlement: Settlement
    _turn: int = 0
    _lacking: dict[Height, bytes] = field(default_factory=dict)
    """height -> the attachment that says whose observations its window rests on"""

    def want(self, height: Height, name: str) -> None:
        """Ask the next peer for a part."""
        peers = [slot for slot in range(self.context.committee.size) if slot != self.context.own]
        self._turn = (self._turn + 1) % len(peers)
        frame = frames.part_wanted_frame(frames.PartWanted(height, name))
        self.context.send([Outgoing(frame, NodeId(peers[self._turn]))])

    def lacks_observations(self, height: Height, attachment: bytes) -> None:
        """What a decided window rests on was never seen here; it is asked for until it comes."""
        self._lacking[height] = attachment

    def want_observations(self, height: Height, attachment: bytes) -> None:
        """Ask for what a decided window rests on; those not answered go behind the others."""
        self._lacking.pop(height, None)
        self._lacking[height] = attachment
        while len(self._lacking) > HEIGHTS_KEPT:
            self._lacking.pop(next(iter(self._lacking)))
        self.want(height, OBSERVATIONS)

    def take_observations(self, part: frames.Part) -> None:
        """What a window rests on that was decided while this node was away; for whoever audits it."""
        attachment = self._lacking.get(part.height)
        if attachment is None:
            return
        context = self.context
        known = frames.read_observations(part.data, context.network, context.engine.committees)
        if not isinstance(known, Rejected) and self.settlement.observations_match(attachment, known):
            del self._lacking[part.height]
            context.keep(part.height, OBSERVATIONS, part.data)

    def say_again(self) -> None:
        """Ask for what has not come."""
        for height, attachment in list(self._lacking.items())[:PARTS_AT_ONCE]:
            self.want_observations(height, attachment)

"""Who voted for what at one height, and who voted twice.

Bounded: one vote a member, round and phase, and only for rounds up to ROUNDS_AHEAD
beyond the round this node is in. Of later rounds it keeps each member's number alone,
which is all that the rule of skipping rounds needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from consensus.evidence import DoubleVote, SignedVote
from consensus.messages import Phase
from consensus.model import Committee, Digest, NodeId, Round

ROUNDS_AHEAD: Final = 4


@dataclass(slots=True)
class Tally:
    """Votes of one height."""

    committee: Committee
    _votes: dict[tuple[Round, Phase], dict[NodeId, SignedVote]] = field(default_factory=dict)
    _latest_round: dict[NodeId, Round] = field(default_factory=dict)

    def add(self, vote: SignedVote, current: Round) -> bool | DoubleVote:
        """Take a vote in; True if it is new, False if known or too far ahead, or the proof of two."""
        message = vote.message
        seen = self._latest_round.get(vote.sender)
        if seen is None or message.round > seen:
            self._latest_round[vote.sender] = message.round
        if message.round > current + ROUNDS_AHEAD:
            return False
        votes = self._votes.setdefault((message.round, message.phase), {})
        known = votes.get(vote.sender)
        if known is None:
            votes[vote.sender] = vote
            return True
        if known.message.digest != message.digest:
            return DoubleVote.of(known, vote)
        return False

    def heard_at(self, sender: NodeId, round_: Round) -> None:
        """A proposal counts as a sign that its sender has reached that round."""
        if round_ > self._latest_round.get(sender, -1):
            self._latest_round[sender] = round_

    def count(self, round_: Round, phase: Phase, digest: Digest | None) -> int:
        """How many members voted for just `digest` (None: for no value)."""
        return sum(vote.message.digest == digest for vote in self.votes(round_, phase).values())

    def count_any(self, round_: Round, phase: Phase) -> int:
        """How many members voted at all."""
        return len(self.votes(round_, phase))

    def votes(self, round_: Round, phase: Phase) -> dict[NodeId, SignedVote]:
        """The votes of one round and phase, by slot."""
        return self._votes.get((round_, phase), {})

    def all_votes(self, from_round: Round) -> tuple[SignedVote, ...]:
        """Every vote of `from_round` and later, in a fixed order."""
        return tuple(
            votes[slot]
            for (round_, _), votes in sorted(self._votes.items())
            if round_ >= from_round
            for slot in sorted(votes)
        )

    def quorum_digest(self, round_: Round, phase: Phase) -> Digest | None:
        """The digest that a quorum voted for, if there is one; at most one can be."""
        counts: dict[Digest, int] = {}
        for vote in self.votes(round_, phase).values():
            voted = vote.message.digest
            if voted is not None:
                counts[voted] = counts.get(voted, 0) + 1
        return next((d for d in sorted(counts) if counts[d] >= self.committee.quorum), None)

    def rounds(self) -> tuple[Round, ...]:
        """The rounds that have any vote, ascending."""
        return tuple(sorted({round_ for round_, _ in self._votes}))

    def round_of_f_plus_one(self, current: Round) -> Round | None:
        """The highest round later than `current` that f+1 members have reached, if any."""
        later = sorted((r for r in self._latest_round.values() if r > current), reverse=True)
        return later[self.committee.faults] if len(later) > self.committee.faults else None

    def signatures(self, round_: Round, phase: Phase, digest: Digest) -> dict[NodeId, bytes]:
        """The signatures under votes for `digest`, by slot: what a certificate consists of."""
        return {
            slot: vote.signature
            for slot, vote in self.votes(round_, phase).items()
            if vote.message.digest == digest
        }

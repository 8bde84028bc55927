"""The round machine of one height: Tendermint's rules, on digests.

Theory (arXiv 1807.04938, whose line numbers stand beside the rules). A height goes
through rounds 0, 1, 2 ... until it decides; each round has a proposer and the steps
PROPOSE, PREVOTE, COMMIT. A member

  - prevotes the proposed value if it finds it valid and is not locked on another,
  - commits to a value that a quorum prevoted in this round, and locks on it,
  - decides a value that a quorum committed to in one round.

Safety: two quorums share an honest member, and a member that committed to a value
prevotes no other unless a quorum prevoted that other in a later round. Liveness: time-
outs grow with the round, so some round with an honest proposer is long enough; what a
proposer re-proposes it justifies with the quorum of prevotes (A4), so a lock that only
one member learned of cannot stop the others.

Two departures, both safe. A quorum of prevotes holds f+1 honest members that checked
the value, so one may lock on and decide a value without having checked it oneself: a
member that lacks a record is not held up. And a value still being checked counts as not
yet proposed.

The machine knows no entries, no signatures and no clock: the engine gives it facts and
carries out its actions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from consensus.agreement.tally import Tally
from consensus.messages import Phase
from consensus.model import Digest, NodeId, Round, check

_FIRST: Final = Round(0)


class Stage(IntEnum):
    """Where a node stands within its round."""

    PROPOSE = 0
    PREVOTE = 1
    COMMIT = 2


@dataclass(frozen=True, slots=True)
class Propose:
    """It is this node's turn: propose `digest`, justified at `valid_round`; None: make a value."""

    round: Round
    digest: Digest | None
    valid_round: Round | None


@dataclass(frozen=True, slots=True)
class Cast:
    """Vote."""

    round: Round
    phase: Phase
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Await:
    """Arm the time-out of a stage."""

    round: Round
    stage: Stage


@dataclass(frozen=True, slots=True)
class Decide:
    """A quorum committed to `digest` in `round`."""

    round: Round
    digest: Digest


Action: TypeAlias = Propose | Cast | Await | Decide


@dataclass(frozen=True, slots=True)
class Seen:
    """A proposal as the rules need it; `valid` is None while the value is being checked."""

    digest: Digest
    valid_round: Round | None


@dataclass(slots=True)
class Rules:
    """One height. `own` is this node's slot, None for a node that only follows."""

    tally: Tally
    own: NodeId | None
    previous: Digest
    round: Round = _FIRST
    stage: Stage = Stage.PROPOSE
    started: bool = False
    locked: tuple[Round, Digest] | None = None
    valid: tuple[Round, Digest] | None = None
    decided: Digest | None = None
    proposals: dict[Round, Seen] = field(default_factory=dict)
    validity: dict[Digest, bool] = field(default_factory=dict)
    _awaited: set[tuple[Round, Stage]] = field(default_factory=set)

    def start(self) -> list[Action]:
        """Begin round 0 (line 10)."""
        check(not self.started, "a height starts once")
        self.started = True
        return self._enter(Round(0)) + self._settle()

    def proposed(self, round_: Round, seen: Seen) -> list[Action]:
        """A verified proposal of that round's proposer; the first one counts."""
        self.proposals.setdefault(round_, seen)
        return self._settle()

    def checked(self, digest: Digest, *, valid: bool) -> list[Action]:
        """The application has said whether the value is valid (A3)."""
        self.validity[digest] = valid
        return self._settle()

    def voted(self) -> list[Action]:
        """The tally has changed."""
        return self._settle()

    def timed_out(self, round_: Round, stage: Stage) -> list[Action]:
        """A time-out that was armed has passed; of an earlier round or stage it means nothing."""
        if self.decided is not None or round_ != self.round or not self.started:
            return []
        match stage, self.stage:
            case Stage.PROPOSE, Stage.PROPOSE:  # line 57
                return [*self._prevote(None), *self._settle()]
            case Stage.PREVOTE, Stage.PREVOTE:  # line 61
                return [*self._commit(None), *self._settle()]
            case Stage.COMMIT, _:  # line 65
                return [*self._enter(Round(self.round + 1)), *self._settle()]
            case _:
                return []

    def _settle(self) -> list[Action]:
        """Apply the rules until none fires: each firing changes a stage, a round or an await."""
        actions: list[Action] = []
        while self.decided is None:
            fired = self._decide() or (self.started and self._advance())
            if not fired:
                break
            actions += fired
        return actions

    def _decide(self) -> list[Action]:
        """Line 49: a quorum of commits in any round decides, whatever round this node is in."""
        for round_ in self.tally.rounds():
            digest = self.tally.quorum_digest(round_, Phase.COMMIT)
            if digest is not None:
                self.decided = digest
                return [Decide(round_, digest)]
        return []

    def _advance(self) -> list[Action]:
        quorum, tally, now = self.tally.committee.quorum, self.tally, self.round
        later = tally.round_of_f_plus_one(now)
        if later is not None:  # line 55: an honest member is there already
            return self._enter(later)
        if self.stage is Stage.PROPOSE:
            prevote = self._on_proposal()
            if prevote:
                return prevote
        polka = tally.quorum_digest(now, Phase.PREVOTE)
        if polka is not None and self.stage >= Stage.PREVOTE and self.valid != (now, polka):  # line 36
            self.valid = (now, polka)
            if self.stage is Stage.PREVOTE:
                self.locked = (now, polka)  # A5
                return self._commit(polka)
        if self.stage is Stage.PREVOTE and tally.count(now, Phase.PREVOTE, None) >= quorum:  # line 44
            return self._commit(None)
        if self.stage is Stage.PREVOTE and tally.count_any(now, Phase.PREVOTE) >= quorum:  # line 34
            awaited = self._await(Stage.PREVOTE)
            if awaited:
                return awaited
        if tally.count_any(now, Phase.COMMIT) >= quorum:  # line 47
            return self._await(Stage.COMMIT)
        return []

    def _on_proposal(self) -> list[Action]:
        """Lines 22 and 28: prevote what is proposed, or nothing, once that is known."""
        seen = self.proposals.get(self.round)
        if seen is None:
            return []
        if seen.valid_round is not None and seen.valid_round < self.round:
            # A4: the justification was verified with the proposal, so the quorum is a fact.
            free = self.locked is None or self.locked[0] <= seen.valid_round or self.locked[1] == seen.digest
            return self._prevote(seen.digest if free else None)
        valid = self.validity.get(seen.digest)
        if valid is None:
            return []
        free = self.locked is None or self.locked[1] == seen.digest
        return self._prevote(seen.digest if valid and free else None)

    def _enter(self, round_: Round) -> list[Action]:
        """Line 11: begin a round."""
        self.round, self.stage = round_, Stage.PROPOSE
        actions: list[Action] = self._await(Stage.PROPOSE)
        if self.own is not None and self.tally.committee.proposer(self.previous, round_) == self.own:
            valid_round, digest = self.valid or (None, None)
            actions.append(Propose(round_, digest, valid_round))
        return actions

    def _prevote(self, digest: Digest | None) -> list[Action]:
        self.stage = Stage.PREVOTE
        return [Cast(self.round, Phase.PREVOTE, digest)]

    def _commit(self, digest: Digest | None) -> list[Action]:
        self.stage = Stage.COMMIT
        return [Cast(self.round, Phase.COMMIT, digest)]

    def _await(self, stage: Stage) -> list[Action]:
        if (self.round, stage) in self._awaited:
            return []
        self._awaited.add((self.round, stage))
        return [Await(self.round, stage)]

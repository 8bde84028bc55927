"""What a run did, so that an idle run cannot pass for a good one.

Three tables of counts: faults that the world did, acts of adversaries, and rules of the
protocol that fired.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from consensus.encoding import decode
from consensus.messages import Fields, Phase
from consensus.step import Step

MILESTONES: Final = {
    "refused": "proposal refused",
    "bad-shares": "bad share hunted",
    "double-vote": "double vote noticed",
    "attested": "entry attested",
    "caught-up": "entry fetched in catch-up",
}


@dataclass(slots=True)
class Coverage:
    """Counts by name."""

    faults: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        """Add another run's."""
        self.faults.update(other.faults)
        self.acts.update(other.acts)
        self.rules.update(other.rules)

    def note_step(self, step: Step) -> None:
        """The rules that a Step shows: in what is to be signed, and in its milestones."""
        for signing in step.signings:
            if signing.topic == "vote":
                said = Fields(decode(signing.payload)).optional_buff("digest", 32)
                if signing.round:
                    self.rules["vote in a later round"] += 1
                if signing.phase == Phase.COMMIT:
                    self.rules["lock" if said is not None else "commit to nothing"] += 1
                elif said is None:
                    self.rules["prevote for nothing"] += 1
            elif signing.topic == "proposal":
                valid_round = Fields(decode(signing.payload)).optional_uint("valid-round")
                self.rules["proposal" if valid_round is None else "re-proposal"] += 1
        for milestone in step.milestones:
            if milestone.name in MILESTONES:
                self.rules[MILESTONES[milestone.name]] += 1
            elif milestone.name == "rejected":
                self.rules[f"frame rejected: {milestone.detail}"] += 1

    def value(self) -> dict[str, dict[str, int]]:
        """For JSON, sorted by name."""
        tables = {"faults": self.faults, "acts": self.acts, "rules": self.rules}
        return {name: dict(sorted(table.items())) for name, table in tables.items()}

    def lines(self) -> list[str]:
        """For people: one line a table."""
        return [
            f"{name}: " + (", ".join(f"{what} {count}" for what, count in table.items()) or "none")
            for name, table in self.value().items()
        ]

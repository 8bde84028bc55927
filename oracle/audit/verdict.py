"""The verdict: which steps were taken, which failed, what could not be checked and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `sentence` says what was found; `gaps` what it left unchecked, and why."""

    name: str
    outcome: Outcome
    sentence: str
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All steps in order. Passed means that none failed; complete, that none left a gap."""

    subject: str
    backend: str
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """True if at least one step passed and none failed."""
        outcomes = {step.outcome for step in self.steps}
        return Outcome.PASSED in outcomes and Outcome.FAILED not in outcomes

    @property
    def complete(self) -> bool:
        """True if it passed and everything was checked."""
        return self.passed and not self.unchecked

    @property
    def first_failure(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.outcome is Outcome.FAILED), None)

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Everything that was not checked, each with why."""
        return tuple(
            f"{step.name}: {gap}"
            for step in self.steps
            for gap in ((step.sentence,) if step.outcome is Outcome.NOT_CHECKED else ()) + step.gaps
        )

    def step(self, name: str) -> Step | None:
        """The step of that name, or None if it does not apply to the subject."""
        return next((step for step in self.steps if step.name == name), None)

    def text(self) -> str:
        """For a terminal: a line a step, the gaps indented, the conclusion last."""
        width = max(len(step.name) for step in self.steps)
        lines = [f"{self.subject}  ({self.backend} arithmetic)"]
        for step in self.steps:
            lines.append(f"  {step.name:<{width}}  {step.outcome.value:<11}  {step.sentence}")
            lines += [f"  {'':<{width}}  {'':<11}  not checked: {gap}" for gap in step.gaps]
        lines.append(self._conclusion())
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """For programs: sorted keys, one line."""
        failure = self.first_failure
        content = {
            "subject": self.subject,
            "backend": self.backend,
            "passed": self.passed,
            "complete": self.complete,
            "first-failure": failure.name if failure else None,
            "unchecked": self.unchecked,
            "steps": [
                {
                    "name": step.name,
                    "outcome": step.outcome.value,
                    "sentence": step.sentence,
                    "gaps": step.gaps,
                }
                for step in self.steps
            ],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n"

    def _conclusion(self) -> str:
        failure = self.first_failure
        if failure is not None:
            return f"FAILED at `{failure.name}`: {failure.sentence}"
        if not self.passed:
            return "NOTHING was verified."
        if self.unchecked:
            return f"Verified, but {len(self.unchecked)} matter(s) could not be checked; see above."
        return "Verified, everything."

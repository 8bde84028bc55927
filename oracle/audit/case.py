"""One bundle under judgement, with what the auditor knows from elsewhere.

Holds what several steps look up. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from oracle.audit.backend import Backend
from oracle.audit.bundle import Bundle, HashedLeaf, ProvenDevice
from oracle.audit.meters import CENTRAL_EUROPE_S
from oracle.audit.verdict import Outcome, Step
from oracle.model import Leaf, WindowSummary


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the auditor brings, so that the file need not be believed; None for what is not at hand.

    `network` and `group_key` pin the network; `attestation` is what the contract's
    `get-attestation` answers now, encoded, as the caller fetched it. `tolerance_s` is
    how long before a window's end a closing register may be read (R2), by default the
    whole window; `p1_offset_s` the standard time of P1 meters, seconds east of UTC.
    """

    network: bytes | None = None
    group_key: bytes | None = None
    attestation: bytes | None = None
    tolerance_s: int | None = None
    p1_offset_s: int = CENTRAL_EUROPE_S


@dataclass(frozen=True, slots=True)
class Case:
    """The bundle, the arithmetic, the expectations, and look-ups made once."""

    bundle: Bundle
    backend: Backend
    expected: Expectations
    committees: Mapping[int, tuple[bytes, ...]]
    group_keys: Mapping[int, bytes]
    devices: Mapping[int, ProvenDevice]
    since: Mapping[tuple[int, int], Leaf]
    """(usage point, window) to the leaf an earlier window holds; not yet proven."""

    @classmethod
    def of(cls, bundle: Bundle, backend: Backend, expected: Expectations) -> Case:
        """Index the bundle."""
        return cls(
            bundle,
            backend,
            expected,
            {epoch.number: epoch.node_keys for epoch in bundle.epochs},
            {epoch.number: epoch.group_key for epoch in bundle.epochs},
            {one.device.device: one for one in bundle.devices},
            {
                (item.leaf.usage_point, item.leaf.window): item.leaf
                for window in bundle.since
                for zone in window.zones
                for item, _ in zone.leaves
            },
        )

    @property
    def summary(self) -> WindowSummary:
        """The body of a window entry."""
        body = self.bundle.signed.entry.body
        if not isinstance(body, WindowSummary):
            raise TypeError("only a window entry has a summary")
        return body

    def closes(self, time_s: int) -> bool:
        """Whether a register read then may close the window (R2); its very end belongs to it."""
        window_s = self.bundle.genesis.window_s
        end = self.summary.window + window_s
        tolerance_s = min(
            window_s, window_s if self.expected.tolerance_s is None else self.expected.tolerance_s
        )
        return max(self.summary.window + 1, end - tolerance_s) <= time_s <= end

    @property
    def leaves(self) -> Iterator[HashedLeaf]:
        """All leaves of the window."""
        return (item for zone in self.bundle.zones for item in zone.leaves)

    def earlier(self, leaf: Leaf) -> Leaf | None:
        """The leaf that `since` points at, None for a first leaf or where the file lacks it."""
        return None if leaf.since == leaf.window else self.since.get((leaf.usage_point, leaf.since))


def concluded(name: str, faults: Iterator[str], sentence: str, gaps: tuple[str, ...] = ()) -> Step:
    """A step that failed with the first fault, or passed with the sentence."""
    fault = next(faults, None)
    if fault is not None:
        return Step(name, Outcome.FAILED, fault)
    return Step(name, Outcome.PASSED, sentence, gaps)


def not_checked(name: str, why: str) -> Step:
    """A step that could not be taken."""
    return Step(name, Outcome.NOT_CHECKED, why)


def short(data: bytes) -> str:
    """Enough of a hash for a sentence."""
    return data.hex()[:12]

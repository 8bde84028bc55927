"""What the API must be told of the running node: everything that is not in its history.

The runtime implements `NodeView`; a test or an archive without a node may as well. Every
member is read on the event loop and answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from consensus.model import Committee, Genesis
from oracle.conduct import Conduct
from oracle.journey import Travel


class Severity(Enum):
    """How bad a problem is."""

    NOTICE = "notice"
    """Worth knowing; nothing is lost."""
    WARNING = "warning"
    """Goes on, but not as it should; somebody should look."""
    CRITICAL = "critical"
    """The node does not do its work: /v1/health answers 503."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something an operator has to know: its name, since when (UTC ms), and what to do."""

    name: str
    severity: Severity
    since_ms: int
    what_to_do: str


@dataclass(frozen=True, slots=True)
class ChainStanding:
    """How the chain looks from here: whether a node of it answers, and its height."""

    reachable: bool
    height: int


@dataclass(frozen=True, slots=True)
class IntakeStanding:
    """What the feeds have counted since they started, and what keeps them from taking records."""

    counters: Mapping[str, int]
    problem: str | None = None


class NodeView(Protocol):
    """A node as the API sees it."""

    @property
    def genesis(self) -> Genesis:
        """What the network is; its digest is the network's name."""

    @property
    def own_slot(self) -> int | None:
        """This node's slot, None if it only follows."""

    @property
    def committee(self) -> Committee:
        """The committee in force."""

    @property
    def committees(self) -> Mapping[int, Committee]:
        """Every committee that was ever in force, by epoch; the history's certificates need them."""

    @property
    def group_key(self) -> bytes | None:
        """The BLS key of the network, 96 bytes, None until the first ceremony has ended."""

    @property
    def head_height(self) -> int:
        """Height of the last decided entry, 0 for none."""

    @property
    def round(self) -> int:
        """Round of the height being worked on."""

    @property
    def next_window(self) -> int:
        """Start of the window that is settled next, UTC seconds."""

    @property
    def started_at_ms(self) -> int:
        """When this node started, UTC ms."""

    def travels(self) -> tuple[Travel, ...]:
        """The last windows' ways, newest first."""

    def peers_up(self) -> tuple[int, ...]:
        """Slots there is a link with."""

    def peers_down(self) -> tuple[int, ...]:
        """Slots there should be a link with, and is none."""

    def peer_counters(self) -> Mapping[int, Mapping[str, int]]:
        """What was counted on the links, by slot and name."""

    def conduct(self) -> Conduct:
        """What members were seen doing that they should not."""

    def chain(self) -> ChainStanding:
        """How the chain looks from here."""

    def outbox_counts(self) -> Mapping[str, int]:
        """Transactions for the chain, by state."""

    def intake(self) -> IntakeStanding:
        """How the feeds do."""

    def rejections(self) -> Mapping[str, int]:
        """Readings the node refused, by reason."""

    def evidence(self) -> Mapping[str, int]:
        """Evidence against members that is held here, by kind."""

    def evidence_submissions(self) -> Mapping[str, int]:
        """The same by where it stands on its way to the contract."""

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""

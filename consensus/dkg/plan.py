"""What a ceremony is for: which committee deals, which receives, and its session id.

Knows committees and the previous public polynomial; nothing of bundles or secrets.
Everything here is public and agreed before the ceremony's first entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from consensus.encoding import EncodingError, Value, digest
from consensus.model import ZERO_DIGEST, Committee, EpochNumber, Network, Rejected, check
from consensus.threshold.shares import PublicPolynomial, parse_polynomial


class Kind(Enum):
    """What a ceremony makes."""

    GENESIS = "genesis"
    """A new group key, dealt by the members to themselves."""
    RESHARE = "reshare"
    """New shares of the same key, dealt by the old committee to the new one (K3)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One ceremony. `attempt` counts retries for one epoch, so no bundle fits two of them.

    `dealers` is the committee in force (at genesis, the members themselves),
    `members` the committee that will hold the shares, `previous` the public
    polynomial in force (None at genesis).
    """

    network: Network
    attempt: int
    dealers: Committee
    members: Committee
    previous: PublicPolynomial | None = None
    session: bytes = field(init=False, repr=False, compare=False)
    """The 32-byte id that stands in every bundle (K1); it follows from all the others."""

    def __post_init__(self) -> None:
        if self.previous is None:
            check(self.dealers == self.members, "at genesis the members deal to themselves")
        else:
            check(self.previous.threshold == self.dealers.quorum, "t of the old epoch is its quorum (Q1)")
            check(self.members.epoch > self.dealers.epoch, "a resharing makes a later epoch")
        object.__setattr__(self, "session", self._session())  # a node asks for it at every event

    @property
    def kind(self) -> Kind:
        """Genesis, or a resharing under the same key."""
        return Kind.GENESIS if self.previous is None else Kind.RESHARE

    @property
    def epoch(self) -> EpochNumber:
        """The epoch this ceremony opens."""
        return self.members.epoch

    @property
    def threshold(self) -> int:
        """How many new shares make a signature: t = q (Q1)."""
        return self.members.quorum

    def _session(self) -> bytes:
        return digest(
            {
                "topic": "ceremony",
                "network": self.network,
                "epoch": self.epoch,
                "kind": self.kind.value,
                "attempt": self.attempt,
                "dealers": self.dealers.node_keys,
                "committee": self.members.node_keys,
                "threshold": self.threshold,
                "previous": self.previous.commitments if self.previous else ZERO_DIGEST,
            }
        )


def plan_value(plan: Plan) -> Value:
    """Give the value that `read_plan` reads."""
    return {
        "network": plan.network,
        "attempt": plan.attempt,
        "dealers": _committee_value(plan.dealers),
        "members": _committee_value(plan.members),
        "previous": plan.previous.points if plan.previous else (),
    }


def read_plan(value: Value) -> Plan:
    """Read what `plan_value` gave; raises EncodingError on anything else."""
    match value:
        case {
            "network": bytes(network),
            "attempt": int(attempt),
            "dealers": dict(dealers),
            "members": dict(members),
            "previous": tuple(points),
        }:
            return Plan(
                Network(network), attempt, _committee(dealers), _committee(members), _previous(points)
            )
        case _:
            raise EncodingError("not a ceremony's plan")


def _committee_value(committee: Committee) -> Value:
    return {"epoch": committee.epoch, "node-keys": committee.node_keys}


def _committee(value: Mapping[str, Value]) -> Committee:
    match value:
        case {"epoch": int(epoch), "node-keys": tuple(keys)}:
            return Committee(EpochNumber(epoch), tuple(key for key in keys if isinstance(key, bytes)))
        case _:
            raise EncodingError("not a committee")


def _previous(points: tuple[Value, ...]) -> PublicPolynomial | None:
    if not points:
        return None
    polynomial = parse_polynomial([point for point in points if isinstance(point, bytes)], len(points))
    if isinstance(polynomial, Rejected):
        raise EncodingError("not a public polynomial")
    return polynomial

"""The contract `governance`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_BOUNDS",
    "ERR_CLOSED",
    "ERR_EXPIRED",
    "ERR_NOT_GOVERNOR",
    "ERR_NOT_PASSED",
    "ERR_NOT_QUEUED",
    "ERR_NOT_VOTING",
    "ERR_NO_CHANGES",
    "ERR_NO_WEIGHT",
    "ERR_PAUSED",
    "ERR_REASON",
    "ERR_THRESHOLD",
    "ERR_TIMELOCK",
    "ERR_UNKNOWN_PARAMETER",
    "ERR_UNKNOWN_PROPOSAL",
    "ERR_VOTED",
    "Bounds",
    "Change",
    "Default",
    "GovernanceContract",
    "Proposal",
    "Vote",
]


@dataclass(frozen=True, slots=True)
class Change:
    """A tuple of governance."""

    name: str
    value_: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "name": codec.to_ascii(self.name, 32),
            "value": codec.to_uint(self.value_),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "name", "value")
        return cls(
            codec.ascii_text(held["name"]),
            codec.uint(held["value"]),
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """A tuple of governance."""

    max: int
    min: int
    value_: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "max": codec.to_uint(self.max),
            "min": codec.to_uint(self.min),
            "value": codec.to_uint(self.value_),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "max", "min", "value")
        return cls(
            codec.uint(held["max"]),
            codec.uint(held["min"]),
            codec.uint(held["value"]),
        )


@dataclass(frozen=True, slots=True)
class Default:
    """A tuple of governance."""

    max: int
    min: int
    name: str
    value_: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "max": codec.to_uint(self.max),
            "min": codec.to_uint(self.min),
            "name": codec.to_ascii(self.name, 21),
            "value": codec.to_uint(self.value_),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "max", "min", "name", "value")
        return cls(
            codec.uint(held["max"]),
            codec.uint(held["min"]),
            codec.ascii_text(held["name"]),
            codec.uint(held["value"]),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tuple of governance."""

    against: int
    changes: tuple[Change, ...]
    executable_at: int
    for_: int
    proposed_at: int
    proposer: Principal
    quorum_bps: int
    reason: bytes
    status: int
    timelock_s: int
    total_locked: int
    voting_end: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "against": codec.to_uint(self.against),
            "changes": codec.to_list(self.changes, 8, Change.value),
            "executable-at": codec.to_uint(self.executable_at),
            "for": codec.to_uint(self.for_),
            "proposed-at": codec.to_uint(self.proposed_at),
            "proposer": codec.to_principal(self.proposer),
            "quorum-bps": codec.to_uint(self.quorum_bps),
            "reason": codec.to_buff(self.reason, 32),
            "status": codec.to_uint(self.status),
            "timelock-s": codec.to_uint(self.timelock_s),
            "total-locked": codec.to_uint(self.total_locked),
            "voting-end": codec.to_uint(self.voting_end),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "against",
            "changes",
            "executable-at",
            "for",
            "proposed-at",
            "proposer",
            "quorum-bps",
            "reason",
            "status",
            "timelock-s",
            "total-locked",
            "voting-end",
        )
        return cls(
            codec.uint(held["against"]),
            codec.sequence(Change.read)(held["changes"]),
            codec.uint(held["executable-at"]),
            codec.uint(held["for"]),
            codec.uint(held["proposed-at"]),
            codec.principal(held["proposer"]),
            codec.uint(held["quorum-bps"]),
            codec.buff(held["reason"]),
            codec.uint(held["status"]),
            codec.uint(held["timelock-s"]),
            codec.uint(held["total-locked"]),
            codec.uint(held["voting-end"]),
        )


@dataclass(frozen=True, slots=True)
class Vote:
    """A tuple of governance."""

    support: bool
    weight: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "support": codec.to_bool(self.support),
            "weight": codec.to_uint(self.weight),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "support", "weight")
        return cls(
            codec.boolean(held["support"]),
            codec.uint(held["weight"]),
        )


@dataclass(frozen=True, slots=True)
class GovernanceContract:
    """`governance`.

    Decides: the parameters that other contracts read. Whoever has enough locked reward tokens
    proposes changes, locked tokens vote, a timelock passes, anyone executes.

    Immutable: the list of parameters and the bounds of each; a proposal's changes, its deadline and
    its timelock; a vote once it is cast.

    Who may call: holders of locked tokens propose and vote; anyone queues and executes; governors
    (of `roles`) veto until execution. A pause stops proposals and execution. It needs the role
    "governance", to hold locks in reward-token.

    What a majority cannot do: leave the bounds, hold or move a token, hold a role. Contracts that
    keep money copy the parameters of an agreement when it is made, so that a change binds only what
    begins after it.

    Weight: what a voter has had locked since before the proposal. Tokens that are passed on and
    locked anew have no weight in it, so none votes twice and none is borrowed for a vote; and what
    has voted stays locked until the vote is over.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "governance")

    def execute(self, proposal: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Makes the changes of a queued proposal after its timelock. By anyone."""
        return PublicCall(
            ContractCall(self.principal, "execute", (codec.to_uint(proposal),)), codec.boolean, post
        )

    def propose(
        self, changes: tuple[Change, ...], reason: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Proposes changes, all or none of them to be made; `reason` is the sha256 of the text that
        explains them. Gives the id.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "propose",
                (codec.to_list(changes, 8, Change.value), codec.to_buff(reason, 32)),
            ),
            codec.uint,
            post,
        )

    def queue(self, proposal: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Starts the timelock of a proposal that has passed. By anyone."""
        return PublicCall(ContractCall(self.principal, "queue", (codec.to_uint(proposal),)), codec.uint, post)

    def veto(self, proposal: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Stops a proposal for good: a governor's word against a captured vote."""
        return PublicCall(
            ContractCall(self.principal, "veto", (codec.to_uint(proposal),)), codec.boolean, post
        )

    def vote(self, proposal: int, support: bool, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Votes with all that the caller has had locked since before the proposal, once. The lock holds
        until the vote is over.
        """
        return PublicCall(
            ContractCall(self.principal, "vote", (codec.to_uint(proposal), codec.to_bool(support))),
            codec.uint,
            post,
        )

    def get_bounds(self, name: str) -> ReadCall[Bounds | None]:
        """What a parameter is, and between what it stays."""
        return ReadCall(
            self.principal, "get-bounds", (codec.to_ascii(name, 32),), codec.optional(Bounds.read)
        )

    def get_defaults(self) -> ReadCall[tuple[Default, ...]]:
        """All parameters as they were at deployment, with their bounds."""
        return ReadCall(self.principal, "get-defaults", (), codec.sequence(Default.read))

    def get_parameter(self, name: str) -> ReadCall[int]:
        """What a parameter is now; 0 for a name that is none, which a test forbids our contracts."""
        return ReadCall(self.principal, "get-parameter", (codec.to_ascii(name, 32),), codec.uint)

    def get_proposal(self, proposal: int) -> ReadCall[Proposal | None]:
        """`get-proposal` of `governance`."""
        return ReadCall(
            self.principal, "get-proposal", (codec.to_uint(proposal),), codec.optional(Proposal.read)
        )

    def get_proposal_count(self) -> ReadCall[int]:
        """`get-proposal-count` of `governance`."""
        return ReadCall(self.principal, "get-proposal-count", (), codec.uint)

    def get_state(self, proposal: int) -> ReadCall[int | None]:
        """0 voting, 1 passed, 2 rejected, 3 queued, 4 executed, 5 vetoed, 6 expired."""
        return ReadCall(self.principal, "get-state", (codec.to_uint(proposal),), codec.optional(codec.uint))

    def get_vote(self, proposal: int, voter: Principal) -> ReadCall[Vote | None]:
        """`get-vote` of `governance`."""
        return ReadCall(
            self.principal,
            "get-vote",
            (codec.to_uint(proposal), codec.to_principal(voter)),
            codec.optional(Vote.read),
        )


ERR_PAUSED: Final = BY_CODE[1050]
ERR_THRESHOLD: Final = BY_CODE[1051]
ERR_NO_CHANGES: Final = BY_CODE[1052]
ERR_UNKNOWN_PARAMETER: Final = BY_CODE[1053]
ERR_BOUNDS: Final = BY_CODE[1054]
ERR_REASON: Final = BY_CODE[1055]
ERR_UNKNOWN_PROPOSAL: Final = BY_CODE[1056]
ERR_NOT_VOTING: Final = BY_CODE[1057]
ERR_VOTED: Final = BY_CODE[1058]
ERR_NO_WEIGHT: Final = BY_CODE[1059]
ERR_NOT_PASSED: Final = BY_CODE[1060]
ERR_NOT_QUEUED: Final = BY_CODE[1061]
ERR_TIMELOCK: Final = BY_CODE[1062]
ERR_EXPIRED: Final = BY_CODE[1063]
ERR_NOT_GOVERNOR: Final = BY_CODE[1064]
ERR_CLOSED: Final = BY_CODE[1065]

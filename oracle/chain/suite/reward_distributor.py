"""The contract `reward-distributor`, typed.

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
    "ERR_NOT_DISTRIBUTED",
    "ERR_TOO_EARLY",
    "ERR_UNKNOWN_EVENT",
    "Distribution",
    "Payout",
    "RewardDistributorContract",
]


@dataclass(frozen=True, slots=True)
class Payout:
    """A tuple of reward-distributor."""

    owner: Principal
    reward: int
    stake_returned: int
    stake_slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "owner": codec.to_principal(self.owner),
            "reward": codec.to_uint(self.reward),
            "stake-returned": codec.to_uint(self.stake_returned),
            "stake-slashed": codec.to_uint(self.stake_slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "owner", "reward", "stake-returned", "stake-slashed")
        return cls(
            codec.principal(held["owner"]),
            codec.uint(held["reward"]),
            codec.uint(held["stake-returned"]),
            codec.uint(held["stake-slashed"]),
        )


@dataclass(frozen=True, slots=True)
class Distribution:
    """A tuple of reward-distributor."""

    credited_left: int
    credited_wh: int
    left: int
    rewards: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "credited-left": codec.to_uint(self.credited_left),
            "credited-wh": codec.to_uint(self.credited_wh),
            "left": codec.to_uint(self.left),
            "rewards": codec.to_uint(self.rewards),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "credited-left", "credited-wh", "left", "rewards")
        return cls(
            codec.uint(held["credited-left"]),
            codec.uint(held["credited-wh"]),
            codec.uint(held["left"]),
            codec.uint(held["rewards"]),
        )


@dataclass(frozen=True, slots=True)
class RewardDistributorContract:
    """`reward-distributor`.

    Decides: how the pool of an ended event is shared out.

    It holds no money: event-manager pays the rewards, `commitment` gives the stakes back or burns
    them, both at its word.

    Immutable: a distribution and a payout are made once. Rewards go to owners of commitments only,
    and are never more than the pool.

    Who may call: anyone, once every commitment is judged or the time to verify is over; what is
    paid goes to whom it belongs, whoever calls. The pause does not reach here.

    The share: if the credited reductions reach the event's target, they share the whole pool; if
    not, each Wh earns pool / target, and the rest is the funders' again.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "reward-distributor")

    def claim_reward(
        self, event: int, device: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[Payout]:
        """Pays a commitment's reward and settles its stake. Each share is rounded down of what is left, so
        the last one gets what roundings have left, and nothing stays behind.
        """
        return PublicCall(
            ContractCall(self.principal, "claim-reward", (codec.to_uint(event), codec.to_uint(device))),
            Payout.read,
            post,
        )

    def distribute(self, event: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Fixes the rewards of an ended event, and frees the rest for its funders."""
        return PublicCall(
            ContractCall(self.principal, "distribute", (codec.to_uint(event),)), codec.uint, post
        )

    def get_claimable(self, event: int, device: int) -> ReadCall[int]:
        """What a claim would pay now beside the stake."""
        return ReadCall(
            self.principal, "get-claimable", (codec.to_uint(event), codec.to_uint(device)), codec.uint
        )

    def get_distribution(self, event: int) -> ReadCall[Distribution | None]:
        """`get-distribution` of `reward-distributor`."""
        return ReadCall(
            self.principal, "get-distribution", (codec.to_uint(event),), codec.optional(Distribution.read)
        )

    def get_payout(self, event: int, device: int) -> ReadCall[Payout | None]:
        """What a commitment was paid; none before it is claimed."""
        return ReadCall(
            self.principal,
            "get-payout",
            (codec.to_uint(event), codec.to_uint(device)),
            codec.optional(Payout.read),
        )


ERR_UNKNOWN_EVENT: Final = BY_CODE[950]
ERR_TOO_EARLY: Final = BY_CODE[951]
ERR_NOT_DISTRIBUTED: Final = BY_CODE[952]

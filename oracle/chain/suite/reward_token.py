"""The contract `reward-token`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall, responded
from oracle.chain.post_conditions import Asset
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AMOUNT",
    "ERR_BALANCE",
    "ERR_CAP",
    "ERR_HELD",
    "ERR_HOLD",
    "ERR_LOCKED",
    "ERR_NOT_ALLOWED",
    "ERR_PAUSED",
    "GetEscrowEscrow",
    "Lock",
    "RewardTokenContract",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class GetEscrowEscrow:
    """A tuple of reward-token."""

    held: int
    owed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "held": codec.to_uint(self.held),
            "owed": codec.to_uint(self.owed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "held", "owed")
        return cls(
            codec.uint(held["held"]),
            codec.uint(held["owed"]),
        )


@dataclass(frozen=True, slots=True)
class Lock:
    """A tuple of reward-token."""

    amount: int
    held_until: int
    since: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "amount": codec.to_uint(self.amount),
            "held-until": codec.to_uint(self.held_until),
            "since": codec.to_uint(self.since),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "amount", "held-until", "since")
        return cls(
            codec.uint(held["amount"]),
            codec.uint(held["held-until"]),
            codec.uint(held["since"]),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of reward-token."""

    burned: int
    locked: int
    minted: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "burned": codec.to_uint(self.burned),
            "locked": codec.to_uint(self.locked),
            "minted": codec.to_uint(self.minted),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "burned", "locked", "minted")
        return cls(
            codec.uint(held["burned"]),
            codec.uint(held["locked"]),
            codec.uint(held["minted"]),
        )


@dataclass(frozen=True, slots=True)
class RewardTokenContract:
    """`reward-token`.

    Decides: who holds WATT, the token of rewards and stakes, and how much of it each has locked,
    which is its weight in votes.

    Immutable: supply = minted - burned, at most CAP; the units this contract holds are those that
    are locked; a locker always gets its own back, and nobody else does.

    Who may call: holders transfer, burn, lock and unlock; holders of the role "reward-minter" mint;
    a contract with the role "governance" holds a lock until the vote it was counted in is over, at
    most HOLD_MAX_S from now. The pause stops minting only.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "reward-token")

    @property
    def watt_asset(self) -> Asset:
        """The token `watt`, for post-conditions."""
        return Asset(self.principal, "watt")

    def burn(self, amount: int, holder: Principal, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Destroys units of the caller, as a contract does with a stake that was slashed."""
        return PublicCall(
            ContractCall(self.principal, "burn", (codec.to_uint(amount), codec.to_principal(holder))),
            codec.boolean,
            post,
        )

    def hold(self, who: Principal, until: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Keeps a lock until a time is over: `governance` only, when it counts a vote. It never ends
        earlier than another vote has said.
        """
        return PublicCall(
            ContractCall(self.principal, "hold", (codec.to_principal(who), codec.to_uint(until))),
            codec.uint,
            post,
        )

    def lock(self, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Locks units of the caller. Gives what it has locked in all."""
        return PublicCall(ContractCall(self.principal, "lock", (codec.to_uint(amount),)), codec.uint, post)

    def mint(
        self, amount: int, recipient: Principal, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Makes `amount` units for `recipient`: `reward-minter` only, up to the cap."""
        return PublicCall(
            ContractCall(self.principal, "mint", (codec.to_uint(amount), codec.to_principal(recipient))),
            codec.boolean,
            post,
        )

    def transfer(
        self,
        amount: int,
        sender: Principal,
        recipient: Principal,
        memo: bytes | None,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """SIP-010. The sender is who signed the transaction, or the contract that calls: so one contract
        can take a user's units into its escrow and give them back.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "transfer",
                (
                    codec.to_uint(amount),
                    codec.to_principal(sender),
                    codec.to_principal(recipient),
                    codec.to_optional(memo, lambda one: codec.to_buff(one, 34)),
                ),
            ),
            codec.boolean,
            post,
        )

    def unlock(self, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Gives locked units back to the caller, unless a vote holds them. Gives what stays."""
        return PublicCall(ContractCall(self.principal, "unlock", (codec.to_uint(amount),)), codec.uint, post)

    def get_balance(self, who: Principal) -> ReadCall[int]:
        """`get-balance` of `reward-token`."""
        return ReadCall(self.principal, "get-balance", (codec.to_principal(who),), responded(codec.uint))

    def get_decimals(self) -> ReadCall[int]:
        """`get-decimals` of `reward-token`."""
        return ReadCall(self.principal, "get-decimals", (), responded(codec.uint))

    def get_escrow(self) -> ReadCall[GetEscrowEscrow]:
        """The sum of what this contract owes: what is locked."""
        return ReadCall(self.principal, "get-escrow", (), GetEscrowEscrow.read)

    def get_lock(self, who: Principal) -> ReadCall[Lock]:
        """`get-lock` of `reward-token`."""
        return ReadCall(self.principal, "get-lock", (codec.to_principal(who),), Lock.read)

    def get_locked(self, who: Principal) -> ReadCall[int]:
        """What `who` has locked: its weight."""
        return ReadCall(self.principal, "get-locked", (codec.to_principal(who),), codec.uint)

    def get_locked_before(self, who: Principal, time_s: int) -> ReadCall[int]:
        """What was locked before a time and is still: the weight in a vote that began there. Who adds to a
        lock after that has no weight in it, so that none is bought for a vote.
        """
        return ReadCall(
            self.principal, "get-locked-before", (codec.to_principal(who), codec.to_uint(time_s)), codec.uint
        )

    def get_name(self) -> ReadCall[str]:
        """`get-name` of `reward-token`."""
        return ReadCall(self.principal, "get-name", (), responded(codec.ascii_text))

    def get_symbol(self) -> ReadCall[str]:
        """`get-symbol` of `reward-token`."""
        return ReadCall(self.principal, "get-symbol", (), responded(codec.ascii_text))

    def get_token_uri(self) -> ReadCall[None]:
        """`get-token-uri` of `reward-token`."""
        return ReadCall(self.principal, "get-token-uri", (), responded(codec.optional(codec.nothing)))

    def get_total_locked(self) -> ReadCall[int]:
        """`get-total-locked` of `reward-token`."""
        return ReadCall(self.principal, "get-total-locked", (), codec.uint)

    def get_total_supply(self) -> ReadCall[int]:
        """`get-total-supply` of `reward-token`."""
        return ReadCall(self.principal, "get-total-supply", (), responded(codec.uint))

    def get_totals(self) -> ReadCall[Totals]:
        """All that was ever minted and burned."""
        return ReadCall(self.principal, "get-totals", (), Totals.read)


ERR_NOT_ALLOWED: Final = BY_CODE[640]
ERR_PAUSED: Final = BY_CODE[641]
ERR_AMOUNT: Final = BY_CODE[642]
ERR_CAP: Final = BY_CODE[643]
ERR_BALANCE: Final = BY_CODE[644]
ERR_LOCKED: Final = BY_CODE[645]
ERR_HELD: Final = BY_CODE[646]
ERR_HOLD: Final = BY_CODE[647]

"""The contract `energy-token`, typed.

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

__all__ = ["ERR_AMOUNT", "ERR_BALANCE", "ERR_NOT_ALLOWED", "ERR_PAUSED", "EnergyTokenContract", "Totals"]


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of energy-token."""

    burned: int
    minted: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "burned": codec.to_uint(self.burned),
            "minted": codec.to_uint(self.minted),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "burned", "minted")
        return cls(
            codec.uint(held["burned"]),
            codec.uint(held["minted"]),
        )


@dataclass(frozen=True, slots=True)
class EnergyTokenContract:
    """`energy-token`.

    Decides: who holds ENERGY. One unit is one Wh that a meter has fed in and a window has attested;
    with 3 decimals a wallet shows kWh.

    Immutable: supply = minted - burned; nobody's units move without the holder.

    Who may call: holders transfer and burn; contracts with the role "minter" mint, which are those
    that take a proof for it; a contract with the role "burner" uses units up for the holder who
    signed the transaction. The pause stops minting only.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "energy-token")

    @property
    def energy_asset(self) -> Asset:
        """The token `energy`, for post-conditions."""
        return Asset(self.principal, "energy")

    def burn(self, amount: int, holder: Principal, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Uses units up: by their holder, or by a `burner` that the holder has called."""
        return PublicCall(
            ContractCall(self.principal, "burn", (codec.to_uint(amount), codec.to_principal(holder))),
            codec.boolean,
            post,
        )

    def mint(
        self, amount: int, recipient: Principal, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Makes `amount` units for `recipient`: `minter` only."""
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

    def get_balance(self, who: Principal) -> ReadCall[int]:
        """`get-balance` of `energy-token`."""
        return ReadCall(self.principal, "get-balance", (codec.to_principal(who),), responded(codec.uint))

    def get_decimals(self) -> ReadCall[int]:
        """`get-decimals` of `energy-token`."""
        return ReadCall(self.principal, "get-decimals", (), responded(codec.uint))

    def get_name(self) -> ReadCall[str]:
        """`get-name` of `energy-token`."""
        return ReadCall(self.principal, "get-name", (), responded(codec.ascii_text))

    def get_symbol(self) -> ReadCall[str]:
        """`get-symbol` of `energy-token`."""
        return ReadCall(self.principal, "get-symbol", (), responded(codec.ascii_text))

    def get_token_uri(self) -> ReadCall[None]:
        """`get-token-uri` of `energy-token`."""
        return ReadCall(self.principal, "get-token-uri", (), responded(codec.optional(codec.nothing)))

    def get_total_supply(self) -> ReadCall[int]:
        """`get-total-supply` of `energy-token`."""
        return ReadCall(self.principal, "get-total-supply", (), responded(codec.uint))

    def get_totals(self) -> ReadCall[Totals]:
        """All that was ever minted and burned, in Wh."""
        return ReadCall(self.principal, "get-totals", (), Totals.read)


ERR_NOT_ALLOWED: Final = BY_CODE[620]
ERR_PAUSED: Final = BY_CODE[621]
ERR_AMOUNT: Final = BY_CODE[622]
ERR_BALANCE: Final = BY_CODE[623]

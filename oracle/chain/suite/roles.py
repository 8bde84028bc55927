"""The contract `roles`, typed.

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
    "ERR_ALREADY_HELD",
    "ERR_LAST_GOVERNOR",
    "ERR_NOT_ALLOWED",
    "ERR_NOT_HELD",
    "ERR_NOT_PAUSED",
    "ERR_NO_TRANSFER",
    "ERR_PAUSED",
    "ERR_ROLE_NAME",
    "PendingTransfer",
    "RolesContract",
]


@dataclass(frozen=True, slots=True)
class PendingTransfer:
    """A tuple of roles."""

    from_: Principal
    to: Principal

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "from": codec.to_principal(self.from_),
            "to": codec.to_principal(self.to),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "from", "to")
        return cls(
            codec.principal(held["from"]),
            codec.principal(held["to"]),
        )


@dataclass(frozen=True, slots=True)
class RolesContract:
    """`roles`.

    Decides: who may act. One map of (principal, role name), one pause switch.

    Immutable: there is always at least one governor, and a governor can always unpause; nothing
    here is itself stopped by the pause.

    Who may call: governors grant, revoke, transfer and unpause; governors and guardians pause;
    anyone reads. A caller is `contract-caller`, so a contract a user happens to call cannot act in
    the user's name.

    Role names in use: governor, guardian, verifier, dispute, and those that other contracts name in
    their own headers.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "roles")

    def accept_governor(self, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Second step, by the principal who was named: it governs, the one who offered no longer does."""
        return PublicCall(ContractCall(self.principal, "accept-governor", ()), codec.boolean, post)

    def cancel_governor_transfer(self, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Takes an offer of governance back."""
        return PublicCall(ContractCall(self.principal, "cancel-governor-transfer", ()), codec.boolean, post)

    def grant_role(self, who: Principal, role: str, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Gives `who` a role. A second governor is added this way; the granter stays one."""
        return PublicCall(
            ContractCall(self.principal, "grant-role", (codec.to_principal(who), codec.to_ascii(role, 24))),
            codec.boolean,
            post,
        )

    def pause(self, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Stops what other contracts choose to stop. Exits, key rotation and recovery go on."""
        return PublicCall(ContractCall(self.principal, "pause", ()), codec.boolean, post)

    def revoke_role(self, who: Principal, role: str, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Takes a role away, except from the last governor."""
        return PublicCall(
            ContractCall(self.principal, "revoke-role", (codec.to_principal(who), codec.to_ascii(role, 24))),
            codec.boolean,
            post,
        )

    def transfer_governor(self, to: Principal, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """First step of handing governance over; a later call replaces an earlier one."""
        return PublicCall(
            ContractCall(self.principal, "transfer-governor", (codec.to_principal(to),)), codec.boolean, post
        )

    def unpause(self, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """The way back: open to every governor, whatever else is stopped."""
        return PublicCall(ContractCall(self.principal, "unpause", ()), codec.boolean, post)

    def get_governor_count(self) -> ReadCall[int]:
        """`get-governor-count` of `roles`."""
        return ReadCall(self.principal, "get-governor-count", (), codec.uint)

    def get_pending_transfer(self) -> ReadCall[PendingTransfer | None]:
        """`get-pending-transfer` of `roles`."""
        return ReadCall(self.principal, "get-pending-transfer", (), codec.optional(PendingTransfer.read))

    def has_role(self, who: Principal, role: str) -> ReadCall[bool]:
        """`has-role` of `roles`."""
        return ReadCall(
            self.principal, "has-role", (codec.to_principal(who), codec.to_ascii(role, 24)), codec.boolean
        )

    def is_governor(self, who: Principal) -> ReadCall[bool]:
        """`is-governor` of `roles`."""
        return ReadCall(self.principal, "is-governor", (codec.to_principal(who),), codec.boolean)

    def is_paused(self) -> ReadCall[bool]:
        """`is-paused` of `roles`."""
        return ReadCall(self.principal, "is-paused", (), codec.boolean)


ERR_NOT_ALLOWED: Final = BY_CODE[100]
ERR_ALREADY_HELD: Final = BY_CODE[101]
ERR_NOT_HELD: Final = BY_CODE[102]
ERR_LAST_GOVERNOR: Final = BY_CODE[103]
ERR_ROLE_NAME: Final = BY_CODE[104]
ERR_NO_TRANSFER: Final = BY_CODE[105]
ERR_PAUSED: Final = BY_CODE[106]
ERR_NOT_PAUSED: Final = BY_CODE[107]

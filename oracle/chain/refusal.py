"""What a contract's error number means. The table of ours is generated: `suite.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ContractError:
    """An `(err uN)` of the suite: which contract's, its name there, what it says."""

    contract: str
    name: str
    code: int
    meaning: str

    def __str__(self) -> str:
        """Everything in one line: `roles ERR_NOT_ALLOWED (u100): …`."""
        whose = " ".join(word for word in (self.contract, self.name) if word)
        return f"{whose} (u{self.code}): {self.meaning}" if whose else f"u{self.code}: {self.meaning}"


TOKEN_ERRORS: Final[Mapping[int, ContractError]] = {
    code: ContractError("token", name, code, meaning)
    for code, name, meaning in (
        (1, "INSUFFICIENT_BALANCE", "The sender holds less than that."),
        (2, "SAME_PRINCIPAL", "Sender and recipient are the same."),
        (3, "NO_AMOUNT", "Nothing is transferred."),
        (4, "NOT_SENDER", "Only its holder transfers a token."),
    )
}
"""What every token's `transfer` gives: wallets know these four numbers (SIP-010, SIP-013)."""

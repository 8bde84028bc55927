"""What a contract's error number means. The table of them all is generated: `suite.errors`."""

from __future__ import annotations

from dataclasses import dataclass


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

"""What survives a crash: a node's journal, its decided history, and its sign-once register.

A transaction is whole or absent, as SQLite gives it. `lose_tail` is the fault that a
node is allowed not to survive silently: a register that lost its tail must refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from coincurve import PrivateKey

from consensus.encoding import decode
from consensus.messages import Fields
from consensus.step import JournalRecord, Signing

DECIDED: Final = "decided"
"""Kind of the journal record that carries a decided entry, its certificate and attachment."""
PART: Final = "part:"
"""Prefix of the kinds that carry a part of a decided height."""


@dataclass(slots=True)
class Disk:
    """One node's durable state."""

    journal: list[JournalRecord] = field(default_factory=list)
    history: dict[int, tuple[bytes, bytes, bytes]] = field(default_factory=dict)
    """height -> (entry, certificate, attachment)"""
    register: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    parts: dict[tuple[int, str], bytes] = field(default_factory=dict)
    """(height, name) -> a part of a decided height that the application keeps."""
    refused: int = 0

    def commit(self, records: tuple[JournalRecord, ...]) -> None:
        """One transaction. A decided entry goes to the history and ends its height's journal."""
        for record in records:
            if record.kind.startswith(PART):
                self.parts[record.height, record.kind.removeprefix(PART)] = record.data
                continue
            if record.kind != DECIDED:
                self.journal.append(record)
                continue
            fields = Fields(decode(record.data))
            self.history[record.height] = (
                fields.buff("entry", 1, 1 << 20),
                fields.buff("certificate", 1, 1 << 20),
                fields.buff("attachment", 0, 1 << 20),
            )
            self.journal = [kept for kept in self.journal if kept.height > record.height]


@dataclass(slots=True)
class Signer:
    """The sign-once register before a real key (N1)."""

    key: PrivateKey
    disk: Disk

    def sign(self, signing: Signing) -> bytes | None:
        """The signature, or None where the register holds other bytes."""
        if signing.topic in ("vote", "proposal"):
            place = (signing.height, signing.round, signing.phase)
            if self.disk.register.setdefault(place, signing.payload) != signing.payload:
                self.disk.refused += 1
                return None
        return self.key.sign_recoverable(signing.payload)

"""What survives a crash: a node's journal, its decided history, and its sign-once register.

A transaction is whole or absent, as SQLite gives it; a full disk takes none. `lose_tail`
and `Copy` are the faults that a node is not allowed to survive silently: a register that
lost its tail, or is an old copy, is behind its marker and must refuse (N3).
"""

from __future__ import annotations

from collections import Counter
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
EVIDENCE: Final = "evidence"
"""Prefix of the kinds that carry evidence."""
SLASHABLE: Final = ("vote", "proposal")


@dataclass(slots=True)
class Disk:
    """One node's durable state."""

    journal: list[JournalRecord] = field(default_factory=list)
    history: dict[int, tuple[bytes, bytes, bytes]] = field(default_factory=dict)
    """height -> (entry, certificate, attachment)"""
    register: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    parts: dict[tuple[int, str], bytes] = field(default_factory=dict)
    """(height, name) -> a part of a decided height that the application keeps."""
    evidence: list[bytes] = field(default_factory=list)
    full_until_ms: int = 0
    refused: int = 0
    """How often the register held other bytes."""

    def commit(self, records: tuple[JournalRecord, ...]) -> None:
        """One transaction. A decided entry goes to the history and ends its height's journal."""
        for record in records:
            if record.kind.startswith(PART):
                self.parts[record.height, record.kind.removeprefix(PART)] = record.data
            elif record.kind.startswith(EVIDENCE):
                self.evidence.append(record.data)
            elif record.kind != DECIDED:
                self.journal.append(record)
            else:
                fields = Fields(decode(record.data, bytes_max=len(record.data)))
                self.history[record.height] = (
                    fields.buff("entry", 1, 1 << 20),
                    fields.buff("certificate", 1, 1 << 20),
                    fields.buff("attachment", 0, 1 << 20),
                )
                self.journal = [kept for kept in self.journal if kept.height > record.height]

    def lose_tail(self, transactions: int) -> None:
        """The last signatures of the register are gone, as after a torn write that was believed."""
        for place in list(self.register)[-transactions:] if transactions else ():
            del self.register[place]

    def lose_journal(self, records: int) -> None:
        """The last records of the open height are gone; the register is whole."""
        del self.journal[len(self.journal) - min(records, len(self.journal)) :]

    def copy(self) -> Disk:
        """A copy as a backup has it."""
        return Disk(
            list(self.journal),
            dict(self.history),
            dict(self.register),
            dict(self.parts),
            list(self.evidence),
        )

    def restore(self, old: Disk) -> None:
        """Bring an old copy back, in place."""
        self.journal, self.history = list(old.journal), dict(old.history)
        self.register, self.parts = dict(old.register), dict(old.parts)


@dataclass(slots=True)
class Signer:
    """The sign-once register before a real key (N1), with its marker on another disk (N3).

    A traitor's signer is not `careful`: it signs whatever its register does not hold.
    """

    key: PrivateKey
    disk: Disk
    counts: Counter[str] = field(default_factory=Counter)
    careful: bool = True
    marker: int = 0
    """How many signatures the register must hold; a transaction raises both."""

    def sign(self, signing: Signing, now_ms: int = 0) -> bytes | None:
        """The signature, or None where the register refuses or cannot write."""
        if signing.topic in SLASHABLE and not self._take(signing, now_ms):
            return None
        return self.key.sign_recoverable(signing.payload)

    def _take(self, signing: Signing, now_ms: int) -> bool:
        register = self.disk.register
        if self.careful and len(register) < self.marker:
            self.counts["refused: register behind its marker"] += 1
            return False
        place = (signing.height, signing.round, signing.phase)
        held = register.get(place)
        if held is not None:
            if held != signing.payload:
                self.disk.refused += 1
                self.counts["refused: register holds other bytes"] += 1
            return held == signing.payload
        if now_ms < self.disk.full_until_ms:
            self.counts["not signed: register cannot write"] += 1
            return False
        register[place] = signing.payload
        self.marker += 1
        return True

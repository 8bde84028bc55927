"""Where an entry stands with the chain, from the receipts that the history keeps.

A receipt's status is the state of its job in the outbox (`oracle.chain.job.JobState`);
`aborted` is for one that was mined and changed nothing. A receipt may also be of another
member's transaction, as the watcher has seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from oracle.storage.history import ChainReceipt

CHAIN_KINDS: Final = ("window", "void", "activate")
CONFIRMED: Final = "confirmed"
DONE: Final = "done"


class ChainStatus(Enum):
    """How far an entry has come towards the chain."""

    NOT_FOR_CHAIN = "not-for-chain"
    """Entries of its kind stay in the log."""
    WAITING = "waiting"
    """No transaction that this node knows of is in a block."""
    CONFIRMED = "confirmed"
    """In a block that may still be reorganised."""
    FINAL = "final"
    """In a block, and deep enough."""


def mined(receipts: Sequence[ChainReceipt]) -> ChainReceipt | None:
    """The receipt of the transaction that is in a block, the deepest and earliest first."""
    found = [one for one in receipts if one.status in (CONFIRMED, DONE) and one.block_height is not None]
    return min(found, key=lambda one: (one.status != DONE, one.block_height, one.txid), default=None)


def status_of(kind: str, receipts: Sequence[ChainReceipt]) -> ChainStatus:
    """Where an entry of that kind stands."""
    if kind not in CHAIN_KINDS:
        return ChainStatus.NOT_FOR_CHAIN
    receipt = mined(receipts)
    if receipt is None:
        return ChainStatus.WAITING
    return ChainStatus.FINAL if receipt.status == DONE else ChainStatus.CONFIRMED

"""Where an entry stands with the chain, from the receipts that the history keeps.

A receipt says what was seen of a transaction about the entry, this node's own or another
member's: `success` or, from the outbox's table, `confirmed` and `done`, mean that it is in
a block and did what it should. Any other status means that it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from oracle.storage.history import ChainReceipt

CHAIN_KINDS: Final = ("window", "void", "activate")
MINED: Final = ("success", "confirmed", "done")


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
    """The receipt of the transaction that is in a block, the earliest if there are several."""
    found = [one for one in receipts if one.status in MINED and one.block_height is not None]
    return min(found, key=lambda one: (one.block_height, one.txid), default=None)


def is_deep(receipt: ChainReceipt, tip_height: int, depth: int) -> bool:
    """Whether `depth` blocks stand on the receipt's block, itself counted."""
    return receipt.block_height is not None and tip_height - receipt.block_height + 1 >= depth


def status_of(kind: str, receipts: Sequence[ChainReceipt], tip_height: int, depth: int) -> ChainStatus:
    """Where an entry of that kind stands, with the chain at `tip_height`."""
    if kind not in CHAIN_KINDS:
        return ChainStatus.NOT_FOR_CHAIN
    receipt = mined(receipts)
    if receipt is None:
        return ChainStatus.WAITING
    return ChainStatus.FINAL if is_deep(receipt, tip_height, depth) else ChainStatus.CONFIRMED

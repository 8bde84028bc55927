"""The formats a record may have, and the one door through which its bytes become readings.

To add a format, write one module with NAME, BYTES_MAX and `parse`, add its row here,
and drop records into tests/fixtures/formats/<name>/{good,bad}.

Parsers are pure: bytes and look-ups in, `Parsed` or `Rejected` out, the same on every
node. No signature has been checked yet; call `signatures.confirm` before believing
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from consensus.model import Rejected
from oracle.feeds.formats import batch, dsmr, json_feed, ocmf
from oracle.feeds.formats.context import (
    Carrier,
    Context,
    Direction,
    Limits,
    Parsed,
    RefusedItem,
    RosterEntry,
    SignatureCheck,
)
from oracle.feeds.formats.json_feed import PROFILES
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.model import Record

__all__ = [
    "FORMATS",
    "PROFILES",
    "Context",
    "Direction",
    "Limits",
    "Parsed",
    "RecordReason",
    "RefusedItem",
    "RosterEntry",
    "SignatureCheck",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Format:
    """A row of the table: how long a record may be, and who reads it."""

    bytes_max: int
    parse: Callable[[bytes, Carrier, Context], Parsed]


FORMATS: Final[Mapping[str, Format]] = {
    ocmf.NAME: Format(ocmf.BYTES_MAX, ocmf.parse),
    dsmr.NAME: Format(dsmr.BYTES_MAX, dsmr.parse),
    json_feed.NAME: Format(json_feed.BYTES_MAX, json_feed.parse),
    batch.NAME: Format(batch.BYTES_MAX, batch.parse),
}


def parse(record: Record, context: Context) -> Parsed | Rejected:
    """Read a record; then call `signatures.confirm` on what it says.

    Never raises for what the bytes hold. A batch of which every item is refused is
    refused for the first one's reason.
    """
    known = FORMATS.get(record.format)
    if known is None:
        return Rejected(RecordReason.FORMAT_UNKNOWN)
    if len(record.data) > known.bytes_max:
        return Rejected(RecordReason.TOO_LONG, f"{len(record.data)} bytes")
    try:
        parsed = known.parse(record.data, Carrier(record.source, record.hash), context)
    except Refusal as refusal:
        return Rejected(refusal.reason, refusal.detail)
    return parsed if parsed.readings else parsed.refused[0].rejected

"""What a node writes down: the kinds of its records, and how each is written and read again.

A record is journal (of the open height, gone with it) or history (a decided entry, and the
parts that belong to its height). Decides nothing; `oracle.memory` knows where each goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from consensus.encoding import Value, decode, encode
from consensus.envelope import Verified
from consensus.evidence import DoubleVote
from consensus.messages import DecidedEntry, Entry, Fields
from consensus.model import Committee, EpochNumber, Genesis, Height, InvariantBroken, Rejected
from consensus.step import JournalRecord
from oracle import frames
from oracle.model import Device, WindowSummary, decode_devices, read_summary
from oracle.windows.window_data import WindowData

DECIDED: Final = "decided"
"""Kind of the journal record that carries a decided entry, its certificate and attachment."""
PART: Final = "part:"
"""Prefix of the kinds that carry a part of a decided height to the history."""
LEAVES: Final = "leaves"
"""Kind of the journal record that carries the leaves behind a value that may be decided."""
OBSERVED: Final = "observed"
"""Kind of the journal record of this node's own observations, which it must not say otherwise."""
EVIDENCE: Final = "evidence:"
"""Prefix of the kinds that carry evidence to the history (E6)."""
DOUBLE_VOTE: Final = "double-vote"

WINDOW: Final = "window"
"""Name of the part that holds a window's leaves."""
REGISTRY: Final = "registry"
"""Name of the part that holds the devices of a registry."""
OBSERVATIONS: Final = "observations"
"""Name of the part that holds what a window's witnessed leaves rest on."""
SIGNATURE: Final = "bls"
"""Name of the part that is the group's signature on the entry."""
SNAPSHOT: Final = "snapshot"
"""Name of the part that holds the attested registers after a window."""
CALENDAR: Final = "calendar"
"""Name of the part that holds what may be restated, beside snapshots and restatements (A8)."""
TRAVEL: Final = "travel"
"""Name of the part that says how a window went here; of the open height, how it goes."""
INPUTS: Final = "inputs"
"""Name of the part that says what was held when a window closed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A decided height as the history gives it back."""

    decided: DecidedEntry
    attachment: bytes
    parts: Mapping[str, bytes]

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.decided.entry


def part(height: Height, name: str, data: bytes) -> JournalRecord:
    """A part of a height."""
    return JournalRecord(height, PART + name, data)


def decided_entry(decided: DecidedEntry, attachment: bytes) -> JournalRecord:
    """A decided entry with all that proves it."""
    row: Value = {
        "entry": decided.entry.encoded(),
        "certificate": decided.certificate.encoded(),
        "attachment": attachment,
    }
    return JournalRecord(decided.entry.height, DECIDED, encode(row))


def leaves(entry: Entry, data: WindowData) -> JournalRecord:
    """The leaves of a value, before this node votes for it."""
    row: Value = {"entry": entry.encoded(), "leaves": data.to_bytes()}
    return JournalRecord(entry.height, LEAVES, encode(row))


def read_leaves(data: bytes) -> tuple[Entry, WindowData]:
    """Read what `leaves` wrote."""
    fields = Fields(decode(data, bytes_max=len(data)))
    entry = Entry.parse(fields.buff("entry", 1, len(data)))
    if isinstance(entry, Rejected):
        raise InvariantBroken("the journal holds the entries of values")
    return entry, window_data(entry, fields.buff("leaves", 0, len(data)))


def observed(height: Height, said: Verified[frames.Observations]) -> JournalRecord:
    """This node's own observations, before they are sent: it must not say something else (N1)."""
    row: Value = {"payload": said.payload, "signature": said.signature}
    return JournalRecord(height, OBSERVED, encode(row))


def read_observed(data: bytes) -> tuple[bytes, bytes]:
    """The payload and the signature that `observed` wrote."""
    fields = Fields(decode(data, bytes_max=len(data)))
    return fields.buff("payload", 1, len(data)), fields.buff("signature", 65)


def observations(held: Iterable[Verified[frames.Observations]]) -> bytes:
    """The part that keeps what a window's witnessed leaves rest on."""
    rows: list[Value] = [
        {"slot": one.sender, "payload": one.payload, "signature": one.signature} for one in held
    ]
    return encode(rows)


def double_vote(
    genesis: Genesis, committees: Mapping[EpochNumber, Committee], proof: DoubleVote
) -> JournalRecord:
    """Two votes of one member in one round, with all that a stranger needs to judge them (E1)."""
    first, second = proof.first, proof.second
    epochs = {first.message.epoch, second.message.epoch}
    evidence: Value = {
        "genesis": encode(genesis.value()),
        "epochs": [{"number": one, "node-keys": committees[one].node_keys} for one in sorted(epochs)],
        "first": {"payload": first.payload, "signature": first.signature},
        "second": {"payload": second.payload, "signature": second.signature},
    }
    return JournalRecord(first.message.height, EVIDENCE + DOUBLE_VOTE, encode(evidence))


def window_data(entry: Entry, data: bytes) -> WindowData:
    """The leaves of a decided window, as the history gives them back."""
    found = WindowData.from_bytes(data, summary_of(entry))
    if isinstance(found, Rejected):
        raise InvariantBroken("the history gives back the leaves that were attested")
    return found


def summary_of(entry: Entry) -> WindowSummary:
    """The summary of a decided window."""
    summary = read_summary(entry.body)
    if isinstance(summary, Rejected):
        raise InvariantBroken("a decided window has a summary")
    return summary


def devices_of(data: bytes) -> tuple[Device, ...]:
    """The devices of a decided registry, as the history gives them back."""
    devices = decode_devices(data)
    if isinstance(devices, Rejected):
        raise InvariantBroken("the history gives back the registry that was agreed")
    return devices

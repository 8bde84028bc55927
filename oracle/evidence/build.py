"""Evidence files out of public bytes: what a node journals, or what an export holds.

Decides how a file is composed; whether it proves anything is `verify`'s matter, and whoever
builds one asks it before believing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consensus.encoding import decode
from consensus.messages import Fields
from oracle.audit.bundle import epoch_content, proof_content, signed_content
from oracle.audit.merkle import Proof
from oracle.audit.parts import DevicePart, EpochPart, SignedPart
from oracle.evidence.file import Kind, seal

JOURNALED_BYTES_MAX = 1 << 20


def of_journaled_double_vote(data: bytes) -> bytes:
    """The file of what the node journals when a member has voted twice."""
    fields = Fields(decode(data, bytes_max=JOURNALED_BYTES_MAX))
    genesis = fields.buff("genesis", 1, len(data))
    epochs = []
    for row in fields.items("epochs", 2):
        epoch = Fields(row)
        keys = tuple(key for key in epoch.items("node-keys", 31) if isinstance(key, bytes))
        epochs.append(EpochPart(epoch.uint("number"), keys))
    votes = [_signed_bytes(fields.fields(name)) for name in ("first", "second")]
    fields.end()
    return double_vote(genesis, epochs, votes[0], votes[1])


def double_vote(
    genesis: bytes, epochs: Iterable[EpochPart], first: tuple[bytes, bytes], second: tuple[bytes, bytes]
) -> bytes:
    """Two votes as (payload, signature), in the order of their bytes (E1)."""
    content = _common(genesis, epochs)
    for name, (payload, signature) in (("first", first), ("second", second)):
        content[name] = {"payload": payload.hex(), "signature": signature.hex()}
    return seal(Kind.DOUBLE_VOTE, _network(genesis), content)


@dataclass(frozen=True, slots=True)
class PlacedParts:
    """A leaf with its two proofs in a certified window."""

    signed: SignedPart
    zone: bytes
    zone_proof: Proof
    leaf: bytes
    leaf_proof: Proof


def false_leaf(
    genesis: bytes, epochs: Iterable[EpochPart], placed: PlacedParts, format_: str, record: bytes
) -> bytes:
    """A leaf, and the record it names and does not follow from (E2)."""
    content = _common(genesis, epochs)
    content["leaf"] = _placed(placed)
    content["record"] = {"format": format_, "data": record.hex()}
    return seal(Kind.FALSE_LEAF, _network(genesis), content)


def false_energy(
    genesis: bytes, epochs: Iterable[EpochPart], placed: PlacedParts, since: PlacedParts | None
) -> bytes:
    """A leaf, and the one it counts from (E3)."""
    content = _common(genesis, epochs)
    content |= {"what": "energy", "leaf": _placed(placed), "since": since and _placed(since)}
    return seal(Kind.FALSE_SUM, _network(genesis), content)


def false_zone(
    genesis: bytes,
    epochs: Iterable[EpochPart],
    signed: SignedPart,
    zone: tuple[bytes, Proof],
    leaves: Iterable[bytes],
) -> bytes:
    """A zone, and all its leaves (E3)."""
    content = _common(genesis, epochs)
    content |= {"what": "zone", "signed": signed_content(signed), "zone": _zone(*zone)}
    content["leaves"] = [leaf.hex() for leaf in leaves]
    return seal(Kind.FALSE_SUM, _network(genesis), content)


def false_window(
    genesis: bytes, epochs: Iterable[EpochPart], signed: SignedPart, zones: Iterable[bytes]
) -> bytes:
    """A window, and all its zones (E3)."""
    content = _common(genesis, epochs)
    content |= {"what": "window", "signed": signed_content(signed), "zones": [one.hex() for one in zones]}
    return seal(Kind.FALSE_SUM, _network(genesis), content)


def withheld_record(
    genesis: bytes,
    epochs: Iterable[EpochPart],
    signed: SignedPart,
    zone: tuple[bytes, Proof],
    receipt: tuple[bytes, bytes],
    record: tuple[str, bytes],
    devices: Iterable[DevicePart],
    neighbours: Iterable[tuple[bytes, Proof]],
) -> bytes:
    """A receipt (payload, signature), its record (format, bytes), and the neighbours of no leaf (E4)."""
    content = _common(genesis, epochs)
    content |= {
        "signed": signed_content(signed),
        "zone": _zone(*zone),
        "receipt": {"payload": receipt[0].hex(), "signature": receipt[1].hex()},
        "record": {"format": record[0], "data": record[1].hex()},
        "devices": [{"device": one.device.hex(), "proof": proof_content(one.proof)} for one in devices],
        "neighbours": [{"leaf": leaf.hex(), "proof": proof_content(proof)} for leaf, proof in neighbours],
    }
    return seal(Kind.WITHHELD_RECORD, _network(genesis), content)


def _placed(parts: PlacedParts) -> dict[str, Any]:
    return {
        "signed": signed_content(parts.signed),
        "zone": _zone(parts.zone, parts.zone_proof),
        "leaf": {"leaf": parts.leaf.hex(), "proof": proof_content(parts.leaf_proof)},
    }


def _zone(summary: bytes, proof: Proof) -> dict[str, Any]:
    return {"summary": summary.hex(), "proof": proof_content(proof)}


def _network(genesis: bytes) -> bytes:
    return hashlib.sha256(genesis).digest()


def _common(genesis: bytes, epochs: Iterable[EpochPart]) -> dict[str, Any]:
    return {"genesis": genesis.hex(), "epochs": [epoch_content(one) for one in epochs]}


def _signed_bytes(value: Any) -> tuple[bytes, bytes]:
    fields = Fields(value)
    return fields.buff("payload", 1, 1024), fields.buff("signature", 65)

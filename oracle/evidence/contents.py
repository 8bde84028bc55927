"""What stands in an evidence file, typed: read strictly, written canonically, judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from consensus.evidence import VOTE_BYTES_MAX, SignedBytes
from oracle.audit.bundle import (
    EpochRecord,
    HashedLeaf,
    ProvenDevice,
    SignedEntry,
    read_epoch,
    read_proof,
    read_proven_device,
    read_proven_leaf,
    read_signed,
)
from oracle.audit.document import Fieldset
from oracle.audit.merkle import Proof, double_sha256
from oracle.audit.meters import RECORD_BYTES_MAX
from oracle.audit.values import (
    VOTE_SIGNATURE_BYTES,
    GenesisValue,
    Malformed,
    read_genesis,
    read_leaf,
    read_zone_summary,
)
from oracle.evidence.file import EvidenceReason, Faulty, Kind, unseal
from oracle.model import Leaf, ZoneSummary

PARTS_MAX: Final = 4096
"""Leaves or zones of one sum; larger ones are for whoever has the whole window."""
EPOCHS_MAX: Final = 1024
GATEWAY_AND_METER: Final = 2
RECEIPT_BYTES_MAX: Final = 64 << 10
SIGNED_FORMATS: Final = ("ocmf", "batch")


@dataclass(frozen=True, slots=True)
class DoubleVoteContent:
    """Two signed votes, and the committees that they name (E1)."""

    first: SignedBytes
    second: SignedBytes


@dataclass(frozen=True, slots=True)
class ProvenZone:
    """A zone summary and where it stands under its window's root."""

    summary: ZoneSummary
    hash: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """A leaf and where it stands under its zone's root."""

    leaf: Leaf
    hash: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class Placed:
    """A leaf in a certified window."""

    signed: SignedEntry
    zone: ProvenZone
    leaf: ProvenLeaf


@dataclass(frozen=True, slots=True)
class RecordBytes:
    """A record, `ocmf` or `batch`: the formats that somebody signed."""

    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class FalseLeafContent:
    """A leaf and the record it names, which says another register (E2)."""

    placed: Placed
    record: RecordBytes


@dataclass(frozen=True, slots=True)
class FalseEnergyContent:
    """A leaf whose energy is not the difference of two attested registers (E3).

    `since` is the leaf it counts from; None where it claims to be a first one, and has energy.
    """

    placed: Placed
    since: Placed | None


@dataclass(frozen=True, slots=True)
class FalseZoneContent:
    """A zone whose totals are not those of its leaves, which are all there (E3)."""

    signed: SignedEntry
    zone: ProvenZone
    leaves: tuple[HashedLeaf, ...]


@dataclass(frozen=True, slots=True)
class FalseWindowContent:
    """A window whose totals are not those of its zones, which are all there (E3)."""

    signed: SignedEntry
    zones: tuple[tuple[ZoneSummary, bytes], ...]


@dataclass(frozen=True, slots=True)
class WithheldContent:
    """A receipt for a record, the record, and the neighbours of the leaf that is not there (E4).

    `devices` are the meter and, for a batch, its gateway, proven in the window's registry.
    """

    signed: SignedEntry
    zone: ProvenZone
    receipt: SignedBytes
    record: RecordBytes
    devices: tuple[ProvenDevice, ...]
    neighbours: tuple[ProvenLeaf, ...]


Content: TypeAlias = (
    DoubleVoteContent
    | FalseLeafContent
    | FalseEnergyContent
    | FalseZoneContent
    | FalseWindowContent
    | WithheldContent
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that could be read. Nothing in it is verified yet."""

    kind: Kind
    network: bytes
    genesis: GenesisValue
    epochs: tuple[EpochRecord, ...]
    content: Content

    @property
    def signed(self) -> SignedEntry | None:
        """The certified entry that the evidence is about; a double vote has none."""
        match self.content:
            case DoubleVoteContent():
                return None
            case FalseLeafContent(placed) | FalseEnergyContent(placed):
                return placed.signed
            case FalseZoneContent(signed) | FalseWindowContent(signed) | WithheldContent(signed):
                return signed


def read(data: bytes) -> Evidence:
    """Read a file. Raises Faulty."""
    try:
        kind, network, item = unseal(data)
        genesis = read_genesis(item.hex("genesis"))
        epochs = _limited(item.each("epochs", read_epoch), EPOCHS_MAX)
        content = _content(kind, item)
        item.end()
    except Malformed as cause:
        raise Faulty(EvidenceReason.MALFORMED, str(cause)) from cause
    return Evidence(kind, network, genesis, epochs, content)


def _content(kind: Kind, item: Fieldset) -> Content:
    match kind:
        case Kind.DOUBLE_VOTE:
            return DoubleVoteContent(
                item.one("first", _read_signed_vote), item.one("second", _read_signed_vote)
            )
        case Kind.FALSE_LEAF:
            return FalseLeafContent(item.one("leaf", _read_placed), item.one("record", _read_record))
        case Kind.FALSE_SUM:
            return _sum(item)
        case Kind.WITHHELD_RECORD:
            return WithheldContent(
                item.one("signed", read_signed),
                item.one("zone", _read_zone),
                item.one("receipt", _read_receipt),
                item.one("record", _read_record),
                _devices(item),
                _limited(item.each("neighbours", _read_leaf), 2),
            )


def _sum(item: Fieldset) -> Content:
    match item.text("what"):
        case "energy":
            return FalseEnergyContent(item.one("leaf", _read_placed), item.optional("since", _read_placed))
        case "zone":
            leaves = _limited(item.hexes("leaves"), PARTS_MAX)
            hashed = tuple(HashedLeaf(read_leaf(one), double_sha256(one)) for one in leaves)
            return FalseZoneContent(item.one("signed", read_signed), item.one("zone", _read_zone), hashed)
        case "window":
            zones = _limited(item.hexes("zones"), PARTS_MAX)
            read_zones = tuple((read_zone_summary(one), double_sha256(one)) for one in zones)
            return FalseWindowContent(item.one("signed", read_signed), read_zones)
        case _:
            raise Malformed("`what` is energy, zone or window")


def _limited(items: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    if len(items) > most:
        raise Malformed(f"a list has at most {most} items here")
    return items


def _devices(item: Fieldset) -> tuple[ProvenDevice, ...]:
    devices: tuple[ProvenDevice, ...] = _limited(item.each("devices", read_proven_device), GATEWAY_AND_METER)
    return devices


def _read_signed_vote(item: Fieldset) -> SignedBytes:
    signed = SignedBytes(item.hex("payload"), item.hex("signature", VOTE_SIGNATURE_BYTES))
    if len(signed.payload) > VOTE_BYTES_MAX:
        raise Malformed(f"a vote has at most {VOTE_BYTES_MAX} bytes")
    return signed


def _read_receipt(item: Fieldset) -> SignedBytes:
    signed = SignedBytes(item.hex("payload"), item.hex("signature", VOTE_SIGNATURE_BYTES))
    if len(signed.payload) > RECEIPT_BYTES_MAX:
        raise Malformed(f"a receipt has at most {RECEIPT_BYTES_MAX} bytes")
    return signed


def _read_zone(item: Fieldset) -> ProvenZone:
    summary = item.hex("summary")
    return ProvenZone(read_zone_summary(summary), double_sha256(summary), item.one("proof", read_proof))


def _read_leaf(item: Fieldset) -> ProvenLeaf:
    hashed, proof = read_proven_leaf(item)
    return ProvenLeaf(hashed.leaf, hashed.hash, proof)


def _read_placed(item: Fieldset) -> Placed:
    return Placed(item.one("signed", read_signed), item.one("zone", _read_zone), item.one("leaf", _read_leaf))


def _read_record(item: Fieldset) -> RecordBytes:
    record = RecordBytes(item.text("format"), item.hex("data"))
    if record.format not in SIGNED_FORMATS or len(record.data) > RECORD_BYTES_MAX:
        raise Malformed("a record of a format that nobody signs, or too long")
    return record

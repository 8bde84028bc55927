"""The export file: everything an auditor needs to judge one entry of the log, in one file.

    wattest-bundle/1 sha256:<hex over all bytes after this line>
    {"attachment":...}                  canonical JSON, see `document`

Values that are signed or hashed stand as hex of their Clarity bytes, so that the file
holds exactly the bytes that were signed. Decides nothing about truth.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from consensus.encoding import Principal, Value, encode
from consensus.model import Rejected
from oracle.audit.document import BundleReason, Fieldset, seal, to_base64, unseal
from oracle.audit.merkle import PATH_MAX, Proof, double_sha256
from oracle.audit.meters import FORMATS, RECORD_BYTES_MAX, parse_batch
from oracle.audit.parts import (
    BundleParts,
    ChainPart,
    EpochPart,
    ObservationPart,
    SignedPart,
    SinceZonePart,
    ZonePart,
)
from oracle.audit.values import (
    BLS_SIGNATURE_BYTES,
    GROUP_KEY_BYTES,
    HASH_BYTES,
    VOTE_SIGNATURE_BYTES,
    CertificateValue,
    EntryValue,
    GenesisValue,
    Malformed,
    decoded,
    read_certificate,
    read_device,
    read_entry,
    read_genesis,
    read_leaf,
    read_node_keys,
    read_zone_summary,
)
from oracle.model import Device, Leaf, Record, WindowSummary, ZoneSummary

BUNDLE_BYTES_MAX: Final = 256 << 20
"""A window of a quarter of a million leaves."""


# The same as `parts`, typed. Hashes are of the bytes as they stood in the file.


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry, what certifies it, and its threshold signature (b"" for none)."""

    entry: EntryValue
    certificate: CertificateValue
    bls: bytes


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """A committee as the file claims it."""

    number: int
    node_keys: tuple[bytes, ...]
    group_key: bytes
    activation: SignedEntry | None


@dataclass(frozen=True, slots=True)
class HashedLeaf:
    """A leaf and its tree hash."""

    leaf: Leaf
    hash: bytes


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone summary, its tree hash, and all its leaves."""

    summary: ZoneSummary
    hash: bytes
    leaves: tuple[HashedLeaf, ...]


@dataclass(frozen=True, slots=True)
class ProvenDevice:
    """A device, its tree hash and its proof, not yet checked."""

    device: Device
    hash: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class SinceZone:
    """A zone of an earlier window, with some of its leaves; proofs not yet checked."""

    summary: ZoneSummary
    hash: bytes
    proof: Proof
    leaves: tuple[tuple[HashedLeaf, Proof], ...]


@dataclass(frozen=True, slots=True)
class SinceWindow:
    """An earlier window that leaves refer to."""

    signed: SignedEntry
    zones: tuple[SinceZone, ...]


@dataclass(frozen=True, slots=True)
class RestatedWindow:
    """The revision before a restatement, with all its leaves."""

    signed: SignedEntry
    zones: tuple[Zone, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that could be read. Nothing in it is verified yet."""

    genesis: GenesisValue
    epochs: tuple[EpochRecord, ...]
    signed: SignedEntry
    previous: SignedEntry | None
    zones: tuple[Zone, ...]
    devices: tuple[ProvenDevice, ...]
    records: tuple[Record, ...]
    observations: tuple[ObservationPart, ...]
    since: tuple[SinceWindow, ...]
    chain: ChainPart | None
    attachment: bytes
    restated: RestatedWindow | None = None


def build(parts: BundleParts) -> bytes:
    """Write the file. The parts are taken as they are: an exporter's mistake fails at `parse`."""
    content = _content(parts)
    if parts.restated is not None:
        zones = [_zone(zone) for zone in parts.restated.zones]
        content["restated"] = {"signed": signed_content(parts.restated.signed), "zones": zones}
    return seal(content)


def parse(data: bytes, bytes_max: int = BUNDLE_BYTES_MAX) -> Bundle | Rejected:
    """Read the file strictly: what is left unread, or not canonical, is refused."""
    content = unseal(data, bytes_max)
    if isinstance(content, Rejected):
        return content
    try:
        return _read_bundle(Fieldset(content, "the bundle"))
    except Malformed as cause:
        return Rejected(BundleReason.MALFORMED, str(cause))


def _content(parts: BundleParts) -> dict[str, Any]:
    return {
        "attachment": to_base64(parts.attachment),
        "batches": _batch_listing(parts.records),
        "chain": _chain(parts.chain),
        "devices": [{"device": one.device.hex(), "proof": proof_content(one.proof)} for one in parts.devices],
        "epochs": [epoch_content(epoch) for epoch in parts.epochs],
        "genesis": parts.genesis.hex(),
        "observations": [
            {"payload": one.payload.hex(), "signature": one.signature.hex()} for one in parts.observations
        ],
        "previous": signed_content(parts.previous),
        "records": [
            {"data": to_base64(record.data), "format": record.format, "source": record.source}
            for record in parts.records
        ],
        "signed": signed_content(parts.signed),
        "since": [
            {"signed": signed_content(window.signed), "zones": [_since_zone(zone) for zone in window.zones]}
            for window in parts.since
        ],
        "zones": [_zone(zone) for zone in parts.zones],
    }


def _zone(zone: ZonePart) -> dict[str, Any]:
    return {"leaves": [leaf.hex() for leaf in zone.leaves], "summary": zone.summary.hex()}


def epoch_content(epoch: EpochPart) -> dict[str, Any]:
    """A committee as it stands in a file."""
    return {
        "activation": signed_content(epoch.activation),
        "group-key": epoch.group_key.hex(),
        "node-keys": [key.hex() for key in epoch.node_keys],
        "number": epoch.number,
    }


def signed_content(part: SignedPart | None) -> dict[str, str] | None:
    """A signed entry as it stands in a file."""
    if part is None:
        return None
    return {"bls": part.bls.hex(), "certificate": part.certificate.hex(), "entry": part.entry.hex()}


def _chain(part: ChainPart | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {
        "attestation": part.attestation.hex(),
        "block-height": part.block_height,
        "contract": encode(part.contract).hex(),
        "transaction": part.transaction.hex(),
        "txid": part.txid.hex(),
    }


def _since_zone(zone: SinceZonePart) -> dict[str, Any]:
    return {
        "leaves": [{"leaf": leaf.hex(), "proof": proof_content(proof)} for leaf, proof in zone.leaves],
        "proof": proof_content(zone.proof),
        "summary": zone.summary.hex(),
    }


def proof_content(proof: Proof) -> dict[str, Any]:
    """A Merkle proof as it stands in a file."""
    return {"count": proof.count, "index": proof.index, "path": [node.hex() for node in proof.path]}


def _batch_listing(records: tuple[Record, ...]) -> list[dict[str, Any]]:
    """What is inside the gateway batches, for readers; always made from the batches themselves."""
    listing: list[dict[str, Any]] = []
    for record in records:
        if record.format != "batch":
            continue
        try:
            batch = parse_batch(record.data)
        except Malformed:
            continue  # the `records` step says what is wrong with it
        listing.append(
            {
                "gateway": batch.gateway,
                "items": [
                    {
                        "format": item.format,
                        "sha256": hashlib.sha256(item.data).hexdigest(),
                        "time-s": item.time_s,
                        "usage-point": item.usage_point,
                    }
                    for item in batch.items
                ],
                "record": record.hash.hex(),
                "sequence": batch.sequence,
            }
        )
    return listing


def _read_bundle(item: Fieldset) -> Bundle:
    records = item.each("records", _read_record)
    bundle = Bundle(
        genesis=read_genesis(item.hex("genesis")),
        epochs=item.each("epochs", read_epoch),
        signed=item.one("signed", read_signed),
        previous=item.optional("previous", read_signed),
        zones=item.each("zones", _read_zone),
        devices=item.each("devices", read_proven_device),
        records=records,
        observations=item.each("observations", _read_observation),
        since=item.each("since", _read_since),
        chain=item.optional("chain", _read_chain),
        attachment=item.base64("attachment"),
        restated=item.maybe("restated", _read_restated),
    )
    if item.any("batches") != _batch_listing(records):
        raise Malformed("`batches` does not list what the batches hold")
    item.end()
    _only_what_belongs(bundle)
    return bundle


def _read_restated(item: Fieldset) -> RestatedWindow:
    return RestatedWindow(item.one("signed", read_signed), item.each("zones", _read_zone))


def _only_what_belongs(bundle: Bundle) -> None:
    """Nothing may ride along unjudged: each kind of entry has its own parts."""
    kind = bundle.signed.entry.kind
    window_parts = (bundle.zones, bundle.records, bundle.observations, bundle.since)
    body = bundle.signed.entry.body
    restates = isinstance(body, WindowSummary) and body.revision > 0
    if bundle.restated is not None and not restates:
        raise Malformed("only a further revision of a window restates another entry")
    if kind != "window" and any(window_parts):
        raise Malformed(f"a `{kind}` entry has no zones, records, observations or earlier windows")
    if kind not in ("window", "registry") and bundle.devices:
        raise Malformed(f"a `{kind}` entry has no devices")
    if kind in ("window", "void", "registry") and bundle.attachment:
        raise Malformed(f"a `{kind}` entry has no attachment")
    if kind not in ("window", "void") and bundle.chain is not None:
        raise Malformed(f"a `{kind}` entry is not submitted to the oracle contract")


def read_signed(item: Fieldset) -> SignedEntry:
    """An entry with what certifies it. Raises Malformed."""
    return SignedEntry(
        read_entry(item.hex("entry")),
        read_certificate(item.hex("certificate")),
        item.hex("bls", 0, BLS_SIGNATURE_BYTES),
    )


def read_epoch(item: Fieldset) -> EpochRecord:
    """A committee. Raises Malformed."""
    return EpochRecord(
        item.integer("number"),
        read_node_keys(item.hexes("node-keys")),
        item.hex("group-key", 0, GROUP_KEY_BYTES),
        item.optional("activation", read_signed),
    )


def _read_zone(item: Fieldset) -> Zone:
    summary = item.hex("summary")
    return Zone(
        read_zone_summary(summary), double_sha256(summary), tuple(map(_hashed_leaf, item.hexes("leaves")))
    )


def _hashed_leaf(data: bytes) -> HashedLeaf:
    return HashedLeaf(read_leaf(data), double_sha256(data))


def read_proven_device(item: Fieldset) -> ProvenDevice:
    """A device with its proof. Raises Malformed."""
    data = item.hex("device")
    return ProvenDevice(read_device(data), double_sha256(data), item.one("proof", read_proof))


def read_proof(item: Fieldset) -> Proof:
    """A Merkle proof. Raises Malformed."""
    path = item.hexes("path", HASH_BYTES)
    if len(path) > PATH_MAX:
        raise Malformed(f"a path has at most {PATH_MAX} nodes")
    return Proof(item.integer("index"), item.integer("count"), path)


def _read_record(item: Fieldset) -> Record:
    record = Record(item.text("format"), item.integer("source"), item.base64("data"))
    if record.format not in FORMATS or len(record.data) > RECORD_BYTES_MAX:
        raise Malformed("a record of an unknown format, or too long")
    return record


def _read_observation(item: Fieldset) -> ObservationPart:
    return ObservationPart(item.hex("payload"), item.hex("signature", VOTE_SIGNATURE_BYTES))


def _read_since(item: Fieldset) -> SinceWindow:
    return SinceWindow(item.one("signed", read_signed), item.each("zones", _read_since_zone))


def _read_since_zone(item: Fieldset) -> SinceZone:
    summary = item.hex("summary")
    return SinceZone(
        read_zone_summary(summary),
        double_sha256(summary),
        item.one("proof", read_proof),
        item.each("leaves", read_proven_leaf),
    )


def read_proven_leaf(item: Fieldset) -> tuple[HashedLeaf, Proof]:
    """A leaf with its proof. Raises Malformed."""
    return _hashed_leaf(item.hex("leaf")), item.one("proof", read_proof)


def _read_chain(item: Fieldset) -> ChainPart:
    contract: Value = decoded(item.hex("contract"))
    if not isinstance(contract, Principal):
        raise Malformed("`contract` is not a principal")
    return ChainPart(
        contract,
        item.hex("txid", HASH_BYTES),
        item.hex("transaction"),
        item.integer("block-height"),
        item.hex("attestation"),
    )

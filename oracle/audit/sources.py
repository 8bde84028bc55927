"""The steps about where a leaf comes from: its record, the meter's signature, the observers.

A leaf names its closing record by hash (R1). The auditor reads that record again with
parsers of its own; the registers must be the leaf's, the time must be the window's, and
whoever is said to have signed must have. What a record cannot show is named as a gap.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from oracle.audit.case import Case, concluded, short
from oracle.audit.curves import is_low_s
from oracle.audit.meters import (
    Batch,
    BatchItem,
    OcmfRecord,
    Sample,
    parse_batch,
    parse_dsmr,
    parse_ocmf,
    parse_register,
    raw_signature,
)
from oracle.audit.parts import ObservationPart
from oracle.audit.values import Fields, Malformed, decoded, quorum_of
from oracle.audit.verdict import Step
from oracle.model import QUALITY_CLASS, Assurance, Curve, Device, DeviceKind, Leaf, Quality, Record

NO_RECORD: Final = bytes(32)
OBSERVATION_BYTES_MAX: Final = 64 << 20
_PERMITTED: Final = {
    "ocmf": frozenset({Assurance.METER_SIGNED}),
    "dsmr": frozenset({Assurance.WITNESSED}),
    "json": frozenset({Assurance.WITNESSED}),
}
_PERMITTED_IN_BATCH: Final = {
    "ocmf": frozenset({Assurance.METER_SIGNED}),
    "dsmr": frozenset({Assurance.GATEWAY_SIGNED}),
    "register": frozenset({Assurance.GATEWAY_SIGNED}),
}


@dataclass(frozen=True, slots=True)
class Closing:
    """What a record says for one leaf: registers, and the time it stands at.

    `stamped` is true where only the gateway's clock places it; `ocmf` is what the meter
    signed, if it did; `batch` the gateway's batch it came in, if it did.
    """

    sample: Sample
    time_s: int
    stamped: bool
    format: str
    ocmf: OcmfRecord | None = None
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The records of a bundle, parsed once."""

    records: Mapping[bytes, Record]
    batches: Mapping[bytes, Batch]
    items: Mapping[tuple[bytes, int], tuple[BatchItem, ...]]
    broken: tuple[str, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Sources:
        """Parse the batches and index everything by record hash."""
        by_hash: dict[bytes, Record] = {}
        batches: dict[bytes, Batch] = {}
        items: dict[tuple[bytes, int], list[BatchItem]] = {}
        broken: list[str] = []
        for record in records:
            if record.hash in by_hash:
                broken.append(f"record {short(record.hash)} stands twice in the file")
            by_hash[record.hash] = record
            if record.format != "batch":
                continue
            try:
                batch = parse_batch(record.data)
            except Malformed as cause:
                broken.append(f"batch {short(record.hash)}: {cause}")
                continue
            batches[record.hash] = batch
            for item in batch.items:
                items.setdefault((record.hash, item.usage_point), []).append(item)
        return cls(by_hash, batches, {key: tuple(found) for key, found in items.items()}, tuple(broken))


def records_step(case: Case, sources: Sources) -> Step:
    """Every leaf's registers are those of the record it names, read in its window."""
    kinds = Counter(record.format for record in case.bundle.records)
    sentence = f"{sum(kinds.values())} records give the leaves' registers" + (
        f" ({', '.join(f'{count} {name}' for name, count in sorted(kinds.items()))})" if kinds else ""
    )
    return concluded("records", _record_faults(case, sources), sentence, tuple(_record_gaps(case, sources)))


def meter_signatures_step(case: Case, sources: Sources) -> Step:
    """What is said to be signed by a meter or a gateway is."""
    kinds = Counter(item.leaf.assurance for item in case.leaves)
    sentence = (
        f"{kinds[Assurance.METER_SIGNED]} leaves are signed by their meters, "
        f"{kinds[Assurance.GATEWAY_SIGNED]} by their gateways"
    )
    return concluded("meter-signatures", _signature_faults(case, sources), sentence)


def observations_step(case: Case) -> Step:
    """Every witnessed leaf is the lower median of what a quorum signed as seen (R4)."""
    count = sum(1 for item in case.leaves if item.leaf.assurance == Assurance.WITNESSED)
    sentence = f"{count} witnessed leaves are medians of a quorum" if count else "no leaf is witnessed"
    return concluded("observations", _observation_faults(case), sentence)


def closing_of(case: Case, sources: Sources, leaf: Leaf) -> Closing | str:
    """What the leaf's record says for it, or what is wrong; sources must hold the record."""
    record = sources.records[leaf.record]
    if record.format == "batch":
        return _closing_in_batch(case, sources, leaf, record)
    if record.source != leaf.usage_point:
        return f"its record was written by device {record.source}"
    if record.format == "json":
        return "its record is JSON, which nobody signs"
    try:
        if record.format == "ocmf":
            ocmf = parse_ocmf(record.data)
            return _bare(case, ocmf.sample, record.format, ocmf)
        return _bare(case, parse_dsmr(record.data, case.expected.p1_offset_s), record.format, None)
    except Malformed as cause:
        return f"its record cannot be read: {cause}"


def _bare(case: Case, sample: Sample, format_: str, ocmf: OcmfRecord | None) -> Closing | str:
    if sample.time_s is None:
        return "its record's clock is unset, and no gateway vouches for the time"  # clock-unset
    if not case.closes(sample.time_s):
        return "its record was not read at the end of the window"
    return Closing(sample, sample.time_s, stamped=False, format=format_, ocmf=ocmf)


def _closing_in_batch(case: Case, sources: Sources, leaf: Leaf, record: Record) -> Closing | str:
    batch = sources.batches.get(leaf.record)
    if batch is None:
        return "its batch cannot be read"
    if record.source != batch.gateway:
        return f"its batch is by gateway {batch.gateway}, not by device {record.source}"
    found: list[Closing] = []
    for item in sources.items.get((leaf.record, leaf.usage_point), ()):
        try:
            found += _placed(case, item, batch)
        except Malformed:
            continue  # one meter's bad item does not silence the others
    if not found:
        return "its batch holds nothing of it that closes the window"
    return max(found, key=lambda closing: (closing.time_s, not closing.stamped))  # R2: latest first


def _placed(case: Case, item: BatchItem, batch: Batch) -> Iterator[Closing]:
    """An item stands at its meter's own time, or, without one, where the gateway's clock puts it."""
    ocmf: OcmfRecord | None = None
    if item.format == "register":
        sample = Sample(item.time_s, *parse_register(item.data))
    elif item.format == "ocmf":
        ocmf = parse_ocmf(item.data)
        sample = ocmf.sample
    elif item.format == "dsmr":
        sample = parse_dsmr(item.data, case.expected.p1_offset_s)
    else:
        raise Malformed(f"no batch item is of format `{item.format}`")
    own_s = sample.time_s
    if own_s is not None and case.closes(own_s):
        yield Closing(sample, own_s, stamped=False, format=item.format, ocmf=ocmf, batch=batch)
    # A telegram's clock is not signed, so it may be a replay; a meter's signed time stands.
    elif (own_s is None or item.format == "dsmr") and case.closes(item.time_s):
        yield Closing(sample, item.time_s, stamped=True, format=item.format, ocmf=ocmf, batch=batch)


def _record_faults(case: Case, sources: Sources) -> Iterator[str]:
    yield from sources.broken
    named = {item.leaf.record for item in case.leaves}
    for record in case.bundle.records:
        if record.hash not in named:
            yield f"record {short(record.hash)} is named by no leaf"
    for item in case.leaves:
        fault = _leaf_fault(case, sources, item.leaf)
        if fault is not None:
            yield f"usage point {item.leaf.usage_point}: {fault}"


def _leaf_fault(case: Case, sources: Sources, leaf: Leaf) -> str | None:
    if _is_estimate_without_record(leaf):
        return None
    if leaf.record not in sources.records:
        return f"record {short(leaf.record)} is not in the file"
    record = sources.records[leaf.record]
    if record.format == "json" and (
        record.source != leaf.usage_point or leaf.assurance not in _PERMITTED["json"]
    ):
        return "its JSON record is another meter's, or gives no such assurance"
    if not _reads_registers(leaf, record):
        return None  # a gap, named as such
    closing = closing_of(case, sources, leaf)
    if isinstance(closing, str):
        return closing
    permitted = _PERMITTED_IN_BATCH if closing.batch else _PERMITTED
    if leaf.assurance not in permitted[closing.format]:
        return f"a record of this kind does not give assurance {leaf.assurance}"
    if closing.stamped and leaf.quality != Quality.QUESTIONABLE:
        return "only its gateway says when it was read, so its quality is questionable"
    if not closing.sample.sound and QUALITY_CLASS[leaf.quality] == "validated":
        return "the meter itself casts doubt on the value, so it is not validated"
    if not (_registers_match(case, leaf, closing.sample) or _exchanged(case, leaf, closing)):
        return "its registers are not those of its record"
    return None


def _registers_match(case: Case, leaf: Leaf, sample: Sample) -> bool:
    """A register the meter does not have stands where it was attested, or at zero."""
    earlier = case.earlier(leaf)
    absent = (earlier.import_register_wh, earlier.export_register_wh) if earlier else (0, 0)
    expected = (
        absent[0] if sample.import_wh is None else sample.import_wh,
        absent[1] if sample.export_wh is None else sample.export_wh,
    )
    return expected == (leaf.import_register_wh, leaf.export_register_wh)


def _exchanged(case: Case, leaf: Leaf, closing: Closing) -> bool:
    """Whether a telegram fits with import and export exchanged, as some inverters send it."""
    sample = closing.sample
    turned = Sample(sample.time_s, sample.export_wh, sample.import_wh)
    return closing.format == "dsmr" and _registers_match(case, leaf, turned)


def _record_gaps(case: Case, sources: Sources) -> Iterator[str]:
    found = Counter[str]()
    for item in case.leaves:
        record = sources.records.get(item.leaf.record)
        if _is_estimate_without_record(item.leaf):
            found["estimate(s) without a record"] += 1
        elif record is None:
            continue
        elif record.format == "json":
            found["JSON record(s): which field is a register is the operators' own setting"] += 1
        elif not _reads_registers(item.leaf, record):
            found["estimate(s): the registers are not the record's"] += 1
        else:
            closing = closing_of(case, sources, item.leaf)
            if not isinstance(closing, str) and not _registers_match(case, item.leaf, closing.sample):
                found["telegram(s) fit only with import and export exchanged, as operators may set"] += 1
    yield from (f"{count} {what}" for what, count in sorted(found.items()))


def _is_estimate_without_record(leaf: Leaf) -> bool:
    return leaf.record == NO_RECORD and QUALITY_CLASS.get(leaf.quality) == "estimated"


def _reads_registers(leaf: Leaf, record: Record) -> bool:
    """Whether this auditor can read the leaf's registers out of the record."""
    return record.format != "json" and QUALITY_CLASS.get(leaf.quality) != "estimated"


def _signature_faults(case: Case, sources: Sources) -> Iterator[str]:
    good_batches: set[bytes] = set()
    for item in case.leaves:
        leaf = item.leaf
        name = f"usage point {leaf.usage_point}"
        proven = case.devices.get(leaf.usage_point)
        if _is_estimate_without_record(leaf) or proven is None:
            continue  # no record to be signed; no device is the registry's fault
        if leaf.assurance != Assurance.METER_SIGNED and proven.device.curve is not Curve.NONE:
            yield f"{name}: its meter has a key, and is not believed without it"
        if leaf.assurance == Assurance.WITNESSED:
            continue
        if leaf.record not in sources.records:
            yield f"{name}: its record is not in the file"
            continue
        batch = sources.batches.get(leaf.record)
        if batch is not None and leaf.record not in good_batches:
            fault = batch_fault(case, batch)
            if fault is not None:
                yield f"{name}: {fault}"
            good_batches.add(leaf.record)
        if leaf.assurance == Assurance.GATEWAY_SIGNED and batch is None:
            yield f"{name}: no gateway signed its record"
        if leaf.assurance == Assurance.METER_SIGNED:
            closing = closing_of(case, sources, leaf)
            if isinstance(closing, str) or closing.ocmf is None:
                yield f"{name}: its record holds nothing that a meter signed"
            elif not meter_signed(case, closing.ocmf, proven.device):
                yield f"{name}: the signature is not by its meter's key"


def batch_fault(case: Case, batch: Batch) -> str | None:
    """None if the registered gateway signed the batch; else what is wrong."""
    proven = case.devices.get(batch.gateway)
    if proven is None or proven.device.kind is not DeviceKind.GATEWAY:
        return f"device {batch.gateway} is no gateway in the registry"
    if proven.device.curve is not Curve.SECP256R1:
        return f"gateway {batch.gateway} has no P-256 key"
    if not case.backend.verify_secp256r1(batch.digest, batch.signature, proven.device.key):
        return f"the signature on its batch is not by gateway {batch.gateway}"
    return None


def meter_signed(case: Case, record: OcmfRecord, device: Device) -> bool:
    """Whether the registered key of the meter signed the record."""
    if record.curve is not device.curve:
        return False
    if device.curve is Curve.ED25519:
        return case.backend.verify_ed25519(record.payload, record.signature, device.key)
    signature = raw_signature(record.signature)
    if signature is None:
        return False
    digest = hashlib.sha256(record.payload).digest()
    if device.curve is Curve.SECP256R1:
        return case.backend.verify_secp256r1(digest, signature, device.key)
    return case.backend.verify_secp256k1(digest, signature, device.key)


@dataclass(frozen=True, slots=True, order=True)
class _Row:
    """One operator's row, ordered as the median wants it; a register it lacks is -1."""

    import_wh: int
    export_wh: int
    record: bytes
    time_s: int
    sequence: int


def _observation_faults(case: Case) -> Iterator[str]:
    rows: dict[int, list[_Row]] = {}
    observers: set[int] = set()
    for part in case.bundle.observations:
        try:
            slot, seen = _open_observation(case, part)
        except Malformed as cause:
            yield f"an observation: {cause}"
            continue
        if slot in observers:
            yield f"member {slot} observed twice"
        observers.add(slot)
        for usage_point, row in seen.items():
            if case.closes(row.time_s) and max(row.import_wh, row.export_wh) >= 0:
                rows.setdefault(usage_point, []).append(row)
    needed = quorum_of(
        case.committees.get(case.bundle.signed.certificate.epoch, case.bundle.genesis.node_keys)
    )
    for item in case.leaves:
        if item.leaf.assurance != Assurance.WITNESSED:
            continue
        seen_rows = sorted(rows.get(item.leaf.usage_point, ()))
        name = f"usage point {item.leaf.usage_point}"
        if len(seen_rows) < needed:
            yield f"{name}: {len(seen_rows)} members observed it, the quorum is {needed}"
        elif not _is_median(case, item.leaf, seen_rows[(len(seen_rows) - 1) // 2]):
            yield f"{name}: the leaf is not the lower median of what was observed"


def _is_median(case: Case, leaf: Leaf, row: _Row) -> bool:
    sample = Sample(
        row.time_s,
        None if row.import_wh < 0 else row.import_wh,
        None if row.export_wh < 0 else row.export_wh,
    )
    return leaf.record == row.record and _registers_match(case, leaf, sample)


def _open_observation(case: Case, part: ObservationPart) -> tuple[int, dict[int, _Row]]:
    """The member's slot and its rows by usage point. Raises Malformed."""
    certificate = case.bundle.signed.certificate
    keys = case.committees.get(certificate.epoch, ())
    fields = Fields(decoded(part.payload, OBSERVATION_BYTES_MAX))
    if fields.text("topic") != "observations" or fields.buff("network") != case.bundle.genesis.network:
        raise Malformed("not an observation of this network")
    if fields.uint("epoch") != certificate.epoch or fields.uint("window") != case.summary.window:
        raise Malformed("of another epoch or window")
    listed = fields.list("rows")
    fields.end()
    key = case.backend.recover_secp256k1(hashlib.sha256(part.payload).digest(), part.signature)
    if not is_low_s(part.signature) or key is None or key not in keys:
        raise Malformed("not signed by a member")
    rows: dict[int, _Row] = {}
    for value in listed:
        row = Fields(value)
        usage_point = row.uint("usage-point")
        if usage_point in rows:
            raise Malformed(f"two rows for usage point {usage_point}")
        rows[usage_point] = _Row(
            row.register("import-register"),
            row.register("export-register"),
            row.buff("record"),
            row.uint("time-s"),
            row.uint("sequence"),
        )
        row.end()
    return keys.index(key), rows

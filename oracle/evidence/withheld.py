"""A record that was withheld (E4): the receipt, the record, and that no leaf is there.

For a bonded challenge (E5), not for a contract: members of the committee judge the file, and
what it cannot show. A receipt is a member's word, before the window's end, that the record is
durable with it; the same member signed the window; the meter has no leaf in it.
"""

from __future__ import annotations

import hashlib

from consensus.encoding import EncodingError, decode
from consensus.model import InvariantBroken
from oracle.audit.curves import is_low_s
from oracle.audit.merkle import proves
from oracle.audit.meters import parse_batch, parse_ocmf, parse_register
from oracle.audit.sources import batch_fault, meter_signed
from oracle.audit.values import Fields, Malformed
from oracle.evidence.contents import RECEIPT_BYTES_MAX, WithheldContent
from oracle.evidence.file import EvidenceReason, Faulty
from oracle.evidence.trial import Trial, proven_leaf, proven_zone, window_of
from oracle.model import Curve, Device, DeviceKind, WindowSummary


def take_receipt(trial: Trial) -> str:
    """A signer of the window had the record, and said so before the window's end."""
    content, summary = _content(trial), _summary(trial)
    try:
        fields = Fields(decode(content.receipt.payload, bytes_max=RECEIPT_BYTES_MAX))
        topic, network = fields.text("topic"), fields.buff("network")
        epoch, time_s, records = fields.uint("epoch"), fields.uint("time-s"), fields.list("records")
        fields.end()
    except (EncodingError, Malformed) as cause:
        raise Faulty(EvidenceReason.MALFORMED, f"the receipt: {cause}") from cause
    if topic != "receipt" or network != trial.evidence.network:
        raise Faulty(EvidenceReason.WRONG_NETWORK, "the receipt is none of this network")
    if hashlib.sha256(content.record.data).digest() not in records:
        raise Faulty(EvidenceReason.OTHER_RECORD, "the receipt is for other records")
    if time_s > summary.window + trial.evidence.genesis.window_s:
        raise Faulty(EvidenceReason.NOT_WITHHELD, "the receipt was signed after the window's end")
    keys, signature = trial.committees.get(epoch, ()), content.receipt.signature
    digest = hashlib.sha256(content.receipt.payload).digest()
    key = trial.backend.recover_secp256k1(digest, signature) if is_low_s(signature) else None
    if key is None or key not in keys:
        raise Faulty(EvidenceReason.NOT_A_MEMBER, "the receipt is signed by no member")
    if key not in trial.accused:
        raise Faulty(EvidenceReason.NOT_WITHHELD, "who signed the receipt did not sign the window")
    trial.accused = (key,)
    return (
        f"a signer of the window had the record {summary.window + _window_s(trial) - time_s} s before its end"
    )


def take_reading(trial: Trial) -> str:
    """The record is signed by registered devices, and reads the meter in the window."""
    content, summary = _content(trial), _summary(trial)
    meter = _device(trial, DeviceKind.METER)
    if meter.zone != content.zone.summary.zone:
        raise Faulty(EvidenceReason.NOT_PROVEN, "the meter is registered in another zone")
    try:
        if content.record.format == "batch":
            times = _times_in_batch(trial, meter)
        else:
            record = parse_ocmf(content.record.data)
            if not meter_signed(trial.case, record, meter):
                raise Faulty(EvidenceReason.NOT_SIGNED, "the record is not signed by its meter's key")
            times = [] if record.sample.time_s is None else [record.sample.time_s]
    except Malformed as cause:
        raise Faulty(EvidenceReason.UNSUPPORTED, str(cause)) from cause
    if not any(summary.window < time_s <= summary.window + _window_s(trial) for time_s in times):
        raise Faulty(EvidenceReason.NOT_WITHHELD, "the record does not read the meter in this window")
    trial.gaps = (
        "how close to its end a closing register is read, and the physical bounds, are the members' settings",
    )
    return f"the record reads meter {meter.device} in window {summary.window}"


def take_absence(trial: Trial) -> str:
    """The leaves beside its place show that the meter has none (R6: leaves are sorted)."""
    content, summary = _content(trial), _summary(trial)
    proven_zone(summary, content.zone)
    point, count = _device(trial, DeviceKind.METER).device, content.zone.summary.leaf_count
    for leaf in content.neighbours:
        proven_leaf(content.zone, leaf)
    places = [(leaf.proof.index, int(leaf.leaf.usage_point)) for leaf in content.neighbours]
    match places:
        case [(left, before), (right, after)]:
            absent = right == left + 1 and before < point < after
        case [(only, other)]:
            absent = (only == 0 and point < other) or (only == count - 1 and other < point)
        case _:
            absent = False
    if not absent:
        raise Faulty(EvidenceReason.NOT_WITHHELD, "the neighbours do not show that no leaf is there")
    return f"zone {content.zone.summary.zone} has no leaf of usage point {point}"


def _times_in_batch(trial: Trial, meter: Device) -> list[int]:
    batch = parse_batch(_content(trial).record.data)
    _device(trial, DeviceKind.GATEWAY)
    fault = batch_fault(trial.case, batch)
    if fault is not None:
        raise Faulty(EvidenceReason.NOT_SIGNED, fault)
    if meter.curve is not Curve.NONE:
        raise Faulty(EvidenceReason.UNSUPPORTED, "a meter with a key signs for itself")
    times = []
    for item in batch.items:
        if item.usage_point == meter.device and item.format == "register":
            parse_register(item.data)
            times.append(item.time_s)
    return times


def _device(trial: Trial, kind: DeviceKind) -> Device:
    """The one device of that kind, proven in the window's registry. Raises Faulty."""
    found = [one for one in _content(trial).devices if one.device.kind is kind]
    if len(found) != 1:
        raise Faulty(EvidenceReason.NOT_PROVEN, f"the file has not one {kind.name.lower()}")
    if not proves(found[0].hash, found[0].proof, _summary(trial).registry):
        raise Faulty(EvidenceReason.NOT_PROVEN, f"device {found[0].device.device} is not in the registry")
    return found[0].device


def _content(trial: Trial) -> WithheldContent:
    content = trial.evidence.content
    if not isinstance(content, WithheldContent):
        raise InvariantBroken("the steps of a kind are taken on evidence of that kind")
    return content


def _summary(trial: Trial) -> WindowSummary:
    return window_of(_content(trial).signed)


def _window_s(trial: Trial) -> int:
    return trial.evidence.genesis.window_s

"""Why a record, or one item of a batch, is refused: names that are counted, logged and documented.

Decides nothing. Each reason carries a line that tells an operator what to do;
docs/reasons.md is made from `RecordReason.advice`.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Self


@unique
class RecordReason(Enum):
    """A reason's value is its name in metrics; `advice` is its line in docs/reasons.md."""

    advice: str

    def __new__(cls, name: str, advice: str = "") -> Self:
        """Keep the name as the value, so that `RecordReason("stale")` finds its member."""
        member = object.__new__(cls)
        member._value_ = name
        member.advice = advice
        return member

    # The bytes
    FORMAT_UNKNOWN = "format-unknown", "No parser has this name: correct the format in the feed or the batch."
    BAD_SYNTAX = "bad-syntax", "Not what the format says: capture one record, look at its sender."
    TOO_LONG = "too-long", "Longer than the format allows: something else writes to this feed."
    TOO_MANY_ITEMS = "too-many-items", "A list is longer than its limit: let the sender split it."
    NESTED_TOO_DEEP = "nested-too-deep", "Nested beyond any real payload: find the sender."
    DUPLICATE_KEY = "duplicate-key", "A field stands twice, so it means two things: fix the sender."
    DUPLICATE_ITEM = "duplicate-item", "A batch names one usage point and time twice: fix the gateway."
    EMPTY = "empty", "The record holds no reading: look at the sender."
    WRONG_CRC = "wrong-crc", "The telegram was damaged on its way: check the P1 cable and the bridge."
    CRC_MISSING = "crc-missing", "This version of P1 has a checksum: let the bridge pass it on."

    # Whose it is
    UNKNOWN_DEVICE = "unknown-device", "Neither roster nor registry holds the device: enrol it or silence it."
    DEVICE_NOT_VERIFIED = (
        "device-not-verified",
        "Not in the network's registry, or the roster lacks it: have it verified, or add its roster entry.",
    )
    WRONG_KIND = "wrong-kind", "A gateway spoke as a meter or the reverse: correct the device id in the feed."
    WRONG_FORMAT = "wrong-format", "The roster expects another format of this device: correct one of the two."
    METER_IDENTITY = (
        "meter-identity",
        "The serial number is not the registered one: the meter was exchanged, or the roster is wrong.",
    )
    NOT_ITS_GATEWAY = "not-its-gateway", "Neither roster nor zone lets this gateway speak for the meter."

    # Its signature
    KEY_MISSING = "key-missing", "A signed format from a device registered without a key: register its key."
    SIGNATURE_MISSING = "signature-missing", "A device with a key sent something unsigned: find out who did."
    SIGNATURE_MALFORMED = "signature-malformed", "Not encoded as the format says: look at the sender."
    CURVE_MISMATCH = "curve-mismatch", "Not the registered key's curve: register the right key."
    CURVE_UNSUPPORTED_SECP192K1 = (
        "curve-unsupported-secp192k1",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_SECP192R1 = (
        "curve-unsupported-secp192r1",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_SECP384R1 = (
        "curve-unsupported-secp384r1",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_SECP521R1 = (
        "curve-unsupported-secp521r1",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_BRAINPOOL256 = (
        "curve-unsupported-brainpool256",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_BRAINPOOL384 = (
        "curve-unsupported-brainpool384",
        "No contract checks this curve: use a gateway.",
    )
    CURVE_UNSUPPORTED_OTHER = (
        "curve-unsupported-other",
        "The signature algorithm has no known name: use a gateway, or report the meter's model.",
    )
    BAD_SIGNATURE = "bad-signature", "The signature does not hold for the registered key: treat it as forged."

    # Its time
    CLOCK_UNSET = "clock-unset", "The meter has no usable time: set its clock, or send it through a gateway."
    CLOCK_AMBIGUOUS = (
        "clock-ambiguous",
        "Local time without a zone, or in an hour that is doubled or skipped: let it send its offset.",
    )
    FUTURE = "future", "Device time is ahead of this node's: compare both with a time server."
    STALE = "stale", "Device time is older than the settlement calendar: the window is final."

    # Its values
    NEGATIVE = "negative", "A register is below zero: check the direction in the roster, then the meter."
    VALUE_TOO_LARGE = "value-too-large", "No meter reaches it: check the roster's unit, then the meter."
    NOT_A_NUMBER = "not-a-number", "A register is no plain decimal number: look at the sender."
    UNIT_UNKNOWN = "unit-unknown", "Not a unit of energy: choose another field, or set the roster's unit."
    REGISTER_MISSING = "register-missing", "No energy register: check profile and channel in the roster."
    UNAVAILABLE = "unavailable", "The source says it has no value now: look at the meter's connection."
    METER_NOT_READ = "meter-not-read", "The signing unit could not read its meter (ST): look at it."


class Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """Leaves a parser in the middle; `formats.parse` turns it into Rejected, so none gets out."""

    def __init__(self, reason: RecordReason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

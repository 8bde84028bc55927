"""Canonical bytes to typed values, strictly: what an auditor reads before judging anything.

Knows the shapes of protocol values; decides nothing about their truth. Malformed is
raised and caught inside this package: callers of it see a Rejected or a failed step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from consensus.encoding import EncodingError, Int, Principal, Some, Value, decode, encode
from consensus.model import MEMBERS_MAX, MEMBERS_MIN, NODE_KEY_BYTES, faults, quorum
from oracle.model import (
    Counts,
    Curve,
    Device,
    DeviceKind,
    Leaf,
    RecordHash,
    UsagePoint,
    WindowStart,
    WindowSummary,
    ZoneId,
    ZoneSummary,
)

HASH_BYTES: Final = 32
VOTE_SIGNATURE_BYTES: Final = 65
BLS_SIGNATURE_BYTES: Final = 48
GROUP_KEY_BYTES: Final = 96
ENTRY_BYTES_MAX: Final = 4096
CERTIFICATE_BYTES_MAX: Final = 8192
COMMIT_PHASE: Final = 2
CEREMONY_KINDS: Final = frozenset({"hello", "deal", "respond", "justify", "activate"})
DEVICE_KEY_BYTES: Final = {Curve.NONE: 0, Curve.SECP256R1: 33, Curve.SECP256K1: 33, Curve.ED25519: 32}


class Malformed(ValueError):  # noqa: N818 - states what the bytes are
    """The bytes are not the value they should be."""


class Fields:
    """Takes typed fields out of a tuple, and insists that none is left over."""

    __slots__ = ("_left",)

    def __init__(self, value: Value) -> None:
        if not isinstance(value, Mapping):
            raise Malformed("not a tuple")
        self._left = dict(value)

    def any(self, name: str) -> Value:
        """Whatever stands there."""
        if name not in self._left:
            raise Malformed(f"`{name}` is missing")
        return self._left.pop(name)

    def uint(self, name: str) -> int:
        """An unsigned integer."""
        value = self.any(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed(f"`{name}` is not a uint")
        return value

    def buff(self, name: str, size: int | None = HASH_BYTES) -> bytes:
        """A buffer of `size` bytes, or of any size for None."""
        value = self.any(name)
        if not isinstance(value, bytes) or (size is not None and len(value) != size):
            raise Malformed(f"`{name}` is not a buffer of {size if size is not None else 'any'} bytes")
        return value

    def register(self, name: str) -> int:
        """A register in Wh as a uint or an optional uint; -1 for one the meter lacks."""
        match self.any(name):
            case None | Int(-1):
                return -1
            case bool():
                raise Malformed(f"`{name}` is not a register")
            case int(value) | Some(int(value)):
                return value
            case _:
                raise Malformed(f"`{name}` is not a register")

    def text(self, name: str) -> str:
        """A string-ascii."""
        value = self.any(name)
        if not isinstance(value, str):
            raise Malformed(f"`{name}` is not an ASCII string")
        return value

    def list(self, name: str) -> tuple[Value, ...]:
        """A list."""
        value = self.any(name)
        if not isinstance(value, tuple):
            raise Malformed(f"`{name}` is not a list")
        return value

    def end(self) -> None:
        """Raise Malformed if a field was not taken."""
        if self._left:
            raise Malformed(f"unknown fields: {', '.join(sorted(self._left))}")


def decoded(data: bytes, bytes_max: int = ENTRY_BYTES_MAX) -> Value:
    """One canonical value. Raises Malformed."""
    try:
        return decode(data, bytes_max=bytes_max)
    except EncodingError as cause:
        raise Malformed(str(cause)) from cause


@dataclass(frozen=True, slots=True)
class GenesisValue:
    """What a network is: `network` is the digest of the genesis tuple (Q4)."""

    chain_id: int
    oracle: Principal
    window_s: int
    node_keys: tuple[bytes, ...]
    network: bytes


@dataclass(frozen=True, slots=True)
class CeremonyBody:
    """Body of deal, respond, justify and activate; the last three fields only of activate."""

    epoch: int
    session: bytes
    attachment: bytes
    group_key: bytes = b""
    commitments: bytes = b""
    first_window: int = 0
    committee: tuple[bytes, ...] = ()
    """Only in the hello of a resharing: the keys of the committee to come."""


@dataclass(frozen=True, slots=True)
class RegistryBody:
    """Body of a registry entry: root over the devices, their number, the chain height read."""

    registry: bytes
    device_count: int
    chain_height: int


@dataclass(frozen=True, slots=True)
class VoidBody:
    """Body of a void entry (A7): `count` windows in a row from `window` on."""

    window: int
    revision: int
    reason: int
    count: int


@dataclass(frozen=True, slots=True)
class EntryValue:
    """One entry of the log, its body typed, with the digest of the bytes it was read from."""

    network: bytes
    height: int
    previous: bytes
    kind: str
    body: WindowSummary | VoidBody | RegistryBody | CeremonyBody
    digest: bytes


@dataclass(frozen=True, slots=True)
class CertificateValue:
    """Commit votes of one round, slot-aligned, b"" where a member is absent (A6)."""

    epoch: int
    round: int
    signatures: tuple[bytes, ...]


def vote_digest(network: bytes, certificate: CertificateValue, height: int, entry_digest: bytes) -> bytes:
    """What every signature of the certificate is over: sha256 of the commit vote (A6)."""
    return hashlib.sha256(
        encode(
            {
                "topic": "vote",
                "network": network,
                "epoch": certificate.epoch,
                "height": height,
                "round": certificate.round,
                "phase": COMMIT_PHASE,
                "digest": Some(entry_digest),
            }
        )
    ).digest()


def quorum_of(node_keys: tuple[bytes, ...]) -> int:
    """Give q of Q1, restated in a check of its own: two quorums share an honest member."""
    size, lying = len(node_keys), faults(len(node_keys))
    needed = quorum(size)
    if not 2 * needed - size > lying:
        raise Malformed("quorums of this committee do not intersect in an honest member")
    return needed


def read_genesis(data: bytes) -> GenesisValue:
    """Raises Malformed."""
    fields = Fields(decoded(data))
    chain_id, window_s = fields.uint("chain-id"), fields.uint("window-s")
    oracle, keys = fields.any("oracle"), read_node_keys(fields.list("committee"))
    fields.end()
    if not isinstance(oracle, Principal) or oracle.contract_name is None:
        raise Malformed("`oracle` is not a contract principal")
    if window_s == 0:
        raise Malformed("`window-s` is zero")
    return GenesisValue(chain_id, oracle, window_s, keys, hashlib.sha256(data).digest())


def read_node_keys(items: tuple[Value, ...]) -> tuple[bytes, ...]:
    """A committee's keys: 4 to 31, distinct, 33 bytes each. Raises Malformed."""
    keys = tuple(item for item in items if isinstance(item, bytes) and len(item) == NODE_KEY_BYTES)
    if len(keys) != len(items) or len(set(keys)) != len(keys):
        raise Malformed("node keys are not distinct 33-byte buffers")
    if not MEMBERS_MIN <= len(keys) <= MEMBERS_MAX:
        raise Malformed(f"a committee has {MEMBERS_MIN} to {MEMBERS_MAX} members")
    return keys


def read_entry(data: bytes) -> EntryValue:
    """Raises Malformed, also for a kind this auditor does not know."""
    fields = Fields(decoded(data))
    network, height, previous = fields.buff("network"), fields.uint("height"), fields.buff("previous")
    kind, body = fields.text("kind"), fields.any("body")
    fields.end()
    return EntryValue(network, height, previous, kind, _read_body(kind, body), hashlib.sha256(data).digest())


def _read_body(kind: str, body: Value) -> WindowSummary | VoidBody | RegistryBody | CeremonyBody:
    if kind == "window":
        return _window_summary(body)
    fields = Fields(body)
    read: VoidBody | RegistryBody | CeremonyBody
    if kind == "void":
        read = VoidBody(
            fields.uint("window"), fields.uint("revision"), fields.uint("reason"), fields.uint("count")
        )
    elif kind == "registry":
        read = RegistryBody(fields.buff("registry"), fields.uint("device-count"), fields.uint("chain-height"))
    elif kind == "activate":
        read = CeremonyBody(
            fields.uint("epoch"),
            fields.buff("session"),
            fields.buff("attachment"),
            fields.buff("group-key", GROUP_KEY_BYTES),
            fields.buff("commitments"),
            fields.uint("first-window"),
        )
    elif kind in CEREMONY_KINDS:
        read = CeremonyBody(fields.uint("epoch"), fields.buff("session"), fields.buff("attachment"))
        if kind == "hello" and read.epoch > 1:
            read = replace(read, committee=read_node_keys(fields.list("committee")))
    else:
        raise Malformed(f"unknown kind of entry `{kind}`")
    fields.end()
    return read


def read_certificate(data: bytes) -> CertificateValue:
    """Raises Malformed."""
    fields = Fields(decoded(data, CERTIFICATE_BYTES_MAX))
    epoch, round_, items = fields.uint("epoch"), fields.uint("round"), fields.list("signatures")
    fields.end()
    signatures = tuple(
        item for item in items if isinstance(item, bytes) and len(item) in (0, VOTE_SIGNATURE_BYTES)
    )
    if len(signatures) != len(items) or len(items) > MEMBERS_MAX:
        raise Malformed("a certificate holds up to 31 signatures of 65 or 0 bytes")
    return CertificateValue(epoch, round_, signatures)


def read_leaf(data: bytes) -> Leaf:
    """Raises Malformed."""
    fields = Fields(decoded(data))
    leaf = Leaf(
        UsagePoint(fields.uint("usage-point")),
        WindowStart(fields.uint("window")),
        fields.uint("import-register"),
        fields.uint("export-register"),
        fields.uint("import-wh"),
        fields.uint("export-wh"),
        WindowStart(fields.uint("since")),
        fields.uint("quality"),
        fields.uint("assurance"),
        RecordHash(fields.buff("record")),
    )
    fields.end()
    return leaf


def read_zone_summary(data: bytes) -> ZoneSummary:
    """Raises Malformed."""
    fields = Fields(decoded(data))
    summary = ZoneSummary(
        ZoneId(fields.uint("zone")),
        WindowStart(fields.uint("window")),
        fields.buff("root"),
        fields.uint("leaf-count"),
        fields.uint("import-wh"),
        fields.uint("export-wh"),
        fields.uint("quality"),
        _counts(fields.any("counts")),
    )
    fields.end()
    return summary


def read_device(data: bytes) -> Device:
    """Raises Malformed."""
    fields = Fields(decoded(data))
    device, zone = fields.uint("device"), ZoneId(fields.uint("zone"))
    kind, curve = fields.uint("kind"), fields.uint("curve")
    if kind not in list(DeviceKind) or curve not in list(Curve):
        raise Malformed("unknown kind or curve of a device")
    key = fields.buff("key", DEVICE_KEY_BYTES[Curve(curve)])
    capacity_w, meter_id = fields.uint("capacity-w"), fields.buff("meter-id")
    fields.end()
    return Device(device, zone, DeviceKind(kind), Curve(curve), key, capacity_w, meter_id)


def _window_summary(body: Value) -> WindowSummary:
    fields = Fields(body)
    summary = WindowSummary(
        WindowStart(fields.uint("window")),
        fields.uint("revision"),
        fields.buff("registry"),
        fields.buff("root"),
        fields.uint("zone-count"),
        fields.uint("leaf-count"),
        fields.uint("import-wh"),
        fields.uint("export-wh"),
        fields.uint("quality"),
        _counts(fields.any("counts")),
    )
    fields.end()
    return summary


def _counts(value: Value) -> Counts:
    fields = Fields(value)
    counts = Counts(
        fields.uint("validated"),
        fields.uint("derived"),
        fields.uint("estimated"),
        fields.uint("questionable"),
        fields.uint("meter-signed"),
        fields.uint("gateway-signed"),
        fields.uint("witnessed"),
    )
    fields.end()
    return counts

"""What an exporter fills in to make a bundle: plain bytes, as history holds them.

Knows no file format and judges nothing; `bundle.build` writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.encoding import Principal
from oracle.audit.merkle import Proof
from oracle.model import Record


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Canonical entry and certificate; `bls` is 48 bytes, or b"" where there is none."""

    entry: bytes
    certificate: bytes
    bls: bytes = b""


@dataclass(frozen=True, slots=True)
class EpochPart:
    """A committee; `activation` is its `activate` entry, None while the first ceremony runs."""

    number: int
    node_keys: tuple[bytes, ...]
    group_key: bytes = b""
    activation: SignedPart | None = None


@dataclass(frozen=True, slots=True)
class ZonePart:
    """A zone summary of the window with all its leaves, sorted by usage point."""

    summary: bytes
    leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class DevicePart:
    """A registry device, proven against the registry root."""

    device: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class ObservationPart:
    """What one operator signed as seen: sha256(payload) under its node key, 65 bytes r||s||v."""

    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SinceZonePart:
    """A zone of an earlier window, proven against its root, with proven leaves of it."""

    summary: bytes
    proof: Proof
    leaves: tuple[tuple[bytes, Proof], ...]


@dataclass(frozen=True, slots=True)
class SincePart:
    """An earlier window that leaves refer to by `since`."""

    signed: SignedPart
    zones: tuple[SinceZonePart, ...]


@dataclass(frozen=True, slots=True)
class RestatedPart:
    """The revision before a restatement, with all its leaves; a void has none (A8)."""

    signed: SignedPart
    zones: tuple[ZonePart, ...]


@dataclass(frozen=True, slots=True)
class ChainPart:
    """What the chain has: the submitting transaction, and what `get-attestation` returns, encoded.

    `attestation` is b"" where the exporter did not ask the contract.
    """

    contract: Principal
    txid: bytes
    transaction: bytes
    block_height: int
    attestation: bytes = b""


@dataclass(frozen=True, slots=True)
class BundleParts:
    """One entry of the log with all that proves it.

    `epochs` runs from 1 without a gap to the highest that is used. `devices` are the
    meters of the leaves and the gateways of the records (or, for a registry entry, the
    devices it is about). `attachment` is the blob of a ceremony entry.
    """

    genesis: bytes
    epochs: tuple[EpochPart, ...]
    signed: SignedPart
    previous: SignedPart | None = None
    zones: tuple[ZonePart, ...] = ()
    devices: tuple[DevicePart, ...] = ()
    records: tuple[Record, ...] = ()
    observations: tuple[ObservationPart, ...] = ()
    since: tuple[SincePart, ...] = ()
    chain: ChainPart | None = None
    attachment: bytes = b""
    restated: RestatedPart | None = None

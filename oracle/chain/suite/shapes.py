"""Tuples that several contracts have.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from consensus.encoding import Value
from oracle.chain import codec


@dataclass(frozen=True, slots=True)
class Counts:
    """A tuple of production-oracle, verification-engine."""

    derived: int
    estimated: int
    gateway_signed: int
    meter_signed: int
    questionable: int
    validated: int
    witnessed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "derived": codec.to_uint(self.derived),
            "estimated": codec.to_uint(self.estimated),
            "gateway-signed": codec.to_uint(self.gateway_signed),
            "meter-signed": codec.to_uint(self.meter_signed),
            "questionable": codec.to_uint(self.questionable),
            "validated": codec.to_uint(self.validated),
            "witnessed": codec.to_uint(self.witnessed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "derived",
            "estimated",
            "gateway-signed",
            "meter-signed",
            "questionable",
            "validated",
            "witnessed",
        )
        return cls(
            codec.uint(held["derived"]),
            codec.uint(held["estimated"]),
            codec.uint(held["gateway-signed"]),
            codec.uint(held["meter-signed"]),
            codec.uint(held["questionable"]),
            codec.uint(held["validated"]),
            codec.uint(held["witnessed"]),
        )


@dataclass(frozen=True, slots=True)
class Zone:
    """A tuple of production-oracle, verification-engine."""

    counts: Counts
    export_wh: int
    import_wh: int
    leaf_count: int
    quality: int
    root: bytes

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counts": self.counts.value(),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "leaf-count": codec.to_uint(self.leaf_count),
            "quality": codec.to_uint(self.quality),
            "root": codec.to_buff(self.root, 32),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "counts", "export-wh", "import-wh", "leaf-count", "quality", "root")
        return cls(
            Counts.read(held["counts"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["leaf-count"]),
            codec.uint(held["quality"]),
            codec.buff(held["root"]),
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """A tuple of dispute-resolution, verification-engine, energy-production-tracking,
    consumption-monitoring, commitment, grid-management, aggregation, payment-settlement,
    carbon-offset-integration.
    """

    assurance: int
    export_register: int
    export_wh: int
    import_register: int
    import_wh: int
    quality: int
    record: bytes
    since: int
    usage_point: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "assurance": codec.to_uint(self.assurance),
            "export-register": codec.to_uint(self.export_register),
            "export-wh": codec.to_uint(self.export_wh),
            "import-register": codec.to_uint(self.import_register),
            "import-wh": codec.to_uint(self.import_wh),
            "quality": codec.to_uint(self.quality),
            "record": codec.to_buff(self.record, 32),
            "since": codec.to_uint(self.since),
            "usage-point": codec.to_uint(self.usage_point),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "assurance",
            "export-register",
            "export-wh",
            "import-register",
            "import-wh",
            "quality",
            "record",
            "since",
            "usage-point",
            "window",
        )
        return cls(
            codec.uint(held["assurance"]),
            codec.uint(held["export-register"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-register"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["quality"]),
            codec.buff(held["record"]),
            codec.uint(held["since"]),
            codec.uint(held["usage-point"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A tuple of consumption-monitoring, commitment, aggregation, payment-settlement."""

    index: int
    leaf: Leaf
    revision: int
    siblings: tuple[bytes, ...]
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "index": codec.to_uint(self.index),
            "leaf": self.leaf.value(),
            "revision": codec.to_uint(self.revision),
            "siblings": codec.to_list(self.siblings, 24, lambda one: codec.to_buff(one, 32)),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "index", "leaf", "revision", "siblings", "zone")
        return cls(
            codec.uint(held["index"]),
            Leaf.read(held["leaf"]),
            codec.uint(held["revision"]),
            codec.sequence(codec.buff)(held["siblings"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class Escrow:
    """A tuple of marketplace, payment-settlement."""

    energy: int
    stx: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "energy": codec.to_uint(self.energy),
            "stx": codec.to_uint(self.stx),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "energy", "stx")
        return cls(
            codec.uint(held["energy"]),
            codec.uint(held["stx"]),
        )

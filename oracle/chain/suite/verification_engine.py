"""The contract `verification-engine`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import ReadCall, responded
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Counts, Leaf, Zone

__all__ = [
    "ERR_ENCODING",
    "ERR_JUDGED",
    "ERR_NOT_ATTESTED",
    "ERR_NOT_PROVEN",
    "ERR_NOT_VERIFIED",
    "ERR_OTHER_RECORD",
    "ERR_RESTATED",
    "ERR_REVOKED",
    "ERR_UNKNOWN_DEVICE",
    "ERR_ZONE_CLOSED",
    "Counts",
    "Leaf",
    "VerificationEngineContract",
    "VerifyLeafResult",
    "Zone",
]


@dataclass(frozen=True, slots=True)
class VerifyLeafResult:
    """A tuple of verification-engine."""

    assurance: int
    export_wh: int
    import_wh: int
    producer: Principal
    quality: int
    usage_point: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "assurance": codec.to_uint(self.assurance),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "producer": codec.to_principal(self.producer),
            "quality": codec.to_uint(self.quality),
            "usage-point": codec.to_uint(self.usage_point),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value, "assurance", "export-wh", "import-wh", "producer", "quality", "usage-point", "window"
        )
        return cls(
            codec.uint(held["assurance"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.principal(held["producer"]),
            codec.uint(held["quality"]),
            codec.uint(held["usage-point"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class VerificationEngineContract:
    """`verification-engine`.

    Decides: whether energy is attested. It is the one place that knows proofs: a leaf, a zone or a
    meter's record goes in with its Merkle path, what may be paid for comes out.

    Immutable: it holds nothing and moves nothing.

    Who may call: anyone reads. The same leaf is proven as often as it is shown: a contract that
    pays for it keeps its own insert-only map of {usage-point, window}, at least.

    What a caller may rely on: the window is attested, no newer revision restates it, no dispute has
    judged it false, and the device is verified now and was valid then. A revoked device proves
    nothing more, not even of windows before.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "verification-engine")

    def performance_of(self, baseline_wh: int, actual_wh: int, target_wh: int) -> ReadCall[int]:
        """How far a reduction was met: what was used less than the baseline, as a share of what was
        promised, in basis points, rounded down. Nothing promised is nothing met.
        """
        return ReadCall(
            self.principal,
            "performance-of",
            (codec.to_uint(baseline_wh), codec.to_uint(actual_wh), codec.to_uint(target_wh)),
            codec.uint,
        )

    def verify_leaf(
        self, revision: int, zone: int, leaf: Leaf, index: int, siblings: tuple[bytes, ...]
    ) -> ReadCall[VerifyLeafResult]:
        """A leaf of an attestation that stands, and whose energy it is: that of the owner of the device
        now. `index` is its place among the leaves sorted by usage point, `siblings` the path from leaf
        to root (R6).
        """
        return ReadCall(
            self.principal,
            "verify-leaf",
            (
                codec.to_uint(revision),
                codec.to_uint(zone),
                leaf.value(),
                codec.to_uint(index),
                codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
            ),
            responded(VerifyLeafResult.read),
        )

    def verify_meter_record(
        self, revision: int, zone: int, leaf: Leaf, index: int, siblings: tuple[bytes, ...], record: bytes
    ) -> ReadCall[VerifyLeafResult]:
        """A leaf as above, and that `record` is what it was read from, byte for byte (R1): the meter's own
        message, or the whole batch of a gateway.
        """
        return ReadCall(
            self.principal,
            "verify-meter-record",
            (
                codec.to_uint(revision),
                codec.to_uint(zone),
                leaf.value(),
                codec.to_uint(index),
                codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                codec.to_buff(record, 8192),
            ),
            responded(VerifyLeafResult.read),
        )

    def verify_zone(self, window: int, revision: int, zone: int) -> ReadCall[Zone]:
        """An open zone of an attestation that stands: its sums and the root of its leaves."""
        return ReadCall(
            self.principal,
            "verify-zone",
            (codec.to_uint(window), codec.to_uint(revision), codec.to_uint(zone)),
            responded(Zone.read),
        )


ERR_ENCODING: Final = BY_CODE[600]
ERR_NOT_ATTESTED: Final = BY_CODE[601]
ERR_RESTATED: Final = BY_CODE[602]
ERR_JUDGED: Final = BY_CODE[603]
ERR_ZONE_CLOSED: Final = BY_CODE[604]
ERR_NOT_PROVEN: Final = BY_CODE[605]
ERR_UNKNOWN_DEVICE: Final = BY_CODE[606]
ERR_REVOKED: Final = BY_CODE[607]
ERR_NOT_VERIFIED: Final = BY_CODE[608]
ERR_OTHER_RECORD: Final = BY_CODE[609]

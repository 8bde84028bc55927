"""The contract `production-oracle`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall, responded
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Counts, Zone
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_ALREADY_ATTESTED",
    "ERR_ALREADY_OPEN",
    "ERR_ENCODING",
    "ERR_EPOCH_CLOSED",
    "ERR_EPOCH_ORDER",
    "ERR_NOT_ATTESTED",
    "ERR_NOT_PROVEN",
    "ERR_NOT_STAKING",
    "ERR_NO_QUORUM",
    "ERR_OTHER_WINDOW",
    "ERR_REVISION_GAP",
    "ERR_SIGNATURE_SLOTS",
    "ERR_UNKNOWN_EPOCH",
    "ERR_VOID",
    "ERR_WINDOW_UNALIGNED",
    "Attestation",
    "Counts",
    "EpochKeys",
    "OpenZoneSummary",
    "ProductionOracleContract",
    "Signers",
    "SubmitWindowSummary",
    "Void",
    "Zone",
]


@dataclass(frozen=True, slots=True)
class OpenZoneSummary:
    """A tuple of production-oracle."""

    counts: Counts
    export_wh: int
    import_wh: int
    leaf_count: int
    quality: int
    root: bytes
    window: int
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counts": self.counts.value(),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "leaf-count": codec.to_uint(self.leaf_count),
            "quality": codec.to_uint(self.quality),
            "root": codec.to_buff(self.root, 32),
            "window": codec.to_uint(self.window),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value, "counts", "export-wh", "import-wh", "leaf-count", "quality", "root", "window", "zone"
        )
        return cls(
            Counts.read(held["counts"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["leaf-count"]),
            codec.uint(held["quality"]),
            codec.buff(held["root"]),
            codec.uint(held["window"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class Void:
    """A tuple of production-oracle."""

    count: int
    reason: int
    revision: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "count": codec.to_uint(self.count),
            "reason": codec.to_uint(self.reason),
            "revision": codec.to_uint(self.revision),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "count", "reason", "revision", "window")
        return cls(
            codec.uint(held["count"]),
            codec.uint(held["reason"]),
            codec.uint(held["revision"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class SubmitWindowSummary:
    """A tuple of production-oracle."""

    counts: Counts
    export_wh: int
    import_wh: int
    leaf_count: int
    quality: int
    registry: bytes
    revision: int
    root: bytes
    window: int
    zone_count: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counts": self.counts.value(),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "leaf-count": codec.to_uint(self.leaf_count),
            "quality": codec.to_uint(self.quality),
            "registry": codec.to_buff(self.registry, 32),
            "revision": codec.to_uint(self.revision),
            "root": codec.to_buff(self.root, 32),
            "window": codec.to_uint(self.window),
            "zone-count": codec.to_uint(self.zone_count),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "counts",
            "export-wh",
            "import-wh",
            "leaf-count",
            "quality",
            "registry",
            "revision",
            "root",
            "window",
            "zone-count",
        )
        return cls(
            Counts.read(held["counts"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["leaf-count"]),
            codec.uint(held["quality"]),
            codec.buff(held["registry"]),
            codec.uint(held["revision"]),
            codec.buff(held["root"]),
            codec.uint(held["window"]),
            codec.uint(held["zone-count"]),
        )


@dataclass(frozen=True, slots=True)
class Attestation:
    """A tuple of production-oracle."""

    attested_at: int
    digest: bytes
    epoch: int
    height: int
    signers: tuple[bool, ...]
    summary: SubmitWindowSummary | None
    void: int | None

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "attested-at": codec.to_uint(self.attested_at),
            "digest": codec.to_buff(self.digest, 32),
            "epoch": codec.to_uint(self.epoch),
            "height": codec.to_uint(self.height),
            "signers": codec.to_list(self.signers, 31, codec.to_bool),
            "summary": codec.to_optional(self.summary, SubmitWindowSummary.value),
            "void": codec.to_optional(self.void, codec.to_uint),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "attested-at", "digest", "epoch", "height", "signers", "summary", "void")
        return cls(
            codec.uint(held["attested-at"]),
            codec.buff(held["digest"]),
            codec.uint(held["epoch"]),
            codec.uint(held["height"]),
            codec.sequence(codec.boolean)(held["signers"]),
            codec.optional(SubmitWindowSummary.read)(held["summary"]),
            codec.optional(codec.uint)(held["void"]),
        )


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """A tuple of production-oracle."""

    accepted_until: int
    keys: tuple[bytes, ...]
    network: bytes
    window_s: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "accepted-until": codec.to_uint(self.accepted_until),
            "keys": codec.to_list(self.keys, 31, lambda one: codec.to_buff(one, 33)),
            "network": codec.to_buff(self.network, 32),
            "window-s": codec.to_uint(self.window_s),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "accepted-until", "keys", "network", "window-s")
        return cls(
            codec.uint(held["accepted-until"]),
            codec.sequence(codec.buff)(held["keys"]),
            codec.buff(held["network"]),
            codec.uint(held["window-s"]),
        )


@dataclass(frozen=True, slots=True)
class Signers:
    """A tuple of production-oracle."""

    epoch: int
    signers: tuple[bool, ...]

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "epoch": codec.to_uint(self.epoch),
            "signers": codec.to_list(self.signers, 31, codec.to_bool),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "epoch", "signers")
        return cls(
            codec.uint(held["epoch"]),
            codec.sequence(codec.boolean)(held["signers"]),
        )


@dataclass(frozen=True, slots=True)
class ProductionOracleContract:
    """`production-oracle`.

    Decides: which windows are attested. It rebuilds what the committee signed from typed arguments,
    checks the quorum certificate and stores the attestation; it opens zone summaries by Merkle
    proof. It parses no bytes and knows no stake.

    Immutable: an attestation and an opened zone are inserted once, never changed; a restatement is
    a new revision beside the old one.

    Who may call: anyone submits (the certificate is the authority) and anyone opens; only
    oracle-staking installs an epoch. The pause does not reach here: what a quorum has signed is
    history, and money stops in the contracts that move it. No contract is called from here, so that
    a submission loads this one alone.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "production-oracle")

    def install_epoch(
        self,
        epoch: int,
        network: bytes,
        window_s: int,
        keys: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """Puts an epoch in force: its own copy of the keys, the previous epoch's last day, and the end of
        the one before. Called by oracle-staking's activate-epoch only.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "install-epoch",
                (
                    codec.to_uint(epoch),
                    codec.to_buff(network, 32),
                    codec.to_uint(window_s),
                    codec.to_list(keys, 31, lambda one: codec.to_buff(one, 33)),
                ),
            ),
            codec.boolean,
            post,
        )

    def open_zone(
        self,
        window: int,
        revision: int,
        summary: OpenZoneSummary,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """Opens one zone of an attested window: `index` is its place among the zones sorted by id,
        `siblings` the path from leaf to root (R6).
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "open-zone",
                (
                    codec.to_uint(window),
                    codec.to_uint(revision),
                    summary.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            codec.boolean,
            post,
        )

    def submit_void(
        self,
        height: int,
        previous: bytes,
        void: Void,
        epoch: int,
        round_: int,
        signatures: tuple[bytes, ...],
        bls_signature: bytes,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bytes]:
        """Attests that a window could not be agreed (A7): the entry of kind "void" at `height`. A void may
        speak of `count` windows in a row, after an outage of everybody; it stands under the first.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-void",
                (
                    codec.to_uint(height),
                    codec.to_buff(previous, 32),
                    void.value(),
                    codec.to_uint(epoch),
                    codec.to_uint(round_),
                    codec.to_list(signatures, 31, lambda one: codec.to_buff(one, 65)),
                    codec.to_buff(bls_signature, 48),
                ),
            ),
            codec.buff,
            post,
        )

    def submit_window(
        self,
        height: int,
        previous: bytes,
        summary: SubmitWindowSummary,
        epoch: int,
        round_: int,
        signatures: tuple[bytes, ...],
        bls_signature: bytes,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bytes]:
        """Attests a window: the entry of kind "window" at `height`, with its certificate. `bls-signature`
        is the committee's threshold signature on the entry's digest; it is kept in the event only, and
        not checked here.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-window",
                (
                    codec.to_uint(height),
                    codec.to_buff(previous, 32),
                    summary.value(),
                    codec.to_uint(epoch),
                    codec.to_uint(round_),
                    codec.to_list(signatures, 31, lambda one: codec.to_buff(one, 65)),
                    codec.to_buff(bls_signature, 48),
                ),
            ),
            codec.buff,
            post,
        )

    def check_certificate(
        self,
        network: bytes,
        epoch: int,
        height: int,
        round_: int,
        digest: bytes,
        keys: tuple[bytes, ...],
        signatures: tuple[bytes, ...],
    ) -> ReadCall[tuple[bool, ...]]:
        """The signers of a quorum certificate over a log entry (A6), one flag for each key, or the error
        that it is none. `signatures` is aligned with `keys`: 0x is an absent vote, and a slot whose
        signature is not its key's counts as absent, so one valid signature can stand for one member
        only, whatever its s or its order.
        """
        return ReadCall(
            self.principal,
            "check-certificate",
            (
                codec.to_buff(network, 32),
                codec.to_uint(epoch),
                codec.to_uint(height),
                codec.to_uint(round_),
                codec.to_buff(digest, 32),
                codec.to_list(keys, 31, lambda one: codec.to_buff(one, 33)),
                codec.to_list(signatures, 31, lambda one: codec.to_buff(one, 65)),
            ),
            responded(codec.sequence(codec.boolean)),
        )

    def get_attestation(self, window: int, revision: int) -> ReadCall[Attestation | None]:
        """`get-attestation` of `production-oracle`."""
        return ReadCall(
            self.principal,
            "get-attestation",
            (codec.to_uint(window), codec.to_uint(revision)),
            codec.optional(Attestation.read),
        )

    def get_current_epoch(self) -> ReadCall[int]:
        """`get-current-epoch` of `production-oracle`."""
        return ReadCall(self.principal, "get-current-epoch", (), codec.uint)

    def get_epoch_keys(self, epoch: int) -> ReadCall[EpochKeys | None]:
        """The copy of an epoch that submissions are checked against."""
        return ReadCall(
            self.principal, "get-epoch-keys", (codec.to_uint(epoch),), codec.optional(EpochKeys.read)
        )

    def get_latest_revision(self, window: int) -> ReadCall[int | None]:
        """The highest attested revision of a window; none if the window is not attested."""
        return ReadCall(
            self.principal, "get-latest-revision", (codec.to_uint(window),), codec.optional(codec.uint)
        )

    def get_network(self) -> ReadCall[bytes | None]:
        """The network's identity (Q4), none before the first epoch."""
        return ReadCall(self.principal, "get-network", (), codec.optional(codec.buff))

    def get_quorum(self, members: int) -> ReadCall[int]:
        """Q1: a quorum of `members`, floor((n + f) / 2) + 1 with f = floor((n - 1) / 3)."""
        return ReadCall(self.principal, "get-quorum", (codec.to_uint(members),), codec.uint)

    def get_signers(self, window: int, revision: int) -> ReadCall[Signers | None]:
        """Who signed an attestation: the epoch, and a flag for each of its slots."""
        return ReadCall(
            self.principal,
            "get-signers",
            (codec.to_uint(window), codec.to_uint(revision)),
            codec.optional(Signers.read),
        )

    def get_zone(self, window: int, revision: int, zone: int) -> ReadCall[Zone | None]:
        """`get-zone` of `production-oracle`."""
        return ReadCall(
            self.principal,
            "get-zone",
            (codec.to_uint(window), codec.to_uint(revision), codec.to_uint(zone)),
            codec.optional(Zone.read),
        )

    def is_latest(self, window: int, revision: int) -> ReadCall[bool]:
        """True if the revision is attested and not restated."""
        return ReadCall(
            self.principal, "is-latest", (codec.to_uint(window), codec.to_uint(revision)), codec.boolean
        )


ERR_NOT_STAKING: Final = BY_CODE[400]
ERR_UNKNOWN_EPOCH: Final = BY_CODE[401]
ERR_EPOCH_CLOSED: Final = BY_CODE[402]
ERR_WINDOW_UNALIGNED: Final = BY_CODE[403]
ERR_SIGNATURE_SLOTS: Final = BY_CODE[404]
ERR_NO_QUORUM: Final = BY_CODE[405]
ERR_ALREADY_ATTESTED: Final = BY_CODE[406]
ERR_REVISION_GAP: Final = BY_CODE[407]
ERR_NOT_ATTESTED: Final = BY_CODE[408]
ERR_VOID: Final = BY_CODE[409]
ERR_OTHER_WINDOW: Final = BY_CODE[410]
ERR_NOT_PROVEN: Final = BY_CODE[411]
ERR_ALREADY_OPEN: Final = BY_CODE[412]
ERR_EPOCH_ORDER: Final = BY_CODE[413]
ERR_ENCODING: Final = BY_CODE[414]

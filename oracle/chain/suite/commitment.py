"""The contract `commitment`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Leaf, Proof
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_BASELINE",
    "ERR_CLOSED",
    "ERR_COMMITTED_WH",
    "ERR_DAY_TAKEN",
    "ERR_JUDGED",
    "ERR_NOT_DISTRIBUTOR",
    "ERR_NOT_NOW",
    "ERR_NOT_OWNER",
    "ERR_NOT_RECORDED",
    "ERR_NOT_VERIFIED",
    "ERR_NO_EXCUSE",
    "ERR_NO_READINGS",
    "ERR_OTHER_ZONE",
    "ERR_PAUSED",
    "ERR_QUALITY",
    "ERR_REGISTER",
    "ERR_SETTLED",
    "ERR_SPAN",
    "ERR_STAKE",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_COMMITMENT",
    "ERR_UNKNOWN_EVENT",
    "Commitment",
    "CommitmentContract",
    "Compliance",
    "GetEscrowEscrow",
    "Leaf",
    "Proof",
    "Reading",
    "SettleResult",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class Compliance:
    """A tuple of commitment."""

    actual_wh: int
    adjustment_bps: int
    baseline_wh: int
    credited_wh: int
    days: int
    error_wh: int
    excused: bool
    performance_bps: int
    reduction_wh: int
    slash: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "actual-wh": codec.to_uint(self.actual_wh),
            "adjustment-bps": codec.to_uint(self.adjustment_bps),
            "baseline-wh": codec.to_uint(self.baseline_wh),
            "credited-wh": codec.to_uint(self.credited_wh),
            "days": codec.to_uint(self.days),
            "error-wh": codec.to_uint(self.error_wh),
            "excused": codec.to_bool(self.excused),
            "performance-bps": codec.to_uint(self.performance_bps),
            "reduction-wh": codec.to_uint(self.reduction_wh),
            "slash": codec.to_uint(self.slash),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "actual-wh",
            "adjustment-bps",
            "baseline-wh",
            "credited-wh",
            "days",
            "error-wh",
            "excused",
            "performance-bps",
            "reduction-wh",
            "slash",
        )
        return cls(
            codec.uint(held["actual-wh"]),
            codec.uint(held["adjustment-bps"]),
            codec.uint(held["baseline-wh"]),
            codec.uint(held["credited-wh"]),
            codec.uint(held["days"]),
            codec.uint(held["error-wh"]),
            codec.boolean(held["excused"]),
            codec.uint(held["performance-bps"]),
            codec.uint(held["reduction-wh"]),
            codec.uint(held["slash"]),
        )


@dataclass(frozen=True, slots=True)
class SettleResult:
    """A tuple of commitment."""

    credited_wh: int
    owner: Principal
    returned: int
    slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "credited-wh": codec.to_uint(self.credited_wh),
            "owner": codec.to_principal(self.owner),
            "returned": codec.to_uint(self.returned),
            "slashed": codec.to_uint(self.slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "credited-wh", "owner", "returned", "slashed")
        return cls(
            codec.uint(held["credited-wh"]),
            codec.principal(held["owner"]),
            codec.uint(held["returned"]),
            codec.uint(held["slashed"]),
        )


@dataclass(frozen=True, slots=True)
class Commitment:
    """A tuple of commitment."""

    committed_wh: int
    days: tuple[int, ...]
    owner: Principal
    settled: bool
    stake: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "committed-wh": codec.to_uint(self.committed_wh),
            "days": codec.to_list(self.days, 10, codec.to_uint),
            "owner": codec.to_principal(self.owner),
            "settled": codec.to_bool(self.settled),
            "stake": codec.to_uint(self.stake),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "committed-wh", "days", "owner", "settled", "stake")
        return cls(
            codec.uint(held["committed-wh"]),
            codec.sequence(codec.uint)(held["days"]),
            codec.principal(held["owner"]),
            codec.boolean(held["settled"]),
            codec.uint(held["stake"]),
        )


@dataclass(frozen=True, slots=True)
class GetEscrowEscrow:
    """A tuple of commitment."""

    held: int
    returned: int
    slashed: int
    staked: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "held": codec.to_uint(self.held),
            "returned": codec.to_uint(self.returned),
            "slashed": codec.to_uint(self.slashed),
            "staked": codec.to_uint(self.staked),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "held", "returned", "slashed", "staked")
        return cls(
            codec.uint(held["held"]),
            codec.uint(held["returned"]),
            codec.uint(held["slashed"]),
            codec.uint(held["staked"]),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A tuple of commitment."""

    import_register: int
    quality: int
    revision: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "import-register": codec.to_uint(self.import_register),
            "quality": codec.to_uint(self.quality),
            "revision": codec.to_uint(self.revision),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "import-register", "quality", "revision")
        return cls(
            codec.uint(held["import-register"]),
            codec.uint(held["quality"]),
            codec.uint(held["revision"]),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of commitment."""

    commitments: int
    committed_wh: int
    credited_wh: int
    judged: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "commitments": codec.to_uint(self.commitments),
            "committed-wh": codec.to_uint(self.committed_wh),
            "credited-wh": codec.to_uint(self.credited_wh),
            "judged": codec.to_uint(self.judged),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "commitments", "committed-wh", "credited-wh", "judged")
        return cls(
            codec.uint(held["commitments"]),
            codec.uint(held["committed-wh"]),
            codec.uint(held["credited-wh"]),
            codec.uint(held["judged"]),
        )


@dataclass(frozen=True, slots=True)
class CommitmentContract:
    """`commitment`.

    Decides: what participants of demand-response events have promised, with what at stake, and how
    far attested energy shows that they kept it. It holds the stakes.

    Immutable: a commitment once its event's commitments close; a judgement of compliance; the
    terms, which are the event's. A device is in one event a day: no Wh is saved twice.

    Who may call: the owner of a verified meter commits and withdraws; anyone records proven
    readings, and judges by them once all are there; the owner alone may be judged by less.
    reward-distributor alone settles. A pause stops new commitments, nothing else.

    Conservation: staked = returned + slashed (burned) + what is held here.  Energy is the
    difference of two proven import registers, so two leaves speak for any number of windows between
    them. The baseline of an event is the mean of the same hours of the last days of its type
    (Monday to Friday, or weekend, in UTC) on which the device was in no event: chosen here, when
    the commitment is made, so that nobody picks high days. A day of which the owner shows no
    reading counts as 0 Wh; one whose windows the network did not attest, or whose readings are
    estimated, does not count. Whatever is missing costs the owner, never the pool; and a home is
    not slashed inside its baseline's error.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "commitment")

    def commit(
        self, event: int, device: int, committed_wh: int, stake: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Promises that the caller's meter will use `committed-wh` less than its baseline, with `stake`
        microSTX on it.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "commit",
                (
                    codec.to_uint(event),
                    codec.to_uint(device),
                    codec.to_uint(committed_wh),
                    codec.to_uint(stake),
                ),
            ),
            codec.boolean,
            post,
        )

    def excuse_commitment(
        self, event: int, device: int, window: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[Compliance]:
        """Excuses a commitment, with its stake and without a reward: if `window`, of the event or the one
        before, is void or was not attested for a day after it; or if the reading at the event's first
        or last edge is estimated. Owner only.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "excuse-commitment",
                (codec.to_uint(event), codec.to_uint(device), codec.to_uint(window)),
            ),
            Compliance.read,
            post,
        )

    def record_readings(
        self, proofs: tuple[Proof, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Records the registers of proven leaves, by anyone, for any device: those at the end of the
        window before a span, and of its last window, give the span's energy.
        """
        return PublicCall(
            ContractCall(self.principal, "record-readings", (codec.to_list(proofs, 24, Proof.value),)),
            codec.uint,
            post,
        )

    def settle(
        self, event: int, device: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[SettleResult]:
        """Gives a commitment's stake back, less what is slashed, which is burned: nobody gains from
        another's failure. One that nobody has judged was not kept. reward-distributor only.
        """
        return PublicCall(
            ContractCall(self.principal, "settle", (codec.to_uint(event), codec.to_uint(device))),
            SettleResult.read,
            post,
        )

    def verify_commitment(
        self, event: int, device: int, from_: int, to: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[Compliance]:
        """Judges a commitment by the recorded readings at the ends of windows `from` and `to`: the window
        before the event and its last one. Its owner may name wider ones, where a leaf at the edge is
        missing, and may go without some days; anyone else needs all, and exactly.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "verify-commitment",
                (codec.to_uint(event), codec.to_uint(device), codec.to_uint(from_), codec.to_uint(to)),
            ),
            Compliance.read,
            post,
        )

    def withdraw_commitment(
        self, event: int, device: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Takes a commitment and its stake back: while commitments are open, or when the event was
        cancelled.
        """
        return PublicCall(
            ContractCall(
                self.principal, "withdraw-commitment", (codec.to_uint(event), codec.to_uint(device))
            ),
            codec.uint,
            post,
        )

    def get_baseline_days(self, device: int, start: int, end: int, wanted: int) -> ReadCall[tuple[int, ...]]:
        """The days whose same hours are the baseline of a device for an event, as offsets back from it:
        fewer than `wanted` if there are no more within 45 days.
        """
        return ReadCall(
            self.principal,
            "get-baseline-days",
            (codec.to_uint(device), codec.to_uint(start), codec.to_uint(end), codec.to_uint(wanted)),
            codec.sequence(codec.uint),
        )

    def get_busy_day(self, device: int, day: int) -> ReadCall[int | None]:
        """The event that a device is committed to on a day (days since 1970, UTC)."""
        return ReadCall(
            self.principal,
            "get-busy-day",
            (codec.to_uint(device), codec.to_uint(day)),
            codec.optional(codec.uint),
        )

    def get_commitment(self, event: int, device: int) -> ReadCall[Commitment | None]:
        """`get-commitment` of `commitment`."""
        return ReadCall(
            self.principal,
            "get-commitment",
            (codec.to_uint(event), codec.to_uint(device)),
            codec.optional(Commitment.read),
        )

    def get_compliance(self, event: int, device: int) -> ReadCall[Compliance | None]:
        """`get-compliance` of `commitment`."""
        return ReadCall(
            self.principal,
            "get-compliance",
            (codec.to_uint(event), codec.to_uint(device)),
            codec.optional(Compliance.read),
        )

    def get_escrow(self) -> ReadCall[GetEscrowEscrow]:
        """Stake in, stake back, stake burned and what is held, in microSTX."""
        return ReadCall(self.principal, "get-escrow", (), GetEscrowEscrow.read)

    def get_reading(self, usage_point: int, window: int) -> ReadCall[Reading | None]:
        """`get-reading` of `commitment`."""
        return ReadCall(
            self.principal,
            "get-reading",
            (codec.to_uint(usage_point), codec.to_uint(window)),
            codec.optional(Reading.read),
        )

    def get_stake_needed(self, event: int, committed_wh: int) -> ReadCall[int | None]:
        """The least stake for a commitment to an event, in microSTX, rounded up."""
        return ReadCall(
            self.principal,
            "get-stake-needed",
            (codec.to_uint(event), codec.to_uint(committed_wh)),
            codec.optional(codec.uint),
        )

    def get_totals(self, event: int) -> ReadCall[Totals]:
        """`get-totals` of `commitment`."""
        return ReadCall(self.principal, "get-totals", (codec.to_uint(event),), Totals.read)


ERR_PAUSED: Final = BY_CODE[920]
ERR_UNKNOWN_EVENT: Final = BY_CODE[921]
ERR_CLOSED: Final = BY_CODE[922]
ERR_NOT_VERIFIED: Final = BY_CODE[923]
ERR_NOT_OWNER: Final = BY_CODE[924]
ERR_OTHER_ZONE: Final = BY_CODE[925]
ERR_COMMITTED_WH: Final = BY_CODE[926]
ERR_STAKE: Final = BY_CODE[927]
ERR_DAY_TAKEN: Final = BY_CODE[928]
ERR_BASELINE: Final = BY_CODE[929]
ERR_TRANSFER: Final = BY_CODE[930]
ERR_UNKNOWN_COMMITMENT: Final = BY_CODE[931]
ERR_NO_READINGS: Final = BY_CODE[932]
ERR_NOT_NOW: Final = BY_CODE[933]
ERR_JUDGED: Final = BY_CODE[934]
ERR_SPAN: Final = BY_CODE[935]
ERR_NOT_RECORDED: Final = BY_CODE[936]
ERR_QUALITY: Final = BY_CODE[937]
ERR_REGISTER: Final = BY_CODE[938]
ERR_NO_EXCUSE: Final = BY_CODE[939]
ERR_NOT_DISTRIBUTOR: Final = BY_CODE[940]
ERR_SETTLED: Final = BY_CODE[941]

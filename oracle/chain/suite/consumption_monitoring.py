"""The contract `consumption-monitoring`, typed.

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
from oracle.chain.suite.shapes import Leaf, Proof
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_CATEGORY",
    "ERR_COMMITMENT",
    "ERR_COMMITTED",
    "ERR_ENCODING",
    "ERR_ENERGY",
    "ERR_HASH",
    "ERR_KNOWN",
    "ERR_LEAVES",
    "ERR_NOT_COMMITTED",
    "ERR_NOT_GOVERNOR",
    "ERR_NOT_OWNER",
    "ERR_NOT_RECORDED",
    "ERR_NOT_REGISTERED",
    "ERR_OTHER_LEAF",
    "ERR_RECORDED",
    "ERR_TIMES",
    "ERR_UNKNOWN_DEVICE",
    "ERR_ZONE_MIN",
    "CategoryDay",
    "CheckCommitmentResult",
    "Consumer",
    "ConsumptionMonitoringContract",
    "DemandPattern",
    "Leaf",
    "Profile",
    "Proof",
    "RecordConsumptionResult",
    "Recorded",
    "RecordedZone",
]


@dataclass(frozen=True, slots=True)
class RecordConsumptionResult:
    """A tuple of consumption-monitoring."""

    consumer: Principal
    power_w: int
    time_of_use: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "consumer": codec.to_principal(self.consumer),
            "power-w": codec.to_uint(self.power_w),
            "time-of-use": codec.to_uint(self.time_of_use),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "consumer", "power-w", "time-of-use")
        return cls(
            codec.principal(held["consumer"]),
            codec.uint(held["power-w"]),
            codec.uint(held["time-of-use"]),
        )


@dataclass(frozen=True, slots=True)
class CheckCommitmentResult:
    """A tuple of consumption-monitoring."""

    highest_w: int
    import_wh: int
    leaves: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "highest-w": codec.to_uint(self.highest_w),
            "import-wh": codec.to_uint(self.import_wh),
            "leaves": codec.to_uint(self.leaves),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "highest-w", "import-wh", "leaves")
        return cls(
            codec.uint(held["highest-w"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["leaves"]),
        )


@dataclass(frozen=True, slots=True)
class CategoryDay:
    """A tuple of consumption-monitoring."""

    mid_peak_wh: int
    off_peak_wh: int
    on_peak_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "mid-peak-wh": codec.to_uint(self.mid_peak_wh),
            "off-peak-wh": codec.to_uint(self.off_peak_wh),
            "on-peak-wh": codec.to_uint(self.on_peak_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "mid-peak-wh", "off-peak-wh", "on-peak-wh")
        return cls(
            codec.uint(held["mid-peak-wh"]),
            codec.uint(held["off-peak-wh"]),
            codec.uint(held["on-peak-wh"]),
        )


@dataclass(frozen=True, slots=True)
class Consumer:
    """A tuple of consumption-monitoring."""

    category: int
    consumer: Principal
    daily_wh: int
    profile: bytes
    threshold_w: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "category": codec.to_uint(self.category),
            "consumer": codec.to_principal(self.consumer),
            "daily-wh": codec.to_uint(self.daily_wh),
            "profile": codec.to_buff(self.profile, 32),
            "threshold-w": codec.to_uint(self.threshold_w),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "category", "consumer", "daily-wh", "profile", "threshold-w")
        return cls(
            codec.uint(held["category"]),
            codec.principal(held["consumer"]),
            codec.uint(held["daily-wh"]),
            codec.buff(held["profile"]),
            codec.uint(held["threshold-w"]),
        )


@dataclass(frozen=True, slots=True)
class DemandPattern:
    """A tuple of consumption-monitoring."""

    import_wh: int
    leaves: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "import-wh": codec.to_uint(self.import_wh),
            "leaves": codec.to_uint(self.leaves),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "import-wh", "leaves")
        return cls(
            codec.uint(held["import-wh"]),
            codec.uint(held["leaves"]),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """A tuple of consumption-monitoring."""

    average_w: int
    category: int
    consumer: Principal
    highest_at: int
    highest_w: int
    leaves: int
    on_peak_bps: int
    total_wh: int
    used: CategoryDay

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "average-w": codec.to_uint(self.average_w),
            "category": codec.to_uint(self.category),
            "consumer": codec.to_principal(self.consumer),
            "highest-at": codec.to_uint(self.highest_at),
            "highest-w": codec.to_uint(self.highest_w),
            "leaves": codec.to_uint(self.leaves),
            "on-peak-bps": codec.to_uint(self.on_peak_bps),
            "total-wh": codec.to_uint(self.total_wh),
            "used": self.used.value(),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "average-w",
            "category",
            "consumer",
            "highest-at",
            "highest-w",
            "leaves",
            "on-peak-bps",
            "total-wh",
            "used",
        )
        return cls(
            codec.uint(held["average-w"]),
            codec.uint(held["category"]),
            codec.principal(held["consumer"]),
            codec.uint(held["highest-at"]),
            codec.uint(held["highest-w"]),
            codec.uint(held["leaves"]),
            codec.uint(held["on-peak-bps"]),
            codec.uint(held["total-wh"]),
            CategoryDay.read(held["used"]),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A tuple of consumption-monitoring."""

    category: int
    consumer: Principal
    leaf: bytes
    revision: int
    time_of_use: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "category": codec.to_uint(self.category),
            "consumer": codec.to_principal(self.consumer),
            "leaf": codec.to_buff(self.leaf, 32),
            "revision": codec.to_uint(self.revision),
            "time-of-use": codec.to_uint(self.time_of_use),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "category", "consumer", "leaf", "revision", "time-of-use")
        return cls(
            codec.uint(held["category"]),
            codec.principal(held["consumer"]),
            codec.buff(held["leaf"]),
            codec.uint(held["revision"]),
            codec.uint(held["time-of-use"]),
        )


@dataclass(frozen=True, slots=True)
class RecordedZone:
    """A tuple of consumption-monitoring."""

    import_wh: int
    revision: int
    time_of_use: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "import-wh": codec.to_uint(self.import_wh),
            "revision": codec.to_uint(self.revision),
            "time-of-use": codec.to_uint(self.time_of_use),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "import-wh", "revision", "time-of-use")
        return cls(
            codec.uint(held["import-wh"]),
            codec.uint(held["revision"]),
            codec.uint(held["time-of-use"]),
        )


@dataclass(frozen=True, slots=True)
class ConsumptionMonitoringContract:
    """`consumption-monitoring`.

    Decides: how much is consumed, by category of consumer, by time of use and by day; how each
    consumer uses energy in sum; and who is told that a threshold is passed.

    Immutable: a leaf counts once for each (usage point, window); a restatement replaces what was
    counted and never adds to it; a commitment is inserted once.

    Who may call: the owner of a device registers it as a consumer, sets its thresholds and commits
    to its days; a home's leaves are shown by the home alone, those of commerce and industry by
    anyone; anyone adds up open zones; governors set the times of use.

    Privacy: no reading is kept here and no event tells one. Of a leaf its hash stays, of a consumer
    its sums, of a zone what five meters or more have in common. Who shows a leaf publishes it with
    the transaction: a home that will not, commits to its day with a salt, and proves it to whom it
    likes with `check-commitment`, which nobody else sees.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "consumption-monitoring")

    def commit_consumption(
        self, usage_point: int, day: int, commitment: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Commits the caller to its leaves of a day, which stay with it (`get-commitment-digest`)."""
        return PublicCall(
            ContractCall(
                self.principal,
                "commit-consumption",
                (codec.to_uint(usage_point), codec.to_uint(day), codec.to_buff(commitment, 32)),
            ),
            codec.boolean,
            post,
        )

    def record_consumption(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[RecordConsumptionResult]:
        """Counts the energy in of a proven leaf, once."""
        return PublicCall(
            ContractCall(
                self.principal,
                "record-consumption",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            RecordConsumptionResult.read,
            post,
        )

    def record_zone_consumption(
        self, window: int, revision: int, zone: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Counts what all meters of an open zone have used in a window; a newer revision replaces it."""
        return PublicCall(
            ContractCall(
                self.principal,
                "record-zone-consumption",
                (codec.to_uint(window), codec.to_uint(revision), codec.to_uint(zone)),
            ),
            codec.uint,
            post,
        )

    def register_consumer(
        self, usage_point: int, category: int, profile: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Registers a device of the caller as a consumer: category 1 residential, 2 commercial, 3
        industrial. `profile` is a salted hash of what else is known of it. A new owner registers anew
        and begins with nothing.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "register-consumer",
                (codec.to_uint(usage_point), codec.to_uint(category), codec.to_buff(profile, 32)),
            ),
            codec.boolean,
            post,
        )

    def restate_consumption(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        before: Leaf,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """Sets right what an earlier revision of a leaf said; `before` is that leaf, of which only the
        hash is kept here. If it had the greatest power, the new leaf's takes its place.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "restate-consumption",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                    before.value(),
                ),
            ),
            codec.boolean,
            post,
        )

    def set_threshold(
        self, usage_point: int, threshold_w: int, daily_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """What the consumer wants to be told of: a power in a leaf, energy in a day; 0 is nothing."""
        return PublicCall(
            ContractCall(
                self.principal,
                "set-threshold",
                (codec.to_uint(usage_point), codec.to_uint(threshold_w), codec.to_uint(daily_wh)),
            ),
            codec.boolean,
            post,
        )

    def set_times(self, hours: tuple[int, ...], *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Sets the time of use of each hour of the day, for what is recorded from now on."""
        return PublicCall(
            ContractCall(self.principal, "set-times", (codec.to_list(hours, 24, codec.to_uint),)),
            codec.boolean,
            post,
        )

    def check_commitment(
        self, usage_point: int, consumer: Principal, day: int, salt: bytes, proofs: tuple[Proof, ...]
    ) -> ReadCall[CheckCommitmentResult]:
        """Checks leaves that a consumer shows to whom it likes against what it committed to, and each
        against its attestation; gives their sum and greatest power. A call that is read only runs at
        the reader's own node, and publishes nothing.
        """
        return ReadCall(
            self.principal,
            "check-commitment",
            (
                codec.to_uint(usage_point),
                codec.to_principal(consumer),
                codec.to_uint(day),
                codec.to_buff(salt, 32),
                codec.to_list(proofs, 96, Proof.value),
            ),
            responded(CheckCommitmentResult.read),
        )

    def get_category_day(self, category: int, day: int) -> ReadCall[CategoryDay]:
        """What all consumers of a category have used on a day (days since 1970, UTC), in Wh."""
        return ReadCall(
            self.principal,
            "get-category-day",
            (codec.to_uint(category), codec.to_uint(day)),
            CategoryDay.read,
        )

    def get_commitment(self, usage_point: int, consumer: Principal, day: int) -> ReadCall[bytes | None]:
        """`get-commitment` of `consumption-monitoring`."""
        return ReadCall(
            self.principal,
            "get-commitment",
            (codec.to_uint(usage_point), codec.to_principal(consumer), codec.to_uint(day)),
            codec.optional(codec.buff),
        )

    def get_commitment_digest(
        self, usage_point: int, day: int, salt: bytes, leaves: tuple[bytes, ...]
    ) -> ReadCall[bytes]:
        """What a consumer commits to: its leaves of a day, in order, under a salt."""
        return ReadCall(
            self.principal,
            "get-commitment-digest",
            (
                codec.to_uint(usage_point),
                codec.to_uint(day),
                codec.to_buff(salt, 32),
                codec.to_list(leaves, 96, lambda one: codec.to_buff(one, 32)),
            ),
            responded(codec.buff),
        )

    def get_consumer(self, usage_point: int) -> ReadCall[Consumer | None]:
        """`get-consumer` of `consumption-monitoring`."""
        return ReadCall(
            self.principal, "get-consumer", (codec.to_uint(usage_point),), codec.optional(Consumer.read)
        )

    def get_demand_pattern(self, category: int, hour: int) -> ReadCall[DemandPattern]:
        """What a category has used in an hour of the day (0 to 23, UTC), over all days."""
        return ReadCall(
            self.principal,
            "get-demand-pattern",
            (codec.to_uint(category), codec.to_uint(hour)),
            DemandPattern.read,
        )

    def get_profile(self, usage_point: int) -> ReadCall[Profile | None]:
        """How the consumer of a usage point uses energy, in sum: by time of use, on average, at most, and
        the share of it that falls on the peak.
        """
        return ReadCall(
            self.principal, "get-profile", (codec.to_uint(usage_point),), codec.optional(Profile.read)
        )

    def get_recorded(self, usage_point: int, window: int) -> ReadCall[Recorded | None]:
        """`get-recorded` of `consumption-monitoring`."""
        return ReadCall(
            self.principal,
            "get-recorded",
            (codec.to_uint(usage_point), codec.to_uint(window)),
            codec.optional(Recorded.read),
        )

    def get_recorded_zone(self, zone: int, window: int) -> ReadCall[RecordedZone | None]:
        """`get-recorded-zone` of `consumption-monitoring`."""
        return ReadCall(
            self.principal,
            "get-recorded-zone",
            (codec.to_uint(zone), codec.to_uint(window)),
            codec.optional(RecordedZone.read),
        )

    def get_time_of_use(self, window: int) -> ReadCall[int]:
        """The time of use of a window: 0 off peak, 1 in between, 2 on peak."""
        return ReadCall(self.principal, "get-time-of-use", (codec.to_uint(window),), codec.uint)

    def get_times(self) -> ReadCall[tuple[int, ...]]:
        """`get-times` of `consumption-monitoring`."""
        return ReadCall(self.principal, "get-times", (), codec.sequence(codec.uint))

    def get_zone_day(self, zone: int, day: int) -> ReadCall[CategoryDay]:
        """What all meters of a zone have used on a day, in Wh."""
        return ReadCall(
            self.principal, "get-zone-day", (codec.to_uint(zone), codec.to_uint(day)), CategoryDay.read
        )


ERR_ENCODING: Final = BY_CODE[700]
ERR_UNKNOWN_DEVICE: Final = BY_CODE[701]
ERR_NOT_OWNER: Final = BY_CODE[702]
ERR_CATEGORY: Final = BY_CODE[703]
ERR_HASH: Final = BY_CODE[704]
ERR_KNOWN: Final = BY_CODE[705]
ERR_NOT_REGISTERED: Final = BY_CODE[706]
ERR_RECORDED: Final = BY_CODE[707]
ERR_NOT_RECORDED: Final = BY_CODE[708]
ERR_OTHER_LEAF: Final = BY_CODE[709]
ERR_ENERGY: Final = BY_CODE[710]
ERR_NOT_GOVERNOR: Final = BY_CODE[711]
ERR_TIMES: Final = BY_CODE[712]
ERR_ZONE_MIN: Final = BY_CODE[713]
ERR_COMMITTED: Final = BY_CODE[714]
ERR_NOT_COMMITTED: Final = BY_CODE[715]
ERR_COMMITMENT: Final = BY_CODE[716]
ERR_LEAVES: Final = BY_CODE[717]

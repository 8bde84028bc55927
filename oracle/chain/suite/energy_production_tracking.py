"""The contract `energy-production-tracking`, typed.

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
from oracle.chain.suite.shapes import Leaf
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_ENERGY",
    "ERR_NOT_DUE",
    "ERR_NOT_OWNER",
    "ERR_NOT_PRODUCER",
    "ERR_NOT_SCHEDULED",
    "ERR_NO_SOURCE",
    "ERR_OVERLAP",
    "ERR_PLACE",
    "ERR_RECORDED",
    "ERR_SCHEDULED",
    "ERR_UNKNOWN_DEVICE",
    "DayPerformance",
    "DeviceDay",
    "EnergyProductionTrackingContract",
    "Leaf",
    "Link",
    "Maintenance",
    "Parameters",
    "Performance",
    "RecordEnergyProductionResult",
    "Recorded",
    "Scheduled",
    "SourceDay",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class RecordEnergyProductionResult:
    """A tuple of energy-production-tracking."""

    energy_wh: int
    minted_wh: int
    owed_wh: int
    producer: Principal

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "energy-wh": codec.to_uint(self.energy_wh),
            "minted-wh": codec.to_uint(self.minted_wh),
            "owed-wh": codec.to_uint(self.owed_wh),
            "producer": codec.to_principal(self.producer),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "energy-wh", "minted-wh", "owed-wh", "producer")
        return cls(
            codec.uint(held["energy-wh"]),
            codec.uint(held["minted-wh"]),
            codec.uint(held["owed-wh"]),
            codec.principal(held["producer"]),
        )


@dataclass(frozen=True, slots=True)
class DayPerformance:
    """A tuple of energy-production-tracking."""

    covered_s: int
    energy_wh: int
    others_bps: int
    ratio_bps: int
    relative_bps: int | None

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "covered-s": codec.to_uint(self.covered_s),
            "energy-wh": codec.to_uint(self.energy_wh),
            "others-bps": codec.to_uint(self.others_bps),
            "ratio-bps": codec.to_uint(self.ratio_bps),
            "relative-bps": codec.to_optional(self.relative_bps, codec.to_uint),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "covered-s", "energy-wh", "others-bps", "ratio-bps", "relative-bps")
        return cls(
            codec.uint(held["covered-s"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["others-bps"]),
            codec.uint(held["ratio-bps"]),
            codec.optional(codec.uint)(held["relative-bps"]),
        )


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """A tuple of energy-production-tracking."""

    covered_s: int
    energy_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "covered-s": codec.to_uint(self.covered_s),
            "energy-wh": codec.to_uint(self.energy_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "covered-s", "energy-wh")
        return cls(
            codec.uint(held["covered-s"]),
            codec.uint(held["energy-wh"]),
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A tuple of energy-production-tracking."""

    next: int | None
    previous: int | None
    since: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "next": codec.to_optional(self.next, codec.to_uint),
            "previous": codec.to_optional(self.previous, codec.to_uint),
            "since": codec.to_uint(self.since),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "next", "previous", "since")
        return cls(
            codec.optional(codec.uint)(held["next"]),
            codec.optional(codec.uint)(held["previous"]),
            codec.uint(held["since"]),
        )


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A tuple of energy-production-tracking."""

    at: int
    day: int
    reason: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "at": codec.to_uint(self.at),
            "day": codec.to_uint(self.day),
            "reason": codec.to_uint(self.reason),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "at", "day", "reason")
        return cls(
            codec.uint(held["at"]),
            codec.uint(held["day"]),
            codec.uint(held["reason"]),
        )


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A tuple of energy-production-tracking."""

    done_wh: int
    scheduled: Scheduled | None

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "done-wh": codec.to_uint(self.done_wh),
            "scheduled": codec.to_optional(self.scheduled, Scheduled.value),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "done-wh", "scheduled")
        return cls(
            codec.uint(held["done-wh"]),
            codec.optional(Scheduled.read)(held["scheduled"]),
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """A tuple of energy-production-tracking."""

    due_after_hours: int
    due_below_bps: int
    judged_s: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "due-after-hours": codec.to_uint(self.due_after_hours),
            "due-below-bps": codec.to_uint(self.due_below_bps),
            "judged-s": codec.to_uint(self.judged_s),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "due-after-hours", "due-below-bps", "judged-s")
        return cls(
            codec.uint(held["due-after-hours"]),
            codec.uint(held["due-below-bps"]),
            codec.uint(held["judged-s"]),
        )


@dataclass(frozen=True, slots=True)
class Performance:
    """A tuple of energy-production-tracking."""

    capacity_w: int
    covered_s: int
    energy_wh: int
    full_load_hours: int
    ratio_bps: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "capacity-w": codec.to_uint(self.capacity_w),
            "covered-s": codec.to_uint(self.covered_s),
            "energy-wh": codec.to_uint(self.energy_wh),
            "full-load-hours": codec.to_uint(self.full_load_hours),
            "ratio-bps": codec.to_uint(self.ratio_bps),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "capacity-w", "covered-s", "energy-wh", "full-load-hours", "ratio-bps")
        return cls(
            codec.uint(held["capacity-w"]),
            codec.uint(held["covered-s"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["full-load-hours"]),
            codec.uint(held["ratio-bps"]),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A tuple of energy-production-tracking."""

    assurance: int
    covered_s: int
    energy_wh: int
    producer: Principal
    quality: int
    revision: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "assurance": codec.to_uint(self.assurance),
            "covered-s": codec.to_uint(self.covered_s),
            "energy-wh": codec.to_uint(self.energy_wh),
            "producer": codec.to_principal(self.producer),
            "quality": codec.to_uint(self.quality),
            "revision": codec.to_uint(self.revision),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "assurance", "covered-s", "energy-wh", "producer", "quality", "revision")
        return cls(
            codec.uint(held["assurance"]),
            codec.uint(held["covered-s"]),
            codec.uint(held["energy-wh"]),
            codec.principal(held["producer"]),
            codec.uint(held["quality"]),
            codec.uint(held["revision"]),
        )


@dataclass(frozen=True, slots=True)
class SourceDay:
    """A tuple of energy-production-tracking."""

    capacity_ws: int
    energy_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "capacity-ws": codec.to_uint(self.capacity_ws),
            "energy-wh": codec.to_uint(self.energy_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "capacity-ws", "energy-wh")
        return cls(
            codec.uint(held["capacity-ws"]),
            codec.uint(held["energy-wh"]),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of energy-production-tracking."""

    counted: int
    minted: int
    owed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counted": codec.to_uint(self.counted),
            "minted": codec.to_uint(self.minted),
            "owed": codec.to_uint(self.owed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "counted", "minted", "owed")
        return cls(
            codec.uint(held["counted"]),
            codec.uint(held["minted"]),
            codec.uint(held["owed"]),
        )


@dataclass(frozen=True, slots=True)
class EnergyProductionTrackingContract:
    """`energy-production-tracking`.

    Decides: what each producer has fed in, by source and by day, and so who gets ENERGY: one unit
    for each Wh of a proven leaf, once. It also says how well equipment performs and when its output
    asks for maintenance.

    Immutable: a leaf counts once for each (usage point, window), and no two count the same time. A
    restatement replaces what was counted and never adds to it: a rise is minted to the producer of
    the first count, a fall is owed by the device, whose next energy pays it before any is minted.

    Who may call: anyone records, since the proof is the authority and the device's owner gets the
    units; anyone schedules maintenance that is due; the owner says it is done.

    Conservation: minted = counted (but for storage) + owed. Late data (A8) adds a leaf in the midst
    of the time that a later leaf has counted: it is refused until that one is recorded as restated,
    which begins where the late one ends. Energy of storage counts and is not minted, because it was
    when it was produced.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "energy-production-tracking")

    def complete_maintenance(self, usage_point: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """The owner has had the device maintained: its hours at full load begin anew."""
        return PublicCall(
            ContractCall(self.principal, "complete-maintenance", (codec.to_uint(usage_point),)),
            codec.boolean,
            post,
        )

    def record_energy_production(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[RecordEnergyProductionResult]:
        """Counts the energy out of a proven leaf and mints it to the device's owner. A later revision of
        the same leaf sets right what an earlier one said.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "record-energy-production",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            RecordEnergyProductionResult.read,
            post,
        )

    def record_late_production(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        near: int,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[RecordEnergyProductionResult]:
        """The same for a leaf that is far behind the newest of its device: `near` is the window of a
        recorded leaf that is at most 16 recorded leaves after it, or right before it.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "record-late-production",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                    codec.to_uint(near),
                ),
            ),
            RecordEnergyProductionResult.read,
            post,
        )

    def schedule_maintenance(
        self, usage_point: int, day: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Puts a device on the list of those whose output asks for maintenance. Gives the reason."""
        return PublicCall(
            ContractCall(
                self.principal, "schedule-maintenance", (codec.to_uint(usage_point), codec.to_uint(day))
            ),
            codec.uint,
            post,
        )

    def get_day_performance(self, usage_point: int, day: int) -> ReadCall[DayPerformance]:
        """The same of one day, and beside it what all others of the source yielded: `relative-bps` is the
        device's yield as a share of theirs, none if there are no others, if they yielded nothing, or if
        the day is not measured long enough.
        """
        return ReadCall(
            self.principal,
            "get-day-performance",
            (codec.to_uint(usage_point), codec.to_uint(day)),
            DayPerformance.read,
        )

    def get_device_day(self, usage_point: int, day: int) -> ReadCall[DeviceDay]:
        """`get-device-day` of `energy-production-tracking`."""
        return ReadCall(
            self.principal, "get-device-day", (codec.to_uint(usage_point), codec.to_uint(day)), DeviceDay.read
        )

    def get_due_reason(self, usage_point: int, day: int) -> ReadCall[int | None]:
        """Why maintenance is due by the output of a day: 1 it yielded less than its like, 2 it has run
        long enough; none if it is not due.
        """
        return ReadCall(
            self.principal,
            "get-due-reason",
            (codec.to_uint(usage_point), codec.to_uint(day)),
            codec.optional(codec.uint),
        )

    def get_energy_production(self, producer: Principal) -> ReadCall[int]:
        """All that a producer has fed in, in Wh."""
        return ReadCall(self.principal, "get-energy-production", (codec.to_principal(producer),), codec.uint)

    def get_link(self, usage_point: int, window: int) -> ReadCall[Link | None]:
        """The recorded leaf's beginning and its neighbours."""
        return ReadCall(
            self.principal,
            "get-link",
            (codec.to_uint(usage_point), codec.to_uint(window)),
            codec.optional(Link.read),
        )

    def get_maintenance(self, usage_point: int) -> ReadCall[Maintenance]:
        """`get-maintenance` of `energy-production-tracking`."""
        return ReadCall(self.principal, "get-maintenance", (codec.to_uint(usage_point),), Maintenance.read)

    def get_newest(self, usage_point: int) -> ReadCall[int | None]:
        """The newest recorded window of a device."""
        return ReadCall(
            self.principal, "get-newest", (codec.to_uint(usage_point),), codec.optional(codec.uint)
        )

    def get_owed(self, usage_point: int) -> ReadCall[int]:
        """What the device's next energy pays before any is minted, in Wh."""
        return ReadCall(self.principal, "get-owed", (codec.to_uint(usage_point),), codec.uint)

    def get_parameters(self) -> ReadCall[Parameters]:
        """`get-parameters` of `energy-production-tracking`."""
        return ReadCall(self.principal, "get-parameters", (), Parameters.read)

    def get_performance(self, usage_point: int) -> ReadCall[Performance | None]:
        """How a device has performed since its first leaf: energy as a share of what its capacity gives in
        that time, and its hours at full load since the last maintenance.
        """
        return ReadCall(
            self.principal, "get-performance", (codec.to_uint(usage_point),), codec.optional(Performance.read)
        )

    def get_production_by_source(self, source: int) -> ReadCall[int]:
        """All that was fed in from a source, in Wh."""
        return ReadCall(self.principal, "get-production-by-source", (codec.to_uint(source),), codec.uint)

    def get_production_of_day(self, producer: Principal, source: int, day: int) -> ReadCall[int]:
        """The same of one source and one day (days since 1970, UTC)."""
        return ReadCall(
            self.principal,
            "get-production-of-day",
            (codec.to_principal(producer), codec.to_uint(source), codec.to_uint(day)),
            codec.uint,
        )

    def get_recorded(self, usage_point: int, window: int) -> ReadCall[Recorded | None]:
        """What is counted of a leaf, none if it is not recorded."""
        return ReadCall(
            self.principal,
            "get-recorded",
            (codec.to_uint(usage_point), codec.to_uint(window)),
            codec.optional(Recorded.read),
        )

    def get_source_day(self, source: int, day: int) -> ReadCall[SourceDay]:
        """`get-source-day` of `energy-production-tracking`."""
        return ReadCall(
            self.principal, "get-source-day", (codec.to_uint(source), codec.to_uint(day)), SourceDay.read
        )

    def get_totals(self) -> ReadCall[Totals]:
        """Energy counted for minting, minted, and owed, in Wh."""
        return ReadCall(self.principal, "get-totals", (), Totals.read)


ERR_NOT_PRODUCER: Final = BY_CODE[660]
ERR_NO_SOURCE: Final = BY_CODE[661]
ERR_RECORDED: Final = BY_CODE[662]
ERR_ENERGY: Final = BY_CODE[663]
ERR_UNKNOWN_DEVICE: Final = BY_CODE[664]
ERR_SCHEDULED: Final = BY_CODE[665]
ERR_NOT_DUE: Final = BY_CODE[666]
ERR_NOT_OWNER: Final = BY_CODE[667]
ERR_NOT_SCHEDULED: Final = BY_CODE[668]
ERR_OVERLAP: Final = BY_CODE[669]
ERR_PLACE: Final = BY_CODE[670]

"""Readings as columns, and R2: which of two readings of one usage point ranks first.

`Readings` is n readings side by side; `Plane` is one place for every usage point of the
registry, so a million meters are a few arrays and not a million objects. A place whose
assurance is 0 is empty. An interval reading counts from the end of its window, where
its energy is complete; a missing register is -1 and stays where it was when the window
is summarised.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from consensus.model import Rejected
from oracle.model import Assurance, Quality, Reading, RecordHash, UsagePoint
from oracle.windows.packing import Misfit, join_rows, split_rows
from oracle.windows.rows import Ints, Mask, Octets

Rank = tuple[int, int, bytes, int, int, int, int, int, int]
"""A key under R2; the lowest ranks first.

Time, sequence and record are R2. The rest only orders what one record may say twice of one
usage point and second, so that the order is total: lower registers, stronger assurance.
"""
MISSING: Final = -1
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of equal length. `time_s` is UTC; of an interval, its end.

    `import_wh` and `export_wh` are registers, or energy where `interval` is set.
    """

    time_s: Ints
    import_wh: Ints
    export_wh: Ints
    sequence: Ints
    register_max_wh: Ints
    interval: Mask
    quality: Octets
    assurance: Octets
    record: Octets

    @classmethod
    def empty(cls, count: int) -> Readings:
        """`count` empty places; the memory is touched only when something is put there."""
        return cls(
            time_s=np.zeros(count, np.int64),
            import_wh=np.zeros(count, np.int64),
            export_wh=np.zeros(count, np.int64),
            sequence=np.zeros(count, np.int64),
            register_max_wh=np.zeros(count, np.int64),
            interval=np.zeros(count, np.bool_),
            quality=np.zeros(count, np.uint8),
            assurance=np.zeros(count, np.uint8),
            record=np.zeros((count, _HASH_BYTES), np.uint8),
        )

    def __len__(self) -> int:
        """How many places, empty ones included."""
        return len(self.time_s)

    @property
    def held(self) -> Mask:
        """Which places are taken."""
        return self.assurance.astype(np.bool_)

    def take(self, at: Ints | Mask | slice) -> Readings:
        """Some of the places, in the order given."""
        return Readings(*(getattr(self, field.name)[at] for field in fields(self)))

    def put(self, at: Ints | Mask, values: Readings) -> None:
        """Write `values` into the places `at`."""
        for field in fields(self):
            getattr(self, field.name)[at] = getattr(values, field.name)

    def replaced_by(self, other: Readings, where: Mask) -> Readings:
        """A copy that has `other`'s places `where` says so."""
        found = self.take(np.arange(len(self)))
        found.put(where, other.take(where))
        return found


def outranks(these: Readings, those: Readings) -> Mask:
    """R2, place by place: latest within the window, highest sequence, lowest record hash.

    A full place outranks an empty one, which is all zeros; nothing outranks its equal. Records
    that are the same are the same reading here: `Plane` decides what one record tells.
    """
    better = these.time_s > those.time_s
    level = these.time_s == those.time_s
    better |= level & (these.sequence > those.sequence)
    at = np.flatnonzero(level & (these.sequence == those.sequence))
    better[at] = _lower_hash(these.record[at], those.record[at])
    return better


def _lower_hash(these: Octets, those: Octets) -> Mask:
    """Where these are below those as big-endian numbers."""
    left, right = hash_words(these), hash_words(those)
    first = (left != right).argmax(axis=1)
    rows = np.arange(len(left))
    lower: Mask = left[rows, first] < right[rows, first]
    return lower


def hash_words(records: Octets) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Hashes as four integers each, so that they sort as their bytes do."""
    return np.ascontiguousarray(records).view(">u8").astype(np.uint64)


class Plane:
    """One place for every usage point; single readings go in and are compared without numpy."""

    def __init__(self, readings: Readings) -> None:
        self.readings: Final = readings
        self._time = readings.time_s.data
        self._import = readings.import_wh.data
        self._export = readings.export_wh.data
        self._sequence = readings.sequence.data
        self._register_max = readings.register_max_wh.data
        self._interval = readings.interval.data
        self._quality = readings.quality.data
        self._assurance = readings.assurance.data
        self._record = readings.record.reshape(-1).data

    def taken(self, index: int) -> bool:
        """Whether a reading stands at the usage point's place."""
        return self._assurance[index] != 0

    def record(self, index: int) -> bytes:
        """The hash of the record at the place."""
        return bytes(self._record[index * _HASH_BYTES : (index + 1) * _HASH_BYTES])

    def rank(self, index: int) -> Rank:
        """The place's key under R2; the lowest ranks first."""
        return (
            -self._time[index],
            -self._sequence[index],
            self.record(index),
            self._import[index],
            self._export[index],
            self._assurance[index],
            self._quality[index],
            self._register_max[index],
            self._interval[index],
        )

    def put(self, index: int, reading: Reading, end_s: int) -> None:
        """Write one reading; `end_s` is the end of its window."""
        first, second = _amounts(reading)
        self._time[index] = _closing_time_s(reading, end_s)
        self._import[index] = first
        self._export[index] = second
        self._sequence[index] = reading.sequence
        self._register_max[index] = reading.register_digits_max_wh
        self._interval[index] = reading.interval_wh is not None
        self._quality[index] = reading.quality
        self._assurance[index] = reading.assurance
        self._record[index * _HASH_BYTES : (index + 1) * _HASH_BYTES] = reading.record


def rank(reading: Reading, end_s: int) -> Rank:
    """A reading's key under R2, as `Plane.rank` gives it."""
    first, second = _amounts(reading)
    return (
        -_closing_time_s(reading, end_s),
        -reading.sequence,
        reading.record,
        first,
        second,
        reading.assurance,
        reading.quality,
        reading.register_digits_max_wh,
        reading.interval_wh is not None,
    )


def _closing_time_s(reading: Reading, end_s: int) -> int:
    return reading.time_s if reading.interval_wh is None else end_s


def _amounts(reading: Reading) -> tuple[int, int]:
    if reading.interval_wh is not None:
        return reading.interval_wh
    first, second = reading.import_register_wh, reading.export_register_wh
    return MISSING if first is None else first, MISSING if second is None else second


@dataclass(frozen=True, slots=True)
class Rows:
    """Which record stands for which usage point; sorted by usage point, each once."""

    usage_points: Ints
    records: Octets

    def __len__(self) -> int:
        """How many rows."""
        return len(self.usage_points)

    def pairs(self) -> tuple[tuple[UsagePoint, RecordHash], ...]:
        """The rows as objects."""
        return tuple(
            (UsagePoint(point), RecordHash(record.tobytes()))
            for point, record in zip(self.usage_points.tolist(), self.records, strict=True)
        )

    def to_bytes(self) -> bytes:
        """40 bytes a row."""
        return join_rows((self.usage_points,), self.records)

    @classmethod
    def from_bytes(cls, data: bytes, *, rows_max: int) -> Rows | Rejected:
        """Read rows from a peer."""
        if len(data) > rows_max * (8 + _HASH_BYTES):
            return Rejected(Misfit.TOO_MANY)
        split = split_rows(data, 1)
        if split is None:
            return Rejected(Misfit.MALFORMED, "no whole number of rows")
        (points,), records = split
        if not ascending(points):
            return Rejected(Misfit.MALFORMED, "usage points are not ascending")
        return cls(points, records)


def ascending(column: Ints) -> bool:
    """Whether a column of ids is sorted, free of repetition and not negative."""
    return bool((column[1:] > column[:-1]).all() and (len(column) == 0 or column[0] >= 0))


def single(readings: Readings, at: int, usage_point: int, window_s: int) -> Reading:
    """One place of the columns as a Reading again, the inverse of `Plane.put`."""
    interval = bool(readings.interval[at])
    first, second = int(readings.import_wh[at]), int(readings.export_wh[at])
    time_s = int(readings.time_s[at])
    return Reading(
        usage_point=UsagePoint(usage_point),
        time_s=time_s - window_s if interval else time_s,
        import_register_wh=None if interval or first == MISSING else first,
        export_register_wh=None if interval or second == MISSING else second,
        sequence=int(readings.sequence[at]),
        quality=Quality(int(readings.quality[at])),
        assurance=Assurance(int(readings.assurance[at])),
        record=RecordHash(readings.record[at].tobytes()),
        register_digits_max_wh=int(readings.register_max_wh[at]),
        interval_wh=(first, second) if interval else None,
    )

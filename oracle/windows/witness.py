"""R4, the weakest assurance: unsigned readings, as several operators say they saw them.

Decides one closing reading of a usage point from the observations of a quorum: the lower
median by (import, export, record hash). With at most f liars among q observers the median
lies between two honest values. Does not know who signed a batch; the caller has verified
that each slot's rows carry that operator's signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from consensus.model import NodeId, Rejected
from oracle.model import Assurance, Quality
from oracle.windows.packing import Misfit, join_rows, split_rows
from oracle.windows.readings import MISSING, Readings, ascending, hash_words
from oracle.windows.registry import Registry
from oracle.windows.rows import Ints, Mask, Octets
from oracle.windows.vee import REGISTER_WH_MAX, Rules

_ROW_BYTES = 72


@dataclass(frozen=True, slots=True)
class Observations:
    """What one node saw of unsigned meters; sorted by usage point, each once.

    A register that the source does not have is -1.
    """

    usage_points: Ints
    time_s: Ints
    import_register_wh: Ints
    export_register_wh: Ints
    sequence: Ints
    records: Octets

    def __len__(self) -> int:
        """How many usage points."""
        return len(self.usage_points)

    def take(self, at: Ints | Mask) -> Observations:
        """Some of the rows."""
        return Observations(*(getattr(self, field.name)[at] for field in fields(self)))

    def to_bytes(self) -> bytes:
        """72 bytes a row: what an operator signs."""
        return join_rows(self._columns(), self.records)

    @classmethod
    def from_bytes(cls, data: bytes, *, rows_max: int) -> Observations | Rejected:
        """Read a peer's batch."""
        if len(data) > rows_max * _ROW_BYTES:
            return Rejected(Misfit.TOO_MANY)
        split = split_rows(data, 5)
        if split is None:
            return Rejected(Misfit.MALFORMED, "no whole number of rows")
        columns, records = split
        if not ascending(columns[0]):
            return Rejected(Misfit.MALFORMED, "usage points are not ascending")
        points, time_s, import_register_wh, export_register_wh, sequence = columns
        return cls(points, time_s, import_register_wh, export_register_wh, sequence, records)

    def _columns(self) -> tuple[Ints, ...]:
        return (
            self.usage_points,
            self.time_s,
            self.import_register_wh,
            self.export_register_wh,
            self.sequence,
        )


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Closing readings by median; `indices` are usage points of the registry, ascending."""

    window: int
    indices: Ints
    readings: Readings


def witnessed(
    registry: Registry,
    rules: Rules,
    window: int,
    batches: Mapping[NodeId, Observations],
    quorum: int,
) -> Witnessed:
    """The median reading of every usage point that at least `quorum` slots observed.

    Rows of strangers, from outside the window or of impossible registers count for nothing,
    so every node that is given the same batches finds the same readings.
    """
    valid = [_valid(registry, rules, window, batches[slot]) for slot in sorted(batches)]
    indices = np.concatenate([np.zeros(0, np.int64), *(found for found, _ in valid)])
    if not len(indices):
        return Witnessed(window, indices, Readings.empty(0))
    rows = _joined([some for _, some in valid])
    words = hash_words(rows.records)
    order = np.lexsort(
        (
            rows.sequence,
            rows.time_s,
            words[:, 3],
            words[:, 2],
            words[:, 1],
            words[:, 0],
            rows.export_register_wh,
            rows.import_register_wh,
            indices,
        )
    )
    seen, starts, counts = np.unique(indices[order], return_index=True, return_counts=True)
    enough = counts >= quorum
    middle = order[starts[enough] + (counts[enough] - 1) // 2]
    return Witnessed(window, seen[enough], _as_readings(rows.take(middle)))


def _valid(registry: Registry, rules: Rules, window: int, rows: Observations) -> tuple[Ints, Observations]:
    end = window + rules.window_s
    indices = registry.indices_of(rows.usage_points)
    good = (indices >= 0) & (rows.time_s > max(window, end - rules.tolerance_s - 1))
    good &= (rows.time_s <= end) & (rows.sequence >= 0)
    for register in (rows.import_register_wh, rows.export_register_wh):
        good &= (register >= MISSING) & (register <= REGISTER_WH_MAX)
    good &= (rows.import_register_wh != MISSING) | (rows.export_register_wh != MISSING)
    return indices[good], rows.take(good)


def _joined(batches: list[Observations]) -> Observations:
    names = [field.name for field in fields(Observations)]
    return Observations(*(np.concatenate([getattr(rows, name) for rows in batches]) for name in names))


def _as_readings(rows: Observations) -> Readings:
    count = len(rows)
    return Readings(
        time_s=rows.time_s,
        import_wh=rows.import_register_wh,
        export_wh=rows.export_register_wh,
        sequence=rows.sequence,
        register_max_wh=np.zeros(count, np.int64),
        interval=np.zeros(count, np.bool_),
        quality=np.full(count, Quality.RAW, np.uint8),
        assurance=np.full(count, Assurance.WITNESSED, np.uint8),
        record=rows.records,
    )

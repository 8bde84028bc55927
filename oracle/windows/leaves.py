"""Leaves as columns (R3), their canonical bytes, and exact sums over them.

Sorted by zone, then usage point, as their trees are (R6). Knows neither readings nor how
energy was derived.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from oracle.model import (
    QUALITY_BEST_TO_WORST,
    QUALITY_CLASS,
    Assurance,
    Counts,
    Leaf,
    RecordHash,
    UsagePoint,
    WindowStart,
)
from oracle.windows.rows import UINT, Ints, Octets, RowShape

LEAF_SHAPE: Final = RowShape(
    {
        "usage-point": UINT,
        "window": UINT,
        "import-register": UINT,
        "export-register": UINT,
        "import-wh": UINT,
        "export-wh": UINT,
        "since": UINT,
        "quality": UINT,
        "assurance": UINT,
        "record": 32,
    }
)
_CLASSES: Final = ("validated", "derived", "estimated", "questionable")
_CLASS_OF: Final = np.full(256, -1, np.int64)
for _code, _name in QUALITY_CLASS.items():
    _CLASS_OF[_code] = _CLASSES.index(_name)


@dataclass(frozen=True, slots=True)
class Leaves:
    """Columns of equal length: registers and energy in Wh, `since_s` UTC seconds."""

    zone: Ints
    usage_point: Ints
    import_register_wh: Ints
    export_register_wh: Ints
    import_wh: Ints
    export_wh: Ints
    since_s: Ints
    quality: Octets
    assurance: Octets
    record: Octets

    def __len__(self) -> int:
        """How many leaves."""
        return len(self.usage_point)

    def in_order(self) -> Leaves:
        """The same leaves by zone, then usage point."""
        order = np.lexsort((self.usage_point, self.zone))
        return Leaves(*(getattr(self, field.name)[order] for field in fields(self)))

    def joined(self, other: Leaves) -> Leaves:
        """These leaves and those, in order."""
        return Leaves(
            *(
                np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            )
        ).in_order()

    def is_ordered(self) -> bool:
        """Whether the order is strict: no usage point twice in a zone."""
        zones, points = self.zone, self.usage_point
        later = zones[1:] > zones[:-1]
        return bool((later | ((zones[1:] == zones[:-1]) & (points[1:] > points[:-1]))).all())

    def leaf(self, at: int, window: WindowStart) -> Leaf:
        """One leaf as an object."""
        return Leaf(
            usage_point=UsagePoint(int(self.usage_point[at])),
            window=window,
            import_register_wh=int(self.import_register_wh[at]),
            export_register_wh=int(self.export_register_wh[at]),
            import_wh=int(self.import_wh[at]),
            export_wh=int(self.export_wh[at]),
            since=WindowStart(int(self.since_s[at])),
            quality=int(self.quality[at]),
            assurance=int(self.assurance[at]),
            record=RecordHash(self.record[at].tobytes()),
        )

    def hashes(self, window: WindowStart) -> bytes:
        """sha256d of each leaf's canonical bytes, 32 bytes a leaf in one buffer."""
        return LEAF_SHAPE.leaf_hashes(
            {
                "usage-point": self.usage_point,
                "window": np.full(len(self), window, np.int64),
                "import-register": self.import_register_wh,
                "export-register": self.export_register_wh,
                "import-wh": self.import_wh,
                "export-wh": self.export_wh,
                "since": self.since_s,
                "quality": self.quality,
                "assurance": self.assurance,
                "record": self.record,
            }
        )

    def has_known_codes(self) -> bool:
        """Whether every quality and assurance is one that exists."""
        known = (_CLASS_OF[self.quality] >= 0) & (self.assurance >= Assurance.METER_SIGNED)
        return bool((known & (self.assurance <= Assurance.WITNESSED)).all())


def sums(column: Ints, starts: Ints) -> list[int]:
    """Exact sums of non-negative integers over the runs that begin at `starts`.

    Added in halves of 32 bits: 2^24 leaves of up to 2^63 Wh do not fit one column.
    """
    low = np.add.reduceat(column & 0xFFFFFFFF, starts).tolist()
    high = np.add.reduceat(column >> 32, starts).tolist()
    return [(upper << 32) + lower for upper, lower in zip(high, low, strict=True)]


def counts_of(leaves: Leaves, group: Ints, groups: int) -> list[Counts]:
    """How many leaves of each class and assurance are in each group; `group` numbers them."""
    classes = np.bincount(group * 4 + _CLASS_OF[leaves.quality], minlength=groups * 4)
    kinds = np.bincount(group * 4 + leaves.assurance, minlength=groups * 4)
    return [
        Counts(*of_class, *of_kind[1:])
        for of_class, of_kind in zip(
            classes.reshape(groups, 4).tolist(), kinds.reshape(groups, 4).tolist(), strict=True
        )
    ]


def worst(qualities: list[int]) -> int:
    """The worst of quality codes; of none, the best there is."""
    return max(qualities, key=QUALITY_BEST_TO_WORST.index, default=QUALITY_BEST_TO_WORST[0])


def added(counts: list[Counts]) -> Counts:
    """Counts added up."""
    names = [field.name for field in fields(Counts)]
    return Counts(*(sum(getattr(one, name) for one in counts) for name in names))

"""A2: what a node holds of a window, in a few kilobytes, and where two nodes differ.

A presence bitmap over the usage points, then a digest for each bucket of neighbours. Equal
inventories mean the same closing record for every usage point; unequal ones name the
buckets to compare row by row. Buckets are ranges of indices, their number follows from
the registry's size: a meter that moves cannot choose its bucket, and an outage of
neighbours costs few of them.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from consensus.model import Rejected
from oracle.windows.packing import Misfit
from oracle.windows.readings import Rows
from oracle.windows.rows import Ints

POINTS_A_BUCKET: Final = 64
BUCKETS_MAX: Final = 1 << 14
"""Best of the sizes that were measured at a million meters and a thousand differences."""
DIGEST_BYTES: Final = 16
_HEADER_BYTES: Final = 16
_ROW_BYTES: Final = 40


def bucket_count(points: int) -> int:
    """How many buckets a registry of `points` usage points has; a power of two."""
    wanted = max(points // POINTS_A_BUCKET, 1)
    return min(1 << (wanted - 1).bit_length(), BUCKETS_MAX)


def bucket_range(bucket: int, points: int) -> tuple[int, int]:
    """The indices [low, high) of a bucket."""
    count = bucket_count(points)
    return bucket * points // count, (bucket + 1) * points // count


@dataclass(frozen=True, slots=True)
class Inventory:
    """`present` has a bit for each usage point, first index in the highest bit of a byte."""

    window: int
    points: int
    present: bytes
    digests: tuple[bytes, ...]

    def differing(self, other: Inventory) -> tuple[int, ...]:
        """Buckets in which the two differ; of another window or registry all of ours."""
        if (self.window, self.points) != (other.window, other.points):
            return tuple(range(len(self.digests)))
        pairs = zip(self.digests, other.digests, strict=True)
        return tuple(at for at, (mine, theirs) in enumerate(pairs) if mine != theirs)

    def only_in(self, other: Inventory) -> Ints:
        """Indices of usage points that the other has a record of and this one has not."""
        if self.points != other.points:
            return np.zeros(0, np.int64)
        mine, theirs = (np.frombuffer(one.present, np.uint8) for one in (self, other))
        return np.flatnonzero(np.unpackbits(theirs & ~mine, count=self.points)).astype(np.int64)

    def to_bytes(self) -> bytes:
        """Window and size in 8 bytes each, bitmap, digests: 387 kB for a million meters."""
        header = self.window.to_bytes(8, "big") + self.points.to_bytes(8, "big")
        return b"".join((header, self.present, *self.digests))

    @classmethod
    def from_bytes(cls, data: bytes, *, points: int) -> Inventory | Rejected:
        """Read a peer's inventory over a registry of the same `points` usage points."""
        buckets, bitmap = bucket_count(points), (points + 7) // 8
        if len(data) != _HEADER_BYTES + bitmap + buckets * DIGEST_BYTES:
            return Rejected(Misfit.MALFORMED, "not the length for this registry")
        if int.from_bytes(data[8:_HEADER_BYTES], "big") != points:
            return Rejected(Misfit.OTHER_REGISTRY)
        present = data[_HEADER_BYTES : _HEADER_BYTES + bitmap]
        if points % 8 and present[-1] & (0xFF >> points % 8):
            return Rejected(Misfit.MALFORMED, "bits beyond the last usage point")
        rest = data[_HEADER_BYTES + bitmap :]
        digests = tuple(rest[at : at + DIGEST_BYTES] for at in range(0, len(rest), DIGEST_BYTES))
        return cls(int.from_bytes(data[:8], "big"), points, present, digests)


def inventory_of(window: int, points: int, indices: Ints, rows: Rows) -> Inventory:
    """The inventory of closing records; `indices` are those of the rows' usage points."""
    present = np.zeros(points, np.bool_)
    present[indices] = True
    count = bucket_count(points)
    starts = np.arange(count + 1) * points // count
    cuts = (np.searchsorted(indices, starts) * _ROW_BYTES).tolist()
    data = rows.to_bytes()
    digests = tuple(
        hashlib.sha256(data[low:high]).digest()[:DIGEST_BYTES] for low, high in itertools.pairwise(cuts)
    )
    return Inventory(window, points, np.packbits(present).tobytes(), digests)

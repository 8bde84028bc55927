"""What a node held of a window when it closed, small enough to keep: for `explain`.

Two nodes that settle a window alike, or do not, can be compared by this: how many records,
one digest over them in canonical order, and the rows themselves while they are few. Decides
nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.messages import Fields, WrongShape
from consensus.model import Rejected
from oracle.model import WindowStart
from oracle.windows.readings import Rows

ROWS_KEPT_MAX: Final = 4096
"""160 kB; of a larger window count and digest are kept, and its first rows."""
_ROW_BYTES: Final = 40


@dataclass(frozen=True, slots=True)
class InputSet:
    """Records by usage point: all counted and digested, `rows` the first ROWS_KEPT_MAX."""

    count: int
    digest: bytes
    """sha256 over 40 bytes a row: usage point, record hash; by ascending usage point."""
    rows: Rows

    @classmethod
    def of(cls, rows: Rows) -> InputSet:
        """Of rows in any order."""
        order = np.argsort(rows.usage_points, kind="stable")
        ordered = Rows(rows.usage_points[order], rows.records[order])
        kept = Rows(ordered.usage_points[:ROWS_KEPT_MAX], ordered.records[:ROWS_KEPT_MAX])
        return cls(len(ordered), hashlib.sha256(ordered.to_bytes()).digest(), kept)

    @property
    def complete(self) -> bool:
        """Whether every row is kept."""
        return len(self.rows) == self.count

    def value(self) -> dict[str, Value]:
        """For the history."""
        return {"count": self.count, "digest": self.digest, "rows": self.rows.to_bytes()}

    @classmethod
    def read(cls, fields: Fields) -> InputSet:
        """From the history. Raises WrongShape."""
        count, digest = fields.uint("count"), fields.buff("digest", 32)
        rows = Rows.from_bytes(fields.buff("rows", 0, ROWS_KEPT_MAX * _ROW_BYTES), rows_max=ROWS_KEPT_MAX)
        if isinstance(rows, Rejected):
            raise WrongShape("no rows")
        return cls(count, digest, rows)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was held at the close: `chosen` would close the window, `observed` was seen of unsigned meters."""

    window: WindowStart
    chosen: InputSet
    observed: InputSet

    def to_bytes(self) -> bytes:
        """For the history."""
        return encode(
            {"window": self.window, "chosen": self.chosen.value(), "observed": self.observed.value()}
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Inputs | None:
        """From the history; None for what another version wrote: nothing hangs on it."""
        try:
            fields = Fields(decode(data))
            return cls(
                WindowStart(fields.uint("window")),
                InputSet.read(Fields(fields.fields("chosen"))),
                InputSet.read(Fields(fields.fields("observed"))),
            )
        except (WrongShape, EncodingError):
            return None

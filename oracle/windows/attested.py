"""What the network has attested last of every usage point: the memory between windows.

Registers from which the next energy is counted, and runs of zero or equal energy for the
flags. Everything here follows from leaves alone, so a node that was away rebuilds it from
attested windows (U1). Immutable: a window gives a new state and leaves the old one, which a
round that is not decided needs again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from consensus.model import Rejected
from oracle.windows.energy import NEVER, Registers
from oracle.windows.packing import ColumnReader, ColumnWriter, DamagedError, Misfit
from oracle.windows.registry import Registry
from oracle.windows.rows import Ints
from oracle.windows.window_data import WindowData

_MAGIC: Final = b"WATT-REGISTERS-1"
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Columns:
    """By usage-point index. Registers and energy of the last leaf in Wh; times in seconds."""

    since_s: Ints
    import_register_wh: Ints
    export_register_wh: Ints
    import_wh: Ints
    export_wh: Ints
    zero_s: Ints
    """For how long there was no energy at all."""
    alike: Ints
    """How many leaves in a row had the same energy, this one included."""

    def take(self, at: Ints) -> Columns:
        """Some of the places."""
        return Columns(*(getattr(self, field.name)[at] for field in fields(self)))

    def put(self, at: Ints, values: Columns) -> Columns:
        """A copy with `values` at the places `at`."""
        copy = Columns(*(getattr(self, field.name).copy() for field in fields(self)))
        for field in fields(self):
            getattr(copy, field.name)[at] = getattr(values, field.name)
        return copy


@dataclass(frozen=True, slots=True)
class Attested:
    """The state over one registry; begin with `Attested.initial`."""

    registry: Registry
    columns: Columns

    @classmethod
    def initial(cls, registry: Registry) -> Attested:
        """Nothing attested yet."""
        return cls(registry, _blank(len(registry)))

    def registers(self, indices: Ints) -> Registers:
        """The registers from which energy is counted."""
        some = self.columns.take(indices)
        return Registers(some.since_s, some.import_register_wh, some.export_register_wh)

    def runs(
        self, indices: Ints, window: int, since_s: Ints, import_wh: Ints, export_wh: Ints
    ) -> tuple[Ints, Ints]:
        """`zero_s` and `alike` after leaves with this energy."""
        before = self.columns.take(indices)
        silent = (import_wh == 0) & (export_wh == 0)
        zero_s = np.where(silent & (since_s < window), before.zero_s + window - since_s, 0)
        same = (import_wh == before.import_wh) & (export_wh == before.export_wh)
        return zero_s, np.where(silent, 0, np.where(same, before.alike + 1, 1))

    def apply(self, data: WindowData) -> Attested:
        """The state after an attested window or restatement.

        Leaves of usage points that already have one of this window or a later one change
        nothing: applying twice is applying once, and a restatement adds only what is new.
        """
        window, leaves = int(data.summary.window), data.leaves
        indices = self.registry.indices_of(leaves.usage_point)
        rows = np.flatnonzero(indices >= 0)
        rows = rows[self.columns.since_s[indices[rows]] < window]
        at = indices[rows]
        import_wh, export_wh = leaves.import_wh[rows], leaves.export_wh[rows]
        zero_s, alike = self.runs(at, window, leaves.since_s[rows], import_wh, export_wh)
        after = Columns(
            since_s=np.full(len(rows), window, np.int64),
            import_register_wh=leaves.import_register_wh[rows],
            export_register_wh=leaves.export_register_wh[rows],
            import_wh=import_wh,
            export_wh=export_wh,
            zero_s=zero_s,
            alike=alike,
        )
        return Attested(self.registry, self.columns.put(at, after))

    def rebase(self, registry: Registry) -> Attested:
        """The state over another registry.

        A usage point whose meter was exchanged (another meter id) begins anew: the registers
        of two meters have no difference.
        """
        to = registry.indices_of(self.registry.usage_points)
        stays = np.flatnonzero(to >= 0)
        same = (self.registry.meter_ids[stays] == registry.meter_ids[to[stays]]).all(axis=1)
        stays = stays[same]
        columns = _blank(len(registry)).put(to[stays], self.columns.take(stays))
        return Attested(registry, columns)

    @property
    def digest(self) -> bytes:
        """sha256 of `to_bytes`: two nodes with the same history have the same."""
        return hashlib.sha256(self.to_bytes()).digest()

    def to_bytes(self) -> bytes:
        """About 30 bytes a usage point."""
        out = ColumnWriter()
        out.octets(np.frombuffer(_MAGIC + self.registry.root, np.uint8))
        for field in fields(Columns):
            shift = 1 if field.name == "since_s" else 0  # NEVER becomes 0
            out.ints(getattr(self.columns, field.name) + shift)
        return out.bytes()

    @classmethod
    def from_bytes(cls, registry: Registry, data: bytes) -> Attested | Rejected:
        """Read a state that was written over this very registry."""
        reader = ColumnReader(data)
        try:
            if reader.octets(len(_MAGIC)).tobytes() != _MAGIC:
                return Rejected(Misfit.MALFORMED, "not an attested state")
            if reader.octets(_HASH_BYTES).tobytes() != registry.root:
                return Rejected(Misfit.OTHER_REGISTRY)
            since_s, *others = [reader.ints(len(registry)) for _ in fields(Columns)]
            reader.end()
        except DamagedError as fault:
            return Rejected(Misfit.MALFORMED, str(fault))
        return cls(registry, Columns(since_s - 1, *others))


def _blank(count: int) -> Columns:
    zeros = [np.zeros(count, np.int64) for _ in fields(Columns)]
    return Columns(np.full(count, NEVER, np.int64), *zeros[1:])

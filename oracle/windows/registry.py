"""The network's registry of devices as columns: who may be read, where, and how much.

Decides the registry's root and a meter's place in every column of a window. A usage point
is a meter; gateways stand in the tree and have no column. Knows nothing of readings, nor
of how the registry came to be agreed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import numpy as np

from oracle.model import Device, DeviceKind
from oracle.windows.rows import UINT, Ints, Octets, RowShape
from oracle.windows.tree import LEAVES_MAX, Tree

ID_MAX: Final = (1 << 63) - 1
CAPACITY_W_MAX: Final = 10**12
"""A terawatt: more is no physical bound, and would overflow the arithmetic of one."""
_HASH_BYTES: Final = 32


class Registry:
    """An immutable registry.

    `devices` are sorted by id without repetition. Raises ValueError where they are not, or
    where one does not fit the columns (ids and zones below 2^63, capacity to a terawatt).
    """

    def __init__(self, devices: tuple[Device, ...]) -> None:
        _check_devices(devices)
        self.devices: Final = devices
        self._device_ids = [device.device for device in devices]
        meters = [device for device in devices if device.kind is DeviceKind.METER]
        self.usage_points: Final = _ints([meter.device for meter in meters])
        """Ids of the meters, ascending: position here is the usage point's index."""
        self.zones: Final = _ints([meter.zone for meter in meters])
        self.capacities_w: Final = _ints([meter.capacity_w for meter in meters])
        self.meter_ids: Final = _octets([meter.meter_id for meter in meters], _HASH_BYTES)
        self.tree: Final = Tree.over(_device_hashes(devices))
        self._ids = self.usage_points.data

    @property
    def root(self) -> bytes:
        """The root that a `registry` entry agrees."""
        return self.tree.root

    @property
    def device_count(self) -> int:
        """How many devices, gateways included: the count that belongs to the root."""
        return len(self.devices)

    def __len__(self) -> int:
        """How many usage points, the length of every column."""
        return len(self.usage_points)

    def index_of(self, usage_point: int) -> int | None:
        """A meter's index, or None for what is no registered meter."""
        at = bisect_left(self._ids, usage_point)
        return at if at < len(self._ids) and self._ids[at] == usage_point else None

    def indices_of(self, usage_points: Ints) -> Ints:
        """The index of each usage point, -1 for what is no registered meter."""
        if not len(self):
            return np.full(len(usage_points), -1, np.int64)
        at = np.minimum(np.searchsorted(self.usage_points, usage_points), len(self) - 1)
        return np.where(self.usage_points[at] == usage_points, at, -1).astype(np.int64)

    def device(self, device_id: int) -> Device | None:
        """A device, gateways included, or None."""
        at = self._position_of(device_id)
        return None if at is None else self.devices[at]

    def proof(self, device_id: int) -> tuple[int, tuple[bytes, ...]] | None:
        """A device's position in the registry's tree and its siblings; None for a stranger."""
        at = self._position_of(device_id)
        return None if at is None else (at, self.tree.proof(at))

    def _position_of(self, device_id: int) -> int | None:
        at = bisect_left(self._device_ids, device_id)
        return at if at < len(self._device_ids) and self._device_ids[at] == device_id else None


def _check_devices(devices: tuple[Device, ...]) -> None:
    if len(devices) > LEAVES_MAX:
        raise ValueError(f"a registry holds at most {LEAVES_MAX} devices")
    last = -1
    for device in devices:
        if not last < device.device <= ID_MAX:
            raise ValueError("devices are sorted by id, each once, below 2^63")
        last = device.device
        if not (0 <= device.zone <= ID_MAX and 0 <= device.capacity_w <= CAPACITY_W_MAX):
            raise ValueError(f"zone or capacity of device {device.device} is out of range")
        if len(device.meter_id) != _HASH_BYTES:
            raise ValueError(f"the meter id of device {device.device} is not 32 bytes")


def _device_hashes(devices: tuple[Device, ...]) -> bytes:
    """Leaf hashes of all devices; one shape for each length of key."""
    hashes = np.empty((len(devices), _HASH_BYTES), np.uint8)
    key_sizes = np.array([len(device.key) for device in devices], np.int64)
    for size in np.unique(key_sizes).tolist():
        rows = np.flatnonzero(key_sizes == size)
        some = [devices[at] for at in rows.tolist()]
        shape = RowShape(
            {
                "device": UINT,
                "zone": UINT,
                "kind": UINT,
                "curve": UINT,
                "key": size,
                "capacity-w": UINT,
                "meter-id": _HASH_BYTES,
            }
        )
        found = shape.leaf_hashes(
            {
                "device": _ints([device.device for device in some]),
                "zone": _ints([device.zone for device in some]),
                "kind": _ints([device.kind for device in some]),
                "curve": _ints([device.curve for device in some]),
                "key": _octets([device.key for device in some], size),
                "capacity-w": _ints([device.capacity_w for device in some]),
                "meter-id": _octets([device.meter_id for device in some], _HASH_BYTES),
            }
        )
        hashes[rows] = np.frombuffer(found, np.uint8).reshape(-1, _HASH_BYTES)
    return hashes.tobytes()


def _ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def _octets(values: list[bytes], size: int) -> Octets:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), size)

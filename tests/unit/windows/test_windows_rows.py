"""The byte matrix is the canonical encoding, byte for byte."""

import numpy as np
import pytest

from consensus.encoding import Value, encode
from oracle.model import Device, DeviceKind, Leaf, RecordHash, UsagePoint, WindowStart, leaf_hash
from oracle.windows.leaves import LEAF_SHAPE
from oracle.windows.registry import Registry
from oracle.windows.rows import UINT, Ints, Octets, RowShape
from oracle.windows.tree import verify
from tests.unit.windows.meters import meter


def test_a_leaf_hashes_as_the_clarity_vm_hashes_it() -> None:
    leaf = Leaf(
        UsagePoint(7), WindowStart(1_800), 123_456_789, 0, 250, 3, WindowStart(900), 17, 1,
        RecordHash(b"\xab" * 32),
    )  # fmt: skip
    # From (sha256 (sha256 (unwrap-panic (to-consensus-buff? {...})))) in the VM, epoch 4.0.
    expected = "4e5f83a953bf157ac536fa84dc3e3b0165823f56c99a7e2f7cd3d9857a1aede1"
    assert leaf_hash(leaf.value()).hex() == expected


def test_every_row_of_the_matrix_is_the_encoding_of_its_leaf() -> None:
    numbers = np.array([0, 1, 255, 256, 2**32, 2**63 - 1], np.int64)
    records = np.arange(6 * 32, dtype=np.uint8).reshape(6, 32)
    columns: dict[str, Ints | Octets] = {
        "usage-point": numbers,
        "window": np.full(6, 900, np.int64),
        "import-register": numbers[::-1].copy(),
        "export-register": np.roll(numbers, 1),
        "import-wh": np.roll(numbers, 2),
        "export-wh": np.roll(numbers, 3),
        "since": np.roll(numbers, 4),
        "quality": np.array([17, 11, 10, 0, 8, 19], np.uint8),
        "assurance": np.array([1, 2, 3, 1, 2, 3], np.uint8),
        "record": records,
    }
    matrix = LEAF_SHAPE.matrix(columns)
    hashes = LEAF_SHAPE.leaf_hashes(columns)
    for at in range(6):
        whole: dict[str, Value] = {
            name: records[at].tobytes() if name == "record" else int(column[at])
            for name, column in columns.items()
        }
        assert matrix[at].tobytes() == encode(whole)
        assert hashes[at * 32 : at * 32 + 32] == leaf_hash(whole)


def test_hashing_in_chunks_changes_nothing() -> None:
    shape = RowShape({"a": UINT, "b": 1})
    count = (1 << 15) + 3
    columns: dict[str, Ints | Octets] = {
        "a": np.arange(count, dtype=np.int64),
        "b": np.zeros((count, 1), np.uint8),
    }
    hashes = shape.leaf_hashes(columns)
    assert len(hashes) == 32 * count
    assert hashes[-32:] == leaf_hash({"a": count - 1, "b": b"\0"})


def test_the_registry_root_is_over_the_devices_whatever_their_keys() -> None:
    devices = tuple(
        Device(d.device, d.zone, kind, d.curve, key, d.capacity_w, d.meter_id)
        for d, kind, key in (
            (meter(3, 1), DeviceKind.METER, b""),
            (meter(5, 2), DeviceKind.GATEWAY, b"\x02" * 33),
            (meter(8, 1), DeviceKind.METER, b"\x07" * 32),
            (meter(9, 7), DeviceKind.METER, b"\x03" * 33),
        )
    )
    registry = Registry(devices)
    for device in devices:
        found = registry.proof(device.device)
        assert found is not None
        index, siblings = found
        leaf = leaf_hash(device.value())
        assert verify(leaf, registry.root, index, registry.device_count, siblings)
        assert registry.device(device.device) == device
    assert registry.proof(4) is None
    assert registry.device(4) is None


def test_gateways_stand_in_the_tree_and_have_no_column() -> None:
    registry = Registry((meter(1), meter(2, kind=DeviceKind.GATEWAY), meter(4, zone=9, capacity_w=7)))
    assert registry.usage_points.tolist() == [1, 4]
    assert registry.zones.tolist() == [1, 9]
    assert registry.capacities_w.tolist() == [10_000, 7]
    assert [registry.index_of(point) for point in (0, 1, 2, 3, 4, 5)] == [None, 0, None, None, 1, None]
    assert registry.indices_of(np.array([5, 4, 2, 1])).tolist() == [-1, 1, -1, 0]
    assert registry.device_count == 3


def test_an_empty_registry_knows_nobody() -> None:
    registry = Registry(())
    assert registry.root == bytes(32)
    assert registry.index_of(1) is None
    assert registry.indices_of(np.array([1])).tolist() == [-1]


@pytest.mark.parametrize(
    "devices",
    [
        (meter(2), meter(1)),
        (meter(1), meter(1)),
        (meter(1 << 63),),
        (meter(1, zone=1 << 63),),
        (meter(1, capacity_w=10**12 + 1),),
        (Device(1, meter(1).zone, DeviceKind.METER, meter(1).curve, b"", 1, b"short"),),
    ],
)
def test_devices_that_do_not_fit_the_columns_make_no_registry(devices: tuple[Device, ...]) -> None:
    with pytest.raises(ValueError, match="device"):
        Registry(devices)

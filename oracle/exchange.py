"""How nodes hand each other rows and ask for records, for open windows and for late data (A2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from consensus.model import NodeId, Rejected
from consensus.step import Outgoing
from oracle import frames
from oracle.model import RecordHash, WindowStart
from oracle.windows import inventory as inventories
from oracle.windows.keeper import Choice, Keeper
from oracle.windows.readings import Rows as PackedRows


def bucket_rows(keeper: Keeper, window: WindowStart, bucket: int, choice: Choice | None) -> PackedRows:
    """The rows of one bucket: of a proposal's choice, or of what is held now."""
    if choice is None:
        return keeper.bucket_rows(window, bucket)
    points = len(keeper.registry)
    if bucket >= inventories.bucket_count(points):
        return PackedRows(np.zeros(0, np.int64), np.zeros((0, 32), np.uint8))
    low, high = inventories.bucket_range(bucket, points)
    start, end = np.searchsorted(choice.indices, (low, high)).tolist()
    return PackedRows(choice.rows.usage_points[start:end], choice.rows.records[start:end])


def answer_rows(
    keeper: Keeper, wanted: frames.RowsWanted, choice: Choice | None, peer: NodeId
) -> list[Outgoing]:
    """The answer to a request for rows, in as many frames as it takes."""
    found = [
        (bucket, bucket_rows(keeper, wanted.window, bucket, choice).to_bytes())
        for bucket in sorted(set(wanted.buckets))[: frames.BUCKETS_MAX]
    ]
    return [
        Outgoing(frames.rows_frame(frames.Rows(wanted.window, wanted.proposal, part)), peer)
        for part in _in_frames(found)
    ]


def joined(parts: Sequence[PackedRows]) -> PackedRows | Rejected:
    """The rows of several buckets as one."""
    data = b"".join(part.to_bytes() for part in parts)
    return PackedRows.from_bytes(data, rows_max=len(data))


def records_wanted(lacking: Sequence[RecordHash], peer: NodeId) -> list[Outgoing]:
    """Requests for records, by hash."""
    most = frames.RECORDS_PER_FRAME
    return [
        Outgoing(frames.records_wanted_frame(tuple(lacking[at : at + most])), peer)
        for at in range(0, len(lacking), most)
    ]


def _in_frames(found: list[tuple[int, bytes]]) -> Iterable[tuple[tuple[int, bytes], ...]]:
    part: list[tuple[int, bytes]] = []
    size = 0
    for bucket, data in found:
        if part and size + len(data) > frames.FRAME_BYTES_MAX // 2:
            yield tuple(part)
            part, size = [], 0
        part.append((bucket, data))
        size += len(data) + 64
    if part:
        yield tuple(part)

"""A sign-once register that was lost, restored or contradicted: begun again, by a person's word.

Decides nothing about which heights are safe: the operator answers for that (N3).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from oracle.keys.marker import ID_BYTES, Mark, Marker, MarkerCorrupt
from oracle.keys.register import NUMBER_MAX, PHASES, UPDATE_WATERMARK
from oracle.keys.register_file import connected, identity, locked, problems_named


def recover(
    path: Path, external_marker: Path | None, key: bytes, network: bytes, through_height: int
) -> None:
    """Start over after a register was lost or restored: nothing at or below `through_height`.

    The operator answers for `through_height`: a height the node has certainly not signed
    beyond, say the network's newest plus a day of windows. Keeps whatever rows are there.
    Raises RegisterFailed; the node must not be running.
    """
    markers = [path.with_name(path.name + ".generation"), *([external_marker] if external_marker else [])]
    newest = 0
    with problems_named():
        lock = locked(path.with_name(path.name + ".lock"))
        try:
            for place in markers:
                newest = max(newest, _forgotten(place))
            database = connected(path)
            try:
                _, generation = identity(database)
                database.execute("BEGIN IMMEDIATE")
                for phase in PHASES:
                    database.execute(UPDATE_WATERMARK, (key, network, phase, through_height, NUMBER_MAX))
                database.execute("INSERT OR IGNORE INTO pinned VALUES (1, ?)", (network,))
                register = secrets.token_bytes(ID_BYTES)  # other copies of the old one stay refused
                newest = max(newest, generation) + 1
                database.execute(
                    "DELETE FROM twin WHERE key = ? AND network = ? AND height <= ?",
                    (key, network, through_height),
                )
                database.execute("UPDATE meta SET register = ?, generation = ?", (register, newest))
                database.execute("COMMIT")
            finally:
                database.close()
            for place in markers:
                marker = Marker(place)
                try:
                    marker.write(Mark(register, newest, secrets.token_bytes(ID_BYTES)))
                finally:
                    marker.close()
        finally:
            os.close(lock)


def _forgotten(place: Path) -> int:
    """Remove a marker, giving the generation it had seen."""
    marker = Marker(place)
    try:
        mark = marker.read()
    except MarkerCorrupt:
        mark = None
    finally:
        marker.close()
    place.unlink()
    return 0 if mark is None else mark.generation

"""What must hold whatever happens, checked against the disks of all nodes."""

from __future__ import annotations

from collections.abc import Sequence

from consensus.envelope import check_certificate
from consensus.messages import Certificate, Entry, Phase
from consensus.model import ZERO_DIGEST, Committee, EpochNumber, Network, Rejected, check
from consensus.simulator.disk import Disk


def check_agreement(disks: Sequence[Disk]) -> None:
    """No height was decided twice."""
    for height in sorted({height for disk in disks for height in disk.history}):
        entries = {disk.history[height][0] for disk in disks if height in disk.history}
        check(len(entries) == 1, f"height {height} has one entry everywhere")


def check_log(disk: Disk, network: Network, committee: Committee) -> None:
    """The log has no gap, links by digest, and every entry has its certificate.

    `committee` is the first; a later one decides from its activation on, as the log itself says.
    """
    previous, next_keys = ZERO_DIGEST, committee.node_keys
    for height in range(1, len(disk.history) + 1):
        check(height in disk.history, f"height {height} is there")
        entry = Entry.parse(disk.history[height][0])
        certificate = Certificate.parse(disk.history[height][1])
        if isinstance(entry, Rejected) or isinstance(certificate, Rejected):
            check(False, "entries parse")  # noqa: FBT003
            return
        check(entry.previous == previous, f"height {height} links to the one before")
        bad = check_certificate(certificate, Phase.COMMIT, entry.height, entry.digest, network, committee)
        check(bad is None, f"height {height} is certified: {bad}")
        previous = entry.digest
        named, opened = entry.body.get("committee"), entry.body.get("epoch")
        if entry.kind == "hello" and isinstance(named, tuple):
            next_keys = tuple(key for key in named if isinstance(key, bytes))
        if entry.kind == "activate" and isinstance(opened, int):
            committee = Committee(EpochNumber(opened), next_keys)

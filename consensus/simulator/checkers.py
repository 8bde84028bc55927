"""What must hold whatever happens, checked against the disks of all nodes."""

from __future__ import annotations

from collections.abc import Sequence

from consensus.encoding import decode
from consensus.envelope import check_certificate
from consensus.evidence import SignedBytes, verify_double_vote
from consensus.messages import Certificate, Entry, Fields, Phase
from consensus.model import ZERO_DIGEST, Committee, EpochNumber, Network, NodeId, Rejected, check
from consensus.simulator.disk import Disk
from consensus.simulator.world import World


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
    activated: Committee | None = None
    for height in range(1, len(disk.history) + 1):
        check(height in disk.history, f"height {height} is there")
        entry = Entry.parse(disk.history[height][0])
        certificate = Certificate.parse(disk.history[height][1])
        if isinstance(entry, Rejected) or isinstance(certificate, Rejected):
            check(False, "entries parse")  # noqa: FBT003
            return
        if activated is not None and certificate.epoch == activated.epoch:
            committee, activated = activated, None  # an activation that failed changes nothing (K2)
        check(entry.previous == previous, f"height {height} links to the one before")
        bad = check_certificate(certificate, Phase.COMMIT, entry.height, entry.digest, network, committee)
        check(bad is None, f"height {height} is certified: {bad}")
        previous = entry.digest
        named, opened = entry.body.get("committee"), entry.body.get("epoch")
        if entry.kind == "hello" and isinstance(named, tuple):
            next_keys = tuple(key for key in named if isinstance(key, bytes))
        if entry.kind == "activate" and isinstance(opened, int):
            activated = Committee(EpochNumber(opened), next_keys)


def check_evidence(world: World, network: Network, committee: Committee) -> frozenset[NodeId]:
    """All evidence that honest nodes hold is sound and of traitors alone (N4); gives whose it is."""
    accused = set()
    for host in world.honest:
        for data in host.disk.evidence:
            fields = Fields(decode(data, bytes_max=len(data)))
            proven = verify_double_vote(network, _signed(fields, "first"), _signed(fields, "second"))
            if isinstance(proven, Rejected):
                check(False, f"evidence is sound: {proven.reason.value}")  # noqa: FBT003
                continue
            slot = committee.slot_of(proven.key)
            check(
                slot is not None and not world.hosts[slot].honest,
                f"no evidence against the honest member {slot} (N4)",
            )
            accused.add(NodeId(slot or 0))
    return frozenset(accused)


def _signed(fields: Fields, name: str) -> SignedBytes:
    vote = Fields(fields.fields(name))
    return SignedBytes(vote.buff("payload", 1, 1024), vote.buff("signature", 65))

"""What must hold whatever happens, checked against the disks of all nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consensus.encoding import Value, decode
from consensus.envelope import check_certificate, recover
from consensus.messages import Certificate, Entry, Fields, Phase
from consensus.model import ZERO_DIGEST, Committee, Network, NodeId, Rejected, check
from consensus.simulator.disk import Disk
from consensus.simulator.world import World


def check_agreement(disks: Sequence[Disk]) -> None:
    """No height was decided twice."""
    for height in sorted({height for disk in disks for height in disk.history}):
        entries = {disk.history[height][0] for disk in disks if height in disk.history}
        check(len(entries) == 1, f"height {height} has one entry everywhere")


def check_log(disk: Disk, network: Network, committee: Committee) -> None:
    """The log has no gap, links by digest, and every entry has its certificate."""
    previous = ZERO_DIGEST
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


def check_evidence(world: World, committee: Committee) -> frozenset[NodeId]:
    """All evidence that honest nodes hold is sound and of traitors alone (N4); gives whose it is."""
    accused = set()
    for host in world.honest:
        for data in host.disk.evidence:
            slot = committee.slot_of(_double_voter(data))
            if slot is None:
                check(False, "evidence is of a member")  # noqa: FBT003
                continue
            check(not world.hosts[slot].honest, f"no evidence against the honest member {slot} (N4)")
            accused.add(slot)
    return frozenset(accused)


def _double_voter(data: bytes) -> bytes:
    """Whose key signed both votes; they are of one place and differ (E1)."""
    value = decode(data, bytes_max=len(data))
    check(isinstance(value, dict), "evidence is a tuple")
    votes = [_signed_vote(value, name) for name in ("first", "second")]  # type: ignore[arg-type]  # checked
    keys = {recover(payload, signature) for payload, signature in votes}
    check(len(keys) == 1, "one key signed both")
    first, second = (decode(payload) for payload, _ in votes)
    check(isinstance(first, dict) and isinstance(second, dict), "votes are tuples")
    for name in ("topic", "network", "height", "round", "phase"):
        check(first[name] == second[name], f"both votes are of one {name}")  # type: ignore[call-overload,index]
    check(first["digest"] != second["digest"], "the votes differ")  # type: ignore[call-overload,index]
    return keys.pop() or b""


def _signed_vote(value: Mapping[str, Value], name: str) -> tuple[bytes, bytes]:
    vote = value[name]
    if isinstance(vote, bytes):
        return vote, bytes(value[f"{name}-signature"])  # type: ignore[arg-type]  # evidence that is none fails
    fields = Fields(vote)
    return fields.buff("payload", 1, 1024), fields.buff("signature", 65)

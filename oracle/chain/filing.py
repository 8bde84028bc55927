"""From evidence to contract calls: which, in which order, and how to see that they are done.

Pure. A charge is what slashes; preparations are what it rests on: zones that must be open,
leaves that must be tallied. Keys name a call for the outbox and for `is_done`: whoever makes
it, it is made once. A withheld record has no charge: what a bonded vote decides is not opened
by a machine (E4, E5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consensus.encoding import Some, Value, digest
from consensus.evidence import ProvenDoubleVote
from oracle.audit.bundle import SignedEntry
from oracle.audit.merkle import Proof, prove
from oracle.chain.contracts import DISPUTES, ORACLE
from oracle.evidence.contents import DoubleVoteContent as DoubleVotes
from oracle.evidence.contents import (
    Evidence,
    FalseEnergyContent,
    FalseLeafContent,
    FalseWindowContent,
    FalseZoneContent,
    Placed,
    ProvenZone,
    WithheldContent,
)
from oracle.evidence.records import batch_value
from oracle.evidence.verify import Judgement
from oracle.model import WindowSummary

LEAVES_PER_TALLY: Final = 25
ZONES_MAX: Final = 64
"""Zones that `submit-false-window` takes."""
NAME_LETTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Call:
    """One contract call; `key` says what it is for."""

    key: str
    contract: str
    function: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Filing:
    """What brings evidence to the contract. `order` fixes who does so before whom (C1)."""

    order: bytes
    attested: tuple[SignedEntry, ...]
    """Entries that must be on chain before: the contract judges what it holds."""
    preparations: tuple[Call, ...]
    charge: Call


def filing_of(judgement: Judgement) -> Filing | str:
    """The calls for proven evidence, or why there are none."""
    evidence = judgement.evidence
    if not judgement.proven or evidence is None:
        return f"it proves nothing: {'' if judgement.reason is None else judgement.reason.value}"
    if isinstance(evidence.content, WithheldContent):
        return "a withheld record goes to a bonded challenge, which a person opens"
    if isinstance(evidence.content, DoubleVotes):
        if judgement.voted is None:
            return "it proves nothing"
        return _double_vote(judgement, evidence.content, judgement.voted)
    return _attested(judgement, evidence)


def _double_vote(judgement: Judgement, content: DoubleVotes, voted: ProvenDoubleVote) -> Filing:
    place = (int(voted.first.height), int(voted.first.round), int(voted.first.phase))
    votes: list[Value] = [
        {
            "epoch": vote.epoch,
            "digest": None if vote.digest is None else Some(vote.digest),
            "signature": signed.signature,
        }
        for vote, signed in ((voted.first, content.first), (voted.second, content.second))
    ]
    name = ":".join(("double-vote", voted.key.hex(), *map(str, place)))
    charge = Call(_named(name, judgement), DISPUTES, "submit-double-vote", (*place, *votes))
    return Filing(_order(name), (), (), charge)


def _attested(judgement: Judgement, evidence: Evidence) -> Filing | str:
    signed = evidence.signed
    if signed is None or not isinstance(signed.entry.body, WindowSummary):
        return "it is about no window"
    summary = signed.entry.body
    place: tuple[Value, ...] = (summary.window, summary.revision)
    name = f"judged:{summary.window}:{summary.revision}"
    attested: tuple[SignedEntry, ...] = (signed,)
    opened: tuple[Call, ...]
    match evidence.content:
        case FalseLeafContent(placed, record):
            opened = (_open_zone(placed.signed, placed.zone),)
            leaf = (*place, placed.zone.summary.zone, *_proven(placed))
            if record.format == "batch":
                call = ("submit-false-batch-leaf", (*leaf, batch_value(record.data)))
            else:
                call = ("submit-false-leaf", (*leaf, record.data))
        case FalseEnergyContent(placed, since):
            opened = (_open_zone(placed.signed, placed.zone),)
            zone: Value = 0
            earlier: Value = None
            if since is not None:
                opened += (_open_zone(since.signed, since.zone),)
                attested += (since.signed,)
                zone = since.zone.summary.zone
                proven = _proven(since)
                earlier = Some({"leaf": proven[0], "index": proven[1], "siblings": proven[2]})
            arguments = (*place, placed.zone.summary.zone, *_proven(placed), zone, earlier)
            call = ("submit-false-energy", arguments)
        case FalseZoneContent(_, false_zone, leaves):
            hashes = [one.hash for one in leaves]
            rows: list[Value] = [
                {"leaf": one.leaf.value(), "siblings": prove(hashes, at).path}
                for at, one in enumerate(leaves)
            ]
            opened = (_open_zone(signed, false_zone), *_tallies(summary, false_zone, rows))
            call = ("submit-false-zone", (*place, false_zone.summary.zone))
        case FalseWindowContent(_, zones):
            if len(zones) > ZONES_MAX:
                return f"the contract adds up at most {ZONES_MAX} zones"
            hashes = [hash_ for _, hash_ in zones]
            proofs = [ProvenZone(one, hash_, prove(hashes, at)) for at, (one, hash_) in enumerate(zones)]
            opened = tuple(_open_zone(signed, one) for one in proofs)
            call = ("submit-false-window", (*place, tuple(one.zone for one, _ in zones)))
        case _:
            return "it is about no window"
    charge = Call(_named(name, judgement), DISPUTES, *call)
    return Filing(_order(name), attested, opened, charge)


def _open_zone(signed: SignedEntry, zone: ProvenZone) -> Call:
    summary = signed.entry.body
    revision = summary.revision if isinstance(summary, WindowSummary) else 0
    window, number = zone.summary.window, zone.summary.zone
    arguments: tuple[Value, ...] = (window, revision, zone.summary.value(), *_path(zone.proof))
    return Call(f"open-zone:{window}:{revision}:{number}", ORACLE, "open-zone", arguments)


def _tallies(summary: WindowSummary, zone: ProvenZone, rows: list[Value]) -> tuple[Call, ...]:
    place = (summary.window, summary.revision, zone.summary.zone)
    calls = []
    for start in range(0, len(rows), LEAVES_PER_TALLY):
        part = tuple(rows[start : start + LEAVES_PER_TALLY])
        key = ":".join(("tally", *map(str, place), str(start + len(part))))
        calls.append(Call(key, DISPUTES, "tally-zone", (*place, part)))
    return tuple(calls)


def _proven(placed: Placed) -> tuple[Value, ...]:
    return (placed.leaf.leaf.value(), *_path(placed.leaf.proof))


def _path(proof: Proof) -> tuple[Value, ...]:
    return (proof.index, tuple(proof.path))


def _named(name: str, judgement: Judgement) -> str:
    """Two proofs of one offence are two calls, of which the second finds the first done."""
    return f"{name}:{judgement.digest.hex()[:NAME_LETTERS]}"


def _order(name: str) -> bytes:
    """Of the offence, not of the file: nodes may hold different proofs of one offence."""
    return digest({"offence": name})

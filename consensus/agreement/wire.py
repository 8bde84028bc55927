"""The frames that agreement exchanges: bytes to typed, verified messages and back.

A frame is one canonical tuple with a `topic`. Votes and proposals carry their maker's
signature and are believed whoever hands them on; status and requests are believed of
the link they came over, and nothing that matters hangs on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from consensus.encoding import EncodingError, Some, Value, decode, encode
from consensus.envelope import (
    ProposalFrame,
    Verified,
    check_decided,
    check_proposal_frame,
    fits_proposal,
    open_proposal,
    open_vote,
)
from consensus.messages import (
    ENTRY_BYTES_MAX,
    ROUND_MAX,
    SIGNATURE_BYTES,
    Certificate,
    DecidedEntry,
    Entry,
    Fields,
    MessageReason,
    Vote,
    WrongShape,
)
from consensus.model import Committee, EpochNumber, Height, Network, Rejected, Round

ATTACHMENT_BYTES_MAX: Final = 1 << 19
"""A ceremony of 31 members takes 140 KiB."""
ENTRIES_PER_FRAME: Final = 16
FRAME_BYTES_MAX: Final = 1 << 20
NO_HEIGHT: Final = Height(0)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a peer stands: the height it works on, its round, and whose votes of it it has."""

    height: Height
    round: Round
    prevotes: int
    """Bit j: the vote of slot j is known."""
    commits: int


@dataclass(frozen=True, slots=True)
class EntriesWanted:
    """Ask for decided entries from a height on (U1)."""

    first: Height


@dataclass(frozen=True, slots=True)
class Entries:
    """Decided entries in order, each with its certificate already verified, and its attachment."""

    decided: tuple[tuple[DecidedEntry, bytes], ...]


AgreementMessage: TypeAlias = Verified[Vote] | ProposalFrame | Status | EntriesWanted | Entries
TOPICS: Final = ("vote", "proposal", "status", "entries-wanted", "entries")


def vote_frame(vote: Verified[Vote]) -> bytes:
    """A vote's frame."""
    return encode({"topic": "vote", "payload": vote.payload, "signature": vote.signature})


def proposal_frame(frame: ProposalFrame) -> bytes:
    """A proposal's frame, with what it proposes."""
    return encode(
        {
            "topic": "proposal",
            "payload": frame.proposal.payload,
            "signature": frame.proposal.signature,
            "entry": frame.entry.encoded(),
            "attachment": frame.attachment,
            "justification": None if frame.justification is None else Some(frame.justification.value()),
        }
    )


def status_frame(status: Status) -> bytes:
    """A status frame."""
    return encode(
        {
            "topic": "status",
            "height": status.height,
            "round": status.round,
            "prevotes": status.prevotes,
            "commits": status.commits,
        }
    )


def entries_wanted_frame(first: Height) -> bytes:
    """A request for decided entries."""
    return encode({"topic": "entries-wanted", "first": first})


def entries_frame(decided: tuple[tuple[bytes, bytes, bytes], ...]) -> bytes:
    """An answer: (entry, certificate, attachment) bytes as the history holds them.

    As many of the first as fit a frame; whoever asked asks again from there.
    """
    rows: list[Value] = []
    room = FRAME_BYTES_MAX - 1024
    for entry, certificate, attachment in decided[:ENTRIES_PER_FRAME]:
        room -= len(entry) + len(certificate) + len(attachment) + 128
        if room < 0:
            break
        rows.append({"entry": entry, "certificate": certificate, "attachment": attachment})
    return encode({"topic": "entries", "entries": rows})


def parse_frame(
    frame: bytes,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    head: Height = NO_HEIGHT,
) -> AgreementMessage | Rejected:
    """Read and verify one frame of a topic in TOPICS.

    Decided entries up to `head` are left out unread: whoever repeats what is known has nobody work.
    """
    if len(frame) > FRAME_BYTES_MAX:
        return Rejected(MessageReason.TOO_LARGE, "frame")
    try:
        value = decode(frame)
        if not isinstance(value, Mapping) or value.get("topic") not in TOPICS:
            return Rejected(MessageReason.WRONG_SHAPE, "unknown topic")
        return _parse(Fields(value), str(value["topic"]), network, committees, head)
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    except EncodingError as cause:
        return Rejected(MessageReason.NOT_CANONICAL, str(cause))


def _parse(
    fields: Fields,
    topic: str,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    head: Height,
) -> AgreementMessage | Rejected:
    fields.literal("topic", topic)
    match topic:
        case "vote":
            payload, signature = fields.buff("payload", 1, 1024), fields.buff("signature", SIGNATURE_BYTES)
            fields.end()
            return open_vote(payload, signature, network, committees)
        case "proposal":
            return _proposal(fields, network, committees)
        case "status":
            status = Status(
                Height(fields.uint("height")),
                Round(fields.uint("round", ROUND_MAX)),
                fields.uint("prevotes", 1 << 31),
                fields.uint("commits", 1 << 31),
            )
            fields.end()
            return status
        case "entries-wanted":
            wanted = EntriesWanted(Height(fields.uint("first")))
            fields.end()
            return wanted
        case _:
            return _entries(fields, network, committees, head)


def _proposal(
    fields: Fields, network: Network, committees: Mapping[EpochNumber, Committee]
) -> ProposalFrame | Rejected:
    payload, signature = fields.buff("payload", 1, 1024), fields.buff("signature", SIGNATURE_BYTES)
    entry = Entry.parse(fields.buff("entry", 1, ENTRY_BYTES_MAX))
    attachment = fields.buff("attachment", 0, ATTACHMENT_BYTES_MAX)
    justification = _justification(fields)
    fields.end()
    if isinstance(entry, Rejected):
        return entry
    proposal = open_proposal(
        payload,
        signature,
        network,
        committees,
        lambda one: fits_proposal(one, entry, justification, network),
    )
    if isinstance(proposal, Rejected):
        return proposal
    frame = ProposalFrame(proposal, entry, attachment, justification)
    return check_proposal_frame(frame, network, committees[proposal.message.epoch]) or frame


def _justification(fields: Fields) -> Certificate | None:
    value = fields.optional("justification")
    return None if value is None else Certificate.read(value)


def _entries(
    fields: Fields, network: Network, committees: Mapping[EpochNumber, Committee], head: Height
) -> Entries | Rejected:
    rows: list[tuple[DecidedEntry, bytes]] = []
    for row in fields.items("entries", ENTRIES_PER_FRAME):
        parts = Fields(row)
        entry = Entry.parse(parts.buff("entry", 1, ENTRY_BYTES_MAX))
        certificate = Certificate.parse(parts.buff("certificate", 1, 8192))
        attachment = parts.buff("attachment", 0, ATTACHMENT_BYTES_MAX)
        parts.end()
        if isinstance(entry, Rejected):
            return entry
        if isinstance(certificate, Rejected):
            return certificate
        rows.append((DecidedEntry(entry, certificate), attachment))
    fields.end()
    # Only now is any signature looked at: a frame that is wrong further on costs none.
    decided: list[tuple[DecidedEntry, bytes]] = []
    for one, attachment in rows:
        if one.entry.height <= head:
            continue
        bad = check_decided(one, network, committees)
        if bad is not None:
            if decided:  # what stands before it is good; a new epoch may begin here
                break
            return bad
        decided.append((one, attachment))
    return Entries(tuple(decided))

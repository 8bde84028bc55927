"""The frames that nodes exchange about records, observations, shares and ceremonies.

Agreement has frames of its own (`consensus.agreement.wire`); these are what happens
around it. Observations and ceremony bundles carry their maker's signature, because they
go on into proposals and evidence; records verify by themselves; the rest is believed of
the link it came over, and checked against what is agreed before it is used.

Requests for records and parts of the history are answered by the shell, which holds
them; everything else goes to the node.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from consensus.agreement import wire
from consensus.dkg.bundle import Topic as CeremonyTopic
from consensus.encoding import EncodingError, Value, decode, digest, encode
from consensus.envelope import ProposalFrame, Verified, verify_signed
from consensus.messages import SIGNATURE_BYTES, Entry, Fields, MessageReason, WrongShape
from consensus.model import MEMBERS_MAX, Committee, Digest, EpochNumber, Height, Network, NodeId, Rejected
from oracle.model import Record, RecordHash, UsagePoint, WindowStart
from oracle.tenure import INSTANCE_BYTES, LEASE_MS_MAX, Claim, Grant

FRAME_BYTES_MAX: Final = wire.FRAME_BYTES_MAX
BUCKETS_MAX: Final = 1 << 14
INVENTORY_BYTES_MAX: Final = 1 << 19
ROWS_PER_FRAME: Final = 8192
RECORDS_PER_FRAME: Final = 256
RECORD_BYTES_MAX: Final = 1 << 18
OBSERVATIONS_PER_FRAME: Final = 4096
PART_BYTES_MAX: Final = FRAME_BYTES_MAX - 256
BUNDLE_BYTES_MAX: Final = 1 << 16
NUMBER_MAX: Final = (1 << 63) - 1
"""Of registers and sequences: what a reading of our own may hold, a peer may say (R4)."""


@dataclass(frozen=True, slots=True)
class InventoryNotice:
    """What a node holds of a closed window (A2).

    `data` is an inventory of `oracle.windows.inventory`; `observed` the digest of the
    observations the node has made of unsigned sources, b"" where it made none.
    """

    window: WindowStart
    data: bytes
    observed: bytes


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Which records close the window in these buckets? Of a proposal, or held now when it is None."""

    window: WindowStart
    proposal: Digest | None
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer, for each bucket asked for."""

    window: WindowStart
    proposal: Digest | None
    buckets: tuple[tuple[int, bytes], ...]
    """(bucket, packed rows of `oracle.windows.readings.Rows`)."""


@dataclass(frozen=True, slots=True)
class RecordsWanted:
    """Ask for records by their hash."""

    hashes: tuple[RecordHash, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """Records, to be verified as if a feed had brought them."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of what an operator saw of an unsigned source (R4)."""

    usage_point: UsagePoint
    time_s: int
    import_register_wh: int
    export_register_wh: int
    sequence: int
    record: RecordHash

    def value(self) -> dict[str, Value]:
        """The canonical value."""
        return {
            "usage-point": self.usage_point,
            "time-s": self.time_s,
            "import-register": self.import_register_wh,
            "export-register": self.export_register_wh,
            "sequence": self.sequence,
            "record": self.record,
        }


@dataclass(frozen=True, slots=True)
class Observations:
    """All that one operator saw of unsigned sources in a window, signed by it."""

    epoch: EpochNumber
    window: WindowStart
    rows: tuple[Observation, ...]

    def value(self, network: Network) -> dict[str, Value]:
        """The canonical value, which is signed."""
        return {
            "topic": "observations",
            "network": network,
            "epoch": self.epoch,
            "window": self.window,
            "rows": tuple(row.value() for row in self.rows),
        }


@dataclass(frozen=True, slots=True)
class ObservationsWanted:
    """Ask for a member's observations of a window."""

    window: WindowStart
    slot: NodeId


@dataclass(frozen=True, slots=True)
class Share:
    """A member's BLS share on a decided entry (T1), made with its share of an epoch's key."""

    height: Height
    digest: Digest
    signature: bytes
    epoch: EpochNumber


@dataclass(frozen=True, slots=True)
class Bundle:
    """A member's word in a key ceremony: what it says is `consensus.dkg`'s matter."""

    topic: str
    value: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PartWanted:
    """Ask for a part of a decided height: its leaves, its registry, its group signature."""

    height: Height
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """The answer; to be checked against the decided entry."""

    height: Height
    name: str
    data: bytes


NodeMessage: TypeAlias = (
    wire.AgreementMessage
    | InventoryNotice
    | RowsWanted
    | Rows
    | RecordsWanted
    | Records
    | Verified[Observations]
    | ObservationsWanted
    | Share
    | Verified[Bundle]
    | PartWanted
    | Part
    | Claim
    | Grant
)

BUNDLE_TOPICS: Final = tuple(topic.value for topic in CeremonyTopic)
DEALERS_TOPICS: Final = (CeremonyTopic.DEAL.value, CeremonyTopic.JUSTIFY.value)
"""Said by the committee in force; all else by the members of the one to come."""


def inventory_frame(notice: InventoryNotice) -> bytes:
    """The frame of an inventory."""
    return encode(
        {
            "topic": "inventory",
            "window": notice.window,
            "data": notice.data,
            "observed": notice.observed,
        }
    )


def rows_wanted_frame(wanted: RowsWanted) -> bytes:
    """The frame of a request for rows."""
    return encode(
        {
            "topic": "rows-wanted",
            "window": wanted.window,
            "proposal": wanted.proposal or b"",
            "buckets": wanted.buckets,
        }
    )


def rows_frame(rows: Rows) -> bytes:
    """The frame of rows."""
    buckets: list[Value] = [{"bucket": bucket, "rows": packed} for bucket, packed in rows.buckets]
    return encode(
        {
            "topic": "rows",
            "window": rows.window,
            "proposal": rows.proposal or b"",
            "buckets": buckets,
        }
    )


def records_wanted_frame(hashes: tuple[RecordHash, ...]) -> bytes:
    """The frame of a request for records."""
    return encode({"topic": "records-wanted", "hashes": b"".join(hashes[:RECORDS_PER_FRAME])})


def records_frames(records: tuple[Record, ...]) -> list[bytes]:
    """Records in as few frames as their sizes allow."""
    frames: list[bytes] = []
    batch: list[Value] = []
    room = FRAME_BYTES_MAX - 1024
    for record in records:
        size = len(record.data) + 128
        if batch and (size > room or len(batch) == RECORDS_PER_FRAME):
            frames.append(encode({"topic": "records", "records": batch}))
            batch, room = [], FRAME_BYTES_MAX - 1024
        batch.append({"format": record.format, "source": record.source, "data": record.data})
        room -= size
    if batch:
        frames.append(encode({"topic": "records", "records": batch}))
    return frames


def signed_frame(message: Verified[Observations] | Verified[Bundle]) -> bytes:
    """The frame of a signed message."""
    return encode(
        {
            "topic": "signed",
            "sender": int(message.sender),
            "payload": message.payload,
            "signature": message.signature,
        }
    )


def observations_wanted_frame(wanted: ObservationsWanted) -> bytes:
    """The frame of a request for observations."""
    return encode({"topic": "observations-wanted", "window": wanted.window, "slot": int(wanted.slot)})


def share_frame(share: Share) -> bytes:
    """The frame of a BLS share."""
    return encode(
        {
            "topic": "share",
            "height": share.height,
            "digest": share.digest,
            "signature": share.signature,
            "epoch": share.epoch,
        }
    )


def part_wanted_frame(wanted: PartWanted) -> bytes:
    """The frame of a request for a part."""
    return encode({"topic": "part-wanted", "height": wanted.height, "name": wanted.name})


def part_frame(part: Part) -> bytes:
    """The frame of a part."""
    return encode({"topic": "part", "height": part.height, "name": part.name, "data": part.data})


CeremonyCommittees: TypeAlias = tuple[Committee, Committee]
"""Who deals in the open ceremony, and who will hold the shares."""


def claim_frame(claim: Claim) -> bytes:
    """The frame of a claim (N3)."""
    return encode(
        {
            "topic": "claim",
            "instance": claim.instance,
            "number": claim.number,
            "lease-ms": claim.lease_ms,
        }
    )


def grant_frame(grant: Grant) -> bytes:
    """The frame of a grant, or of its refusal."""
    return encode(
        {
            "topic": "grant",
            "instance": grant.instance,
            "number": grant.number,
            "granted": grant.granted,
            "height": grant.height,
        }
    )


def parse(
    frame: bytes,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    ceremony: CeremonyCommittees | None = None,
    head: Height = wire.NO_HEIGHT,
) -> NodeMessage | Rejected:
    """Read and verify one frame, of agreement or of ours; of decided entries those above `head`.

    Bundles are those of `ceremony`; without it, of the newest committee known.
    """
    if len(frame) > FRAME_BYTES_MAX:
        return Rejected(MessageReason.TOO_LARGE, "frame")
    try:
        value = decode(frame)
        topic = value.get("topic") if isinstance(value, Mapping) else None
        if topic in wire.TOPICS:
            return _with_attachments(wire.parse_frame(frame, network, committees, head))
        fields = Fields(value)
        message = _parse(fields, fields.text("topic", 24), network, committees, ceremony)
        fields.end()
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    except EncodingError as cause:
        return Rejected(MessageReason.NOT_CANONICAL, str(cause))
    return message


def _with_attachments(message: wire.AgreementMessage | Rejected) -> wire.AgreementMessage | Rejected:
    """An entry that names its attachment comes with that very one, whoever hands it on (U1).

    Signatures and certificates are over the entry alone.
    """
    pairs: tuple[tuple[Entry, bytes], ...] = ()
    match message:
        case ProposalFrame():
            pairs = ((message.entry, message.attachment),)
        case wire.Entries():
            pairs = tuple((decided.entry, attachment) for decided, attachment in message.decided)
    for entry, attachment in pairs:
        named = entry.body.get("attachment")
        if named is not None and named != hashlib.sha256(attachment).digest():
            return Rejected(MessageReason.WRONG_SHAPE, f"attachment of another {entry.kind}")
    return message


def open_signed(
    sender: int,
    payload: bytes,
    signature: bytes,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    ceremony: CeremonyCommittees | None = None,
) -> Verified[Observations] | Verified[Bundle] | Rejected:
    """Check a member's signed observations or ceremony bundle.

    Observations name network and epoch. A bundle names its session, which binds both; it
    is verified by the committee whose word its topic is. Raises WrongShape, EncodingError.
    """
    value = decode(payload)
    fields = Fields(value)
    topic = fields.text("topic", 24)
    if topic in BUNDLE_TOPICS:
        if len(payload) > BUNDLE_BYTES_MAX:
            return Rejected(MessageReason.TOO_LARGE, topic)
        newest = committees[max(committees)]
        dealers, members = ceremony or (newest, newest)
        committee = dealers if topic in DEALERS_TOPICS else members
        bad = verify_signed(payload, signature, NodeId(sender), committee)
        body = Bundle(topic, value if isinstance(value, Mapping) else {})
        return bad or Verified(body, NodeId(sender), payload, signature)
    if topic != "observations":
        return Rejected(MessageReason.WRONG_SHAPE, f"nobody signs {topic}")
    if fields.buff("network", 32) != network:
        return Rejected(MessageReason.WRONG_NETWORK)
    return _open_observations(fields, NodeId(sender), payload, signature, committees)


def _open_observations(
    fields: Fields,
    sender: NodeId,
    payload: bytes,
    signature: bytes,
    committees: Mapping[EpochNumber, Committee],
) -> Verified[Observations] | Rejected:
    known = committees.get(EpochNumber(fields.uint("epoch")))
    if known is None:
        return Rejected(MessageReason.UNKNOWN_EPOCH)
    rows = tuple(_observation(row) for row in fields.items("rows", OBSERVATIONS_PER_FRAME))
    observations = Observations(known.epoch, WindowStart(fields.uint("window")), rows)
    fields.end()
    if any(a.usage_point >= b.usage_point for a, b in itertools.pairwise(rows)):
        return Rejected(MessageReason.WRONG_SHAPE, "observations are sorted, one a usage point")
    bad = verify_signed(payload, signature, sender, known)
    return bad or Verified(observations, sender, payload, signature)


def _parse(
    fields: Fields,
    topic: str,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    ceremony: CeremonyCommittees | None,
) -> NodeMessage | Rejected:
    match topic:
        case "inventory":
            notice = InventoryNotice(
                WindowStart(fields.uint("window")),
                fields.buff("data", 0, INVENTORY_BYTES_MAX),
                fields.buff("observed", 0, 32),
            )
            if len(notice.observed) not in (0, 32):
                raise WrongShape("a digest has 32 bytes")
            return notice
        case "rows-wanted":
            return RowsWanted(
                WindowStart(fields.uint("window")),
                _proposal(fields),
                tuple(_uint(bucket) for bucket in fields.items("buckets", BUCKETS_MAX)),
            )
        case "rows":
            return _rows(fields)
        case "records-wanted":
            hashes = _split(fields.buff("hashes", 0, RECORDS_PER_FRAME * 32), 32)
            return RecordsWanted(tuple(RecordHash(one) for one in hashes))
        case "records":
            return Records(tuple(_record(row) for row in fields.items("records", RECORDS_PER_FRAME)))
        case "signed":
            sender = fields.uint("sender", 255)
            payload = fields.buff("payload", 1, FRAME_BYTES_MAX)
            signature = fields.buff("signature", SIGNATURE_BYTES)
            return open_signed(sender, payload, signature, network, committees, ceremony)
        case "observations-wanted":
            return ObservationsWanted(WindowStart(fields.uint("window")), NodeId(fields.uint("slot", 255)))
        case "share":
            return Share(
                Height(fields.uint("height")),
                Digest(fields.buff("digest", 32)),
                fields.buff("signature", 48),
                EpochNumber(fields.uint("epoch")),
            )
        case "part-wanted":
            return PartWanted(Height(fields.uint("height")), fields.text("name", 24))
        case "part":
            return Part(
                Height(fields.uint("height")),
                fields.text("name", 24),
                fields.buff("data", 0, PART_BYTES_MAX),
            )
        case "claim":
            instance, number = fields.buff("instance", INSTANCE_BYTES), fields.uint("number")
            return Claim(instance, number, fields.uint("lease-ms", LEASE_MS_MAX))
        case "grant":
            instance, number = fields.buff("instance", INSTANCE_BYTES), fields.uint("number")
            return Grant(instance, number, fields.flag("granted"), fields.uint("height"))
        case _:
            raise WrongShape(f"unknown topic {topic}")


def _rows(fields: Fields) -> Rows:
    window, proposal = WindowStart(fields.uint("window")), _proposal(fields)
    buckets = []
    for item in fields.items("buckets", BUCKETS_MAX):
        bucket = Fields(item)
        packed = bucket.buff("rows", 0, ROWS_PER_FRAME * 40)
        buckets.append((bucket.uint("bucket", BUCKETS_MAX), packed))
        bucket.end()
    return Rows(window, proposal, tuple(buckets))


def _record(row: Value) -> Record:
    fields = Fields(row)
    record = Record(
        fields.text("format", 16), fields.uint("source"), fields.buff("data", 1, RECORD_BYTES_MAX)
    )
    fields.end()
    return record


def _observation(row: Value) -> Observation:
    fields = Fields(row)
    observation = Observation(
        UsagePoint(fields.uint("usage-point", NUMBER_MAX)),
        fields.uint("time-s"),
        fields.uint("import-register", NUMBER_MAX),
        fields.uint("export-register", NUMBER_MAX),
        fields.uint("sequence", NUMBER_MAX),
        RecordHash(fields.buff("record", 32)),
    )
    fields.end()
    return observation


def _proposal(fields: Fields) -> Digest | None:
    proposal = fields.buff("proposal", 0, 32)
    if len(proposal) not in (0, 32):
        raise WrongShape("a proposal's digest has 32 bytes")
    return Digest(proposal) if proposal else None


def _uint(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value >= BUCKETS_MAX:
        raise WrongShape("not a bucket number")
    return value


def _split(packed: bytes, size: int) -> tuple[bytes, ...]:
    if len(packed) % size:
        raise WrongShape(f"not a multiple of {size} bytes")
    return tuple(packed[at : at + size] for at in range(0, len(packed), size))


def observations_digest(payload: bytes) -> Digest:
    """How a proposal names the observations it rests on."""
    return Digest(digest(payload))


def write_observations(observations: tuple[Verified[Observations], ...]) -> bytes:
    """Signed observations as the history keeps them and an export carries them."""
    rows: list[Value] = [
        {"slot": int(one.sender), "payload": one.payload, "signature": one.signature} for one in observations
    ]
    return encode(rows)


def read_observations(
    data: bytes, network: Network, committees: Mapping[EpochNumber, Committee]
) -> tuple[Verified[Observations], ...] | Rejected:
    """Read them back from a peer, and verify each."""
    try:
        rows = decode(data, bytes_max=FRAME_BYTES_MAX)
        if not isinstance(rows, tuple) or len(rows) > MEMBERS_MAX:
            return Rejected(MessageReason.WRONG_SHAPE, "not a list of members' observations")
        found = []
        for row in rows:
            fields = Fields(row)
            slot, payload = fields.uint("slot", 255), fields.buff("payload", 1, FRAME_BYTES_MAX)
            signature = fields.buff("signature", SIGNATURE_BYTES)
            fields.end()
            opened = open_signed(slot, payload, signature, network, committees)
            if isinstance(opened, Rejected):
                return opened
            if not isinstance(opened.message, Observations):
                return Rejected(MessageReason.WRONG_SHAPE, "signed, and no observations")
            found.append(Verified(opened.message, opened.sender, payload, signature))
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    except EncodingError as cause:
        return Rejected(MessageReason.NOT_CANONICAL, str(cause))
    return tuple(found)

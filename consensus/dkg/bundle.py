"""What participants of a ceremony say to each other: five signed payloads.

Decides their canonical form and reads them strictly; knows no group arithmetic
beyond lengths, and neither makes nor checks the secp256k1 signatures around them:
a payload is signed outside, by the node key of its slot, over
sha256(encode(payload)), and travels in an envelope {slot, payload, signature}.

`hello`, `respond` and `confirm` come from members (slots of the new committee),
`deal` and `justify` from dealers (slots of the committee in force).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from consensus.dkg.plan import Plan
from consensus.encoding import EncodingError, Value, decode, digest, encode
from consensus.model import MEMBERS_MAX, NodeId, Rejected
from consensus.threshold.scheme import KEY_BYTES, SCALAR_BYTES, SIGNATURE_BYTES

BOX_KEY_BYTES: Final = 32
SEALED_BYTES: Final = 80
"""A share under HPKE: 32 bytes of encapsulated key, 32 of share, 16 of tag."""
NODE_SIGNATURE_BYTES: Final = 65
ATTACHMENT_BYTES_MAX: Final = 1 << 20
"""The largest is 31 deals of 5 KiB, each at most twice (two deals are evidence)."""
PER_SLOT_MAX: Final = 2

Payload: TypeAlias = Mapping[str, Value]


class Topic(Enum):
    """What a payload says; `topic` of its signed tuple."""

    HELLO = "hello"
    DEAL = "deal"
    RESPOND = "respond"
    JUSTIFY = "justify"
    CONFIRM = "confirm"


class BundleReason(Enum):
    """Why bytes are no bundle of this ceremony."""

    FOREIGN = "foreign"
    """Another topic, session or slot: a replay, and not its signer's fault."""
    MALFORMED = "malformed"
    """Its signer wrote fields, sizes or an order that no honest program writes."""
    WRONG_LENGTH = "wrong-length"
    """Its signer gave another number of commitments than t, or of sealed shares than n."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A payload whose signature by `slot`'s node key was verified outside."""

    slot: NodeId
    payload: Payload


@dataclass(frozen=True, slots=True)
class Envelope:
    """A bundle on its way: `signature` (65 bytes) is yet to be verified over `digest`."""

    slot: NodeId
    payload: Payload
    signature: bytes

    @property
    def digest(self) -> bytes:
        """What the slot's node key signs: 32 bytes."""
        return digest(self.payload)


@dataclass(frozen=True, slots=True)
class Hello:
    """A member is here; shares for it are sealed to `box_key` (X25519, 32 bytes)."""

    slot: NodeId
    box_key: bytes

    def payload(self, session: bytes) -> Payload:
        """Give the canonical tuple."""
        return {**_header(Topic.HELLO, session, self.slot), "box-key": self.box_key}


@dataclass(frozen=True, slots=True)
class Deal:
    """A dealer's polynomial: t commitments, proof of possession, n sealed shares.

    `sealed` is aligned with the members' slots; b"" for a member that said no hello.
    """

    slot: NodeId
    commitments: tuple[bytes, ...]
    possession: bytes
    sealed: tuple[bytes, ...]

    def payload(self, session: bytes) -> Payload:
        """Give the canonical tuple."""
        return {
            **_header(Topic.DEAL, session, self.slot),
            "commitments": self.commitments,
            "possession": self.possession,
            "sealed": self.sealed,
        }


@dataclass(frozen=True, slots=True)
class Response:
    """A member opened its shares; `complaints` are the dealers whose share is wrong, ascending."""

    slot: NodeId
    complaints: tuple[NodeId, ...]

    def payload(self, session: bytes) -> Payload:
        """Give the canonical tuple."""
        return {**_header(Topic.RESPOND, session, self.slot), "complaints": self.complaints}


@dataclass(frozen=True, slots=True)
class Justification:
    """An accused dealer's answer: (member, share as 32 bytes) in clear, members ascending."""

    slot: NodeId
    shares: tuple[tuple[NodeId, bytes], ...]

    def payload(self, session: bytes) -> Payload:
        """Give the canonical tuple."""
        shares: tuple[Value, ...] = tuple({"member": member, "share": share} for member, share in self.shares)
        return {**_header(Topic.JUSTIFY, session, self.slot), "shares": shares}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A member has its new share: its partial signature (48 bytes) on the activation (K3)."""

    slot: NodeId
    transcript: bytes
    partial: bytes

    def payload(self, session: bytes) -> Payload:
        """Give the canonical tuple."""
        return {
            **_header(Topic.CONFIRM, session, self.slot),
            "transcript": self.transcript,
            "partial": self.partial,
        }


def is_foreign(payload: Payload, topic: Topic, session: bytes, sender: NodeId) -> bool:
    """Tell whether a payload belongs elsewhere; `sender` is whose key signed it."""
    header = _header(topic, session, sender)
    return any(key not in payload or encode(payload[key]) != encode(header[key]) for key in header)


def parse_hello(plan: Plan, sender: NodeId, payload: Payload) -> Hello | Rejected:
    """Read a hello; that the key is usable is the ceremony's to check."""
    match payload:
        case {"box-key": bytes(box_key)} if len(box_key) == BOX_KEY_BYTES:
            return _strict(plan, Topic.HELLO, Hello(sender, box_key), payload)
    return _malformed(plan, Topic.HELLO, sender, payload)


def parse_deal(plan: Plan, sender: NodeId, payload: Payload) -> Deal | Rejected:
    """Read a deal of exactly t commitments and n sealed shares; the points are unchecked yet."""
    if is_foreign(payload, Topic.DEAL, plan.session, sender):
        return Rejected(BundleReason.FOREIGN, Topic.DEAL.value)
    match payload:
        case {"commitments": tuple(points), "possession": bytes(possession), "sealed": tuple(sealed)}:
            commitments, shares = _buffs(points, KEY_BYTES), _buffs(sealed, SEALED_BYTES, 0)
            if commitments is None or shares is None or len(possession) != SIGNATURE_BYTES:
                return _malformed(plan, Topic.DEAL, sender, payload)
            # A longer list would raise the threshold for everyone; a shorter lower it.
            if len(commitments) != plan.threshold or len(shares) != plan.members.size:
                counts = f"{len(commitments)} commitments, {len(shares)} shares"
                return Rejected(BundleReason.WRONG_LENGTH, counts)
            return _strict(plan, Topic.DEAL, Deal(sender, commitments, possession, shares), payload)
    return _malformed(plan, Topic.DEAL, sender, payload)


def parse_response(plan: Plan, sender: NodeId, payload: Payload) -> Response | Rejected:
    """Read a response; whether the accused dealt at all is the ceremony's to check."""
    match payload:
        case {"complaints": tuple(complaints)}:
            slots = tuple(NodeId(slot) for slot in complaints if type(slot) is int)
            if _ascending(slots):
                return _strict(plan, Topic.RESPOND, Response(sender, slots), payload)
    return _malformed(plan, Topic.RESPOND, sender, payload)


def parse_justification(plan: Plan, sender: NodeId, payload: Payload) -> Justification | Rejected:
    """Read a justification; whether the shares fit is the ceremony's to check."""
    shares: list[tuple[NodeId, bytes]] = []
    match payload:
        case {"shares": tuple(items)}:
            for item in items:
                match item:
                    case {"member": int(member), "share": bytes(share)} if len(share) == SCALAR_BYTES:
                        shares.append((NodeId(int(member)), share))  # int(): a bool re-encodes otherwise
            if _ascending([member for member, _ in shares]):
                return _strict(plan, Topic.JUSTIFY, Justification(sender, tuple(shares)), payload)
    return _malformed(plan, Topic.JUSTIFY, sender, payload)


def parse_confirmation(plan: Plan, sender: NodeId, payload: Payload) -> Confirmation | Rejected:
    """Read a confirmation; whether it is of this outcome is the ceremony's to check."""
    match payload:
        case {"transcript": bytes(transcript), "partial": bytes(partial)}:
            return _strict(plan, Topic.CONFIRM, Confirmation(sender, transcript, partial), payload)
    return _malformed(plan, Topic.CONFIRM, sender, payload)


def encode_attachment(envelopes: Sequence[Envelope]) -> bytes:
    """Write what travels beside a ceremony's entry; its sha256 is the entry's `attachment`."""
    return encode(
        [{"slot": item.slot, "payload": item.payload, "signature": item.signature} for item in envelopes]
    )


def decode_attachment(data: bytes) -> tuple[Envelope, ...] | Rejected:
    """Read an attachment; then verify each signature and hand the bundles to the ceremony."""
    try:
        value = decode(data, bytes_max=ATTACHMENT_BYTES_MAX)
    except EncodingError as error:
        return Rejected(BundleReason.MALFORMED, str(error))
    envelopes = []
    for item in value if isinstance(value, tuple) else ():
        match item:
            case {"slot": int(slot), "payload": dict(payload), "signature": bytes(signature)}:
                envelopes.append(Envelope(NodeId(int(slot)), payload, signature))
    well_formed = (
        len(envelopes) <= MEMBERS_MAX * PER_SLOT_MAX
        and all(len(item.signature) == NODE_SIGNATURE_BYTES for item in envelopes)
        and encode_attachment(envelopes) == data
    )
    return tuple(envelopes) if well_formed else Rejected(BundleReason.MALFORMED, "not a list of envelopes")


_Typed = TypeVar("_Typed", Hello, Deal, Response, Justification, Confirmation)


def _strict(plan: Plan, topic: Topic, typed: _Typed, payload: Payload) -> _Typed | Rejected:
    # Reading is lenient, so what was read must write the very same bytes: no field
    # more, no bool for a uint, nothing dropped from a list.
    if encode(typed.payload(plan.session)) == encode(payload):
        return typed
    return _malformed(plan, topic, typed.slot, payload)


def _malformed(plan: Plan, topic: Topic, sender: NodeId, payload: Payload) -> Rejected:
    if is_foreign(payload, topic, plan.session, sender):
        return Rejected(BundleReason.FOREIGN, topic.value)
    return Rejected(BundleReason.MALFORMED, topic.value)


def _header(topic: Topic, session: bytes, slot: NodeId) -> dict[str, Value]:
    return {"topic": topic.value, "session": session, "slot": slot}


def _buffs(items: tuple[Value, ...], *sizes: int) -> tuple[bytes, ...] | None:
    buffs = tuple(item for item in items if isinstance(item, bytes) and len(item) in sizes)
    return buffs if len(buffs) == len(items) else None


def _ascending(slots: Sequence[int]) -> bool:
    return all(left < right for left, right in pairwise(slots))

"""Signed bytes in, `Verified[message]` or `Rejected(reason)` out.

The one place that decides whether a signature is right, so that nothing behind it can
forget to ask. Cheap checks stand before expensive ones: size, shape, network, epoch,
and only then the recovery of a key (33 us).

Signatures are recoverable secp256k1 over sha256 of the payload, 65 bytes r||s||v,
low-s only: Clarity accepts high-s as well, we neither make nor take it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from coincurve import PublicKey

from consensus.encoding import EncodingError, decode, encode
from consensus.messages import (
    SIGNATURE_BYTES,
    Certificate,
    DecidedEntry,
    Entry,
    Fields,
    MessageReason,
    Phase,
    Proposal,
    Vote,
    WrongShape,
)
from consensus.model import Committee, Digest, EpochNumber, Height, Network, NodeId, Rejected, Round

T = TypeVar("T")

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PAYLOAD_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified(Generic[T]):
    """A message whose signature was checked. Only this module makes one.

    `payload` and `signature` are kept, because they are what evidence consists of.
    """

    message: T
    sender: NodeId
    payload: bytes
    signature: bytes


def recover(payload: bytes, signature: bytes) -> bytes | None:
    """The compressed key that signed `payload`, or None if the signature is not canonical."""
    if len(signature) != SIGNATURE_BYTES or signature[64] > 3:
        return None
    if int.from_bytes(signature[32:64], "big") > _CURVE_ORDER // 2:
        return None
    try:
        return PublicKey.from_signature_and_message(signature, payload).format(compressed=True)
    except Exception:  # noqa: BLE001 - the library raises bare Exception for an unrecoverable signature
        return None


def verify_signed(payload: bytes, signature: bytes, sender: NodeId, committee: Committee) -> Rejected | None:
    """None if the member in slot `sender` signed `payload`; else why not."""
    if not 0 <= sender < committee.size:
        return Rejected(MessageReason.NOT_A_MEMBER, f"slot {sender}")
    if recover(payload, signature) != committee.node_keys[sender]:
        return Rejected(MessageReason.BAD_SIGNATURE, f"slot {sender}")
    return None


def open_vote(
    payload: bytes, signature: bytes, network: Network, committees: Mapping[EpochNumber, Committee]
) -> Verified[Vote] | Rejected:
    """Check a signed vote; its sender is whoever's key the signature recovers to."""
    return _open(payload, signature, "vote", Vote.read, network, committees)


def open_proposal(
    payload: bytes,
    signature: bytes,
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    fits: Callable[[Proposal], Rejected | None] = lambda _: None,
) -> Verified[Proposal] | Rejected:
    """Check a signed proposal. Whether it was the sender's turn is for whoever knows the log (A1).

    `fits` says what else is wrong with it, and is asked before the signature is looked at.
    """
    return _open(payload, signature, "proposal", Proposal.read, network, committees, fits)


def _open(
    payload: bytes,
    signature: bytes,
    topic: str,
    read: Callable[[Fields], T],
    network: Network,
    committees: Mapping[EpochNumber, Committee],
    fits: Callable[[T], Rejected | None] = lambda _: None,
) -> Verified[T] | Rejected:
    try:
        fields = Fields(decode(payload, bytes_max=1024))
        fields.literal("topic", topic)
        if fields.buff("network", 32) != network:
            return Rejected(MessageReason.WRONG_NETWORK)
        message = read(fields)
        fields.end()
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    except EncodingError as cause:
        return Rejected(MessageReason.NOT_CANONICAL, str(cause))
    committee = committees.get(message.epoch)  # type: ignore[attr-defined]  # votes and proposals both name it
    if committee is None:
        return Rejected(MessageReason.UNKNOWN_EPOCH)
    unfit = fits(message)
    if unfit is not None:
        return unfit
    key = recover(payload, signature)
    if key is None:
        return Rejected(MessageReason.BAD_SIGNATURE)
    sender = committee.slot_of(key)
    if sender is None:
        return Rejected(MessageReason.NOT_A_MEMBER)
    return Verified(message, sender, payload, signature)


def check_certificate(
    certificate: Certificate,
    phase: Phase,
    height: Height,
    voted: Digest,
    network: Network,
    committee: Committee,
) -> Rejected | None:
    """None if a quorum of `committee` voted for `voted` in that round; else why not.

    Counts members, not signatures: position j must recover to key j, so one
    signature cannot stand in two slots.
    """
    if certificate.epoch != committee.epoch or len(certificate.signatures) != committee.size:
        return Rejected(MessageReason.WRONG_SHAPE, "certificate of another committee")
    if len(certificate.signers) < committee.quorum:
        return Rejected(MessageReason.NO_QUORUM)
    vote = Vote(certificate.epoch, height, certificate.round, phase, voted)
    payload = encode(vote.value(network))
    for slot in certificate.signers:
        bad = verify_signed(payload, certificate.signatures[slot], slot, committee)
        if bad is not None:
            return bad
    return None


def check_decided(
    decided: DecidedEntry, network: Network, committees: Mapping[EpochNumber, Committee]
) -> Rejected | None:
    """None if the entry is of this network and its certificate decides it (U1)."""
    entry, certificate = decided.entry, decided.certificate
    if entry.network != network:
        return Rejected(MessageReason.WRONG_NETWORK)
    committee = committees.get(certificate.epoch)
    if committee is None:
        return Rejected(MessageReason.UNKNOWN_EPOCH)
    return check_certificate(certificate, Phase.COMMIT, entry.height, entry.digest, network, committee)


@dataclass(frozen=True, slots=True)
class ProposalFrame:
    """A verified proposal with what it proposes and, for a re-proposal, what justifies it."""

    proposal: Verified[Proposal]
    entry: Entry
    attachment: bytes
    justification: Certificate | None


def fits_proposal(
    proposal: Proposal, entry: Entry, justification: Certificate | None, network: Network
) -> Rejected | None:
    """None if entry and justification can be those of the proposal; looks at no signature (A4)."""
    if entry.network != network:
        return Rejected(MessageReason.WRONG_NETWORK, "entry")
    if entry.height != proposal.height:
        return Rejected(MessageReason.WRONG_LINK, "entry of another height")
    if entry.digest != proposal.digest:
        return Rejected(MessageReason.WRONG_SHAPE, "digest of another entry")
    if proposal.valid_round is None:
        return None
    if justification is None or justification.round != proposal.valid_round:
        return Rejected(MessageReason.NO_QUORUM, "re-proposal without its justification")
    return None


def check_proposal_frame(frame: ProposalFrame, network: Network, committee: Committee) -> Rejected | None:
    """None if entry, digest and justification belong to the proposal (A4)."""
    proposal = frame.proposal.message
    unfit = fits_proposal(proposal, frame.entry, frame.justification, network)
    if unfit is not None:
        return unfit
    if committee.proposer(frame.entry.previous, proposal.round) != frame.proposal.sender:
        return Rejected(MessageReason.NOT_PROPOSER)  # A1
    if proposal.valid_round is None or frame.justification is None:
        return None
    return check_certificate(
        frame.justification, Phase.PREVOTE, proposal.height, proposal.digest, network, committee
    )


def certificate_at(
    epoch: EpochNumber, round_: Round, votes: Mapping[NodeId, bytes], size: int
) -> Certificate:
    """Align signatures with their slots."""
    return Certificate(epoch, round_, tuple(votes.get(NodeId(slot), b"") for slot in range(size)))

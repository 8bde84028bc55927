"""The outside of an evidence file: one JSON object, canonical, with a kind and a network (E6).

    {"kind":"double-vote","network":"…","wattest-evidence":1, …}

Canonical means sorted keys, no spaces, ASCII, integers only, one newline at the end; bytes
stand as lower-case hex. So the same evidence is the same file, and sha256 of the file is its
name. Knows nothing of what the kinds mean.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Any, Final

from oracle.audit.document import Fieldset, canonical_json, read_canonical
from oracle.audit.values import HASH_BYTES, Malformed

VERSION: Final = 1
MARK: Final = "wattest-evidence"
EVIDENCE_BYTES_MAX: Final = 4 << 20
"""The largest holds a zone's leaves, or a gateway's batch of a megabyte as hex."""
DOUBLE_VOTE_BYTES_MAX: Final = 64 << 10


class Kind(Enum):
    """Kinds of evidence, one word each wherever they are named."""

    DOUBLE_VOTE = "double-vote"
    FALSE_LEAF = "false-leaf"
    FALSE_SUM = "false-sum"
    WITHHELD_RECORD = "withheld-record"


class EvidenceReason(Enum):
    """Why a file proves nothing; the step that says so comes with it."""

    TOO_LARGE = "too-large"
    """More bytes than a file of its kind may have."""
    NOT_CANONICAL = "not-canonical"
    """Not JSON, or JSON that would be written differently; a file that was cut short is one."""
    NOT_EVIDENCE = "not-evidence"
    """JSON without the mark of an evidence file, or of a version this one does not know."""
    UNKNOWN_KIND = "unknown-kind"
    """A kind of evidence that this version does not judge."""
    MALFORMED = "malformed"
    """A field is missing, is unknown, or is not the value it should be."""
    WRONG_NETWORK = "wrong-network"
    """Evidence of another network than the one asked for, or the genesis gives another."""
    BAD_EPOCH = "bad-epoch"
    """The committees in the file do not follow from the genesis."""
    BAD_VOTES = "bad-votes"
    """The two votes do not contradict each other, or are not by one key."""
    NOT_A_MEMBER = "not-a-member"
    """The key is of no committee in the file."""
    NOT_CERTIFIED = "not-certified"
    """No quorum of a committee signed the entry."""
    NOT_PROVEN = "not-proven"
    """A leaf, a zone or a device does not stand where the file says."""
    OTHER_RECORD = "other-record"
    """The record is not the one that the leaf names: a meter may tell two stories."""
    NOT_SIGNED = "not-signed"
    """The record is not signed by the registered key, so it shows nothing against anybody."""
    UNSUPPORTED = "unsupported"
    """A record or a case that the contract cannot read beyond doubt: it slashes nobody."""
    NOTHING_FALSE = "nothing-false"
    """All is as it should be."""
    NOT_WITHHELD = "not-withheld"
    """The receipt, the record or the neighbours do not show that a leaf is missing."""


class Faulty(Exception):  # noqa: N818 - states what the evidence is
    """Raised and caught inside this package; callers see a failed step with its reason."""

    def __init__(self, reason: EvidenceReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


def digest_of(data: bytes) -> bytes:
    """A file's name: sha256 of its bytes."""
    return hashlib.sha256(data).digest()


def seal(kind: Kind, network: bytes, content: dict[str, Any]) -> bytes:
    """The file of a kind's content."""
    return canonical_json({**content, "kind": kind.value, "network": network.hex(), MARK: VERSION})


def unseal(data: bytes) -> tuple[Kind, bytes, Fieldset]:
    """Kind, network, and the fields left to read. Raises Faulty, Malformed."""
    if len(data) > EVIDENCE_BYTES_MAX:
        raise Faulty(EvidenceReason.TOO_LARGE, f"{len(data)} bytes, at most {EVIDENCE_BYTES_MAX}")
    try:
        content = read_canonical(data)
    except Malformed as cause:
        raise Faulty(EvidenceReason.NOT_CANONICAL, str(cause)) from cause
    if not isinstance(content, dict) or content.get(MARK) != VERSION:
        raise Faulty(EvidenceReason.NOT_EVIDENCE, f"no object with {MARK} {VERSION}")
    item = Fieldset(content, "the file")
    item.integer(MARK)
    name = item.text("kind")
    kind = next((one for one in Kind if one.value == name), None)
    if kind is None:
        raise Faulty(EvidenceReason.UNKNOWN_KIND, "not one of " + ", ".join(one.value for one in Kind))
    if kind is Kind.DOUBLE_VOTE and len(data) > DOUBLE_VOTE_BYTES_MAX:
        raise Faulty(EvidenceReason.TOO_LARGE, f"{len(data)} bytes, at most {DOUBLE_VOTE_BYTES_MAX}")
    return kind, item.hex("network", HASH_BYTES), item

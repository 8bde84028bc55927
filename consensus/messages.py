"""What members say: entries, proposals, votes and the certificates made of votes.

Every class here knows its canonical value, which is what is hashed or signed, and
reads itself back from one. Whether a signature is right is `envelope`'s matter;
what a message means for agreement is `agreement`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from consensus.encoding import EncodingError, Some, Value, decode, digest, encode
from consensus.model import (
    MEMBERS_MAX,
    Digest,
    EpochNumber,
    Height,
    Network,
    NodeId,
    Rejected,
    Round,
)

ENTRY_BYTES_MAX: Final = 4096
"""An entry is small: its bulk is an attachment, or leaves under a root."""
KIND_MAX: Final = 16
SIGNATURE_BYTES: Final = 65
ROUND_MAX: Final = 1 << 20
HEIGHT_MAX: Final = 1 << 48


class Phase(IntEnum):
    """The two votes of a round (A6)."""

    PREVOTE = 1
    COMMIT = 2


class MessageReason(Enum):
    """Why bytes from a peer are not a message."""

    NOT_CANONICAL = "not-canonical"
    """The bytes are not one canonical value: a defect or an attack of the peer."""
    WRONG_SHAPE = "wrong-shape"
    """A field is missing, is of another type, or out of its range."""
    TOO_LARGE = "too-large"
    """Longer than the limit for its kind."""
    WRONG_NETWORK = "wrong-network"
    """Made for another network (Q4): check the peer's configuration."""
    UNKNOWN_EPOCH = "unknown-epoch"
    """Of a committee this node does not know."""
    NOT_A_MEMBER = "not-a-member"
    """The signature is by no key of the committee."""
    BAD_SIGNATURE = "bad-signature"
    """The signature is malformed, or high-s, or by another key than claimed."""
    NOT_PROPOSER = "not-proposer"
    """A proposal by a member whose turn it is not (A1)."""
    NO_QUORUM = "no-quorum"
    """A certificate or justification with too few good signatures."""
    WRONG_LINK = "wrong-link"
    """An entry that does not follow the log's head."""


class WrongShape(ValueError):  # noqa: N818 - reads as the fact it states
    """Raised and caught inside parsing only; callers see Rejected(WRONG_SHAPE)."""


class Fields:
    """Reads typed fields out of a decoded tuple; anything unexpected is WrongShape."""

    __slots__ = ("_left",)

    def __init__(self, value: Value) -> None:
        if not isinstance(value, Mapping):
            raise WrongShape("not a tuple")
        self._left = dict(value)

    def uint(self, name: str, maximum: int = HEIGHT_MAX) -> int:
        """An unsigned integer up to `maximum`."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or value > maximum:
            raise WrongShape(f"{name} is no uint up to {maximum}")
        return value

    def buff(self, name: str, minimum: int, maximum: int | None = None) -> bytes:
        """A buffer of `minimum` to `maximum` bytes (just `minimum` when no maximum is given)."""
        value = self._take(name)
        if not isinstance(value, bytes) or not minimum <= len(value) <= (maximum or minimum):
            raise WrongShape(f"{name} is no buffer of that size")
        return value

    def text(self, name: str, maximum: int) -> str:
        """An ASCII string."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) > maximum:
            raise WrongShape(f"{name} is no string of that size")
        return value

    def items(self, name: str, maximum: int) -> tuple[Value, ...]:
        """A list of at most `maximum` items."""
        value = self._take(name)
        if not isinstance(value, tuple) or len(value) > maximum:
            raise WrongShape(f"{name} is no list of that size")
        return value

    def fields(self, name: str) -> Mapping[str, Value]:
        """A nested tuple, unread."""
        value = self._take(name)
        if not isinstance(value, Mapping):
            raise WrongShape(f"{name} is no tuple")
        return value

    def optional_uint(self, name: str, maximum: int = HEIGHT_MAX) -> int | None:
        """An (optional uint)."""
        match self._take(name):
            case None:
                return None
            case Some(int(number)) if not isinstance(number, bool) and number <= maximum:
                return number
            case _:
                raise WrongShape(f"{name} is no optional uint")

    def optional_buff(self, name: str, size: int) -> bytes | None:
        """An (optional (buff size))."""
        match self._take(name):
            case None:
                return None
            case Some(bytes(data)) if len(data) == size:
                return data
            case _:
                raise WrongShape(f"{name} is no optional buffer of {size} bytes")

    def flag(self, name: str) -> bool:
        """A bool."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise WrongShape(f"{name} is no bool")
        return value

    def optional(self, name: str) -> Value:
        """An optional of any type: what it holds, or None."""
        match self._take(name):
            case None:
                return None
            case Some(inner):
                return inner
            case _:
                raise WrongShape(f"{name} is no optional")

    def literal(self, name: str, expected: Value) -> None:
        """A field that must hold just `expected`."""
        if self._take(name) != expected:
            raise WrongShape(f"{name} is not {expected!r}")

    def end(self) -> None:
        """Nothing may be left over: a field silently dropped is a field that lies."""
        if self._left:
            raise WrongShape(f"unknown fields {sorted(self._left)}")

    def _take(self, name: str) -> Value:
        if name not in self._left:
            raise WrongShape(f"{name} is missing")
        return self._left.pop(name)


@dataclass(frozen=True, slots=True)
class Entry:
    """One height of the log. `body` is the canonical tuple of its `kind`."""

    network: Network
    height: Height
    previous: Digest
    kind: str
    body: Mapping[str, Value]

    def value(self) -> dict[str, Value]:
        """The canonical value."""
        return {
            "network": self.network,
            "height": self.height,
            "previous": self.previous,
            "kind": self.kind,
            "body": self.body,
        }

    def encoded(self) -> bytes:
        """The canonical bytes."""
        return encode(self.value())

    @property
    def digest(self) -> Digest:
        """What votes and the BLS signature are over (T1)."""
        return Digest(digest(self.value()))

    @classmethod
    def parse(cls, data: bytes) -> Entry | Rejected:
        """Read an entry back from its canonical bytes."""
        if len(data) > ENTRY_BYTES_MAX:
            return Rejected(MessageReason.TOO_LARGE, "entry")
        try:
            fields = Fields(decode(data))
            entry = cls(
                Network(fields.buff("network", 32)),
                Height(fields.uint("height")),
                Digest(fields.buff("previous", 32)),
                fields.text("kind", KIND_MAX),
                fields.fields("body"),
            )
            fields.end()
        except WrongShape as shape:
            return Rejected(MessageReason.WRONG_SHAPE, str(shape))
        except EncodingError as cause:
            return Rejected(MessageReason.NOT_CANONICAL, str(cause))
        return entry


@dataclass(frozen=True, slots=True)
class Vote:
    """A member's word for `digest`, or for no value, in one phase of one round (A6)."""

    epoch: EpochNumber
    height: Height
    round: Round
    phase: Phase
    digest: Digest | None

    def value(self, network: Network) -> dict[str, Value]:
        """The canonical value, which the contract rebuilds and recovers the key from."""
        return {
            "topic": "vote",
            "network": network,
            "epoch": self.epoch,
            "height": self.height,
            "round": self.round,
            "phase": int(self.phase),
            "digest": None if self.digest is None else Some(self.digest),
        }

    @classmethod
    def read(cls, fields: Fields) -> Vote:
        """Read the fields after topic and network. Raises WrongShape."""
        phase = fields.uint("phase")
        if phase not in (1, 2):
            raise WrongShape("phase is neither prevote nor commit")
        voted = fields.optional_buff("digest", 32)
        return cls(
            EpochNumber(fields.uint("epoch")),
            Height(fields.uint("height")),
            Round(fields.uint("round", ROUND_MAX)),
            Phase(phase),
            None if voted is None else Digest(voted),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """The proposer's value for a round; `valid_round` says which quorum justifies it (A4)."""

    epoch: EpochNumber
    height: Height
    round: Round
    digest: Digest
    valid_round: Round | None

    def value(self, network: Network) -> dict[str, Value]:
        """The canonical value."""
        return {
            "topic": "proposal",
            "network": network,
            "epoch": self.epoch,
            "height": self.height,
            "round": self.round,
            "digest": self.digest,
            "valid-round": None if self.valid_round is None else Some(self.valid_round),
        }

    @classmethod
    def read(cls, fields: Fields) -> Proposal:
        """Read the fields after topic and network. Raises WrongShape."""
        valid_round = fields.optional_uint("valid-round", ROUND_MAX)
        proposal = cls(
            EpochNumber(fields.uint("epoch")),
            Height(fields.uint("height")),
            Round(fields.uint("round", ROUND_MAX)),
            Digest(fields.buff("digest", 32)),
            None if valid_round is None else Round(valid_round),
        )
        if proposal.valid_round is not None and proposal.valid_round >= proposal.round:
            raise WrongShape("valid-round is not before round")
        return proposal


@dataclass(frozen=True, slots=True)
class Certificate:
    """A quorum of votes of one round for one digest, slot-aligned: b"" where a member is absent.

    Over phase COMMIT it decides a height (A6); over phase PREVOTE it justifies a
    re-proposal (A4). The phase and the digest are those it is checked against.
    """

    epoch: EpochNumber
    round: Round
    signatures: tuple[bytes, ...]

    def value(self) -> dict[str, Value]:
        """The canonical value, as the contract takes its parts."""
        return {"epoch": self.epoch, "round": self.round, "signatures": self.signatures}

    def encoded(self) -> bytes:
        """The canonical bytes."""
        return encode(self.value())

    @property
    def signers(self) -> tuple[NodeId, ...]:
        """The slots that signed."""
        return tuple(NodeId(slot) for slot, signature in enumerate(self.signatures) if signature)

    @classmethod
    def read(cls, value: Value) -> Certificate:
        """Read a certificate from its canonical value. Raises WrongShape."""
        fields = Fields(value)
        signatures = fields.items("signatures", MEMBERS_MAX)
        for signature in signatures:
            if not isinstance(signature, bytes) or len(signature) not in (0, SIGNATURE_BYTES):
                raise WrongShape("a signature has 65 bytes, or none where a member is absent")
        certificate = cls(
            EpochNumber(fields.uint("epoch")),
            Round(fields.uint("round", ROUND_MAX)),
            tuple(signature for signature in signatures if isinstance(signature, bytes)),
        )
        fields.end()
        return certificate

    @classmethod
    def parse(cls, data: bytes) -> Certificate | Rejected:
        """Read a certificate back from its canonical bytes."""
        try:
            return cls.read(decode(data, bytes_max=8192))
        except WrongShape as shape:
            return Rejected(MessageReason.WRONG_SHAPE, str(shape))
        except EncodingError as cause:
            return Rejected(MessageReason.NOT_CANONICAL, str(cause))


@dataclass(frozen=True, slots=True)
class DecidedEntry:
    """An entry with the certificate that decided it; verifiable alone (U1)."""

    entry: Entry
    certificate: Certificate

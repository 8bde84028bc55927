"""The signer: the one place where the node key signs.

Decides what may be signed: a vote or a proposal only through the sign-once register
(N1), anything else only under a topic of the allow-list, and everything only as
canonical bytes that say themselves what they are and for which network (Q4). Reads the
whole payload, never a bare digest. Does not know whether a vote is wise.

A signature is recoverable secp256k1 over sha256(payload): r, s, recovery id, 65 bytes,
s in the lower half, deterministic (RFC 6979): same bytes, same signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final, Protocol

from coincurve import PrivateKey

from consensus.encoding import EncodingError, Value, decode
from consensus.envelope import recover
from consensus.model import check
from oracle.keys.keystore import Key, KeyKind
from oracle.keys.register import NUMBER_MAX, PHASES, Answer, Position, Register

NETWORK_BYTES: Final = 32
SLASHABLE_TOPICS: Final = frozenset({"vote", "proposal"})
PLAIN_TOPICS: Final = frozenset({"hello", "deal", "respond", "justify", "confirm", "observations", "receipt"})
"""The allow-list: the ceremony's bundles (K1), observations (R4), receipts (R7)."""
TLS_BINDING: Final = b"wattest-tls/1:"
"""No canonical value begins with these bytes, so a binding is never another message."""
_TOPIC_OF_PHASE: Final = ("proposal", "vote", "vote")


class Refusal(Enum):
    """Why the signer does not sign these bytes."""

    OTHER_BYTES = "other-bytes"
    """Other bytes are signed at this position: signing these would be slashable."""
    BELOW_WATERMARK = "below-watermark"
    """What was signed there is no longer known, so nothing is."""
    NOT_CANONICAL = "not-canonical"
    WRONG_TOPIC = "wrong-topic"
    """Not the topic asked for, or not one that may be signed this way."""
    WRONG_FIELDS = "wrong-fields"
    """The payload speaks of another network, height, round or phase than the request."""
    FOREIGN_NETWORK = "foreign-network"
    """Of a network that this signer does not serve."""
    TWIN = "twin"
    """Another process signs with this key, or the register is an old copy (N3)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No signature, and why. A value, never an exception."""

    reason: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True)
class VoteRequest:
    """One slashable signature asked for: phase 0 proposal, 1 prevote, 2 commit."""

    network: bytes
    height: int
    round: int
    phase: int
    payload: bytes


class NodeSigner(Protocol):
    """What a node asks of whoever signs for it: a `Signer` here, or one in another process.

    Every method raises RegisterFailed when the register cannot be used, and ChannelBroken
    while there is no signer; then no signature has left (N2).
    """

    @property
    def public_key(self) -> bytes:
        """The node key in its compressed form."""

    def sign_plain(self, topic: str, payload: bytes) -> bytes | Refused:
        """Sign what cannot be slashed."""

    def sign_tls_binding(self, statement: bytes) -> bytes:
        """Bind a TLS key to the node key."""

    async def sign_many_off_loop(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """Sign votes and proposals, durable first (N1); answers stand in the order of the requests."""

    async def sign_plain_off_loop(self, topic: str, payload: bytes) -> bytes | Refused:
        """`sign_plain`, without holding up the loop."""

    async def witness_off_loop(self, seen: Sequence[tuple[bytes, bytes]]) -> int:
        """Judge (payload, signature) that others show as ours; how many nobody here signed (N3)."""

    async def prune_off_loop(self, below_height: int) -> None:
        """Let the watermark stand for what was signed below a height."""


class Signer:
    """Signs with one node key. Thread-safe; the async form runs on a thread of its own.

    `bind` says which network it serves; from then on it signs for no other.

    Every method raises RegisterFailed when the register cannot be used (N2, N3); then no
    signature has left.
    """

    def __init__(self, key: Key, register: Register, plain_topics: frozenset[str] = PLAIN_TOPICS) -> None:
        check(key.kind is KeyKind.NODE, "the signer's key is a node key")
        check(not plain_topics & SLASHABLE_TOPICS, "votes and proposals are signed through the register")
        self._secret = PrivateKey(key.secret)
        self._register = register
        self._plain_topics = plain_topics
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signer")
        self._network: bytes | None = None
        self.public_key = key.public

    def bind(self, network: bytes) -> None:
        """Serve this network and no other; the register remembers it."""
        self._register.pin(network)
        self._network = network

    def close(self) -> None:
        """Finish what is being signed and give up the thread; the register stays open."""
        self._thread.shutdown(wait=True)

    def sign_vote(
        self, network: bytes, height: int, round_: int, phase: int, payload: bytes
    ) -> bytes | Refused:
        """Sign a vote (phase 1, 2) or a proposal (0): durable first, then signed (N1)."""
        return self.sign_many([VoteRequest(network, height, round_, phase, payload)])[0]

    def sign_many(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """Sign many in one transaction; answers stand in the order of the requests."""
        answers: list[bytes | Refused | None] = [
            self._foreign(request.network) or _misfit(request) for request in requests
        ]
        sound = [at for at, refused in enumerate(answers) if refused is None]
        granted = self._register.take(
            [(self._position(requests[at]), sha256(requests[at].payload).digest()) for at in sound]
        )
        for at, answer in zip(sound, granted, strict=True):
            answers[at] = self._answered(requests[at], answer)
        return [answer for answer in answers if answer is not None]

    async def sign_many_off_loop(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """`sign_many` on the signer's thread: a durable write takes milliseconds."""
        wanted = tuple(requests)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sign_many, wanted)

    def sign_plain(self, topic: str, payload: bytes) -> bytes | Refused:
        """Sign what cannot be slashed: canonical, of an allowed `topic`, naming its network (Q4)."""
        fields = _fields(payload)
        if isinstance(fields, Refused):
            return fields
        said = fields.get("topic")
        if said != topic or said not in self._plain_topics:
            return Refused(Refusal.WRONG_TOPIC, repr(said))
        # A ceremony's session is a digest over the network, so it says as much.
        network = fields.get("network", fields.get("session"))
        if not isinstance(network, bytes) or len(network) != NETWORK_BYTES:
            return Refused(Refusal.WRONG_FIELDS, "neither network nor session (Q4)")
        foreign = self._foreign(network) if "network" in fields else None
        return foreign or self._signature(payload)

    async def sign_plain_off_loop(self, topic: str, payload: bytes) -> bytes | Refused:
        """`sign_plain` on the signer's thread: it may wait for a vote's durable write."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sign_plain, topic, payload)

    def witness(self, seen: Sequence[tuple[bytes, bytes]]) -> int:
        """Judge votes and proposals, each (payload, signature), that others show as this key's.

        Gives how many of them this register never took. If there is one, nothing slashable
        is signed any more (N3): see `Register.witness`. What is not ours is passed over.
        """
        positions: list[tuple[Position, bytes]] = []
        for payload, signature in seen:
            request = requested(payload)
            if isinstance(request, Refused) or self._foreign(request.network):
                continue
            if recover(payload, signature) == self.public_key:
                positions.append((self._position(request), sha256(payload).digest()))
        return len(self._register.witness(positions)) if positions else 0

    async def witness_off_loop(self, seen: Sequence[tuple[bytes, bytes]]) -> int:
        """`witness` on the signer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.witness, tuple(seen))

    def prune(self, below_height: int) -> None:
        """Let the watermark stand for what was signed below a height."""
        if self._network is not None:
            self._register.prune(self.public_key, self._network, below_height)

    async def prune_off_loop(self, below_height: int) -> None:
        """`prune` on the signer's thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self.prune, below_height)

    def sign_tls_binding(self, statement: bytes) -> bytes:
        """Bind a TLS key to the node key; `peers.identity.issue` says what the statement is."""
        return self._signature(TLS_BINDING + statement)

    def _position(self, request: VoteRequest) -> Position:
        return Position(self.public_key, request.network, request.height, request.round, request.phase)

    def _answered(self, request: VoteRequest, answer: Answer) -> bytes | Refused:
        match answer:
            case Answer.GRANTED:
                return self._signature(request.payload)
            case Answer.TAKEN:
                return Refused(Refusal.OTHER_BYTES, f"height {request.height} round {request.round}")
            case Answer.BELOW_WATERMARK:
                return Refused(Refusal.BELOW_WATERMARK, f"height {request.height} round {request.round}")
            case Answer.TWIN:
                return Refused(Refusal.TWIN, "this key signs elsewhere")

    def _foreign(self, network: bytes) -> Refused | None:
        if self._network in (None, network):
            return None
        return Refused(Refusal.FOREIGN_NETWORK, network.hex()[:12])

    def _signature(self, payload: bytes) -> bytes:
        return self._secret.sign_recoverable(payload)  # over sha256(payload); libsecp256k1 gives low s


def requested(payload: bytes) -> VoteRequest | Refused:
    """What a vote's or a proposal's payload says of itself; its position is taken from nobody else."""
    fields = _fields(payload)
    if isinstance(fields, Refused):
        return fields
    topic, phase = fields.get("topic"), fields.get("phase", 0)
    network, height, round_ = (fields.get(name) for name in ("network", "height", "round"))
    if topic not in SLASHABLE_TOPICS:
        return Refused(Refusal.WRONG_TOPIC, repr(topic))
    if not isinstance(network, bytes) or not all(type(one) is int for one in (height, round_, phase)):
        return Refused(Refusal.WRONG_FIELDS, "no network, height, round or phase")
    return VoteRequest(network, _whole(height), _whole(round_), _whole(phase), payload)


def _misfit(request: VoteRequest) -> Refused | None:
    """Whether the payload says what the request says: the register must not be misled."""
    if request.phase not in PHASES:
        return Refused(Refusal.WRONG_FIELDS, f"phase {request.phase}")
    if not (0 <= request.height <= NUMBER_MAX and 0 <= request.round <= NUMBER_MAX):
        return Refused(Refusal.WRONG_FIELDS, "a height or round past what a register holds")
    fields = _fields(request.payload)
    if isinstance(fields, Refused):
        return fields
    if fields.get("topic") != _TOPIC_OF_PHASE[request.phase]:
        return Refused(Refusal.WRONG_TOPIC, repr(fields.get("topic")))
    said = (fields.get("network"), fields.get("height"), fields.get("round"))
    if said != (request.network, request.height, request.round) or len(request.network) != NETWORK_BYTES:
        return Refused(Refusal.WRONG_FIELDS, "another network, height or round")
    if request.phase and fields.get("phase") != request.phase:
        return Refused(Refusal.WRONG_FIELDS, "another phase")
    return None


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else -1


def _fields(payload: bytes) -> Mapping[str, Value] | Refused:
    try:
        value = decode(payload)
    except EncodingError as cause:
        return Refused(Refusal.NOT_CANONICAL, str(cause))
    return value if isinstance(value, Mapping) else Refused(Refusal.NOT_CANONICAL, "not a tuple")

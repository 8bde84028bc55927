"""What the threshold signature is: suite, canonical points, and when a signature is valid.

Knows nothing of any library, of committees, or of what is signed. Signatures are in
G1 (48 bytes), keys in G2 (96 bytes): the suite of drand's quicknet, so that any
verifier of drand beacons can check ours.

The theory. A key is x·G2 for a secret scalar x, a signature x·H(m) with H hashing
into G1 (RFC 9380). It is valid when e(x·H(m), G2) = e(H(m), x·G2). With one key and
one message there is exactly one valid signature, which is why the signature on an
entry is unique whoever made it (T1).

Two libraries stand behind `Group`: `bls.FAST` and `reference.REFERENCE`. Points are
opaque to everyone but the group that made them; what crosses a boundary is bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

SIGNATURE_DST: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
POSSESSION_DST: Final = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"
"""Proofs of possession hash elsewhere, so that none is ever a signature (K1)."""

SIGNATURE_BYTES: Final = 48
KEY_BYTES: Final = 96
SCALAR_BYTES: Final = 32
ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""r, the order of both groups; scalars are integers below it."""
FIELD: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
"""p, the modulus of a coordinate."""
G2_GENERATOR: Final = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)

_COORDINATE_BYTES: Final = 48
_COMPRESSED: Final = 0x80
_INFINITY: Final = 0x40
_FLAGS: Final = 0xE0

P1 = TypeVar("P1")
P2 = TypeVar("P2")


class Group(Protocol[P1, P2]):
    """BLS12-381 as one library sees it: P1 and P2 are its points of G1 and G2."""

    def hash_g1(self, message: bytes, dst: bytes) -> P1:
        """Hash to the curve (RFC 9380, BLS12381G1_XMD:SHA-256_SSWU_RO_)."""
        ...

    def decode_g1(self, data: bytes) -> P1 | None:
        """Read 48 bytes; None unless canonical, in the subgroup and not infinity (T3)."""
        ...

    def decode_g2(self, data: bytes) -> P2 | None:
        """Read 96 bytes; None unless canonical, in the subgroup and not infinity (T3)."""
        ...

    def encode_g1(self, point: P1) -> bytes:
        """Write 48 compressed bytes."""
        ...

    def encode_g2(self, point: P2) -> bytes:
        """Write 96 compressed bytes."""
        ...

    def sum_g1(self, points: Sequence[P1], scalars: Sequence[int]) -> P1:
        """Sum of scalar times point; as many scalars as points, at least one (T3)."""
        ...

    def sum_g2(self, points: Sequence[P2], scalars: Sequence[int]) -> P2:
        """Sum of scalar times point; as many scalars as points, at least one (T3)."""
        ...

    def pairings_agree(self, left: tuple[P1, P2], right: tuple[P1, P2]) -> bool:
        """Tell whether e(left) = e(right)."""
        ...

    def secret_g1(self, secret: int, message: bytes, dst: bytes) -> bytes:
        """Give secret·H(message) as 48 bytes, without telling the secret by its timing."""
        ...

    def secret_g2(self, secret: int) -> bytes:
        """Give secret·G2 as 96 bytes, without telling the secret by its timing."""
        ...


def is_canonical(data: bytes, size: int) -> bool:
    """Tell whether `data` has the one form a finite point of `size` bytes is written in.

    T3: libraries differ here (arkworks takes several forms of infinity), so this is
    asked before any of them sees the bytes. Infinity has no use as a signature, key or
    commitment and is refused in every form.
    """
    if len(data) != size or not data[0] & _COMPRESSED or data[0] & _INFINITY:
        return False
    first = bytes([data[0] & ~_FLAGS]) + data[1:_COORDINATE_BYTES]
    rest = data[_COORDINATE_BYTES:]
    return int.from_bytes(first, "big") < FIELD and int.from_bytes(rest, "big") < FIELD


def verify(
    group: Group[P1, P2],
    group_key: bytes,
    message: bytes,
    signature: bytes,
    dst: bytes = SIGNATURE_DST,
) -> bool:
    """Check a signature (48 bytes) on `message` under a key (96 bytes).

    Malformed bytes are an invalid signature, never an error. `bls.verify` and
    `reference.verify` are this with the group filled in.
    """
    key = group.decode_g2(group_key)
    point = group.decode_g1(signature)
    generator = group.decode_g2(G2_GENERATOR)
    if key is None or point is None or generator is None:
        return False
    return group.pairings_agree((point, generator), (group.hash_g1(message, dst), key))

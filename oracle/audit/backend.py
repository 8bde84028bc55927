"""What a verifier needs of cryptography, and who provides it.

Two implementations: `reference` (plain Python and py-ecc) and `fast` (coincurve,
cryptography, py-arkworks-bls12381). They must agree on every input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias

BLS_SUITE: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
"""Signature in G1, key in G2, basic scheme; the suite of drand's quicknet."""

BackendName: TypeAlias = Literal["auto", "fast", "reference"]


class Backend(Protocol):
    """Signature checks over public bytes. Bad input of any kind is False or None, never raised."""

    @property
    def name(self) -> str:
        """`fast` or `reference`, as the verdict states it."""
        ...

    def recover_secp256k1(self, digest: bytes, signature: bytes) -> bytes | None:
        """The compressed key behind r||s||v (65 bytes, v in 0..3) over a 32-byte digest."""
        ...

    def verify_secp256k1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """r||s over a digest; high-s passes, as it does in Clarity."""
        ...

    def verify_secp256r1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """r||s over a digest; high-s passes, as it does in Clarity."""
        ...

    def verify_ed25519(self, message: bytes, signature: bytes, key: bytes) -> bool:
        """Pure Ed25519 over the message, under the rule of `curves.ed25519_admissible`."""
        ...

    def verify_bls(
        self, messages: Sequence[bytes], signatures: Sequence[bytes], key: bytes, weights: Sequence[int]
    ) -> bool:
        """Whether `key` (96 bytes) signed every message, by one random linear combination.

        `weights` are as many integers, below 2**128, not zero, that whoever made the
        signatures could not foresee; a single signature may take the weight 1.
        """
        ...


def select(name: BackendName = "auto") -> Backend:
    """The backend of that name; `auto` takes the fast one where its libraries import.

    Raises ImportError for `fast` where they do not.
    """
    if name != "reference":
        try:
            from oracle.audit.fast import FastBackend  # noqa: PLC0415 - native packages are optional

            return FastBackend()
        except ImportError:
            if name == "fast":
                raise
    from oracle.audit.reference import ReferenceBackend  # noqa: PLC0415 - py-ecc takes half a second

    return ReferenceBackend()


def plausible_point(data: bytes, size: int) -> bool:
    """Right length, compressed form, and not infinity in any spelling (T3).

    arkworks takes non-canonical infinities, hence the check of the flag itself.
    """
    return len(data) == size and data[0] & 0x80 != 0 and data[0] & 0x40 == 0


def plausible_batch(messages: Sequence[bytes], signatures: Sequence[bytes], weights: Sequence[int]) -> bool:
    """Equal, non-zero lengths and usable weights (T3): an empty pairing product would be one."""
    return 0 < len(messages) == len(signatures) == len(weights) and all(
        0 < weight < 1 << 128 for weight in weights
    )

"""Shares on their way to one member: HPKE, X25519, HKDF-SHA256, ChaCha20Poly1305.

Knows keys and bytes; nothing of phases. `seal` is the one function of the ceremony
that is not repeatable: HPKE draws an ephemeral key from the library's own generator
and takes none from outside. So a deal is made once, made durable, and only then
published (N1); made a second time it would differ, and two deals are evidence.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from consensus.encoding import encode
from consensus.model import NodeId

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(range(32)))


def box_key(private: bytes) -> bytes:
    """Give the public half (32 bytes) of an X25519 private key (any 32 secret bytes)."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def is_usable(public: bytes) -> bool:
    """Tell whether shares can be sealed to a key: with low-order points nothing is secret."""
    try:
        _PROBE.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return False
    return True


def seal(share: bytes, public: bytes, session: bytes, dealer: NodeId, member: NodeId) -> bytes:
    """Encrypt a share (32 bytes) to a member, 80 bytes; different bytes at every call.

    `public` must be usable, as every agreed hello's key is.
    """
    key = X25519PublicKey.from_public_bytes(public)
    return bytes(_SUITE.encrypt(share, key, _info(session, dealer, member)))


def unseal(sealed: bytes, private: bytes, session: bytes, dealer: NodeId, member: NodeId) -> bytes | None:
    """Decrypt what `seal` gave; None if it is not for this key, session, dealer and member."""
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        return bytes(_SUITE.decrypt(sealed, key, _info(session, dealer, member)))
    except (InvalidTag, ValueError):
        return None


def _info(session: bytes, dealer: NodeId, member: NodeId) -> bytes:
    return encode({"topic": "share", "session": session, "dealer": dealer, "member": member})

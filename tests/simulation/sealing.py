"""HPKE without chance: the twin of the library's generator behind `consensus.dkg.sealing.seal`.

RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, with the
ephemeral key derived from what is sealed, so that a run is the same for the same seed. The
production `unseal` opens it, which shows that both follow the RFC.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from consensus.dkg.sealing import _info
from consensus.model import NodeId

_KEM_SUITE = b"KEM" + bytes.fromhex("0020")
_SUITE = b"HPKE" + bytes.fromhex("002000010003")


def seal(share: bytes, public: bytes, session: bytes, dealer: NodeId, member: NodeId) -> bytes:
    info = _info(session, dealer, member)
    ephemeral = X25519PrivateKey.from_private_bytes(hashlib.sha256(share + public + info).digest())
    sent = ephemeral.public_key().public_bytes_raw()
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    shared = _expand(
        _KEM_SUITE, _extract(_KEM_SUITE, b"", b"eae_prk", agreed), b"shared_secret", sent + public, 32
    )
    context = b"\x00" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    key, nonce = (
        _expand(_SUITE, secret, b"key", context, 32),
        _expand(_SUITE, secret, b"base_nonce", context, 12),
    )
    return sent + ChaCha20Poly1305(key).encrypt(nonce, share, b"")


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256).digest()


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.new(key, labelled + b"\x01", hashlib.sha256).digest()[:length]

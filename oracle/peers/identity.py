"""Who is at the other end of a link: a TLS certificate that a node key vouches for.

Decides whether a certificate speaks for a node key, of which network, until when. Does
not know which keys are welcome (`links.py`).

A node makes its own certificate. One extension carries the *binding*: a time of expiry
and a recoverable secp256k1 signature by the node key over

    "wattest-tls/1:" || network (32 bytes) || expiry (8 bytes, UTC seconds) || SPKI

where SPKI is the TLS key as DER. TLS 1.3 proves that the peer holds the TLS key; the
binding proves whose it is; so the recovered node key is the peer's identity. The expiry
is inside the signature: a stolen TLS key is worth nothing after it.

The issuer is open. Python's ssl module accepts only certificates of an issuer that it
was told of, and has no way to hand over another for judgement. So every certificate is
issued under one issuer whose secret key is known to all, made from a public string. It
vouches for nothing and nobody relies on it: anyone may issue, only the binding counts.
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from coincurve import PublicKey
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from consensus.model import Rejected, check

BINDING_PREFIX: Final = b"wattest-tls/1:"
BINDING_OID: Final = x509.ObjectIdentifier("2.25.75626829430033400923207129560130519168")
"""Under 2.25, where a UUID is its own registration: uuid5(DNS, "wattest-tls/1")."""
LIFETIME_S: Final = 30 * 86_400
LIFETIME_MAX_S: Final = 400 * 86_400
CLOCK_SKEW_S: Final = 3_600
CERTIFICATE_BYTES_MAX: Final = 2_048
_SIGNATURE_BYTES: Final = 65
_EXPIRY_BYTES: Final = 8
_HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0


class IdentityReason(Enum):
    """Why a certificate speaks for no node."""

    MALFORMED = "malformed"
    """No certificate, or one larger or stranger than ours are."""
    NOT_ISSUED_OPENLY = "not-issued-openly"
    """Another issuer, or its signature does not verify."""
    WRONG_KEY_TYPE = "wrong-key-type"
    """Neither Ed25519 nor P-256."""
    EXPIRED = "expired"
    """Outside its time; check both clocks."""
    NO_BINDING = "no-binding"
    """The extension is missing, of another size, or not in canonical form."""
    FORGED_BINDING = "forged-binding"
    """The signature recovers no key, or the certificate says other than what was signed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """This node's certificate (DER) and its key, which is in no repr; good until `expires_s`."""

    certificate: bytes
    node_key: bytes
    expires_s: int
    key: Ed25519PrivateKey = field(repr=False)


def issue(
    tls_secret: bytes,
    sign_binding: Callable[[bytes], bytes],
    network: bytes,
    now_s: int,
    lifetime_s: int = LIFETIME_S,
) -> Identity:
    """Make this node's certificate for a 32-byte Ed25519 secret.

    `sign_binding` signs "wattest-tls/1:" || its argument: `Signer.sign_tls_binding`. Issue
    a new one, and `Links.renew` it, well before `expires_s`.
    """
    check(0 < lifetime_s <= LIFETIME_MAX_S, "a certificate lives at most 400 days")
    key = Ed25519PrivateKey.from_private_bytes(tls_secret)
    expires_s = now_s + lifetime_s
    statement = _statement(network, expires_s, _key_info(key.public_key()))
    binding = expires_s.to_bytes(_EXPIRY_BYTES, "big") + sign_binding(statement)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("wattest node"))
        .issuer_name(_ISSUER_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(now_s - CLOCK_SKEW_S, UTC))
        .not_valid_after(datetime.fromtimestamp(expires_s, UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_ISSUER_KEY.public_key()), critical=False
        )
        .add_extension(x509.UnrecognizedExtension(BINDING_OID, binding), critical=False)
        .sign(_ISSUER_KEY, None)
        .public_bytes(Encoding.DER)
    )
    node_key = peer_key(certificate, network, now_s)
    check(isinstance(node_key, bytes), "a node accepts its own certificate")
    return Identity(certificate, bytes(node_key) if isinstance(node_key, bytes) else b"", expires_s, key)


def peer_key(certificate: bytes, network: bytes, now_s: int) -> bytes | Rejected:
    """Recover the compressed node key that a peer's certificate (DER) speaks for.

    Holds only together with TLS, which proves that the peer has the certificate's key.
    """
    if len(certificate) > CERTIFICATE_BYTES_MAX:
        return Rejected(IdentityReason.MALFORMED, f"{len(certificate)} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the library only frowns at, we refuse
            parsed = x509.load_der_x509_certificate(certificate)
        key, extensions = parsed.public_key(), parsed.extensions  # refuses an extension given twice
        from_s = int(parsed.not_valid_before_utc.timestamp())
        until_s = int(parsed.not_valid_after_utc.timestamp())
    except (Warning, ValueError, x509.DuplicateExtension, x509.InvalidVersion, UnsupportedAlgorithm) as cause:
        return Rejected(IdentityReason.MALFORMED, str(cause))
    try:
        parsed.verify_directly_issued_by(_open_issuer())
    except (ValueError, TypeError, InvalidSignature) as cause:
        return Rejected(IdentityReason.NOT_ISSUED_OPENLY, str(cause))
    if not isinstance(key, Ed25519PublicKey) and not (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        return Rejected(IdentityReason.WRONG_KEY_TYPE, type(key).__name__)
    if not from_s - CLOCK_SKEW_S <= now_s <= until_s or until_s - now_s > LIFETIME_MAX_S:
        return Rejected(IdentityReason.EXPIRED, f"{from_s} to {until_s}, now {now_s}")
    try:
        binding = extensions.get_extension_for_oid(BINDING_OID).value.public_bytes()
    except x509.ExtensionNotFound:
        return Rejected(IdentityReason.NO_BINDING, "no extension")
    return _bound_key(binding, network, until_s, _key_info(key))


def server_context(identity: Identity) -> ssl.SSLContext:
    """TLS 1.3 with a certificate asked of the client; then ask `peer_key` who it is."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity)
    context.num_tickets = 0  # no resumption: every link proves its key anew
    return context


def client_context(identity: Identity) -> ssl.SSLContext:
    """TLS 1.3 with our certificate; then ask `peer_key` who the server is."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, identity)


def present(context: ssl.SSLContext, identity: Identity) -> None:
    """Let a context show this certificate from its next handshake on."""
    # The ssl module takes keys from files only: a private one, sealed with a password that
    # lives as long as this call, and gone after it.
    password = secrets.token_hex(16)
    sealed = identity.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    with tempfile.TemporaryDirectory(prefix="wattest-") as directory:
        file = Path(directory) / "identity.pem"
        file.write_bytes(sealed + ssl.DER_cert_to_PEM_cert(identity.certificate).encode())
        context.load_cert_chain(file, password=password)


def _context(protocol: int, identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # who it is stands in the binding, not in a name
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=_open_issuer().public_bytes(Encoding.DER))
    present(context, identity)
    return context


def _bound_key(binding: bytes, network: bytes, until_s: int, key_info: bytes) -> bytes | Rejected:
    if len(binding) != _EXPIRY_BYTES + _SIGNATURE_BYTES:
        return Rejected(IdentityReason.NO_BINDING, f"{len(binding)} bytes")
    expires_s = int.from_bytes(binding[:_EXPIRY_BYTES], "big")
    signature = binding[_EXPIRY_BYTES:]
    s = int.from_bytes(signature[32:64], "big")
    if not 0 < s <= _HALF_ORDER or signature[64] > 3:
        return Rejected(IdentityReason.NO_BINDING, "not the canonical form of a signature")
    if expires_s != until_s:
        return Rejected(IdentityReason.FORGED_BINDING, "another expiry than the node key signed")
    message = BINDING_PREFIX + _statement(network, expires_s, key_info)
    try:
        return PublicKey.from_signature_and_message(signature, message).format(compressed=True)
    except Exception as cause:  # noqa: BLE001 - what coincurve raises where no key can be recovered
        return Rejected(IdentityReason.FORGED_BINDING, str(cause))


def _statement(network: bytes, expires_s: int, key_info: bytes) -> bytes:
    check(len(network) == 32, "a network has 32 bytes")
    return network + expires_s.to_bytes(_EXPIRY_BYTES, "big") + key_info


def _key_info(key: Ed25519PublicKey | EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


# Public on purpose: see the module's text.
_ISSUER_KEY: Final = Ed25519PrivateKey.from_private_bytes(sha256(b"wattest-tls/1 open issuer").digest())
_ISSUER_NAME: Final = _name("wattest open issuer")


@cache
def _open_issuer() -> x509.Certificate:
    """The issuer's certificate: the same bytes everywhere, since Ed25519 is deterministic."""
    return (
        x509.CertificateBuilder()
        .subject_name(_ISSUER_NAME)
        .issuer_name(_ISSUER_NAME)
        .public_key(_ISSUER_KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_ISSUER_KEY.public_key()), critical=False)
        .sign(_ISSUER_KEY, None)
    )

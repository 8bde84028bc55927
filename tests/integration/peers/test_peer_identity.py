"""Who is at the other end: the node key that signed the certificate's binding, or nobody."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from coincurve import PrivateKey
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as p_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from consensus.model import InvariantBroken, Rejected
from oracle.keys.keystore import KeyKind, generate
from oracle.keys.register import Register
from oracle.keys.signer import Signer
from oracle.peers import identity as identity_module
from oracle.peers.identity import (
    BINDING_OID,
    BINDING_PREFIX,
    CLOCK_SKEW_S,
    LIFETIME_S,
    Identity,
    IdentityReason,
    client_context,
    issue,
    peer_key,
    present,
    server_context,
)

NETWORK = sha256(b"a network").digest()
NOW_S = 1_800_000_000
NODE = PrivateKey(sha256(b"node").digest())
NODE_KEY = NODE.public_key.format()
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def signer_of(key: PrivateKey) -> Callable[[bytes], bytes]:
    return lambda statement: key.sign_recoverable(BINDING_PREFIX + statement)


def issued(**changes: object) -> Identity:
    arguments: dict[str, object] = {
        "tls_secret": sha256(b"tls").digest(),
        "sign_binding": signer_of(NODE),
        "network": NETWORK,
        "now_s": NOW_S,
    }
    return issue(**(arguments | changes))  # type: ignore[arg-type]


def reason(certificate: bytes, now_s: int = NOW_S, network: bytes = NETWORK) -> IdentityReason:
    answer = peer_key(certificate, network, now_s)
    assert isinstance(answer, Rejected)
    assert isinstance(answer.reason, IdentityReason)
    return answer.reason


def forged(
    *,
    binding: bytes | None,
    tls: object = None,
    issuer: object = None,
    until_s: int = NOW_S + LIFETIME_S,
    issuer_name: x509.Name | None = None,
    more: tuple[x509.UnrecognizedExtension, ...] = (),
) -> bytes:
    """A certificate made by an attacker, who too may issue openly."""
    key = tls or Ed25519PrivateKey.from_private_bytes(sha256(b"tls").digest())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wattest node")]))
        .issuer_name(issuer_name or identity_module._ISSUER_NAME)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(5)
        .not_valid_before(datetime.fromtimestamp(NOW_S - 100, UTC))
        .not_valid_after(datetime.fromtimestamp(until_s, UTC))
    )
    extensions = more if binding is None else (x509.UnrecognizedExtension(BINDING_OID, binding), *more)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(issuer or identity_module._ISSUER_KEY, None)  # type: ignore[arg-type]
    return certificate.public_bytes(Encoding.DER)


def binding_of(identity: Identity) -> bytes:
    parsed = x509.load_der_x509_certificate(identity.certificate)
    value = parsed.extensions.get_extension_for_oid(BINDING_OID).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def test_the_peer_is_the_node_key_that_signed() -> None:
    identity = issued()
    assert peer_key(identity.certificate, NETWORK, NOW_S) == NODE_KEY == identity.node_key
    assert identity.expires_s == NOW_S + LIFETIME_S


def test_the_nodes_signer_makes_the_binding(tmp_path: Path) -> None:
    key, tls = generate(KeyKind.NODE), generate(KeyKind.TLS)
    register = Register(tmp_path / "register.db")
    signer = Signer(key, register)
    identity = issue(tls.secret, signer.sign_tls_binding, NETWORK, NOW_S)
    assert identity.node_key == key.public
    signer.close()
    register.close()


def test_an_attackers_copy_of_the_whole_certificate_form_works_only_with_a_true_binding() -> None:
    assert peer_key(forged(binding=binding_of(issued())), NETWORK, NOW_S) == NODE_KEY


def test_a_binding_moved_to_another_tls_key_is_another_node() -> None:
    stolen = forged(binding=binding_of(issued()), tls=Ed25519PrivateKey.generate())
    answer = peer_key(stolen, NETWORK, NOW_S)
    assert answer != NODE_KEY  # a signature over other bytes recovers some other key, or none


def test_a_binding_of_another_network_is_another_node() -> None:
    assert peer_key(issued(network=bytes(32)).certificate, NETWORK, NOW_S) != NODE_KEY


def test_a_longer_life_than_the_node_key_signed_is_refused() -> None:
    longer = forged(binding=binding_of(issued()), until_s=NOW_S + LIFETIME_S + 1)
    assert reason(longer) is IdentityReason.FORGED_BINDING


def test_time_is_checked_with_some_skew() -> None:
    certificate = issued().certificate
    assert peer_key(certificate, NETWORK, NOW_S - CLOCK_SKEW_S) == NODE_KEY
    assert peer_key(certificate, NETWORK, NOW_S + LIFETIME_S) == NODE_KEY
    assert reason(certificate, NOW_S + LIFETIME_S + 1) is IdentityReason.EXPIRED
    assert reason(certificate, NOW_S - 3 * CLOCK_SKEW_S) is IdentityReason.EXPIRED


def test_a_certificate_does_not_live_for_ever() -> None:
    with pytest.raises(InvariantBroken, match="400 days"):
        issued(lifetime_s=401 * 86_400)
    until_s = NOW_S + 500 * 86_400
    binding = until_s.to_bytes(8, "big") + bytes(65)
    assert reason(forged(binding=binding, until_s=until_s)) is IdentityReason.EXPIRED


def test_a_binding_that_is_none_is_refused() -> None:
    true = binding_of(issued())
    assert reason(forged(binding=None)) is IdentityReason.NO_BINDING
    assert reason(forged(binding=true[:-1])) is IdentityReason.NO_BINDING
    assert reason(forged(binding=true + b"\0")) is IdentityReason.NO_BINDING
    assert reason(forged(binding=true[:72] + b"\x04")) is IdentityReason.NO_BINDING
    assert reason(forged(binding=true[:8] + bytes(65))) is IdentityReason.NO_BINDING
    beyond = true[:8] + b"\xff" * 32 + (1).to_bytes(32, "big") + b"\0"
    assert reason(forged(binding=beyond)) is IdentityReason.FORGED_BINDING


def test_the_twin_of_a_signature_with_high_s_is_refused() -> None:
    true = binding_of(issued())
    high = (ORDER - int.from_bytes(true[40:72], "big")).to_bytes(32, "big")
    twin = true[:40] + high + bytes([true[72] ^ 1])
    assert reason(forged(binding=twin)) is IdentityReason.NO_BINDING


def test_another_issuer_is_refused() -> None:
    true = binding_of(issued())
    other = Ed25519PrivateKey.generate()
    assert reason(forged(binding=true, issuer=other)) is IdentityReason.NOT_ISSUED_OPENLY
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another issuer")])
    assert reason(forged(binding=true, issuer_name=name)) is IdentityReason.NOT_ISSUED_OPENLY


def test_p_256_is_as_good_and_p_384_is_not() -> None:
    for curve, expected in ((SECP256R1(), NODE_KEY), (SECP384R1(), None)):
        tls = p_key(curve)
        info = tls.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        expiry = (NOW_S + LIFETIME_S).to_bytes(8, "big")
        binding = expiry + signer_of(NODE)(NETWORK + expiry + info)
        answer = peer_key(forged(binding=binding, tls=tls), NETWORK, NOW_S)
        if expected is not None:
            assert answer == expected
        else:
            assert isinstance(answer, Rejected)
            assert answer.reason is IdentityReason.WRONG_KEY_TYPE


def test_noise_and_giants_are_malformed() -> None:
    certificate = issued().certificate
    assert reason(b"") is IdentityReason.MALFORMED
    assert reason(certificate[:-1]) is IdentityReason.MALFORMED
    assert reason(certificate + b"\0") is IdentityReason.MALFORMED
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.5"), bytes(3000))
    assert reason(forged(binding=binding_of(issued()), more=(other,))) is IdentityReason.MALFORMED


def test_no_changed_byte_keeps_the_identity() -> None:
    certificate = issued().certificate
    signed = len(x509.load_der_x509_certificate(certificate).tbs_certificate_bytes) + 4
    for at in range(signed):  # what the issuer signs, which anyone can do, says who it is
        changed = bytearray(certificate)
        changed[at] ^= 1 << (at % 8)
        assert peer_key(bytes(changed), NETWORK, NOW_S) != NODE_KEY


def test_no_noise_in_a_certificate_is_an_exception() -> None:
    certificate = issued().certificate
    for at in range(len(certificate)):
        for value in (0x00, 0x7F, 0x80, 0xFF):
            changed = bytearray(certificate)
            changed[at] = value
            peer_key(bytes(changed), NETWORK, NOW_S)


def test_the_key_is_in_no_repr() -> None:
    secret = secrets.token_bytes(32)
    shown = repr(issued(tls_secret=secret))
    assert secret.hex() not in shown
    assert "key=<" not in shown


# --- through real TLS


async def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[bytes, bytes, str]:
    """What each side sees of the other over loopback: (client's, server's certificate, version)."""
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.write(b"!")
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        try:
            await reader.readexactly(1)  # in TLS 1.3 a client learns of refusal at its first read
            tls = writer.get_extra_info("ssl_object")
            return await seen, tls.getpeercert(binary_form=True), tls.version()
        finally:
            writer.close()
            await writer.wait_closed()
    finally:
        listener.close()
        await listener.wait_closed()


def now_s() -> int:
    return int(datetime.now(UTC).timestamp())


async def test_both_sides_learn_who_the_other_is() -> None:
    other = PrivateKey(sha256(b"other").digest())
    here = issued(now_s=now_s())
    there = issued(now_s=now_s(), sign_binding=signer_of(other), tls_secret=secrets.token_bytes(32))
    client_seen, server_seen, version = await handshake(server_context(here), client_context(there))
    assert version == "TLSv1.3"
    assert peer_key(client_seen, NETWORK, now_s()) == other.public_key.format()
    assert peer_key(server_seen, NETWORK, now_s()) == NODE_KEY


async def test_a_renewed_certificate_is_shown_from_then_on() -> None:
    here = issued(now_s=now_s())
    context, client = server_context(here), client_context(here)
    renewed = issued(now_s=now_s() + 60)
    present(context, renewed)
    _, seen, _ = await handshake(context, client)
    assert seen == renewed.certificate


async def test_tls_itself_refuses_other_issuers_expired_certificates_and_tls_1_2() -> None:
    good = issued(now_s=now_s())
    unsigned = client_context(good)
    unsigned_key = Ed25519PrivateKey.generate()
    selfmade = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")]))
        .public_key(unsigned_key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(unsigned_key, None)
        .public_bytes(Encoding.DER)
    )
    present(unsigned, Identity(selfmade, NODE_KEY, now_s() + 10, unsigned_key))
    old = client_context(good)
    present(old, issued(now_s=now_s() - 2 * LIFETIME_S))
    no_certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    no_certificate.check_hostname = False
    no_certificate.verify_mode = ssl.CERT_NONE
    tls_1_2 = client_context(good)
    tls_1_2.minimum_version = tls_1_2.maximum_version = ssl.TLSVersion.TLSv1_2
    for client in (unsigned, old, no_certificate, tls_1_2):
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(handshake(server_context(good), client), 5)

"""Secret keys at rest: one EIP-2335 file a key (scrypt, sha256, AES-128-CTR).

Decides how a secret is written, who may read the file, and that a file's public key
is really the one of its secret. Does not know what a key signs, nor when.

The format is EIP-2335's; our keys are not Ethereum's, so `path` is empty, `pubkey` is
the key's own public form, and one more member, `wattest`, says what the key is for:
`{"kind": ..., "epoch": ..., "light": ...}`. `light` marks a file whose key derivation
is too cheap for anything but a demonstration; it is refused unless asked for.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import unicodedata
import uuid
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

SECRET_BYTES: Final = 32
SHARE_PUBLIC_BYTES: Final = 96
"""A BLS share's public key is a compressed point of G2."""
FILE_BYTES_MAX: Final = 16 * 1024
PASSWORD_BYTES_MAX: Final = 4096
SCRYPT_MEMORY_BYTES_MAX: Final = 1 << 29
"""A hostile file must not make us allocate more: 128 * n * r (EIP-2335's own needs 256 MiB)."""
SCRYPT_PARALLEL_MAX: Final = 16
SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
BLS_ORDER: Final = 0x73EDA753_299D7D48_3339D808_09A1D805_53BDA402_FFFE5BFE_FFFFFFFF_00000001


class KeyKind(Enum):
    """What a key is for, which also says its curve."""

    NODE = "node"
    """secp256k1: votes, receipts, and the binding of the TLS key."""
    CHAIN = "chain"
    """secp256k1: the account that pays for transactions."""
    SHARE = "bls-share"
    """A scalar of BLS12-381, made by the key ceremony; never generated here."""
    TLS = "tls"
    """Ed25519: the end of a peer link."""


class KeystoreProblem(Enum):
    """Why a key could not be loaded or saved."""

    UNREADABLE = "unreadable"
    """The file is not there, or cannot be read or written."""
    READABLE_BY_OTHERS = "readable-by-others"
    """Other accounts can read the file: `chmod 600` it, and think about who already has."""
    EXISTS = "exists"
    """There is a key already; replacing one is asked for by name."""
    MALFORMED = "malformed"
    """Not one of our EIP-2335 files."""
    TOO_COSTLY = "too-costly"
    """The file asks for more memory to open than a keystore may."""
    LIGHT = "light"
    """A demonstration file, where only a real one is accepted."""
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a reason
    WRONG_KEY = "wrong-key"
    """The secret is no key of that kind, or not that of the public key beside it."""


class KeystoreError(Exception):
    """The keystore cannot be used as asked; `problem` says why."""

    def __init__(self, problem: KeystoreProblem, detail: str) -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Derivation:
    """Cost of opening a file: scrypt's n, r and p."""

    n: int
    r: int
    p: int

    @property
    def light(self) -> bool:
        """Whether guessing a password is cheaper than EIP-2335 means it to be."""
        return self.n * self.r * self.p < STANDARD.n * STANDARD.r * STANDARD.p


STANDARD: Final = Derivation(n=1 << 18, r=8, p=1)
"""EIP-2335's own: 256 MiB and about a second."""
LIGHT: Final = Derivation(n=1 << 12, r=8, p=1)
"""Demonstrations and tests: milliseconds, and the file says so."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and its public form: 33, 32 or 96 bytes by kind. The secret is in no repr."""

    kind: KeyKind
    public: bytes
    secret: bytes = field(repr=False)
    epoch: int | None = None
    """The committee a BLS share belongs to."""

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise KeystoreError(KeystoreProblem.WRONG_KEY, f"a secret has {SECRET_BYTES} bytes")
        if self.kind is KeyKind.SHARE:
            scalar = int.from_bytes(self.secret, "big")
            if not 0 < scalar < BLS_ORDER or len(self.public) != SHARE_PUBLIC_BYTES:
                raise KeystoreError(KeystoreProblem.WRONG_KEY, "not a share of a BLS key")
        elif not compare_digest(_public(self.kind, self.secret), self.public):
            raise KeystoreError(KeystoreProblem.WRONG_KEY, "the public key is another secret's")


def generate(kind: KeyKind) -> Key:
    """Draw a fresh key. A share comes from the key ceremony: `share(...)`."""
    while True:
        secret = secrets.token_bytes(SECRET_BYTES)
        if kind is KeyKind.TLS or 0 < int.from_bytes(secret, "big") < SECP256K1_ORDER:
            return Key(kind, _public(kind, secret), secret)


def share(secret: bytes, public: bytes, epoch: int) -> Key:
    """A BLS share as the ceremony gave it: 32-byte big-endian scalar, its 96-byte G2 point."""
    return Key(KeyKind.SHARE, public, secret, epoch)


def save(key: Key, path: Path, password: str, *, cost: Derivation = STANDARD, replace: bool = False) -> None:
    """Write the key to `path`, mode 0600, whole or not at all, and durable on return.

    Raises KeystoreError(EXISTS) rather than overwrite, unless `replace`.
    """
    text = json.dumps(_sealed(key, password, cost), indent=2) + "\n"
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_private(beside, text.encode())
        try:
            if replace:
                beside.replace(path)
            else:
                os.link(beside, path)  # unlike rename, fails where there is a key already
        finally:
            beside.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except FileExistsError as cause:
        raise KeystoreError(KeystoreProblem.EXISTS, str(path)) from cause
    except OSError as cause:
        raise KeystoreError(KeystoreProblem.UNREADABLE, f"{path}: {cause.strerror}") from cause


def load(
    path: Path, password: str, kind: KeyKind, *, allow_light: bool = False, group_may_read: bool = False
) -> Key:
    """Open the key of `kind` at `path`; every failure is a KeystoreError that names it.

    `group_may_read` is for mounted secrets that a container reads as a group.
    """
    document = _parsed(_read_private(path, FILE_BYTES_MAX, group_may_read=group_may_read))
    try:
        ours = document["wattest"]
        public = bytes.fromhex(document["pubkey"])
        epoch = ours.get("epoch")
        if ours["kind"] != kind.value or not (epoch is None or type(epoch) is int):
            raise KeystoreError(KeystoreProblem.WRONG_KEY, f"{path} holds no {kind.value} key")
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is no keystore of ours") from cause
    # The figures in the file decide, not its word: `light` is there for whoever reads it.
    if _derivation(document).light and not allow_light:
        raise KeystoreError(KeystoreProblem.LIGHT, f"{path} is for demonstrations")
    return Key(kind, public, opened(document, password), epoch)


def public_of(path: Path, kind: KeyKind) -> bytes:
    """The public form of the key at `path`, as the file says it, without opening it.

    Raises KeystoreError.
    """
    document = _parsed(_read_private(path, FILE_BYTES_MAX, group_may_read=False))
    try:
        if document["wattest"]["kind"] != kind.value:
            raise KeystoreError(KeystoreProblem.WRONG_KEY, f"{path} holds no {kind.value} key")
        return bytes.fromhex(document["pubkey"])
    except (KeyError, TypeError, ValueError) as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is no keystore of ours") from cause


def read_password(path: Path, *, group_may_read: bool = False) -> str:
    """Read a password from its file; one line end at the end is not part of it."""
    raw = _read_private(path, PASSWORD_BYTES_MAX, group_may_read=group_may_read)
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is not UTF-8") from cause
    if not text:
        raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is empty")
    return text


def opened(document: dict[str, Any], password: str) -> bytes:
    """Give the secret of any EIP-2335 document (scrypt only), ours or not.

    Raises KeystoreError: MALFORMED, TOO_COSTLY or WRONG_PASSWORD.
    """
    cost = _derivation(document)
    try:
        crypto = document["crypto"]
        functions = [crypto[part]["function"] for part in ("kdf", "checksum", "cipher")]
        salt = bytes.fromhex(crypto["kdf"]["params"]["salt"])
        iv = bytes.fromhex(crypto["cipher"]["params"]["iv"])
        sealed = bytes.fromhex(crypto["cipher"]["message"])
        checksum = bytes.fromhex(crypto["checksum"]["message"])
    except (KeyError, TypeError, ValueError) as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, "not EIP-2335") from cause
    if functions != ["scrypt", "sha256", "aes-128-ctr"] or len(iv) != 16 or len(sealed) != SECRET_BYTES:
        raise KeystoreError(KeystoreProblem.MALFORMED, "not scrypt, sha256, aes-128-ctr over 32 bytes")
    derived = _derive(password, salt, cost)
    if not compare_digest(sha256(derived[16:] + sealed).digest(), checksum):
        raise KeystoreError(KeystoreProblem.WRONG_PASSWORD, "the checksum does not match")
    return _aes(derived, iv, sealed)


def normalized(password: str) -> bytes:
    """EIP-2335: NFKD, without the control codes C0, C1 and Delete, as UTF-8."""
    plain = unicodedata.normalize("NFKD", password)
    return "".join(c for c in plain if not (ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F)).encode()


def _sealed(key: Key, password: str, cost: Derivation) -> dict[str, Any]:
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    derived = _derive(password, salt, cost)
    message = _aes(derived, iv, key.secret)
    ours: dict[str, Any] = {"kind": key.kind.value, "light": cost.light}
    if key.epoch is not None:
        ours["epoch"] = key.epoch
    return {
        "crypto": {
            "kdf": {
                "function": "scrypt",
                "params": {"dklen": 32, "n": cost.n, "r": cost.r, "p": cost.p, "salt": salt.hex()},
                "message": "",
            },
            "checksum": {
                "function": "sha256",
                "params": {},
                "message": sha256(derived[16:] + message).hexdigest(),
            },
            "cipher": {"function": "aes-128-ctr", "params": {"iv": iv.hex()}, "message": message.hex()},
        },
        "description": f"Wattest {key.kind.value} key",
        "pubkey": key.public.hex(),
        "path": "",
        "uuid": str(uuid.uuid4()),
        "version": 4,
        "wattest": ours,
    }


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, "not JSON") from cause
    if not isinstance(document, dict) or document.get("version") != 4:
        raise KeystoreError(KeystoreProblem.MALFORMED, "not an EIP-2335 keystore of version 4")
    return document


def _derivation(document: dict[str, Any]) -> Derivation:
    try:
        params = document["crypto"]["kdf"]["params"]
        cost = Derivation(params["n"], params["r"], params["p"])
        numbers = (cost.n, cost.r, cost.p, params["dklen"])
    except (KeyError, TypeError) as cause:
        raise KeystoreError(KeystoreProblem.MALFORMED, "no scrypt parameters") from cause
    if any(type(number) is not int or number < 1 for number in numbers) or numbers[3] != 32:
        raise KeystoreError(KeystoreProblem.MALFORMED, "scrypt parameters that are none")
    if cost.n < 2 or cost.n & (cost.n - 1):
        raise KeystoreError(KeystoreProblem.MALFORMED, "scrypt's n is a power of two")
    if 128 * cost.n * cost.r > SCRYPT_MEMORY_BYTES_MAX or cost.p > SCRYPT_PARALLEL_MAX:
        raise KeystoreError(KeystoreProblem.TOO_COSTLY, f"scrypt n={cost.n} r={cost.r} p={cost.p}")
    return cost


def _derive(password: str, salt: bytes, cost: Derivation) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(normalized(password))


def _aes(derived: bytes, iv: bytes, data: bytes) -> bytes:
    stream = Cipher(algorithms.AES(derived[:16]), modes.CTR(iv)).encryptor()
    return stream.update(data) + stream.finalize()


def _public(kind: KeyKind, secret: bytes) -> bytes:
    match kind:
        case KeyKind.NODE | KeyKind.CHAIN:
            try:
                return PrivateKey(secret).public_key.format(compressed=True)
            except ValueError as cause:
                raise KeystoreError(KeystoreProblem.WRONG_KEY, "not a secp256k1 secret") from cause
        case KeyKind.TLS:
            return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        case KeyKind.SHARE:
            raise KeystoreError(KeystoreProblem.WRONG_KEY, "shares come from the key ceremony")


def _read_private(path: Path, bytes_max: int, *, group_may_read: bool) -> bytes:
    allowed = 0o740 if group_may_read else 0o700
    try:
        with path.open("rb") as file:  # the open file is judged, so none can be put in its place after
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is not a file")
            if stat.S_IMODE(status.st_mode) & ~allowed:
                mode = f"{stat.S_IMODE(status.st_mode):04o}"
                raise KeystoreError(KeystoreProblem.READABLE_BY_OTHERS, f"{path} has mode {mode}")
            raw = file.read(bytes_max + 1)
    except OSError as cause:
        raise KeystoreError(KeystoreProblem.UNREADABLE, f"{path}: {cause.strerror}") from cause
    if len(raw) > bytes_max:
        raise KeystoreError(KeystoreProblem.MALFORMED, f"{path} is longer than {bytes_max} bytes")
    return raw


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

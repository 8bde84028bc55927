"""What a node keeps secret in a key ceremony: its seed, its published words, its share.

The shell's side of `consensus.dkg.participant`. The seed is drawn once a session and kept
until the share is stored (K4); a published bundle is durable before it is sent and never
made twice, since two different deals of one dealer are evidence against it (K1, N1).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import Participant
from consensus.encoding import encode
from consensus.model import Committee, EpochNumber, Rejected
from consensus.threshold.shares import SecretShare
from oracle.keys import keystore
from oracle.keys.keystore import Derivation, Key, KeyKind
from oracle.keys.signer import NodeSigner, Refused

SEED_BYTES: Final = 32


class CeremonyReason(Enum):
    """Why this node takes no part in a phase."""

    NOTHING_OWED = "nothing-owed"
    """The phase wants nothing of this node."""
    REFUSED = "refused"
    """The signer refused; see its reason."""


@dataclass(frozen=True, slots=True)
class SignedBundle:
    """A bundle's canonical bytes and the node key's signature over them."""

    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class CeremonySecrets:
    """Secrets in `directory`, sealed with `password`; `cost` is the keystore's."""

    directory: Path
    password: str
    signer: NodeSigner
    cost: Derivation

    def bundle(self, ceremony: Ceremony) -> SignedBundle | Rejected:
        """Make and sign what this node owes to the open phase; then make it durable before sending."""
        old = self._stored(ceremony.plan.dealers)
        participant = Participant(self.signer.public_key, self._seed(ceremony), old)
        made = participant.next_bundle(ceremony)
        if made is None:
            return Rejected(CeremonyReason.NOTHING_OWED)
        if isinstance(made, Rejected):
            return made
        payload = encode(made.payload)
        signature = self.signer.sign_plain(str(made.payload["topic"]), payload)
        if isinstance(signature, Refused):
            return Rejected(CeremonyReason.REFUSED, signature.reason.value)
        return SignedBundle(payload, signature)

    def share(self, ceremony: Ceremony) -> SecretShare | Rejected:
        """This node's share of the group key: from its file, or from the ceremony the first time."""
        stored = self._stored(ceremony.plan.members)
        if stored is not None:
            return stored
        path = self._share_path(ceremony.plan.members)
        made = Participant(self.signer.public_key, self._seed(ceremony)).new_share(ceremony)
        if isinstance(made, Rejected):
            return made
        secret = made.scalar.to_bytes(32, "big")
        key = keystore.share(secret, made.public, ceremony.plan.epoch)
        keystore.save(key, path, self.password, cost=self.cost)
        return made

    def erase_before(self, epoch: EpochNumber) -> int:
        """Erase this node's shares of earlier epochs, and the seeds of all ceremonies up to this (K4).

        Call it once the activation of `epoch` is durable; gives how many shares there were.
        """
        shares = [path for path in self.directory.glob("share-*.json") if _epoch_of(path) < epoch]
        seeds = [path for path in self.directory.glob("seed-*.json") if _epoch_of(path) <= epoch]
        for path in (*shares, *seeds):
            path.unlink(missing_ok=True)
        return len(shares)

    def _stored(self, committee: Committee) -> SecretShare | None:
        path, slot = self._share_path(committee), committee.slot_of(self.signer.public_key)
        if slot is None or not path.exists():
            return None
        key = keystore.load(path, self.password, KeyKind.SHARE, allow_light=self.cost.light)
        return SecretShare(slot, int.from_bytes(key.secret, "big"))

    def _share_path(self, committee: Committee) -> Path:
        return self.directory / f"share-{committee.epoch}.json"

    def _seed(self, ceremony: Ceremony) -> bytes:
        """The session's seed, kept like a TLS key: 32 secret bytes of no curve in particular."""
        path = self._seed_path(ceremony)
        if path.exists():
            return keystore.load(path, self.password, KeyKind.TLS, allow_light=self.cost.light).secret
        seed = keystore.generate(KeyKind.TLS)
        keystore.save(seed, path, self.password, cost=self.cost)
        return seed.secret

    def _seed_path(self, ceremony: Ceremony) -> Path:
        return self.directory / f"seed-{ceremony.plan.epoch}-{ceremony.plan.session[:8].hex()}.json"


def _epoch_of(path: Path) -> int:
    """The epoch in a file's name: `share-2.json`, `seed-2-….json`."""
    number = path.stem.split("-")[1]
    return int(number) if number.isdecimal() else 0


def new_key(kind: KeyKind, path: Path, password: str, cost: Derivation) -> Key:
    """Draw a key and store it. Raises KeystoreError(EXISTS) rather than overwrite one."""
    key = keystore.generate(kind)
    keystore.save(key, path, password, cost=cost)
    return key


def new_password(path: Path) -> str:
    """Draw a password into a file of mode 0600, or read the one that is there."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
    return keystore.read_password(path)

"""What a node keeps of a key ceremony, and what it erases (K2, K4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from consensus.dkg.bundle import Bundle
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.plan import Plan
from consensus.dkg.status import Complete
from consensus.encoding import decode
from consensus.model import Committee, EpochNumber, Network, Rejected
from consensus.threshold.shares import SecretShare
from oracle.keys.ceremony import CeremonySecrets, SignedBundle
from oracle.keys.keystore import LIGHT, KeyKind, generate
from oracle.keys.register import Register
from oracle.keys.signer import Signer

NETWORK = Network(hashlib.sha256(b"a network").digest())


class Members:
    """Four members, each with a directory of its own, and the ceremony that they hold."""

    def __init__(self, folder: Path) -> None:
        self.registers = [Register(folder / f"register-{at}.db") for at in range(4)]
        self.signers = [Signer(generate(KeyKind.NODE), register) for register in self.registers]
        committee = Committee(EpochNumber(1), tuple(one.public_key for one in self.signers))
        self.ceremony = Ceremony(Plan(NETWORK, 0, committee, committee))
        self.folders = [folder / str(at) for at in range(4)]
        for one in self.folders:
            one.mkdir()

    def secrets(self, slot: int) -> CeremonySecrets:
        """A process that has just been started on a member's directory."""
        return CeremonySecrets(self.folders[slot], "password", self.signers[slot], LIGHT)

    def bundle(self, slot: int) -> Bundle:
        made = self.secrets(slot).bundle(self.ceremony)
        assert isinstance(made, SignedBundle)
        payload = decode(made.payload)
        assert isinstance(payload, dict)
        return Bundle(self.ceremony.expected[slot], payload)

    def hold(self) -> None:
        """Hold the ceremony to its end, every word said by a process of its own."""
        while self.ceremony.phase is not None:
            bundles = [self.bundle(slot) for slot in range(4)]
            self.ceremony = self.ceremony.apply(self.ceremony.phase, bundles)

    def share(self, slot: int) -> SecretShare:
        made = self.secrets(slot).share(self.ceremony)
        assert not isinstance(made, Rejected)
        return made

    def files(self, slot: int) -> list[str]:
        return sorted(path.name.split("-")[0] for path in self.folders[slot].iterdir())


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    made = Members(tmp_path)
    yield made
    for signer, register in zip(made.signers, made.registers, strict=True):
        signer.close()
        register.close()


def test_k2_a_process_that_restarts_says_the_same_words_in_a_ceremony(members: Members) -> None:
    assert members.bundle(0) == members.bundle(0)
    members.hold()  # with other words after each restart no ceremony would come to its end
    assert isinstance(members.ceremony.status, Complete)


def test_k2_a_share_is_the_same_after_a_restart(members: Members) -> None:
    members.hold()
    assert members.share(1) == members.share(1)
    assert members.files(1) == ["seed", "share"]


def test_k4_after_the_activation_the_seed_is_gone_and_the_share_in_force_stays(members: Members) -> None:
    members.hold()
    share = members.share(2)
    assert members.secrets(2).erase_before(EpochNumber(1)) == 0
    assert members.files(2) == ["share"]
    assert members.share(2) == share


def test_k4_of_the_epoch_before_nothing_is_left(members: Members) -> None:
    members.hold()
    members.share(3)
    assert members.secrets(3).erase_before(EpochNumber(2)) == 1
    assert members.files(3) == []


def test_k4_shares_of_earlier_epochs_and_seeds_up_to_this_one_are_erased(tmp_path: Path) -> None:
    names = [
        "share-1.json",
        "share-2.json",
        "share-3.json",
        "seed-2-aa.json",
        "seed-3-bb.json",
        "seed-4-cc.json",
    ]
    for name in (*names, "node.json", "account.json"):
        (tmp_path / name).touch()
    register = Register(tmp_path / "register.db")
    signer = Signer(generate(KeyKind.NODE), register, frozenset())
    try:
        assert CeremonySecrets(tmp_path, "password", signer, LIGHT).erase_before(EpochNumber(3)) == 2
    finally:
        signer.close()
        register.close()
    left = sorted(path.name for path in tmp_path.glob("*.json"))
    assert left == ["account.json", "node.json", "seed-4-cc.json", "share-3.json"]

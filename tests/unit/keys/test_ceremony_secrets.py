"""K4: what is erased when another committee holds the key, and what is not."""

from __future__ import annotations

from pathlib import Path

from consensus.model import EpochNumber
from oracle.keys import keystore
from oracle.keys.ceremony import CeremonySecrets
from oracle.keys.keystore import LIGHT, KeyKind
from oracle.keys.register import Register
from oracle.keys.signer import Signer


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
    signer = Signer(keystore.generate(KeyKind.NODE), register, frozenset())
    try:
        assert CeremonySecrets(tmp_path, "password", signer, LIGHT).erase_before(EpochNumber(3)) == 2
    finally:
        signer.close()
        register.close()
    left = sorted(path.name for path in tmp_path.glob("*.json"))
    assert left == ["account.json", "node.json", "seed-4-cc.json", "share-3.json"]

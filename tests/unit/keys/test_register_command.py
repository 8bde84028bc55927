"""`wattest keys register`: moving, showing and starting over, each refused by name where it must be (N3)."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from consensus.encoding import encode
from consensus.messages import Phase, Vote
from consensus.model import Digest, EpochNumber, Height, Network, Round
from oracle import config
from oracle.cli import main
from oracle.keys.register import Register
from oracle.keys.signer import Refusal, Refused, Signer, VoteRequest
from oracle.service import signer_place

NETWORK = Network(sha256(b"a network").digest())
OTHER = Network(sha256(b"another").digest())


class Machine:
    """A folder as `wattest init` makes it."""

    def __init__(self, folder: Path, said: Any) -> None:
        self.folder, self._said = folder, said
        if not folder.exists():
            assert main(["init", str(folder), "--light", "--json"]) == 0
            said.readouterr()
        self.place = signer_place(config.load(folder / "node.toml"))

    def register(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run the command; its exit code and what it said to programs."""
        code = main(["keys", "register", *arguments, "--config", str(self.folder / "node.toml"), "--json"])
        out = self._said.readouterr().out
        said: dict[str, Any] = json.loads(out) if out else {}
        return code, said

    def votes(self, *heights: int, choice: bytes = b"a", network: Network = NETWORK) -> list[bytes | Refused]:
        """As the node's signer would sign them."""
        self.place.register.parent.mkdir(exist_ok=True)
        register = self.place.open_register()
        signer = Signer(self.place.open_key(), register)
        try:
            signer.bind(network)
            return signer.sign_many([vote(height, choice, network) for height in heights])
        finally:
            signer.close()
            register.close()


def vote(height: int, choice: bytes, network: Network) -> VoteRequest:
    digest = Digest(sha256(choice).digest())
    value = Vote(EpochNumber(1), Height(height), Round(0), Phase.PREVOTE, digest).value(network)
    return VoteRequest(network, height, 0, 1, encode(value))


def refusals(answers: list[bytes | Refused]) -> list[Refusal | None]:
    return [answer.reason if isinstance(answer, Refused) else None for answer in answers]


@pytest.fixture
def old(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path / "old", capsys)


@pytest.fixture
def new(old: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    """Another machine with the same key, and nothing of the state."""
    shutil.copytree(old.folder, tmp_path / "new", ignore=shutil.ignore_patterns("data"))
    return Machine(tmp_path / "new", capsys)


def test_a_node_moves_with_its_register_and_signs_nothing_twice(
    old: Machine, new: Machine, tmp_path: Path
) -> None:
    signatures = old.votes(1, 2, 3)
    code, said = old.register("export", "--out", str(tmp_path / "export.json"))
    assert (code, said["signed"], said["network"]) == (0, 3, NETWORK.hex())
    code, said = new.register("import", str(tmp_path / "export.json"))
    assert (code, said["signed"], said["contradictions"]) == (0, 3, 0)
    assert new.votes(1, 2, 3) == signatures
    assert refusals(new.votes(1, 2, 3, choice=b"b")) == [Refusal.OTHER_BYTES] * 3
    assert refusals(new.votes(4)) == [None]


def test_an_import_only_ever_forbids_more(old: Machine, new: Machine, tmp_path: Path) -> None:
    old.votes(1, 2)
    new.votes(7)
    old.register("export", "--out", str(tmp_path / "export.json"))
    new.register("import", str(tmp_path / "export.json"))
    _, said = new.register("show")
    assert (said["signed"], said["last_height"]) == (3, 7)
    assert refusals(new.votes(7, choice=b"b")) == [Refusal.OTHER_BYTES]


def test_what_two_machines_signed_differently_is_said_and_closed_on_both(
    old: Machine, new: Machine, tmp_path: Path
) -> None:
    old.votes(1)
    new.votes(1, choice=b"b")
    old.register("export", "--out", str(tmp_path / "export.json"))
    code, said = new.register("import", str(tmp_path / "export.json"))
    assert (code, said["contradictions"]) == (0, 1)
    assert refusals(new.votes(1, choice=b"b")) == [Refusal.OTHER_BYTES]


@pytest.mark.parametrize("action", ["show", "export", "import", "recover"])
def test_nothing_is_done_while_the_node_runs(old: Machine, tmp_path: Path, action: str) -> None:
    old.votes(1)
    old.register("export", "--out", str(tmp_path / "before.json"))
    running = Register(old.place.register)
    arguments = {
        "show": (),
        "export": ("--out", str(tmp_path / "out.json")),
        "import": (str(tmp_path / "before.json"),),
        "recover": ("--through-height", "9"),
    }[action]
    code, said = old.register(action, *arguments)
    running.close()
    assert (code, said["refused"]) == (1, "locked")
    assert "Stop it first" in said["what_to_do"]
    assert not (tmp_path / "out.json").exists()


def test_an_export_overwrites_no_other(old: Machine, tmp_path: Path) -> None:
    old.votes(1)
    (tmp_path / "export.json").write_text("mine")
    assert old.register("export", "--out", str(tmp_path / "export.json"))[0] == 2
    assert (tmp_path / "export.json").read_text() == "mine"


def test_a_file_of_another_key_or_another_network_or_of_no_shape_is_refused(
    old: Machine, new: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Machine(tmp_path / "stranger", capsys)
    stranger.votes(1)
    stranger.register("export", "--out", str(tmp_path / "stranger.json"))
    assert new.register("import", str(tmp_path / "stranger.json"))[1]["refused"] == "export-malformed"
    old.votes(1, network=OTHER)
    old.register("export", "--out", str(tmp_path / "other.json"))
    new.votes(1)
    code, said = new.register("import", str(tmp_path / "other.json"))
    assert (code, said["refused"]) == (1, "other-network")
    (tmp_path / "torn.json").write_text((tmp_path / "other.json").read_text()[:-40])
    assert new.register("import", str(tmp_path / "torn.json"))[0] == 2
    assert new.register("import", str(tmp_path / "nowhere.json"))[0] == 2


def test_a_restored_copy_is_shown_as_one_and_starts_over_above_the_height_one_answers_for(
    old: Machine, tmp_path: Path
) -> None:
    old.votes(1)
    shutil.copy(old.place.register, tmp_path / "backup.db")
    old.votes(2, 3)
    shutil.copy(tmp_path / "backup.db", old.place.register)
    code, said = old.register("show")
    assert (code, said["refused"]) == (1, "old-copy")
    code, said = old.register("recover", "--through-height", "10")
    assert (code, said["nothing_through"]) == (0, 10)
    assert refusals(old.votes(2, 3, 10, 11)) == [Refusal.BELOW_WATERMARK] * 3 + [None]


def test_what_was_seen_signed_elsewhere_is_shown_and_ends_with_recovery(old: Machine) -> None:
    old.votes(1)
    register = old.place.open_register()
    elsewhere = vote(2, b"b", NETWORK)
    signer = Signer(old.place.open_key(), register)
    signature = signer._signature(elsewhere.payload)
    assert signer.witness([(elsewhere.payload, signature)]) == 1
    signer.close()
    register.close()
    assert refusals(old.votes(3)) == [Refusal.TWIN]
    assert old.register("show")[1]["signed_elsewhere"] == 1
    assert old.register("recover", "--through-height", "5")[0] == 0
    assert old.register("show")[1]["signed_elsewhere"] == 0
    assert refusals(old.votes(3, 5, 6)) == [Refusal.BELOW_WATERMARK] * 2 + [None]


def test_a_lost_register_is_begun_again_for_the_network_one_names(old: Machine) -> None:
    old.votes(1)
    old.place.register.unlink()
    assert old.register("show")[1]["refused"] == "lost"
    assert old.register("recover", "--through-height", "4")[0] == 2, "it does not know its network"
    assert old.register("recover", "--through-height", "4", "--network", NETWORK.hex())[0] == 0
    assert refusals(old.votes(1, 4, 5)) == [Refusal.BELOW_WATERMARK] * 2 + [None]


def test_looking_makes_no_register(new: Machine) -> None:
    assert new.register("show")[1]["refused"] == "lost"
    assert not new.place.register.exists()

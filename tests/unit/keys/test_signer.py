"""Never twice: the sign-once register before every slashable signature (N1, N2, N3)."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from coincurve import PublicKey

from consensus.encoding import Some, Value, encode
from consensus.messages import Phase, Proposal, Vote
from consensus.model import Digest, EpochNumber, Height, InvariantBroken, Network, Round
from oracle.keys.interchange import exported, import_into
from oracle.keys.keystore import Key, KeyKind, generate
from oracle.keys.marker import Mark, Marker
from oracle.keys.recovery import recover
from oracle.keys.register import BATCH_MAX, Register, Watermark
from oracle.keys.register_file import RegisterFailed, RegisterProblem
from oracle.keys.signer import TLS_BINDING, Refusal, Refused, Signer, VoteRequest

NETWORK = Network(sha256(b"a network").digest())
OTHER_NETWORK = Network(sha256(b"another").digest())
HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0


def vote(height: int, round_: int = 0, phase: int = 1, choice: bytes = b"a") -> VoteRequest:
    digest = Digest(sha256(choice).digest())
    value = Vote(EpochNumber(1), Height(height), Round(round_), Phase(phase), digest).value(NETWORK)
    return VoteRequest(NETWORK, height, round_, phase, encode(value))


def proposal(height: int, round_: int = 0, choice: bytes = b"a") -> VoteRequest:
    value = Proposal(EpochNumber(1), Height(height), Round(round_), Digest(sha256(choice).digest()), None)
    return VoteRequest(NETWORK, height, round_, 0, encode(value.value(NETWORK)))


def sign(signer: Signer, request: VoteRequest) -> bytes | Refused:
    return signer.sign_vote(request.network, request.height, request.round, request.phase, request.payload)


def refusal(answer: bytes | Refused) -> Refusal:
    assert isinstance(answer, Refused)
    return answer.reason


def problem_of(call: Any, *arguments: Any, **named: Any) -> RegisterProblem:
    with pytest.raises(RegisterFailed) as caught:
        call(*arguments, **named)
    return caught.value.problem


@pytest.fixture(scope="module")
def key() -> Key:
    return generate(KeyKind.NODE)


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    register = Register(tmp_path / "register.db")
    yield register
    register.close()


@pytest.fixture
def signer(key: Key, register: Register) -> Iterator[Signer]:
    signer = Signer(key, register)
    yield signer
    signer.close()


def test_a_vote_is_signed_recoverably_over_its_sha256(signer: Signer) -> None:
    request = vote(1)
    signature = sign(signer, request)
    assert isinstance(signature, bytes)
    assert len(signature) == 65
    assert signature[64] < 4
    assert 0 < int.from_bytes(signature[32:64], "big") <= HALF_ORDER
    assert PublicKey.from_signature_and_message(signature, request.payload).format() == signer.public_key


def test_what_is_granted_is_synced_in_the_register_and_in_its_marker(
    register: Register, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = register._database
    assert database is not None
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    synced: list[int] = []
    sync = os.fsync

    def noting(file: int) -> None:
        sync(file)
        synced.append(file)

    monkeypatch.setattr(os, "fsync", noting)
    assert isinstance(sign(signer, vote(1)), bytes)
    assert len(synced) == 1


def test_same_bytes_get_the_same_signature(signer: Signer) -> None:
    assert sign(signer, vote(1)) == sign(signer, vote(1))


def test_other_bytes_at_the_same_position_are_refused(signer: Signer) -> None:
    sign(signer, vote(1))
    assert refusal(sign(signer, vote(1, choice=b"b"))) is Refusal.OTHER_BYTES


def test_another_epoch_is_other_bytes(signer: Signer) -> None:
    sign(signer, vote(1))
    value = Vote(EpochNumber(2), Height(1), Round(0), Phase(1), Digest(sha256(b"a").digest())).value(NETWORK)
    assert refusal(signer.sign_vote(NETWORK, 1, 0, 1, encode(value))) is Refusal.OTHER_BYTES


def test_round_phase_height_and_network_are_each_a_position_of_their_own(signer: Signer) -> None:
    elsewhere = Vote(EpochNumber(1), Height(1), Round(0), Phase(1), None).value(OTHER_NETWORK)
    requests = [
        vote(1),
        vote(1, phase=2, choice=b"b"),
        vote(1, round_=1, choice=b"c"),
        vote(2, choice=b"d"),
        proposal(1, choice=b"e"),
        VoteRequest(OTHER_NETWORK, 1, 0, 1, encode(elsewhere)),
    ]
    assert all(isinstance(answer, bytes) for answer in signer.sign_many(requests))


def test_a_proposal_is_signed_once_too(signer: Signer) -> None:
    assert isinstance(sign(signer, proposal(1)), bytes)
    assert refusal(sign(signer, proposal(1, choice=b"b"))) is Refusal.OTHER_BYTES


def test_a_batch_answers_in_order_and_catches_its_own_contradiction(signer: Signer) -> None:
    foreign = VoteRequest(NETWORK, 1, 0, 1, vote(2).payload)
    answers = signer.sign_many([vote(1), foreign, vote(1, choice=b"b"), vote(1), vote(2)])
    assert isinstance(answers[0], bytes)
    assert refusal(answers[1]) is Refusal.WRONG_FIELDS
    assert refusal(answers[2]) is Refusal.OTHER_BYTES
    assert answers[3] == answers[0]
    assert isinstance(answers[4], bytes)


def test_a_batch_is_one_transaction_and_repeating_it_is_none(signer: Signer, register: Register) -> None:
    before = register.generation
    signer.sign_many([vote(height) for height in range(1, 101)])
    assert register.generation == before + 1
    signer.sign_many([vote(height) for height in range(1, 101)])
    assert register.generation == before + 1


def test_a_batch_has_a_limit(signer: Signer) -> None:
    with pytest.raises(ValueError, match="at most"):
        signer.sign_many([vote(1)] * (BATCH_MAX + 1))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (VoteRequest(NETWORK, 2, 0, 1, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(NETWORK, 1, 1, 1, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(NETWORK, 1, 0, 2, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(NETWORK, 1, 0, 3, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(OTHER_NETWORK, 1, 0, 1, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(NETWORK, 1, 0, 0, vote(1).payload), Refusal.WRONG_TOPIC),
        (VoteRequest(NETWORK, 1, 0, 1, proposal(1).payload), Refusal.WRONG_TOPIC),
        (VoteRequest(NETWORK, 1, 0, 1, b"\x0c"), Refusal.NOT_CANONICAL),
        (VoteRequest(NETWORK, 1, 0, 1, vote(1).payload + b"\0"), Refusal.NOT_CANONICAL),
        (VoteRequest(NETWORK, 1, 0, 1, encode(5)), Refusal.NOT_CANONICAL),
        (VoteRequest(NETWORK, -1, 0, 1, vote(1).payload), Refusal.WRONG_FIELDS),
        (VoteRequest(NETWORK, 1 << 63, 0, 1, vote(1 << 63).payload), Refusal.WRONG_FIELDS),
    ],
)
def test_a_payload_must_say_what_the_request_says(
    request_: VoteRequest, reason: Refusal, signer: Signer, register: Register
) -> None:
    assert refusal(sign(signer, request_)) is reason
    assert register.rows(NETWORK) == []


def test_plain_signing_never_signs_a_vote_or_a_proposal(signer: Signer) -> None:
    for request in (vote(1), proposal(1)):
        for topic in ("vote", "proposal", "receipt"):
            assert refusal(signer.sign_plain(topic, request.payload)) is Refusal.WRONG_TOPIC


def test_plain_signing_cannot_be_told_to_allow_votes(key: Key, register: Register) -> None:
    with pytest.raises(InvariantBroken, match="register"):
        Signer(key, register, frozenset({"vote", "receipt"}))


def test_plain_signing_takes_allowed_topics_only_and_wants_a_network(signer: Signer) -> None:
    receipt: dict[str, Value] = {"topic": "receipt", "network": NETWORK, "records": (bytes(32),)}
    payload = encode(receipt)
    signature = signer.sign_plain("receipt", payload)
    assert isinstance(signature, bytes)
    assert PublicKey.from_signature_and_message(signature, payload).format() == signer.public_key
    assert refusal(signer.sign_plain("share", payload)) is Refusal.WRONG_TOPIC
    unknown = encode(receipt | {"topic": "lottery"})
    assert refusal(signer.sign_plain("lottery", unknown)) is Refusal.WRONG_TOPIC
    homeless = encode({"topic": "receipt", "records": (bytes(32),)})
    assert refusal(signer.sign_plain("receipt", homeless)) is Refusal.WRONG_FIELDS
    in_session = encode({"topic": "deal", "session": bytes(32), "slot": 1})
    assert isinstance(signer.sign_plain("deal", in_session), bytes)
    assert refusal(signer.sign_plain("receipt", encode(Some(receipt)))) is Refusal.NOT_CANONICAL


def test_a_tls_binding_is_signed_under_a_prefix_no_message_has(signer: Signer) -> None:
    signature = signer.sign_tls_binding(b"key info")
    recovered = PublicKey.from_signature_and_message(signature, TLS_BINDING + b"key info")
    assert recovered.format() == signer.public_key
    assert TLS_BINDING[0] != encode({"a": 1})[0]


def test_no_secret_is_in_the_signers_repr(signer: Signer, key: Key) -> None:
    assert key.secret.hex() not in repr(signer)
    assert key.secret.hex() not in repr(vars(signer))


async def test_signing_off_the_loop_gives_the_same(signer: Signer) -> None:
    assert await signer.sign_many_off_loop([vote(1), vote(2)]) == signer.sign_many([vote(1), vote(2)])


def test_threads_racing_for_one_position_get_one_signature(signer: Signer) -> None:
    answers: list[bytes | Refused] = []
    racers = [
        threading.Thread(target=lambda n=n: answers.append(sign(signer, vote(1, choice=bytes([n])))))
        for n in range(8)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sum(isinstance(answer, bytes) for answer in answers) == 1


# --- across restarts


def reopened(key: Key, register: Register, path: Path) -> tuple[Register, Signer]:
    register.close()
    again = Register(path)
    return again, Signer(key, again)


def test_a_restart_remembers(key: Key, tmp_path: Path) -> None:
    first = Register(tmp_path / "register.db")
    signature = sign(Signer(key, first), vote(1))
    again, signer = reopened(key, first, tmp_path / "register.db")
    assert sign(signer, vote(1)) == signature
    assert refusal(sign(signer, vote(1, choice=b"b"))) is Refusal.OTHER_BYTES
    again.close()


CRASHER = """
import sys
from pathlib import Path
from oracle.keys.keystore import Key, KeyKind
from oracle.keys.register import Register
from oracle.keys.signer import Signer, VoteRequest
from consensus.encoding import encode
from consensus.messages import Phase, Vote
from consensus.model import *
path = Path(sys.argv[1])
network, public, secret = map(bytes.fromhex, sys.argv[2:5])
signer = Signer(Key(KeyKind.NODE, public, secret), Register(path))
for height in range(1, 100_000):
    payload = encode(Vote(EpochNumber(1), Height(height), Round(0), Phase(1), None).value(Network(network)))
    signature = signer.sign_vote(network, height, 0, 1, payload)
    print(height, signature.hex(), flush=True)
"""


def test_what_left_before_a_kill_is_remembered_after_it(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    command = [sys.executable, "-c", CRASHER, str(path), NETWORK.hex(), key.public.hex(), key.secret.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
    left = [line.split() for line in lines if line.endswith("\n")]
    assert len(left) >= 40
    register = Register(path)
    signer = Signer(key, register)
    for height, signature in left:
        nil = Vote(EpochNumber(1), Height(int(height)), Round(0), Phase(1), None).value(NETWORK)
        assert refusal(sign(signer, vote(int(height)))) is Refusal.OTHER_BYTES
        assert signer.sign_vote(NETWORK, int(height), 0, 1, encode(nil)) == bytes.fromhex(signature)
    register.close()


def test_a_second_instance_is_refused(register: Register, tmp_path: Path) -> None:
    assert problem_of(Register, tmp_path / "register.db") is RegisterProblem.LOCKED
    register.close()
    Register(tmp_path / "register.db").close()


def test_a_restored_copy_is_refused(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    Register(path).close()
    shutil.copy(path, tmp_path / "backup")
    register = Register(path)
    sign(Signer(key, register), vote(1))
    register.close()
    shutil.copy(tmp_path / "backup", path)
    assert problem_of(Register, path) is RegisterProblem.OLD_COPY


def test_a_copy_one_generation_old_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    Register(path).close()
    shutil.copy(path, tmp_path / "backup")
    Register(path).close()
    shutil.copy(tmp_path / "backup", path)
    assert problem_of(Register, path) is RegisterProblem.OLD_COPY


def test_a_restored_directory_is_refused_by_the_external_marker(key: Key, tmp_path: Path) -> None:
    home, marker = tmp_path / "node", tmp_path / "elsewhere.generation"
    home.mkdir()
    Register(home / "register.db", marker).close()
    shutil.copytree(home, tmp_path / "backup")
    register = Register(home / "register.db", marker)
    sign(Signer(key, register), vote(1))
    register.close()
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    assert problem_of(Register, home / "register.db", marker) is RegisterProblem.OLD_COPY


def test_a_lost_register_is_not_silently_begun_anew(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    register = Register(path)
    sign(Signer(key, register), vote(1))
    register.close()
    for file in tmp_path.glob("register.db*"):
        if file.suffix != ".generation":
            file.unlink()
    assert problem_of(Register, path) is RegisterProblem.LOST
    assert problem_of(Register, path) is RegisterProblem.LOST  # trying again does not heal it


def test_a_missing_or_foreign_or_broken_marker_is_refused(tmp_path: Path) -> None:
    path, marker = tmp_path / "register.db", tmp_path / "register.db.generation"
    Register(path).close()
    Register(tmp_path / "other.db").close()
    kept = marker.read_bytes()
    marker.unlink()
    assert problem_of(Register, path) is RegisterProblem.MARKER_MISSING
    marker.write_bytes((tmp_path / "other.db.generation").read_bytes())
    assert problem_of(Register, path) is RegisterProblem.MARKER_FOREIGN
    marker.write_bytes(bytes(byte ^ 1 for byte in kept))
    assert problem_of(Register, path) is RegisterProblem.CORRUPT
    marker.write_bytes(kept)
    Register(path).close()


def test_an_external_marker_is_added_once_by_name(tmp_path: Path) -> None:
    path, marker = tmp_path / "register.db", tmp_path / "elsewhere.generation"
    Register(path).close()
    assert problem_of(Register, path, marker) is RegisterProblem.MARKER_MISSING
    Register(path, marker, add_marker=True).close()
    Register(path, marker).close()


def test_a_marker_torn_by_a_crash_leaves_its_other_slot(tmp_path: Path) -> None:
    path, marker = tmp_path / "register.db", tmp_path / "register.db.generation"
    register = Register(path)
    slot = register.generation % 2 * 4096
    register.close()
    with marker.open("r+b") as file:
        file.seek(slot + 20)
        file.write(b"\xff" * 10)
    Register(path).close()


def test_a_marker_is_written_in_the_slot_that_does_not_hold_the_newest(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "generation")
    for generation in range(1, 6):
        marker.write(Mark(b"r" * 16, generation, b"i" * 16))
    held = (tmp_path / "generation").read_bytes()
    marker.close()
    for torn, left in ((5, 4), (4, 5)):
        (tmp_path / "torn").write_bytes(_without(held, torn))
        again = Marker(tmp_path / "torn")
        mark = again.read()
        again.close()
        assert mark is not None
        assert mark.generation == left


def _without(held: bytes, generation: int) -> bytes:
    """A marker's file with the slot of one generation torn in the middle."""
    at = held.index(b"r" * 16 + generation.to_bytes(8, "big"))
    return held[:at] + bytes(8) + held[at + 8 :]


def test_a_marker_that_cannot_be_written_ends_all_signing(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, data: bytes, at: int) -> int:
        raise OSError(errno.ENOSPC, "no space")

    sign(signer, vote(1))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        assert problem_of(sign, signer, vote(2)) is RegisterProblem.FAILED
    assert problem_of(sign, signer, vote(3)) is RegisterProblem.FAILED


def test_a_twin_that_wrote_the_marker_stops_this_node(
    key: Key, signer: Signer, register: Register, tmp_path: Path
) -> None:
    sign(signer, vote(1))
    place = tmp_path / "register.db.generation"
    # A twin on another machine sees the same marker through a shared disk, without our lock.
    twins = tmp_path / "twin.generation"
    twin = Marker(twins)
    shutil.copy(place, twins)
    seen = twin.read()
    assert seen is not None
    twin.write(Mark(seen.register, seen.generation + 1, b"another instance"))
    twin.close()
    with place.open("r+b") as file:
        file.write(twins.read_bytes())
    assert problem_of(sign, signer, vote(2)) is RegisterProblem.TWIN
    with place.open("r+b") as file:
        file.write(bytes(8192))
    assert problem_of(sign, signer, vote(1)) is RegisterProblem.TWIN  # and it stays stopped


def test_a_damaged_register_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    Register(path).close()
    path.write_bytes(b"not a database, and not short either" * 100)
    assert problem_of(Register, path) is RegisterProblem.CORRUPT


# --- when the disk fails


def test_a_full_disk_signs_nothing_and_heals(signer: Signer, register: Register) -> None:
    sign(signer, vote(1))
    database = register._database
    assert database is not None
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    many = [vote(height) for height in range(2, 600)]
    assert problem_of(signer.sign_many, many) is RegisterProblem.DISK_FULL
    database.execute("PRAGMA max_page_count = 1000000")
    assert [position.height for position, _ in register.rows(NETWORK)] == [1]
    assert all(isinstance(answer, bytes) for answer in signer.sign_many(many))


def test_a_failed_write_signs_nothing_until_a_restart(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    register = Register(path)
    signer = Signer(key, register)
    sign(signer, vote(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "register.db-wal").stat().st_size, hard))
    try:
        assert problem_of(sign, signer, vote(2)) is RegisterProblem.FAILED
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert problem_of(sign, signer, vote(1)) is RegisterProblem.FAILED
    again, healed = reopened(key, register, path)
    assert refusal(sign(healed, vote(1, choice=b"b"))) is Refusal.OTHER_BYTES
    assert isinstance(sign(healed, vote(2)), bytes)
    again.close()


def test_a_closed_register_signs_nothing(signer: Signer, register: Register) -> None:
    register.close()
    assert problem_of(sign, signer, vote(1)) is RegisterProblem.FAILED


# --- watermarks, export, import, recovery


def test_nothing_new_is_signed_at_or_below_the_watermark(
    key: Key, signer: Signer, register: Register
) -> None:
    kept = sign(signer, vote(5))
    register.raise_watermark(key.public, NETWORK, [Watermark(1, 5, 3)])
    register.raise_watermark(key.public, NETWORK, [Watermark(1, 2, 0)])  # never falls
    assert sign(signer, vote(5)) == kept
    assert refusal(sign(signer, vote(4))) is Refusal.BELOW_WATERMARK
    assert refusal(sign(signer, vote(5, round_=3))) is Refusal.BELOW_WATERMARK
    assert isinstance(sign(signer, vote(5, round_=4)), bytes)
    assert isinstance(sign(signer, vote(4, phase=2)), bytes)  # another phase has its own


def test_pruned_heights_stay_refused(key: Key, signer: Signer, register: Register) -> None:
    signer.sign_many([vote(height, round_) for height in (1, 2, 3) for round_ in (0, 1)])
    assert register.prune(key.public, NETWORK, below_height=3) == 4
    assert refusal(sign(signer, vote(2, 1))) is Refusal.BELOW_WATERMARK
    assert refusal(sign(signer, vote(1, 7, choice=b"b"))) is Refusal.BELOW_WATERMARK
    assert isinstance(sign(signer, vote(3)), bytes)


def test_an_export_carries_over_to_a_new_machine(key: Key, signer: Signer, tmp_path: Path) -> None:
    signatures = signer.sign_many([vote(1), vote(2), vote(2, phase=2), proposal(3)])
    text = exported(signer._register, NETWORK)
    document = json.loads(text)
    assert document["metadata"]["interchange_format_version"] == "1"
    assert document["data"][0]["pubkey"] == "0x" + key.public.hex()
    assert document["data"][0]["signed"][0]["height"] == "1"
    fresh = Register(tmp_path / "new.db")
    assert import_into(fresh, NETWORK, text) == 0
    moved = Signer(key, fresh)
    assert moved.sign_many([vote(1), vote(2), vote(2, phase=2), proposal(3)]) == signatures
    assert refusal(sign(moved, vote(1, choice=b"b"))) is Refusal.OTHER_BYTES
    assert refusal(sign(moved, vote(1, round_=9))) is Refusal.BELOW_WATERMARK
    assert isinstance(sign(moved, vote(3)), bytes)
    assert import_into(fresh, NETWORK, exported(fresh, NETWORK)) == 0
    fresh.close()


def test_an_import_that_contradicts_closes_the_position(key: Key, signer: Signer, tmp_path: Path) -> None:
    sign(signer, vote(1))
    other = Register(tmp_path / "other.db")
    sign(Signer(key, other), vote(1, choice=b"b"))
    assert import_into(signer._register, NETWORK, exported(other, NETWORK)) == 1
    other.close()
    for choice in (b"a", b"b"):
        assert refusal(sign(signer, vote(1, choice=choice))) is Refusal.OTHER_BYTES


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d["metadata"].update(network="0x" + OTHER_NETWORK.hex()),
        lambda d: d["metadata"].update(interchange_format_version="2"),
        lambda d: d.pop("data"),
        lambda d: d["data"][0]["signed"][0].update(height="-1"),
        lambda d: d["data"][0]["signed"][0].update(height=1),
        lambda d: d["data"][0]["signed"][0].update(height="9" * 19),
        lambda d: d["data"][0]["signed"][0].update(phase="3"),
        lambda d: d["data"][0]["signed"][0].update(signing_root="0x00"),
        lambda d: d["data"][0].update(pubkey="0x" + "zz" * 33),
    ],
)
def test_a_damaged_export_is_refused_whole(damage: Any, key: Key, signer: Signer, tmp_path: Path) -> None:
    signer.sign_many([vote(1), vote(2)])
    document = json.loads(exported(signer._register, NETWORK))
    damage(document)
    fresh = Register(tmp_path / "new.db")
    reason = problem_of(import_into, fresh, NETWORK, json.dumps(document))
    assert reason is RegisterProblem.EXPORT_MALFORMED
    assert fresh.rows(NETWORK) == []
    assert fresh.watermarks(NETWORK) == []
    fresh.close()


def test_recovery_declares_the_past_off_limits(key: Key, tmp_path: Path) -> None:
    path, marker = tmp_path / "register.db", tmp_path / "elsewhere.generation"
    register = Register(path, marker)
    sign(Signer(key, register), vote(7))
    register.close()
    shutil.copytree(tmp_path, tmp_path.with_name("before-loss"))
    path.unlink()
    recover(path, marker, key.public, NETWORK, through_height=10)
    register = Register(path, marker)
    signer = Signer(key, register)
    for phase in (1, 2):
        assert refusal(sign(signer, vote(10, round_=99, phase=phase))) is Refusal.BELOW_WATERMARK
    assert refusal(sign(signer, proposal(7))) is Refusal.BELOW_WATERMARK
    assert isinstance(sign(signer, vote(11)), bytes)
    register.close()
    # The old register turning up again is refused: it is not the one the markers know.
    shutil.copy(tmp_path.with_name("before-loss") / "register.db", path)
    assert problem_of(Register, path, marker) is RegisterProblem.MARKER_FOREIGN


def test_recovery_is_refused_while_the_node_runs(key: Key, register: Register, tmp_path: Path) -> None:
    reason = problem_of(recover, tmp_path / "register.db", None, key.public, NETWORK, 10)
    assert reason is RegisterProblem.LOCKED


def test_the_register_is_private_and_fully_synchronous(register: Register, tmp_path: Path) -> None:
    database = register._database
    assert database is not None
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_the_register_is_plain_sqlite(signer: Signer, register: Register, tmp_path: Path) -> None:
    sign(signer, vote(4))
    register.close()
    assert not (tmp_path / "register.db-wal").exists()
    with sqlite3.connect(tmp_path / "register.db") as database:
        assert database.execute("SELECT height, round, phase FROM signed").fetchall() == [(4, 0, 1)]
    database.close()

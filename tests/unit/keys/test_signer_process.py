"""The signer's own process: what the node may ask of it, and what happens when it dies (N1, N2)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey, PublicKey

from consensus.encoding import encode
from consensus.messages import Phase, Vote
from consensus.model import Digest, EpochNumber, Height, Network, Round
from oracle.keys import keystore
from oracle.keys.channel import FRAME_BYTES_MAX, ChannelBroken, receive, send
from oracle.keys.keystore import LIGHT, Key, KeyKind, KeystoreError, KeystoreProblem, generate
from oracle.keys.process import Place
from oracle.keys.register_file import RegisterFailed, RegisterProblem
from oracle.keys.remote import SignerProcess, key_opens
from oracle.keys.signer import TLS_BINDING, Refusal, Refused, VoteRequest

NETWORK = Network(sha256(b"a network").digest())
OTHER_NETWORK = Network(sha256(b"another").digest())
PASSWORD = "a long password"


@pytest.fixture(scope="module")
def key() -> Key:
    return generate(KeyKind.NODE)


@pytest.fixture
def place(tmp_path: Path, key: Key) -> Place:
    keystore.save(key, tmp_path / "node.json", PASSWORD, cost=LIGHT)
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD + "\n")
    return Place(tmp_path / "node.json", password, tmp_path / "register.db", allow_light=True)


@pytest.fixture
def signer(place: Place) -> Iterator[SignerProcess]:
    signer = SignerProcess(place)
    signer.start()
    signer.bind(NETWORK)
    yield signer
    signer.close()


def vote(height: int, choice: bytes = b"a", network: Network = NETWORK) -> VoteRequest:
    digest = Digest(sha256(choice).digest())
    value = Vote(EpochNumber(1), Height(height), Round(0), Phase.PREVOTE, digest).value(network)
    return VoteRequest(network, height, 0, 1, encode(value))


def sign(signer: SignerProcess, request: VoteRequest) -> bytes | Refused:
    return signer.sign_many([request])[0]


def refusal(answer: bytes | Refused) -> Refusal:
    assert isinstance(answer, Refused)
    return answer.reason


def receipt(network: bytes = NETWORK) -> bytes:
    return encode({"topic": "receipt", "network": network, "records": (bytes(32),)})


# --- what it signs


def test_a_vote_is_signed_by_the_key_that_only_the_other_process_has(signer: SignerProcess, key: Key) -> None:
    signature = sign(signer, vote(1))
    assert isinstance(signature, bytes)
    recovered = PublicKey.from_signature_and_message(signature, vote(1).payload).format()
    assert recovered == signer.public_key == key.public


def test_same_bytes_get_the_same_signature_and_other_bytes_are_refused(signer: SignerProcess) -> None:
    assert sign(signer, vote(1)) == sign(signer, vote(1))
    assert refusal(sign(signer, vote(1, b"b"))) is Refusal.OTHER_BYTES


def test_the_position_is_read_from_the_payload_whatever_the_node_says(signer: SignerProcess) -> None:
    sign(signer, vote(1))
    lying = VoteRequest(NETWORK, 2, 0, 1, vote(1, b"b").payload)
    assert refusal(sign(signer, lying)) is Refusal.OTHER_BYTES


def test_a_foreign_network_is_refused_by_name(signer: SignerProcess) -> None:
    assert refusal(sign(signer, vote(1, network=OTHER_NETWORK))) is Refusal.FOREIGN_NETWORK
    assert refusal(signer.sign_plain("receipt", receipt(OTHER_NETWORK))) is Refusal.FOREIGN_NETWORK
    assert isinstance(signer.sign_plain("receipt", receipt()), bytes)


def test_an_unknown_topic_is_refused_by_name(signer: SignerProcess) -> None:
    unknown = encode({"topic": "lottery", "network": NETWORK})
    assert refusal(signer.sign_plain("lottery", unknown)) is Refusal.WRONG_TOPIC
    assert refusal(signer.sign_plain("vote", vote(1).payload)) is Refusal.WRONG_TOPIC
    assert refusal(sign(signer, VoteRequest(NETWORK, 1, 0, 1, receipt()))) is Refusal.WRONG_TOPIC


def test_a_tls_binding_is_signed(signer: SignerProcess) -> None:
    signature = signer.sign_tls_binding(b"key info")
    recovered = PublicKey.from_signature_and_message(signature, TLS_BINDING + b"key info")
    assert recovered.format() == signer.public_key


def test_one_batch_keeps_its_order_around_what_is_refused(signer: SignerProcess) -> None:
    broken = VoteRequest(NETWORK, 3, 0, 1, b"\x0c")
    answers = signer.sign_many([vote(2), broken, vote(2, b"b"), vote(3)])
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, False, True]
    assert answers[3] == sign(signer, vote(3))


# --- what others have seen of this key


def signed_elsewhere(key: Key, request: VoteRequest) -> tuple[bytes, bytes]:
    return request.payload, PrivateKey(key.secret).sign_recoverable(request.payload)


def test_an_own_vote_that_the_register_does_not_hold_ends_all_voting(
    signer: SignerProcess, key: Key, place: Place
) -> None:
    sign(signer, vote(1))
    assert signer.witness([signed_elsewhere(key, vote(1))]) == 0
    assert isinstance(sign(signer, vote(2)), bytes)
    assert signer.witness([signed_elsewhere(key, vote(3))]) == 1
    assert refusal(sign(signer, vote(4))) is Refusal.TWIN
    assert isinstance(signer.sign_plain("receipt", receipt()), bytes)
    signer.start()
    assert refusal(sign(signer, vote(5))) is Refusal.TWIN, "a restart forgets nothing"


def test_nobody_else_s_signature_can_end_it(signer: SignerProcess) -> None:
    stranger = generate(KeyKind.NODE)
    forged = vote(3).payload, bytes(65)
    assert signer.witness([signed_elsewhere(stranger, vote(3)), forged]) == 0
    assert isinstance(sign(signer, vote(4)), bytes)


# --- its life


def test_killed_it_signs_nothing_and_started_again_it_remembers(signer: SignerProcess) -> None:
    before = sign(signer, vote(1))
    assert signer.pid is not None
    os.kill(signer.pid, signal.SIGKILL)
    with pytest.raises(ChannelBroken):
        sign(signer, vote(2))
    assert not signer.up
    with pytest.raises(ChannelBroken):
        sign(signer, vote(2))
    signer.start()
    assert sign(signer, vote(1)) == before
    assert refusal(sign(signer, vote(1, b"b"))) is Refusal.OTHER_BYTES
    assert refusal(sign(signer, vote(1, network=OTHER_NETWORK))) is Refusal.FOREIGN_NETWORK


async def test_whoever_supervises_it_starts_it_again_and_says_so(signer: SignerProcess) -> None:
    returned = asyncio.Event()
    supervised = asyncio.create_task(signer.supervise(returned.set))
    first = signer.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(20):
        await returned.wait()
    assert signer.up
    assert signer.pid != first
    assert isinstance((await signer.sign_many_off_loop([vote(1)]))[0], bytes)
    supervised.cancel()
    await asyncio.gather(supervised, return_exceptions=True)


def test_it_ends_with_its_node(place: Place) -> None:
    node = subprocess.Popen(
        [sys.executable, "-c", NODE, str(place.key), str(place.password_file), str(place.register)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert node.stdout is not None
    assert int(node.stdout.readline()) > 0
    node.kill()
    node.wait()
    node.stdout.close()
    again = SignerProcess(place)
    again.start()  # else the killed node's signer would still hold the register
    again.close()


NODE = """
import sys, time
from pathlib import Path
from oracle.keys.process import Place
from oracle.keys.remote import SignerProcess
signer = SignerProcess(Place(*map(Path, sys.argv[1:4]), allow_light=True))
signer.start()
print(signer.pid, flush=True)
time.sleep(60)
"""


def test_a_second_signer_on_one_register_is_refused_by_name(signer: SignerProcess, place: Place) -> None:
    second = SignerProcess(place)
    with pytest.raises(RegisterFailed) as caught:
        second.start()
    second.close()
    assert caught.value.problem is RegisterProblem.LOCKED
    assert isinstance(sign(signer, vote(1)), bytes)


def test_a_register_serves_one_network_for_good(signer: SignerProcess, place: Place) -> None:
    signer.close()
    again = SignerProcess(place)
    again.start()
    with pytest.raises(RegisterFailed) as caught:
        again.bind(OTHER_NETWORK)
    again.close()
    assert caught.value.problem is RegisterProblem.OTHER_NETWORK


def test_a_wrong_password_is_named_and_said_by_nobody(place: Place) -> None:
    place.password_file.write_text("another one\n")
    signer = SignerProcess(place)
    with pytest.raises(KeystoreError) as caught:
        signer.start()
    signer.close()
    assert caught.value.problem is KeystoreProblem.WRONG_PASSWORD
    assert "another one" not in str(caught.value)
    assert "wrong-password" in key_opens(place)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
def test_neither_its_arguments_nor_its_environment_hold_a_secret(signer: SignerProcess, key: Key) -> None:
    said = Path(f"/proc/{signer.pid}/cmdline").read_bytes() + Path(f"/proc/{signer.pid}/environ").read_bytes()
    assert str(signer.place.key).encode() in said
    for secret in (PASSWORD.encode(), key.secret, key.secret.hex().encode()):
        assert secret not in said


# --- the channel


@pytest.fixture
def channel(place: Place) -> Iterator[socket.socket]:
    """A node that says what it likes."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "oracle.keys", "--channel", str(theirs.fileno())]
        process = subprocess.Popen(
            [*command, *place.arguments()], pass_fds=(theirs.fileno(),), stderr=subprocess.DEVNULL
        )
    ours.settimeout(20)
    assert receive(ours) is not None
    yield ours
    ours.close()
    assert process.wait(10) in (0, 1)


@pytest.mark.parametrize(
    "said",
    [
        {"ask": "votes", "payloads": ()},
        {"ask": "bind", "network": b"short"},
        {"ask": "bind", "network": NETWORK, "more": 1},
        {"ask": "export"},
        {"no": "question"},
    ],
    ids=["before-a-network", "no-network", "one-field-more", "nobody-answers", "no-question"],
)
def test_a_node_that_asks_wrongly_is_answered_no_more(channel: socket.socket, said: dict[str, Any]) -> None:
    send(channel, said)
    assert receive(channel) is None


@pytest.mark.parametrize(
    "raw",
    [struct.pack(">I", FRAME_BYTES_MAX + 1), struct.pack(">I", 3) + b"abc", struct.pack(">I", 0)],
    ids=["too-long", "not-canonical", "empty"],
)
def test_what_is_no_frame_ends_the_channel_before_it_is_read(channel: socket.socket, raw: bytes) -> None:
    channel.sendall(raw)
    assert receive(channel) is None

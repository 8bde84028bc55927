"""The node's end of its signer process: starts it, asks it, and starts it again when it dies.

Decides how long an answer may take and how often a dead signer is started again. Holds no
key: what it knows of one is its public form. While there is no signer every request fails
with ChannelBroken and nothing is signed (N2).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from consensus.encoding import Value
from consensus.messages import SIGNATURE_BYTES, Fields, WrongShape
from oracle.keys.channel import ChannelBroken, check_same_user, receive, send
from oracle.keys.keystore import KeystoreError, KeystoreProblem
from oracle.keys.process import Place
from oracle.keys.register import BATCH_MAX
from oracle.keys.register_file import RegisterFailed, RegisterProblem
from oracle.keys.signer import Refusal, Refused, VoteRequest

_log = logging.getLogger("wattest.signer")

START_S: Final = 60.0
"""From the process's start until it has opened key and register: scrypt takes a second or more."""
ANSWER_S: Final = 15.0
"""A durable write takes milliseconds; a disk that takes longer than this is a failure."""
LOCKED_S: Final = 3.0
"""How long the signer of a killed node may take to let go of the register."""
LOOK_S: Final = 0.1
AGAIN_FIRST_S: Final = 0.1
AGAIN_CAP_S: Final = 30.0
STEADY_S: Final = 60.0
"""A signer that lived so long did not die of its start: the next one is started at once."""
END_S: Final = 5.0


class SignerProcess:
    """The signer of one node in a process of its own. `start` it, `bind` it, keep `supervise` running.

    Thread-safe, one request at a time.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.restarts = 0
        self._turn = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signer")
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._public_key = b""
        self._network: bytes | None = None
        self._closed = False

    @property
    def public_key(self) -> bytes:
        """The node key in its compressed form, once started."""
        return self._public_key

    @property
    def up(self) -> bool:
        """Whether there is a signer to ask."""
        return self._channel is not None and self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    # -- its life ---------------------------------------------------------------------

    def start(self) -> None:
        """Start the process and wait until it has opened key and register.

        Raises KeystoreError and RegisterFailed with what it says, ChannelBroken if it says
        nothing. A register that is locked is tried again for a moment: a node that was
        killed leaves a signer that is just ending.
        """
        give_up_s = time.monotonic() + LOCKED_S
        with self._turn:
            while True:
                try:
                    self._start()
                    break
                except RegisterFailed as failure:
                    if failure.problem is not RegisterProblem.LOCKED or time.monotonic() > give_up_s:
                        raise
                time.sleep(LOOK_S)
            if self._network is not None:
                self._ask({"ask": "bind", "network": self._network})

    def bind(self, network: bytes) -> None:
        """Name the network: the signer serves no other, now and after a restart."""
        self._network = network
        self._asked({"ask": "bind", "network": network})

    async def supervise(self, on_return: Callable[[], None]) -> None:
        """Start the process again whenever it ends; `on_return` hears when it is back.

        Raises what `start` raises when the key or the register can no longer be used.
        """
        wait_s, since_s = AGAIN_FIRST_S, time.monotonic()
        while True:
            while self.up:  # noqa: ASYNC110 - a process gives no event
                await asyncio.sleep(LOOK_S)
            if time.monotonic() - since_s > STEADY_S:
                wait_s = AGAIN_FIRST_S
            code = None if self._process is None else self._process.poll()
            _log.error("the signer is gone (%s): nothing is signed; starting it in %.1f s", code, wait_s)
            await asyncio.sleep(wait_s)
            wait_s, since_s = min(2 * wait_s, AGAIN_CAP_S), time.monotonic()
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self.start)
            except ChannelBroken as cause:
                _log.error("the signer does not start: %s", cause)
                continue
            self.restarts += 1
            _log.warning("the signer is back")
            on_return()

    def close(self) -> None:
        """End the process: it closes its register when the channel closes."""
        self._thread.shutdown(wait=True)
        with self._turn:
            self._closed = True
            self._drop()

    # -- what a node asks ---------------------------------------------------------------

    def sign_plain(self, topic: str, payload: bytes) -> bytes | Refused:
        """Sign what cannot be slashed."""
        return self._answers({"ask": "plain", "topic": topic, "payload": payload}, 1)[0]

    def sign_tls_binding(self, statement: bytes) -> bytes:
        """Bind a TLS key to the node key."""
        answer = self._answers({"ask": "tls", "statement": statement}, 1)[0]
        if isinstance(answer, Refused):
            raise ChannelBroken(f"the signer refuses a binding: {answer.reason.value}")
        return answer

    def sign_many(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """Sign votes and proposals; the signer reads their positions from the payloads itself (N1)."""
        payloads = tuple(request.payload for request in requests[:BATCH_MAX])
        return self._answers({"ask": "votes", "payloads": payloads}, len(payloads))

    def witness(self, seen: Sequence[tuple[bytes, bytes]]) -> int:
        """How many of these (payload, signature) by this key the register never took (N3)."""
        rows = tuple({"payload": payload, "signature": signature} for payload, signature in seen[:BATCH_MAX])
        return self._asked({"ask": "witness", "seen": rows}).uint("unknown")

    async def sign_many_off_loop(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """`sign_many` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sign_many, tuple(requests))

    async def sign_plain_off_loop(self, topic: str, payload: bytes) -> bytes | Refused:
        """`sign_plain` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sign_plain, topic, payload)

    async def witness_off_loop(self, seen: Sequence[tuple[bytes, bytes]]) -> int:
        """`witness` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.witness, tuple(seen))

    async def prune_off_loop(self, below_height: int) -> None:
        """Let the watermark stand for what was signed below a height."""
        if below_height > 0:
            request: Mapping[str, Value] = {"ask": "prune", "below": below_height}
            await asyncio.get_running_loop().run_in_executor(self._thread, self._asked, request)

    # -- the channel --------------------------------------------------------------------

    def _answers(self, request: Mapping[str, Value], count: int) -> list[bytes | Refused]:
        answer = self._asked(request)
        try:
            found = [_read(Fields(row)) for row in answer.items("answers", BATCH_MAX)]
        except (WrongShape, ValueError) as cause:
            raise ChannelBroken(f"the signer answers what is no answer: {cause}") from cause
        if len(found) != count:
            raise ChannelBroken(f"{len(found)} answers to {count} requests")
        return found

    def _asked(self, request: Mapping[str, Value]) -> Fields:
        with self._turn:
            return self._ask(request)

    def _ask(self, request: Mapping[str, Value]) -> Fields:
        channel = self._channel
        if channel is None:
            raise ChannelBroken("there is no signer")
        try:
            send(channel, request)
            answer = _said(channel)
            failed, detail = answer.text("failed", 64), answer.text("detail", 1000)
        except (ChannelBroken, WrongShape) as cause:
            self._drop()  # an answer that comes after all must not pass for the next one's
            raise ChannelBroken(str(cause)) from cause
        if failed:
            raise RegisterFailed(RegisterProblem(failed), detail)
        return answer

    def _start(self) -> None:
        self._drop()
        if self._closed:
            raise ChannelBroken("closed")
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "oracle.keys", "--channel", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [*command, *self.place.arguments()], stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),)
            )
        self._channel = ours
        try:
            check_same_user(ours)
            ours.settimeout(START_S)
            said = _said(ours)
            key, failed = said.buff("started", 0, 33), said.text("failed", 16)
            problem, detail = said.text("problem", 64), said.text("detail", 1000)
        except (ChannelBroken, WrongShape) as cause:
            self._drop()
            raise ChannelBroken(str(cause)) from cause
        if failed:
            self._drop()
            raise _failure(failed, problem, detail)
        if self._public_key not in (b"", key):
            self._drop()
            raise ChannelBroken("the key in the keystore is another one now: start the node again")
        self._public_key = key
        ours.settimeout(ANSWER_S)

    def _drop(self) -> None:
        """Close the channel, which ends the process; insist if it does not."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _said(channel: socket.socket) -> Fields:
    answer = receive(channel)
    if answer is None:
        raise ChannelBroken("the signer has ended")
    return answer


def key_opens(place: Place) -> str:
    """Open the key in a signer process that ends at once; why it does not open, or nothing."""
    command = [sys.executable, "-m", "oracle.keys", "--check", *place.arguments()]
    with contextlib.suppress(subprocess.TimeoutExpired):
        ran = subprocess.run(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_S, check=False
        )
        return "" if ran.returncode == 0 else ran.stderr.strip()
    return "the signer does not answer"


def _failure(failed: str, problem: str, detail: str) -> Exception:
    """What the signer process met, as if it had been met here; its detail names the problem already."""
    text = detail.removeprefix(f"{problem}: ")
    if failed == "keystore":
        return KeystoreError(KeystoreProblem(problem), text)
    return RegisterFailed(RegisterProblem(problem), text)


def _read(row: Fields) -> bytes | Refused:
    signature, refused = row.buff("signature", 0, SIGNATURE_BYTES), row.text("refused", 64)
    detail = row.text("detail", 1000)
    row.end()
    return Refused(Refusal(refused), detail) if refused else signature

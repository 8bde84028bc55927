"""The signer's own process: the node key, the sign-once register, and a channel to one node.

Decides what a node may ask for and in which form. It opens the key itself, reads every
payload itself, and answers with signatures or with the name of a refusal; the key is in no
answer. Serves one node and ends with it: when the channel closes, so does the register.

    bind        {network}              the network to serve, once; others are refused from then on
    votes       {payloads}             -> {answers: [{signature, refused, detail}]}
    plain       {topic, payload}       -> {answers: [one]}
    tls         {statement}            -> {answers: [one]}
    witness     {seen: [{payload, signature}]} -> {unknown}
    prune       {below}

Every answer has `failed`: empty, or the name of a RegisterProblem with `detail`; then
nothing was signed.
"""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.encoding import Value
from consensus.messages import HEIGHT_MAX, SIGNATURE_BYTES, Fields, WrongShape
from oracle.keys import keystore
from oracle.keys.channel import FRAME_BYTES_MAX, ChannelBroken, check_same_user, receive, send
from oracle.keys.keystore import KeyKind, KeystoreError
from oracle.keys.register import BATCH_MAX, Register
from oracle.keys.register_file import RegisterFailed
from oracle.keys.signer import NETWORK_BYTES, Refusal, Refused, Signer, requested

TOPIC_MAX: Final = 32
VOTE_BYTES_MAX: Final = 1024
STATEMENT_BYTES_MAX: Final = 1024
_PR_SET_DUMPABLE: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signer's secrets and its register are. Paths, never the secrets themselves."""

    key: Path
    password_file: Path
    register: Path
    marker: Path | None = None
    allow_light: bool = False

    def arguments(self) -> list[str]:
        """As the process takes them on its command line."""
        given = ["--key", str(self.key), "--password-file", str(self.password_file)]
        given += ["--register", str(self.register)]
        given += [] if self.marker is None else ["--marker", str(self.marker)]
        return given + (["--light"] if self.allow_light else [])

    def open_key(self) -> keystore.Key:
        """The node key. Raises KeystoreError."""
        password = keystore.read_password(self.password_file)
        return keystore.load(self.key, password, KeyKind.NODE, allow_light=self.allow_light)

    def open_register(self) -> Register:
        """The register, with its second marker if one is wanted. Raises RegisterFailed."""
        new = self.marker is not None and not self.marker.exists()
        return Register(self.register, self.marker, add_marker=new)


def serve(place: Place, channel: socket.socket) -> int:
    """Open key and register, say so, and answer until the node is gone; the exit code."""
    _harden()
    try:
        check_same_user(channel)
        key = place.open_key()
        register = place.open_register()
    except KeystoreError as cause:
        return _not_started(channel, "keystore", cause.problem.value, str(cause))
    except RegisterFailed as cause:
        return _not_started(channel, "register", cause.problem.value, str(cause))
    except ChannelBroken as cause:
        sys.stderr.write(f"signer: {cause}\n")
        return 1
    signer = Signer(key, register)
    try:
        send(channel, {"started": key.public, "failed": "", "problem": "", "detail": ""})
        _answer_all(signer, channel)
    except ChannelBroken as cause:
        sys.stderr.write(f"signer: the channel to the node broke: {cause}\n")
        return 1
    finally:
        signer.close()
        register.close()
    return 0


def _answer_all(signer: Signer, channel: socket.socket) -> None:
    bound = False
    while (asked := receive(channel)) is not None:
        try:
            what = asked.text("ask", 16)
            if not bound and what != "bind":
                raise ChannelBroken(f"{what} before a network was named")
            answer = _answer(signer, what, asked)
            bound = True
            asked.end()
        except WrongShape as cause:  # our own node's defect: nothing it says is to be trusted
            raise ChannelBroken(f"no request: {cause}") from cause
        except RegisterFailed as cause:
            answer = {"failed": cause.problem.value, "detail": _ascii(str(cause))}
        send(channel, answer)


def _answer(signer: Signer, what: str, asked: Fields) -> Mapping[str, Value]:
    match what:
        case "bind":
            signer.bind(asked.buff("network", NETWORK_BYTES))
            return _fine({})
        case "votes":
            return _answers(_votes(signer, asked))
        case "plain":
            topic, payload = asked.text("topic", TOPIC_MAX), asked.buff("payload", 1, FRAME_BYTES_MAX)
            return _answers([signer.sign_plain(topic, payload)])
        case "tls":
            return _answers([signer.sign_tls_binding(asked.buff("statement", 1, STATEMENT_BYTES_MAX))])
        case "witness":
            rows = [Fields(row) for row in asked.items("seen", BATCH_MAX)]
            seen = [
                (row.buff("payload", 1, VOTE_BYTES_MAX), row.buff("signature", SIGNATURE_BYTES))
                for row in rows
            ]
            return _fine({"unknown": signer.witness(seen)})
        case "prune":
            signer.prune(asked.uint("below", HEIGHT_MAX))
            return _fine({})
        case _:
            raise WrongShape(f"nobody answers {what}")


def _votes(signer: Signer, asked: Fields) -> list[bytes | Refused]:
    """What is signed is read from the payloads alone; all in one durable transaction (N1)."""
    payloads = asked.items("payloads", BATCH_MAX)
    requests = [
        requested(payload)
        if isinstance(payload, bytes) and len(payload) <= VOTE_BYTES_MAX
        else Refused(Refusal.NOT_CANONICAL, "too long")
        for payload in payloads
    ]
    signed = iter(signer.sign_many([one for one in requests if not isinstance(one, Refused)]))
    return [one if isinstance(one, Refused) else next(signed) for one in requests]


def _answers(given: list[bytes | Refused]) -> Mapping[str, Value]:
    rows: list[Value] = []
    for one in given:
        if isinstance(one, Refused):
            rows.append({"signature": b"", "refused": one.reason.value, "detail": _ascii(one.detail)})
        else:
            rows.append({"signature": one, "refused": "", "detail": ""})
    return _fine({"answers": tuple(rows)})


def _fine(content: Mapping[str, Value]) -> Mapping[str, Value]:
    return {"failed": "", "detail": ""} | dict(content)


def _not_started(channel: socket.socket, failed: str, problem: str, detail: str) -> int:
    with contextlib.suppress(ChannelBroken):
        send(channel, {"started": b"", "failed": failed, "problem": problem, "detail": _ascii(detail)})
    return 1


def _ascii(text: str) -> str:
    """What a canonical string may hold."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:500]


def _harden() -> None:
    """No core file, no other process that reads this one's memory, and no end by Ctrl-C before the node's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

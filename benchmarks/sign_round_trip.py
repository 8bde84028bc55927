"""How long does a node wait for its signer? One vote through the other process and back.

    python -m benchmarks.sign_round_trip [--votes 500]

A real signer process over its real channel, with a real register: each vote is durable
before it is signed (N1). A receipt passes no register. The yardstick is the same signer
without a process between, in the same run, on the same disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from benchmarks.table import Table, bar
from consensus.encoding import encode
from consensus.messages import Phase, Vote
from consensus.model import Digest, EpochNumber, Height, Network, Round
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, KeyKind
from oracle.keys.process import Place
from oracle.keys.register import Register
from oracle.keys.remote import SignerProcess
from oracle.keys.signer import Signer, VoteRequest

NETWORK = Network(sha256(b"a benchmark's network").digest())
BATCH = 64
P99 = 0.99


def run(votes: int) -> Table:
    """A row for each kind of request: through the process, and without."""
    with tempfile.TemporaryDirectory(prefix="sign-round-trip-") as folder:
        place = made(Path(folder))
        began_s = time.perf_counter()
        remote = SignerProcess(place)
        remote.start()
        start_s = time.perf_counter() - began_s
        remote.bind(NETWORK)
        register = Register(Path(folder) / "beside.db")
        local = Signer(place.open_key(), register)
        local.bind(NETWORK)
        try:
            rows = (
                row(
                    "a vote, durable first",
                    votes,
                    lambda at: remote.sign_many([vote(at)]),
                    lambda at: local.sign_many([vote(at)]),
                ),
                row(
                    "the same vote again",
                    votes,
                    lambda _: remote.sign_many([vote(0)]),
                    lambda _: local.sign_many([vote(0)]),
                ),
                row(
                    f"{BATCH} votes at once",
                    votes // 10,
                    lambda at: remote.sign_many(batch(at)),
                    lambda at: local.sign_many(batch(at)),
                ),
                row(
                    "a receipt",
                    votes,
                    lambda at: remote.sign_plain("receipt", receipt(at)),
                    lambda at: local.sign_plain("receipt", receipt(at)),
                ),
            )
        finally:
            remote.close()
            local.close()
            register.close()
    return Table(
        "A signature by the signer's process",
        ("request", "p50", "p99", "yardstick p50: no process", "ratio"),
        rows,
        (f"{votes} requests a row; with a weak key file the process starts in {start_s:.2f} s",),
    )


def made(folder: Path) -> Place:
    """A key of its own, weakly sealed."""
    password = new_password(folder / "password")
    new_key(KeyKind.NODE, folder / "node.json", password, LIGHT)
    return Place(folder / "node.json", folder / "password", folder / "register.db", allow_light=True)


def row(
    what: str, count: int, asked: Callable[[int], object], yardstick: Callable[[int], object]
) -> tuple[str, ...]:
    """p50 and p99 of what is asked, beside the yardstick's p50."""
    count = max(count, 10)
    draw = bar(2 * count, what)
    times_s = {}
    for turn, call in enumerate((asked, yardstick)):
        spent = []
        for at in range(count):
            began_s = time.perf_counter()
            call(at + 1)
            spent.append(time.perf_counter() - began_s)
            draw(turn * count + at + 1)
        times_s[turn] = sorted(spent)
    p50_s, alone_s = times_s[0][count // 2], times_s[1][count // 2]
    return what, ms(p50_s), ms(times_s[0][int(P99 * (count - 1))]), ms(alone_s), f"{p50_s / alone_s:.1f}"


def vote(height: int) -> VoteRequest:
    """A prevote at a height."""
    value = Vote(EpochNumber(1), Height(height), Round(0), Phase.PREVOTE, Digest(bytes(32))).value(NETWORK)
    return VoteRequest(NETWORK, height, 0, int(Phase.PREVOTE), encode(value))


def batch(at: int) -> list[VoteRequest]:
    """Heights that no single vote above takes."""
    return [vote((1 << 32) + at * BATCH + number) for number in range(BATCH)]


def receipt(at: int) -> bytes:
    """A receipt for one record."""
    return encode({"topic": "receipt", "network": NETWORK, "records": (at.to_bytes(32, "big"),)})


def ms(seconds: float) -> str:
    """Milliseconds, as a text."""
    return f"{seconds * 1000:.2f} ms"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sign_round_trip", description=__doc__)
    parser.add_argument("--votes", type=int, default=500)
    print(run(parser.parse_args().votes).text())


if __name__ == "__main__":
    main()

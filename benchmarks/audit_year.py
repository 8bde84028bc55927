"""How long does an auditor need for a year of attested windows?

    python -m benchmarks.audit_year [--windows 35040] [--operators 19] [--backend fast]

Makes a synthetic log with real signatures (that part is not counted), verifies all of it
on one core, and compares with the yardstick: nothing but as many key recoveries, and
nothing but as many group signatures, in the same process.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from coincurve import PrivateKey
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from benchmarks.table import Table, bar
from consensus.encoding import Principal, Some, Value, digest, encode
from consensus.model import ZERO_DIGEST, quorum
from oracle.audit.backend import BLS_SUITE, BackendName, select
from oracle.audit.history import BATCH, Anchor, verify_chain, weights_from
from oracle.audit.parts import SignedPart

T = TypeVar("T")

WINDOW_S = 900
FIRST_WINDOW = 1_800_000_000
WINDOWS = 35_040
"""A year of quarter hours."""
OPERATORS = 19
YARDSTICK_RECOVERIES = 20_000


class Committee:
    """Operators with keys of their own, and one group key."""

    def __init__(self, operators: int) -> None:
        self.keys = [
            PrivateKey(hashlib.sha256(f"operator {slot}".encode()).digest()) for slot in range(operators)
        ]
        self.quorum = quorum(operators)
        self.group_secret = Scalar(int.from_bytes(hashlib.sha256(b"group").digest(), "big") >> 4)
        self.group_key = bytes((G2Point() * self.group_secret).to_compressed_bytes())
        self.genesis = encode(
            {
                "chain-id": 0x80000000,
                "oracle": Principal(26, bytes(20), "production-oracle"),
                "window-s": WINDOW_S,
                "committee": tuple(key.public_key.format() for key in self.keys),
            }
        )
        self.network = hashlib.sha256(self.genesis).digest()

    def certificate(self, entry_digest: bytes, height: int) -> bytes:
        """A quorum of commit votes; another set of operators is absent at each height."""
        vote: dict[str, Value] = {
            "topic": "vote",
            "network": self.network,
            "epoch": 1,
            "height": height,
            "round": 0,
            "phase": 2,
            "digest": Some(entry_digest),
        }
        voted = digest(vote)
        signatures = [
            key.sign_recoverable(voted, hasher=None)
            if (slot + height) % len(self.keys) < self.quorum
            else b""
            for slot, key in enumerate(self.keys)
        ]
        return encode({"epoch": 1, "round": 0, "signatures": tuple(signatures)})

    def group_sign(self, message: bytes) -> bytes:
        """The signature that the operators' shares would combine to."""
        return bytes((G1Point.hash_to_curve(message, BLS_SUITE) * self.group_secret).to_compressed_bytes())


def log(committee: Committee, windows: int) -> Iterator[SignedPart]:
    """The activation, then the windows."""
    previous: bytes = ZERO_DIGEST
    for height in range(1, windows + 2):
        kind, body = ("activate", activation(committee)) if height == 1 else ("window", summary(height - 2))
        entry = encode(
            {"network": committee.network, "height": height, "previous": previous, "kind": kind, "body": body}
        )
        previous = hashlib.sha256(entry).digest()
        yield SignedPart(entry, committee.certificate(previous, height), committee.group_sign(previous))


def activation(committee: Committee) -> dict[str, Value]:
    return {
        "epoch": 1,
        "session": bytes(32),
        "group-key": committee.group_key,
        "commitments": bytes(32),
        "first-window": FIRST_WINDOW,
        "attachment": bytes(32),
    }


def summary(index: int) -> dict[str, Value]:
    return {
        "window": FIRST_WINDOW + index * WINDOW_S,
        "revision": 0,
        "registry": bytes(32),
        "root": hashlib.sha256(index.to_bytes(8, "big")).digest(),
        "zone-count": 40,
        "leaf-count": 10_000,
        "import-wh": 2_500_000 + index,
        "export-wh": 400_000 + index,
        "quality": 10,
        "counts": {
            "validated": 9_900,
            "derived": 60,
            "estimated": 30,
            "questionable": 10,
            "meter-signed": 9_000,
            "gateway-signed": 900,
            "witnessed": 100,
        },
    }


def shown(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass items on, with a bar on a terminal."""
    draw = bar(total, what)
    for done, item in enumerate(items, 1):
        yield item
        if done % BATCH == 0 or done == total:
            draw(done)


def recoveries_s(backend: BackendName, count: int) -> float:
    """The yardstick: seconds for `count` recoveries and nothing else, from a sample."""
    recover = select(backend).recover_secp256k1
    message = hashlib.sha256(b"yardstick").digest()
    signature = PrivateKey(message).sign_recoverable(message, hasher=None)
    sample = min(count, YARDSTICK_RECOVERIES if backend == "fast" else 100)
    start = time.process_time()
    for _ in range(sample):
        recover(message, signature)
    return (time.process_time() - start) / sample * count


def group_signatures_s(backend: BackendName, parts: list[SignedPart], key: bytes) -> float:
    """The yardstick: seconds for as many group signatures in batches, from one batch."""
    sample = parts[: BATCH if backend == "fast" else 8]
    messages = [hashlib.sha256(part.entry).digest() for part in sample]
    start = time.process_time()
    good = select(backend).verify_bls(
        messages, [part.bls for part in sample], key, weights_from(os.urandom(32), 0, len(sample))
    )
    spent = time.process_time() - start
    if not good:
        raise RuntimeError("the yardstick's own signatures are wrong")
    return spent / len(sample) * len(parts)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--windows", type=int, default=WINDOWS)
    arguments.add_argument("--operators", type=int, default=OPERATORS)
    arguments.add_argument("--backend", choices=("fast", "reference"), default="fast")
    options = arguments.parse_args()
    print(run(options.windows, options.operators, options.backend).text())


def run(windows: int, operators: int, backend: BackendName) -> Table:
    """Make a log, verify it, and say what that took."""
    committee = Committee(operators)
    total = windows + 1
    start = time.perf_counter()
    parts = list(shown(log(committee, windows), total, "signing"))
    made_s = time.perf_counter() - start

    wall, cpu = time.perf_counter(), time.process_time()
    verdict = verify_chain(parts, Anchor(committee.genesis), os.urandom(32), backend, bar(total, "verifying"))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if not verdict.passed:
        raise SystemExit(verdict.verdict.text())

    recover_s = recoveries_s(backend, verdict.certificate_signatures)
    group_s = group_signatures_s(backend, parts, committee.group_key)
    yardstick_s = recover_s + group_s
    size = sum(len(part.entry) + len(part.certificate) + len(part.bls) for part in parts)
    rows = (
        (
            "windows verified",
            f"{verdict.windows}",
            f"{operators} operators, quorum {committee.quorum}",
        ),
        ("history size", f"{size / 1e6:.1f} MB", "entries, certificates, group signatures"),
        ("verified in", f"{wall:.1f} s", f"{cpu:.1f} s of one core, {backend} backend"),
        ("per window", f"{1e6 * cpu / verdict.windows:.0f} us", f"{verdict.windows / wall:.0f} windows/s"),
        ("yardstick: recoveries", f"{recover_s:.1f} s", f"{verdict.certificate_signatures} and nothing else"),
        ("yardstick: BLS", f"{group_s:.1f} s", f"{verdict.group_signatures} in batches of {BATCH}"),
        ("CPU / yardsticks", f"{cpu / yardstick_s:.2f}x", "the rest: decoding, hashing, links, calendar"),
        (
            "peak memory",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
            "with all in memory",
        ),
        ("making it took", f"{made_s:.1f} s", "signing; not counted"),
    )
    return Table("Auditing a log of attested windows", ("", "figure", "of what"), rows)


if __name__ == "__main__":
    main()

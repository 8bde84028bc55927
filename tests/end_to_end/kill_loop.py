"""A running network under kill -9 at random moments, and what must be true of it afterwards.

    python -m tests.end_to_end.kill_loop --kills 200 --seed 7

Four nodes, each with its signer, a devnet and a broker, all real processes. Any node or any
signer is killed, mostly one at a time, sometimes two; what was killed comes back. Meanwhile
records are pushed by HTTP and their receipts collected. Then everything is counted: no
position voted twice in anything that any node stored, no receipted record lost, no window
missing (N1, R7, A7). The seed fixes victims and pauses; what they hit in the nodes' own time
differs from run to run, which is what the loop is for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp

from consensus.agreement.wire import parse_frame
from consensus.encoding import Value, decode, encode
from consensus.envelope import ProposalFrame, Verified, recover
from consensus.messages import Certificate, Fields, Phase, Vote
from consensus.model import Committee, Digest, EpochNumber, Height, Network, Rejected
from deploy.demo.plan import OPERATORS
from oracle.keys.register import Register
from oracle.model import RecordHash
from oracle.storage.database import Database
from oracle.storage.records import RecordLog
from tests.end_to_end.town import WINDOW_S, Row, Town, check_contiguous, opened

TWO_DOWN: Final = 0.15
"""How often a second one is killed while one is down."""
NODE_SHARE: Final = 0.5
PAUSE_S: Final = (0.05, 1.0)
AWAY_S: Final = (0.0, 0.5)
CALM_S: Final = 60.0
SAMPLE_S: Final = 0.25
PUSH_S: Final = 2.0
GRACE_S: Final = 0.5
"""A node closes a window 0.9 s after its end."""
RECEIPTS_NEEDED: Final = 2
"""f + 1: so many receipts before a window's close, and its leaf cannot pass the record over (A3, R7)."""

Place = tuple[bytes, int, int, int]
"""(key, height, round, phase): where a key signs once."""


@dataclass(slots=True)
class Pushed:
    """A record on its way: who has signed for it, and when it did."""

    device: int
    time_s: int
    sequence: int
    hash: bytes
    receipts: dict[int, float] = field(default_factory=dict)
    """Slot -> when the receipt was here, UTC seconds."""

    @property
    def window(self) -> int:
        """The window it belongs to; a register read at the very end closes it (Q2)."""
        return (self.time_s - 1) // WINDOW_S * WINDOW_S


@dataclass(slots=True)
class Found:
    """What was counted, and everything that is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For a terminal."""
        lines = [f"{name:<36} {number:>8,}" for name, number in self.counts.items()]
        return "\n".join(lines + [f"WRONG: {one}" for one in self.wrong])


class KillLoop:
    """One run over a town. `run`, then `settled` and `counted`."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.found = Found()
        self._random = random.Random(seed)
        self._down: set[int] = set()
        self._back: set[asyncio.Task[None]] = set()
        self._pushed: dict[bytes, Pushed] = {}
        self._seen: dict[Place, set[bytes]] = {}
        self._committee: Committee | None = None
        self._network = Network(bytes(32))

    async def run(self, kills: int, say: Any = None) -> None:
        """Kill so many processes while meters go on."""
        content = await self.town.get(0, "/v1/committee")
        keys = tuple(bytes.fromhex(member["node_key"]) for member in content["members"])
        self._committee = Committee(EpochNumber(1), keys)
        self._network = Network(bytes.fromhex(content["network"]))
        helpers = [asyncio.create_task(self._push_for_ever()), asyncio.create_task(self._sample_for_ever())]
        try:
            for number in range(1, kills + 1):
                await asyncio.sleep(self._random.uniform(*PAUSE_S))
                await self._kill_one()
                if say is not None:
                    say(number)
            await asyncio.gather(*self._back)
            await self._calm()
        finally:
            for helper in (*helpers, *self._back):
                helper.cancel()
            results = await asyncio.gather(*helpers, *self._back, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    # -- killing ----------------------------------------------------------------------

    async def _kill_one(self) -> None:
        most = 2 if self._random.random() < TWO_DOWN else 1
        while len(self._down) >= most:
            await asyncio.sleep(0.02)
            for task in [task for task in self._back if task.done()]:
                self._back.discard(task)
                task.result()
        slot = self._random.choice([at for at in range(OPERATORS) if at not in self._down])
        node, away_s = self._random.random() < NODE_SHARE, self._random.uniform(*AWAY_S)
        self._down.add(slot)
        self.found.counts["killed while another was down"] += len(self._down) > 1
        if node:
            self.found.counts["nodes killed"] += 1
            await self.town.kill_node(slot)
            self._back.add(asyncio.create_task(self._restart(slot, away_s)))
        else:
            self.found.counts["signers killed"] += 1
            pid = await self.town.signer_of(slot)
            os.kill(pid, signal.SIGKILL)
            self._back.add(asyncio.create_task(self._await_signer(slot, pid)))

    async def _restart(self, slot: int, away_s: float) -> None:
        await asyncio.sleep(away_s)
        await self.town.start_node(slot)
        self._down.discard(slot)

    async def _await_signer(self, slot: int, killed: int) -> None:
        """The node starts it again by itself."""
        await self.town.signer_of(slot, other_than=killed)
        self._down.discard(slot)

    async def _calm(self) -> None:
        """All are up, all go on, and each signs."""
        goal = max(await self._heights()) + 3

        async def all_on() -> bool:
            return min(await self._heights()) >= goal

        await self.town.until("every node goes on", all_on, CALM_S, range(OPERATORS))

    async def _heights(self) -> list[int]:
        return [await self.town.height(slot) for slot in range(OPERATORS)]

    # -- records ----------------------------------------------------------------------

    async def _push_for_ever(self) -> None:
        """A reading of each pushing household every second, to every node."""
        timeout = aiohttp.ClientTimeout(total=PUSH_S)
        headers = {"Authorization": f"Bearer {self.town.plan.push_token}"}
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            asyncio.TaskGroup() as tasks,
        ):
            while True:
                now_s = int(time.time()) + 1
                await asyncio.sleep(now_s - time.time())
                body = self._readings(now_s)
                for slot in range(OPERATORS):
                    tasks.create_task(self._push(session, slot, body))

    def _readings(self, now_s: int) -> bytes:
        """Within a window a meter says what it said at its start: the hour has not passed yet."""
        rows: list[Value] = []
        for virtual, shift in self.town.meters.households[1::2]:
            at_s = now_s - now_s % WINDOW_S
            import_wh = self.town.meters.hours(at_s, shift)
            export_wh = import_wh // 3 if virtual.device % 4 == 0 else 0
            sequence = now_s // WINDOW_S
            record = virtual.ocmf(pagination=sequence, time_s=now_s, import_wh=import_wh, export_wh=export_wh)
            self._pushed[record.hash] = Pushed(int(virtual.device), now_s, sequence, record.hash)
            rows.append({"format": record.format, "source": record.source, "data": record.data})
        return encode({"topic": "records", "records": rows})

    async def _push(self, session: aiohttp.ClientSession, slot: int, body: bytes) -> None:
        url = f"{self.town.plan.api(slot)}/v1/records"
        try:
            async with session.post(url, data=body) as answer:
                said = await answer.json() if answer.status == 202 else {}
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.found.counts["pushes cut short"] += 1
            return
        if "signature" not in said:
            self.found.counts["pushes without a receipt"] += 1
            return
        payload = bytes.fromhex(said["payload"])
        key = recover(payload, bytes.fromhex(said["signature"]))
        if self._committee is None or key != self._committee.node_keys[slot]:
            self.found.wrong.append(f"operator {slot + 1} gave a receipt that is not signed by its key")
            return
        fields = decode(payload)
        hashes = fields["records"] if isinstance(fields, dict) else ()
        for one in hashes if isinstance(hashes, tuple) else ():
            if isinstance(one, bytes) and one in self._pushed:
                self._pushed[one].receipts[slot] = time.time()
                self.found.counts["receipts"] += 1

    # -- votes ------------------------------------------------------------------------

    async def _sample_for_ever(self) -> None:
        """Look into every node's journal while it runs: a decided height takes its votes away."""
        while True:
            await asyncio.sleep(SAMPLE_S)
            for slot in range(OPERATORS):
                self._take_frames(await asyncio.to_thread(_journal, self._data(slot) / "node.db"))

    def _take_frames(self, frames: Iterable[bytes]) -> None:
        committee = self._committee
        if committee is None:
            return
        for frame in frames:
            match parse_frame(frame, self._network, {committee.epoch: committee}):
                case Verified() as vote:
                    message = vote.message
                    where = (message.height, message.round, int(message.phase))
                    self._take(committee.node_keys[vote.sender], where, vote.payload)
                case ProposalFrame(proposal=signed):
                    proposed = signed.message
                    where = (proposed.height, proposed.round, 0)
                    self._take(committee.node_keys[signed.sender], where, signed.payload)

    def _take(self, key: bytes, where: tuple[int, int, int], payload: bytes) -> None:
        self._seen.setdefault((key, *where), set()).add(sha256(payload).digest())

    def _data(self, slot: int) -> Path:
        return self.town.plan.operator(slot) / "data"

    # -- counting ---------------------------------------------------------------------

    async def settled(self) -> None:
        """What the running nodes say: windows without a gap, one log, and leaves that pass nothing over."""
        logs = [await self.town.settled(slot) for slot in range(OPERATORS)]
        check_contiguous(logs[0], WINDOW_S)
        self.found.counts["windows without a gap"] = len(logs[0])
        common = min(len(log) for log in logs)
        for slot, log in enumerate(logs[1:], 2):
            if [row["digest"] for row in log[:common]] != [row["digest"] for row in logs[0][:common]]:
                self.found.wrong.append(f"operator {slot} has another log than operator 1")
        windows = {row["window"]: row for row in logs[0]}
        for window, pushed in itertools.groupby(
            sorted(self._pushed.values(), key=lambda one: one.window), key=lambda one: one.window
        ):
            if window in windows:
                await self._check_leaves(windows[window], list(pushed))

    async def _check_leaves(self, row: Row, pushed: list[Pushed]) -> None:
        end_s = row["window"] + WINDOW_S
        due = [
            one
            for one in pushed
            if sum(at_s <= end_s + GRACE_S for at_s in one.receipts.values()) >= RECEIPTS_NEEDED
        ]
        leaves = await self.town.leaves(row["window"]) if due and row["kind"] == "window" else {}
        for one in due:
            leaf = leaves.get(one.device)
            if leaf is None:
                self.found.wrong.append(f"window {row['window']} ({row['kind']}) has no leaf of {one}")
                continue
            hash_ = bytes.fromhex(leaf["record"])
            # One that is not ours is the town's own reading of the very end.
            theirs = Pushed(one.device, end_s, end_s // WINDOW_S, hash_)
            mine, outranked = hash_ == one.hash, _rank(self._pushed.get(hash_, theirs)) < _rank(one)
            self.found.counts["receipted records that are leaves"] += mine
            self.found.counts["receipted records outranked"] += outranked
            if not mine and not outranked:
                self.found.wrong.append(f"the leaf in {row['window']} is outranked by {one}")

    def counted(self) -> Found:
        """What the stopped nodes have on disk: votes, evidence, registers, records."""
        committee = self._committee
        if committee is None:
            raise AssertionError("run comes first")
        signed: dict[Place, bytes] = {}
        for slot in range(OPERATORS):
            data = self._data(slot)
            self._count_history(data, committee)
            register = Register(data / "register.db")
            signed |= {
                (at.key, at.height, at.round, at.phase): digest for at, digest in register.rows(self._network)
            }
            if register.twins(self._network):
                self.found.wrong.append(f"operator {slot + 1} takes itself for a twin")
            register.close()
            self._count_records(slot, data)
        self.found.counts["positions signed, by the registers"] = len(signed)
        self.found.counts["positions seen in journals and history"] = len(self._seen)
        for place, digests in sorted(self._seen.items()):
            if len(digests) > 1:
                self.found.wrong.append(f"signed twice: height, round, phase {place[1:]}")
            if signed.get(place) not in digests:
                self.found.wrong.append(f"sent without the register: height, round, phase {place[1:]}")
        return self.found

    def _count_history(self, data: Path, committee: Committee) -> None:
        self._take_frames(_journal(data / "node.db"))
        database = Database(data / "node.db")
        evidence = database.history.all_evidence()
        self.found.wrong += [f"{data.parent.name} has evidence at height {one.height}" for one in evidence]
        past = 0
        while entries := database.history.entries(cursor=past, limit=200, newest_first=False).entries:
            for entry in entries:
                past = entry.height
                certificate = Certificate.parse(entry.certificate)
                assert not isinstance(certificate, Rejected), f"height {past}: {certificate}"
                vote = Vote(
                    certificate.epoch, Height(past), certificate.round, Phase.COMMIT, Digest(entry.digest)
                )
                for slot in certificate.signers:
                    where = (past, certificate.round, 2)
                    self._take(committee.node_keys[slot], where, encode(vote.value(self._network)))
        database.close()

    def _count_records(self, slot: int, data: Path) -> None:
        receipted = [RecordHash(one.hash) for one in self._pushed.values() if slot in one.receipts]
        records = RecordLog(data / "records", reserve_bytes=1)
        lost = set(receipted) - records.holds(receipted)
        records.close()
        self.found.counts["receipted records that are stored"] += len(receipted) - len(lost)
        self.found.wrong += [f"operator {slot + 1} lost {one.hex()[:12]}" for one in sorted(lost)]


def _rank(one: Pushed) -> tuple[int, int, bytes]:
    """R2: the latest, then the highest sequence, then the lowest hash."""
    return -one.time_s, -one.sequence, one.hash


def _journal(path: Path) -> list[bytes]:
    """The frames with votes and proposals in a node's journal, its own votes among them."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.2)) as database:
            rows = database.execute(
                "SELECT kind, data FROM journal WHERE kind IN ('frame', 'signed')"
            ).fetchall()
    except sqlite3.Error:
        return []  # just being made, or mended after a kill: the next look sees it
    frames = [bytes(data) for kind, data in rows if kind == "frame"]
    own = [Fields(decode(bytes(data))) for kind, data in rows if kind == "signed"]
    frames += [
        encode(
            {"topic": "vote", "payload": one.buff("payload", 1, 1024), "signature": one.buff("signature", 65)}
        )
        for one in own
        if one.text("topic", 16) == "vote"
    ]
    return frames


async def over(folder: Path, kills: int, seed: int, say: Any = None) -> Found:
    """A whole run in a folder: set up, kill, calm, stop, count."""
    async with opened(folder) as town:
        loop = KillLoop(town, seed)
        await loop.run(kills, say)
        await loop.settled()
    return loop.counted()


def main() -> int:
    """The long run; 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end.kill_loop", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    began_s = time.monotonic()
    print(f"kill loop: {given.kills} kills, seed {given.seed}", flush=True)

    def say(number: int) -> None:
        if number % 10 == 0 or number in (1, given.kills):
            print(f"  {number}/{given.kills} kills, {time.monotonic() - began_s:.0f} s", flush=True)

    with tempfile.TemporaryDirectory(prefix="kill-loop-") as folder:
        found = asyncio.run(over(Path(folder), given.kills, given.seed, say))
    print(found.text())
    print(f"{'WRONG' if found.wrong else 'nothing is wrong'} after {time.monotonic() - began_s:.0f} s")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

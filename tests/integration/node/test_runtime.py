"""Four runtimes over real disks and links: windows, a restart of everybody, a flood."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from consensus.agreement.wire import Status, status_frame
from consensus.encoding import encode
from consensus.envelope import check_certificate
from consensus.messages import Certificate, Entry, Phase
from consensus.model import Digest, Height, Round
from consensus.step import Signing, Step
from consensus.threshold.bls import verify
from oracle import frames
from oracle import runtime as runtimes
from oracle.storage.database import Database
from oracle.storage.history import StoredEntry
from tests.integration.node.committee import METERS, WINDOW_S, Operator, Plan, started, until


def check_log(operator: Operator) -> None:
    previous = bytes(32)
    committee, network = operator.plan.genesis.committee, operator.plan.genesis.network
    for number, stored in enumerate(operator.entries(), start=1):
        entry, certificate = Entry.parse(stored.entry), Certificate.parse(stored.certificate)
        assert isinstance(entry, Entry)
        assert isinstance(certificate, Certificate)
        assert (entry.height, entry.previous) == (number, previous)
        bad = check_certificate(certificate, Phase.COMMIT, entry.height, entry.digest, network, committee)
        assert bad is None
        previous = entry.digest


def same_log(operators: list[Operator]) -> None:
    logs = [[one.digest for one in operator.entries()] for operator in operators]
    shortest = min(map(len, logs))
    assert shortest > 0
    assert len({tuple(log[:shortest]) for log in logs}) == 1


def group_key(operator: Operator) -> bytes:
    entry = Entry.parse(operator.entries("activate")[0].entry)
    assert isinstance(entry, Entry)
    key = entry.body["group-key"]
    assert isinstance(key, bytes)
    return key


async def test_windows_are_attested_and_after_a_restart_of_everybody_it_goes_on(tmp_path: Path) -> None:
    plan = Plan(tmp_path)
    async with started(plan) as operators:
        await until(
            lambda: all(len(one.windows(METERS)) >= 2 for one in operators), "two windows with all meters"
        )
        await until(
            lambda: all(one.entries("window")[0].signature is not None for one in operators), "a signature"
        )
        same_log(operators)
        for operator in operators:
            check_log(operator)
            assert operator.failure is None
            assert not operator.runtime.counters.rejected_frames
            assert not operator.runtime.counters.refused_signatures
        first = operators[0].entries("window")[0]
        assert first.signature is not None
        assert verify(group_key(operators[0]), first.digest, first.signature)
        assert any(one.function == "submit-window" for one in operators[0].transmissions)
        key, head = group_key(operators[0]), len(operators[0].entries())
        attested = operators[0].node.settlement.attested.digest
        settled = operators[0].node.settlement.next_window

    async with AsyncExitStack() as stack:  # what the disk gives back, before anything happens
        again = Operator(plan, 0, stack, Database)
        assert again.node.settlement.next_window >= settled
        if again.node.settlement.next_window == settled:
            assert again.node.settlement.attested.digest == attested
        assert again.node.keygen.complete

    async with started(plan) as operators:
        await until(
            lambda: all(len(one.entries("window")) and len(one.entries()) >= head + 3 for one in operators),
            "it goes on",
        )
        full = len(operators[0].windows(METERS))
        await until(lambda: len(operators[0].windows(METERS)) > full, "with all meters again")
        same_log(operators)
        check_log(operators[3])
        assert {group_key(one) for one in operators} == {key}
        windows = [int(str(entry.body["window"])) for entry in operators[1].windows()]
        assert windows == sorted(set(windows))
        assert all(window % WINDOW_S == 0 for window in windows)
        assert all(one.failure is None for one in operators)
        assert not any(one.runtime.counters.refused_signatures for one in operators)


async def test_a_flood_of_frames_is_bounded_and_counted_and_the_node_lives(tmp_path: Path) -> None:
    # Frames were read into a queue without bound while the node was busy.
    async with AsyncExitStack() as stack:
        operator = Operator(Plan(tmp_path), 0, stack, Database)
        runtime = operator.runtime
        gate = asyncio.Event()
        persist = runtime._carry_out

        async def held_up(steps: Sequence[Step], at_ms: int) -> None:
            await gate.wait()
            await persist(steps, at_ms)

        runtime._carry_out = held_up  # type: ignore[method-assign]
        running = asyncio.create_task(runtime.run())
        good = status_frame(Status(Height(1), Round(0), 0, 0))
        bad = encode({"topic": "nonsense"})
        total = runtimes.FRAMES_WAITING_MAX + runtimes.EVENTS_WAITING_MAX
        for number in range(2 * total):
            runtime.on_frame(1 + number % 3, good)
            if number % 2000 == 0:
                await asyncio.sleep(0)
        await until(
            lambda: runtime._events.qsize() >= runtimes.EVENTS_WAITING_MAX, "the queue for the node is full"
        )
        gc.collect()
        tracemalloc.start()
        for _ in range(total):
            runtime.on_frame(1, good)
            runtime.on_frame(2, bad)
        await asyncio.sleep(0.3)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        most = runtimes.EVENTS_WAITING_MAX + runtimes.FRAMES_AT_ONCE
        assert runtime._events.qsize() <= most
        assert runtime._frames.qsize() <= runtimes.FRAMES_WAITING_MAX
        assert runtime.counters.frames_dropped >= total
        assert grown < 4_000_000
        gate.set()
        await until(lambda: runtime._frames.empty() and runtime._events.empty(), "all that waited is read")
        dropped = runtime.counters.frames_dropped
        runtime.on_frame(3, bad)
        await until(lambda: runtime.counters.rejected_frames["wrong-shape"] >= 1, "it reads frames again")
        assert runtime.counters.frames_dropped == dropped
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_shares_of_several_entries_asked_for_at_once_are_made_of_one_stored_share(
    tmp_path: Path,
) -> None:
    # Two entries decided before the share was stored both stored it, and the second failed.
    plan = Plan(tmp_path)
    async with started(plan) as operators:
        runtime = operators[0].runtime
        make, wanted = runtime._make_share, list[Signing]()

        async def collect(signing: Signing) -> None:
            wanted.append(signing)

        runtime._make_share = collect  # type: ignore[method-assign]
        await until(lambda: len(wanted) >= 2, "two entries are decided")
        assert not list(plan.home(0).glob("share-*.json"))
        assert list(plan.home(0).glob("seed-*.json"))
        await asyncio.gather(*(make(signing) for signing in wanted))
        assert len(list(plan.home(0).glob("share-*.json"))) == 1
        assert not list(plan.home(0).glob("seed-*.json")), "K4"
        await until(lambda: operators[0].entries()[-1].height > wanted[0].height, "it goes on")
        assert operators[0].failure is None


async def test_a_peer_s_wrong_group_signatures_cost_one_pairing_a_height(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairings: list[int] = []

    def counted(key: bytes, digest: Digest, signature: bytes) -> bool:
        pairings.append(1)
        return verify(key, digest, signature)

    async with started(Plan(tmp_path)) as operators:
        await until(lambda: bool(operators[0].windows()), "a window")
        runtime, database = operators[0].runtime, operators[0].database
        digest, far = sha256(b"unsigned").digest(), Height(100_000)
        await database.write((), (StoredEntry(far, digest, "void", b"entry", b"certificate"),))
        signed = operators[0].entries("activate")[0].signature or bytes(48)
        peers = operators[0].node.engine.committee.node_keys
        monkeypatch.setattr(runtimes, "verify", counted)
        for _ in range(5):
            await runtime._take_signature(peers[1], frames.Part(far, "bls", signed))
        assert len(pairings) == 1
        await runtime._take_signature(peers[1], frames.Part(far, "bls", bytes(47)))
        assert len(pairings) == 1
        await runtime._take_signature(peers[2], frames.Part(far, "bls", signed))
        assert len(pairings) == 2  # of another peer it may be the right one
        assert runtime.counters.rejected_frames["bad-group-signature"] == 7

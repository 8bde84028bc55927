"""The network under what happens to networks: crashes, dead brokers, absent and forked chains.

One network of real processes for all tests here, in order; each leaves it whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from deploy.broker import mosquitto
from deploy.demo.ground import keba_records
from deploy.demo.plan import KEBA, OPERATORS
from oracle.cli import main as cli
from oracle.keys.keystore import KeyKind, load, read_password
from tests.end_to_end.town import WINDOW_S, Row, Town, check_contiguous, wattest

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKERS = ("amqtt", "mosquitto") if mosquitto.found() else ("amqtt",)


# --- attested windows, verified


async def test_windows_come_on_chain_and_the_newest_verifies_against_the_chain(town: Town) -> None:
    await town.until_windows_after(0, 2, 30)
    verified = await wattest("verify", "latest", "--api", town.plan.api(0), "--chain", town.plan.devnet)
    assert verified.code == 0, verified.out + verified.err
    assert "Verified" in verified.out


async def test_a_keba_record_is_verified_down_to_the_meter_s_own_signature(
    town: Town, tmp_path: Path
) -> None:
    row, file = await keba_window(town, tmp_path)
    committee = await town.get(0, "/v1/committee")
    trusted = ["--network", committee["network"], "--group-key", committee["group_key"]]
    asked = ["--api", town.plan.api(1), "--chain", town.plan.devnet, "--json"]
    verdict = verdict_of((await wattest("verify", str(row["height"]), *asked, *trusted)).out)
    assert verdict["passed"], verdict
    # All that nobody can check is which field of a plug's JSON the operators take for its register.
    assert [gap.split(":")[0] for gap in verdict["unchecked"]] == ["records"], verdict["unchecked"]
    assert {"meter-signatures", "chain", "bls"} <= {step["name"] for step in verdict["steps"]}

    content = json.loads(file.read_bytes().split(b"\n", 1)[1])
    items = [item for batch in content["batches"] for item in batch["items"]]
    sent = {hashlib.sha256(one["record"].encode()).hexdigest() for one in keba_records()}
    assert [item["sha256"] in sent for item in items if item["usage-point"] == KEBA] == [True]


async def test_an_exported_file_verifies_alone_and_by_the_reference_backend(
    town: Town, tmp_path: Path
) -> None:
    _, file = await keba_window(town, tmp_path)
    for backend in ("fast", "reference"):
        verified = await wattest("verify", file, "--backend", backend)
        assert verified.code == 0, verified.out + verified.err
        assert f"({backend} arithmetic)" in verified.out


async def test_a_flipped_byte_anywhere_in_the_file_is_found_and_its_step_named(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file = await keba_window(town, tmp_path)
    data, bad = file.read_bytes(), tmp_path / "bad.bundle"
    for part in range(12):
        at = part * (len(data) - 1) // 11
        bad.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert cli(["verify", str(bad)]) == 1, f"byte {at} of {len(data)}"
        assert "FAILED at `file`" in capsys.readouterr().out


async def test_a_file_that_was_changed_and_sealed_again_is_found_and_its_step_named(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file = await keba_window(town, tmp_path)
    body, bad = file.read_bytes().split(b"\n", 1)[1], tmp_path / "forged.bundle"
    named = set()
    for part in range(1, 16):
        at = _digit_from(body, part * len(body) // 16)
        digit = b"1" if body[at : at + 1] != b"1" else b"2"
        forged = body[:at] + digit + body[at + 1 :]
        bad.write_bytes(
            b"wattest-bundle/1 sha256:%s\n" % hashlib.sha256(forged).hexdigest().encode() + forged
        )
        assert cli(["verify", str(bad)]) == 1, f"byte {at} of {len(body)}: {body[at - 60 : at + 20]!r}"
        out = capsys.readouterr().out
        named.add(out.split("FAILED at `")[1].split("`")[0])
    assert len(named) > 1, f"different changes are found at different steps: {named}"


async def test_a_second_process_on_a_node_s_data_is_refused_and_the_first_goes_on(town: Town) -> None:
    before = await town.height(0)
    refused = await wattest("run", "--config", town.configurations[0])
    assert refused.code == 1, refused.err
    assert "another process" in refused.err
    assert "Traceback" not in refused.err
    await town.until_height(before + 2, 30)


# --- crashes


async def test_killing_one_of_four_stops_nothing_and_it_catches_up_on_return(town: Town) -> None:
    lost, killed_at = 3, await town.height(0)
    await town.kill_node(lost)
    missed = (await town.until_windows_after(time.time(), 2, 45))[-1]
    assert lost in missed["certificate"]["absent"]
    assert "peers" in await town.problems(0)

    await town.start_node(lost)
    await town.until_height(await town.height(0), 30, lost)

    async def same_log() -> bool:
        mine, theirs = await town.entries(lost, killed_at), await town.entries(0, killed_at)
        common = min(len(mine), len(theirs))
        signed = [row["height"] for row in mine if row["signature"]]
        return missed["height"] in signed and log_of(mine[:common]) == log_of(theirs[:common])

    await town.until("the returned node's log is the others', signatures included", same_log, 30, [0, lost])

    async def verifies() -> bool:
        asked = ("--api", town.plan.api(lost), "--chain", town.plan.devnet)
        return (await wattest("verify", str(missed["height"]), *asked)).code == 0

    await town.until("its own file of a window it missed verifies", verifies, 30, [0, lost])

    async def takes_part() -> bool:
        return lost in [signer["slot"] for signer in (await town.newest())["certificate"]["signers"]]

    await town.until("the returned node signs again", takes_part, 40, [0, lost])


async def test_killing_two_of_four_stops_attestation_and_loses_nothing(town: Town) -> None:
    before = (await town.settled())[-1]
    for slot in (1, 2):
        await town.kill_node(slot)
    stopped_at = await town.height(0)
    await asyncio.sleep(3 * WINDOW_S)
    # One height may have been decided already when the second process died.
    assert await town.height(0) <= stopped_at + 1, "two of four decide nothing"
    assert "quorum" in await town.problems(0)

    for slot in (1, 2):
        await town.start_node(slot)
    last = (await town.until_windows_after(time.time(), 1, 60))[0]
    rows = [row for row in await town.settled(0, before["height"] - 1) if row["height"] <= last["height"]]
    check_contiguous(rows, WINDOW_S)
    for row in rows:
        assert await town.on_chain(row), f"window {row['window']} is not on chain"
    await check_energy(town, rows)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's process table")
async def test_n1_the_node_key_is_in_the_signer_s_process_alone_and_a_dead_signer_comes_back(
    town: Town,
) -> None:
    slot, folder = 1, town.plan.operator(1)
    password = read_password(folder / "keys" / "password")
    secrets = [
        load(folder / "keys" / f"{name}.json", password, kind, allow_light=True).secret
        for name, kind in (("node", KeyKind.NODE), ("account", KeyKind.CHAIN))
    ]
    node, signer = town.nodes[slot].process.pid, await town.signer_of(slot)
    try:
        held = memory_holds(node, secrets)
    except PermissionError:  # a system that lets nobody look into another's memory
        held = [False, True]
    assert held == [False, True], "the node has the account's key, and not the node key"

    os.kill(signer, signal.SIGKILL)
    before = await town.height(slot)
    assert await town.signer_of(slot, other_than=signer) != signer
    await town.until_height(before + 2, 40, slot)

    async def signs() -> bool:
        return slot in [signer["slot"] for signer in (await town.newest())["certificate"]["signers"]]

    await town.until("the operator signs again", signs, 40, [0, slot])
    assert "signer" not in await town.problems(slot)


# --- the world outside


@pytest.mark.parametrize("next_broker", BROKERS)
async def test_a_dead_broker_is_seen_and_pushed_meters_are_attested_without_it(
    town: Town, next_broker: str
) -> None:
    await town.stop_broker()
    dead_s = time.time()

    async def all_say() -> bool:
        return all(["broker" in await town.problems(slot) for slot in range(OPERATORS)])

    await town.until("every node's health names the broker", all_say, 20, range(OPERATORS))
    window = (await town.until_windows_after(dead_s, 1, 30))[0]["window"]
    leaves = await town.leaves(window)
    assert leaves.keys() == set(town.by_http), "those that push, and nobody else"

    await town.start_broker(next_broker)

    async def all_attested() -> Row | None:
        newest = await town.newest()
        leaves = await town.leaves(newest["window"])
        return newest if leaves.keys() >= set(town.households) else None

    newest = await town.until(f"MQTT meters are attested again, by {next_broker}", all_attested, 40)
    assert newest["window"] > window
    for slot in range(OPERATORS):
        assert "broker" not in await town.problems(slot)


async def test_attestation_goes_on_without_the_chain_and_all_windows_follow(town: Town) -> None:
    before = await town.height(0)
    await town.devnet_post("fault", mode="reject")
    try:

        async def said() -> bool:
            return "chain" in await town.problems(0)

        await town.until("the node's health names the chain", said, 40)
        await town.until_height(await town.height(0) + 1, 30)
        await town.devnet_post("fault", mode="hang")
        await town.until_height(await town.height(0) + 2, 30)
        assert await said()
    finally:
        await town.devnet_post("fault", mode="none")
    waited = await town.settled(0, before)
    assert len(waited) >= 2

    async def these() -> list[Row]:
        return waited

    await town.until_on_chain(these, len(waited), 60, "every window of the outage is on chain")
    check_contiguous(waited, WINDOW_S)

    async def noted() -> bool:
        rows = await town.settled(0, before)
        return all(row["chain"]["block_height"] for row in rows[: len(waited)])

    await town.until("the node has kept every receipt", noted, 30)
    assert "chain" not in await town.problems(0)


@pytest.mark.parametrize("drop", [False, True], ids=["waiting-again", "dropped"])
async def test_a_reorganisation_takes_windows_off_the_chain_and_they_come_back(
    town: Town, drop: bool
) -> None:
    old = (await town.settled())[-1]

    async def fresh() -> Row | None:
        rows = await town.settled(0, old["height"])
        return rows[0] if rows and await town.on_chain(rows[0]) else None

    taken = await town.until("the next window has just come on chain", fresh, 30, poll_s=0.05)
    before = await town.devnet_get("health")
    answer = await town.devnet_post("reorg", depth=3, drop=drop)
    assert answer["fork"] == before["fork"] + 1
    assert answer["dropped" if drop else "returned"], "the window's transaction was in those blocks"

    async def everything() -> list[Row]:
        return [row for row in await town.settled(0, old["height"]) if row["signature"]]

    count = len(await everything())
    await town.until_on_chain(everything, count, 90, "every window is on chain again")

    async def receipt_is_true() -> bool:
        row = await town.get(0, f"/v1/attestations/{taken['height']}")
        txid, block = row["chain"]["txid"], row["chain"]["block_height"]
        return txid is not None and block == await block_of(town, txid)

    await town.until("the node's receipt says where the transaction is now", receipt_is_true, 30)
    verified = await wattest(
        "verify", str(taken["height"]), "--api", town.plan.api(0), "--chain", town.plan.devnet
    )
    assert verified.code == 0, verified.out + verified.err


# --- the whole run


async def test_the_whole_log_has_no_gap_and_every_household_s_energy_adds_up(town: Town) -> None:
    rows = await town.settled()
    check_contiguous(rows, WINDOW_S)
    await check_energy(town, rows)


# --- what the tests ask


async def keba_window(town: Town, folder: Path) -> tuple[Row, Path]:
    """A window on chain with a leaf of the KEBA meter, and its exported file."""

    async def found() -> Row | None:
        proof = await town.get(0, f"/v1/proofs/{KEBA}")
        return None if proof is None else proof["attestation"]

    row = await town.until("the KEBA meter has a leaf", found, 60)

    async def ready() -> bool:
        content = await town.get(1, f"/v1/attestations/{row['height']}")
        return content["chain"]["txid"] is not None

    await town.until("its window is on chain", ready, 30)
    file = folder / "window.bundle"
    exported = await wattest("export", str(row["height"]), "--api", town.plan.api(1), "--out", file)
    assert exported.code == 0, exported.err
    return row, file


async def check_energy(town: Town, rows: list[Row]) -> None:
    """Registers are the meters' own, and energies are their differences: nothing lost, nothing twice.

    By the newest revision of each window that `rows` settle: a late leaf takes its energy from the next (A8).
    """
    settled = [row["window"] for row in rows if not row["revision"]]

    async def between_runs() -> list[dict[int, Row]] | None:
        """Leaves while nothing is owed: in the midst of a run a late leaf's energy stands twice."""
        log = await town.settled()
        head = max(row["window"] for row in log)
        if log[-1]["window"] != head:
            return None
        newest = {row["window"]: row["kind"] for row in log if settled[0] <= row["window"] <= settled[-1]}
        held = [await town.leaves(window) for window in sorted(newest) if newest[window] == "window"]
        came = await town.settled(0, log[-1]["height"])
        return None if any(row["window"] <= head for row in came) else held

    held = await town.until("the leaves of all windows, between two runs of restatements", between_runs, 60)
    for device in town.households:
        leaves = [window[device] for window in held if device in window]
        assert len(leaves) > 1
        for leaf in leaves:
            said_wh = town.register_wh(device, leaf["window"] + WINDOW_S)
            assert leaf["import_register"] == said_wh, f"meter {device}, window {leaf['window']}"
        for earlier, later in itertools.pairwise(leaves):
            assert later["since"] == earlier["window"], f"meter {device}, window {later['window']}"
        gained_wh = leaves[-1]["import_register"] - leaves[0]["import_register"]
        assert sum(leaf["import_wh"] for leaf in leaves[1:]) == gained_wh > 0, f"meter {device}"


async def block_of(town: Town, txid: str) -> int | None:
    """Where the devnet has a transaction, None while it is in no block."""
    name = txid if txid.startswith("0x") else f"0x{txid}"
    async with town.session.get(f"{town.plan.devnet}/extended/v1/tx/{name}") as answer:
        if answer.status == 404:
            return None
        content = await answer.json()
    return content["block_height"] if content["tx_status"] == "success" else None


def memory_holds(process: int, wanted: list[bytes]) -> list[bool]:
    """Which of these bytes stand anywhere in a process's writable memory."""
    found = [False] * len(wanted)
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            begin, end = (int(number, 16) for number in place.split("-"))
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:
                continue
            found = [was or one in data for was, one in zip(found, wanted, strict=True)]
    return found


def log_of(rows: list[Row]) -> list[tuple[object, ...]]:
    """What all nodes must agree on; certificates may hold other members' votes."""
    return [(row["height"], row["digest"], row["bytes"]["entry"], row["signature"]) for row in rows]


def verdict_of(out: str) -> Row:
    verdict: Row = json.loads(out)
    return verdict


def _digit_from(body: bytes, at: int) -> int:
    """The next digit in a text of digits, so that the change leaves canonical JSON."""
    while not (body[at : at + 1].isdigit() and body[at - 1 : at].isalnum()):
        at += 1
    return at

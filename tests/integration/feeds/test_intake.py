"""The intake: durable, then handed on, then acknowledged; bounded; honest about a full disk."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from consensus.model import Rejected
from oracle.feeds.formats import RecordReason
from oracle.feeds.intake import Accepted, Duplicate, FeedReason, IntakeLimits
from oracle.feeds.roster import roster_of
from oracle.feeds.virtual_meter import register_item
from oracle.model import Assurance, Reading, Record, UsagePoint
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.records import RecordLog
from tests.integration.feeds import street
from tests.integration.feeds.street import GATEWAY, NOW_S, STRANGER, batch, house, make_room, signed, unsigned


async def test_a_good_record_is_durable_before_its_readings_are_handed_on(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        durable: list[bool] = []

        def look(readings: tuple[Reading, ...], exchanged: bool) -> None:
            durable.extend(here.log.get(reading.record) is not None for reading in readings)

        here.intake._on_readings = look
        verdicts = await here.intake.take([signed(1), unsigned(), batch(1)], exchanged=False)
        assert verdicts == (Accepted(1), Accepted(1), Accepted(1))
        assert durable == [True, True, True]
        assert here.intake.counters.accepted == {"ocmf": 1, "json": 1, "batch": 1}
        assert here.intake.counters.latest_s[7] == NOW_S - 9_999


async def test_verdicts_stand_in_the_order_of_the_records(tmp_path: Path) -> None:
    async with house(tmp_path, limits=IntakeLimits(slice_records=3)) as here:
        records = [signed(n, STRANGER if n % 3 == 0 else street.METER) for n in range(40)]
        verdicts = await here.intake.take(records, exchanged=False)
        bad = Rejected(RecordReason.BAD_SIGNATURE)
        assert list(verdicts) == [bad if n % 3 == 0 else Accepted(1) for n in range(40)]
        assert here.intake.counters.rejected == {("ocmf", "bad-signature"): 14}
        assert here.intake.counters.as_dict() == {
            "readings": 26,
            "replayed": 0,
            "accepted/ocmf": 26,
            "rejected/ocmf/bad-signature": 14,
        }
        assert here.log.get(records[0].hash) is None
        assert len(here.handed.readings) == 26


async def test_a_record_is_accepted_once_and_a_duplicate_ever_after(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        assert await here.intake.take([signed(1), signed(1)], exchanged=False) == (Accepted(1), Duplicate())
        here.intake.roster = roster_of([])  # whatever is known of the device now
        assert await here.intake.take([signed(1)], exchanged=False) == (Duplicate(),)
        assert len(here.handed.calls) == 1


async def test_two_meters_that_say_the_same_bytes_are_both_heard(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        twins = [unsigned(device=street.UNSIGNED), unsigned(device=street.UNSIGNED_TWIN)]
        assert twins[0].hash == twins[1].hash
        assert await here.intake.take(twins, exchanged=False) == (Accepted(1), Accepted(1))
        assert sorted(reading.usage_point for reading in here.handed.readings) == [20, 21]


async def test_a_peers_unsigned_record_is_neither_kept_nor_handed_on(tmp_path: Path) -> None:
    async with house(tmp_path) as here:  # R4
        verdicts = await here.intake.take([unsigned(), signed(1)], exchanged=True)
        assert verdicts == (Rejected(FeedReason.WITNESSED_BY_PEER), Accepted(1))
        assert here.log.get(unsigned().hash) is None
        ((readings, exchanged),) = here.handed.calls
        assert exchanged
        assert [reading.assurance for reading in readings] == [Assurance.METER_SIGNED]
        own = await here.intake.take([unsigned()], exchanged=False)
        assert own == (Accepted(1),)


async def test_a_peers_record_is_not_judged_by_this_nodes_clock(tmp_path: Path) -> None:
    early = street.METER.ocmf(pagination=1, time_s=int(time.time()) + 500, import_wh=1)
    async with house(tmp_path) as here:
        (refused,) = await here.intake.take([early], exchanged=False)
        assert isinstance(refused, Rejected)
        assert refused.reason is RecordReason.FUTURE
        assert await here.intake.take([early], exchanged=True) == (Accepted(1),)


async def test_a_peer_can_bring_again_what_the_registry_did_not_know_at_first(tmp_path: Path) -> None:
    devices = dict(street.DEVICES)
    newcomer = devices.pop(30)
    items = tuple(
        register_item(UsagePoint(point), time_s=NOW_S - 60, import_wh=1, export_wh=0) for point in (30, 31)
    )
    devices[31] = replace(newcomer, device=31, meter_id=bytes(32))
    both = GATEWAY.batch(sequence=1, items=items)
    async with house(tmp_path, registry=devices.get) as here:
        assert await here.intake.take([both], exchanged=False) == (Accepted(1),)
        assert here.intake.counters.items_refused == {("batch", "device-not-verified"): 1}
        devices[30] = newcomer
        assert await here.intake.take([both], exchanged=True) == (Duplicate(),)
        assert {reading.usage_point for reading in here.handed.readings} == {30, 31}


async def test_a_record_that_no_peer_could_be_sent_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        (verdict,) = await here.intake.take([Record("batch", 900, bytes((1 << 18) + 1))], exchanged=False)
        assert isinstance(verdict, Rejected)
        assert verdict.reason is RecordReason.TOO_LONG


async def test_an_unknown_format_cannot_fill_the_counters_with_names(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.intake.take([Record(f"x{n}", 7, b"x") for n in range(9)], exchanged=True)
        assert here.intake.counters.rejected == {("unknown", "format-unknown"): 9}


async def test_who_brings_more_than_the_budget_waits_and_loses_nothing(tmp_path: Path) -> None:
    size = len(signed(100).data)
    async with house(tmp_path, limits=IntakeLimits(waiting_bytes_max=3 * size)) as here:
        most, full = 0, False

        async def watch() -> None:
            nonlocal most, full
            while True:
                most, full = max(most, here.intake.waiting_bytes), full or here.intake.full
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        verdicts = await asyncio.gather(
            *(here.intake.take([signed(n)], exchanged=False) for n in range(100, 200))
        )
        watching.cancel()
        assert verdicts == [(Accepted(1),)] * 100
        assert 0 < most <= 3 * size
        assert full
        assert not here.intake.full
        assert here.intake.waiting_bytes == 0


async def test_a_full_disk_is_a_named_state_until_there_is_room(tmp_path: Path) -> None:
    async with house(tmp_path, reserve_bytes=street.FULL) as here:
        for _ in range(2):
            with pytest.raises(StorageFailed) as failed:
                await here.intake.take([signed(1)], exchanged=False)
            assert failed.value.retriable
        assert here.intake.problem is StorageProblem.RESERVE
        assert here.intake.counters.storage_failures == {"reserve": 2}
        assert here.intake.waiting_bytes == 0
        assert not here.handed.calls
        await here.intake.take([signed(1, STRANGER)], exchanged=False)
        assert here.intake.problem is StorageProblem.RESERVE, "a refusal says nothing of the disk"
        make_room(here.log)
        assert await here.intake.take([signed(1)], exchanged=False) == (Accepted(1),)
        assert here.intake.problem is None


async def test_a_record_is_read_although_the_connection_that_brought_it_is_gone(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        taking = asyncio.create_task(here.intake.take([signed(1)], exchanged=False))
        await asyncio.sleep(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        await street.until(lambda: bool(here.handed.calls), "handed on")
        assert here.handed.records == {signed(1).hash}


async def test_a_restart_hands_on_what_arrived_since(tmp_path: Path) -> None:
    records = [*(signed(n) for n in range(300)), unsigned(), batch(1)]
    later_ms = (NOW_S + 3600) * 1000
    async with house(tmp_path) as here:
        await here.intake.take(records[:100], exchanged=False)
        here.intake._now_ms = lambda: later_ms
        await here.intake.take(records[100:], exchanged=False)
        told = here.handed.readings
    async with house(tmp_path, limits=IntakeLimits(replay_records=64)) as again:
        assert await again.intake.replay(0) == len(records)
        assert sorted(again.handed.readings, key=repr) == sorted(told, key=repr)
        assert not any(exchanged for _, exchanged in again.handed.calls)
        assert len(again.handed.calls) == 5
        again.handed.calls.clear()
        assert await again.intake.replay(later_ms) == 202
        assert again.handed.records == {record.hash for record in records[100:]}


async def test_records_that_are_named_are_read_again_however_long_ago_they_came(tmp_path: Path) -> None:
    """A8: late records that wait for a run, after a restart; of those that are gone nothing comes."""
    records = [signed(at) for at in range(1, 8)]
    async with house(tmp_path) as here:
        await here.intake.take(records, exchanged=False)
    named = [one.hash for one in records[2:5]]
    async with house(tmp_path, limits=IntakeLimits(replay_records=2)) as again:
        assert await again.intake.replay_named([*named, signed(99).hash]) == 3
        assert again.handed.records == set(named)
        assert again.intake.counters.replayed == 3
        assert not any(exchanged for _, exchanged in again.handed.calls)


async def test_a_log_that_is_closed_is_told_apart_from_a_full_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.log.close()
        with pytest.raises(StorageFailed) as failed:
            await here.intake.take([signed(1)], exchanged=False)
        assert not failed.value.retriable
        here.intake._log = here.log = RecordLog(tmp_path / "other", reserve_bytes=0)

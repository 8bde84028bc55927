"""The meters of the demo: real records over MQTT and HTTP, a window at a time.

At each window's end every household meter signs its registers, the gateway sends the
next record of the KEBA chain and what the P1 meters say, and the plugs publish their
JSON. The household profile runs in time lapse: one hour of it for each window. Where a
record's own clock cannot be used (KEBA: 1970; P1: telegrams of years ago) the gateway
says when it read it, and the leaf's quality says so (10, questionable).
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import aiohttp
import aiomqtt

from consensus.encoding import Value, encode
from deploy.demo.ground import keba_records, signing_key
from deploy.demo.plan import DATA, GATEWAY, OPERATORS, Meter, Plan
from oracle.feeds.formats.batch import Item
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter
from oracle.model import Record, UsagePoint

HTTP_S: Final = 5.0
_WATT_HOURS_A_KILOWATT_HOUR: Final = 1000
OTHER_STORY_WH: Final = 5


def profile() -> list[int]:
    """Cumulative Wh of the household after each hour of its 120 days; gaps add nothing."""
    with (DATA / "household.csv").open(newline="") as lines:
        hours = [row["value"] for row in csv.DictReader(lines)]
    watt_hours = [round(float(value) * _WATT_HOURS_A_KILOWATT_HOUR) if value else 0 for value in hours]
    return list(itertools.accumulate(watt_hours))


@dataclass(slots=True)
class Meters:
    """All meters; `heard` is told what was sent for a window, for the live view.

    With `two_faced`, one household's meter signs another reading for half of the operators.
    """

    plan: Plan
    heard: Callable[[int, int], None]
    two_faced: bool = False
    households: list[tuple[VirtualMeter, int]] = field(default_factory=list)
    _profile: list[int] = field(default_factory=profile)

    def __post_init__(self) -> None:
        for meter in self._of("household"):
            virtual = VirtualMeter(UsagePoint(meter.device), meter.serial, signing_key(meter))
            self.households.append((virtual, meter.device * 37))

    async def run(self) -> None:
        """Send at the end of each window, for ever."""
        while True:
            end_s = (int(time.time()) // self.plan.window_s + 1) * self.plan.window_s
            await asyncio.sleep(end_s - time.time())
            try:
                await self.send(end_s)
            except (aiomqtt.MqttError, aiohttp.ClientError, TimeoutError, OSError):
                continue  # a gateway tries again with the next reading: registers lose nothing

    async def send(self, end_s: int) -> None:
        """Everything that is read at a window's end."""
        batch = self.batch(end_s)
        households = [self.household(virtual, shift, end_s) for virtual, shift in self.households]
        by_mqtt, by_http = households[::2], households[1::2]
        topics = {meter.device: meter.topic for meter in self.plan.meters}
        messages = [(topics[record.source], record.data) for record in [batch, *by_mqtt]]
        messages += [(meter.topic, self.plug(meter, end_s)) for meter in self._of("plug")]
        other = self.household(*self.households[1], end_s, more_wh=OTHER_STORY_WH)
        told = [other, *by_http[1:]] if self.two_faced else by_http
        await asyncio.gather(self._publish(messages), self._push(by_http, told))
        self.heard(end_s - self.plan.window_s, len(messages) + len(by_http))

    def hours(self, end_s: int, shift: int) -> int:
        """Wh after as many hours of the profile as windows have passed."""
        windows = max(0, (end_s - self.plan.profile_start_s) // self.plan.window_s) + shift
        rounds, at = divmod(windows, len(self._profile))
        return rounds * self._profile[-1] + self._profile[at]

    def household(self, virtual: VirtualMeter, shift: int, end_s: int, more_wh: int = 0) -> Record:
        """A household's two registers, signed by its meter; every fourth exports as well."""
        import_wh = self.hours(end_s, shift) + more_wh
        export_wh = import_wh // 3 if virtual.device % 4 == 0 else 0
        return virtual.ocmf(
            pagination=end_s // self.plan.window_s, time_s=end_s, import_wh=import_wh, export_wh=export_wh
        )

    def batch(self, end_s: int) -> Record:
        """What the gateway read: the KEBA chain's next record, and the P1 meters."""
        gateway = next(meter for meter in self.plan.meters if meter.device == GATEWAY)
        number = (end_s - self.plan.profile_start_s) // self.plan.window_s
        items = [
            Item(UsagePoint(meter.device), end_s, "dsmr", (DATA / meter.source).read_bytes())
            for meter in self._of("telegram")
        ]
        # The first windows belong to the key ceremony; then the chain's twenty records follow.
        at = number - KEBA_FIRST_WINDOW
        records = keba_records()
        if 0 <= at < len(records):
            keba = next(iter(self._of("keba")))
            data = records[at]["record"].encode()
            items.append(Item(UsagePoint(keba.device), end_s, "ocmf", data))
        ordered = tuple(sorted(items, key=lambda item: item.usage_point))
        return VirtualGateway(GATEWAY, signing_key(gateway)).batch(sequence=number, items=ordered)

    def plug(self, meter: Meter, end_s: int) -> bytes:
        """What a Tasmota plug publishes: unsigned, so a quorum of operators must have seen it."""
        total_kwh = self.hours(end_s, meter.device) / _WATT_HOURS_A_KILOWATT_HOUR
        at = datetime.fromtimestamp(end_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        return json.dumps({"Time": at, "ENERGY": {"Total": round(total_kwh, 3), "Power": 120}}).encode()

    async def _publish(self, messages: list[tuple[str, bytes]]) -> None:
        async with aiomqtt.Client("127.0.0.1", self.plan.broker_port) as client:
            for topic, payload in messages:
                await client.publish(topic, payload, qos=1)

    async def _push(self, *stories: list[Record]) -> None:
        """To every operator: a gateway keeps its records until f+1 have made them durable."""
        bodies = [_body(records) for records in stories]
        headers = {"Authorization": f"Bearer {self.plan.push_token}"}
        timeout = aiohttp.ClientTimeout(total=HTTP_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            await asyncio.gather(
                *(self._push_to(session, slot, bodies[slot % len(bodies)]) for slot in range(OPERATORS)),
                return_exceptions=True,
            )

    async def _push_to(self, session: aiohttp.ClientSession, slot: int, body: bytes) -> None:
        url = f"{self.plan.api(slot)}/v1/records"
        content = {"Content-Type": "application/octet-stream"}
        async with session.post(url, data=body, headers=content) as answer:
            answer.raise_for_status()

    def _of(self, kind: str) -> list[Meter]:
        return [meter for meter in self.plan.meters if meter.kind == kind]


def _body(records: list[Record]) -> bytes:
    rows: list[Value] = [{"format": one.format, "source": one.source, "data": one.data} for one in records]
    return encode({"topic": "records", "records": rows})


KEBA_FIRST_WINDOW: Final = 8
"""Windows after the plan was made at which the KEBA chain begins."""

"""Four operators in one process: real disks, keys, links and meters; no chain."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from consensus.agreement.engine import GOSSIP_TIMER, Timeouts
from consensus.encoding import Principal
from consensus.messages import Entry
from consensus.model import Committee, EpochNumber, Genesis
from consensus.step import Milestone, Transmission
from oracle import memory
from oracle.duties.pace import NUDGE_TIMER, Pace
from oracle.events import ChainRead, TimerPassed
from oracle.feeds.formats import RosterEntry
from oracle.feeds.intake import Intake, IntakeLimits
from oracle.feeds.roster import Roster, roster_of
from oracle.feeds.virtual_meter import VirtualMeter
from oracle.keys import keystore
from oracle.keys.ceremony import CeremonySecrets
from oracle.keys.keystore import LIGHT, Key, KeyKind
from oracle.keys.register import Register
from oracle.keys.signer import Signer
from oracle.model import Curve, Device, DeviceKind, UsagePoint, ZoneId
from oracle.node import Node
from oracle.peers.identity import issue
from oracle.peers.limits import Limits
from oracle.peers.links import Links
from oracle.runtime import Runtime
from oracle.storage.database import Database
from oracle.storage.history import StoredEntry
from oracle.storage.records import RecordLog
from oracle.windows.vee import Rules

WINDOW_S = 2
METERS = 3
SALT = bytes(16)
PACE = Pace(grace_ms=300, collect_ms=300, ceremony_ms=3000, deadline_ms=60_000, nudge_ms=300)
TIMEOUTS = Timeouts(propose_ms=600, prevote_ms=300, commit_ms=300, growth_ms=200, gossip_ms=300)
QUICK = Limits(handshake_s=2.0, close_s=0.3, dial_first_s=0.05, dial_cap_s=0.3, dial_grace_s=0.1)
LIMIT_S = 25.0
LEASE_MS = 800


def meters() -> list[VirtualMeter]:
    return [
        VirtualMeter(UsagePoint(at), f"S{at}", ec.derive_private_key(1000 + at, ec.SECP256R1()))
        for at in range(1, METERS + 1)
    ]


def devices() -> tuple[Device, ...]:
    return tuple(
        Device(
            int(meter.device),
            ZoneId(1 + int(meter.device) % 2),
            DeviceKind.METER,
            Curve.SECP256R1,
            meter.public_key,
            11_000_000,
            hashlib.sha256(SALT + meter.serial.encode()).digest(),
        )
        for meter in meters()
    )


def roster() -> Roster:
    return roster_of(
        RosterEntry(
            device=int(meter.device),
            format="ocmf",
            serial=meter.serial,
            salt=SALT,
            profile="",
            topic="",
            timezone="",
        )
        for meter in meters()
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool], what: str, within_s: float = LIMIT_S) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, f"still waiting until {what}"
        await asyncio.sleep(0.02)


class Plan:
    """What outlives every start: keys, addresses, the genesis, a folder for each operator."""

    def __init__(self, folder: Path, members: int = 4) -> None:
        self.folder = folder
        self.keys = [keystore.generate(KeyKind.NODE) for _ in range(members)]
        self.tls = [keystore.generate(KeyKind.TLS).secret for _ in range(members)]
        self.ports = [free_port() for _ in range(members)]
        committee = Committee(EpochNumber(1), tuple(key.public for key in self.keys))
        oracle = Principal(26, bytes(20), "production-oracle")
        self.genesis = Genesis(0x80000000, oracle, WINDOW_S, committee)

    def home(self, slot: int) -> Path:
        path = self.folder / f"operator-{slot}"
        path.mkdir(exist_ok=True)
        return path


class Operator:
    """One running node. Make it with `started`."""

    def __init__(
        self, plan: Plan, slot: int, stack: AsyncExitStack, make: Callable[[Path], Database]
    ) -> None:
        self.plan, self.slot, home = plan, slot, plan.home(slot)
        key: Key = plan.keys[slot]
        self.register = Register(home / "register.db")
        stack.callback(self.register.close)
        signer = Signer(key, self.register)
        stack.callback(signer.close)
        self.database = make(home / "node.db")
        stack.callback(self.database.close)
        self.records = RecordLog(home / "records", reserve_bytes=1)
        stack.callback(self.records.close)
        rules = Rules(window_s=WINDOW_S, tolerance_s=WINDOW_S, windows_max=64)
        self.node = Node(plan.genesis, key.public, rules, PACE, TIMEOUTS)
        self.node.restore(memory.stored(self.database.history), memory.head(self.database.history))
        self.node.replay(self.database.journal.replay())
        secrets = CeremonySecrets(home, "password", signer, LIGHT)
        self.transmissions: list[Transmission] = []
        self.milestones: list[Milestone] = []
        self.runtime = Runtime(
            self.node,
            self.database,
            self.records,
            signer,
            secrets,
            self.transmissions.append,
            lambda milestone, _: self.milestones.append(milestone),
            LEASE_MS,
        )
        known = {device.device: device for device in devices()}
        self.intake = Intake(known.get, roster(), self.records, self.runtime.on_readings, IntakeLimits())
        stack.push_async_callback(self.intake.close)
        self.links = Links(
            slot,
            plan.genesis.committee.node_keys,
            {other: ("127.0.0.1", port) for other, port in enumerate(plan.ports) if other != slot},
            issue(plan.tls[slot], signer.sign_tls_binding, plan.genesis.network, int(time.time())),
            plan.genesis.network,
            self.runtime.on_frame,
            self._link_up,
            lambda _: None,
            lambda: int(time.time()),
            limits=QUICK,
            listen=("127.0.0.1", plan.ports[slot]),
        )
        self.runtime.attach(self.links, self.intake)
        self.failure: BaseException | None = None

    def _link_up(self, _: int) -> None:
        self.runtime.happen(TimerPassed(GOSSIP_TIMER))
        self.runtime.happen(TimerPassed(NUDGE_TIMER))

    async def run(self) -> None:
        """As the service does it; what ends it is kept in `failure`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.links.run())
                self.runtime.happen(ChainRead(devices(), 1))
                since_ms = max(0, (self.node.settlement.next_window - WINDOW_S) * 1000)
                await self.intake.replay(since_ms)
                tasks.create_task(self.runtime.run())
                tasks.create_task(self._meter())
        except BaseExceptionGroup as group:
            self.failure = group.exceptions[0]
            while isinstance(self.failure, BaseExceptionGroup):
                self.failure = self.failure.exceptions[0]

    async def _meter(self) -> None:
        """Each meter speaks twice a window, and every operator hears it."""
        while True:
            now_s = int(time.time())
            spoken = [
                meter.ocmf(
                    pagination=now_s, time_s=now_s, import_wh=1000 * int(meter.device) + now_s % 100_000
                )
                for meter in meters()
            ]
            await self.intake.take(spoken, exchanged=False)
            await asyncio.sleep(1)

    # -- what is seen -------------------------------------------------------------------

    def entries(self, kind: str | None = None) -> list[StoredEntry]:
        page = self.database.history.entries(limit=500, newest_first=False, kind=kind)
        return list(page.entries)

    def windows(self, least_leaves: int = 0) -> list[Entry]:
        found = [Entry.parse(one.entry) for one in self.entries("window")]
        return [
            entry
            for entry in found
            if isinstance(entry, Entry) and int(str(entry.body["leaf-count"])) >= least_leaves
        ]


@asynccontextmanager
async def started(
    plan: Plan, slots: tuple[int, ...] = (0, 1, 2, 3), make: Callable[[Path], Database] = Database
) -> AsyncIterator[list[Operator]]:
    """Operators that run until the block ends; then everything is closed as a process would."""
    async with AsyncExitStack() as stack:
        operators = [Operator(plan, slot, stack, make) for slot in slots]
        tasks = [asyncio.create_task(operator.run()) for operator in operators]
        try:
            yield operators
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

"""Operators' nodes for the agreement benchmark: what `oracle.service` opens, without chain and API.

    python -m benchmarks.agreement_node FOLDER SLOT [SLOT ...]

Real links, databases, sign-once registers, record logs and intakes; several slots share
one process where a machine does not bear one each. Prints a JSON line when all listen,
then one for each thing the benchmark must know. The meters' records come from files in
FOLDER, a window each, and are taken in within their window.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.town import Town
from consensus import envelope
from consensus.agreement.engine import Timeouts
from consensus.model import Height
from consensus.step import Milestone, Transmission
from consensus.threshold import shares
from oracle import runtime as shell
from oracle.duties.pace import Pace
from oracle.events import ChainRead
from oracle.feeds.intake import Accepted, Intake, IntakeLimits
from oracle.journey import Stage
from oracle.keys.ceremony import CeremonySecrets
from oracle.keys.keystore import LIGHT
from oracle.keys.register import Register
from oracle.keys.signer import Refused, Signer, VoteRequest
from oracle.model import Record
from oracle.node import Node
from oracle.peers.identity import issue
from oracle.peers.links import Links
from oracle.runtime import Runtime
from oracle.storage.database import Database
from oracle.storage.records import RecordLog
from oracle.windows.vee import Rules

GRACE_MS = 100
PACE = Pace(grace_ms=GRACE_MS)
FEED_FROM = 0.3
"""Records come from this part of their window on: the window before is settled by then."""
FEED_FILE = "feed.json"
READY = "ready"
RECORDS_AT_ONCE = 250
POLL_S = 0.1
RESERVE_BYTES = 64 << 20
WINDOWS_MAX = 100
PASSWORD = "of no worth"

performed: Counter[str] = Counter()
"""Cryptographic operations of this process."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("slots", type=int, nargs="+")
    options = arguments.parse_args()
    count_operations()
    with suppress(asyncio.CancelledError):
        asyncio.run(run(Town.read(options.folder / "town.json"), options.folder, options.slots))


def count_operations() -> None:
    """Count what is recovered and what BLS does, where the production code looks it up."""
    for place, name, key in (
        (envelope, "recover", "recoveries"),
        (shell, "combine", "combinations"),
        (shell, "verify", "group verifications"),
        (shares.SecretShare, "sign", "shares"),
    ):
        count_calls(place, name, key)


def count_calls(place: Any, name: str, key: str) -> None:
    """Let a function do what it did, and count."""
    function = getattr(place, name)

    def counting(*arguments: Any) -> Any:
        performed[key] += 1
        return function(*arguments)

    setattr(place, name, counting)


class CountingSigner(Signer):
    """The signer; counts votes and proposals."""

    def sign_many(self, requests: Sequence[VoteRequest]) -> list[bytes | Refused]:
        """Sign as ever."""
        performed["signatures"] += len(requests)
        return super().sign_many(requests)


async def run(town: Town, folder: Path, slots: Sequence[int]) -> None:
    """Run these slots' nodes until the process is told to end."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with AsyncExitStack() as stack:
        operators = [await stack.enter_async_context(opened(town, folder, slot)) for slot in slots]
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(part)
                for operator in operators
                for part in (operator.links.run(), operator.runtime.run(), operator.feed(folder))
            ]
            for operator in operators:
                await operator.links.ready.wait()
            gc.freeze()
            tell({"event": READY})
            await ended.wait()
            for task in running:
                task.cancel()


class Operator:
    """One node, joined to its storage, links and intake as the service joins them."""

    def __init__(
        self,
        town: Town,
        slot: int,
        node: Node,
        database: Database,
        records: RecordLog,
        signer: Signer,
        secrets: CeremonySecrets,
    ) -> None:
        self._town, self._slot, self._node = town, slot, node
        self._devices = {device.device: device for device in town.devices}
        self._certified_ms: dict[int, float] = {}
        self.runtime = Runtime(node, database, records, signer, secrets, _stay_off_chain, self._milestone)
        self.intake = Intake(
            self._devices.get, town.roster, records, self.runtime.on_readings, IntakeLimits()
        )
        identity = issue(town.tls_key(slot).secret, signer.sign_tls_binding, node.network, int(time.time()))
        self.links = Links(
            slot,
            node.engine.committee.node_keys,
            {other: ("127.0.0.1", port) for other, port in enumerate(town.ports) if other != slot},
            identity,
            node.network,
            self.runtime.on_frame,
            _pass_over,
            _pass_over,
            lambda: int(time.time()),
            listen=("127.0.0.1", town.ports[slot]),
        )
        self.runtime.attach(self.links, self.intake)
        self.runtime.happen(ChainRead(town.devices, 1))

    async def feed(self, folder: Path) -> None:
        """Take in the records of each window that the driver has had signed."""
        path = folder / FEED_FILE
        while not path.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(POLL_S)
        for window in json.loads(path.read_text()):
            await asyncio.sleep(max(0.0, window + FEED_FROM * self._town.window_s - time.time()))
            records = await asyncio.to_thread(read_records, folder, window)
            taken = 0
            for at in range(0, len(records), RECORDS_AT_ONCE):
                verdicts = await self.intake.take(records[at : at + RECORDS_AT_ONCE], exchanged=False)
                taken += sum(isinstance(verdict, Accepted) for verdict in verdicts)
            tell({"event": "fed", "slot": self._slot, "window": window, "taken": taken, "at_ms": _now_ms()})

    def _milestone(self, milestone: Milestone, _: int) -> None:
        """Called once what was reached is durable, so the clock is read here and not taken over."""
        height, now_ms = milestone.height, _now_ms()
        if milestone.name == "certified":
            self._certified_ms[height] = now_ms
            if milestone.detail.startswith("registry"):
                first_window = self._node.settlement.next_window
                tell({"event": "settling", "slot": self._slot, "first_window": first_window})
        elif milestone.name == "attested" and height in self._certified_ms:
            self._attested(Height(height), now_ms)

    def _attested(self, height: Height, now_ms: float) -> None:
        certified_ms = self._certified_ms.pop(height)
        travel = self._node.journey.of_height(height)
        if travel is None or not travel.leaves:
            return
        tell(
            {
                "event": "attested",
                "slot": self._slot,
                "window": travel.window,
                "leaves": travel.leaves,
                "closed_ms": travel.reached_ms(Stage.CLOSED),
                "reconciled_ms": travel.reached_ms(Stage.RECONCILED),
                "certified_ms": certified_ms,
                "attested_ms": now_ms,
                "performed": dict(performed),
                "cpu_s": time.process_time(),
            }
        )


@asynccontextmanager
async def opened(town: Town, folder: Path, slot: int) -> AsyncIterator[Operator]:
    """Open a node's storage and close it in reverse, as the service does."""
    own = folder / f"operator-{slot}"
    own.mkdir(mode=0o700)
    async with AsyncExitStack() as stack:
        register = Register(own / "register.db")
        stack.callback(register.close)
        signer = CountingSigner(town.node_key(slot), register)
        stack.callback(signer.close)
        database = Database(own / "node.db")
        stack.callback(database.close)
        records = RecordLog(own / "records", reserve_bytes=RESERVE_BYTES)
        stack.callback(records.close)
        rules = Rules(window_s=town.window_s, tolerance_s=town.window_s, windows_max=WINDOWS_MAX)
        node = Node(town.genesis, signer.public_key, rules, PACE, Timeouts())
        secrets = CeremonySecrets(own, PASSWORD, signer, LIGHT)
        operator = Operator(town, slot, node, database, records, signer, secrets)
        stack.push_async_callback(operator.intake.close)
        yield operator


def read_records(folder: Path, window: int) -> list[Record]:
    """The records of a window: a line each, in the order of the usage points."""
    lines = records_path(folder, window).read_bytes().splitlines()
    return [Record("ocmf", point, line) for point, line in enumerate(lines, 1)]


def records_path(folder: Path, window: int) -> Path:
    """Where the driver leaves a window's records."""
    return folder / f"records-{window}"


def tell(line: dict[str, Any]) -> None:
    """Tell the driver."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _now_ms() -> float:
    return time.time_ns() / 1e6


def _pass_over(_: int) -> None:
    """Links that come and go are nobody's business here."""


def _stay_off_chain(_: Transmission) -> None:
    """There is no chain in this benchmark."""


if __name__ == "__main__":
    main()

"""A whole network of real processes in a test's hands: devnet, broker, four nodes, meters.

Built of the demo's own parts. Decides how processes are started and ended, and how a test
waits; what must be true it leaves to the tests. The truth about the chain comes from the
devnet itself, the truth about energy from the meters, never from a node alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp

from deploy.demo import files, ground
from deploy.demo.meters import KEBA_FIRST_WINDOW, Meters
from deploy.demo.plan import OPERATORS, ZONES, Plan, load_or_make
from deploy.demo.processes import ROOT, Child, node_program, start
from oracle.chain.client import StacksClient
from oracle.chain.contracts import OnChain, OracleContracts

T = TypeVar("T")
Row = Mapping[str, Any]

WINDOW_S: Final = 4
NOT_BY_ITSELF: Final = -1
"""The revision of a window that a void under another's start speaks of: it begins with 0 (A8)."""
BLOCK_MS: Final = 250
POLL_S: Final = 0.3
"""Well under the 20 requests a second that a node's API takes from one address."""
ASK_S: Final = 5.0
ASKED_MAX: Final = 20
HEALTH: Final = "/v1/health"
COMMAND_S: Final = 60.0
SIGNER_S: Final = 40.0
TAIL_LINES: Final = 12
CEREMONY_WINDOWS: Final = 3
"""Windows that pass, about, between the nodes' start and the first attested one."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def wattest(*arguments: str | Path) -> Ran:
    """The command line as a user calls it, in a process of its own."""
    return await run(sys.executable, "-m", "oracle", *arguments)


async def run(*command: str | Path) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(COMMAND_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, out.decode(), err.decode())


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The end of a log, for a failure's message."""
    text = log.read_text(errors="replace") if log.exists() else "(no log)"
    return f"--- {log.name}\n" + "\n".join(line[:300] for line in text.splitlines()[-lines:])


@dataclass(slots=True)
class Town:
    """The running network. Slots count from 0; a node's log is `operator-<slot + 1>.log`."""

    plan: Plan
    configurations: list[Path]
    contracts: OracleContracts
    session: aiohttp.ClientSession
    meters: Meters
    devnet: Child
    nodes: dict[int, Child] = field(default_factory=dict)
    broker: Child | None = None
    facts: dict[str, str] = field(default_factory=dict)
    """What was measured on the way."""

    # -- processes --------------------------------------------------------------------

    async def start_node(self, slot: int) -> None:
        """Start an operator's node; returns when its API answers."""
        command: list[str | Path] = [sys.executable, "-m", "oracle", "run"]
        command += ["--config", self.configurations[slot]]
        self.nodes[slot] = await start(f"operator-{slot + 1}", command, self.log(f"operator-{slot + 1}"))

    async def kill_node(self, slot: int) -> None:
        """SIGKILL, as a crash or a power cut would."""
        await self.nodes.pop(slot).kill()

    async def signer_of(self, slot: int, other_than: int | None = None) -> int:
        """The process that signs for a node, by Linux's process table; waits for it."""

        async def found() -> int | None:
            pids = _children(self.nodes[slot].process.pid, b"oracle.keys")
            return next((pid for pid in pids if pid != other_than), None)

        return await self.until(f"operator {slot + 1} has a signer", found, SIGNER_S, [slot], poll_s=0.02)

    async def start_broker(self, kind: str) -> None:
        """Start the broker, always on the same port."""
        command: list[str | Path] = [sys.executable, "-m", "deploy.broker", "--broker", kind]
        command += ["--port", str(self.plan.broker_port), "--state", self.plan.folder / "broker"]
        self.broker = await start("broker", command, self.log("broker"))

    async def stop_broker(self) -> None:
        """End the broker; nobody listens on its port after that."""
        if self.broker is not None:
            await self.broker.stop()
            self.broker = None

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.plan.folder / "logs" / f"{name}.log"

    # -- asking -----------------------------------------------------------------------

    async def get(self, slot: int, path: str) -> Any:
        """A node's answer as JSON; None for a 404. Raises aiohttp.ClientError, TimeoutError."""
        for _ in range(ASKED_MAX):
            async with self.session.get(self.plan.api(slot) + path) as answer:
                if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                    continue
                if answer.status == HTTPStatus.NOT_FOUND:
                    return None
                if path != HEALTH:  # its 503 says what is wrong
                    answer.raise_for_status()
                return await answer.json()
        raise AssertionError(f"{path}: refused {ASKED_MAX} times for asking too often")

    async def height(self, slot: int = 0) -> int:
        """The last decided height of a node."""
        return int((await self.get(slot, HEALTH))["height"])

    async def problems(self, slot: int) -> set[str]:
        """What a node says is wrong."""
        return {problem["name"] for problem in (await self.get(slot, HEALTH))["problems"]}

    async def entries(self, slot: int = 0, past: int = 0) -> list[Row]:
        """All entries of a node's log past a height, oldest first."""
        rows: list[Row] = []
        cursor: int | None = past
        while cursor is not None:
            page = await self.get(slot, f"/v1/attestations?order=oldest&limit=200&cursor={cursor}")
            rows += page["attestations"]
            cursor = page["next_cursor"]
        return rows

    async def settled(self, slot: int = 0, past: int = 0) -> list[Row]:
        """The entries that settle windows: attested or void."""
        return [row for row in await self.entries(slot, past) if row["kind"] in ("window", "void")]

    async def leaves(self, window: int, slot: int = 0) -> dict[int, Row]:
        """A window's leaves by usage point."""
        found: dict[int, Row] = {}
        for zone in range(1, ZONES + 1):
            content = await self.get(slot, f"/v1/zones/{zone}?window={window}")
            if content is not None:
                found |= {leaf["usage_point"]: leaf for leaf in content["leaves"]}
        return found

    async def newest(self, slot: int = 0) -> Row:
        """The newest attested window."""
        row: Row = await self.get(slot, "/v1/attestations/latest")
        return row

    async def on_chain(self, row: Row) -> OnChain | None:
        """What the contract holds for an entry, by the devnet's word."""
        return await self.contracts.attestation(row["window"], row["revision"])

    async def devnet_post(self, path: str, **content: object) -> Any:
        """Tell the devnet to misbehave."""
        async with self.session.post(f"{self.plan.devnet}/devnet/{path}", json=content) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def devnet_get(self, path: str) -> Any:
        """What the devnet says of itself."""
        async with self.session.get(f"{self.plan.devnet}/devnet/{path}") as answer:
            answer.raise_for_status()
            return await answer.json()

    # -- waiting ----------------------------------------------------------------------

    async def until(
        self,
        what: str,
        condition: Callable[[], Awaitable[T | None]],
        within_s: float,
        slots: Iterable[int] = (0,),
        poll_s: float = POLL_S,
    ) -> T:
        """The first true answer of a condition. Fails with `what` and the tails of the slots' logs."""
        deadline_s = time.monotonic() + within_s
        last: object = None
        while time.monotonic() < deadline_s:
            try:
                answer = await condition()
                if answer:
                    return answer
                last = answer
            except (aiohttp.ClientError, TimeoutError, OSError) as cause:
                last = repr(cause)
            await asyncio.sleep(poll_s)
        names = [f"operator-{slot + 1}" for slot in slots] + ["devnet", "broker"]
        logs = "\n".join(tail(self.log(name)) for name in names)
        raise AssertionError(f"not within {within_s:.0f} s: {what}; last seen: {str(last)[:500]}\n{logs}")

    async def until_height(self, height: int, within_s: float, slot: int = 0) -> int:
        """Wait until a node has decided a height."""

        async def reached() -> int | None:
            now = await self.height(slot)
            return now if now >= height else None

        return await self.until(f"operator {slot + 1} decides height {height}", reached, within_s, [slot])

    async def until_on_chain(
        self, rows: Callable[[], Awaitable[list[Row]]], count: int, within_s: float, what: str
    ) -> list[Row]:
        """Wait until there are `count` such rows and the contract holds each with its digest."""

        async def held() -> list[Row] | None:
            found = await rows()
            if len(found) < count:
                return None
            for row in found[:count]:
                attestation = await self.on_chain(row)
                if attestation is None or attestation.digest.hex() != row["digest"]:
                    return None
            return found[:count]

        return await self.until(what, held, within_s, poll_s=1.0)

    async def until_windows_after(self, start_s: float, count: int, within_s: float) -> list[Row]:
        """Wait for so many attested windows on chain that began at `start_s` or later."""

        async def windows() -> list[Row]:
            rows = await self.get(0, f"/v1/attestations?order=oldest&kind=window&from={int(start_s)}")
            return list(rows["attestations"])

        what = f"{count} windows from {int(start_s)} on are on chain"
        return await self.until_on_chain(windows, count, within_s, what)

    # -- truth ------------------------------------------------------------------------

    def register_wh(self, device: int, end_s: int) -> int:
        """What a household's meter says at a window's end, by the meter itself."""
        shift = next(shift for virtual, shift in self.meters.households if virtual.device == device)
        return self.meters.hours(end_s, shift)

    @property
    def households(self) -> list[int]:
        """Device ids, those that send by MQTT and those that send by HTTP in turn."""
        return [int(virtual.device) for virtual, _ in self.meters.households]

    @property
    def by_mqtt(self) -> list[int]:
        """Households that publish to the broker."""
        return self.households[::2]

    @property
    def by_http(self) -> list[int]:
        """Households that push to every operator."""
        return self.households[1::2]


def check_contiguous(rows: Iterable[Row], window_s: int) -> None:
    """Every window is attested or void with a reason, none twice, none missing.

    A restatement (A8) stands later in the log, and follows on what was said of its window:
    by one revision, or by the first where a void of several windows covered it.
    """
    expected: int | None = None
    first: int | None = None
    said: dict[int, int] = {}
    for row in rows:
        window, revision = row["window"], row["revision"]
        if revision or window in said or window < (first or 0):
            before = said.get(window)
            if before is None:
                assert first is None or window < first, f"window {window} is restated before it is settled"
            else:
                assert revision == before + 1, f"window {window} has revision {revision} after {before}"
            assert row["kind"] == "window", f"window {window} is attested, and void afterwards"
            said[window] = revision
            continue
        assert expected in (None, window), f"window {expected} is missing before {window}"
        count = 1
        if row["kind"] == "void":
            assert row["body"]["reason"] in (1, 2, 3), f"void {window} has no reason"
            count = row["body"]["count"]
        first = window if first is None else first
        expected = window + count * window_s
        said |= dict.fromkeys(range(window, expected, window_s), NOT_BY_ITSELF) | {window: 0}


@asynccontextmanager
async def opened(folder: Path, broker: str = "auto") -> AsyncIterator[Town]:
    """Lay the ground, start everything, end everything in reverse."""
    began_s = time.monotonic()
    plan = load_or_make(folder, WINDOW_S, BLOCK_MS, 0, int(time.time()))
    governor, operators = ground.make_keys(plan)
    deployer = ground.deployer_of(governor)
    async with AsyncExitStack() as stack:
        genesis = ground.write_chain_genesis(plan, governor, operators)
        devnet = await _devnet(plan, genesis)
        stack.push_async_callback(devnet.stop)
        await ground.lay(plan, governor, operators, lambda _: None)
        laid_s = time.monotonic()
        # The KEBA chain begins with the first windows that are attested, however long the set-up took.
        begin_s = int(time.time()) - (KEBA_FIRST_WINDOW - CEREMONY_WINDOWS) * WINDOW_S
        plan = replace(plan, profile_start_s=begin_s - begin_s % WINDOW_S)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S))
        )
        client = await stack.enter_async_context(StacksClient((plan.devnet,)))
        town = Town(
            plan,
            files.write_node_files(plan, deployer, operators),
            OracleContracts(client, deployer),
            session,
            Meters(plan, lambda _window, _records: None),
            devnet,
        )
        stack.push_async_callback(_end, town)
        await town.start_broker(broker)
        for slot in range(OPERATORS):
            await town.start_node(slot)
        sending = asyncio.create_task(town.meters.run())
        stack.push_async_callback(_cancelled, sending)
        town.facts["ground laid"] = f"{laid_s - began_s:.1f} s"
        await town.until_windows_after(0, 1, 60)
        town.facts["from set-up's end to the first attested window on chain"] = (
            f"{time.monotonic() - laid_s:.1f} s (windows of {WINDOW_S} s, a block every {BLOCK_MS} ms)"
        )
        yield town


def _children(parent: int, named: bytes) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, owner = place.read_text().rpartition(")")[2].split()[:2]
            if int(owner) == parent and state != "Z" and named in place.with_name("cmdline").read_bytes():
                found.append(int(place.parent.name))
    return found


async def _devnet(plan: Plan, genesis: Path) -> Child:
    command: list[str | Path] = [node_program(), ROOT / "deploy" / "devnet" / "server.mjs"]
    command += ["--port", str(plan.devnet_port), "--state", plan.folder / "devnet"]
    command += ["--genesis", genesis, "--block-ms", str(plan.block_ms)]
    return await start("devnet", command, plan.folder / "logs" / "devnet.log")


async def _end(town: Town) -> None:
    await asyncio.gather(*(node.stop() for node in town.nodes.values()))
    await town.stop_broker()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

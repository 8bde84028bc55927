"""How long from a window's close to its certificate, and to the group's signature?

    python -m benchmarks.agreement [--members 4 7 13] [--windows 20] [--meters 1000]

Every node is a process of its own on this machine, with real mutual-TLS links over the
loopback, real databases that fsync, and real keys; `agreement_node` says what it opens.
The meters' records are durable before the close. The clock runs, at each node, from the
moment it takes up the close until its certificate (its group signature) is durable.

The yardstick is the cryptography of the same run: operations as the nodes counted them,
times what one costs alone on this machine, measured after the nodes have ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import secrets
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from benchmarks.agreement_node import FEED_FILE, records_path
from benchmarks.table import Table, bar
from benchmarks.town import Town
from consensus import envelope
from consensus.model import NodeId, quorum
from consensus.threshold.bls import FAST, verify
from consensus.threshold.scheme import ORDER, SIGNATURE_DST
from consensus.threshold.shares import PublicPolynomial, SecretShare, combine
from deploy.demo.processes import Child, start

WARM_UP = 2
LATE_S = 20.0
"""How long after its end a window may be attested before the run has failed."""
START_S = 60.0
SIGN_S_A_RECORD = 0.0002
"""More than a virtual meter needs for a record."""
P99 = 0.99
SAMPLES_ENOUGH = 160
"""Nodes times windows; beyond, a larger committee only takes more of one's time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One run. `window_s` must leave the machine time to take in every meter's record at every node."""

    members: int
    meters: int
    windows: int
    window_s: int
    processes: int


@dataclass(slots=True)
class Heard:
    """What the nodes have said."""

    settling: dict[int, int] = field(default_factory=dict)
    """The first window that is settled, by slot."""
    attested: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    """By (slot, window)."""
    fed: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's figures. Times in ms, one for each node and window."""

    setting: Setting
    reconciled: tuple[float, ...]
    certified: tuple[float, ...]
    attested: tuple[float, ...]
    performed: dict[str, float]
    """Operations by name, of all nodes together, for one window."""
    unit_ms: dict[str, float]
    cpu_ms: float
    """CPU time of all nodes together for one window, the intake of its records included."""
    load_before: float
    """The machine's load average over a minute, before the nodes are started, and at the end."""
    load_after: float

    @property
    def cryptography_ms(self) -> float:
        """The yardstick: what the operations of all nodes for one window cost on one core."""
        return sum(count * self.unit_ms[name] for name, count in self.performed.items())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--members", type=int, nargs="+", default=[4, 7, 13])
    arguments.add_argument("--windows", type=int, default=20)
    arguments.add_argument("--meters", type=int, default=1000)
    options = arguments.parse_args()
    print(run(options.members, options.meters, options.windows).text())


def run(members: Sequence[int], meters: int, windows: int) -> Table:
    """A column for each size of committee."""
    return table([measured(setting(size, meters, windows)) for size in members])


def setting(members: int, meters: int, windows: int) -> Setting:
    """A process for each node, and windows as long as the intake of this machine's cores needs."""
    verified_a_second = 4_000 * (os.cpu_count() or 1)
    window_s = 1 + -(-members * meters // verified_a_second)
    enough = min(windows, -(-SAMPLES_ENOUGH // members))
    return Setting(members, meters, enough, window_s, members)


def measured(wanted: Setting) -> Outcome:
    """Run a network of nodes and take the figures."""
    with tempfile.TemporaryDirectory(prefix="wattest-agreement-") as folder:
        return asyncio.run(_run(wanted, Path(folder)))


async def _run(wanted: Setting, folder: Path) -> Outcome:
    town = Town(secrets.token_hex(16), wanted.meters, wanted.window_s, free_ports(wanted.members))
    town.write(folder / "town.json")
    heard, load_before = Heard(), os.getloadavg()[0]
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(_child(folder, slots)) for slots in _shared_out(wanted)]
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(_listen(child, heard)) for child in children]
            await _until(lambda: len(heard.settling) == wanted.members, heard, START_S)
            first = max(heard.settling.values())
            windows = await asyncio.to_thread(_prepare, town, folder, WARM_UP + wanted.windows, first)
            await _settled(town, windows, heard)
            load_after = os.getloadavg()[0]
            for task in listening:
                task.cancel()
    return _outcome(wanted, windows, heard, (load_before, load_after))


def _shared_out(wanted: Setting) -> list[list[int]]:
    return [list(range(at, wanted.members, wanted.processes)) for at in range(wanted.processes)]


@asynccontextmanager
async def _child(folder: Path, slots: Sequence[int]) -> AsyncIterator[Child]:
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.agreement_node", folder, *map(str, slots)]
    child = await start(f"nodes {slots}", command, folder / f"log-{slots[0]}", ready_s=START_S)
    try:
        yield child
    finally:
        await child.stop()


async def _listen(child: Child, heard: Heard) -> None:
    stream = child.process.stdout
    while stream is not None and (line := await stream.readline()):
        said = json.loads(line)
        match said["event"]:
            case "settling":
                heard.settling[said["slot"]] = said["first_window"]
            case "attested":
                heard.attested[said["slot"], said["window"]] = said
            case "fed":
                heard.fed[said["slot"], said["window"]] = said
        heard.news.set()
    raise RuntimeError(f"{child.name} has ended")


async def _until(true: Callable[[], bool], heard: Heard, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            heard.news.clear()
            await heard.news.wait()


def _prepare(town: Town, folder: Path, count: int, first: int) -> list[int]:
    """Have the meters sign for `count` windows to come, from `first` on at the earliest; say which."""
    ready_s = time.time() + 1 + count * town.meters * SIGN_S_A_RECORD
    first = max(first, (int(ready_s) // town.window_s + 1) * town.window_s)
    windows = [first + at * town.window_s for at in range(count)]
    for window in windows:
        data = b"\n".join(record.data for record in town.records(window))
        records_path(folder, window).write_bytes(data)
    beside = folder / "feed.new"
    beside.write_text(json.dumps(windows))
    beside.replace(folder / FEED_FILE)
    if time.time() > first:
        raise RuntimeError("the meters sign more slowly than they are given time for")
    return windows


async def _settled(town: Town, windows: Sequence[int], heard: Heard) -> None:
    draw = bar(len(windows), f"{town.members} nodes")
    for done, window in enumerate(windows, 1):
        everybody = {(slot, window) for slot in range(town.members)}
        within_s = window + town.window_s - time.time() + LATE_S
        await _until(lambda everybody=everybody: everybody <= heard.attested.keys(), heard, within_s)  # type: ignore[misc]
        draw(done)


def _outcome(wanted: Setting, windows: Sequence[int], heard: Heard, load: tuple[float, float]) -> Outcome:
    measured_windows = windows[WARM_UP:]
    rows = [heard.attested[slot, window] for slot in range(wanted.members) for window in measured_windows]
    for row in rows:
        fed = heard.fed[row["slot"], row["window"]]
        if fed["at_ms"] > row["closed_ms"] or row["leaves"] != wanted.meters:
            raise RuntimeError(f"window {row['window']} was closed before its records were there")
    performed: Counter[str] = Counter()
    cpu_s = 0.0
    for process in _shared_out(wanted):
        # The counters are the process's, so one slot speaks for all that share it.
        before = heard.attested[process[0], windows[WARM_UP - 1]]
        after = heard.attested[process[0], windows[-1]]
        performed.update(after["performed"])
        performed.subtract(before["performed"])
        cpu_s += after["cpu_s"] - before["cpu_s"]
    return Outcome(
        wanted,
        tuple(row["reconciled_ms"] - row["closed_ms"] for row in rows),
        tuple(row["certified_ms"] - row["closed_ms"] for row in rows),
        tuple(row["attested_ms"] - row["closed_ms"] for row in rows),
        {name: count / wanted.windows for name, count in performed.items()},
        unit_costs_ms(wanted.members),
        1000 * cpu_s / wanted.windows,
        *load,
    )


def unit_costs_ms(members: int) -> dict[str, float]:
    """What each counted operation costs alone, on one core."""
    payload = bytes(250)
    key = PrivateKey()
    signature = key.sign_recoverable(payload)
    threshold = quorum(members)
    coefficients = [1 + secrets.randbelow(ORDER - 1) for _ in range(threshold)]
    polynomial = PublicPolynomial(tuple(FAST.secret_g2(one) for one in coefficients))
    held = [
        SecretShare(
            NodeId(slot), sum(c * pow(slot + 1, power, ORDER) for power, c in enumerate(coefficients)) % ORDER
        )
        for slot in range(threshold)
    ]
    digest = secrets.token_bytes(32)
    partials = {share.slot: share.sign(digest) for share in held}
    whole = FAST.secret_g1(coefficients[0], digest, SIGNATURE_DST)
    return {
        "signatures": shortest_ms(lambda: key.sign_recoverable(payload), 300),
        "recoveries": shortest_ms(lambda: envelope.recover(payload, signature), 300),
        "shares": shortest_ms(lambda: held[0].sign(digest), 50),
        "combinations": shortest_ms(lambda: combine(polynomial, digest, partials), 30),
        "group verifications": shortest_ms(lambda: verify(polynomial.group_key, digest, whole), 30),
    }


def shortest_ms(work: Callable[[], object], times: int) -> float:
    """The shortest of so many calls: other work on the machine only ever adds."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return 1000 * min(spent)


def table(outcomes: Sequence[Outcome]) -> Table:
    """A column for each run."""
    columns = [_column(outcome) for outcome in outcomes]
    rows = tuple((name, *(column[name] for column in columns)) for name in columns[0])
    header = ("", *(f"n = {outcome.setting.members}" for outcome in outcomes))
    cores = os.cpu_count() or 1
    notes = (
        f"all nodes share {cores} cores; a window's cryptography on {cores} cores is the least it can take",
        "operations are those of all nodes in a window, gossip included; TLS is not counted",
    )
    return Table("From a window's close to its certificate", header, rows, notes)


def _column(outcome: Outcome) -> dict[str, str]:
    run = outcome.setting
    yardstick_ms = outcome.cryptography_ms / (os.cpu_count() or 1)
    column = {
        "meters": f"{run.meters:,}",
        "quorum": str(quorum(run.members)),
        "processes": str(run.processes),
        "windows x nodes measured": f"{run.windows} x {run.members}",
        "window length": f"{run.window_s} s",
        "close to reconciled, p50": _ms(percentile(outcome.reconciled, 0.5)),
        "close to certificate, p50": _ms(percentile(outcome.certified, 0.5)),
        "close to certificate, p99": _ms(percentile(outcome.certified, P99)),
        "close to group signature, p50": _ms(percentile(outcome.attested, 0.5)),
        "close to group signature, p99": _ms(percentile(outcome.attested, P99)),
    }
    column |= {
        f"  {name}": f"{outcome.performed.get(name, 0):.1f} x {unit:.3f} ms"
        for name, unit in outcome.unit_ms.items()
    }
    return column | {
        "yardstick: cryptography": _ms(outcome.cryptography_ms),
        "yardstick, shared by the cores": _ms(yardstick_ms),
        "group signature p50 / yardstick": f"{percentile(outcome.attested, 0.5) / yardstick_ms:.1f}x",
        "CPU a window, with intake": _ms(outcome.cpu_ms),
        "load average at start, at end": f"{outcome.load_before:.1f}, {outcome.load_after:.1f}",
    }


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = tuple(int(one.getsockname()[1]) for one in held)
    for one in held:
        one.close()
    return ports


def _ms(value: float) -> str:
    return f"{value:,.1f} ms"


if __name__ == "__main__":
    main()

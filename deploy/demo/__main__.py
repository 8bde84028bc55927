"""`make demo`: the main job, live.

Starts a devnet, a broker and four operators' nodes, brings contracts, stakes and devices
on chain, runs the key ceremony and feeds real meter data. Shows every window until Ctrl-C;
a second start goes on where the first stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from deploy.demo import files, ground
from deploy.demo.charges import CHARGES, Charge, Proof
from deploy.demo.meters import Meters
from deploy.demo.plan import OPERATORS, Plan, load_or_make
from deploy.demo.processes import ROOT, Child, StartFailed, node_program, start
from deploy.demo.trial import NotCaught, Trial
from deploy.demo.view import View

FEED_RETRY_S = 1.0
TRIAL_S = 240.0
"""From the nodes' start; a ceremony, the deed, its discovery and the chain's answer fit in."""


def main() -> int:
    """Run the demo; the exit code."""
    options = _options()
    view = View()
    try:
        return asyncio.run(_run(options, view))
    except (StartFailed, OSError) as cause:
        sys.stderr.write(f"demo: {cause}\n")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--windows", type=int, default=0, help="stop after so many windows on chain; 0: never"
    )
    parser.add_argument(
        "--state", type=Path, default=ROOT / ".wattest" / "demo", help="where everything is kept"
    )
    parser.add_argument("--window-s", type=int, default=5, help="window length of a new demo, seconds")
    parser.add_argument("--block-ms", type=int, default=500, help="time between the devnet's blocks")
    parser.add_argument(
        "--adversary",
        choices=sorted(CHARGES),
        metavar="NAME",
        help="with a traitor, who must be caught and slashed: " + ", ".join(CHARGES),
    )
    parser.add_argument("--port", type=int, default=8480, help="the first node's API port; 0: any free ports")
    return parser.parse_args()


async def _run(options: argparse.Namespace, view: View) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plan = load_or_make(options.state, options.window_s, options.block_ms, options.port, int(time.time()))
    charge = CHARGES.get(options.adversary)
    running = asyncio.create_task(_demo(plan, options.windows, view, charge))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await running
    return 0


async def _demo(plan: Plan, windows: int, view: View, charge: Charge | None) -> int:
    governor, operators = ground.make_keys(plan)
    deployer = ground.deployer_of(governor)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(view)
        view.progress("starting the devnet and the broker")
        await stack.enter_async_context(_devnet(plan, ground.write_chain_genesis(plan, governor, operators)))
        await stack.enter_async_context(_broker(plan))
        laid = plan.folder / "ground-laid"
        if not laid.exists():
            await ground.lay(plan, governor, operators, view.progress)
            laid.touch()
        configurations = files.write_node_files(plan, deployer, operators)
        view.progress("starting four operators' nodes")
        for slot, path in enumerate(configurations):
            traitor = charge if charge is not None and slot in charge.traitors else None
            await stack.enter_async_context(_node(plan, slot, path, traitor))
        view.progress(f"key ceremony, then a window every {plan.window_s} s")
        view.foot = _how_to(plan)
        for line in view.foot:
            view.say(line)
        two_faced = charge is not None and charge.proof is Proof.METER
        async with asyncio.TaskGroup() as tasks:
            meters = tasks.create_task(Meters(plan, view.sent, two_faced=two_faced).run())
            following = tasks.create_task(_follow(plan, windows, view))
            if charge is not None:
                trial = Trial(plan, charge, governor, operators, deployer, view.tell)
                if not await _tried(trial, windows, view):
                    meters.cancel()
                    following.cancel()
                    return 1
            await following
            meters.cancel()
    view.console.print(f"{windows} windows are attested on chain. State is kept in {plan.folder}.")
    return 0


async def _tried(trial: Trial, windows: int, view: View) -> bool:
    """Whether the traitor was caught; a demo that counts its windows does not wait for ever."""
    try:
        async with asyncio.timeout(TRIAL_S if windows else None):
            await trial.run()
    except TimeoutError:
        view.tell(f"⚑ {trial.charge.name} was not caught within {TRIAL_S:g} s")
        return False
    except NotCaught as cause:
        view.tell(f"⚑ {trial.charge.name} was not caught: {cause}")
        return False
    view.tell(f"⚑ {trial.charge.name}: caught, and paid for")
    return True


def _how_to(plan: Plan) -> list[str]:
    api = plan.api(0)
    return [
        f"API of the first node: {api}   (others: {', '.join(plan.api(s) for s in range(1, OPERATORS))})",
        f"verify the newest window: .venv/bin/wattest verify latest --api {api} --chain {plan.devnet}",
    ]


async def _follow(plan: Plan, windows: int, view: View) -> None:
    """Listen to a node's feed, whichever answers, until enough windows are on chain."""
    done: set[int] = set()
    slot = 0
    while not windows or len(done) < windows:
        try:
            async for event in _feed(plan.api(slot)):
                view.happened(event)
                if event["event"] == "attested":
                    view.signed(event["window"], await _signers(plan.api(slot), event["height"]))
                if event["event"] == "on-chain" and event["kind"] == "window":
                    done.add(event["window"])
                if windows and len(done) >= windows:
                    return
        except (aiohttp.ClientError, TimeoutError, OSError):
            slot = (slot + 1) % OPERATORS
        await asyncio.sleep(FEED_RETRY_S)


async def _feed(api: str) -> AsyncIterator[dict[str, Any]]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{api}/v1/feed") as answer:
        answer.raise_for_status()
        async for raw in answer.content:
            if raw.startswith(b"data: {"):
                yield json.loads(raw.removeprefix(b"data: "))


async def _signers(api: str, height: int) -> list[int]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{api}/v1/attestations/{height}") as answer,
    ):
        content = await answer.json()
        return [signer["slot"] for signer in content["certificate"]["signers"] if signer.get("signed", True)]


@contextlib.asynccontextmanager
async def _devnet(plan: Plan, genesis: Path) -> AsyncIterator[Child]:
    node = node_program()
    folder = ROOT / "deploy" / "devnet"
    if not (folder / "node_modules").exists():
        raise StartFailed("the devnet's packages are not installed: run `make setup`")
    command: list[str | Path] = [
        node,
        folder / "server.mjs",
        *("--port", str(plan.devnet_port), "--state", plan.folder / "devnet"),
        *("--genesis", genesis, "--block-ms", str(plan.block_ms)),
    ]
    async with _child("devnet", command, plan) as child:
        yield child


@contextlib.asynccontextmanager
async def _broker(plan: Plan) -> AsyncIterator[Child]:
    command: list[str | Path] = [sys.executable, "-m", "deploy.broker"]
    command += ["--port", str(plan.broker_port), "--state", plan.folder / "broker"]
    async with _child("broker", command, plan) as child:
        yield child


@contextlib.asynccontextmanager
async def _node(plan: Plan, slot: int, path: Path, charge: Charge | None) -> AsyncIterator[Child]:
    command: list[str | Path] = [sys.executable, "-m", "oracle", "run", "--config", path]
    if charge is not None:
        command = [sys.executable, "-m", "deploy.demo.traitor", charge.name, "--config", path]
    async with _child(f"operator-{slot + 1}", command, plan) as child:
        yield child


@contextlib.asynccontextmanager
async def _child(name: str, command: list[str | Path], plan: Plan) -> AsyncIterator[Child]:
    child = await start(name, command, plan.folder / "logs" / f"{name}.log")
    try:
        yield child
    finally:
        await child.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.SubprocessError as cause:
        sys.stderr.write(f"demo: {cause}\n")
        sys.exit(1)

"""A devnet of the story's own: its blocks, its clock, and accounts that sign transactions.

Decides when blocks are mined: one for each transaction, and as many as it takes when the
story waits. Knows no contract.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import coincurve

from consensus.encoding import Ok, Principal
from consensus.model import Rejected
from deploy.demo.processes import ROOT, node_program, start
from oracle.chain.address import TESTNET, account_text, address_of
from oracle.chain.answers import TransactionState
from oracle.chain.calls import ContractRefused, PublicCall, responded
from oracle.chain.client import StacksClient
from oracle.chain.transaction import serialise, serialise_payload, sign, txid_of, unsigned

T = TypeVar("T")
FUNDS_USTX: Final = 10_000_000_000
"""What everybody has at the start: 10,000 STX."""
BLOCK_S: Final = 10
"""Chain time that a block takes."""
BURN_BLOCK_S: Final = 600
"""The same of a block that also tells of a Bitcoin block."""
_FEE_USTX_PER_BYTE: Final = 2
_ENVELOPE_BYTES: Final = 300


class StoryBroken(Exception):  # noqa: N818 - it states a fact
    """What happened on the chain is not what the story tells."""


@dataclass(slots=True)
class Chain:
    """A running devnet that mines when it is told to."""

    client: StacksClient
    url: str
    _session: aiohttp.ClientSession

    async def mine(self, blocks: int = 1, *, burn: bool = False) -> int:
        """Mine; gives the chain's time after it."""
        body = {"blocks": blocks, "burn": burn}
        async with self._session.post(f"{self.url}/devnet/mine", json=body) as answer:
            return _time_s(await answer.json())

    async def now_s(self) -> int:
        """The chain's time, UTC seconds: what contracts see."""
        async with self._session.get(f"{self.url}/devnet/health") as answer:
            return _time_s(await answer.json())

    async def wait_until(self, time_s: int) -> None:
        """Let chain time pass: `time_s` is not in the future afterwards."""
        left = time_s - await self.now_s()
        if left >= BURN_BLOCK_S:
            left = time_s - await self.mine(left // BURN_BLOCK_S, burn=True)
        if left > 0:
            await self.mine(-(-left // BLOCK_S))

    @asynccontextmanager
    async def mining(self) -> AsyncIterator[None]:
        """Blocks come by themselves until the end, for what waits for its own transactions."""

        async def mine() -> None:
            while True:
                await self.mine()
                await asyncio.sleep(0.01)

        running = asyncio.create_task(mine())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@dataclass(slots=True)
class Account:
    """Somebody with a key, whose transactions go out one after the other."""

    name: str
    chain: Chain
    key: coincurve.PrivateKey = field(repr=False)
    fees_ustx: int = 0
    """What the account's transactions have paid so far, refused ones too."""
    _nonce: int = 0

    @property
    def address(self) -> Principal:
        """The account on chain."""
        return address_of(self.key.public_key, TESTNET)

    async def call(self, call: PublicCall[T]) -> T:
        """Sign the call, send it, have it mined; raises ContractRefused with the contract's reason."""
        size = len(serialise_payload(call.payload)) + _ENVELOPE_BYTES
        made = unsigned(
            TESTNET,
            self.key.public_key,
            call.payload,
            nonce=self._nonce,
            fee_ustx=size * _FEE_USTX_PER_BYTE,
            mode=call.post.mode,
            post_conditions=call.post.conditions,
        )
        raw = serialise(sign(made, self.key))
        taken = await self.chain.client.broadcast(raw)
        if isinstance(taken, Rejected):
            raise StoryBroken(f"no node takes {self.name}'s {call.payload.function}: {taken}")
        self._nonce += 1
        self.fees_ustx += made.fee_ustx
        await self.chain.mine()
        status = await self.chain.client.transaction_status(txid_of(raw))
        if not status.state.mined:
            raise StoryBroken(f"{self.name}'s {call.payload.function} is in no block")
        if status.state is TransactionState.ABORTED and isinstance(status.result, Ok):
            raise ContractRefused(f"{call.payload.function} moves something that its sender did not allow")
        return responded(call.read)(status.result)

    async def balance_ustx(self) -> int:
        """What the account holds, with the fees it has paid added again."""
        return (await self.chain.client.account(self.address)).balance_ustx + self.fees_ustx

    async def after_outbox(self) -> None:
        """Take the nonce from the chain: something else has sent for this account."""
        self._nonce = (await self.chain.client.account(self.address)).nonce


def key_of(name: str) -> coincurve.PrivateKey:
    """The key of a story's person; made of the name, so that a story is the same each time."""
    return coincurve.PrivateKey(hashlib.sha256(f"wattest story: {name}".encode()).digest())


@asynccontextmanager
async def devnet(folder: Path, rich: Sequence[Principal]) -> AsyncIterator[Chain]:
    """A devnet in `folder` on a free port, on which these accounts have money."""
    genesis = folder / "genesis.json"
    await asyncio.to_thread(
        genesis.write_text, json.dumps({account_text(address): FUNDS_USTX for address in rich})
    )
    command: list[str | Path] = [node_program(), ROOT / "deploy" / "devnet" / "server.mjs"]
    command += ["--port", "0", "--block-ms", "0", "--state", folder / "devnet", "--genesis", genesis]
    async with AsyncExitStack() as stack:
        child = await start("devnet", command, folder / "devnet.log")
        stack.push_async_callback(child.stop)
        url = f"http://127.0.0.1:{child.ready['port']}"
        client = await stack.enter_async_context(StacksClient((url,)))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Chain(client, url, session)


def _time_s(answer: dict[str, Any]) -> int:
    return int(answer["time_s"])

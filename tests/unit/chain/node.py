"""A small Stacks node for tests: real HTTP, a chain that moves only when told to.

It takes what a node takes (one transaction a nonce, replacement for a higher fee, a minimum
fee) and does on request what a node may do at any time: refuse, lose its mempool, lose
blocks, hang, answer nonsense. It runs no Clarity.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from consensus.encoding import Err, Ok, Value, encode
from oracle.chain.address import principal_text
from oracle.chain.transaction import ContractDeploy, Transaction, parse, txid_of, verify


class Node:
    def __init__(self) -> None:
        self.url = ""
        self.blocks: list[list[bytes]] = [[]]
        self.fork = 0
        self.mempool: dict[int, bytes] = {}
        self.foreign: set[int] = set()
        """Nonces that a transaction we did not make has used."""
        self.received: list[bytes] = []
        self.refuse: dict[str, Any] = {}
        """A refusal for every transaction, if not empty."""
        self.refuse_when: Any = None
        self.away = False
        self.hang = False
        self.lose_answers = False
        """Takes transactions, and breaks the connection instead of answering."""
        self.raw_answer: bytes | None = None
        self.fee_minimum = 180
        self.estimates = (200, 400, 800)
        self.aborting: set[str] = set()
        self.results: dict[str, Ok | Err] = {}
        """What a transaction's call answers; an error aborts it."""
        self.reads: dict[str, Value] = {}
        self.read_requests = 0

    # The chain

    @property
    def mined(self) -> list[bytes]:
        return [raw for block in self.blocks for raw in block]

    @property
    def nonce(self) -> int:
        nonce = 0
        used = {parse(raw).nonce for raw in self.mined} | self.foreign
        while nonce in used:
            nonce += 1
        return nonce

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            taken = []
            nonce = self.nonce
            while nonce in self.mempool:
                taken.append(self.mempool.pop(nonce))
                nonce += 1
            self.blocks.append(taken)

    def mine_foreign(self) -> None:
        """Somebody else with our key uses the next nonce."""
        nonce = self.nonce
        self.mempool.pop(nonce, None)
        self.foreign.add(nonce)
        self.blocks.append([])

    def lose_blocks(self, depth: int) -> None:
        """A reorganisation to a fork of the same length without these transactions."""
        del self.blocks[-depth:]
        self.blocks += [[] for _ in range(depth)]
        self.fork += 1

    def transactions(self, which: list[bytes] | None = None) -> list[Transaction]:
        return [parse(raw) for raw in (self.mined if which is None else which)]

    # HTTP

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._moods], client_max_size=4 << 20)
        app.router.add_get("/v2/info", self._info)
        app.router.add_get("/v2/accounts/{principal}", self._account)
        app.router.add_post("/v2/transactions", self._transactions)
        app.router.add_post("/v2/fees/transaction", self._fees)
        app.router.add_get("/v2/fees/transfer", self._rate)
        app.router.add_get("/extended/v1/tx/{txid}", self._status)
        app.router.add_get("/v2/contracts/source/{address}/{name}", self._source)
        app.router.add_post("/v2/contracts/call-read/{address}/{name}/{function}", self._read)
        app.router.add_get("/v2/data_var/{address}/{name}/{variable}", self._read)
        app.router.add_post("/v2/map_entry/{address}/{name}/{function}", self._read)
        return app

    @web.middleware
    async def _moods(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.hang:
            await asyncio.sleep(3600)
        if self.away:
            return web.Response(status=503)
        if self.raw_answer is not None:
            return web.Response(body=self.raw_answer)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _info(self, _request: web.Request) -> web.Response:
        height = len(self.blocks)
        return web.json_response(
            {
                "network_id": 0x80000000,
                "stacks_tip_height": height,
                "stacks_tip": f"{self.fork}-{height}",
                "burn_block_height": 100,
            }
        )

    async def _account(self, _request: web.Request) -> web.Response:
        return web.json_response({"nonce": self.nonce, "balance": hex(10**12), "locked": "0x" + "00" * 16})

    async def _transactions(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.received.append(raw)
        refusal = self._refusal(raw)
        if refusal:
            return web.json_response(
                {"error": "transaction rejected", "txid": txid_of(raw)} | refusal, status=400
            )
        self.mempool[parse(raw).nonce] = raw
        if self.lose_answers and request.transport is not None:
            request.transport.abort()
        return web.json_response(txid_of(raw))

    def _refusal(self, raw: bytes) -> dict[str, Any]:
        transaction = parse(raw)
        if not verify(transaction):
            return {"reason": "SignatureValidation"}
        if self.refuse and (self.refuse_when is None or self.refuse_when(transaction)):
            return self.refuse
        if transaction.nonce < self.nonce:
            return {"reason": "BadNonce", "reason_data": {"expected": self.nonce}}
        if transaction.fee_ustx < self.fee_minimum:
            return {"reason": "FeeTooLow", "reason_data": {"expected": self.fee_minimum}}
        rival = self.mempool.get(transaction.nonce)
        if rival is not None and rival != raw and parse(rival).fee_ustx >= transaction.fee_ustx:
            return {"reason": "ConflictingNonceInMempool"}
        return {}

    async def _fees(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert bytes.fromhex(body["transaction_payload"])
        return web.json_response({"estimations": [{"fee": fee, "fee_rate": 1.5} for fee in self.estimates]})

    async def _rate(self, _request: web.Request) -> web.Response:
        return web.json_response(1)

    async def _status(self, request: web.Request) -> web.Response:
        wanted = request.match_info["txid"].removeprefix("0x")
        for height, block in enumerate(self.blocks, start=1):
            if wanted in [txid_of(raw) for raw in block]:
                usual = Err(7) if wanted in self.aborting else Ok(True)
                answer = self.results.get(wanted, usual)
                aborted, result = isinstance(answer, Err), "0x" + encode(answer).hex()
                status = "abort_by_response" if aborted else "success"
                return web.json_response(
                    {"tx_status": status, "block_height": height, "tx_result": {"hex": result}}
                )
        if wanted in [txid_of(raw) for raw in self.mempool.values()]:
            return web.json_response({"tx_status": "pending"})
        return web.json_response({"error": "not found"}, status=404)

    async def _source(self, request: web.Request) -> web.Response:
        for transaction in self.transactions():
            payload = transaction.payload
            same = principal_text(transaction.sender) == request.match_info["address"]
            if isinstance(payload, ContractDeploy) and same and payload.name == request.match_info["name"]:
                return web.json_response({"source": payload.source, "publish_height": 1})
        return web.json_response({"error": "No contract source data found"}, status=404)

    async def _read(self, request: web.Request) -> web.Response:
        self.read_requests += 1
        name = request.match_info.get("function") or request.match_info["variable"]
        if "call-read" not in request.path:
            if name not in self.reads:
                return web.Response(status=404, text="not found")
            return web.json_response({"data": "0x" + encode(self.reads[name]).hex()})
        if name not in self.reads:
            return web.json_response({"okay": False, "cause": "Unchecked(UndefinedFunction)"})
        return web.json_response({"okay": True, "result": "0x" + encode(self.reads[name]).hex()})


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[Node]:
    runner = web.AppRunner(node.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield node
    finally:
        await runner.cleanup()


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()

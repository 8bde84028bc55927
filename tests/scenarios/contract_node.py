"""A Stacks node with our contracts, as far as a reporter sees them: over real HTTP, with forks.

What the contracts hold follows from the transactions in its blocks, so that a
reorganisation takes it back. No certificate is checked: that is the contracts' matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from consensus.encoding import Principal, Some, Value, decode, encode
from consensus.model import Genesis
from oracle.chain.address import contract_of, principal_text
from oracle.chain.transaction import ContractCall, parse, txid_of
from tests.unit.chain.node import Node

DEPLOYER = Principal(26, bytes(20))


@dataclass(frozen=True)
class Call:
    """A contract call in a block."""

    txid: str
    function: str
    arguments: tuple[Value, ...]

    @property
    def window(self) -> tuple[int, int]:
        body = self.arguments[2]
        assert isinstance(body, Mapping)
        window, revision = body["window"], body["revision"]
        assert isinstance(window, int)
        assert isinstance(revision, int)
        return window, revision

    @property
    def height(self) -> int:
        assert isinstance(self.arguments[0], int)
        return self.arguments[0]


@dataclass
class Board:
    """What a scenario sets: the network, its devices, and what others did without a transaction."""

    genesis: Genesis | None = None
    devices: tuple[Mapping[str, Value], ...] = ()
    revision: int = 1
    epoch: int | None = None
    """None: what the activations in the blocks make it."""
    fits: bool = True
    """Whether the committee that an activation is of is the one that is proposed."""
    refuse_reads: bool = False
    said: dict[str, Value] = field(default_factory=dict)
    """Answers of functions that no call here changes."""


class ContractNode(Node):
    """The node; `calls` are those in its blocks, first to last."""

    def __init__(self, board: Board | None = None) -> None:
        super().__init__()
        self.board = board or Board()
        self.asked: list[str] = []

    @property
    def calls(self) -> list[Call]:
        found = []
        for raw in self.mined:
            payload = parse(raw).payload
            if isinstance(payload, ContractCall):
                found.append(Call(txid_of(raw), payload.function, tuple(payload.arguments)))
        return found

    @property
    def epoch(self) -> int:
        if self.board.epoch is not None:
            return self.board.epoch
        return int(any(call.function == "activate-epoch" for call in self.calls))

    @property
    def attested(self) -> dict[tuple[int, int], Call]:
        return {call.window: call for call in self.calls if call.function.startswith("submit-")}

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/extended/v1/tx/{txid}/raw", self._raw)
        app.router.add_get("/extended/v1/contract/{contract}/events", self._events)
        return app

    async def _raw(self, request: web.Request) -> web.Response:
        wanted = request.match_info["txid"].removeprefix("0x")
        for raw in [*self.mined, *self.mempool.values()]:
            if txid_of(raw) == wanted:
                return web.json_response({"raw_tx": "0x" + raw.hex()})
        return web.json_response({"error": "not found"}, status=404)

    async def _events(self, request: web.Request) -> web.Response:
        limit, offset = int(request.query["limit"]), int(request.query["offset"])
        found: list[dict[str, Any]] = []
        for call in reversed(list(self.attested.values())):
            topic = "window-attested" if call.function == "submit-window" else "window-voided"
            found.append(
                {
                    "event_type": "smart_contract_log",
                    "event_index": 0,
                    "tx_id": "0x" + call.txid,
                    "contract_log": {
                        "contract_id": principal_text(contract_of(DEPLOYER, "production-oracle")),
                        "value": {"hex": "0x" + encode({"topic": topic, "height": call.height}).hex()},
                    },
                }
            )
        return web.json_response({"results": found[offset : offset + limit]})

    async def _read(self, request: web.Request) -> web.Response:
        function = request.match_info.get("function", "")
        self.asked.append(function)
        arguments = [decode(bytes.fromhex(one[2:])) for one in (await request.json())["arguments"]]
        if self.board.refuse_reads:
            return web.json_response({"okay": False, "cause": "Unchecked(NoSuchContract)"})
        answer = self._answer(function, arguments)
        return web.json_response({"okay": True, "result": "0x" + encode(answer).hex()})

    def _answer(self, function: str, arguments: list[Value]) -> Value:
        genesis = self.board.genesis
        match function:
            case "get-network":
                return None if genesis is None else Some(genesis.network)
            case "get-window-length":
                return 0 if genesis is None else genesis.window_s
            case "get-proposed-epoch" if genesis is not None:
                keys = genesis.committee.node_keys
                return Some({"epoch": 1, "keys": keys, "operators": tuple(range(1, len(keys) + 1))})
            case "get-current-epoch":
                return self.epoch
            case "get-attestation":
                call = self.attested.get((arguments[0], arguments[1]))  # type: ignore[arg-type]
                if call is None:
                    return None
                return Some(
                    {
                        "digest": bytes(32),
                        "height": call.height,
                        "epoch": 1,
                        "signers": (True,) * 4,
                        "attested-at": 1_800_000_000,
                        "void": None,
                        "summary": None,
                    }
                )
            case "get-registry-revision":
                return self.board.revision
            case "get-device-count":
                return len(self.board.devices)
            case "get-devices":
                ids = arguments[0]
                assert isinstance(ids, tuple)
                return tuple(Some(self.board.devices[int(str(one)) - 1]) for one in ids)
            case _:
                return self.board.said.get(function)


@dataclass
class Clock:
    """Seconds that pass when the scenario says so."""

    now_s: float = 1_800_000_000
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now_s

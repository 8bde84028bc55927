"""Asks the chain: several endpoints where configured, and they must agree (C3).

Decides which answer counts. A read goes to every endpoint at once and is settled by the
first `agree` equal answers; a head is one that `agree` endpoints have reached; a broadcast
goes to all and is accepted where one accepts. Too few answers within the limits is
`ChainUnavailable`, which the caller retries later; a refused transaction is a value.
Paths under /v2 are the node's own; those under /extended are of the API in front of it.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import aiohttp

from consensus.encoding import Principal, Value, decode, encode
from consensus.model import InvariantBroken, Rejected, check
from oracle.chain import answers, panel
from oracle.chain.address import account_text, principal_text
from oracle.chain.answers import (
    Accepted,
    Account,
    ChainInfo,
    ContractEvent,
    FeeEstimate,
    MalformedAnswer,
    ReadAnswer,
    TransactionState,
    TransactionStatus,
)
from oracle.chain.calls import ReadCall
from oracle.chain.endpoint import Answer, ClientLimits, Endpoint, EndpointFailed
from oracle.chain.transaction import Payload, serialise_payload, txid_of

T = TypeVar("T")
EVENTS_MAX: Final = 100
"""A page of contract events."""
_OVERHEAD_BYTES: Final = 180
"""A signed transaction without its payload, rounded up: for estimating a fee."""


class CallRefused(Exception):  # noqa: N818 - it states what the chain said
    """A contract, function or variable that is not there, or a read that ended in an error."""


class StacksClient:
    """The chain as `agree` of the `endpoints` see it; use as an async context manager.

    Every method raises ChainUnavailable when too few endpoints answer alike in time.
    """

    def __init__(
        self, endpoints: tuple[str, ...], agree: int = 1, limits: ClientLimits | None = None
    ) -> None:
        check(1 <= agree <= len(endpoints) <= panel.ENDPOINTS_MAX, "1 <= agree <= endpoints <= 8")
        check(len(set(endpoints)) == len(endpoints), "endpoints are distinct")
        self._urls = endpoints
        self._agree = agree
        self._limits = limits or ClientLimits()
        self._session: aiohttp.ClientSession | None = None
        self._panel: panel.Panel | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit_per_host=self._limits.connections_max)
        # No cookies: an endpoint must not be able to tell two questions of ours together.
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        asked = tuple(Endpoint(url, self._session, self._limits) for url in self._urls)
        self._panel = panel.Panel(asked, self._agree, self._limits)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        self._panel = None

    async def info(self) -> ChainInfo:
        """The tip that `agree` endpoints have reached."""

        async def ask(endpoint: Endpoint) -> ChainInfo:
            return answers.info(_found(await endpoint.get("/v2/info")))

        return await self._open_panel().settle(ask, panel.reached)

    async def account(self, principal: Principal) -> Account:
        """Nonce and balance at the tip."""
        path = f"/v2/accounts/{principal_text(principal)}?proof=0"

        async def ask(endpoint: Endpoint) -> Account:
            return answers.account(_found(await endpoint.get(path)))

        return await self._open_panel().settle(ask, panel.equal)

    async def call_read_only(
        self, contract: Principal, function: str, arguments: tuple[Value, ...] = ()
    ) -> Value:
        """What a read-only function answers at the tip; CallRefused if it gives no value."""
        path = f"/v2/contracts/call-read/{_contract_path(contract)}/{quote(function, safe='')}"
        body = {
            "sender": account_text(contract),
            "arguments": [_hex(encode(argument)) for argument in arguments],
        }

        async def ask(endpoint: Endpoint) -> ReadAnswer:
            answer = await endpoint.post_json(path, body)
            return (
                ReadAnswer(None, "not found") if answer.status == 404 else answers.read_answer(_found(answer))
            )

        found = await self._open_panel().settle(ask, panel.equal)
        if found.result_bytes is None:
            raise CallRefused(f"{principal_text(contract)} {function}: {found.cause}")
        return decode(found.result_bytes)

    async def ask(self, call: ReadCall[T]) -> T:
        """A typed read-only call's answer at the tip.

        Raises CallRefused if the contract gives none, ContractRefused for an `err`, ContractMisread
        if it is of another type than the interface says.
        """
        return call.read(await self.call_read_only(call.contract, call.function, call.arguments))

    async def map_entry(self, contract: Principal, name: str, key: Value) -> Value:
        """A map's entry: `Some(…)`, or None; CallRefused if there is no such map."""
        path = f"/v2/map_entry/{_contract_path(contract)}/{quote(name, safe='')}?proof=0"

        async def ask(endpoint: Endpoint) -> bytes | None:
            answer = await endpoint.post_json(path, _hex(encode(key)))
            return None if answer.status == 404 else answers.data(_found(answer))

        return _value(await self._open_panel().settle(ask, panel.equal), contract, name)

    async def data_var(self, contract: Principal, name: str) -> Value:
        """A data variable; CallRefused if there is none of this name."""
        path = f"/v2/data_var/{_contract_path(contract)}/{quote(name, safe='')}?proof=0"

        async def ask(endpoint: Endpoint) -> bytes | None:
            answer = await endpoint.get(path)
            return None if answer.status == 404 else answers.data(_found(answer))

        return _value(await self._open_panel().settle(ask, panel.equal), contract, name)

    async def contract_source(self, contract: Principal) -> str | None:
        """The source as deployed, or None where no such contract is."""
        path = f"/v2/contracts/source/{_contract_path(contract)}?proof=0"

        async def ask(endpoint: Endpoint) -> str | None:
            answer = await endpoint.get(path)
            return None if answer.status == 404 else answers.source(_found(answer))

        return await self._open_panel().settle(ask, panel.equal)

    async def contract_interface(self, contract: Principal) -> dict[str, Any] | None:
        """The interface as JSON (functions, maps, variables), or None where no such contract is."""
        path = f"/v2/contracts/interface/{_contract_path(contract)}"

        async def ask(endpoint: Endpoint) -> str | None:
            answer = await endpoint.get(path)
            return None if answer.status == 404 else answers.interface(_found(answer))

        text = await self._open_panel().settle(ask, panel.equal)
        found: dict[str, Any] | None = None if text is None else json.loads(text)
        return found

    async def contract_events(
        self, contract: Principal, *, limit: int = 20, offset: int = 0
    ) -> tuple[ContractEvent, ...]:
        """A page of a contract's prints, newest first; `limit` is at most 100."""
        check(1 <= limit <= EVENTS_MAX and offset >= 0, "a page of 1 to 100 events")
        path = f"/extended/v1/contract/{principal_text(contract)}/events?limit={limit}&offset={offset}"

        async def ask(endpoint: Endpoint) -> tuple[ContractEvent, ...]:
            return answers.contract_events(_found(await endpoint.get(path)))

        return await self._open_panel().settle(ask, panel.equal)

    async def transaction_status(self, txid: str) -> TransactionStatus:
        """Where a transaction stands; mined only if `agree` endpoints say so, in the same block."""
        path = f"/extended/v1/tx/0x{txid}"

        async def ask(endpoint: Endpoint) -> TransactionStatus:
            answer = await endpoint.get(path)
            if answer.status == 404:
                return TransactionStatus(TransactionState.UNKNOWN)
            return answers.transaction_status(_found(answer))

        return await self._open_panel().settle(ask, panel.equal_status)

    async def raw_transaction(self, txid: str) -> bytes | None:
        """The signed bytes of a transaction, whoever sent it; None where it is not known."""
        path = f"/extended/v1/tx/0x{txid}/raw"

        async def ask(endpoint: Endpoint) -> bytes | None:
            answer = await endpoint.get(path)
            return None if answer.status == 404 else answers.raw_transaction(_found(answer))

        return await self._open_panel().settle(ask, panel.equal)

    async def fee_estimate(self, payload: Payload) -> FeeEstimate:
        """What a transaction with this payload should pay; not agreed on, so cap what you use."""
        body = serialise_payload(payload)
        length = len(body) + _OVERHEAD_BYTES

        async def ask(endpoint: Endpoint) -> FeeEstimate:
            question = {"transaction_payload": body.hex(), "estimated_len": length}
            answer = await endpoint.post_json("/v2/fees/transaction", question)
            if answer.status == 200:
                return answers.fee_estimate(answer.body)
            # A node without history of its own knows only the rate of a transfer.
            rate = answers.fee_rate(_found(await endpoint.get("/v2/fees/transfer")))
            return FeeEstimate(rate * length, rate * length, rate * length)

        return await self._open_panel().settle(ask, panel.median_fee)

    async def broadcast(self, raw: bytes) -> Accepted | Rejected:
        """Hand signed bytes to every endpoint; the same bytes again do no harm.

        `Rejected.reason` is a RejectReason; its detail is for the log.
        """
        txid = txid_of(raw)

        async def ask(endpoint: Endpoint) -> Accepted | Rejected:
            return _broadcast_answer(endpoint, await endpoint.post_bytes("/v2/transactions", raw), txid)

        return await self._open_panel().settle(ask, panel.taken)

    def _open_panel(self) -> panel.Panel:
        if self._panel is None:
            raise InvariantBroken("the client is used inside its context")
        return self._panel


def _broadcast_answer(endpoint: Endpoint, answer: Answer, txid: str) -> Accepted | Rejected:
    if answer.status == 200:
        if answers.broadcast_txid(answer.body) != txid:
            raise MalformedAnswer("another transaction's id")
        return Accepted(txid)
    if answer.status != 400:
        raise EndpointFailed(f"{endpoint.url}: HTTP {answer.status}")
    reason, detail = answers.reject_reason(answer.body)
    if reason.is_the_nodes_fault:
        raise EndpointFailed(f"{endpoint.url}: {reason.value} {detail}")
    return Rejected(reason, detail)


def _found(answer: Answer) -> bytes:
    if answer.status != 200:
        raise MalformedAnswer(f"HTTP {answer.status}")
    return answer.body


def _value(raw: bytes | None, contract: Principal, name: str) -> Value:
    if raw is None:
        raise CallRefused(f"{principal_text(contract)} {name}: not found")
    return decode(raw)


def _contract_path(contract: Principal) -> str:
    check(contract.contract_name, "a contract, not an account")
    return f"{account_text(contract)}/{contract.contract_name}"


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"

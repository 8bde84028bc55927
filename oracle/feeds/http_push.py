"""Records pushed over HTTP by whoever holds a token for their device.

Decides who may push what, how much and how fast, and answers 202 once a record is
durable (R1). Does not know what a record says.

    POST /v1/records/{device}     the record's bytes; ?format= where the roster has no entry
    POST /v1/records              a `records` frame, as nodes exchange it (`oracle.frames`)

A refusal is JSON with a `reason` from `FeedReason`, `RecordReason` or `StorageProblem`.
Tokens are known by their sha256 only, so they should be long and random:

    {"tokens": [{"source": "street-7", "sha256": "<64 hex>", "devices": [900, 901]}]}
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from aiohttp import web

from consensus.encoding import EncodingError, decode
from consensus.model import Network, Rejected
from oracle import frames
from oracle.feeds.formats import FORMATS, RecordReason
from oracle.feeds.intake import Accepted, Duplicate, FeedReason, Intake, Verdict
from oracle.model import Record, RecordHash
from oracle.storage.failure import StorageFailed

FEED: Final = "push"
ALL_DEVICES: Final = "*"
TOKENS_MAX: Final = 1000
"""Every request is compared with all of them."""
DEVICES_MAX: Final = 100_000
TEXT_MAX: Final = 128
_SHA256_HEX: Final = 64
_TOKEN_FIELDS: Final = {"source", "sha256", "devices"}
_NO_NETWORK: Final = Network(bytes(32))

Receipt: TypeAlias = Callable[[tuple[RecordHash, ...]], Awaitable[Mapping[str, object]]]
"""Gives the fields of a signed receipt over records that are durable (R7)."""


@dataclass(frozen=True, slots=True)
class PushLimits:
    """What one request, one token and all of them together may do."""

    body_bytes_max: int = frames.FRAME_BYTES_MAX
    bodies_max: int = 32
    """Bodies read and waiting for storage at once; together with the size, the memory they take."""
    body_s: float = 10.0
    take_s: float = 15.0
    requests_per_s: float = 50.0
    bytes_per_s: float = 4e6
    burst_s: float = 4.0
    retry_after_s: int = 5


@dataclass(frozen=True, slots=True)
class Token:
    """Whose token it is; `devices` None allows all."""

    source: str
    sha256: bytes = field(repr=False)
    devices: frozenset[int] | None

    def allows(self, device: int) -> bool:
        """Whether it may speak for a device."""
        return self.devices is None or device in self.devices


class TokenError(ValueError):
    """The token file is not sound; `faults` says all of it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of the file."""

    tokens: tuple[Token, ...]

    def holder(self, presented: str) -> Token | None:
        """Whose it is. Takes the same time for every token, whether there is one or not."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        found = None
        for token in self.tokens:
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found


def load_tokens(text: str) -> Tokens:
    """Read the token file. Raises TokenError with every fault."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise TokenError(["the token file is not JSON"]) from cause
    rows = document.get("tokens") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) > TOKENS_MAX:
        raise TokenError([f'the token file is not an object with a list "tokens" of at most {TOKENS_MAX}'])
    faults: list[str] = []
    tokens = [token for at, row in enumerate(rows) if (token := _token(row, f"tokens[{at}]", faults))]
    faults += [
        f"a {what} stands twice"
        for what in ("source", "sha256")
        if len({getattr(token, what) for token in tokens}) < len(tokens)
    ]
    if faults:
        raise TokenError(faults)
    return Tokens(tuple(tokens))


def routes(
    intake: Intake, tokens: Tokens, limits: PushLimits, receipt: Receipt | None = None
) -> list[web.RouteDef]:
    """The routes, for the node's application; `receipt` signs what is durable."""
    push = _Push(intake, tokens, limits, receipt)
    return [web.post("/v1/records/{device:[0-9]{1,19}}", push.one), web.post("/v1/records", push.many)]


class _Refused(Exception):  # noqa: N818 - it states a fact
    """Leaves a handler in the middle; becomes its answer."""

    def __init__(self, status: int, reason: Enum, detail: str = "", retry_after_s: int = 0) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.status = status
        self.retry_after_s = retry_after_s
        self.body = {"reason": str(reason.value), **({"detail": detail} if detail else {})}

    def answer(self) -> web.Response:
        """The response; one that did not read the body ends the connection."""
        headers = {"Retry-After": str(self.retry_after_s)} if self.retry_after_s else {}
        if self.status == web.HTTPUnauthorized.status_code:
            headers["WWW-Authenticate"] = "Bearer"
        return web.json_response(self.body, status=self.status, headers=headers)


class _Push:
    def __init__(self, intake: Intake, tokens: Tokens, limits: PushLimits, receipt: Receipt | None) -> None:
        self._intake = intake
        self._tokens = tokens
        self._limits = limits
        self._receipt = receipt
        self._rates: dict[str, _Rate] = {}
        self._bodies = 0

    async def one(self, request: web.Request) -> web.Response:
        """A record whose device is in the path."""
        return await self._answered(self._one, request)

    async def many(self, request: web.Request) -> web.Response:
        """A frame of records."""
        return await self._answered(self._many, request)

    async def _answered(
        self, handle: Callable[[web.Request], Awaitable[web.Response]], request: web.Request
    ) -> web.Response:
        if self._bodies >= self._limits.bodies_max:
            return self._counted(self._backlog())
        self._bodies += 1
        try:
            return await handle(request)
        except _Refused as refused:
            return self._counted(refused)
        except StorageFailed as failure:
            return _Refused(503, failure.problem, retry_after_s=self._limits.retry_after_s).answer()
        finally:
            self._bodies -= 1

    async def _one(self, request: web.Request) -> web.Response:
        token = self._authenticated(request)
        device = int(request.match_info["device"])
        if not token.allows(device):
            raise _Refused(403, FeedReason.DEVICE_NOT_ALLOWED)
        format_name = self._format(device, request.query.get("format", ""))
        data = await self._body(request, token)
        record = Record(format_name, device, data)
        verdict = (await self._taken([record]))[0]
        if isinstance(verdict, Rejected):
            return web.json_response(_told(record, verdict), status=422)
        return web.json_response({**_told(record, verdict), **await self._signed([record])}, status=202)

    async def _many(self, request: web.Request) -> web.Response:
        token = self._authenticated(request)
        records = _records(await self._body(request, token))
        allowed = [record for record in records if token.allows(record.source)]
        answers = dict(zip(allowed, await self._taken(allowed), strict=True))
        refused = Rejected(FeedReason.DEVICE_NOT_ALLOWED)
        for _ in range(len(records) - len(allowed)):
            self._intake.counters.reject(FEED, FeedReason.DEVICE_NOT_ALLOWED)
        told = [_told(record, answers.get(record, refused)) for record in records]
        durable = [record for record in allowed if not isinstance(answers[record], Rejected)]
        fields = await self._signed(durable) if durable else {}
        return web.json_response({"records": told, **fields}, status=202 if durable else 422)

    def _authenticated(self, request: web.Request) -> Token:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented:
            raise _Refused(401, FeedReason.TOKEN_MISSING)
        token = self._tokens.holder(presented.strip())
        if token is None:
            raise _Refused(401, FeedReason.TOKEN_UNKNOWN)
        return token

    def _format(self, device: int, named: str) -> str:
        entry = self._intake.roster.entry(device)
        if entry is not None and (not named or named == entry.format):
            return entry.format
        if entry is not None:
            raise _Refused(422, RecordReason.WRONG_FORMAT, f"roster says {entry.format}")
        if named not in FORMATS:
            raise _Refused(422, FeedReason.FORMAT_UNNAMED)
        return named

    async def _body(self, request: web.Request, token: Token) -> bytes:
        """The body, once it is known that it may come: its size, the token's rate, room for it."""
        most = self._limits.body_bytes_max
        if (request.content_length or 0) > most:
            raise _Refused(413, FeedReason.OVERSIZE, f"at most {most} bytes")
        if self._intake.full:
            raise self._backlog()
        rate = self._rates.setdefault(token.source, _Rate(self._limits))
        now_s = asyncio.get_running_loop().time()
        wait_s = rate.wait_s(now_s)
        if wait_s > 0:
            raise _Refused(429, FeedReason.RATE_EXCEEDED, retry_after_s=int(wait_s) + 1)
        data = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_s):
                async for chunk in request.content.iter_any():
                    data += chunk
                    if len(data) > most:
                        raise _Refused(413, FeedReason.OVERSIZE, f"at most {most} bytes")
        except TimeoutError as cause:
            raise _Refused(408, FeedReason.BODY_INCOMPLETE) from cause
        finally:
            rate.spend(len(data))
        if not data:
            raise _Refused(422, RecordReason.EMPTY)
        return bytes(data)

    async def _taken(self, records: Sequence[Record]) -> tuple[Verdict, ...]:
        try:
            async with asyncio.timeout(self._limits.take_s):
                return await self._intake.take(records, exchanged=False)
        except TimeoutError as cause:
            raise self._backlog() from cause

    async def _signed(self, records: Sequence[Record]) -> Mapping[str, object]:
        if self._receipt is None:
            return {}
        return await self._receipt(tuple(record.hash for record in records))

    def _backlog(self) -> _Refused:
        return _Refused(503, FeedReason.BACKLOG_FULL, retry_after_s=self._limits.retry_after_s)

    def _counted(self, refused: _Refused) -> web.Response:
        self._intake.counters.reject(FEED, refused.reason)
        return refused.answer()


class _Rate:
    """A token's two buckets, requests and bytes; a request is let in, then paid for."""

    def __init__(self, limits: PushLimits) -> None:
        self._per_s = (limits.requests_per_s, limits.bytes_per_s)
        self._full = tuple(per_s * limits.burst_s for per_s in self._per_s)
        self._left = list(self._full)
        self._at_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """How long to wait before the next request; 0 lets it in."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        for at, per_s in enumerate(self._per_s):
            self._left[at] = min(self._full[at], self._left[at] + passed_s * per_s)
        return max(-(left - 1) / per_s for left, per_s in zip(self._left, self._per_s, strict=True))

    def spend(self, size_bytes: int) -> None:
        """Pay for a request."""
        self._left[0] -= 1
        self._left[1] -= size_bytes


def _told(record: Record, verdict: Verdict) -> dict[str, object]:
    told: dict[str, object] = {"record": record.hash.hex(), "bytes": len(record.data)}
    match verdict:
        case Accepted(readings):
            return {**told, "status": "accepted", "durable": True, "readings": readings}
        case Duplicate():
            return {**told, "status": "duplicate", "durable": True}
        case Rejected():
            detail = {"detail": verdict.detail} if verdict.detail else {}
            return {**told, "status": "rejected", "reason": str(verdict.reason.value), **detail}


def _records(body: bytes) -> tuple[Record, ...]:
    try:
        value = decode(body)
    except EncodingError as cause:
        raise _Refused(400, FeedReason.NOT_A_LIST, str(cause)) from cause
    if not isinstance(value, Mapping) or value.get("topic") != "records":  # other frames need a committee
        raise _Refused(400, FeedReason.NOT_A_LIST, "topic")
    message = frames.parse(body, _NO_NETWORK, {})
    if not isinstance(message, frames.Records) or not message.records:
        raise _Refused(400, FeedReason.NOT_A_LIST)
    return message.records


def _token(row: object, place: str, faults: list[str]) -> Token | None:
    if not isinstance(row, dict) or set(row) != _TOKEN_FIELDS:
        faults.append(f"{place} has not the fields {', '.join(sorted(_TOKEN_FIELDS))}")
        return None
    before = len(faults)
    source, digest, devices = row["source"], row["sha256"], row["devices"]
    if not isinstance(source, str) or not 0 < len(source) <= TEXT_MAX:
        faults.append(f"{place}.source is no name")
    if (
        not isinstance(digest, str)
        or len(digest) != _SHA256_HEX
        or not set(digest) <= set("0123456789abcdef")
    ):
        faults.append(f"{place}.sha256 is not 64 hex digits")
    if devices != ALL_DEVICES and not _is_devices(devices):
        faults.append(f'{place}.devices is neither "{ALL_DEVICES}" nor a list of device ids')
    if len(faults) > before:
        return None
    return Token(source, bytes.fromhex(digest), None if devices == ALL_DEVICES else frozenset(devices))


def _is_devices(devices: object) -> bool:
    return (
        isinstance(devices, list)
        and 0 < len(devices) <= DEVICES_MAX
        and all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in devices)
    )

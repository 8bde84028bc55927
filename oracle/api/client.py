"""Asks any node for attestations and bundles, for `wattest export` and `wattest verify`.

Believes nothing: what comes back is bounded in size and time, and has to be verified by
whoever asked. Every way to fail has a name.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import aiohttp

from oracle.audit.document import MAGIC, nests_too_deep
from oracle.audit.parts import SignedPart

JSON_BYTES_MAX: Final = 16 << 20
BUNDLE_BYTES_MAX: Final = 256 << 20
CHUNK_BYTES: Final = 1 << 16
ERROR_BYTES_MAX: Final = 4096


class FetchProblem(Enum):
    """Why there is nothing to verify."""

    BAD_URL = "bad-url"
    """The address is no http or https URL: correct it."""
    UNREACHABLE = "unreachable"
    """Nobody listens there, or the name or the certificate is wrong."""
    TIMEOUT = "timeout"
    """The node takes too long: try another one."""
    TOO_LARGE = "too-large"
    """More bytes than were asked for: raise the limit, or distrust the node."""
    NOT_FOUND = "not-found"
    """The node does not have it; the detail says what it misses."""
    REFUSED = "refused"
    """The node gave an error; the detail is its word."""
    NOT_A_NODE = "not-a-node"
    """Something answers, and it is no Wattest node."""


class FetchFailed(Exception):  # noqa: N818 - it states a fact
    """Nothing usable came back."""

    def __init__(self, problem: FetchProblem, detail: str) -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Deadlines in seconds, sizes in bytes."""

    connect_s: float = 5.0
    json_s: float = 20.0
    bundle_s: float = 180.0
    json_bytes_max: int = JSON_BYTES_MAX
    bundle_bytes_max: int = BUNDLE_BYTES_MAX


class NodeClient:
    """One node's API at `url`; an async context manager. Every method raises FetchFailed."""

    def __init__(self, url: str, limits: ClientLimits | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise FetchFailed(FetchProblem.BAD_URL, url)
        self._base = url.rstrip("/")
        self._limits = limits or ClientLimits()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect_s)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=True)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def attestation(self, reference: str) -> dict[str, Any]:
        """One entry: `latest`, a height or `window:<start>`."""
        return await self._json(f"/v1/attestations/{quote(reference, safe=':')}", {})

    async def bundle(self, reference: str) -> bytes:
        """The export file of one entry; then verify it."""
        limits = self._limits
        path = f"/v1/attestations/{quote(reference, safe=':')}/bundle"
        data = await self._get(path, {}, limits.bundle_bytes_max, limits.bundle_s)
        if not data.startswith(MAGIC):
            raise FetchFailed(FetchProblem.NOT_A_NODE, "what came is no bundle")
        return data

    async def evidence(self) -> list[dict[str, Any]]:
        """What the node holds against members, newest first."""
        rows = (await self._json("/v1/evidence", {})).get("evidence")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FetchFailed(FetchProblem.NOT_A_NODE, "no list of evidence")
        return rows

    async def evidence_file(self, digest: str) -> bytes:
        """One evidence file by its sha256; then verify it."""
        limits = self._limits
        path = f"/v1/evidence/{quote(digest, safe='')}"
        return await self._get(path, {}, limits.json_bytes_max, limits.json_s)

    async def explanation(self, window: str) -> dict[str, Any]:
        """How a window went at this node: `latest`, a height, or a time in UTC seconds."""
        return await self._json(f"/v1/windows/{quote(window, safe='')}/explanation", {})

    async def committee(self) -> dict[str, Any]:
        """The committee, as this node has it."""
        return await self._json("/v1/committee", {})

    async def health(self) -> dict[str, Any]:
        """How the node is, also when it is failing."""
        return await self._json("/v1/health", {}, also=(503,))

    async def log(self, after: int = 0, page: int = 200) -> AsyncIterator[SignedPart]:
        """Every entry above a height, oldest first, for the verification of the whole history."""
        cursor: int | None = after
        while cursor is not None:
            query = {"order": "oldest", "cursor": str(cursor), "limit": str(page)}
            content = await self._json("/v1/attestations", query)
            try:
                parts = [_signed_part(row) for row in content["attestations"]]
                following = content["next_cursor"]
            except (KeyError, TypeError, ValueError) as cause:
                raise FetchFailed(FetchProblem.NOT_A_NODE, "no list of attestations") from cause
            if following is not None and (not isinstance(following, int) or following <= cursor):
                raise FetchFailed(FetchProblem.NOT_A_NODE, "the cursor does not advance")
            for part in parts:
                yield part
            cursor = following

    async def _json(self, path: str, query: Mapping[str, str], also: tuple[int, ...] = ()) -> dict[str, Any]:
        limits = self._limits
        data = await self._get(path, query, limits.json_bytes_max, limits.json_s, also)
        if nests_too_deep(data):
            raise FetchFailed(FetchProblem.NOT_A_NODE, "the answer is nested too deeply")
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as cause:
            raise FetchFailed(FetchProblem.NOT_A_NODE, "the answer is no JSON") from cause
        if not isinstance(content, dict):
            raise FetchFailed(FetchProblem.NOT_A_NODE, "the answer is no JSON object")
        return content

    async def _get(
        self,
        path: str,
        query: Mapping[str, str],
        bytes_max: int,
        deadline_s: float,
        also: tuple[int, ...] = (),
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("a client is used inside its context")
        timeout = aiohttp.ClientTimeout(total=deadline_s, sock_connect=self._limits.connect_s)
        try:
            async with self._session.get(
                self._base + path, params=query, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200 and response.status not in also:
                    raise _refusal(response.status, await _body(response, ERROR_BYTES_MAX))
                return await _body(response, bytes_max)
        except TimeoutError as cause:
            raise FetchFailed(FetchProblem.TIMEOUT, f"no answer within {deadline_s:g} s") from cause
        except aiohttp.ClientConnectorError as cause:
            raise FetchFailed(FetchProblem.UNREACHABLE, str(cause)) from cause
        except (aiohttp.ClientError, OSError) as cause:
            raise FetchFailed(FetchProblem.NOT_A_NODE, str(cause) or type(cause).__name__) from cause


async def _body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """At most so many bytes, counted after decompression."""
    data = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        data += chunk
        if len(data) > bytes_max:
            raise FetchFailed(FetchProblem.TOO_LARGE, f"more than {bytes_max} bytes")
    return bytes(data)


def _refusal(status: int, body: bytes) -> FetchFailed:
    try:
        content = json.loads(body)
        detail = f"{content['error']}: {content['detail']} {content['what_to_do']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return FetchFailed(FetchProblem.NOT_A_NODE, f"HTTP status {status}")
    printable = "".join(letter if letter.isprintable() else " " for letter in detail)
    return FetchFailed(FetchProblem.NOT_FOUND if status == 404 else FetchProblem.REFUSED, printable)


def _signed_part(row: Mapping[str, Any]) -> SignedPart:
    signature = row["signature"]
    return SignedPart(
        bytes.fromhex(row["bytes"]["entry"]),
        bytes.fromhex(row["bytes"]["certificate"]),
        b"" if signature is None else bytes.fromhex(signature),
    )

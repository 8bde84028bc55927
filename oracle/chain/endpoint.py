"""One node's HTTP: bounded in time and size, every failure an `EndpointFailed`.

Knows no meaning of a path; `client` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp


class ChainUnavailable(Exception):  # noqa: N818 - it states a fact an operator reads
    """The world failed: no endpoint, or too few, gave an answer in time."""


class ChainDisagrees(ChainUnavailable):
    """Endpoints answered, and too few of them the same (C3)."""


class EndpointFailed(ChainUnavailable):
    """One endpoint: not reached, too slow, too long, or not making sense."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What one call may take. `attempts` counts the first one; waits between them double."""

    deadline_s: float = 10.0
    attempts: int = 3
    wait_s: float = 0.25
    wait_max_s: float = 4.0
    response_bytes_max: int = 4 * 1024 * 1024
    connections_max: int = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that arrived whole."""

    status: int
    body: bytes


class Endpoint:
    """A node at `url`; the session is shared and closed by its owner."""

    __slots__ = ("_limits", "_session", "url")

    def __init__(self, url: str, session: aiohttp.ClientSession, limits: ClientLimits) -> None:
        self.url = url.rstrip("/")
        self._session = session
        self._limits = limits

    async def get(self, path: str) -> Answer:
        """`GET`; raises EndpointFailed."""
        return await self._request("GET", path)

    async def post_json(self, path: str, body: Any) -> Answer:
        """`POST` of JSON; raises EndpointFailed."""
        return await self._request("POST", path, json=body)

    async def post_bytes(self, path: str, body: bytes) -> Answer:
        """`POST` of `application/octet-stream`; raises EndpointFailed."""
        return await self._request(
            "POST", path, data=body, headers={"Content-Type": "application/octet-stream"}
        )

    async def _request(self, method: str, path: str, **content: Any) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self._limits.deadline_s)
        try:
            async with self._session.request(
                method, self.url + path, timeout=timeout, allow_redirects=False, **content
            ) as response:
                return Answer(response.status, await self._bounded_body(response))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as cause:
            raise EndpointFailed(f"{self.url}: {type(cause).__name__}: {cause}") from cause

    async def _bounded_body(self, response: aiohttp.ClientResponse) -> bytes:
        """Read to the end, but never hold more than the limit (Q5)."""
        limit = self._limits.response_bytes_max
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > limit:
                raise EndpointFailed(f"{self.url}: an answer longer than {limit} bytes")
        if response.status >= 500 or response.status == 429:
            raise EndpointFailed(f"{self.url}: HTTP {response.status}")
        return bytes(body)

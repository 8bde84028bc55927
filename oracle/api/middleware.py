"""What happens to every request: counted, limited, timed, and never answered with a trace."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Final

from aiohttp import web

from oracle.api.context import Handler, address_of, api_of, path_of, refusal, within
from oracle.api.errors import ApiError, Refused, storage_refusal
from oracle.storage.failure import StorageFailed

UNTIMED: Final = frozenset({"/v1/feed", "/v1/attestations/{ref}/bundle"})
"""Routes with deadlines of their own."""
ANSWERING: Final = web.RequestKey("answering", bool)
"""Set on a request whose answer has begun: there is no room for an error in it any more."""
_METHODS: Final = "GET, HEAD, OPTIONS"
_log = logging.getLogger(__name__)


@web.middleware
async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the answer and how long it took; outermost, so that refusals count as well."""
    metrics, path = api_of(request).metrics, path_of(request)
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    response = await handler(request)
    metrics.count("wattest_api_requests_total", (path, str(response.status)))
    if path not in UNTIMED:
        metrics.observe("wattest_api_request_seconds", loop.time() - start_s, (path,))
    return response


@web.middleware
async def refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that is raised into an error by name."""
    try:
        return await handler(request)
    except Refused as refused:
        return _refuse(request, refused)
    except web.HTTPException as raised:
        if raised.status < 400:
            raise
        return _refuse(request, _of_http(request, raised))
    except StorageFailed as failure:
        _log.warning("%s could not be answered: %s", path_of(request), failure)
        return _refuse(request, storage_refusal(failure.problem))
    except TimeoutError:
        return _refuse(request, Refused(ApiError.TIMEOUT, "the answer took too long"))
    except Exception:  # noqa: BLE001 - see below
        # The one place that catches all: a defect in an answer must not end the node.
        _log.exception("%s failed", path_of(request))
        return _refuse(request, Refused(ApiError.INTERNAL, "an error on our side; it is in the node's log"))


@web.middleware
async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Own routes only: how often, how large, how long. Others bring limits of their own."""
    api = api_of(request)
    if path_of(request) not in api.own_paths and request.match_info.http_exception is None:
        return await handler(request)
    wait_s = api.buckets.take(address_of(request), asyncio.get_running_loop().time())
    if wait_s:
        rate = f"at most {api.limits.requests_per_s:g} requests a second from one address"
        raise Refused(ApiError.TOO_MANY_REQUESTS, rate, retry_after_s=math.ceil(wait_s))
    if (request.content_length or 0) > api.limits.request_bytes_max:
        raise Refused(ApiError.TOO_LARGE, f"at most {api.limits.request_bytes_max} bytes")
    if path_of(request) in UNTIMED:
        return await handler(request)
    return await within(api.limits.request_s, handler(request))


async def headers_for_readers(request: web.Request, response: web.StreamResponse) -> None:
    """Anybody's page may read what is public anyway; nothing is a script, whatever it looks like."""
    request[ANSWERING] = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    if path_of(request) in api_of(request).own_paths:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"


async def preflight(_request: web.Request) -> web.Response:
    """`OPTIONS` of every own route: what a browser asks before it reads from another page."""
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID",
            "Access-Control-Max-Age": "86400",
            "Allow": _METHODS,
        },
    )


def _refuse(request: web.Request, refused: Refused) -> web.Response:
    api_of(request).metrics.count("wattest_api_refused_total", (refused.error.value,))
    if ANSWERING in request and request.transport is not None:
        request.transport.abort()
    return refusal(refused)


def _of_http(request: web.Request, raised: web.HTTPException) -> Refused:
    limit = api_of(request).limits.request_bytes_max
    match raised.status:
        case 404:
            return Refused(ApiError.NO_SUCH_ROUTE, "there is nothing at this path")
        case 405:
            return Refused(ApiError.METHOD_NOT_ALLOWED, f"allowed here: {raised.headers.get('Allow', 'GET')}")
        case 413:
            return Refused(ApiError.TOO_LARGE, f"at most {limit} bytes")
        case _:
            return Refused(ApiError.REFUSED, raised.reason)

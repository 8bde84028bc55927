"""Routes about evidence: what this node holds against members, as the files anyone can judge (E6).

A file is never believed for coming from here: `wattest evidence verify` judges it offline.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from oracle.api.context import IMMUTABLE, answer, api_of, page_limit, parameters
from oracle.api.errors import ApiError, Refused
from oracle.storage.history import StoredEvidence
from oracle.storage.history_reader import HistoryReader

DIGEST_LETTERS: Final = 64
SUBMISSION: Final = "evidence/"
"""Prefix of the keys under which the history keeps what became of evidence on chain."""


async def list_evidence(request: web.Request) -> web.Response:
    """`GET /v1/evidence`."""
    api = api_of(request)
    limit = page_limit(parameters(request, "limit"), api.limits)

    def question(history: HistoryReader) -> list[dict[str, Any]]:
        return [_row(history, one) for one in history.all_evidence(limit)]

    return answer({"evidence": await api.read(question)})


async def one_evidence(request: web.Request) -> web.Response:
    """`GET /v1/evidence/{digest}`: the file itself."""
    api, reference = api_of(request), request.match_info["digest"]
    parameters(request)
    try:
        digest = bytes.fromhex(reference)
    except ValueError:
        digest = b""
    if len(reference) != DIGEST_LETTERS or digest.hex() != reference:
        raise Refused(ApiError.BAD_PARAMETER, "digest: 64 lower-case hexadecimal digits")
    found = await api.read(lambda history: history.evidence(digest))
    if found is None:
        raise Refused(ApiError.NOT_FOUND, "no such evidence is held here; /v1/evidence lists what is")
    headers = {
        "Cache-Control": IMMUTABLE,
        "Content-Disposition": f'attachment; filename="{found.kind}-{reference[:12]}.json"',
    }
    response = web.Response(body=found.data, content_type="application/json", headers=headers)
    response.enable_compression()
    return response


def _row(history: HistoryReader, stored: StoredEvidence) -> dict[str, Any]:
    raw = history.meta(SUBMISSION + stored.id.hex())
    return {
        "digest": stored.id.hex(),
        "kind": stored.kind,
        "height": stored.height,
        "size": len(stored.data),
        "submission": None if raw is None else json.loads(raw),
        "file": f"/v1/evidence/{stored.id.hex()}",
    }

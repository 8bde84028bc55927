"""What this node knows of how a window went: the facts behind `wattest explain`.

Gathers from the journey in memory, or from what the history kept of it, and judges nothing:
who was late, what stopped a window and where two nodes differ is said by `oracle.explain`,
which any reader can run over any node's answer. One question looks at a bounded number of
rows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from aiohttp import web

from consensus.encoding import EncodingError, decode
from consensus.messages import Certificate, Fields, WrongShape
from consensus.model import Committee, Digest, Rejected, Round
from oracle.api.chain_status import status_of
from oracle.api.context import Api, answer, api_of, parameters
from oracle.api.entries import chain_json
from oracle.api.errors import ApiError, Refused
from oracle.api.questions import LATEST, natural, of_window
from oracle.api.windows import entry_of, summary_of
from oracle.frames import OBSERVATIONS_PER_FRAME
from oracle.journey import Stage, Travel
from oracle.model import RecordHash, WindowStart
from oracle.settle import VoidReason
from oracle.storage.history import StoredEntry
from oracle.storage.history_reader import HistoryReader
from oracle.windows.inputs import Inputs, InputSet
from oracle.windows.readings import Rows

WINDOW_START_MIN: Final = 1_000_000_000
"""A number from here on is a time (UTC seconds), below it a height."""
TRAVEL, INPUTS, OBSERVATIONS = "travel", "inputs", "observations"
"""Parts of a height; `oracle.node` keeps them."""
ROUNDS_NAMED_MAX: Final = 16
EVENTS_MAX: Final = 200
EVENTS: Final = frozenset(
    {"decided", "restated", "round", "refused", "double-vote", "bad-shares", "on-chain", "reorganised"}
)
NOT_HELD: Final = "not-held"


async def explanation(request: web.Request) -> web.Response:
    """`GET /v1/windows/{window}/explanation`."""
    api = api_of(request)
    parameters(request)
    reference = request.match_info["window"]
    asked = _Asked(api, time.time_ns() // 1_000_000)
    content: dict[str, Any] = await api.read(lambda history: asked.answer(history, reference))
    return answer(content, cache="no-store")


class _Asked:
    """One question; what the node knows besides its history is taken on the loop."""

    def __init__(self, api: Api, now_ms: int) -> None:
        view = api.view
        self._api = api
        self._now_ms = now_ms
        self._window_s = view.genesis.window_s
        self._network = view.genesis.network
        self._slot = view.own_slot
        self._committees: Mapping[int, Committee] = dict(view.committees)
        self._committee = view.committee
        self._head, self._next = view.head_height, view.next_window
        self._tip = view.chain().height
        self._peers_down = view.peers_down()
        self._travels = {travel.window: travel for travel in view.travels()}

    def answer(self, history: HistoryReader, reference: str) -> dict[str, Any]:
        """Raises Refused, StorageFailed."""
        place = self._place(history, reference)
        stored, travel, committee = place.stored, place.travel, self._committee
        certificate = None if stored is None else _certificate(stored)
        if certificate is not None:
            committee = self._committees.get(certificate.epoch, committee)
        return {
            "network": self._network.hex(),
            "slot": self._slot,
            "members": committee.size,
            "quorum": committee.quorum,
            "now_ms": self._now_ms,
            "window": place.window,
            "window_s": self._window_s,
            "next_window": self._next,
            "height": place.height,
            "kind": None if stored is None else stored.kind,
            "digest": None if stored is None else stored.digest.hex(),
            "void": None if stored is None else _void(stored),
            "stage": _name(travel.stage),
            "stages": [
                {"stage": _name(one.stage), "at_ms": one.at_ms, "detail": one.detail}
                for one in tuple(travel.remarks)
            ],
            "readings": {
                "count": travel.readings,
                "first_ms": travel.first_reading_ms or None,
                "last_ms": travel.last_reading_ms or None,
            },
            "round": None if certificate is None else certificate.round,
            "signers": None if certificate is None else [int(slot) for slot in certificate.signers],
            "proposers": self._proposers(history, place, committee),
            "heard": [
                {
                    "slot": int(one.slot),
                    "said": one.said.name.lower(),
                    "round": one.round,
                    "at_ms": one.at_ms,
                    "value": one.value.hex() or None,
                }
                for one in travel.heard()
            ],
            "events": _events(history, place.height),
            "inputs": self._inputs(history, place),
            "chain": self._chain(history, stored),
            "peers_down": list(self._peers_down),
        }

    # -- which window ---------------------------------------------------------------

    def _place(self, history: HistoryReader, reference: str) -> _Place:
        if reference == LATEST:
            found = [
                page.entries[0]
                for kind in ("window", "void")
                if (page := history.entries(limit=1, kind=kind)).entries
            ]
            if found:
                return self._settled(history, max(found, key=lambda one: one.height), None)
            return self._unsettled(self._next)
        number = natural(reference, "window")
        if number < WINDOW_START_MIN:
            stored = history.entry(number)
            if stored is None or stored.kind not in ("window", "void"):
                what = "the log has not reached it" if stored is None else f"it is of kind {stored.kind}"
                raise Refused(ApiError.NOT_FOUND, f"height {number} is of no window: {what}")
            return self._settled(history, stored, None)
        window = number - number % self._window_s
        stored = of_window(history, window, self._window_s)
        return self._unsettled(window) if stored is None else self._settled(history, stored, window)

    def _settled(self, history: HistoryReader, stored: StoredEntry, window: int | None) -> _Place:
        """The way of a window is that of its first revision; a later one is a matter of its own (A8)."""
        start = stored.window_start_s or 0
        if stored.revision:
            stored = next(iter(history.entries_of_window(start)), stored)
        travel = self._travels.get(WindowStart(start))
        if travel is None or travel.height != stored.height:
            kept = Travel.from_bytes(history.part(stored.height, TRAVEL) or b"")
            travel = kept or Travel(WindowStart(start), stored.height, Stage.CERTIFIED)
        return _Place(start if window is None else window, stored.height, stored, travel)

    def _unsettled(self, window: int) -> _Place:
        if not self._next <= window <= self._now_ms // 1000:
            raise Refused(ApiError.NOT_FOUND, f"window {window} is none of this log's, or has not begun")
        travel = self._travels.get(WindowStart(window)) or Travel(WindowStart(window))
        return _Place(window, self._head + 1 if window == self._next else None, None, travel)

    # -- parts of the answer ----------------------------------------------------------

    def _proposers(self, history: HistoryReader, place: _Place, committee: Committee) -> list[int]:
        """Whose turn it was, round by round, as far as anything was heard (A1)."""
        if place.height is None:
            return []
        before = history.entry(place.height - 1)
        previous = Digest(bytes(32) if before is None else before.digest)
        rounds = max((one.round for one in place.travel.heard()), default=0) + 1
        return [int(committee.proposer(previous, Round(at))) for at in range(min(rounds, ROUNDS_NAMED_MAX))]

    def _inputs(self, history: HistoryReader, place: _Place) -> dict[str, Any]:
        closed, settled, members = None, None, list[dict[str, Any]]()
        if place.height is not None:
            closed = Inputs.from_bytes(history.part(place.height, INPUTS) or b"")
            members = _observations(history.part(place.height, OBSERVATIONS))
        if closed is not None and closed.window != place.travel.window:
            closed = None
        if place.stored is not None:
            settled = self._leaves(place.stored)
        first = settled or (None if closed is None else closed.chosen)
        return {
            "closed": None if closed is None else _set(closed.chosen),
            "observed": None if closed is None else _set(closed.observed),
            "settled": None if settled is None else _set(settled),
            "sources": [] if first is None else self._sources(first),
            "observers": members,
        }

    def _leaves(self, stored: StoredEntry) -> InputSet | None:
        if stored.kind != "window" or summary_of(stored).leaf_count > self._api.limits.bundle_leaves_max:
            return None
        data = self._api.windows.of(stored)
        return None if data is None else InputSet.of(Rows(data.leaves.usage_point, data.leaves.record))

    def _sources(self, inputs: InputSet) -> list[dict[str, Any]]:
        """Who handed in the records: by format and source, each with a digest over its rows in order."""
        pairs = inputs.rows.pairs()
        held = self._api.records.get_many([hash_ for _, hash_ in pairs])
        found: dict[tuple[str, int], list[tuple[int, RecordHash]]] = {}
        for point, hash_ in pairs:
            stored = held.get(hash_)
            key = (NOT_HELD, 0) if stored is None else (stored.record.format, stored.record.source)
            found.setdefault(key, []).append((int(point), hash_))
        return [
            {"format": format_, "source": source, "count": len(rows), "digest": _digest(rows)}
            for (format_, source), rows in sorted(found.items())
        ]

    def _chain(self, history: HistoryReader, stored: StoredEntry | None) -> dict[str, Any] | None:
        if stored is None:
            return None
        receipts = history.receipts(stored.height)
        status = status_of(stored.kind, receipts, self._tip, self._api.limits.final_depth)
        return chain_json(status, receipts)


@dataclass(frozen=True, slots=True)
class _Place:
    """A window, and where it stands in the log; `height` is that of the open one while it is next."""

    window: int
    height: int | None
    stored: StoredEntry | None
    travel: Travel


def _name(stage: Stage) -> str:
    return stage.name.lower().replace("_", "-")


def _certificate(stored: StoredEntry) -> Certificate | None:
    certificate = Certificate.parse(stored.certificate)
    return None if isinstance(certificate, Rejected) else certificate


def _void(stored: StoredEntry) -> dict[str, Any] | None:
    if stored.kind != "void":
        return None
    body = Fields(entry_of(stored).body)
    reason = body.uint("reason")
    known = [one for one in VoidReason if one == reason]
    name = known[0].name.lower().replace("_", "-") if known else str(reason)
    return {"reason": name, "count": body.uint("count")}


def _events(history: HistoryReader, height: int | None) -> list[dict[str, Any]]:
    if height is None:
        return []
    told = [one for one in history.milestones(height) if one.stage in EVENTS]
    return [{"at_ms": one.at_ms, "name": one.stage, "detail": one.detail} for one in told[:EVENTS_MAX]]


def _set(inputs: InputSet) -> dict[str, Any]:
    return {
        "count": inputs.count,
        "digest": inputs.digest.hex(),
        "complete": inputs.complete,
        "rows": [
            {"usage_point": int(point), "record": record.hex()} for point, record in inputs.rows.pairs()
        ],
    }


def _digest(rows: Sequence[tuple[int, bytes]]) -> str:
    packed = Rows(
        np.array([point for point, _ in rows], np.int64),
        np.frombuffer(b"".join(record for _, record in rows), np.uint8).reshape(-1, 32),
    )
    return hashlib.sha256(packed.to_bytes()).hexdigest()


def _observations(data: bytes | None) -> list[dict[str, Any]]:
    """What each member signed as seen of unsigned meters: two that differ heard different bytes."""
    if data is None:
        return []
    found = []
    try:
        rows = decode(data, bytes_max=len(data))
        for row in rows if isinstance(rows, tuple) else ():
            fields = Fields(row)
            seen = Fields(decode(fields.buff("payload", 1, len(data)))).items("rows", OBSERVATIONS_PER_FRAME)
            parts = [Fields(one) for one in seen]
            pairs = [(one.uint("usage-point"), one.buff("record", 32)) for one in parts]
            digest = _digest(pairs)
            found.append({"slot": fields.uint("slot"), "count": len(pairs), "digest": digest})
    except (WrongShape, EncodingError):
        return []
    return found

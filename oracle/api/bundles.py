"""Export files on the event loop: made on a thread of their own, the recent ones kept.

Decides how many may be made, wait and stay. A file is made again when something was added
to its height: the group's signature, a block, the contract's answer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from oracle.api.errors import ApiError, Refused
from oracle.api.exporter import Exporter, ExportFailed, ExportProblem, State
from oracle.api.limits import Limits

_ERRORS = {
    ExportProblem.NO_SUCH_HEIGHT: ApiError.NOT_FOUND,
    ExportProblem.TOO_LARGE: ApiError.BUNDLE_TOO_LARGE,
}


@dataclass(frozen=True, slots=True)
class BundleFile:
    """An export file; `final` when it will never change, `etag` the sha256 in its first line."""

    data: bytes
    etag: str
    final: bool


class Bundles:
    """The bundle files of one node; of one event loop. Call `close` at the end."""

    def __init__(self, exporter: Exporter, limits: Limits, tip_height: Callable[[], int]) -> None:
        self._exporter = exporter
        self._tip_height = tip_height
        self._limits = limits
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._kept: OrderedDict[int, tuple[State, BundleFile]] = OrderedDict()
        self._kept_bytes = 0
        self._making: dict[int, asyncio.Future[tuple[State, BundleFile]]] = {}
        self.made = 0
        """Files made since the start; the others were kept from before."""

    def close(self) -> None:
        """Finish what is being made, forget what waits."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def get(self, height: int) -> BundleFile:
        """The file of a height. Raises Refused, StorageFailed."""
        making = self._making.get(height)
        if making is None:
            if len(self._making) >= self._limits.bundles_waiting_max:
                raise Refused(ApiError.BUSY, f"{len(self._making)} bundles wait", retry_after_s=5)
            loop = asyncio.get_running_loop()
            kept, tip = self._kept.get(height), self._tip_height()
            making = loop.run_in_executor(self._thread, self._make, height, kept, tip)
            self._making[height] = making
            making.add_done_callback(partial(self._done, height))
        try:
            # Others may wait for the same file, so one that leaves must not stop it.
            return (await asyncio.shield(making))[1]
        except ExportFailed as failure:
            error = _ERRORS.get(failure.problem, ApiError.NOT_PROVEN_HERE)
            raise Refused(error, str(failure)) from failure

    def _make(
        self, height: int, kept: tuple[State, BundleFile] | None, tip_height: int
    ) -> tuple[State, BundleFile]:
        state = self._exporter.state(height)
        final = state.is_final(tip_height, self._limits.final_depth)
        if kept is not None and kept[0] == state:
            return state, replace(kept[1], final=final)
        data = self._exporter.export(height)
        if len(data) > self._limits.bundle_bytes_max:
            raise ExportFailed(ExportProblem.TOO_LARGE, f"{len(data)} bytes")
        self.made += 1
        etag = data.partition(b"\n")[0].rpartition(b":")[2].decode()
        return state, BundleFile(data, etag, final)

    def _done(self, height: int, made: asyncio.Future[tuple[State, BundleFile]]) -> None:
        del self._making[height]
        if made.cancelled() or made.exception() is not None:
            return
        self._forget(height)
        self._kept[height] = made.result()
        self._kept_bytes += len(made.result()[1].data)
        while self._kept_bytes > self._limits.bundle_cache_bytes and self._kept:
            self._forget(next(iter(self._kept)))

    def _forget(self, height: int) -> None:
        kept = self._kept.pop(height, None)
        self._kept_bytes -= 0 if kept is None else len(kept[1].data)

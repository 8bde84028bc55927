"""Every metric of a node in one table, and the functions that move them.

`python -m oracle.telemetry.metrics` writes the table as docs/metrics.md. The names are
an interface: dashboards and alerts hang on them. Labels are bounded: slots, reasons,
stages and routes, never devices, addresses or windows.

Not thread-safe beyond what prometheus_client gives: increments may come from anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from consensus.model import InvariantBroken, check

LATENCY_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 30.0, 60.0, 300.0, 1800.0)
REQUEST_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
LABEL_VALUES_MAX: Final = 512
"""Children of one metric; further ones are counted under `other` (Q5)."""
OTHER: Final = "other"


class Kind(Enum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
TABLE: Final = (
    Metric("wattest_up_since_seconds", _G, "When the node started, UTC seconds."),
    Metric("wattest_config", _G, "Settings in force, by name.", ("setting",)),
    Metric("wattest_height", _G, "Height of the last decided entry."),
    Metric("wattest_round", _G, "Round of the height being worked on; above 2 something is slow."),
    Metric("wattest_next_window_seconds", _G, "Start of the window that is settled next, UTC seconds."),
    Metric("wattest_milestones_total", _C, "Milestones of heights, by stage.", ("stage",)),
    Metric("wattest_entries_total", _C, "Decided entries, by kind.", ("kind",)),
    Metric(
        "wattest_window_certified_seconds",
        _H,
        "From a window's close to its certificate.",
        (),
        LATENCY_BUCKETS_S,
    ),
    Metric(
        "wattest_window_attested_seconds",
        _H,
        "From a window's close to the group's signature.",
        (),
        LATENCY_BUCKETS_S,
    ),
    Metric(
        "wattest_window_on_chain_seconds", _H, "From a window's close to its block.", (), LATENCY_BUCKETS_S
    ),
    Metric("wattest_window_leaves", _G, "Leaves of the last attested window."),
    Metric("wattest_voids_total", _C, "Void entries, by reason.", ("reason",)),
    Metric("wattest_intake_total", _C, "Records taken in or refused, as the feeds count them.", ("count",)),
    Metric("wattest_rejections_total", _C, "Readings that the node refused, by reason.", ("reason",)),
    Metric("wattest_peer_up", _G, "1 while there is a link with the member in this slot.", ("slot",)),
    Metric("wattest_peer_total", _C, "What happened on the links with a member.", ("slot", "count")),
    Metric("wattest_chain_reachable", _G, "1 while a Stacks node answers."),
    Metric("wattest_chain_height", _G, "Height of the chain as last seen."),
    Metric("wattest_outbox_jobs", _G, "Transactions for the chain, by state.", ("state",)),
    Metric("wattest_evidence_total", _C, "Evidence against members that this node holds.", ("kind",)),
    Metric(
        "wattest_evidence_submissions",
        _G,
        "The newest evidence, by where it stands on its way to the contract.",
        ("state",),
    ),
    Metric("wattest_problems", _G, "Open problems as /v1/health lists them, by severity.", ("severity",)),
    Metric("wattest_api_requests_total", _C, "Requests, by route and status.", ("route", "status")),
    Metric("wattest_api_request_seconds", _H, "How long answers took.", ("route",), REQUEST_BUCKETS_S),
    Metric("wattest_api_refused_total", _C, "Requests refused, by name of the error.", ("error",)),
    Metric("wattest_feed_subscribers", _G, "Clients of the event feed."),
    Metric("wattest_feed_dropped_total", _C, "Clients of the event feed that were too slow."),
)
_OF_CLASS: Final = {_C: Counter, _G: Gauge, _H: Histogram}


class Metrics:
    """The metrics of one node, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}
        self._values: dict[str, set[tuple[str, ...]]] = {}
        self._labels: dict[str, tuple[str, ...]] = {}
        self._seen: dict[tuple[str, tuple[str, ...]], float] = {}
        for row in TABLE:
            more = {"buckets": row.buckets} if row.kind is Kind.HISTOGRAM else {}
            self._metrics[row.name] = _OF_CLASS[row.kind](
                row.name,
                row.help,
                row.labels,
                registry=self.registry,
                **more,
            )
            self._values[row.name] = set()
            self._labels[row.name] = row.labels

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    # -- what the runtime calls -------------------------------------------------------

    def milestone(self, stage: str) -> None:
        """A height has reached a stage."""
        self.count("wattest_milestones_total", (stage,))

    def entry_decided(self, kind: str, height: int) -> None:
        """An entry has been decided."""
        self.count("wattest_entries_total", (kind,))
        self.set("wattest_height", height)

    def window_certified(self, closed_ms: int, at_ms: int, leaves: int) -> None:
        """A window has its certificate; times are UTC ms."""
        self._observe_ms("wattest_window_certified_seconds", closed_ms, at_ms)
        self.set("wattest_window_leaves", leaves)

    def window_attested(self, closed_ms: int, at_ms: int) -> None:
        """A window has the group's signature."""
        self._observe_ms("wattest_window_attested_seconds", closed_ms, at_ms)

    def window_on_chain(self, closed_ms: int, at_ms: int) -> None:
        """A window's transaction is in a block."""
        self._observe_ms("wattest_window_on_chain_seconds", closed_ms, at_ms)

    def window_void(self, reason: int) -> None:
        """A void entry has been decided."""
        self.count("wattest_voids_total", (str(reason),))

    def settings(self, settings: Mapping[str, float]) -> None:
        """The configuration's numbers."""
        for name in sorted(settings):
            self.set("wattest_config", settings[name], (name,))

    def intake(self, counters: Mapping[str, int]) -> None:
        """What the feeds have counted since they started."""
        self._totals("wattest_intake_total", {(name,): value for name, value in counters.items()})

    def rejections(self, counters: Mapping[str, int]) -> None:
        """What the node has refused since it started."""
        self._totals("wattest_rejections_total", {(name,): value for name, value in counters.items()})

    def peers(
        self, up: Iterable[int], down: Iterable[int], counters: Mapping[int, Mapping[str, int]]
    ) -> None:
        """Which members there are links with, and what was counted on them."""
        for value, slots in ((1, up), (0, down)):
            for slot in slots:
                self.set("wattest_peer_up", value, (str(slot),))
        self._totals(
            "wattest_peer_total",
            {(str(slot), name): n for slot, counts in counters.items() for name, n in counts.items()},
        )

    def evidence(self, held: Mapping[str, int], submissions: Mapping[str, int]) -> None:
        """Evidence by kind, and where it stands on its way to the contract."""
        self._totals("wattest_evidence_total", {(kind,): number for kind, number in held.items()})
        for (known,) in self._values["wattest_evidence_submissions"]:
            self.set("wattest_evidence_submissions", submissions.get(known, 0), (known,))
        for state in sorted(submissions):
            self.set("wattest_evidence_submissions", submissions[state], (state,))

    def outbox(self, counts: Mapping[str, int]) -> None:
        """How many transactions are in each state; a state that is not named has none."""
        for (known,) in self._values["wattest_outbox_jobs"]:
            self.set("wattest_outbox_jobs", counts.get(known, 0), (known,))
        for state in sorted(counts):
            self.set("wattest_outbox_jobs", counts[state], (state,))

    # -- the three movements ----------------------------------------------------------

    def count(self, name: str, labels: tuple[str, ...] = (), amount: float = 1) -> None:
        """Raise a counter."""
        counter = self._child(name, labels)
        if not isinstance(counter, Counter):
            raise InvariantBroken(f"{name} is a counter")
        counter.inc(amount)

    def set(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None:
        """Set a gauge."""
        gauge = self._child(name, labels)
        if not isinstance(gauge, Gauge):
            raise InvariantBroken(f"{name} is a gauge")
        gauge.set(value)

    def observe(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None:
        """Put a value into a histogram."""
        histogram = self._child(name, labels)
        if not isinstance(histogram, Histogram):
            raise InvariantBroken(f"{name} is a histogram")
        histogram.observe(value)

    def _observe_ms(self, name: str, closed_ms: int, at_ms: int) -> None:
        self.observe(name, max(0, at_ms - closed_ms) / 1000)  # a clock may have been set back

    def _totals(self, name: str, totals: Mapping[tuple[str, ...], int]) -> None:
        """Counters that somebody else counts; after its restart they begin anew."""
        for labels in sorted(totals):
            total, before = totals[labels], self._seen.get((name, labels), 0)
            grown = total - before if total >= before else total
            self._seen[name, labels] = total
            if grown or labels not in self._values[name]:
                self.count(name, labels, grown)

    def _child(self, name: str, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        metric = self._metrics.get(name)
        if metric is None:
            raise InvariantBroken(f"{name} stands in the table")
        check(len(labels) == len(self._labels[name]), f"{name} has labels {self._labels[name]}")
        if not labels:
            return metric
        values = self._values[name]
        if labels not in values and len(values) >= LABEL_VALUES_MAX:
            labels = (OTHER,) * len(labels)
        values.add(labels)
        return metric.labels(*labels)


def table_document() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Every metric that a node shows under `/metrics`. This page is written by",
        "`python -m oracle.telemetry.metrics > docs/metrics.md`; a test says whether it is current.",
        "",
        "| name | type | labels | what it says |",
        "|---|---|---|---|",
    ]
    for row in TABLE:
        labels = ", ".join(f"`{label}`" for label in row.labels) or "none"
        lines.append(f"| `{row.name}` | {row.kind.value} | {labels} | {row.help} |")
    lines += [
        "",
        "Histograms have buckets, in seconds:",
        "",
        *(
            f"- `{row.name}`: {', '.join(f'{edge:g}' for edge in row.buckets)}"
            for row in TABLE
            if row.kind is Kind.HISTOGRAM
        ),
        "",
        f"A metric has at most {LABEL_VALUES_MAX} sets of label values; further ones count as `{OTHER}`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table_document())

"""The table of metrics, and what moves them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consensus.model import InvariantBroken
from oracle.telemetry.metrics import LABEL_VALUES_MAX, OTHER, TABLE, Kind, Metrics, table_document

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
NAMED = re.compile(r"`(wattest_[a-z_]+)`")


def value_of(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_document_is_what_the_table_says() -> None:
    assert DOCUMENT.read_text() == table_document(), (
        "run: python -m oracle.telemetry.metrics > docs/metrics.md"
    )
    assert {row.name for row in TABLE} == set(NAMED.findall(DOCUMENT.read_text()))


def test_names_are_one_each_and_say_their_unit() -> None:
    names = [row.name for row in TABLE]
    assert len(set(names)) == len(names)
    for row in TABLE:
        assert row.name.endswith("_total") == (row.kind is Kind.COUNTER), row.name
        assert row.name.endswith("_seconds") or row.kind is not Kind.HISTOGRAM, row.name


def test_the_exposition_is_read_by_prometheus_own_parser() -> None:
    metrics = Metrics()
    metrics.window_certified(1000, 3500, 42)
    families = {one.name for one in text_string_to_metric_families(metrics.exposition().decode())}
    assert {row.name.removesuffix("_total") for row in TABLE} <= families


def test_two_nodes_in_one_process_do_not_share_metrics() -> None:
    one, other = Metrics(), Metrics()
    one.entry_decided("window", 7)
    assert value_of(one, "wattest_height") == 7
    assert value_of(other, "wattest_height") == 0


def test_latencies_are_measured_from_the_close_and_never_negative() -> None:
    metrics = Metrics()
    metrics.window_certified(10_000, 12_500, 9)
    metrics.window_attested(10_000, 13_000)
    metrics.window_on_chain(10_000, 4_000)
    assert value_of(metrics, "wattest_window_certified_seconds_sum") == 2.5
    assert value_of(metrics, "wattest_window_certified_seconds_bucket", le="2.0") == 0
    assert value_of(metrics, "wattest_window_certified_seconds_bucket", le="3.0") == 1
    assert value_of(metrics, "wattest_window_attested_seconds_sum") == 3.0
    assert value_of(metrics, "wattest_window_on_chain_seconds_sum") == 0.0
    assert value_of(metrics, "wattest_window_leaves") == 9


def test_counters_of_others_are_taken_over_and_survive_their_restart() -> None:
    metrics = Metrics()
    metrics.intake({"accepted": 5, "rejected": 0})
    metrics.intake({"accepted": 8, "rejected": 0})
    assert value_of(metrics, "wattest_intake_total", count="accepted") == 8
    assert value_of(metrics, "wattest_intake_total", count="rejected") == 0
    metrics.intake({"accepted": 2})
    assert value_of(metrics, "wattest_intake_total", count="accepted") == 10


def test_a_peer_that_goes_down_is_shown_so() -> None:
    metrics = Metrics()
    metrics.peers((1, 2), (3,), {1: {"sent_bytes": 10}})
    metrics.peers((2,), (1, 3), {1: {"sent_bytes": 12}})
    assert [value_of(metrics, "wattest_peer_up", slot=str(slot)) for slot in (1, 2, 3)] == [0, 1, 0]
    assert value_of(metrics, "wattest_peer_total", slot="1", count="sent_bytes") == 12


def test_a_state_of_the_outbox_that_is_not_named_any_more_is_empty() -> None:
    metrics = Metrics()
    metrics.outbox({"queued": 3, "broadcast": 1})
    metrics.outbox({"done": 4})
    states = {state: value_of(metrics, "wattest_outbox_jobs", state=state) for state in ("queued", "done")}
    assert states == {"queued": 0, "done": 4}


def test_milestones_voids_and_settings_have_their_labels() -> None:
    metrics = Metrics()
    metrics.milestone("certified")
    metrics.window_void(2)
    metrics.settings({"window_s": 900, "deadline_ms": 600_000})
    assert value_of(metrics, "wattest_milestones_total", stage="certified") == 1
    assert value_of(metrics, "wattest_voids_total", reason="2") == 1
    assert value_of(metrics, "wattest_config", setting="window_s") == 900


def test_label_values_are_bounded() -> None:
    metrics = Metrics()
    for number in range(LABEL_VALUES_MAX + 50):
        metrics.count("wattest_rejections_total", (f"reason {number}",))
    assert value_of(metrics, "wattest_rejections_total", reason=OTHER) == 50
    assert value_of(metrics, "wattest_rejections_total", reason=f"reason {LABEL_VALUES_MAX}") is None


def test_a_metric_is_moved_only_as_the_table_says() -> None:
    metrics = Metrics()
    wrong: tuple[Callable[[], None], ...] = (
        lambda: metrics.count("wattest_height"),
        lambda: metrics.set("wattest_milestones_total", 1, ("a",)),
        lambda: metrics.observe("wattest_height", 1),
        lambda: metrics.count("wattest_nothing_total"),
        lambda: metrics.count("wattest_milestones_total"),
    )
    for movement in wrong:
        with pytest.raises(InvariantBroken):
            movement()

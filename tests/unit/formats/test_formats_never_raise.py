"""Whatever the bytes are, a parser answers with a value."""

import json
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.encoding import Value, encode
from consensus.model import Rejected
from oracle.feeds.formats import FORMATS, PROFILES, Context, Parsed, RecordReason, parse
from oracle.feeds.formats.strict_json import decoded, read
from oracle.feeds.signatures import confirm
from oracle.feeds.virtual_meter import signed_ocmf
from oracle.model import Record
from tests.unit.formats.scene import FIXTURES, from_expectation, json_scene, key

SAMPLES = sorted(path for path in FIXTURES.glob("*/good/*") if path.suffix != ".expect")


@cache
def world(path: Path) -> tuple[Record, Context]:
    expected = json.loads(path.with_name(path.name + ".expect").read_text())
    record = Record(path.parents[1].name, expected["devices"][0]["device"], path.read_bytes())
    return record, from_expectation(expected["devices"]).context()


def answers(record: Record, context: Context) -> Parsed | Rejected:
    result = parse(record, context)
    if isinstance(result, Parsed):
        result = confirm(result)
    assert isinstance(result, Parsed | Rejected)
    assert isinstance(result, Parsed) or isinstance(result.reason, RecordReason)
    return result


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SAMPLES), st.binary(max_size=300), st.sampled_from([*sorted(FORMATS), "sml", ""]))
def test_random_bytes(path: Path, data: bytes, format_name: str) -> None:
    record, context = world(path)
    result = answers(Record(format_name, record.source, data), context)
    assert isinstance(result, Rejected)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_damaged_records(data: st.DataObject) -> None:
    record, context = world(data.draw(st.sampled_from(SAMPLES)))
    damaged = bytearray(record.data)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        end = start + data.draw(st.integers(0, 8))
        damaged[start:end] = data.draw(st.binary(max_size=8))
    answers(Record(record.format, record.source, bytes(damaged)), context)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ENERGY", "Total", "Time", "params", "ts", "state", "energy"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(PROFILES)), JSON)
def test_any_json_to_any_profile(profile: str, value: object) -> None:
    answers(Record("json", 7, json.dumps(value).encode()), json_scene(profile).context())


READING = st.fixed_dictionaries(
    {},
    optional={
        "TM": st.sampled_from(["2026-01-01T00:00:00,000+0000 S", "2026-01-01T00:00:00,000+0000 R", "x"])
        | JSON,
        "RV": JSON,
        "RI": st.just("1-0:1.8.0") | JSON,
        "RU": st.just("kWh") | JSON,
        "ST": st.just("G") | JSON,
        "EF": JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "PG": st.just("T1") | JSON,
            "MS": st.just("WV-0007") | JSON,
            "RD": st.lists(READING, max_size=3) | JSON,
        }
    )
)
def test_any_signed_payload(payload: dict[str, object]) -> None:
    _, context = world(FIXTURES / "ocmf" / "good" / "virtual-both-registers.ocmf")
    answers(Record("ocmf", 7, signed_ocmf(key(7), json.dumps(payload).encode())), context)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2**128 - 1)
    | st.binary(max_size=70)
    | st.sampled_from(["ocmf", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["usage-point", "time-s", "format", "data"]), inner, min_size=1)
    ),
    max_leaves=8,
)
ITEMS = VALUES | st.lists(
    st.fixed_dictionaries(
        {
            "usage-point": st.sampled_from([8, 9, 10]) | VALUES,
            "time-s": st.just(1_767_226_500) | VALUES,
            "format": st.sampled_from(["register", "ocmf", "dsmr", "batch"]) | VALUES,
            "data": VALUES,
        }
    ),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(ITEMS, st.sampled_from(["topic", "gateway", "sequence", "signature", None]), VALUES)
def test_any_value_in_any_field_of_a_batch(items: Any, field: str | None, value: Any) -> None:
    _, context = world(FIXTURES / "batch" / "good" / "register-ocmf-dsmr.bin")
    fields: dict[str, Value] = {
        "topic": "wattest-batch",
        "gateway": 900,
        "sequence": 1,
        "signature": bytes(64),
        "items": items,
    }
    if field is not None:
        fields[field] = value
    assert isinstance(answers(Record("batch", 900, encode(fields)), context), Rejected)


@pytest.mark.parametrize(
    "data", [b'"' * 16_000, b'{"a":"' + b'\\"' * 8_000, b"[" * 16_000, b'{"' + b"[" * 16_000]
)
def test_hostile_json_costs_no_more_than_its_size(data: bytes) -> None:
    started_s = perf_counter()
    answers(Record("json", 7, data), json_scene("tasmota").context())
    assert perf_counter() - started_s < 0.5  # quadratic work takes many seconds at this size


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert read(decoded(b'{"a":"' + b"[" * 100 + b'\\"["}')) == {"a": "[" * 100 + '"['}

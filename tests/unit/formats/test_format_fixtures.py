"""Every file in tests/fixtures/formats is a test."""

import json
from pathlib import Path

import pytest

from consensus.model import Rejected
from oracle.feeds.formats import FORMATS, Parsed, RecordReason, parse
from oracle.feeds.signatures import confirm
from oracle.model import Record
from tests.unit.formats.scene import FIXTURES, from_expectation


def files(kind: str) -> list[Path]:
    return sorted(path for path in FIXTURES.glob(f"*/{kind}/*") if path.suffix != ".expect")


def outcome(path: Path) -> tuple[Parsed | Rejected, dict[str, object]]:
    own, default = path.with_name(path.name + ".expect"), path.parents[1] / "default.expect"
    if not (own.exists() or default.exists()):
        pytest.fail(f"write {own.name}: its devices, and the readings it should give")
    expected = json.loads((own if own.exists() else default).read_text())
    scene = from_expectation(expected["devices"])
    record = Record(path.parents[1].name, expected["devices"][0]["device"], path.read_bytes())
    parsed = parse(record, scene.context())
    return (confirm(parsed) if isinstance(parsed, Parsed) else parsed), expected


@pytest.mark.parametrize("path", files("good"), ids=lambda path: path.name)
def test_good_record_gives_its_readings(path: Path) -> None:
    result, expected = outcome(path)
    assert isinstance(result, Parsed), result
    wanted = expected["readings"]
    assert isinstance(wanted, list)
    record_hash = Record(path.parents[1].name, 0, path.read_bytes()).hash
    assert len(result.readings) == len(wanted)
    assert not result.refused
    for reading, values in zip(result.readings, wanted, strict=True):
        assert {name: getattr(reading, name) for name in values} == values
        assert reading.record == record_hash


@pytest.mark.parametrize("path", files("bad"), ids=lambda path: path.name)
def test_bad_record_is_refused_by_name(path: Path) -> None:
    result, _ = outcome(path)
    assert isinstance(result, Rejected), result
    assert result.reason is RecordReason(path.name.partition("--")[0])


def test_every_format_has_good_and_bad_records() -> None:
    for kind in ("good", "bad"):
        assert {path.parents[1].name for path in files(kind)} == set(FORMATS)


def test_every_reason_tells_the_operator_what_to_do() -> None:
    for reason in RecordReason:
        assert reason.advice.endswith(".")
        assert RecordReason(reason.value) is reason

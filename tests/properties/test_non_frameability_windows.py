"""N4 for windows and records: an honest committee, dishonest meters, and members who sign something else.

Whatever meters and gateways sign, and whatever is spliced together out of what honest members
have signed, accuses none of them (E2, E3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.evidence.file import Faulty
from oracle.evidence.records import ocmf_contradicts
from oracle.evidence.verify import judge
from oracle.feeds.formats import Parsed
from oracle.feeds.formats.context import Carrier
from oracle.feeds.formats.ocmf import parse as parse_ocmf
from oracle.feeds.formats.reasons import Refusal
from oracle.model import Curve, Leaf, Record, RecordHash, UsagePoint, WindowStart
from tests.unit.audit.world import batch, compressed, device, item, p256, registers
from tests.unit.evidence.attested import Town, plain_ocmf
from tests.unit.formats import scene
from tests.unit.formats.scene import Scene, meter_id

many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def honest_town() -> Town:
    """All of its leaves follow from their records; members 0 to 2 have signed."""
    town = Town()
    town.draft.batch_items = [item(4, "register", registers(4250, 420))]
    town.draft.settle()
    town.tell(1, plain_ocmf(1, 1250, 120))
    return town


HONEST_TOWN = honest_town()
FILES = [
    json.loads(data)
    for data in (
        HONEST_TOWN.false_leaf(1),
        HONEST_TOWN.false_leaf(4),
        HONEST_TOWN.false_energy(1),
        HONEST_TOWN.false_energy(1, first=True),
        HONEST_TOWN.false_zone(),
        HONEST_TOWN.false_window(),
    )
]


def lying_town() -> list[Any]:
    """The same evidence, true of another window that members 1 to 3 alone would sign."""
    town = honest_town()
    town.lie(1, import_register_wh=1300, import_wh=301)
    town.lie(4, import_register_wh=4300, import_wh=301)
    town.draft.bend_zone = lambda zone: replace(zone, import_wh=zone.import_wh + 7)
    makes: tuple[Callable[[], bytes], ...] = (
        lambda: town.false_leaf(1),
        lambda: town.false_leaf(4),
        lambda: town.false_energy(1),
        lambda: town.false_energy(1, first=True),
        town.false_zone,
        town.false_window,
    )
    return [json.loads(make()) for make in makes]


LYING = lying_town()
STORIES = [
    ("ocmf", plain_ocmf(1, 1, 1)),
    ("ocmf", plain_ocmf(1, 1250, 999)),
    ("batch", batch([item(4, "register", registers(1, 1))]).data),
    ("batch", batch([item(1, "register", registers(1, 1))]).data),
]


def paths(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    children = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for name, child in children:
        found += paths(child, (*at, name))
    return found


def get(content: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        content = content[name]
    return content


def put(content: Any, path: tuple[Any, ...], value: Any) -> None:
    get(content, path[:-1])[path[-1]] = value


def written(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_n4_the_lies_that_are_spliced_in_would_be_proven_of_their_signers() -> None:
    """The property below can fail: signed by a quorum, the other window is evidence."""
    assert [judge(written(one)).proven for one in LYING] == [True, True, True, False, True, False]
    assert [judge(written(one)).proven for one in FILES] == [False] * len(FILES)


@many
@given(st.integers(0, len(FILES) - 1), st.data())
def test_n4_no_splice_of_honest_signatures_into_lies_accuses_the_honest(at: int, data: st.DataObject) -> None:
    """Any part of evidence of a lie, under what the honest member has signed."""
    content = json.loads(json.dumps(FILES[at]))
    places = paths(content)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(places))
        try:
            put(content, path, json.loads(json.dumps(get(LYING[at], path))))
        except (KeyError, IndexError, TypeError):
            continue
    if "record" in content and data.draw(st.booleans()):
        form, story = data.draw(st.sampled_from(STORIES))
        content["record"] = {"format": form, "data": story.hex()}
    judgement = judge(written(content))
    # Where the whole signed entry was exchanged, its certificate is no longer the honest one's.
    signed = json.dumps(content)
    honest_entry = HONEST_TOWN.parts.signed.entry.hex()
    if honest_entry in signed:
        assert judgement.accused == ()


# --- records: whatever a meter signs, the leaf that an honest node makes of it is safe

METER_KEY = p256("hostile meter")
BEFORE_WH = 77
LAST = "2027-01-15T08:29:55,000+0000 S"
names = st.sampled_from(
    [
        *("1-0:1.8.0", "1-b:1.8.0", "1-0:2.8.0", "01-00:B0.08.00*FF"),
        *("01-00:C0.08.00*FF", "1-0:1.8.1", "1-0:9.9.9", "x"),
    ]
)
numbers = st.sampled_from([0, 1, 12, 1250, 1.5, 0.999, 1e3, 10**9, "1250", " 7", "-1", "1e2"])
readings = st.fixed_dictionaries(
    {},
    optional={
        "TM": st.sampled_from([LAST, LAST.replace("08:29", "08:20"), LAST.replace(" S", " I")]),
        "RV": numbers,
        "RI": names,
        "RU": st.sampled_from(["Wh", "kWh", "MWh", "x"]),
        "ST": st.sampled_from(["G", "G", "G", "E", "N"]),
        "EF": st.sampled_from(["", "E", "t"]),
        "TX": st.sampled_from(["B", "E", 'R"RV":1,"RI":"1-0:1.8.0","RU":"Wh"', "RRRR"]),
    },
)
FIRST_READING = {"TM": LAST, "RV": 1, "RI": "1-0:1.8.0", "RU": "Wh", "ST": "G"}


def context() -> Any:
    registered = device(scene.METER, 1, Curve.SECP256R1, compressed(METER_KEY))
    made = Scene().add(replace(registered, meter_id=meter_id("S1")), scene.entry("ocmf"))
    return made.context()


CONTEXT = context()


def read_by_an_honest_node(record: bytes) -> Parsed | None:
    try:
        return parse_ocmf(record, Carrier(scene.METER, RecordHash(hashlib.sha256(record).digest())), CONTEXT)
    except Refusal:
        return None


def record_of(items: list[dict[str, Any]], extra: dict[str, Any], separators: tuple[str, str]) -> bytes:
    payload = json.dumps({"PG": "F1", "MS": "S1", **extra, "RD": items}, separators=separators)
    r_s = "3006020101020101"  # any signature: whether it holds is asked elsewhere, and not of this
    return f'OCMF|{payload}|{{"SD":"{r_s}"}}'.encode()


@settings(many, max_examples=300)
@given(
    st.lists(readings, max_size=4),
    st.dictionaries(
        st.sampled_from(["LC", "CT", "RX"]), st.sampled_from([FIRST_READING, "R", 1]), max_size=2
    ),
    st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")]),
    st.integers(0, 5),
)
def test_n4_a_leaf_that_an_honest_node_makes_follows_from_its_record(
    items: list[dict[str, Any]], extra: dict[str, Any], separators: tuple[str, str], energy_wh: int
) -> None:
    record = record_of([FIRST_READING, *items], extra, separators)
    parsed = read_by_an_honest_node(record)
    if parsed is None:
        return
    (reading,) = parsed.readings
    into, out = reading.import_register_wh, reading.export_register_wh
    leaf = Leaf(
        UsagePoint(scene.METER),
        WindowStart(900),
        BEFORE_WH if into is None else into,
        BEFORE_WH if out is None else out,
        0 if into is None else energy_wh,
        0 if out is None else energy_wh,
        WindowStart(0),
        17,
        1,
        RecordHash(hashlib.sha256(record).digest()),
    )
    try:
        assert not ocmf_contradicts(leaf, record)
    except Faulty:
        return


def test_n4_the_records_above_are_often_read_by_both() -> None:
    """The property above is no idle one: such a record is understood, and a false leaf is found."""
    record = record_of([FIRST_READING], {}, (",", ":"))
    assert read_by_an_honest_node(record) is not None
    leaf = Leaf(UsagePoint(7), WindowStart(900), 2, 0, 1, 0, WindowStart(0), 17, 1, RecordHash(bytes(32)))
    assert ocmf_contradicts(leaf, record)


def test_n4_a_record_of_another_format_cannot_pass_for_one_that_a_contract_reads() -> None:
    for record in (Record("dsmr", 5, b"/OCMF|\r\n!\r\n"), Record("json", 6, b'{"RV":1}')):
        leaf = Leaf(UsagePoint(5), WindowStart(900), 2, 0, 1, 0, WindowStart(0), 17, 3, record.hash)
        with pytest.raises(Faulty):
            ocmf_contradicts(leaf, record.data)

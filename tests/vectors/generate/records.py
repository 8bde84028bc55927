"""Writes tests/vectors/records.json: OCMF records that a hostile meter may sign, and what they say.

Each is one that the parser takes. The contract that judges leaves (E2) must never call a leaf
false that follows from one of them, however the record is written; it may say that it does not
understand. Run: python -m tests.vectors.generate.records
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Final

from oracle.feeds.formats import Context, Parsed, RosterEntry, parse
from oracle.model import Curve, Device, DeviceKind, Record, ZoneId

COUNT: Final = 240
SEED: Final = 20261121
METER: Final = 7
SERIAL: Final = "2"
_TOTALS: Final = ("1-b:1.8.0", "1-0:2.8.0", "01-00:01.08.00*FF", "01-00:02.08.00*FF", "1-0:1.8.0*255")
_OTHERS: Final = ("1-0:1.8.1", "1-0:2.8.2", "01-00:B2.08.00*FF", "1-0:32.7.0", "1-b:1.8")
_TIMES: Final = ("2026-11-21T12:00:00,000+0000 S", "2026-11-21T12:05:00,000+0000 S")
_SIGNATURE: Final = '"SD":"3006020101020101"'


def _number(draw: random.Random) -> str:
    whole = str(draw.choice((0, 7, 5000, draw.randrange(10**9))))
    shapes = (
        whole,
        whole,
        f"{whole}.{draw.randrange(10**5):05}",
        f"{whole}e1",
        f"{whole}.5E2",
        f'" {whole}"',
    )
    return draw.choices(shapes, (5, 5, 8, 1, 1, 1))[0]


def _reading(draw: random.Random, *, odd: bool) -> list[str]:
    names = _TOTALS + _OTHERS if odd else _TOTALS
    fields = [
        f'"RV":{_number(draw)}',
        f'"RI":"{draw.choice(names)}"',
        f'"RU":"{draw.choices(("Wh", "kWh", "MWh"), (4, 4, int(odd)))[0]}"',
    ]
    if odd and draw.random() < 0.5:
        draw.shuffle(fields)
    if odd and draw.random() < 0.5:
        del fields[draw.randrange(3)]
    return fields


def _item(draw: random.Random, *, first: bool, odd: bool) -> str:
    """One object of RD; later ones may leave out what they inherit, or nest what is no reading."""
    fields = _reading(draw, odd=odd) if first or draw.random() < 0.8 else []
    if first or draw.random() < 0.6:
        fields.insert(0, f'"TM":"{_TIMES[0] if first else draw.choice(_TIMES)}"')
    if first:
        fields.append('"ST":"G"')
    if draw.random() < 0.2:
        nested = ",".join(_reading(draw, odd=odd))
        junk = f'"X":{{{nested}}}' if draw.random() < 0.5 else f'"X":[{{{nested}}},{{"R":"R"}}]'
        fields.insert(draw.randrange(len(fields) + 1), junk)
    return "{" + ",".join(fields) + "}"


def _record(draw: random.Random) -> str:
    odd = draw.random() < 0.4
    items = [_item(draw, first=number == 0, odd=odd) for number in range(draw.randrange(1, 5))]
    extra = draw.choices(
        ("", ',"ID":"R V"', ',"ID":"RV"', f',"Z":{{{",".join(_reading(draw, odd=odd))}}}'), (6, 2, 1, 1)
    )[0]
    rest = f',"Q":{{{",".join(_reading(draw, odd=odd))}}}' if draw.random() < 0.1 else ""
    payload = f'{{"FV":"1.0","GS":"{SERIAL}","PG":"T1","RD":[{",".join(items)}]{extra}}}'
    style = draw.random()
    if style < 0.05:
        payload = payload.replace('"RV":', '"RV" : ')
    elif style < 0.1:
        payload = payload.replace('"RI"', '"R\\u0049"', 1)
    return f"OCMF|{payload}|{{{_SIGNATURE}{rest}}}"


def vectors() -> list[dict[str, object]]:
    """Records that the parser takes, with the registers it reads, in Wh or null."""
    draw, salt = random.Random(SEED), b"salt"
    meter_id = hashlib.sha256(salt + SERIAL.encode()).digest()
    key = b"\x02" + bytes(31) + b"\x05"
    meter = Device(METER, ZoneId(1), DeviceKind.METER, Curve.SECP256R1, key, 22_000, meter_id)
    roster = RosterEntry(METER, "ocmf", SERIAL, salt)
    context = Context({METER: meter}.get, {METER: roster}.get, None)
    found: list[dict[str, object]] = []
    while len(found) < COUNT:
        text = _record(draw)
        parsed = parse(Record("ocmf", METER, text.encode()), context)
        if isinstance(parsed, Parsed):
            [reading] = parsed.readings
            found.append(
                {
                    "record": text,
                    "import": reading.import_register_wh,
                    "export": reading.export_register_wh,
                }
            )
    return found


def main() -> None:
    """Write the file."""
    path = Path(__file__).parents[1] / "records.json"
    path.write_text(json.dumps({"kind": "records", "vectors": vectors()}, indent=1) + "\n")


if __name__ == "__main__":
    main()

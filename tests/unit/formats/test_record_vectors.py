"""The records that the contract's tests judge are read by the parser as they were written down."""

import json
from pathlib import Path

from tests.vectors.generate.records import vectors

FILE = Path(__file__).parents[2] / "vectors" / "records.json"


def test_the_committed_records_say_what_the_parser_reads() -> None:
    committed = json.loads(FILE.read_text())["vectors"]
    assert committed == vectors()
    assert any(vector["export"] is None for vector in committed)
    assert any(vector["import"] is None for vector in committed)

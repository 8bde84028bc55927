"""What the evidence calls readable is what the contract's types hold."""

import re
from pathlib import Path

from oracle.chain import filing
from oracle.evidence import records

SOURCE = (Path(__file__).parents[3] / "contracts/contracts/dispute-resolution.clar").read_text()


def only(pattern: str) -> int:
    found = set(re.findall(pattern, SOURCE))
    assert len(found) == 1, found
    return int(found.pop())


def test_records_and_batches_are_as_long_as_the_contract_takes_them() -> None:
    assert only(r"\(record \(buff (\d+)\)\)") == records.OCMF_BYTES_MAX
    assert only(r"data: \(buff (\d+)\)") == records.ITEM_BYTES_MAX
    assert only(r"items: \(list (\d+) ") == records.ITEMS_MAX


def test_as_many_letters_are_gone_through_as_the_contract_has_steps() -> None:
    steps = re.search(r"define-constant STEPS \(list ([u0 ]+)\)", SOURCE)
    assert steps is not None
    assert len(steps[1].split()) == records.KEYS_MAX


def test_as_many_leaves_and_zones_are_added_up_at_once_as_the_contract_takes() -> None:
    assert only(r"leaves \(list (\d+) ") == filing.LEAVES_PER_TALLY
    assert only(r"zones \(list (\d+) uint\)") == filing.ZONES_MAX

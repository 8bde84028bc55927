"""C1: who submits when, and the arguments as contracts/INTERFACE.md has them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from consensus.encoding import Value, decode
from consensus.model import Digest, NodeId
from oracle.model import Counts, WindowStart, WindowSummary
from oracle.schedule import stage_of, submitters, transmission
from tests.unit.oracle.network import certified, entry_of

INTERFACE = Path(__file__).parents[3] / "contracts" / "INTERFACE.md"
BLS = bytes(range(48))
SUMMARY = WindowSummary(
    WindowStart(900), 0, bytes(32), bytes(32), 1, 2, 30, 4, 17, Counts(validated=2)
).value()
VOID: dict[str, Value] = {"window": 900, "revision": 0, "reason": 1, "count": 4}
ACTIVATE: dict[str, Value] = {
    "epoch": 1,
    "session": b"s" * 32,
    "group-key": b"g" * 96,
    "commitments": b"c" * 32,
    "first-window": 1800,
    "attachment": b"a" * 32,
}


def digest_of(number: int) -> Digest:
    return Digest(hashlib.sha256(b"%d" % number).digest())


def parameters(function: str) -> list[str]:
    """The names of a public function's parameters, in order."""
    line = next(line for line in INTERFACE.read_text().splitlines() if line.startswith(f"| `({function} "))
    inner = line.split("`")[1].removeprefix(f"({function} ").removesuffix(")")
    names: list[str] = []
    depth, fresh = 0, False
    for token in re.findall(r"\(|\)|[^\s()]+", inner):
        if token == "(":
            depth += 1
            fresh = depth == 1
        elif token == ")":
            depth -= 1
        elif depth == 1 and fresh:
            names.append(token)
            fresh = False
    return names


@pytest.mark.parametrize("members", [4, 7, 31])
def test_every_member_has_its_turn_once(members: int) -> None:
    for number in range(20):
        order = submitters(digest_of(number), members)
        assert sorted(order) == list(range(members))
        stages = [stage_of(digest_of(number), NodeId(slot), members) for slot in range(members)]
        assert [order[stage] for stage in stages] == list(range(members))


def test_nobody_is_first_more_often_than_chance_has_it() -> None:
    first = Counter(submitters(digest_of(number), 4)[0] for number in range(4000))
    assert all(850 < count < 1150 for count in first.values())


@pytest.mark.parametrize(
    ("kind", "body", "function", "contract", "key"),
    [
        ("window", SUMMARY, "submit-window", "production-oracle", "window:900:0"),
        ("void", VOID, "submit-void", "production-oracle", "void:900:0"),
        ("activate", ACTIVATE, "activate-epoch", "oracle-staking", "activate:1"),
    ],
)
def test_arguments_stand_in_the_order_of_the_interface(
    kind: str, body: dict[str, Value], function: str, contract: str, key: str
) -> None:
    entry = entry_of(kind, body, height=7, previous=digest_of(6))
    decided = certified(entry)
    wanted = transmission(decided, BLS, NodeId(2), 4)
    assert wanted is not None
    assert (wanted.key, wanted.contract, wanted.function, wanted.height) == (key, contract, function, 7)
    assert wanted.stage == stage_of(entry.digest, NodeId(2), 4)
    said: dict[str, Value] = {
        "height": 7,
        "previous": digest_of(6),
        "epoch": 1,
        "round": 0,
        "signatures": decided.certificate.signatures,
        "bls-signature": BLS,
        "summary": body,
        "void": body,
    }
    said |= {name: ACTIVATE[name] for name in ACTIVATE if name != "epoch"}
    names = parameters(function)
    assert len(names) > 5
    assert [decode(argument) for argument in wanted.arguments] == [said[name] for name in names]


@pytest.mark.parametrize("kind", ["registry", "hello", "deal", "respond", "justify", "anything"])
def test_what_the_contracts_do_not_take_stays_off_the_chain(kind: str) -> None:
    assert transmission(certified(entry_of(kind, {"epoch": 1})), BLS, NodeId(0), 4) is None


def test_an_activation_goes_to_the_chain_with_the_word_of_the_committee_it_activates() -> None:
    entry = entry_of("activate", {**ACTIVATE, "epoch": 2})
    assert transmission(certified(entry), BLS, NodeId(0), 4) is None, "certified by the committee before"

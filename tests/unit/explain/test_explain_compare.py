"""Several nodes' accounts: who agrees, and where their inputs first differ."""

from __future__ import annotations

from typing import Any

from oracle.explain.account import Account
from oracle.explain.compare import compare
from oracle.explain.report import json_of, text_of_several
from oracle.explain.verdict import judge
from oracle.journey import Stage
from tests.unit.explain.accounts import account, answer, records, stage


def holding(name: str, **named: str) -> Account:
    return account(name, inputs=answer()["inputs"] | {"closed": records(**named)})


def test_the_first_usage_point_that_differs_is_named_with_both_records() -> None:
    most = [holding(name, p1="aa", p2="bb", p3="cc") for name in ("a", "b", "c")]
    compared = compare([*most, holding("d", p1="aa", p2="b2", p3="c3")])
    (found,) = compared.differences
    assert (found.here, found.there, found.usage_point) == ("a", "d", 2)
    assert (found.record_here, found.record_there, found.more) == ("bb", "b2", 1)
    assert [names for _, names in compared.alike] == [("a", "b", "c"), ("d",)]
    assert "inputs at the close differed: a and b and c; d, all settled it alike" in compared.sentence


def test_a_record_that_one_node_does_not_hold_is_a_difference() -> None:
    (found,) = compare([holding("a", p1="aa", p2="bb"), holding("b", p2="bb")]).differences
    assert (found.usage_point, found.record_here, found.record_there) == (1, "aa", None)


def test_of_a_part_of_the_rows_nothing_is_said_beyond_its_end() -> None:
    whole = holding("a", p1="aa", p2="bb", p3="cc")
    part = records(p1="aa", p2="bb") | {"count": 9, "complete": False}
    other = account("b", inputs=answer()["inputs"] | {"closed": part})
    assert compare([whole, other]).differences == ()
    assert len(compare([whole, other]).alike) == 2


def test_different_outcomes_are_said_loudly() -> None:
    compared = compare([account("a"), account("b", digest="dd" * 32)])
    assert compared.conflicting
    assert "DIFFERENT" in compared.sentence


def test_a_node_that_has_not_settled_it_is_named() -> None:
    open_ = account("b", kind=None, digest=None, chain=None, round=None, signers=None)
    assert compare([account("a"), open_]).sentence.endswith("not settled yet at b")


def test_a_source_with_other_records_is_named() -> None:
    sources = [{"format": "ocmf", "source": 1, "count": 3, "digest": "22"}]
    (found,) = compare([account("a"), account("b", inputs=answer()["inputs"] | {"sources": sources})]).sources
    assert (found.format, found.source, found.count_here, found.count_there) == ("ocmf", 1, 2, 3)


def test_the_spread_of_a_stage_names_the_first_and_the_last_node() -> None:
    slow = account("b", stages=[stage("closed", 0), stage("attested", 2000)])
    compared = compare([account("a"), slow])
    by_stage = {one.stage: one for one in compared.spreads}
    attested = by_stage[Stage.ATTESTED]
    assert (attested.first, attested.last, attested.by_ms) == ("a", "b", 800)
    assert Stage.CERTIFIED not in by_stage


def test_text_and_json_carry_it_all() -> None:
    accounts = [holding("a", p1="aa"), holding("b", p1="ab")]
    verdicts, compared = [judge(one) for one in accounts], compare(accounts)
    text = text_of_several(accounts, verdicts, compared, ["c: unreachable"])
    assert text.splitlines()[0].startswith("window 2026-03-01 12:15Z: inputs at the close differed")
    assert "first difference of a and b: usage point 1, aa here, ab there; 0 more" in text
    assert "no account: c: unreachable" in text
    content: dict[str, Any] = json_of(accounts, verdicts, compared, [], [answer(), answer()])
    assert content["comparison"]["differences"][0]["usage_point"] == 1
    assert content["comparison"]["conflicting"] is False

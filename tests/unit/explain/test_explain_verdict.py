"""One node's account: what stopped the window, who was late, in plain words."""

from __future__ import annotations

import pytest

from oracle.explain.account import NoAccountError, read_account
from oracle.explain.report import text_of_one
from oracle.explain.verdict import ADVICE, LATE_MS, Halt, judge
from oracle.journey import Said
from tests.unit.explain.accounts import START_S, account, answer, stage, unsettled, without, word


def test_a_good_window_is_one_sentence() -> None:
    verdict = judge(account())
    assert verdict.sentence == (
        "window 2026-03-01 12:15Z was attested in 1.2 s, on chain after 9.0 s; nobody was late"
    )
    assert verdict.halt is None
    assert verdict.late == ()


def test_a_vote_after_the_quorum_is_late_by_the_time_between() -> None:
    heard = [*without("prevote", slot=3), word(3, "prevote", 1102)]
    verdict = judge(account(heard=heard))
    assert "member 3 was late by 0.90 s: its prevote came after the quorum" in verdict.sentence
    (late,) = verdict.late
    assert (late.slot, late.said, late.by_ms) == (3, Said.PREVOTE, 900)


def test_what_comes_just_after_the_quorum_is_not_late() -> None:
    heard = [*without("commit", slot=3), word(3, "commit", 302 + LATE_MS - 1)]
    assert judge(account(heard=heard)).late == ()


def test_a_share_that_did_not_come_is_named_and_so_are_the_votes_of_that_member() -> None:
    verdict = judge(account(heard=without("share", "commit", slot=2)))
    assert "member 2: its commit and share did not come" in verdict.sentence


def test_a_commit_that_was_not_needed_is_not_held_against_who_shared_in_time() -> None:
    assert judge(account(heard=without("commit", slot=2))).late == ()


def test_a_member_of_whom_nothing_came_was_not_heard_at_all() -> None:
    silent = without("notice", "prevote", "commit", "share", slot=3)
    verdict = judge(account(heard=silent))
    assert verdict.absent == (3,)
    assert "member 3 was not heard at all" in verdict.sentence
    assert verdict.sentence.count("member 3") == 1


def test_a_window_of_a_later_round_says_so() -> None:
    assert "in round 2" in judge(account(round=2)).sentence


def test_a_void_says_its_reason_and_how_many_windows_it_covers() -> None:
    void = {"reason": "no-records", "count": 3}
    verdict = judge(account(kind="void", void=void, round=0))
    assert "is void, with 2 after it: no-records" in verdict.sentence
    assert verdict.halt is Halt.VOID_NO_RECORDS
    assert "feeds" in verdict.what_to_do
    assert judge(account(kind="void", void={"reason": "9", "count": 1})).halt is Halt.VOID_UNKNOWN


@pytest.mark.parametrize(
    ("changes", "halt", "said"),
    [
        ({"stages": [], "heard": []}, Halt.NOT_OVER, "it is not over"),
        ({"next_window": START_S - 900}, Halt.BEHIND, "window 2026-03-01 12:00Z comes first"),
        (
            {"stages": [stage("closed", 0)], "heard": [word(1, "notice", 5, None)]},
            Halt.COMPARING,
            "no word of what they hold from members 2, 3",
        ),
        (
            {"heard": without("proposal", "prevote", "commit", "share")},
            Halt.NO_PROPOSAL,
            "member 1 had the turn and proposed nothing",
        ),
        (
            {
                "heard": [
                    *without("prevote", "commit", "share"),
                    word(0, "prevote", 200),
                    word(2, "prevote", 250, None),
                ]
            },
            Halt.NO_PREVOTES,
            "too few prevotes, none from members 1, 3, for nothing voted member 2",
        ),
        (
            {"heard": [*without("commit", "share"), word(1, "commit", 300)]},
            Halt.NO_COMMITS,
            "too few commits, none from members 2, 3",
        ),
        ({}, Halt.AWAITS_LEAVES, "still fetches what belongs to it"),
    ],
)
def test_what_stopped_a_window_has_a_name(changes: dict[str, object], halt: Halt, said: str) -> None:
    verdict = judge(unsettled(**changes))
    assert verdict.halt is halt
    assert said in verdict.sentence
    assert verdict.what_to_do.startswith(f"{halt.value}: ")


def test_each_step_to_the_chain_has_a_name() -> None:
    waiting: dict[str, object] = {"status": "waiting", "txid": None, "block_height": None, "transactions": []}
    stages = answer()["stages"]
    names = [judge(account(chain=waiting, stages=stages[:upto])).halt for upto in (3, 4, 5, 6)]
    assert names == [Halt.AWAITS_SHARES, Halt.AWAITS_SUBMISSION, Halt.AWAITS_BLOCK, None]


def test_a_node_that_was_away_says_that_it_took_the_window_from_others() -> None:
    verdict = judge(account(stages=[stage("certified", 0)], heard=[]))
    assert "was settled by others" in verdict.sentence
    assert verdict.absent == ()


def test_every_halt_has_advice() -> None:
    assert set(ADVICE) == set(Halt)


def test_the_report_shows_each_stage_with_the_delay_to_the_one_before() -> None:
    text = text_of_one(account(), judge(account()))
    lines = {line.split("  ")[1]: line for line in text.splitlines() if line.startswith("  ")}
    assert "+0.050 s" in lines["reconciled"]
    assert "by member 1" in lines["proposed"]
    assert "signed by 0, 1, 2" in lines["certified"]
    assert "+7.700 s" in lines["on chain"]


def test_the_report_shows_what_was_settled_otherwise_than_held() -> None:
    inputs = answer()["inputs"] | {"closed": {**answer()["inputs"]["closed"], "digest": "other", "rows": []}}
    one = account(inputs=inputs)
    assert "at 2 usage points, first 1: nothing held, aa settled" in text_of_one(one, judge(one))


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": -1},
        {"members": 40},
        {"heard": [{"slot": 1}]},
        {"heard": [word(1, "sang", 1)]},
        {"stages": [stage("lunch", 1)]},
        {"inputs": None},
        {"stage": 3},
        {"now_ms": True},
        {"digest": "x" * 1000},
        {"signers": list(range(40))},
    ],
)
def test_what_is_no_account_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(NoAccountError):
        read_account("there", answer(**changes))


def test_control_letters_of_a_node_do_not_reach_the_terminal() -> None:
    events = [{"at_ms": 1, "name": "refused", "detail": "\x1b[2Jgone"}]
    one = account(events=events)
    assert "\x1b" not in text_of_one(one, judge(one))

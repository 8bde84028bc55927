"""Named seeds, and campaigns that tell what they covered and fail where they were idle."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from consensus.model import InvariantBroken
from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.campaign import LONG, Expected, Plan, missing, run_campaign, tell
from consensus.simulator.runs import Report, Run, run_log
from consensus.step import Outgoing
from deploy.demo.adversaries import ALL, TurnedLinks
from tests.simulation.__main__ import COMMAND, EXPECTED, run_either
from tests.simulation.town import NAMES, run_town

SEEDS = tomllib.loads((Path(__file__).parent / "named_seeds.toml").read_text())["seed"]


@pytest.mark.parametrize("named", SEEDS, ids=[one["name"] for one in SEEDS])
def test_a_named_seed_stays_mended(named: dict[str, Any]) -> None:
    run = Run(named["seed"], named["nodes"], named.get("adversary"), named["seconds"] * 1000)
    assert (run_log if named["runs"] == "log" else run_town)(run).heights > 3


def test_a_campaign_tells_what_it_covered() -> None:
    outcome = run_campaign(Plan(1, 2, None, 4, ("replay",), 6000), run_either, EXPECTED, COMMAND, None)
    out = io.StringIO()
    assert tell(outcome, out, as_json=True) == 0
    told = json.loads(out.getvalue())
    assert told["good"]
    assert told["seeds"] == 2
    assert told["events-per-s"] > 0
    assert any(name.startswith("replay") for name in told["acts"])


def test_a_campaign_in_which_an_adversary_did_nothing_is_no_good_one() -> None:
    plan = Plan(1, 1, None, 4, ("equivocate",), 1000)
    outcome = run_campaign(plan, lambda _: Report(seeds=1), EXPECTED, COMMAND, None)
    assert outcome.missing == ("adversary equivocate",)
    assert tell(outcome, io.StringIO(), as_json=False) == 1


def test_a_long_campaign_must_cover_every_fault_and_rule_that_is_expected() -> None:
    expected = Expected(frozenset({"partition"}), frozenset({"lock"}))
    plan = Plan(1, LONG, None, 4, ("none",), 1000)
    assert missing(Report(seeds=LONG), plan, expected) == ("fault partition", "rule lock")
    assert missing(Report(seeds=LONG - 1), plan, expected) == ()


def break_at_three(run: Run) -> Report:
    if run.seed == 3:
        raise InvariantBroken("two and two are four")
    return run_either(run)


def test_a_failure_prints_its_seed_and_the_command_that_shows_it_again() -> None:
    plan = Plan(1, 9, None, 5, ("none",), 7000)
    out = io.StringIO()
    assert tell(run_campaign(plan, break_at_three, EXPECTED, COMMAND, None), out, as_json=False) == 1
    assert "seed 3, 5 nodes, none: two and two are four" in out.getvalue()
    assert f"{COMMAND} --seed 3 --seeds 1 --nodes 5 --adversary none --seconds 7" in out.getvalue()


def test_seeds_side_by_side_give_the_summary_of_seeds_in_turn() -> None:
    plan = Plan(1, 4, None, 4, ("replay", "none"), 3000)
    alone, together = (
        run_campaign(plan, run_either, EXPECTED, COMMAND, None, jobs).report for jobs in (1, 2)
    )
    assert alone == together


def test_a_failure_in_another_process_is_told_by_its_seed() -> None:
    plan = Plan(1, 9, None, 4, ("replay",), 3000)
    outcome = run_campaign(plan, break_at_three, EXPECTED, COMMAND, None, jobs=2)
    assert outcome.failure == "seed 3, 4 nodes, replay: two and two are four"
    assert outcome.report.seeds == 2


def test_an_interrupted_campaign_tells_what_it_has() -> None:
    def interrupt(run: Run) -> Report:
        if run.seed == 2:
            raise KeyboardInterrupt
        return Report(seeds=1, heights=5)

    outcome = run_campaign(Plan(1, 9, None, 4, ("none",), 1000), interrupt, EXPECTED, COMMAND, None)
    assert outcome.interrupted
    assert outcome.report.heights == 5


def test_every_named_adversary_of_the_issue_is_there() -> None:
    assert set(NAMES) == {
        "equivocate",
        "favour",
        "withhold",
        "amnesia",
        "replay",
        "bad-share",
        "bad-dealer",
        "lying-records",
        "censor",
        "two-faced-meter",
    }
    assert set(ADVERSARIES) < set(ALL) < set(NAMES)


class Wire:
    def __init__(self) -> None:
        self.sent: list[tuple[int | None, bytes]] = []

    def broadcast(self, frame: bytes) -> None:
        self.sent.append((None, frame))

    def send(self, slot: int, frame: bytes) -> None:
        self.sent.append((slot, frame))


def test_the_links_of_a_real_process_carry_what_the_adversary_makes_of_frames() -> None:
    from consensus.model import NodeId
    from consensus.simulator.runs import NETWORK, keys, means_of

    adversary = ALL["favour"](means_of(Run(1), 2, NETWORK, keys(4)[2]))
    wire, heard = Wire(), list[tuple[int, bytes]]()
    links = TurnedLinks(wire, adversary, lambda slot, frame: heard.append((slot, frame)))
    for _ in range(50):
        links.broadcast(b"frame")
        links.on_frame(0, b"frame")
    told = {slot for slot, _ in wire.sent}
    assert None not in told
    assert adversary.acts["favour: frames kept from peers"] > 0
    assert list(adversary.twist(Outgoing(b"frame", NodeId(0)))) in ([], [Outgoing(b"frame", NodeId(0))])

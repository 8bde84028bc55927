"""Rule A7 and the registry at a whole node: what is refused, and what is only too early."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from consensus.dkg.bundle import encode_attachment
from consensus.messages import Certificate, Entry
from oracle.duties.judging import VOID_ROUND_MIN
from oracle.duties.pace import COLLECT_TIMER, DEADLINE_TIMER
from oracle.events import ChainRead
from oracle.frames import NUMBER_MAX
from oracle.model import Device, Reading, Record
from oracle.settle import VoidReason
from oracle.windows.registry import CAPACITY_W_MAX, Registry
from tests.scenarios.lone import Lone
from tests.scenarios.network import Member, OneEar, Town
from tests.simulation.whole_node import PACE, WINDOW_S, Meters

NOBODY_S_WORD = encode_attachment([])


def proposing_round(lone: Lone, first: int = 0) -> int:
    return lone.rounds_of_others(first)[0]


# -- A7 at one node


def test_a7_no_agreement_is_agreed_to_past_the_deadline_and_in_a_late_round_only() -> None:
    lone = Lone()
    void = lone.void(reason=2)
    lone.propose(void, proposing_round(lone))
    assert lone.verdict(void.digest) is None
    lone.skip_rounds_to(VOID_ROUND_MIN)
    assert lone.verdict(void.digest) is None
    lone.pass_deadline()
    assert lone.verdict(void.digest) is True


def test_a7_the_deadline_alone_is_not_enough() -> None:
    lone = Lone()
    void = lone.void(reason=2)
    lone.pass_deadline()
    lone.propose(void, proposing_round(lone))
    assert lone.verdict(void.digest) is None
    lone.skip_rounds_to(VOID_ROUND_MIN)
    lone.pass_timer("nudge")
    assert lone.verdict(void.digest) is True


def test_a7_a_void_that_came_too_early_is_agreed_to_when_it_is_proposed_again() -> None:
    # It was refused for the whole height: the void of a window is one value whoever proposes it.
    lone = Lone()
    void = lone.void(reason=2)
    early = proposing_round(lone)
    lone.propose(void, early)
    late = proposing_round(lone, VOID_ROUND_MIN)
    lone.skip_rounds_to(late)
    lone.pass_deadline()
    lone.propose(void, late)
    assert late in lone.prevotes(void.digest)
    assert early not in lone.prevotes(void.digest)


def test_a7_a_void_for_no_records_is_refused_by_whoever_holds_one() -> None:
    lone = Lone()
    void = lone.void(reason=1)
    lone.propose(void, proposing_round(lone))
    assert lone.verdict(void.digest) is False
    assert lone.prevotes(void.digest) == []


def test_a7_a_void_for_no_records_is_agreed_to_by_whoever_holds_none() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    for ear in town.ears:
        ear.heard = 0.0
    settled = town.node(0).settlement.next_window + 2 * WINDOW_S
    town.run_until(lambda: town.node(0).settlement.next_window >= settled)
    lone = Lone(town=town, heard=0.0, windows=0)
    void = lone.void(reason=1)
    lone.propose(void, proposing_round(lone))
    assert lone.verdict(void.digest) is True


@pytest.mark.parametrize("reason", [0, 4])
def test_a7_a_void_for_another_reason_is_refused(reason: int) -> None:
    lone = Lone()
    void = lone.void(reason=reason)
    lone.skip_rounds_to(VOID_ROUND_MIN)
    lone.pass_deadline()
    lone.propose(void, proposing_round(lone, VOID_ROUND_MIN))
    assert lone.verdict(void.digest) is False


# -- A7 in the network


def test_a7_windows_of_which_nobody_has_records_are_void_and_history_has_no_gap() -> None:
    town = Town(meters=[OneEar(heard=0.0) for _ in range(4)])
    town.run_until(lambda: len(town.entries("void")) >= 4)
    windows = []
    for entry in town.entries("void"):
        assert entry.body["reason"] == 1
        first, count = entry.body["window"], entry.body["count"]
        assert isinstance(first, int)
        assert isinstance(count, int)
        windows += [first + WINDOW_S * number for number in range(count)]
    assert windows == list(range(windows[0], windows[0] + WINDOW_S * len(windows), WINDOW_S))
    town.check()


def test_a7_after_an_outage_of_everybody_one_void_speaks_of_many_windows() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    town.kill(0, 1, 2, 3)
    town.run_s(30)  # what was on its way arrives nowhere
    town.world.now_ms += 20 * WINDOW_S * 1000
    town.boot(0, 1, 2, 3)
    windows = town.windows()
    town.run_until(lambda: town.windows() >= windows + 2, 200)
    counts = [entry.body["count"] for entry in town.entries("void")]
    assert max(int(str(count)) for count in counts) >= 15
    town.check()


def test_a7_a_window_that_is_over_and_within_its_grace_is_not_called_empty_yet() -> None:
    # One void spoke of windows that are over, whose records could still be on their way.
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    for ear in town.ears:
        ear.heard = 0.0
    town.run_until(lambda: all(town.entries("void", slot) for slot in range(4)), 60)
    voids = len(town.entries("void"))
    town.kill(0, 1, 2, 3)
    town.run_s(70)
    town.world.now_ms += 200_000 - town.world.now_ms % (WINDOW_S * 1000) + 100
    just_over = town.now_s() - WINDOW_S
    town.boot(0, 1, 2, 3)
    town.run_until(lambda: len(town.entries("void")) > voids, 20)
    assert town.now_s() == just_over + WINDOW_S, "within the grace"
    first, count = (int(str(town.entries("void")[-1].body[name])) for name in ("window", "count"))
    assert count > 10
    assert first + count * WINDOW_S == just_over


class Impossible(Meters):
    """A meter that jumps: what it says breaks the physical bound, and no leaf follows from it."""

    def reading(self, record: Record) -> Reading:
        real = super().reading(record)
        return replace(real, import_register_wh=5 + (10**9 if real.time_s % 60 < 30 else 0))


def test_a7_records_that_give_no_leaf_are_given_up_as_soon_as_a_quorum_holds_them() -> None:
    town = Town(meters=[Impossible(signed=1, unsigned=0) for _ in range(4)])
    town.run_until(lambda: town.windows() >= 1, 60)
    height = town.head(0)
    town.run_until(lambda: town.head(0) > height, 2 * WINDOW_S)
    void = town.log()[height]
    assert (void.kind, void.body["reason"], void.body["count"]) == ("void", VoidReason.NO_LEAF, 1)
    town.check()


class Deaf(Member):
    """A member that hears of nobody's records."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.node.settlement.on_notice = lambda *_: []  # type: ignore[method-assign]


def test_a7_records_that_give_no_leaf_wait_for_the_deadline_while_no_quorum_is_known_to_agree() -> None:
    ears = [Impossible(signed=1, unsigned=0) for _ in range(4)]
    town = Town(meters=ears, makes=dict.fromkeys(range(4), Deaf))
    town.run_until(lambda: town.windows() >= 1, 60)
    height = town.head(0)
    town.run_until(lambda: town.head(0) > height, 200)
    void = town.log()[height]
    assert (void.kind, void.body["reason"], void.body["count"]) == ("void", VoidReason.NO_AGREEMENT, 1)
    assert void.body["window"] == town.entries("window")[0].body["window"] + WINDOW_S  # type: ignore[operator]
    certificate = Certificate.parse(town.disk(0).history[void.height][1])
    assert isinstance(certificate, Certificate)
    assert certificate.round >= VOID_ROUND_MIN
    town.check()


def test_a7_what_too_few_observed_is_given_up_at_the_deadline() -> None:
    ears = [OneEar(signed=0, unsigned=1, only=None if slot < 2 else frozenset()) for slot in range(4)]
    town = Town(meters=ears)
    town.run_until(lambda: any(entry.kind == "void" for entry in town.log()), 300)
    town.run_s(100)
    voids = town.entries("void")
    assert voids
    assert all(int(str(entry.body["count"])) >= 1 for entry in voids)
    windows = [entry.body["window"] for entry in voids]
    assert len(set(windows)) == len(windows)
    town.check()


def test_a7_the_deadline_comes_again_when_a_registry_came_between() -> None:
    # It was armed at the close alone: a registry decided after it left the window without one.
    lone = Lone()
    window, height = lone.node.settlement.next_window, lone.node.height
    lone.pass_deadline()
    assert (lone.late, lone.timers.pop(f"{DEADLINE_TIMER}/{window}", None)) == (True, None)
    devices = more_devices()
    lone.read_chain(devices)
    lone.decide(registry_entry(lone, devices))
    assert lone.node.height == height + 1
    assert lone.node.settlement.next_window == window
    assert (lone.late, lone.timers[f"{DEADLINE_TIMER}/{window}"]) == (False, PACE.deadline_ms)
    lone.pass_deadline()
    lone.pass_timer(f"{COLLECT_TIMER}/{window}")
    void = lone.void(reason=2)
    lone.skip_rounds_to(proposing_round(lone, VOID_ROUND_MIN))
    lone.propose(void, lone.node.engine.round)
    assert lone.verdict(void.digest) is True


# -- the registry


def more_devices() -> tuple[Device, ...]:
    return OneEar(signed=6).devices()


def registry_entry(lone: Lone, devices: tuple[Device, ...], chain_height: int = 9) -> Entry:
    root = Registry(devices).root
    return lone.entry(
        "registry", **{"registry": root, "device-count": len(devices), "chain-height": chain_height}
    )


def test_a_registry_this_node_has_not_read_yet_is_not_refused_but_waits() -> None:
    # It was refused for the whole height, however soon the node read the same from its chain.
    lone = Lone()
    devices = more_devices()
    entry = registry_entry(lone, devices)
    lone.propose(entry, proposing_round(lone))
    assert lone.verdict(entry.digest) is None
    lone.read_chain(devices)
    assert lone.verdict(entry.digest) is True


def test_the_registry_that_is_agreed_already_is_not_agreed_again() -> None:
    lone = Lone()
    entry = registry_entry(lone, lone.node.registry.devices)
    lone.propose(entry, proposing_round(lone))
    assert lone.verdict(entry.digest) is False


def test_a_registry_of_another_count_is_refused() -> None:
    lone = Lone()
    devices = more_devices()
    lone.read_chain(devices)
    root = Registry(devices).root
    entry = lone.entry("registry", **{"registry": root, "device-count": 3, "chain-height": 9})
    lone.propose(entry, proposing_round(lone))
    assert lone.verdict(entry.digest) is False


def test_members_that_read_the_chain_one_after_another_agree_all_the_same() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 1)
    for slot in range(4):
        town.ears[slot].signed = 6
        town.happen(slot, ChainRead(town.ears[slot].devices(), 9))
        town.run_s(1.5)
    town.run_until(lambda: len(town.entries("registry")) == 2, 30)
    town.run_until(lambda: town.windows() >= 4, 60)
    assert town.entries("window")[-1].body["leaf-count"] == 7
    town.check()


@pytest.mark.parametrize("wrong", ["order", "capacity", "twice"])
def test_devices_that_no_registry_can_hold_stop_nobody(wrong: str) -> None:
    # Proposing them raised, at every node at once.
    town = Town()
    town.run_until(lambda: town.windows() >= 1)
    devices = more_devices()
    crooked = {
        "order": devices[::-1],
        "capacity": (*devices[:-1], replace(devices[-1], capacity_w=CAPACITY_W_MAX + 1)),
        "twice": (*devices, devices[-1]),
    }[wrong]
    for slot in range(4):
        town.happen(slot, ChainRead(crooked, 9))
    windows = town.windows()
    town.run_until(lambda: town.windows() >= windows + 2, 60)
    assert len(town.entries("registry")) == 1


# -- what one forged record may not do


def test_a_forged_unsigned_record_of_any_number_stops_nobody() -> None:
    class Forged(Meters):
        def reading(self, record: Record) -> Reading:
            real = super().reading(record)
            if real.usage_point <= self.signed:
                return real
            return replace(real, import_register_wh=10**15, sequence=NUMBER_MAX)

    town = Town(meters=[Forged() for _ in range(4)])
    town.run_until(lambda: town.windows() >= 3)
    town.check()
    assert town.entries("window")[-1].body["leaf-count"] == 4


def test_an_entry_of_an_unknown_kind_is_refused() -> None:
    for kind in ("activate", "anything"):
        lone = Lone()
        entry = lone.entry(kind, window=1)
        lone.propose(entry, proposing_round(lone), encode_attachment([]))
        assert lone.verdict(entry.digest) is False


def test_a_ceremony_for_a_committee_that_is_not_read_from_the_chain_yet_waits() -> None:
    lone = Lone()
    entry = hello(lone, committee=lone.node.engine.committee.node_keys[::-1])
    lone.propose(entry, proposing_round(lone), NOBODY_S_WORD)
    assert lone.verdict(entry.digest) is None


def test_a_ceremony_that_names_no_committee_is_refused() -> None:
    for named in ({}, {"committee": 7}):
        lone = Lone()
        entry = hello(lone, **named)
        lone.propose(entry, proposing_round(lone), NOBODY_S_WORD)
        assert lone.verdict(entry.digest) is False


def hello(lone: Lone, **named: object) -> Entry:
    """The first entry of a resharing whose proposal by the chain nobody has read here."""
    attachment = sha256(NOBODY_S_WORD).digest()
    return lone.entry("hello", epoch=2, session=bytes(32), attachment=attachment, **named)

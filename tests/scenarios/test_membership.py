"""Rules K1 to K4 and U2 where the committee changes, through whole nodes that go on attesting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from consensus.dkg.bundle import Bundle as CeremonyBundle
from consensus.dkg.participant import Participant
from consensus.dkg.status import Complete, FailureReason, FaultReason
from consensus.encoding import encode
from consensus.envelope import Verified, check_certificate
from consensus.messages import Certificate, Entry
from consensus.messages import Phase as VotePhase
from consensus.model import NodeId
from consensus.threshold.bls import verify
from oracle import frames
from oracle.conduct import Misdeed
from oracle.events import Event, Received
from oracle.keygen import KeyGeneration
from oracle.schedule import certified_by
from tests.scenarios.network import START_S, Member, Town
from tests.simulation.whole_node import PACE, WINDOW_S

CEREMONY_S = 4
RESHARING = ["hello", "deal", "respond", "activate"]
STAYING, LEAVING, JOINING = (0, 1, 2), 3, 4


def grown_town(windows: int = 2, nodes: int = 5, **settings: object) -> Town:
    """Four members and others who only follow, with some windows attested."""
    town = Town(nodes=nodes, members=4, **settings)  # type: ignore[arg-type]
    town.run_until(lambda: town.windows() >= windows)
    return town


class Silent(Member):
    """Says hello in a ceremony, and while it is quiet nothing else."""

    quiet = True

    def _bundle(self, phase: str) -> list[Event]:
        return [] if self.quiet and phase != "hello" else super()._bundle(phase)


def phases_of(town: Town, slot: int) -> int:
    """How many entries of the second epoch's ceremony a node has."""
    return sum(entry.body.get("epoch") == 2 for entry in town.log(slot))


def failures(town: Town, slot: int) -> int:
    membership = town.node(slot).membership
    return int(membership is not None and membership.failure is not None)


def have_accepted(town: Town, slot: int, height: int) -> bool:
    return (height, "acceptance") in town.disk(slot).parts


def in_epoch(town: Town, epoch: int, *slots: int) -> bool:
    return all(town.node(slot).engine.committee.epoch == epoch for slot in slots)


def group_key(town: Town, slot: int) -> bytes:
    status = town.node(slot).keygen.ceremony.status
    assert isinstance(status, Complete)
    return status.outcome.polynomial.group_key


def certificate_epochs(town: Town, slot: int = 0) -> list[int]:
    disk = town.disk(slot)
    found = []
    for height in sorted(disk.history):
        certificate = Certificate.parse(disk.history[height][1])
        assert isinstance(certificate, Certificate)
        found.append(int(certificate.epoch))
    return found


def check_no_window_missed(entries: Sequence[Entry]) -> None:
    windows = [entry for entry in entries if entry.kind in ("window", "void")]
    starts = [entry.body["window"] for entry in windows]
    assert starts == [starts[0] + at * WINDOW_S for at in range(len(starts))]  # type: ignore[operator]
    assert all(entry.kind == "window" for entry in windows)


def test_k3_a_replaced_member_holds_a_share_of_the_same_key_and_no_window_is_missed() -> None:
    town = grown_town()
    key = group_key(town, 0)
    town.propose(*STAYING, JOINING)
    everybody = (*STAYING, LEAVING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *everybody), 20 * CEREMONY_S)
    switched = town.head(0)
    town.run_until(lambda: all(town.head(slot) >= switched + 3 for slot in (*STAYING, JOINING)), 120)
    assert {group_key(town, slot) for slot in everybody} == {key}
    log = town.log()
    ceremonies = [entry for entry in log if entry.body.get("epoch") == 2]
    assert [entry.kind for entry in ceremonies] == RESHARING
    assert ceremonies[-1].body["group-key"] == key
    check_no_window_missed(log)
    town.check(*STAYING, JOINING)
    epochs = certificate_epochs(town)
    activated = ceremonies[-1].height
    assert epochs[:activated] == [1] * activated
    assert set(epochs[activated:]) == {2}
    for entry in log[activated:-1]:
        assert verify(key, entry.digest, town.disk(JOINING).parts[entry.height, "bls"])


def test_k1_a_ceremony_is_opened_only_for_the_committee_that_the_chain_proposes() -> None:
    town = grown_town()
    town.propose(*STAYING, JOINING, told=[0, 1])  # the others have not read it yet
    town.run_s(4 * CEREMONY_S)
    assert len(town.entries("hello")) == 1
    town.propose(*STAYING, JOINING, epoch=3)  # not the epoch that comes next
    town.run_s(4 * CEREMONY_S)
    assert len(town.entries("hello")) == 1
    town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, 0), 20 * CEREMONY_S)
    check_no_window_missed(town.log())


def test_k1_who_replays_the_log_needs_nobody_s_word_for_the_committee() -> None:
    town = grown_town(nodes=6, absent=[5])
    committee = town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *STAYING), 20 * CEREMONY_S)
    town.run_until(lambda: len(town.entries("window")) >= 6)
    town.boot(5)  # has read nothing of the chain but the genesis and the registry
    town.run_until(lambda: town.head(5) >= town.head(0) - 1, 300)
    assert town.node(5).engine.committees[committee.epoch] == committee
    assert group_key(town, 5) == group_key(town, 0)
    town.check(0, 5)


def test_k1_without_q_of_the_members_to_come_nothing_is_agreed_and_windows_go_on() -> None:
    town = grown_town(nodes=8, absent=[4, 5, 6])
    town.propose(LEAVING, 4, 5, 6)
    before = town.windows()
    town.run_s(20 * CEREMONY_S)
    assert len(town.entries("hello")) == 1
    assert town.windows() >= before + 7
    town.boot(4, 5)
    town.propose(LEAVING, 4, 5, 6)
    town.run_until(lambda: in_epoch(town, 2, 0, 4, 5), 60 * CEREMONY_S)
    check_no_window_missed(town.log())


@pytest.mark.parametrize("phase", RESHARING)
@pytest.mark.parametrize("slot", [0, JOINING])
def test_k2_a_restart_in_any_phase_resumes_with_the_same_words(phase: str, slot: int) -> None:
    town = grown_town()
    town.propose(*STAYING, JOINING)
    place = RESHARING.index(phase)
    town.run_until(lambda: phases_of(town, slot) >= place, 10 * CEREMONY_S)
    said = dict(town.shelves[slot].bundles)
    town.kill(slot)
    town.run_s(0.5)
    town.boot(slot)
    town.propose(*STAYING, JOINING, told=[slot])
    town.run_until(lambda: in_epoch(town, 2, *STAYING, JOINING), 40 * CEREMONY_S)
    assert {name: town.shelves[slot].bundles[name] for name in said} == said
    status = town.node(0).keygen.ceremony
    assert not [fault for fault in status.faults if fault.reason is not FaultReason.ABSENT]
    town.run_until(lambda: certificate_epochs(town).count(2) >= 2)
    check_no_window_missed(town.log())
    town.check(*STAYING, JOINING)


@pytest.mark.parametrize("phase", RESHARING)
def test_k2_all_restart_in_any_phase_and_the_ceremony_goes_on_without_the_chain(phase: str) -> None:
    town = grown_town(seed=3)
    town.propose(*STAYING, JOINING)
    place = RESHARING.index(phase)
    everybody = (*STAYING, LEAVING, JOINING)
    town.run_until(lambda: min(phases_of(town, slot) for slot in everybody) >= place, 10 * CEREMONY_S)
    town.kill(*everybody)
    town.run_s(1)
    town.boot(*everybody)
    if place == 0:  # nothing of it is in the log yet
        town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *everybody), 40 * CEREMONY_S)
    town.run_until(lambda: certificate_epochs(town).count(2) >= 2, 300)
    check_no_window_missed(town.log())
    town.check(*STAYING, JOINING)


def test_k2_a_ceremony_that_fails_names_who_it_was_keeps_the_committee_and_is_tried_again() -> None:
    Silent.quiet = True
    town = grown_town(makes={4: Silent, 5: Silent, 6: Silent}, nodes=7)
    town.propose(0, 4, 5, 6)  # three of four say hello, and then no more
    town.run_until(lambda: failures(town, 0) > 0, 40 * CEREMONY_S)
    membership = town.node(0).membership
    assert membership is not None
    assert membership.failure is not None
    assert membership.failure.reason is FailureReason.TOO_FEW_RESPONSES
    assert {fault.slot for fault in membership.failure.culprits} == {1, 2, 3}
    for slot in range(7):  # by key, whether it is in the committee or was about to be
        seen = town.node(0).conduct.of(town.node(slot).engine.own_key)
        assert [one.misdeed for one in seen] == ([Misdeed.ABSENT] if slot in (4, 5, 6) else []), slot
    assert in_epoch(town, 1, *range(7))
    assert membership.open is not None
    assert membership.open.ceremony.plan.attempt == 1
    before = town.windows()
    town.run_until(lambda: town.windows() >= before + 2)
    Silent.quiet = False
    town.run_until(lambda: in_epoch(town, 2, *range(7)), 100 * CEREMONY_S)
    check_no_window_missed(town.log())


def test_k2_another_proposal_takes_the_place_of_a_ceremony_that_stands_still() -> None:
    Silent.quiet = True
    town = grown_town(makes={4: Silent, 5: Silent}, nodes=7, pace=replace(PACE, ceremony_ms=600_000))
    town.propose(0, 1, 4, 5)
    town.run_until(lambda: len(town.entries("deal")) == 2, 10 * CEREMONY_S)
    town.run_s(2 * CEREMONY_S)
    assert len(town.entries("respond")) == 1, "two of its members say nothing"
    committee = town.propose(0, 1, 2, 6)
    town.run_until(lambda: in_epoch(town, 2, 0, 1, 2, 6), 20 * CEREMONY_S)
    assert town.node(0).engine.committee == committee
    check_no_window_missed(town.log())


def test_k3_the_former_committee_certifies_the_activation_and_the_new_one_tells_the_chain() -> None:
    town = grown_town()
    committee = town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *STAYING, JOINING), 20 * CEREMONY_S)
    town.run_until(lambda: any(one.key == "activate:2" for one in town.transmissions), 60)
    (activation,) = [one for one in town.entries("activate") if one.body["epoch"] == 2]
    assert certificate_epochs(town)[activation.height - 1] == 1
    town.run_until(lambda: all(have_accepted(town, slot, activation.height) for slot in range(5)), 60)
    for slot in range(5):
        certificate = Certificate.parse(town.disk(slot).parts[activation.height, "acceptance"])
        assert isinstance(certificate, Certificate)
        bad = check_certificate(
            certificate,
            VotePhase.COMMIT,
            activation.height,
            activation.digest,
            town.genesis.network,
            committee,
        )
        assert bad is None
    wanted = [one for one in town.transmissions if one.key == "activate:2"]
    assert {one.function for one in wanted} == {"activate-epoch"}
    assert sorted(one.stage for one in wanted) == [0, 1, 2, 3], "each member in its turn"


def test_k3_windows_are_certified_for_the_chain_by_the_epoch_that_decided_them() -> None:
    town = grown_town()
    town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *STAYING, JOINING), 20 * CEREMONY_S)
    town.run_until(lambda: certificate_epochs(town).count(2) >= 3)
    town.run_s(2)
    activated = next(one.height for one in town.entries("activate") if one.body["epoch"] == 2)
    windows = [one for one in town.transmissions if one.function == "submit-window"]
    assert {certified_by(one) for one in windows if one.height < activated} == {1}
    assert {certified_by(one) for one in windows if one.height > activated} == {2}


def test_k4_after_the_activation_nobody_holds_a_share_of_the_epoch_before() -> None:
    town = grown_town()
    old = [town.shelves[slot].share for slot in range(4)]
    town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *STAYING, LEAVING, JOINING), 20 * CEREMONY_S)
    town.run_until(lambda: certificate_epochs(town).count(2) >= 1)
    assert town.shelves[LEAVING].share is None
    for slot in STAYING:
        assert town.shelves[slot].epoch == 2
        assert town.shelves[slot].share != old[slot]


def test_u2_a_member_that_was_removed_while_away_learns_it_from_the_log_and_votes_no_more() -> None:
    town = grown_town()
    town.kill(LEAVING)
    town.propose(*STAYING, JOINING)
    town.run_until(lambda: in_epoch(town, 2, *STAYING, JOINING), 40 * CEREMONY_S)
    town.run_until(lambda: certificate_epochs(town).count(2) >= 2)
    town.boot(LEAVING)
    assert town.node(LEAVING).own == LEAVING, "it does not know yet"
    town.run_until(lambda: in_epoch(town, 2, LEAVING), 200)
    assert town.node(LEAVING).own is None
    signed = dict(town.disk(LEAVING).register)
    town.run_until(lambda: town.head(LEAVING) >= town.head(0) - 1, 200)
    before = town.windows(LEAVING)
    town.run_until(lambda: town.windows(LEAVING) >= before + 2)
    assert town.disk(LEAVING).register == signed, "it follows, and signs nothing"
    town.kill(LEAVING)
    town.boot(LEAVING)
    assert town.node(LEAVING).own is None
    town.check(*STAYING, LEAVING, JOINING)


def test_u2_one_that_follows_before_it_is_a_member_has_no_say() -> None:
    town = grown_town(windows=4)
    assert town.node(JOINING).own is None
    assert town.disk(JOINING).register == {}
    assert town.windows(JOINING) >= 3
    assert len(certificate_epochs(town, JOINING)) >= 6


@pytest.mark.parametrize("members", [(0, 1, 2, 3, 4), (3, 2, 1, 0), (1, 2, 3, 4, 5, 6, 7)])
def test_k3_committees_may_grow_and_change_places(members: tuple[int, ...]) -> None:
    town = grown_town(nodes=8)
    key = group_key(town, 0)
    town.propose(*members)
    town.run_until(lambda: in_epoch(town, 2, *range(8)), 30 * CEREMONY_S)
    town.run_until(lambda: certificate_epochs(town).count(2) >= 3)
    town.run_s(2)
    assert {town.node(slot).own for slot in members} == set(range(len(members)))
    log = town.log()
    assert verify(key, log[-2].digest, town.disk(members[0]).parts[log[-2].height, "bls"])
    check_no_window_missed(log)
    town.check(*members)


def test_k3_one_committee_after_another_under_one_key() -> None:
    town = grown_town(nodes=6)
    key = group_key(town, 0)
    for epoch, members in ((2, (0, 1, 2, 4)), (3, (0, 1, 4, 5)), (4, (0, 1, 2, 3))):
        town.propose(*members, epoch=epoch)
        town.run_until(lambda epoch=epoch: in_epoch(town, epoch, *range(6)), 30 * CEREMONY_S)  # type: ignore[misc]
        town.run_until(lambda epoch=epoch: certificate_epochs(town).count(epoch) >= 2)  # type: ignore[misc]
    assert {group_key(town, slot) for slot in range(6)} == {key}
    check_no_window_missed(town.log())
    town.check(*range(6))


def test_a7_a_window_that_is_closed_goes_before_the_next_phase_of_a_ceremony() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    town.kill(1, 2, 3)
    node = town.node(0)
    closes_ms = (node.settlement.next_window + WINDOW_S - START_S) * 1000 + PACE.grace_ms
    town.world.run(closes_ms + PACE.collect_ms // 2)
    town.propose(0, 1, 2, 3)
    for slot in range(4):
        town.happen(0, Received(NodeId(slot), hello(town, node.ceremony, slot)))
    assert node.ceremony.ready
    begun = [node.engine.begun]
    town.run_s(PACE.collect_ms / 1000)
    begun.append(node.engine.begun)
    assert begun == [False, True], "not for the ceremony, and then for the window"


def hello(town: Town, held: KeyGeneration, slot: int) -> Verified[frames.Bundle]:
    """What a member to come says first, signed."""
    key = town.keys[slot]
    made = Participant(key.public_key.format(), bytes([slot]) * 32).next_bundle(held.ceremony)
    assert isinstance(made, CeremonyBundle)
    payload, plan = encode(made.payload), held.ceremony.plan
    opened = frames.open_signed(
        made.slot,
        payload,
        key.sign_recoverable(payload),
        plan.network,
        {plan.dealers.epoch: plan.dealers},
        (plan.dealers, plan.members),
    )
    assert isinstance(opened, Verified)
    return opened  # type: ignore[return-value]

"""Rules K1 to K3 through whole nodes: members that are absent, crash, or come later."""

from __future__ import annotations

import hashlib

import pytest

from consensus.agreement.wire import EntriesWanted
from consensus.dkg.status import Complete, FaultReason, Phase
from consensus.encoding import decode, encode
from consensus.messages import Fields
from consensus.model import NodeId
from consensus.step import Step
from consensus.threshold.bls import verify
from oracle import frames
from oracle.chronicle import DECIDED
from oracle.events import BundleMade, Event
from tests.scenarios.network import Member, Town, records_of

PHASES = [Phase.HELLO, Phase.DEAL, Phase.RESPOND, Phase.ACTIVATE]
CEREMONY_S = 4
"""A phase's time in the simulated network."""


def key_of(town: Town, slot: int) -> bytes:
    status = town.node(slot).keygen.ceremony.status
    assert isinstance(status, Complete)
    return status.outcome.polynomial.group_key


def test_k1_all_members_make_one_key_without_waiting_for_any_time_to_pass() -> None:
    town = Town()
    town.run_until(lambda: town.have_key(0, 1, 2, 3), CEREMONY_S)
    assert len({key_of(town, slot) for slot in range(4)}) == 1
    town.check()


def test_k1_the_key_signs_what_is_decided_from_its_activation_on() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    group_key = key_of(town, 3)
    activation = town.entries("activate")[0]
    assert activation.body["group-key"] == group_key
    for entry in [activation, *town.entries("registry"), *town.entries("window")[:1]]:
        assert verify(group_key, entry.digest, town.disk(1).parts[entry.height, "bls"])
    for entry in town.entries("deal"):
        assert (entry.height, "bls") not in town.disk(1).parts


def test_k1_without_a_member_every_phase_waits_its_time_and_the_others_make_the_key() -> None:
    town = Town(absent=[3])
    town.run_s(CEREMONY_S - 1)
    assert town.head(0) == 0, "nobody leaves a member out at once"
    town.run_until(lambda: town.have_key(0, 1, 2), 10 * CEREMONY_S)
    assert len({key_of(town, slot) for slot in range(3)}) == 1
    status = town.node(0).keygen.ceremony.status
    assert isinstance(status, Complete)
    assert status.confirmed == (0, 1, 2)
    town.run_until(lambda: town.windows() >= 3)
    town.check(0, 1, 2)


def test_k1_a_member_that_missed_the_ceremony_follows_and_has_every_signature() -> None:
    # Without a share of its own it never asked for the signatures that it had missed.
    town = Town(absent=[3])
    town.run_until(lambda: town.windows() >= 3)
    town.boot(3)
    assert town.node(3).own == 3
    town.run_until(lambda: town.windows(3) >= 5)
    heights = [entry.height for entry in town.entries("window", 3)[:4]]
    town.run_until(lambda: all((height, "bls") in town.disk(3).parts for height in heights), 60)
    for height in heights:
        assert town.disk(3).parts[height, "bls"] == town.disk(0).parts[height, "bls"]
    assert town.shelves[3].share is None


def test_k1_a_member_that_comes_during_the_ceremony_takes_part_in_what_is_left() -> None:
    town = Town(absent=[3])
    town.run_until(lambda: town.head(0) >= 1, 3 * CEREMONY_S)
    town.boot(3)
    town.run_until(lambda: all(town.node(slot).keygen.complete for slot in range(4)), 20 * CEREMONY_S)
    assert len({key_of(town, slot) for slot in range(4)}) == 1


def test_k2_with_fewer_than_a_quorum_nothing_is_agreed_until_more_come() -> None:
    town = Town(absent=[2, 3])
    town.run_s(6 * CEREMONY_S)
    assert town.head(0) == town.head(1) == 0
    town.boot(2)
    town.run_until(lambda: town.have_key(0, 1, 2), 60 * CEREMONY_S)


@pytest.mark.parametrize("phase", PHASES)
def test_k2_a_restart_in_any_phase_resumes_with_the_same_words(phase: Phase) -> None:
    town = Town()
    place = PHASES.index(phase)
    town.run_until(lambda: town.head(2) >= place, CEREMONY_S)
    said = dict(town.shelves[2].bundles)
    town.kill(2)
    town.run_s(0.5)
    town.boot(2)
    assert town.node(2).keygen.phase is phase or town.node(2).keygen.complete
    town.run_until(lambda: town.have_key(0, 1, 2, 3), 20 * CEREMONY_S)
    assert len({key_of(town, slot) for slot in range(4)}) == 1
    assert {name: town.shelves[2].bundles[name] for name in said} == said
    status = town.node(0).keygen.ceremony.status
    assert isinstance(status, Complete)
    assert not town.node(0).keygen.ceremony.faults, "nobody was left out, nobody said two things"


@pytest.mark.parametrize("phase", PHASES)
def test_k2_all_members_restart_in_any_phase_and_the_ceremony_goes_on(phase: Phase) -> None:
    town = Town(seed=3)
    place = PHASES.index(phase)
    town.run_until(lambda: min(town.head(slot) for slot in range(4)) >= place, CEREMONY_S)
    town.run_s(0.05)
    town.kill(0, 1, 2, 3)
    town.run_s(2)
    town.boot(0, 1, 2, 3)
    town.run_until(lambda: town.have_key(0, 1, 2, 3), 20 * CEREMONY_S)
    assert len({key_of(town, slot) for slot in range(4)}) == 1
    town.check()


def test_k2_a_bundle_is_asked_for_once_a_phase_and_again_after_a_restart_with_the_same_bytes() -> None:
    town = Town(absent=[3])
    town.run_s(2)
    member = town.world.hosts[0].machine
    assert isinstance(member, Member)
    assert member.bundles_asked == ["hello"]
    before = dict(town.shelves[0].bundles)
    town.kill(0)
    town.boot(0)
    town.run_s(1)
    again = town.world.hosts[0].machine
    assert isinstance(again, Member)
    assert again.bundles_asked == ["hello"]
    assert town.shelves[0].bundles == before


class Liar(Member):
    """Deals shares that do not fit, under its own good signature."""

    wronged = frozenset({0})

    def _bundle(self, phase: str) -> list[Event]:
        events = super()._bundle(phase)
        return [self._spoilt(event) if phase == "deal" else event for event in events]

    def _spoilt(self, event: Event) -> Event:
        assert isinstance(event, BundleMade)
        value = decode(event.payload)
        assert isinstance(value, dict)
        was = value["sealed"]
        assert isinstance(was, tuple)
        sealed = tuple(bytes(80) if slot in self.wronged else one for slot, one in enumerate(was))
        payload = encode({**value, "sealed": sealed})
        return BundleMade(event.phase, payload, self._key.sign_recoverable(payload))


class GreatLiar(Liar):
    wronged = frozenset(range(4))


def dealers(town: Town) -> tuple[int, ...]:
    status = town.node(0).keygen.ceremony.status
    assert isinstance(status, Complete)
    return status.outcome.qualified


def test_k1_a_dealer_of_a_false_share_answers_in_the_open_and_stays() -> None:
    town = Town(makes={1: Liar})
    town.run_until(lambda: town.have_key(0, 1, 2, 3), 40 * CEREMONY_S)
    assert [entry.kind for entry in town.log()][:5] == ["hello", "deal", "respond", "justify", "activate"]
    assert dealers(town) == (0, 1, 2, 3)
    assert len({key_of(town, slot) for slot in range(4)}) == 1


def test_k2_a_dealer_that_more_than_f_accuse_is_out_by_name_and_the_key_comes_all_the_same() -> None:
    town = Town(makes={1: GreatLiar})
    town.run_until(lambda: town.have_key(0, 2, 3), 40 * CEREMONY_S)
    assert [entry.kind for entry in town.log()][:4] == ["hello", "deal", "respond", "activate"]
    assert dealers(town) == (0, 2, 3)
    faults = town.node(2).keygen.ceremony.faults
    assert [(fault.slot, fault.reason) for fault in faults] == [(1, FaultReason.TOO_MANY_COMPLAINTS)]
    assert len({key_of(town, slot) for slot in (0, 2, 3)}) == 1


def test_k3_no_key_is_in_force_before_a_quorum_has_shown_its_shares() -> None:
    town = Town()
    town.run_until(lambda: town.head(0) >= 3, CEREMONY_S)
    assert not town.node(0).keygen.complete
    town.kill(2, 3)
    town.run_s(4 * CEREMONY_S)
    assert not town.node(0).keygen.complete
    assert not town.entries("activate")
    town.boot(2)
    town.run_until(lambda: town.have_key(0, 1, 2), 20 * CEREMONY_S)


class Forger(Member):
    """Serves the log with the attachments of ceremonies changed: certificates stay good."""

    served = 0

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        message = frames.parse(frame, self.node.network, self.node.engine.committees)
        history = self._disk.history
        if isinstance(message, EntriesWanted):
            real = dict(history)
            for height, (entry, certificate, attachment) in real.items():
                history[height] = (entry, certificate, attachment[:-1] + b"x" if attachment else attachment)
            try:
                Forger.served += 1
                return super().deliver(via, frame)
            finally:
                history.update(real)
        return super().deliver(via, frame)


def test_u1_a_ceremony_that_a_peer_tells_wrongly_is_not_believed() -> None:
    # Attachments were taken as they came: a peer could stop a node that was away, or make it
    # compute another key.
    Forger.served = 0
    town = Town(makes={0: Forger, 1: Forger}, absent=[3])
    town.run_until(lambda: town.windows(2) >= 1)
    town.kill(2)  # the only one that tells it rightly
    town.boot(3)
    town.run_until(lambda: Forger.served > 0)
    town.run_s(10)
    assert town.head(3) == 0
    town.boot(2)
    town.run_until(lambda: town.windows(3) >= 1, 1200)
    assert key_of(town, 3) == key_of(town, 2)
    heard = [record for record in records_of(town.disk(3)) if record.kind == DECIDED]
    for record in heard[:4]:
        fields = Fields(decode(record.data))
        entry, attachment = fields.buff("entry", 1, 1 << 20), fields.buff("attachment", 0, 1 << 20)
        body = Fields(decode(entry)).fields("body")
        assert body["attachment"] == hashlib.sha256(attachment).digest()

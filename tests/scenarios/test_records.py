"""Rules A2, A3 and R4 in a whole network whose members hear different meters."""

from __future__ import annotations

from dataclasses import replace

from consensus.messages import Certificate, Fields
from consensus.model import EpochNumber, NodeId, Rejected
from consensus.simulator.network import NetworkFaults
from consensus.simulator.world import Faults
from consensus.step import Outgoing, Step
from oracle import frames
from oracle.journey import Stage
from oracle.model import Assurance, Reading, Record, WindowSummary, read_summary
from oracle.windows.window_data import WindowData
from tests.scenarios.network import Member, OneEar, Town
from tests.simulation.whole_node import PACE, Meters


def leaves_of(town: Town, height: int, slot: int = 0) -> WindowData:
    entry = next(entry for entry in town.entries("window", slot) if entry.height == height)
    summary = read_summary(entry.body)
    assert isinstance(summary, WindowSummary)
    data = WindowData.from_bytes(town.disk(slot).parts[height, "window"], summary)
    assert isinstance(data, WindowData)
    return data


def counts(town: Town, name: str) -> list[int]:
    found = []
    for entry in town.entries("window"):
        value = Fields(entry.body).fields("counts")[name]
        assert isinstance(value, int)
        found.append(value)
    return found


def rounds(town: Town, kind: str = "window") -> list[int]:
    found: list[int] = []
    for entry in town.entries(kind):
        certificate = Certificate.parse(town.disk(0).history[entry.height][1])
        assert isinstance(certificate, Certificate)
        found.append(certificate.round)
    return found


def test_a2_meters_that_each_only_one_member_hears_are_all_attested_in_the_first_round() -> None:
    ears = [OneEar(signed=4, unsigned=0, only=frozenset({slot + 1})) for slot in range(4)]
    town = Town(meters=ears)
    town.run_until(lambda: town.windows() >= 5)
    for entry in town.entries("window")[1:]:
        assert entry.body["leaf-count"] == 4
    assert set(rounds(town)) == {0}
    town.check()


def test_a2_a_window_is_proposed_as_soon_as_all_members_hold_the_same() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 4)
    for travel in town.node(0).journey.newest()[1:-1]:
        waited_ms = travel.reached_ms(Stage.RECONCILED) - travel.reached_ms(Stage.CLOSED)
        assert 0 <= waited_ms < 500, "before the time for collecting was over"


def test_a2_without_one_member_the_window_waits_its_time_and_is_settled() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    town.kill(3)
    windows = town.windows()
    town.run_until(lambda: town.windows() >= windows + 3, 60)
    assert counts(town, "meter-signed")[-1] == 3
    town.check(0, 1, 2)


def test_a2_meters_heard_by_one_member_alone_are_attested_under_loss() -> None:
    ears = [OneEar(signed=4, unsigned=0, only=frozenset({slot + 1})) for slot in range(4)]
    town = Town(meters=ears, faults=Faults(NetworkFaults(loss=0.15, duplication=0.1, delay_max_ms=80)))
    town.run_until(lambda: town.windows() >= 6, 300)
    settled = [int(str(entry.body["leaf-count"])) for entry in town.entries("window")[1:]]
    assert settled.count(4) >= 4
    town.check()


def test_r4_unsigned_meters_are_attested_as_witnessed_with_the_signed_observations_beside() -> None:
    town = Town(meters=[OneEar(signed=1, unsigned=2) for _ in range(4)])
    town.run_until(lambda: town.windows() >= 4)
    assert counts(town, "witnessed")[1:] == [2] * (town.windows() - 1)
    committees = town.node(0).engine.committees
    for entry in town.entries("window")[1:]:
        part = town.disk(0).parts[entry.height, "observations"]
        read = frames.read_observations(part, town.genesis.network, committees)
        assert not isinstance(read, Rejected)
        assert len(read) >= 3
        assert {int(row.usage_point) for row in read[0].message.rows} == {2, 3}


def test_r4_what_fewer_than_a_quorum_saw_is_not_attested_and_the_rest_is() -> None:
    everything, not_the_third = None, frozenset({1, 2})
    ears = [OneEar(signed=2, unsigned=1, only=everything if slot < 2 else not_the_third) for slot in range(4)]
    town = Town(meters=ears)
    town.run_until(lambda: town.windows() >= 4)
    assert set(counts(town, "witnessed")) == {0}
    assert counts(town, "meter-signed")[1:] == [2] * (town.windows() - 1)


class Exaggerating(Meters):
    """Its operator's unsigned meter shows another register than everybody else's."""

    def reading(self, record: Record) -> Reading:
        real = super().reading(record)
        if real.assurance is not Assurance.WITNESSED or real.import_register_wh is None:
            return real
        return replace(real, import_register_wh=real.import_register_wh + 10**6)


def test_r4_one_member_that_observes_something_else_moves_nothing() -> None:
    honest, lied = (Town(), Town(meters=[OneEar(), OneEar(), OneEar(), Exaggerating()]))
    registers = []
    for town in (honest, lied):
        town.run_until(lambda town=town: town.windows() >= 4)  # type: ignore[misc]
        data = leaves_of(town, town.entries("window")[2].height).leaves
        by_point = dict(zip(data.usage_point.tolist(), data.import_register_wh.tolist(), strict=True))
        registers.append(by_point[4])
    assert abs(registers[0] - registers[1]) < 10


class Pusher(Member):
    """Pushes records of its own making at everybody, unasked, unsigned ones among them."""

    def timer(self, name: str) -> Step:
        step = super().timer(name)
        if name != "nudge":
            return step
        now_s = self._now_ms() // 1000
        records = tuple(one for one in self._meters.records(now_s) if one.source == 4)
        pushed = tuple(Outgoing(frame) for frame in frames.records_frames(records))
        return Step(
            step.records,
            step.envelopes + pushed,
            step.timers,
            step.signings,
            step.transmissions,
            step.milestones,
        )


def test_r4_a_peers_raw_unsigned_records_never_become_an_observation() -> None:
    deaf = frozenset({1, 2, 3})
    ears = [OneEar(only=None if slot == 0 else deaf) for slot in range(4)]
    town = Town(meters=ears, makes={0: Pusher})
    town.run_until(lambda: town.windows() >= 4)
    assert set(counts(town, "witnessed")) == {0}
    assert counts(town, "meter-signed")[-1] == 3


class Censor(Member):
    """Proposes without the meter with id 1, however often others hand it over."""

    def _take_records(self, records: object, *, exchanged: bool) -> None:
        kept = [one for one in records if one.source != 1]  # type: ignore[attr-defined]
        super()._take_records(kept, exchanged=exchanged)


def test_a3_a_proposer_that_leaves_a_meter_out_is_overruled_in_the_next_round() -> None:
    town = Town(makes={0: Censor})

    def censored() -> list[int]:
        """Windows that began with the censor's turn; whose turn it is follows from digests."""
        windows = town.entries("window", 1)
        return [at for at, entry in enumerate(windows) if proposer(town, entry.previous) == 0]

    town.run_until(lambda: town.windows() >= 10 and bool(censored()))
    for entry in town.entries("window", 1)[1:]:
        assert 1 in leaves_of(town, entry.height, 1).leaves.usage_point.tolist()
    mine = censored()
    assert mine
    assert all(round_ > 0 for at, round_ in enumerate(rounds(town)) if at in mine[1:])


def proposer(town: Town, previous: bytes) -> NodeId:
    return NodeId(int.from_bytes(previous[:8], "big") % 4)


def test_a3_every_leaf_names_a_record_that_some_member_holds() -> None:
    town = Town(meters=[OneEar(only=frozenset({1, 2, 3, 4}) - {slot}) for slot in range(4)])
    town.run_until(lambda: town.windows() >= 4)
    held = {bytes(record) for shelf in town.shelves for record in shelf.records}
    for entry in town.entries("window"):
        assert {row.tobytes() for row in leaves_of(town, entry.height).leaves.record} <= held


def test_r4_a_crash_does_not_make_a_member_observe_something_else() -> None:
    town = Town(pace=replace(PACE, collect_ms=8000))
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(0)  # so that the window is not reconciled, and waits its time
    epoch = EpochNumber(1)
    town.run_until(lambda: town.node(2).settlement.signed_already(epoch) is not None, 60)
    before = town.node(2).settlement.signed_already(epoch)
    town.kill(2)
    town.shelves[2].records.clear()  # what it saw is gone, what it said is not
    town.boot(2)
    after = town.node(2).settlement.signed_already(epoch)
    assert after is not None
    assert after == before

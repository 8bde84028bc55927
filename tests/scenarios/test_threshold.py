"""Rules T1 and T2 through whole nodes: when shares are made, and what a bad one costs."""

from __future__ import annotations

import copy

import pytest

from consensus.model import Digest, EpochNumber, Height, NodeId
from consensus.step import Step
from consensus.threshold.bls import verify
from oracle import frames
from oracle.events import Event, ShareMade
from tests.scenarios.network import Member, Town, grown


def group_key(town: Town) -> bytes:
    key = town.entries("activate")[0].body["group-key"]
    assert isinstance(key, bytes)
    return key


class Watched(Member):
    """Notes over which digests it was asked for a share, and how high its log was then."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.shared: list[tuple[Height, Digest, Height]] = []

    def _answer(self, signing: object) -> list[Event] | None:
        answer = super()._answer(signing)  # type: ignore[arg-type]
        for event in answer or []:
            if isinstance(event, ShareMade):
                self.shared.append((event.height, event.digest, self.node.engine.head[0]))
        return answer


def test_t1_a_share_is_made_over_decided_entries_alone_and_once_for_each() -> None:
    town = Town(makes={1: Watched})
    town.run_until(lambda: town.windows() >= 4)
    machine = town.world.hosts[1].machine
    assert isinstance(machine, Watched)
    decided = {entry.height: entry.digest for entry in town.log(1)}
    assert len(machine.shared) >= 5
    for height, digest, head in machine.shared:
        assert height <= head, "decided before the share was made"
        assert decided[height] == digest
    heights = [height for height, _, _ in machine.shared]
    assert heights == sorted(set(heights))


def test_t1_the_signature_holds_neither_round_nor_who_combined_it() -> None:
    town = grown(4)
    for entry in town.entries("window")[:3]:
        held = {town.disk(slot).parts[entry.height, "bls"] for slot in range(4)}
        assert len(held) == 1
        assert verify(group_key(town), entry.digest, held.pop())


class BadShare(Member):
    """Its shares are over other words, under its own name."""

    def _answer(self, signing: object) -> list[Event] | None:
        answer = super()._answer(signing)  # type: ignore[arg-type]
        share = self._shelf.share
        return None if answer is None else [_spoilt(event, share) for event in answer]


def _spoilt(event: Event, share: object) -> Event:
    if isinstance(event, ShareMade):
        return ShareMade(event.height, event.digest, share.sign(bytes(32)), event.epoch)  # type: ignore[attr-defined]
    return event


@pytest.mark.parametrize("liar", [0, 3])
def test_t2_a_bad_share_is_found_and_the_signature_made_without_it(liar: int) -> None:
    town = Town(makes={liar: BadShare})
    town.run_until(lambda: town.windows() >= 4)
    town.run_s(5)
    honest = [slot for slot in range(4) if slot != liar]
    for entry in town.entries("window")[:3]:
        for slot in honest:
            assert verify(group_key(town), entry.digest, town.disk(slot).parts[entry.height, "bls"])


def test_t2_the_maker_of_a_bad_share_is_named() -> None:
    town = Town(makes={0: BadShare})
    named: list[str] = []

    class Listening(Member):
        def _happen(self, event: Event) -> None:
            super()._happen(event)
            named.extend(one.detail for one in self._out.milestones if one.name == "bad-shares")

    town.makes[2] = Listening
    # Who listens notices only where the bad share is among the first t that it hears.
    town.run_until(lambda: bool(named))
    town.run_until(lambda: town.windows() >= 3)
    assert set(named) == {"0"}


def test_t2_with_fewer_than_t_good_shares_there_is_no_signature_and_the_log_goes_on() -> None:
    town = Town(makes={0: BadShare, 1: BadShare})
    town.run_until(lambda: town.windows() >= 4)
    for entry in town.entries("window")[:3]:
        assert all((entry.height, "bls") not in town.disk(slot).parts for slot in range(4))


class Mute(Member):
    """Says everything but its shares."""

    quiet = True

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        return _without_shares(super().deliver(via, frame))

    def timer(self, name: str) -> Step:
        return _without_shares(super().timer(name))

    def signed(self, signing: object, signature: bytes) -> Step:
        return _without_shares(super().signed(signing, signature))  # type: ignore[arg-type]


def _without_shares(step: Step) -> Step:
    if not Mute.quiet:
        return step
    kept = tuple(one for one in step.envelopes if b"\x05topic\x0d\x00\x00\x00\x05share" not in one.frame)
    return Step(step.records, kept, step.timers, step.signings, step.transmissions, step.milestones)


def test_t2_shares_that_were_lost_are_said_again_until_the_signature_is_there() -> None:
    assert b"\x05topic\x0d\x00\x00\x00\x05share" in frames.share_frame(
        frames.Share(grown(4).log()[0].height, Digest(bytes(32)), bytes(48), EpochNumber(1))
    )
    Mute.quiet = True
    town = Town(makes={0: Mute, 1: Mute, 2: Mute})
    town.run_until(lambda: town.windows() >= 3)
    heights = [entry.height for entry in town.entries("window")]
    assert all((height, "bls") not in town.disk(slot).parts for height in heights for slot in range(4))
    Mute.quiet = False
    town.run_s(3)
    assert all((height, "bls") in town.disk(slot).parts for height in heights for slot in range(4))


def test_t2_after_a_restart_of_everybody_the_missing_signatures_are_made() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 3)
    for slot in range(4):
        disk = town.disk(slot)
        disk.parts = {at: data for at, data in copy.deepcopy(disk.parts).items() if at[1] != "bls"}
    heights = [entry.height for entry in town.entries("window")]
    town.kill(0, 1, 2, 3)
    town.boot(0, 1, 2, 3)
    town.run_s(5)
    assert all((height, "bls") in town.disk(slot).parts for height in heights for slot in range(4))

"""Rules K1 to K4 and U2 where the committee changes, through whole nodes that go on attesting."""

from __future__ import annotations

from collections.abc import Sequence

from consensus.dkg.status import Complete
from consensus.messages import Certificate, Entry
from consensus.threshold.bls import verify
from tests.scenarios.network import Town
from tests.simulation.whole_node import WINDOW_S

CEREMONY_S = 4
RESHARING = ["hello", "deal", "respond", "activate"]
STAYING, LEAVING, JOINING = (0, 1, 2), 3, 4


def grown_town(windows: int = 2, nodes: int = 5, **settings: object) -> Town:
    """Four members and others who only follow, with some windows attested."""
    town = Town(nodes=nodes, members=4, **settings)  # type: ignore[arg-type]
    town.run_until(lambda: town.windows() >= windows)
    return town


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

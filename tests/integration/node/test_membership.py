"""K4 in running processes: when the committee has changed, nobody remembers a share of before."""

from __future__ import annotations

import gc
from pathlib import Path

from consensus.dkg.status import Complete
from consensus.model import Committee, EpochNumber, NodeId
from consensus.threshold.shares import SecretShare
from oracle.events import CommitteeProposed
from tests.integration.node.committee import Operator, Plan, started, until

STAYING, LEAVING = (0, 1, 2, 3), 4


def share_files(operator: Operator) -> list[str]:
    return sorted(path.name for path in operator.plan.home(operator.slot).glob("share-*.json"))


def public_shares(operator: Operator) -> dict[bytes, int]:
    """Whose share of the epoch in force has which public half."""
    status = operator.node.keygen.ceremony.status
    assert isinstance(status, Complete)
    polynomial = status.outcome.polynomial
    members = range(operator.node.engine.committee.size)
    return {polynomial.public_share(NodeId(slot)): slot for slot in members}


def remembered(publics: dict[bytes, int]) -> list[int]:
    """Whose secret shares are anywhere in this process's memory; ask when no other thread is at work."""
    gc.collect()
    shares = [one for one in gc.get_objects() if isinstance(one, SecretShare)]
    return sorted({publics[share.public] for share in shares if share.public in publics})


async def test_k4_who_leaves_the_committee_and_who_stays_forget_the_shares_of_before(tmp_path: Path) -> None:
    plan = Plan(tmp_path, members=5)
    async with started(plan, (*STAYING, LEAVING)) as operators:
        await until(lambda: all(share_files(one) for one in operators), "all have their shares")
        await until(lambda: all(one.windows() for one in operators), "a window is attested")
        before = public_shares(operators[0])
        committee = Committee(EpochNumber(2), tuple(plan.keys[slot].public for slot in STAYING))
        for operator in operators:
            operator.runtime.happen(CommitteeProposed(committee))
        await until(lambda: not share_files(operators[LEAVING]), "who has left has erased its files")
        staying = [operators[slot] for slot in STAYING]
        await until(lambda: all(share_files(one) == ["share-2.json"] for one in staying), "new shares")
        heights = [one.node.height for one in operators]
        await until(
            lambda: all(one.node.height > then for one, then in zip(operators, heights, strict=True)),
            "all go on, also who has left",
        )
        assert [one.node.own for one in operators] == [*STAYING, None]
        assert [one.failure for one in operators] == [None] * 5
    # The operators are stopped, and still here with all that they hold.
    assert remembered(public_shares(operators[0])) == list(STAYING)
    assert remembered(before) == []

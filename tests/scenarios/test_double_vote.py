"""Rule E1 at a whole node: two votes of one member become a proof that is kept."""

from __future__ import annotations

from consensus.agreement.wire import vote_frame
from consensus.encoding import decode, encode
from consensus.envelope import Verified, open_vote
from consensus.messages import Fields, Phase, Vote
from consensus.model import Digest, NodeId, Round
from tests.scenarios.lone import Lone


def deliver_vote(lone: Lone, slot: int, digest: Digest | None) -> Verified[Vote]:
    vote = Vote(lone.node.engine.committee.epoch, lone.node.height, Round(0), Phase.COMMIT, digest)
    payload = encode(vote.value(lone.node.network))
    signature = lone.town.keys[slot].sign_recoverable(payload)
    opened = open_vote(payload, signature, lone.node.network, lone.node.engine.committees)
    assert isinstance(opened, Verified)
    lone.carry_out(lone.machine.deliver(NodeId(slot), vote_frame(opened)))
    return opened


def test_e1_the_proof_that_a_node_keeps_holds_both_votes_as_they_were_signed() -> None:
    lone = Lone()
    first = deliver_vote(lone, 1, Digest(b"\x01" * 32))
    second = deliver_vote(lone, 1, Digest(b"\x02" * 32))
    journal = lone.town.world.hosts[lone.slot].disk.journal
    kept = [Fields(decode(record.data)) for record in journal if record.kind == "evidence"]
    assert len(kept) == 1
    assert kept[0].text("kind", 20) == "double-vote"
    for name, vote in (("first", first), ("second", second)):
        assert kept[0].buff(name, 1, 1024) == vote.payload
        assert kept[0].buff(f"{name}-signature", 65) == vote.signature

"""Signed votes and double votes of a small network, for tests."""

from __future__ import annotations

from coincurve import PrivateKey

from consensus.encoding import encode
from consensus.evidence import SignedBytes
from consensus.messages import Phase, Vote
from consensus.model import Digest, EpochNumber, Height, Network, Round
from oracle.audit.parts import EpochPart
from oracle.evidence.build import double_vote
from tests.unit.audit.world import Network as Members

MEMBERS = Members()
NETWORK = Network(MEMBERS.network)
A, B = Digest(b"\xaa" * 32), Digest(b"\xbb" * 32)
EPOCHS = (EpochPart(1, MEMBERS.node_keys),)


def vote(
    digest: Digest | None,
    *,
    key: PrivateKey = MEMBERS.operators[2],
    height: int = 7,
    round_: int = 1,
    phase: Phase = Phase.COMMIT,
    epoch: int = 1,
    network: Network = NETWORK,
) -> SignedBytes:
    said = Vote(EpochNumber(epoch), Height(height), Round(round_), phase, digest)
    payload = encode(said.value(network))
    return SignedBytes(payload, key.sign_recoverable(payload))


def file_of(first: SignedBytes, second: SignedBytes, epochs: tuple[EpochPart, ...] = EPOCHS) -> bytes:
    pairs = [(one.payload, one.signature) for one in (first, second)]
    return double_vote(MEMBERS.genesis, epochs, *pairs)

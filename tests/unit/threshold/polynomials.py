"""A key shared among n slots, dealt by one hand: for tests of shares alone."""

from consensus.dkg.polynomial import secret_polynomial
from consensus.model import NodeId, quorum
from consensus.threshold.shares import PublicPolynomial, SecretShare


def shared_key(members: int, seed: bytes = bytes(32)) -> tuple[PublicPolynomial, list[SecretShare]]:
    polynomial = secret_polynomial(seed, bytes(32), quorum(members), None)
    shares = [
        SecretShare(slot, int.from_bytes(polynomial.share(slot), "big"))
        for slot in map(NodeId, range(members))
    ]
    return PublicPolynomial(polynomial.commit()), shares

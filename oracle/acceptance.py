"""How a new committee tells the chain that it has taken over (K3, C2).

The log goes from one committee to the next by an `activate` entry that the former has
certified. The staking contract knows the new committee's keys alone, as proposed, and
wants their certificate on that entry. So each new member that has applied the entry signs
a commit vote on it, of its own epoch and in the round ACCEPTANCE_ROUND, which agreement
never reaches; q of these votes are the certificate for the chain. They decide nothing in
the log. As votes they go through the sign-once register (N1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from consensus.encoding import encode
from consensus.envelope import Verified, certificate_at, check_certificate
from consensus.messages import ROUND_MAX, Certificate, Phase, Vote
from consensus.model import Committee, Digest, Height, Network, NodeId, Rejected, Round
from consensus.step import Signing

ACCEPTANCE_ROUND: Final = Round(ROUND_MAX)
PART_NAME: Final = "acceptance"
"""The part of the activation's height that holds the certificate."""


@dataclass(slots=True)
class Acceptance:
    """The votes of one new committee on the entry that activates it."""

    network: Network
    height: Height
    digest: Digest
    committee: Committee
    certificate: Certificate | None = None
    own: Verified[Vote] | None = None
    _votes: dict[NodeId, bytes] = field(default_factory=dict)

    def signing(self) -> Signing:
        """What a new member signs."""
        vote = Vote(self.committee.epoch, self.height, ACCEPTANCE_ROUND, Phase.COMMIT, self.digest)
        payload = encode(vote.value(self.network))
        return Signing("vote", payload, self.height, ACCEPTANCE_ROUND, int(Phase.COMMIT))

    def take(self, vote: Verified[Vote]) -> bool:
        """A member's vote; True if it completes the certificate."""
        mine = Vote(self.committee.epoch, self.height, ACCEPTANCE_ROUND, Phase.COMMIT, self.digest)
        if vote.message != mine or self.certificate is not None:
            return False
        self._votes[vote.sender] = vote.signature
        if len(self._votes) < self.committee.quorum:
            return False
        epoch, size = self.committee.epoch, self.committee.size
        self.certificate = certificate_at(epoch, ACCEPTANCE_ROUND, self._votes, size)
        return True

    def take_certificate(self, data: bytes) -> bool:
        """A certificate as a peer or the history holds it; True if it is good and was lacking."""
        certificate = Certificate.parse(data)
        if self.certificate is not None or isinstance(certificate, Rejected):
            return False
        if certificate.round != ACCEPTANCE_ROUND:
            return False
        bad = check_certificate(
            certificate, Phase.COMMIT, self.height, self.digest, self.network, self.committee
        )
        if bad is None:
            self.certificate = certificate
        return bad is None

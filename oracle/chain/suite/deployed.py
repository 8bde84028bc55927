"""The suite as one account has deployed it.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.encoding import Principal
from oracle.chain.suite.dispute_resolution import DisputeResolutionContract
from oracle.chain.suite.oracle_staking import OracleStakingContract
from oracle.chain.suite.production_oracle import ProductionOracleContract
from oracle.chain.suite.registration import RegistrationContract
from oracle.chain.suite.roles import RolesContract


@dataclass(frozen=True, slots=True)
class Suite:
    """All contracts; the address that deployed them is all there is to know."""

    deployer: Principal

    @property
    def roles(self) -> RolesContract:
        """`roles`."""
        return RolesContract(self.deployer)

    @property
    def registration(self) -> RegistrationContract:
        """`registration`."""
        return RegistrationContract(self.deployer)

    @property
    def production_oracle(self) -> ProductionOracleContract:
        """`production-oracle`."""
        return ProductionOracleContract(self.deployer)

    @property
    def oracle_staking(self) -> OracleStakingContract:
        """`oracle-staking`."""
        return OracleStakingContract(self.deployer)

    @property
    def dispute_resolution(self) -> DisputeResolutionContract:
        """`dispute-resolution`."""
        return DisputeResolutionContract(self.deployer)

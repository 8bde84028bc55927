"""The suite as one account has deployed it.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.encoding import Principal
from oracle.chain.suite.aggregation import AggregationContract
from oracle.chain.suite.carbon_offset_integration import CarbonOffsetIntegrationContract
from oracle.chain.suite.commitment import CommitmentContract
from oracle.chain.suite.consumption_monitoring import ConsumptionMonitoringContract
from oracle.chain.suite.dispute_resolution import DisputeResolutionContract
from oracle.chain.suite.energy_production_tracking import EnergyProductionTrackingContract
from oracle.chain.suite.energy_token import EnergyTokenContract
from oracle.chain.suite.event_manager import EventManagerContract
from oracle.chain.suite.governance import GovernanceContract
from oracle.chain.suite.grid_management import GridManagementContract
from oracle.chain.suite.marketplace import MarketplaceContract
from oracle.chain.suite.oracle_staking import OracleStakingContract
from oracle.chain.suite.payment_settlement import PaymentSettlementContract
from oracle.chain.suite.production_oracle import ProductionOracleContract
from oracle.chain.suite.registration import RegistrationContract
from oracle.chain.suite.reward_distributor import RewardDistributorContract
from oracle.chain.suite.reward_token import RewardTokenContract
from oracle.chain.suite.roles import RolesContract
from oracle.chain.suite.verification_engine import VerificationEngineContract


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

    @property
    def verification_engine(self) -> VerificationEngineContract:
        """`verification-engine`."""
        return VerificationEngineContract(self.deployer)

    @property
    def energy_token(self) -> EnergyTokenContract:
        """`energy-token`."""
        return EnergyTokenContract(self.deployer)

    @property
    def reward_token(self) -> RewardTokenContract:
        """`reward-token`."""
        return RewardTokenContract(self.deployer)

    @property
    def energy_production_tracking(self) -> EnergyProductionTrackingContract:
        """`energy-production-tracking`."""
        return EnergyProductionTrackingContract(self.deployer)

    @property
    def consumption_monitoring(self) -> ConsumptionMonitoringContract:
        """`consumption-monitoring`."""
        return ConsumptionMonitoringContract(self.deployer)

    @property
    def governance(self) -> GovernanceContract:
        """`governance`."""
        return GovernanceContract(self.deployer)

    @property
    def event_manager(self) -> EventManagerContract:
        """`event-manager`."""
        return EventManagerContract(self.deployer)

    @property
    def commitment(self) -> CommitmentContract:
        """`commitment`."""
        return CommitmentContract(self.deployer)

    @property
    def reward_distributor(self) -> RewardDistributorContract:
        """`reward-distributor`."""
        return RewardDistributorContract(self.deployer)

    @property
    def grid_management(self) -> GridManagementContract:
        """`grid-management`."""
        return GridManagementContract(self.deployer)

    @property
    def aggregation(self) -> AggregationContract:
        """`aggregation`."""
        return AggregationContract(self.deployer)

    @property
    def marketplace(self) -> MarketplaceContract:
        """`marketplace`."""
        return MarketplaceContract(self.deployer)

    @property
    def payment_settlement(self) -> PaymentSettlementContract:
        """`payment-settlement`."""
        return PaymentSettlementContract(self.deployer)

    @property
    def carbon_offset_integration(self) -> CarbonOffsetIntegrationContract:
        """`carbon-offset-integration`."""
        return CarbonOffsetIntegrationContract(self.deployer)

"""What the node reads of its contracts: the genesis, the registry, what is attested.

Decides how the contracts' answers become the oracle's nouns; an answer of another shape is
`ContractMisread`: the contract at that address is not ours. Knows nothing of windows'
contents, nor how transactions get to the chain (outbox).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consensus.encoding import Principal, Value
from consensus.model import Committee, EpochNumber, Genesis
from oracle.chain.client import StacksClient
from oracle.chain.codec import ContractMisread
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.registration import Device as Registered
from oracle.model import Curve, Device, DeviceKind, ZoneId

__all__ = ["DISPUTES", "ORACLE", "AttestedEvent", "ContractMisread", "OnChain", "OracleContracts"]

ORACLE: Final = "production-oracle"
DISPUTES: Final = "dispute-resolution"
DEVICES_PER_CALL: Final = 25
DEVICES_MAX: Final = 1_000_000
_VERIFIED: Final = 1


@dataclass(frozen=True, slots=True)
class OnChain:
    """An attestation as the contract holds it."""

    window: int
    revision: int
    value: Value
    digest: bytes


@dataclass(frozen=True, slots=True)
class AttestedEvent:
    """A print of the oracle contract about an entry, and the transaction that caused it."""

    txid: str
    height: int


@dataclass(frozen=True, slots=True)
class OracleContracts:
    """The suite deployed by `deployer`, read through `client`."""

    client: StacksClient
    deployer: Principal

    @property
    def suite(self) -> Suite:
        """Their typed calls."""
        return Suite(self.deployer)

    @property
    def oracle(self) -> Principal:
        """The production-oracle contract."""
        return self.suite.production_oracle.principal

    async def genesis(self) -> Genesis | None:
        """What the network is, or None before an epoch was proposed.

        Raises ContractMisread when the digest computed here is not the contract's (Q4).
        """
        staking = self.suite.oracle_staking
        network = await self.client.ask(staking.get_network())
        if network is None:
            return None
        window_s = await self.client.ask(staking.get_window_length())
        committee = await self.committee(1) or await self.proposed_committee()  # before its activation
        info = await self.client.info()
        if committee is None:
            return None
        genesis = Genesis(info.chain_id, self.oracle, window_s, committee)
        if network != genesis.network:
            raise ContractMisread("the contract's network is not that of its own genesis")
        return genesis

    async def current_epoch(self) -> int:
        """The epoch in force on chain; 0 before the first activation."""
        return await self.client.ask(self.suite.production_oracle.get_current_epoch())

    async def proposed_committee(self) -> Committee | None:
        """The committee that waits for its activation, with the epoch it will get; None where none waits."""
        proposed = await self.client.ask(self.suite.oracle_staking.get_proposed_epoch())
        return None if proposed is None else _committee(proposed.epoch, proposed.keys)

    async def committee(self, epoch: int) -> Committee | None:
        """The committee of an epoch that is or was in force on chain."""
        held = await self.client.ask(self.suite.oracle_staking.get_epoch(epoch))
        return None if held is None else _committee(epoch, held.keys)

    async def registry_revision(self) -> int:
        """Rises with every change to the set of verified devices."""
        return await self.client.ask(self.suite.registration.get_registry_revision())

    async def devices(self) -> tuple[Device, ...]:
        """All verified devices, sorted by id."""
        registration = self.suite.registration
        count = await self.client.ask(registration.get_device_count())
        if count > DEVICES_MAX:
            raise ContractMisread("registration counts its devices")
        found: list[Device] = []
        for first in range(1, count + 1, DEVICES_PER_CALL):
            ids = tuple(range(first, min(first + DEVICES_PER_CALL, count + 1)))
            rows = await self.client.ask(registration.get_devices(ids))
            if len(rows) != len(ids):
                raise ContractMisread("registration gives a row for each device")
            found += [
                device
                for id_, row in zip(ids, rows, strict=True)
                if (device := _device(id_, row)) is not None
            ]
        return tuple(found)

    async def attestation(self, window: int, revision: int) -> OnChain | None:
        """What the contract holds for a window, None while it holds nothing."""
        call = self.suite.production_oracle.get_attestation(window, revision)
        held = await self.client.ask(call)
        return None if held is None else OnChain(window, revision, held.value(), held.digest)

    async def is_done(self, key: str) -> bool:
        """Whether what a transmission with this key is for has happened already (C1)."""
        kind, *numbers = key.split(":")
        match kind:
            case "window" | "void":
                return await self.attestation(int(numbers[0]), int(numbers[1])) is not None
            case "activate":
                return await self.current_epoch() >= int(numbers[0])
            case "open-zone":
                window, revision, zone = map(int, numbers)
                opened = self.suite.production_oracle.get_zone(window, revision, zone)
                return await self.client.ask(opened) is not None
            case "double-vote":
                return await self._is_shown(bytes.fromhex(numbers[0]), *map(int, numbers[1:4]))
            case "judged":
                judgement = self.suite.dispute_resolution.get_judgement(int(numbers[0]), int(numbers[1]))
                return await self.client.ask(judgement) is not None
            case "tally":
                return await self._tallied(*map(int, numbers[:3])) >= int(numbers[3])
            case _:
                return False

    async def may_follow(self, key: str) -> bool:
        """Whether the contract takes this now: a revision wants the one before it there (A8)."""
        kind, *numbers = key.split(":")
        if kind not in ("window", "void") or int(numbers[1]) == 0:
            return True
        return await self.attestation(int(numbers[0]), int(numbers[1]) - 1) is not None

    async def _is_shown(self, key: bytes, height: int, round_: int, phase: int) -> bool:
        """Whether this double vote of a key's operator is punished already (E1)."""
        operator = await self.client.ask(self.suite.oracle_staking.get_operator_of_key(key))
        if operator is None:
            return False
        shown = self.suite.dispute_resolution.get_double_vote(operator, height, round_, phase)
        return await self.client.ask(shown) is not None

    async def _tallied(self, window: int, revision: int, zone: int) -> int:
        """How many leaves of a zone the contract has added up (E3)."""
        tally = await self.client.ask(self.suite.dispute_resolution.get_tally(window, revision, zone))
        return 0 if tally is None else tally.counted

    async def newest_attested(self, limit: int = 50, offset: int = 0) -> tuple[AttestedEvent, ...] | None:
        """A page of the oracle contract's prints about entries, newest first; None past the last."""
        events = await self.client.contract_events(self.oracle, limit=limit, offset=offset)
        if not events:
            return None
        found = []
        for event in events:
            match event.value:
                case {"topic": "window-attested" | "window-voided", "height": int(height)}:
                    found.append(AttestedEvent(event.txid, height))
        return tuple(found)


def _committee(epoch: int, keys: tuple[bytes, ...]) -> Committee:
    try:
        return Committee(EpochNumber(epoch), keys)
    except ValueError as cause:
        raise ContractMisread(f"epoch {epoch}: {cause}") from cause


def _device(id_: int, row: Registered | None) -> Device | None:
    """A verified device; None for one that is pending or revoked."""
    if row is None:
        raise ContractMisread(f"device {id_} is there")
    if row.status != _VERIFIED:
        return None
    try:
        kind, curve = DeviceKind(row.kind), Curve(row.curve)
        return Device(id_, ZoneId(row.zone), kind, curve, row.key, row.capacity_w, row.meter_id)
    except ValueError as cause:
        raise ContractMisread(f"device {id_}: {cause}") from cause

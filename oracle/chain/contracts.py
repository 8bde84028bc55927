"""What the node reads of its contracts: the genesis, the registry, what is attested.

Decides how the contracts' answers become the oracle's nouns; an answer of another shape is
`ContractMisread`: the contract at that address is not ours. Knows nothing of windows'
contents, nor how transactions get to the chain (outbox).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consensus.encoding import Principal, Some, Value
from consensus.messages import Fields, WrongShape
from consensus.model import Committee, EpochNumber, Genesis
from oracle.chain.address import contract_of
from oracle.chain.client import StacksClient
from oracle.model import Curve, Device, DeviceKind, ZoneId

ORACLE: Final = "production-oracle"
STAKING: Final = "oracle-staking"
REGISTRATION: Final = "registration"
DISPUTES: Final = "dispute-resolution"
DEVICES_PER_CALL: Final = 25
DEVICES_MAX: Final = 1_000_000
_VERIFIED: Final = 1


class ContractMisread(Exception):  # noqa: N818 - it states a fact
    """A contract answers in a shape that ours does not: check the address in the configuration."""


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
    def oracle(self) -> Principal:
        """The production-oracle contract."""
        return contract_of(self.deployer, ORACLE)

    @property
    def disputes(self) -> Principal:
        """The dispute-resolution contract."""
        return contract_of(self.deployer, DISPUTES)

    async def genesis(self) -> Genesis | None:
        """What the network is, or None before an epoch was proposed.

        Raises ContractMisread when the digest computed here is not the contract's (Q4).
        """
        staking = contract_of(self.deployer, STAKING)
        network = await self.client.call_read_only(staking, "get-network")
        if network is None:
            return None
        window_s = await self.client.call_read_only(staking, "get-window-length")
        keys = await self._first_keys(staking)
        info = await self.client.info()
        if keys is None or not isinstance(window_s, int):
            return None
        committee = Committee(EpochNumber(1), keys)
        genesis = Genesis(info.chain_id, self.oracle, window_s, committee)
        if network != Some(genesis.network):
            raise ContractMisread("the contract's network is not that of its own genesis")
        return genesis

    async def current_epoch(self) -> int:
        """The epoch in force on chain; 0 before the first activation."""
        epoch = await self.client.call_read_only(self.oracle, "get-current-epoch")
        return epoch if isinstance(epoch, int) else 0

    async def proposed_committee(self) -> Committee | None:
        """The committee that waits for its activation, with the epoch it will get; None where none waits."""
        staking = contract_of(self.deployer, STAKING)
        match await self.client.call_read_only(staking, "get-proposed-epoch"):
            case Some({"epoch": int(epoch), "keys": tuple(keys)}):
                return _committee(epoch, keys)
        return None

    async def committee(self, epoch: int) -> Committee | None:
        """The committee of an epoch that is or was in force on chain."""
        staking = contract_of(self.deployer, STAKING)
        match await self.client.call_read_only(staking, "get-epoch", (epoch,)):
            case Some({"keys": tuple(keys)}):
                return _committee(epoch, keys)
        return None

    async def registry_revision(self) -> int:
        """Rises with every change to the set of verified devices."""
        revision = await self.client.call_read_only(
            contract_of(self.deployer, REGISTRATION), "get-registry-revision"
        )
        return revision if isinstance(revision, int) else 0

    async def devices(self) -> tuple[Device, ...]:
        """All verified devices, sorted by id."""
        registration = contract_of(self.deployer, REGISTRATION)
        count = await self.client.call_read_only(registration, "get-device-count")
        if not isinstance(count, int) or count > DEVICES_MAX:
            raise ContractMisread("registration counts its devices")
        found: list[Device] = []
        for first in range(1, count + 1, DEVICES_PER_CALL):
            ids = tuple(range(first, min(first + DEVICES_PER_CALL, count + 1)))
            rows = await self.client.call_read_only(registration, "get-devices", (ids,))
            if not isinstance(rows, tuple) or len(rows) != len(ids):
                raise ContractMisread("registration gives a row for each device")
            found += [
                device
                for id_, row in zip(ids, rows, strict=True)
                if (device := _device(id_, row)) is not None
            ]
        return tuple(found)

    async def attestation(self, window: int, revision: int) -> OnChain | None:
        """What the contract holds for a window, None while it holds nothing."""
        value = await self.client.call_read_only(self.oracle, "get-attestation", (window, revision))
        match value:
            case Some({"digest": bytes(digest)} as held):
                return OnChain(window, revision, held, digest)
            case _:
                return None

    async def is_done(self, key: str) -> bool:
        """Whether what a transmission with this key is for has happened already (C1)."""
        kind, *numbers = key.split(":")
        match kind:
            case "window" | "void":
                return await self.attestation(int(numbers[0]), int(numbers[1])) is not None
            case "activate":
                return await self.current_epoch() >= int(numbers[0])
            case "open-zone":
                place = tuple(int(number) for number in numbers)
                return await self.client.call_read_only(self.oracle, "get-zone", place) is not None
            case "double-vote":
                return await self._is_shown(bytes.fromhex(numbers[0]), *map(int, numbers[1:4]))
            case "judged":
                place = (int(numbers[0]), int(numbers[1]))
                return await self.client.call_read_only(self.disputes, "get-judgement", place) is not None
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
        staking = contract_of(self.deployer, STAKING)
        match await self.client.call_read_only(staking, "get-operator-of-key", (key,)):
            case Some(int(operator)):
                place = (operator, height, round_, phase)
                shown = await self.client.call_read_only(self.disputes, "get-double-vote", place)
                return shown is not None
            case _:
                return False

    async def _tallied(self, window: int, revision: int, zone: int) -> int:
        """How many leaves of a zone the contract has added up (E3)."""
        match await self.client.call_read_only(self.disputes, "get-tally", (window, revision, zone)):
            case Some({"counted": int(counted)}):
                return counted
            case _:
                return 0

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

    async def _first_keys(self, staking: Principal) -> tuple[bytes, ...] | None:
        """The first committee's keys: as activated, or as proposed before that."""
        for function, arguments in (("get-epoch", (1,)), ("get-proposed-epoch", ())):
            match await self.client.call_read_only(staking, function, arguments):
                case Some({"keys": tuple(keys)}):
                    return tuple(key for key in keys if isinstance(key, bytes))
        return None


def _committee(epoch: int, keys: tuple[Value, ...]) -> Committee:
    try:
        return Committee(EpochNumber(epoch), tuple(key for key in keys if isinstance(key, bytes)))
    except ValueError as cause:
        raise ContractMisread(f"epoch {epoch}: {cause}") from cause


def _device(id_: int, row: Value) -> Device | None:
    """A verified device; None for one that is pending or revoked."""
    if not isinstance(row, Some) or not isinstance(row.value, Mapping):
        raise ContractMisread(f"device {id_} is there")
    held = row.value
    if held.get("status") != _VERIFIED:
        return None
    wanted = ("zone", "kind", "curve", "key", "capacity-w", "meter-id")
    try:
        fields = Fields({name: held[name] for name in wanted})
        return Device(
            id_,
            ZoneId(fields.uint("zone")),
            DeviceKind(fields.uint("kind")),
            Curve(fields.uint("curve")),
            fields.buff("key", 0, 33),
            fields.uint("capacity-w"),
            fields.buff("meter-id", 32),
        )
    except (KeyError, WrongShape, ValueError) as cause:
        raise ContractMisread(f"device {id_}: {cause}") from cause

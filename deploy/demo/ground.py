"""The ground the demo stands on: contracts deployed, operators staked, devices verified.

All of it by real signed transactions through the production transaction layer. Each step
is keyed, so a set-up that was cut off goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import coincurve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from consensus.encoding import Principal, Value, encode
from deploy.demo.plan import DATA, OPERATORS, Meter, Plan
from deploy.demo.processes import StartFailed
from oracle.chain import deployment
from oracle.chain import plan as deployment_plan
from oracle.chain.address import TESTNET, account_text, address_of, contract_of
from oracle.chain.calls import PublicCall, only, refusal, why
from oracle.chain.client import StacksClient
from oracle.chain.courier import OutboxLimits
from oracle.chain.outbox import Outbox
from oracle.chain.post_conditions import Comparison, StxCondition
from oracle.chain.refusal import ContractError
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.registration import Details
from oracle.feeds.virtual_meter import compressed
from oracle.keys import keystore
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, KeyKind

CHAIN_ID: Final = TESTNET.chain_id
FUNDS_USTX: Final = 50_000_000_000
STAKE_USTX: Final = 2_000_000_000
DEPLOYS_AHEAD: Final = 20
"""Fees are no money here."""
LIMITS: Final = OutboxLimits(depth=1, poll_s=0.25, resend_after_s=20)
_METER, _GATEWAY, _NO_CURVE, _P256 = 1, 2, 0, 1
_PRODUCER = 2


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator's keys, opened for the set-up.

    The owner stakes, votes on challenges and is kept cold; the account pays the running
    node's fees and holds no more than that.
    """

    node: coincurve.PrivateKey
    account: coincurve.PrivateKey
    owner: coincurve.PrivateKey

    @property
    def address(self) -> Principal:
        """The owner on chain."""
        return address_of(self.owner.public_key, TESTNET)

    @property
    def addresses(self) -> tuple[Principal, Principal]:
        """Who needs money: the owner, and the account that pays fees."""
        return self.address, address_of(self.account.public_key, TESTNET)


def make_keys(plan: Plan) -> tuple[coincurve.PrivateKey, tuple[Operator, ...]]:
    """The governor's key and the operators'; made once."""
    governor = _key(plan.folder / "governor", KeyKind.CHAIN)
    operators = []
    for slot in range(OPERATORS):
        keys = plan.operator(slot) / "keys"
        _key(keys, KeyKind.TLS, "tls.json")
        operators.append(
            Operator(
                _key(keys, KeyKind.NODE, "node.json"),
                _key(keys, KeyKind.CHAIN, "account.json"),
                _key(plan.operator(slot) / "owner", KeyKind.CHAIN),
            )
        )
    return governor, tuple(operators)


def _key(folder: Path, kind: KeyKind, name: str = "account.json") -> coincurve.PrivateKey:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = new_password(folder / "password")
    path = folder / name
    if not path.exists():
        new_key(kind, path, password, LIGHT)
    return coincurve.PrivateKey(keystore.load(path, password, kind, allow_light=True).secret)


def write_chain_genesis(plan: Plan, governor: coincurve.PrivateKey, operators: tuple[Operator, ...]) -> Path:
    """Who has money on the devnet at its start."""
    path = plan.folder / "chain-genesis.json"
    addresses = [deployer_of(governor), *(address for one in operators for address in one.addresses)]
    path.write_text(json.dumps({account_text(address): FUNDS_USTX for address in addresses}))
    return path


def deployer_of(governor: coincurve.PrivateKey) -> Principal:
    """Who deploys the contracts."""
    return address_of(governor.public_key, TESTNET)


async def lay(
    plan: Plan,
    governor: coincurve.PrivateKey,
    operators: tuple[Operator, ...],
    progress: Callable[[str], None],
) -> None:
    """Bring everything on chain that the nodes expect there."""
    deployer = deployer_of(governor)
    suite = Suite(deployer)
    folder = plan.folder / "governor"
    async with StacksClient((plan.devnet,)) as client, outbox_of(folder, governor, client) as outbox:
        progress("deploying the contracts")
        contracts = deployment_plan.load(deployment_plan.shipped(), {"window-s": plan.window_s})
        await deployment.carry_out(client, outbox, contracts, ahead=DEPLOYS_AHEAD)
        call = Caller(outbox)
        progress("enrolling devices")
        await call("user", suite.registration.register_user(_PRODUCER, _hash("profile")))
        for meter in plan.meters:
            await call(f"device:{meter.device}", _registered(suite, meter))
        for meter in plan.meters:
            await call(f"verify:{meter.device}", suite.registration.verify_asset(meter.device))
        await call.settled()
        progress("operators register and stake")
        await asyncio.gather(
            *(
                enrol_operator(plan.operator(slot) / "setup", one, client, deployer)
                for slot, one in enumerate(operators)
            )
        )
        members = await _members(client, deployer, operators)
        progress("proposing the first committee")
        await call("epoch:1", suite.oracle_staking.propose_epoch(members))
        await call.settled()


async def enrol_operator(folder: Path, operator: Operator, client: StacksClient, deployer: Principal) -> None:
    """Register and stake, by the operator's account, whose outbox is in `folder`."""
    async with outbox_of(folder, operator.owner, client) as outbox:
        staking = Suite(deployer).oracle_staking
        call = Caller(outbox)
        proof = key_proof(operator.node, deployer, operator.address)
        await call("register", staking.register_operator(operator.node.public_key.format(), proof))
        await call.settled()
        id_ = await operator_id(client, deployer, operator)
        its_stake = only(StxCondition(None, Comparison.EQUAL, STAKE_USTX))
        await call("stake", staking.stake(id_, STAKE_USTX, post=its_stake))
        await call.settled()


def key_proof(node: coincurve.PrivateKey, deployer: Principal, owner: Principal) -> bytes:
    """A node key's signature that it belongs to `owner`, as the staking contract wants it."""
    staking = contract_of(deployer, "oracle-staking")
    statement: Value = {"topic": "node-key", "chain-id": CHAIN_ID, "staking": staking, "owner": owner}
    return node.sign_recoverable(encode(statement))


async def _members(
    client: StacksClient, deployer: Principal, operators: tuple[Operator, ...]
) -> tuple[int, ...]:
    return tuple([await operator_id(client, deployer, one) for one in operators])


async def operator_id(client: StacksClient, deployer: Principal, operator: Operator) -> int:
    """The id that the staking contract gave an operator. Raises StartFailed while it has none."""
    key = operator.node.public_key.format()
    id_ = await client.ask(Suite(deployer).oracle_staking.get_operator_of_key(key))
    if id_ is None:
        raise StartFailed("an operator is not registered after its transaction was mined")
    return id_


class Caller:
    """Queues contract calls of one account and waits for them; each key is sent once, ever."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._keys: list[str] = []

    async def __call__(self, key: str, call: PublicCall[Any]) -> None:
        """Queue a call under a key of its own."""
        await self._outbox.call(key, call)
        self._keys.append(key)

    async def settled(self) -> None:
        """All calls are in blocks. Raises StartFailed for one that failed, with the contract's reason."""
        for key in self._keys:
            job = await self._outbox.mined(key)
            if not job.succeeded:
                raise StartFailed(f"the transaction {key} failed on chain: {why(job)}")
        self._keys.clear()

    async def refused(self, key: str, call: PublicCall[Any]) -> ContractError | None:
        """The error with which the contract refuses a call; None where it does not."""
        await self._outbox.call(key, call)
        return refusal(await self._outbox.mined(key))


@asynccontextmanager
async def outbox_of(folder: Path, key: coincurve.PrivateKey, client: StacksClient) -> AsyncIterator[Outbox]:
    """An account's outbox, running until the block ends; its jobs are kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, at the set-up
    async with Outbox(folder, key, TESTNET, client, lambda: int(time.time()), limits=LIMITS) as outbox:
        running = asyncio.create_task(outbox.run())
        try:
            yield outbox
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _registered(suite: Suite, meter: Meter) -> PublicCall[int]:
    key = device_key(meter)
    details = Details(
        zone=meter.zone,
        kind=_GATEWAY if meter.kind == "gateway" else _METER,
        curve=_P256 if key else _NO_CURVE,
        key=key,
        meter_id=meter.meter_id,
        location=_hash(f"location {meter.device}"),
        source=0,
        valid_until=0,
    )
    name = f"{meter.kind} {meter.device}"
    return suite.registration.register_device(meter.device, name, meter.capacity_w, details)


def device_key(meter: Meter) -> bytes:
    """The compressed key a device signs with; b"" for one that does not sign."""
    if meter.kind == "keba":
        return compressed_der(keba_records()[0]["public_key"])
    if meter.secret:
        return compressed(signing_key(meter))
    return b""


def signing_key(meter: Meter) -> ec.EllipticCurvePrivateKey:
    """The demo's own meters' key."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return ec.derive_private_key(int(meter.secret, 16) % (order - 1) + 1, ec.SECP256R1())


def keba_records() -> list[dict[str, str]]:
    """The unbroken chain of one KEBA meter, oldest first."""
    lines = (DATA / "ocmf_records.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    chain = [row for row in rows if '"GS":"2"' in row["record"] and row["verdict"] == "valid"]
    return sorted(chain, key=lambda row: row["record"].split('"PG":"T')[1].split('"')[0])


def compressed_der(hexadecimal: str) -> bytes:
    """A public key as the sample gives it, as the registry holds it."""
    key = load_der_public_key(bytes.fromhex(hexadecimal))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StartFailed("the sample's key is no elliptic curve key")
    numbers = key.public_numbers()
    return bytes([2 + (numbers.y & 1)]) + numbers.x.to_bytes(32, "big")


def _hash(name: str) -> bytes:
    return hashlib.sha256(f"wattest demo {name}".encode()).digest()

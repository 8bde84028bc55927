"""Operators who come, go and change their key while a town runs: what they do on chain and on disk.

Each has an owner's account of its own, as an operator should; the governor proposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import coincurve

from deploy.demo import files, ground
from deploy.demo import plan as plans
from deploy.demo.ground import Caller, Operator, operator_id, outbox_of
from oracle.chain.suite.deployed import Suite
from oracle.chain.transaction import TokenTransfer
from oracle.keys import keystore
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, KeyKind
from tests.end_to_end.town import Town

FUNDS_USTX = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A node's folder and keys; `index` is its number in the town, not its slot."""

    index: int
    operator: Operator


class Registrar:
    """The governor's and the owners' transactions, by real outboxes; and the nodes' files."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.governor, self.first = ground.make_keys(town.plan)
        self.deployer = ground.deployer_of(self.governor)
        self.staking = Suite(self.deployer).oracle_staking
        self.keys = [one.node.public_key for one in self.first]
        """Of all nodes, by index: a newcomer is told where the others listen, and dials them."""
        self.calls = 0

    def make_place(self, owner: coincurve.PrivateKey | None = None) -> Place:
        """A node's keys and configuration; nobody else is told of it."""
        town = self.town
        index = len(town.plan.api_ports)
        town.plan = replace(
            town.plan,
            api_ports=(*town.plan.api_ports, plans.free_port()),
            peer_ports=(*town.plan.peer_ports, plans.free_port()),
        )
        keys = town.plan.operator(index) / "keys"
        keys.mkdir(parents=True, mode=0o700)
        password = new_password(keys / "password")
        made = {
            kind: coincurve.PrivateKey(new_key(kind, keys / name, password, LIGHT).secret)
            for kind, name in ((KeyKind.NODE, "node.json"), (KeyKind.CHAIN, "account.json"))
        }
        new_key(KeyKind.TLS, keys / "tls.json", password, LIGHT)
        owner = owner or coincurve.PrivateKey(keystore.generate(KeyKind.CHAIN).secret)
        operator = Operator(made[KeyKind.NODE], made[KeyKind.CHAIN], owner)
        self.keys.append(operator.node.public_key)
        town.configurations.append(files.write_operator(town.plan, index, self.deployer, self.keys))
        return Place(index, operator)

    async def ids(self) -> list[int]:
        """The first committee's operators, by index: each as the contract happened to number it."""
        client = self.town.contracts.client
        return [await operator_id(client, self.deployer, one) for one in self.first]

    async def id_of(self, place: Place) -> int:
        """The operator whose node this is or was."""
        return await operator_id(self.town.contracts.client, self.deployer, place.operator)

    async def enrol(self, place: Place) -> int:
        """Fund, register and stake a new operator; gives its id."""
        plan, client = self.town.plan, self.town.contracts.client
        async with outbox_of(plan.folder / "governor", self.governor, client) as outbox:
            for recipient in place.operator.addresses:
                self.calls += 1
                await outbox.enqueue(f"fund:{self.calls}", TokenTransfer(recipient, FUNDS_USTX))
                await outbox.mined(f"fund:{self.calls}")
        await ground.enrol_operator(
            plan.operator(place.index) / "setup", place.operator, client, self.deployer
        )
        return await operator_id(client, self.deployer, place.operator)

    async def rotate(self, id_: int, old: Place, new: Place) -> None:
        """The owner gives its operator the key of another node, for epochs proposed from now on."""
        client = self.town.contracts.client
        proof = ground.key_proof(new.operator.node, self.deployer, old.operator.address)
        key = new.operator.node.public_key.format()
        folder = self.town.plan.operator(old.index) / "setup"
        async with outbox_of(folder, old.operator.owner, client) as outbox:
            call = Caller(outbox)
            await call(f"rotate:{new.index}", self.staking.rotate_node_key(id_, key, proof))
            await call.settled()

    async def propose(self, members: Sequence[int]) -> None:
        """The governor proposes the next epoch's committee."""
        self.calls += 1
        client = self.town.contracts.client
        async with outbox_of(self.town.plan.folder / "governor", self.governor, client) as outbox:
            call = Caller(outbox)
            await call(f"propose:{self.calls}", self.staking.propose_epoch(tuple(members)))
            await call.settled()

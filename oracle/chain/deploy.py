"""Deploys an ordered list of contracts, once: what is there with the same source is left alone.

Decides what has to be deployed; the outbox gets it there. Does not know what the contracts
are for, nor their order, which the caller has from their dependencies.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from consensus.encoding import Principal
from oracle.chain.address import contract_of, principal_text
from oracle.chain.client import StacksClient
from oracle.chain.job import Abandoned, Job
from oracle.chain.outbox import Outbox
from oracle.chain.transaction import ContractDeploy

CONTRACTS_MAX: Final = 100
TRIES_MAX: Final = 20
"""Deploys of one source that may have failed before; each has cost a fee."""


class DeployFailed(Exception):  # noqa: N818 - it states a fact
    """A contract is not on the chain, and trying again will not help."""


class ContractDiffers(DeployFailed):
    """A contract of this name is there, with another source."""


@dataclass(frozen=True, slots=True)
class ContractSource:
    """A contract to deploy: its name and its source, printable ASCII."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract that is on the chain; `txid` is None where it was there before."""

    contract: Principal
    txid: str | None


async def deploy(
    client: StacksClient, outbox: Outbox, contracts: tuple[ContractSource, ...]
) -> tuple[Deployed, ...]:
    """Deploy what is missing, one after the other, under the outbox's account.

    The outbox must be running. Checks all that is there before it sends anything. Raises
    ContractDiffers, DeployFailed if one aborts or is refused, ChainUnavailable.
    """
    if len(contracts) > CONTRACTS_MAX or len({one.name for one in contracts}) != len(contracts):
        raise DeployFailed(f"a plan has at most {CONTRACTS_MAX} contracts, of different names")
    present = [await _is_present(client, outbox.address, one) for one in contracts]
    done: list[Deployed] = []
    for contract, is_present in zip(contracts, present, strict=True):
        principal = contract_of(outbox.address, contract.name)
        done.append(Deployed(principal, None if is_present else await _deploy(client, outbox, contract)))
    return tuple(done)


async def _deploy(client: StacksClient, outbox: Outbox, contract: ContractSource) -> str:
    key = await _unused_key(outbox, contract)
    await outbox.enqueue(key, ContractDeploy(contract.name, contract.source))
    job = await outbox.mined(key)
    # Asked of the chain, not of the job: another process may have deployed it.
    if not await _is_present(client, outbox.address, contract):
        raise DeployFailed(f"{contract.name}: {_why(job)}")
    return job.txid or ""


async def _unused_key(outbox: Outbox, contract: ContractSource) -> str:
    """The key of the deploy that is under way, or a new one: an aborted deploy may be tried again."""
    digest = hashlib.sha256(contract.source.encode()).hexdigest()
    for number in range(TRIES_MAX):
        key = f"deploy:{contract.name}:{digest}:{number}"
        job = await outbox.job(key)
        if job is None or not job.finished:
            return key
    raise DeployFailed(f"{contract.name}: tried {TRIES_MAX} times")


async def _is_present(client: StacksClient, owner: Principal, contract: ContractSource) -> bool:
    principal = contract_of(owner, contract.name)
    source = await client.contract_source(principal)
    if source is not None and source != contract.source:
        raise ContractDiffers(f"{principal_text(principal)} is there with another source")
    return source is not None


def _why(job: Job) -> str:
    if job.abandoned is Abandoned.REFUSED and job.refusal is not None:
        return f"refused: {job.refusal.value}"
    return f"aborted in block {job.height}"

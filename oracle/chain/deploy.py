"""Deploys an ordered list of contracts, once: what is there with the same source is left alone.

Decides what has to be deployed; the outbox gets it there. Does not know what the contracts
are for, nor their order, which the caller has from their dependencies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consensus.encoding import Principal
from oracle.chain.address import contract_of, principal_text
from oracle.chain.calls import why
from oracle.chain.client import StacksClient
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


def unheard(_: Deployed) -> None:
    """For whoever needs no progress."""


async def deploy(
    client: StacksClient,
    outbox: Outbox,
    contracts: tuple[ContractSource, ...],
    tell: Callable[[Deployed], None] = unheard,
    ahead: int = 1,
) -> tuple[Deployed, ...]:
    """Deploy what is missing, in order, under the outbox's account.

    The outbox must be running. Checks all that is there before it sends anything; `tell` hears
    of each contract once it is on the chain. At most `ahead` are under way at a time: if one
    fails, those behind it fail too and cost their fees, so where fees are money it is one.
    Raises ContractDiffers, DeployFailed if one aborts or is refused, ChainUnavailable.
    """
    if len(contracts) > CONTRACTS_MAX or len({one.name for one in contracts}) != len(contracts):
        raise DeployFailed(f"a plan has at most {CONTRACTS_MAX} contracts, of different names")
    missing = [one for one in contracts if not await is_present(client, outbox.address, one)]
    keys: dict[str, str] = {}
    done: list[Deployed] = []
    for contract in contracts:
        if contract in missing:
            at = missing.index(contract)
            for one in missing[at : at + ahead]:
                keys[one.name] = keys.get(one.name) or await _enqueue(outbox, one)
        key = keys.get(contract.name)
        txid = None if key is None else await _settled(client, outbox, contract, key)
        done.append(Deployed(contract_of(outbox.address, contract.name), txid))
        tell(done[-1])
    return tuple(done)


async def is_present(client: StacksClient, owner: Principal, contract: ContractSource) -> bool:
    """Whether `owner` has deployed this source. Raises ContractDiffers where it is another one."""
    principal = contract_of(owner, contract.name)
    source = await client.contract_source(principal)
    if source is not None and source != contract.source:
        raise ContractDiffers(f"{principal_text(principal)} is there with another source")
    return source is not None


async def unused_key(outbox: Outbox, name: str) -> str:
    """The key of the attempt that is under way, or a new one: what was aborted may be tried again."""
    for number in range(TRIES_MAX):
        key = f"{name}:{number}"
        job = await outbox.job(key)
        if job is None or not job.finished:
            return key
    raise DeployFailed(f"{name}: tried {TRIES_MAX} times")


async def _enqueue(outbox: Outbox, contract: ContractSource) -> str:
    digest = hashlib.sha256(contract.source.encode()).hexdigest()
    key = await unused_key(outbox, f"deploy:{contract.name}:{digest}")
    await outbox.enqueue(key, ContractDeploy(contract.name, contract.source))
    return key


async def _settled(client: StacksClient, outbox: Outbox, contract: ContractSource, key: str) -> str:
    job = await outbox.mined(key)
    # Asked of the chain, not of the job: another process may have deployed it.
    if not await is_present(client, outbox.address, contract):
        raise DeployFailed(f"{contract.name}: {why(job)}")
    return job.txid or ""

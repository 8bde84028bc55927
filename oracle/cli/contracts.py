"""`wattest contracts`: deploys the suite by its plan, checks what is deployed, says what an error means."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import coincurve

from consensus.encoding import Principal
from oracle.chain import deployment, plan
from oracle.chain.address import (
    MAINNET,
    TESTNET,
    Chain,
    account_text,
    address_of,
    parse_principal,
)
from oracle.chain.calls import named
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.courier import OutboxLimits
from oracle.chain.deploy import DeployFailed
from oracle.chain.deployment import Standing
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.job import FeePolicy
from oracle.chain.ledger import OutboxDamaged, OutboxLocked
from oracle.chain.outbox import Outbox
from oracle.chain.plan import Plan, PlanFaulty
from oracle.cli import addresses
from oracle.cli import deployment_report as report
from oracle.keys import keystore
from oracle.keys.keystore import KeyKind, KeystoreError

NETWORKS: Final = {"devnet": TESTNET, "testnet": TESTNET, "mainnet": MAINNET}
DEVNET: Final = "http://127.0.0.1:20443"


class Refused(Exception):  # noqa: N818 - it states a fact
    """The command cannot be carried out; the code says whose fault that is."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    contracts = commands.add_parser(
        "contracts",
        help="deploy the contract suite, check it, explain its errors",
        description="The contracts that attested windows stand in: deployed by one plan, by one command that"
        " may be repeated; checked against their source.",
        epilog="Try: wattest contracts deploy --network devnet --key keys/account.json --password-file"
        " keys/password --dry-run. Exit codes: 0 done, or all is as planned; 1 something is missing or"
        " failed; 2 the command, the plan or a file is wrong.",
    )
    actions = contracts.add_subparsers(required=True, metavar="ACTION")

    deploy = actions.add_parser(
        "deploy",
        help="deploy what is missing, set it up, and check it",
        description="Shows every transaction of the plan with its costs and its fee, then sends what is"
        " missing, in order, and at the end compares what is on chain with the sources. A repeated command"
        " goes on where the last one stopped and sends nothing twice.",
    )
    _common(deploy)
    deploy.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="keystore of the account that deploys"
    )
    deploy.add_argument(
        "--password-file", type=Path, metavar="FILE", help="default: `password` beside the key"
    )
    deploy.add_argument("--allow-light-keys", action="store_true", help="never on mainnet")
    deploy.add_argument("--state", type=Path, metavar="DIR", help="default .wattest/deploy-NETWORK")
    deploy.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a node's configuration: its chain.deployer is set at the end",
    )
    deploy.add_argument("--dry-run", action="store_true", help="show costs and fees, send nothing")
    deploy.add_argument("--yes", action="store_true", help="do not ask before paying on testnet or mainnet")
    deploy.add_argument(
        "--fee-max", type=int, default=FeePolicy().cap_ustx, metavar="USTX", help="for each transaction"
    )
    deploy.add_argument("--within", type=float, default=3600.0, metavar="SECONDS", help="default 3600")
    deploy.set_defaults(run=_run, act=_deploy)

    check = actions.add_parser(
        "check",
        help="compare what is deployed with the plan",
        description="Asks the chain for the source of every contract and for every step of the set-up.",
    )
    _common(check)
    check.add_argument("--deployer", required=True, metavar="ADDRESS", help="who deployed the contracts")
    check.set_defaults(run=_run, act=_check)

    error = actions.add_parser("error", help="what an error number of the contracts means")
    error.add_argument("code", metavar="CODE", help="such as u405")
    error.set_defaults(run=_error)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--network", choices=tuple(NETWORKS), required=True)
    parser.add_argument(
        "--endpoint",
        action="append",
        default=[],
        metavar="URL",
        help=f"a Stacks node's RPC; may be repeated; on devnet by default {DEVNET}",
    )
    parser.add_argument("--agree", type=int, default=1, metavar="N", help="endpoints that must say the same")
    parser.add_argument(
        "--plan", type=Path, default=plan.shipped(), metavar="FILE", help="default: the one shipped"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        dest="chosen",
        help="a parameter of the plan, such as window-s=900",
    )
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object a line")


def _run(options: argparse.Namespace) -> int:
    try:
        code: int = asyncio.run(options.act(options))
    except Refused as cause:
        return _complain(cause, cause.code)
    except PlanFaulty as cause:
        return _complain(f"the plan {options.plan} is faulty:\n{cause}", 2)
    except TimeoutError:  # before OSError, which it is
        return _complain(f"not within {options.within:g} s; run it again, nothing is sent twice", 1)
    except (KeystoreError, OSError, ValueError, OutboxDamaged) as cause:
        return _complain(cause, 2)
    except OutboxLocked as cause:
        return _complain(f"{cause}; another deployment is running", 2)
    except (DeployFailed, ChainUnavailable, CallRefused) as cause:
        return _complain(cause, 1)
    return code


def _error(options: argparse.Namespace) -> int:
    digits = options.code.removeprefix("u")
    if not digits.isdecimal():
        return _complain(f"{options.code} is no error number", 2)
    error = named(int(digits))
    print(error)
    return 0 if error.name else 1


# -- deploy -------------------------------------------------------------------------------


async def _deploy(options: argparse.Namespace) -> int:
    suite, chain = _plan(options), NETWORKS[options.network]
    fees = FeePolicy(cap_ustx=options.fee_max)
    public = coincurve.PublicKey(keystore.public_of(options.key, KeyKind.CHAIN))
    deployer = address_of(public, chain)
    for path in options.config:
        addresses.with_deployer(path, deployer)  # what cannot be written is told before anything is paid
    async with asyncio.timeout(options.within), _client(options, chain) as client:
        steps = await deployment.survey(client, suite, deployer, fees)
        report.show(steps, options.network, deployer, fees.cap_ustx, as_json=options.json)
        missing = [step for step in steps if step.standing is Standing.MISSING]
        differing = [f"{one.label}: {one.detail}" for one in steps if one.standing is Standing.DIFFERS]
        if differing:
            raise Refused("; ".join(differing) + ". Deploy from another account", 1)
        if options.dry_run:
            return 0
        if missing:
            await _may_pay(options, client, deployer, sum(step.fee_ustx for step in missing))
            await _carry_out(options, client, suite, chain, fees)
        found = await deployment.survey(client, suite, deployer)
        code = report.verdict(found, deployer, as_json=options.json)
    if code == 0:
        _write_addresses(options, suite, deployer)
    return code


def _write_addresses(options: argparse.Namespace, suite: Plan, deployer: Principal) -> None:
    """Where nodes read them, and in one record of all."""
    record = _state(options) / "addresses.json"
    addresses.write_record(record, options.network, suite, deployer)
    for path in options.config:
        addresses.set_deployer(path, deployer)
    if not options.json:
        print(f"addresses are in {record}" + "".join(f" and {path}" for path in options.config))
        if not options.config:
            print(f'put `deployer = "{account_text(deployer)}"` into [chain] of every node.toml')


async def _may_pay(
    options: argparse.Namespace, client: StacksClient, deployer: Principal, fees_ustx: int
) -> None:
    """Whether the account has the money and a person agrees. Raises Refused."""
    balance_ustx = (await client.account(deployer)).balance_ustx
    if balance_ustx < fees_ustx:
        raise Refused(f"{account_text(deployer)} has {balance_ustx} microSTX and needs {fees_ustx}", 1)
    if options.network == "devnet" or options.yes:
        return
    if not sys.stdin.isatty():
        raise Refused("say --yes to pay this without being asked")
    answer = await asyncio.to_thread(input, f"Pay {fees_ustx} microSTX on {options.network}? [yes/no] ")
    if answer.strip() != "yes":
        raise Refused("nothing was sent", 1)


async def _carry_out(
    options: argparse.Namespace, client: StacksClient, suite: Plan, chain: Chain, fees: FeePolicy
) -> None:
    light = options.allow_light_keys and options.network != "mainnet"
    password = keystore.read_password(options.password_file or options.key.parent / "password")
    secret = keystore.load(options.key, password, KeyKind.CHAIN, allow_light=light).secret
    poll_s = 0.25 if options.network == "devnet" else 5.0
    limits = OutboxLimits(depth=1, poll_s=poll_s, fees=fees)
    folder = _state(options)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = lambda: int(time.time())  # noqa: E731
    async with Outbox(folder, coincurve.PrivateKey(secret), chain, client, clock, limits=limits) as outbox:
        running = asyncio.create_task(outbox.run())
        ahead = limits.in_flight_max if options.network == "devnet" else 1
        carrying = asyncio.create_task(
            deployment.carry_out(
                client, outbox, suite, lambda one: report.tell(one, as_json=options.json), ahead
            )
        )
        try:
            await asyncio.wait((running, carrying), return_when=asyncio.FIRST_COMPLETED)
            await (carrying if carrying.done() else running)
        finally:
            for task in (running, carrying):
                task.cancel()
            await asyncio.gather(running, carrying, return_exceptions=True)


# -- check --------------------------------------------------------------------------------


async def _check(options: argparse.Namespace) -> int:
    suite, chain = _plan(options), NETWORKS[options.network]
    deployer = parse_principal(options.deployer)
    async with _client(options, chain) as client:
        steps = await deployment.survey(client, suite, deployer)
        return report.verdict(steps, deployer, as_json=options.json)


# -- both ---------------------------------------------------------------------------------


def _plan(options: argparse.Namespace) -> Plan:
    chosen = {}
    for text in options.chosen:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            raise Refused(f"--set {text}: not NAME=NUMBER")
        chosen[name] = int(number)
    return plan.load(options.plan, chosen)


@asynccontextmanager
async def _client(options: argparse.Namespace, chain: Chain) -> AsyncIterator[StacksClient]:
    """The chain, which must be the one that was named."""
    endpoints = tuple(options.endpoint) or ((DEVNET,) if options.network == "devnet" else ())
    if not 1 <= options.agree <= len(endpoints):
        raise Refused(f"--endpoint: give a node of {options.network}, and at least as many as --agree says")
    async with StacksClient(endpoints, options.agree) as client:
        found = (await client.info()).chain_id
        if found != chain.chain_id:
            raise Refused(
                f"the chain there has the id {found:#x}, and {options.network} has {chain.chain_id:#x}"
            )
        yield client


def _state(options: argparse.Namespace) -> Path:
    return Path(options.state or f".wattest/deploy-{options.network}")


def _complain(cause: object, code: int) -> int:
    sys.stderr.write(f"wattest contracts: {cause}\n")
    return code

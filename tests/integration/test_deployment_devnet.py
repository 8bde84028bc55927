"""`wattest contracts` against the devnet: the whole suite, by real signed transactions and real processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import coincurve
import pytest

from consensus.encoding import Principal
from oracle import config
from oracle.chain import plan
from oracle.chain.address import TESTNET, account_text, address_of, contract_of
from oracle.chain.answers import Account
from oracle.chain.calls import PublicCall, ReadCall, refusal
from oracle.chain.client import StacksClient
from oracle.chain.job import Job
from oracle.chain.outbox import Outbox, OutboxLimits
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.oracle_staking import Parameters
from oracle.cli import main as wattest
from oracle.keys import keystore
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, KeyKind

ROOT = Path(__file__).parents[2]
FUNDS_USTX = 10**12
NAMES = ("rich", "other", "fresh", "poor")


@dataclass(frozen=True)
class Site:
    """A devnet, and accounts on it: three with money, one without."""

    url: str
    folder: Path

    def key(self, name: str = "rich") -> Path:
        return self.folder / name / "account.json"

    def address(self, name: str = "rich") -> Principal:
        public = keystore.public_of(self.key(name), KeyKind.CHAIN)
        return address_of(coincurve.PublicKey(public), TESTNET)

    def account(self, name: str = "rich") -> Account:
        async def ask() -> Account:
            async with StacksClient((self.url,)) as client:
                return await client.account(self.address(name))

        return asyncio.run(ask())

    def command(self, *words: str, name: str = "rich", state: str = "state") -> list[str]:
        common = ["--network", "devnet", "--endpoint", self.url, "--key", str(self.key(name))]
        return [
            "contracts",
            "deploy",
            *common,
            "--allow-light-keys",
            "--state",
            str(self.folder / state),
            *words,
        ]

    def plan(self, folder: str, **changed: str) -> Path:
        """A copy of the plan with other sources, cut to what staking needs."""
        path = self.folder / folder / "deployment.json"
        path.parent.mkdir()
        document = json.loads(plan.shipped().read_text())
        needed = ("roles", "production-oracle", "oracle-staking")
        document["contracts"] = [one for one in document["contracts"] if one["name"] in needed]
        document["after-deployment"] = document["after-deployment"][:2]
        for one in document["contracts"]:
            source = (plan.shipped().parent / one["path"]).read_text()
            one["path"] = f"{one['name']}.clar"
            (path.parent / one["path"]).write_text(source + changed.get(one["name"].replace("-", "_"), ""))
        path.write_text(json.dumps(document))
        return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("deployment")
    for name in NAMES:
        (folder / name).mkdir()
        new_key(
            KeyKind.CHAIN, folder / name / "account.json", new_password(folder / name / "password"), LIGHT
        )
    site = Site("", folder)
    funds = {account_text(site.address(name)): FUNDS_USTX if name != "poor" else 1000 for name in NAMES}
    (folder / "genesis.json").write_text(json.dumps(funds))
    node = os.environ.get("WATTEST_NODE") or shutil.which("node")
    assert node, "Node >= 20 is needed: put it on the path or name it in WATTEST_NODE"
    command = [node, str(ROOT / "deploy" / "devnet" / "server.mjs"), "--port", "0", "--block-ms", "100"]
    command += ["--state", str(folder / "chain"), "--genesis", str(folder / "genesis.json")]
    with (folder / "devnet.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        yield Site(f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}", folder)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    """The whole suite, by a process that was killed in the middle and another that went on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "oracle", *site.command("--set", "window-s=300")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        next(line for line in lines if line.startswith("[3/"))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert wattest(["init", str(site.folder / "node"), "--light"]) == 0
    configuration = str(site.folder / "node" / "node.toml")
    assert wattest(site.command("--set", "window-s=300", "--config", configuration)) == 0
    return site


def steps() -> int:
    whole = plan.load(plan.shipped())
    return len(whole.contracts) + len(whole.calls)


def test_a_dry_run_shows_every_cost_and_fee_and_sends_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.account("other")
    assert wattest(site.command("--dry-run", "--json", name="other")) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["steps"]) == steps()
    assert all(one["standing"] == "missing" for one in shown["steps"])
    assert all(one["fee_ustx"] > 0 and one["costs"]["runtime"] > 0 for one in shown["steps"])
    assert shown["fees_ustx"] == sum(one["fee_ustx"] for one in shown["steps"])
    assert shown["fees_max_ustx"] == 500_000 * steps()
    assert site.account("other") == before
    assert not (site.folder / "state" / "addresses.json").exists()


def test_a_deployment_that_was_killed_goes_on_and_pays_for_each_step_once(deployed: Site) -> None:
    account = deployed.account()
    assert account.nonce == steps()
    whole = plan.load(plan.shipped())
    paid_ustx = FUNDS_USTX - account.balance_ustx
    assert paid_ustx >= sum(len(one.source) for one in whole.contracts), "1 microSTX a byte at least"


def test_a_repeated_deployment_sends_nothing_from_whatever_machine(
    deployed: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.account()
    for state in ("state", "another-machine"):
        assert wattest(deployed.command("--set", "window-s=300", state=state)) == 0
        assert "0 transactions to send" in capsys.readouterr().out
    assert deployed.account() == before


def test_addresses_are_where_nodes_read_them(deployed: Site) -> None:
    assert config.load(deployed.folder / "node" / "node.toml").chain.deployer == deployed.address()
    record = json.loads((deployed.folder / "state" / "addresses.json").read_text())
    assert record["contracts"]["roles"] == f"{account_text(deployed.address())}.roles"
    assert record["parameters"] == {"window-s": 300}
    assert record["sources"].keys() == record["contracts"].keys()


def check(site: Site, *words: str) -> list[str]:
    deployer = ["--deployer", account_text(site.address())]
    return ["contracts", "check", "--network", "devnet", "--endpoint", site.url, *deployer, *words]


def test_the_check_is_good_where_every_source_is_the_plans(
    deployed: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wattest(check(deployed, "--set", "window-s=300")) == 0
    assert f"{steps()} of {steps()} steps are done" in capsys.readouterr().out


def test_one_letter_more_in_a_source_is_found(deployed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    other = deployed.plan("changed", production_oracle="\n")
    assert wattest(check(deployed, "--plan", str(other), "--set", "window-s=300", "--json")) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["good"] is False
    assert said["steps"]["deploy production-oracle"] == "differs"
    assert said["steps"]["deploy roles"] == "done"
    before = deployed.account()
    assert wattest(deployed.command("--plan", str(other), "--set", "window-s=300")) == 1
    assert "is there with another source" in capsys.readouterr().err
    assert deployed.account() == before


def test_a_parameter_that_is_set_otherwise_for_good_costs_nothing_to_learn(
    deployed: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.account()
    assert wattest(deployed.command("--set", "window-s=900")) == 1
    assert "oracle-staking initialise 900: set otherwise, for good" in capsys.readouterr().err
    assert deployed.account() == before


def test_a_refusal_is_told_by_its_contract_its_name_and_its_meaning(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    short = str(site.plan("short"))
    assert wattest(site.command("--plan", short, "--set", "window-s=7", name="other", state="o")) == 1
    said = capsys.readouterr().err
    assert "oracle-staking initialise 7: the contract refuses it" in said
    assert "oracle-staking ERR_WINDOW_LENGTH (u306): A window is at least a second" in said
    # What was refused may be tried again, with what the contract takes.
    assert wattest(site.command("--plan", short, "--set", "window-s=60", name="other", state="o")) == 0


@pytest.mark.parametrize(
    ("words", "name", "code", "said"),
    [
        (["--network", "mainnet"], "rich", 2, "the chain there has the id 0x80000000"),
        (["--network", "testnet"], "poor", 1, "has 1000 microSTX and needs"),
        (["--network", "testnet"], "fresh", 2, "say --yes"),
        (["--set", "window-s"], "rich", 2, "not NAME=NUMBER"),
        (["--set", "epoch=1"], "rich", 2, "there is no epoch"),
        (["--plan", "nowhere.json"], "rich", 2, "No such file"),
        (["--agree", "2"], "rich", 2, "--endpoint"),
        (["--within", "0.001"], "fresh", 1, "run it again, nothing is sent twice"),
        (["--config", "nowhere.toml"], "fresh", 2, "nowhere.toml"),
        (["--config", "pyproject.toml"], "fresh", 2, "has no [chain]"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_paid(
    words: list[str], name: str, code: int, said: str, deployed: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.account(name)
    assert wattest(deployed.command(*words, name=name)) == code
    assert said in capsys.readouterr().err
    assert deployed.account(name) == before


def test_a_light_key_is_refused_unless_it_is_allowed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in site.command(name="fresh") if word != "--allow-light-keys"]
    before = site.account("fresh")
    assert wattest(words) == 2
    assert "is for demonstrations" in capsys.readouterr().err
    assert site.account("fresh") == before


def test_a_chain_that_is_away_is_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    away = Site("http://127.0.0.1:1", site.folder)
    assert wattest(away.command()) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_every_question_without_arguments_is_answered_in_the_type_of_the_client(deployed: Site) -> None:
    async def ask() -> dict[str, Any]:
        suite = Suite(deployed.address())
        given = {}
        async with StacksClient((deployed.url,)) as client:
            for contract in (getattr(suite, name) for name in dir(Suite) if not name.startswith("_")):
                for name in dir(contract):
                    if not name.startswith(("get_", "is_")):
                        continue
                    try:
                        call = getattr(contract, name)()
                    except TypeError:
                        continue  # it wants arguments
                    assert isinstance(call, ReadCall)
                    given[f"{call.contract.contract_name} {call.function}"] = await client.ask(call)
        return given

    answers = asyncio.run(ask())
    assert len(answers) > 15
    assert answers["oracle-staking get-window-length"] == 300
    assert answers["oracle-staking get-network"] is None
    assert answers["roles get-governor-count"] == 1
    assert isinstance(answers["oracle-staking get-parameters"], Parameters)


def test_roles_are_held_as_the_plan_grants_them(deployed: Site) -> None:
    async def held(who: Principal, role: str) -> bool:
        async with StacksClient((deployed.url,)) as client:
            return await client.ask(Suite(deployed.address()).roles.has_role(who, role))

    disputes = contract_of(deployed.address(), "dispute-resolution")
    assert asyncio.run(held(disputes, "dispute"))
    assert not asyncio.run(held(disputes, "governor"))
    assert asyncio.run(held(deployed.address(), "governor"))


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "contracts.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_commands_and_the_program_of_the_page_do_what_it_says(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    address = account_text(site.address("fresh"))
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 6
    for command in commands:
        words = command.replace("ADDRESS", address).split()
        words += ["--endpoint", site.url] if "devnet" in words else []
        assert wattest(words[1:]) == 0, command
        if words[1:3] == ["init", "governor"]:  # whose account has no money here
            for name in ("account.json", "password"):
                shutil.copy2(site.folder / "fresh" / name, tmp_path / "governor" / "keys" / name)
    said = capsys.readouterr().out
    assert "transactions to send" in said
    assert "production-oracle ERR_NO_QUORUM (u405)" in said
    assert config.load(Path("node/node.toml")).chain.deployer == site.address("fresh")

    (program,) = blocks("python")
    Path("program.py").write_text(
        program.replace("ADDRESS", address).replace("http://127.0.0.1:20443", site.url)
    )
    run = [sys.executable, "program.py"]
    done = subprocess.run(
        run,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "0 microSTX are at stake",
        "granted: True",
        "refused: roles ERR_ALREADY_HELD (u101): The principal already holds the role. True",
    ]


def least(hint: Any, contract: Principal) -> Any:
    """The least value of a type: zero, false, nothing, or one of each field."""
    if hint is Principal:
        return contract
    if isinstance(hint, type) and is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return hint(**{one.name: least(hints[one.name], contract) for one in fields(hint)})
    if hint in (int, bool, bytes, str):
        return hint()
    return () if typing.get_origin(hint) is tuple else None


def public_calls(suite: Suite) -> Iterator[PublicCall[Any]]:
    """Every public function of every contract, with the least arguments that its types allow."""
    for contract in (getattr(suite, name) for name in dir(Suite) if not name.startswith("_")):
        for name, function in vars(type(contract)).items() if not isinstance(contract, Principal) else ():
            hints = typing.get_type_hints(function) if callable(function) else {}
            if typing.get_origin(hints.pop("return", None)) is PublicCall:
                hints.pop("post")
                yield getattr(contract, name)(**{one: least(hints[one], contract.principal) for one in hints})


def test_the_real_vm_takes_the_arguments_of_every_public_call(deployed: Site) -> None:
    """What a call comes to is the contracts' matter; that its types are the contract's is the client's."""

    async def made() -> dict[str, Job]:
        key = deployed.key("other")
        password = keystore.read_password(key.parent / "password")
        secret = keystore.load(key, password, KeyKind.CHAIN, allow_light=True).secret
        folder, limits = deployed.folder / "all-calls", OutboxLimits(depth=1, poll_s=0.05)
        own = coincurve.PrivateKey(secret)
        async with (
            asyncio.timeout(200),
            StacksClient((deployed.url,)) as client,
            Outbox(folder, own, TESTNET, client, lambda: int(time.time()), limits=limits) as outbox,
        ):
            running = asyncio.create_task(outbox.run())
            calls = {}
            for call in public_calls(Suite(deployed.address())):
                name = f"{call.payload.contract.contract_name} {call.payload.function}"
                calls[name] = await outbox.call(name, call)
            jobs = {name: await outbox.mined(name) for name in calls}
            running.cancel()
            return jobs

    jobs = asyncio.run(made())
    written = json.loads((ROOT / "contracts" / "interfaces.json").read_text())["contracts"]
    public = [
        f"{one['name']} {function['name']}"
        for one in written
        for function in one["functions"]
        if function["access"] == "public"
    ]
    assert sorted(jobs) == sorted(public)
    assert {name: job.refusal for name, job in jobs.items() if not job.mined} == {}
    refused = [refusal(job) for job in jobs.values() if not job.succeeded]
    assert len(refused) > len(jobs) // 2, "an outsider with nothing in hand gets little done"
    assert all(error is None or error.name for error in refused), "every refusal has its name"

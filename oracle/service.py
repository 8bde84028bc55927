"""One node as a process: opens what it needs, wires it, runs it, closes it in order.

Knows how the parts are joined; what each does is its own matter. The API sees the node
through `Standing`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import coincurve
import tenacity
from aiohttp import web

from consensus.agreement.engine import GOSSIP_TIMER
from consensus.encoding import Principal, Value, decode, encode
from consensus.messages import Fields
from consensus.model import Committee, EpochNumber, Genesis, InvariantBroken
from consensus.step import Milestone, Transmission
from oracle import memory
from oracle.api.app import make_app, make_exporter, serving
from oracle.api.stream import Announcer, event_from
from oracle.api.stream import Stage as FeedStage
from oracle.chain.address import chain_of
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.contracts import ContractMisread, OracleContracts
from oracle.chain.courier import OutboxLimits
from oracle.chain.disputes import Disputes
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.outbox import Outbox
from oracle.chain.reporter import Receipt, Reporter
from oracle.chronicle import DOUBLE_VOTE, TRAVEL
from oracle.config import Configuration, ConfigurationFaulty
from oracle.duties.applying import UNCHECKED
from oracle.duties.pace import NUDGE_TIMER
from oracle.events import ChainRead, CommitteeProposed, TimerPassed
from oracle.feeds import roster as rosters
from oracle.feeds.http_poll import HttpPoll, PollSettings, PollTarget
from oracle.feeds.http_push import PushLimits, TokenError, load_tokens, routes
from oracle.feeds.http_push import Receipt as PushReceipt
from oracle.feeds.intake import Intake, IntakeLimits
from oracle.feeds.mqtt import MqttFeed
from oracle.feeds.mqtt import MqttSettings as FeedMqttSettings
from oracle.feeds.roster import Roster, RosterError
from oracle.journey import Stage as JourneyStage
from oracle.journey import Travel
from oracle.keys import keystore
from oracle.keys.ceremony import CeremonySecrets
from oracle.keys.channel import ChannelBroken
from oracle.keys.keystore import LIGHT, STANDARD, KeyKind, KeystoreError
from oracle.keys.process import Place
from oracle.keys.remote import SignerProcess, key_opens
from oracle.keys.signer import Refused
from oracle.model import Device, RecordHash, WindowStart
from oracle.node import Node
from oracle.peers.identity import Identity, issue
from oracle.peers.links import Links
from oracle.peers.welcome import Welcome, welcome
from oracle.prosecutor import Prosecutor
from oracle.runtime import Runtime, now_ms
from oracle.schedule import transmission
from oracle.standing import Standing
from oracle.storage.database import Database
from oracle.storage.failure import StorageFailed
from oracle.storage.history import ChainReceipt, Meta, Part
from oracle.storage.history_reader import HistoryReader
from oracle.storage.records import RecordLog
from oracle.telemetry.metrics import Metrics
from oracle.windows.vee import Rules

_log = logging.getLogger("wattest.service")

HOUSEKEEPING_S: Final = 6 * 3600.0
REGISTER_HEIGHTS: Final = 10_000
"""Rows of the sign-once register that are kept; below them its watermark stands."""
OUTBOX_RETRY_S: Final = 5.0
GENESIS_KEY: Final = "genesis"
MINED: Final = "success"
LOST: Final = "lost"
"""Status of a receipt whose block was reorganised away."""
PENDING_MAX: Final = 2000
"""How far back a restart looks for entries that are not on chain yet."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What this process signs with; secrets reach no repr. The node key is in the signer's (N1)."""

    account: keystore.Key
    tls: keystore.Key
    password: str = field(repr=False)


def open_keys(configuration: Configuration) -> Keys:
    """Open the keystores. Raises ConfigurationFaulty that names every one that does not open."""
    faults: list[str] = []
    opened: dict[KeyKind, keystore.Key] = {}
    password = ""
    try:
        password = keystore.read_password(configuration.password_file)
    except KeystoreError as cause:
        raise ConfigurationFaulty((f"node.password_file: {cause}",)) from cause
    paths = {
        KeyKind.CHAIN: configuration.account_key,
        KeyKind.TLS: configuration.tls_key,
    }
    for kind, path in paths.items():
        try:
            light = configuration.allow_light_keys
            opened[kind] = keystore.load(path, password, kind, allow_light=light)
        except KeystoreError as cause:
            faults.append(f"{kind.value} key: {cause}")
    if faults:
        raise ConfigurationFaulty(tuple(faults))
    return Keys(opened[KeyKind.CHAIN], opened[KeyKind.TLS], password)


def signer_place(configuration: Configuration) -> Place:
    """Where the signer's process finds the node key and the register."""
    return Place(
        configuration.node_key,
        configuration.password_file,
        configuration.data / "register.db",
        configuration.register_marker,
        configuration.allow_light_keys,
    )


def check_keys(configuration: Configuration) -> None:
    """Open every key, the node key in a process of its own. Raises ConfigurationFaulty with all faults."""
    faults: list[str] = []
    try:
        open_keys(configuration)
    except ConfigurationFaulty as cause:
        faults += cause.faults
    if not any(fault.startswith("node.password_file") for fault in faults):
        wrong = key_opens(signer_place(configuration))
        faults += [f"node key: {wrong}"] if wrong else []
    if faults:
        raise ConfigurationFaulty(tuple(faults))


def open_roster(path: Path) -> Roster:
    """Read the roster. Raises ConfigurationFaulty with everything that is wrong with it."""
    try:
        return rosters.load(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigurationFaulty((f"feeds.roster: {path}: {cause.strerror}",)) from cause
    except RosterError as cause:
        raise ConfigurationFaulty(tuple(f"feeds.roster: {fault}" for fault in cause.faults)) from cause


class Service:
    """A running node. Make it with `opened`, then `run`."""

    def __init__(
        self,
        configuration: Configuration,
        node: Node,
        database: Database,
        records: RecordLog,
        contracts: OracleContracts,
        outbox: Outbox,
        signer: SignerProcess,
        secrets: CeremonySecrets,
        roster: Roster,
        keys: Keys,
    ) -> None:
        self.configuration = configuration
        self.node = node
        self.database = database
        self.contracts = contracts
        self.outbox = outbox
        self.started_at_ms = now_ms()
        self.chain_height = 0
        self._announcements: asyncio.Queue[tuple[int, FeedStage]] = asyncio.Queue()
        self._devices: dict[int, Device] = {}
        self.runtime = Runtime(
            node, database, records, signer, secrets, self._transmit, self._milestone, configuration.lease_ms
        )
        self.intake = Intake(self._device, roster, records, self.runtime.on_readings, IntakeLimits())
        self.signer, self._keys = signer, keys
        identity = self._issue()
        self.chain_epoch = 0
        self._on_chain: Committee | None = None
        self._proposed: Committee | None = None
        self._welcome = self._welcomed()
        self.links = Links(
            self._welcome.own_slot,
            self._welcome.keys,
            self._welcome.addresses,
            identity,
            node.network,
            self.runtime.on_frame,
            self._link_up,
            lambda slot: _log.info("link with %s is down", self._welcome.keys[slot].hex()[:12]),
            lambda: int(time.time()),
            listen=configuration.peers_listen,
        )
        self.runtime.attach(self.links, self.intake)
        self.mqtt = _mqtt(configuration, roster, self.intake)
        self.poll = _poll(configuration, roster, self.intake)
        self.standing = Standing(self, self.started_at_ms)
        self.announcer = Announcer()
        self.metrics = Metrics()
        self.app = make_app(
            self.standing,
            database,
            records,
            announcer=self.announcer,
            metrics=self.metrics,
            extra_routes=_push_routes(configuration, self.intake, self._sign_receipt),
        )
        self.reporter = Reporter(
            contracts,
            outbox,
            time.monotonic,
            configuration.chain.stage_s,
            configuration.chain.poll_s,
            self._keep_receipt,
            self._window_of,
            self._has_receipt,
            self._lose_receipt,
            self._fits,
            self._submitted,
        )
        self.prosecutor = Prosecutor(
            database,
            make_exporter(self.standing, database, records),
            node.genesis.window_s,
            self._disputes,
            lambda milestone: self._milestone(milestone, now_ms()),
        )

    async def run(self, on_ready: Callable[[str, int], None]) -> None:
        """Run until cancelled; `on_ready` hears the API's address once everything is up."""
        for pending in await self.database.read(lambda history: _pending(history, self.node)):
            self.reporter.submit(pending)
        async with (
            serving(self.app, *self.configuration.api_listen) as (host, port),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self.links.run(), name="links")
            tasks.create_task(self.signer.supervise(self.runtime.sign_again), name="signer")
            await self._first_registry()
            await self.intake.replay(self._replay_from_ms())
            await self.intake.replay_named(await self.database.read(memory.late_records))
            tasks.create_task(self.runtime.run(), name="runtime")
            tasks.create_task(self._run_outbox(), name="outbox")
            tasks.create_task(self.reporter.run(), name="reporter")
            tasks.create_task(self.prosecutor.run(), name="prosecutor")
            tasks.create_task(self._read_registry(), name="registry")
            tasks.create_task(self._refresh(), name="standing")
            tasks.create_task(self._keep_house(), name="housekeeping")
            if self.mqtt is not None:
                tasks.create_task(self.mqtt.run(), name="mqtt")
            if self.poll is not None:
                tasks.create_task(self.poll.run(), name="poll")
            on_ready(host, port)

    # -- what happens -----------------------------------------------------------------

    async def _sign_receipt(self, hashes: tuple[RecordHash, ...]) -> Mapping[str, object]:
        """R7: this node's word that the records are durable here; a gateway keeps them until f+1 say so."""
        payload = encode(
            {
                "topic": "receipt",
                "network": self.node.network,
                "epoch": self.node.engine.committee.epoch,
                "time-s": int(time.time()),
                "records": hashes,
            }
        )
        try:
            signature = await self.signer.sign_plain_off_loop("receipt", payload)
        except ChannelBroken:
            return {"refused": "no-signer"}
        if isinstance(signature, Refused):
            return {"refused": signature.reason.value}
        key = self.signer.public_key.hex()
        return {"payload": payload.hex(), "signature": signature.hex(), "node_key": key}

    def _link_up(self, slot: int) -> None:
        """What was said before the link was there may be lost: say now where this node stands."""
        _log.info("link with %s is up", self._welcome.keys[slot].hex()[:12])
        self.runtime.happen(TimerPassed(GOSSIP_TIMER))
        self.runtime.happen(TimerPassed(NUDGE_TIMER))

    async def _keep_house(self) -> None:
        """Now and then: a fresh certificate for the links, and an end to old rows of the register."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            head = self.node.engine.head[0]
            try:
                await self.signer.prune_off_loop(head - REGISTER_HEIGHTS)
                self.links.renew(await asyncio.to_thread(self._issue))
            except ChannelBroken as failure:
                _log.warning("left undone until next time, the signer does not answer: %s", failure)

    def _issue(self) -> Identity:
        now_s = int(time.time())
        return issue(self._keys.tls.secret, self.signer.sign_tls_binding, self.node.network, now_s)

    def _milestone(self, milestone: Milestone, at_ms: int) -> None:
        _log.info("%s %d %s", milestone.name, milestone.height, milestone.detail)
        self.metrics.milestone(milestone.name)
        travel = self.node.journey.of_height(milestone.height)
        closed_ms = 0 if travel is None else travel.reached_ms(JourneyStage.CLOSED)
        match milestone.name:
            case "certified":
                self._announce(milestone.height, FeedStage.DECIDED)
                self.metrics.entry_decided(milestone.detail.split(",")[0], milestone.height)
                if travel is not None and closed_ms:
                    self.metrics.window_certified(closed_ms, at_ms, travel.leaves)
            case "attested":
                self._announce(milestone.height, FeedStage.ATTESTED)
                if closed_ms:
                    self.metrics.window_attested(closed_ms, at_ms)
            case "epoch":
                self._rewelcome()
            case "on-chain":
                self._announce(milestone.height, FeedStage.ON_CHAIN)
                if closed_ms:
                    self.metrics.window_on_chain(closed_ms, at_ms)
            case name if name == DOUBLE_VOTE:
                self.prosecutor.news()
            case name if name == UNCHECKED:
                self.prosecutor.look(milestone.height)

    def _disputes(self, prosecutor: Prosecutor) -> Disputes:
        """The way of evidence to the chain; the order among members is that of the committee in force."""
        settings, node = self.configuration.chain, self.node
        return Disputes(
            self.contracts,
            self.outbox,
            time.monotonic,
            settings.stage_s,
            settings.poll_s,
            node.network,
            node.engine.own_key,
            lambda: (node.own, node.engine.committee.size),
            prosecutor.keep,
        )

    def _announce(self, height: int, stage: FeedStage) -> None:
        self._announcements.put_nowait((height, stage))

    async def _refresh(self) -> None:
        """Tell listeners what happened, and look at what has to be asked for."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    happened = await self._announcements.get()
                await self._publish(*happened)
                continue
            await self.standing.refresh(now_ms())

    async def _publish(self, height: int, stage: FeedStage) -> None:
        event = await self.database.read(lambda history: event_from(history, height, stage))
        if event is not None:
            self.announcer.publish(event)

    def _transmit(self, wanted: Transmission) -> None:
        self.reporter.submit(wanted)

    def _device(self, id_: int) -> Device | None:
        """By the registry that is agreed, or, before there is one, as the chain has it."""
        return self.node.registry.device(id_) or self._devices.get(id_)

    # -- membership -------------------------------------------------------------------

    def _welcomed(self) -> Welcome:
        """All committees whose members have business here, as the log and the chain know them."""
        node, membership = self.node, self.node.membership
        known = node.engine.committees
        previous = known.get(EpochNumber(node.engine.committee.epoch - 1))
        named = None if membership is None else membership.target
        committees = (node.engine.committee, previous, named, self._on_chain, self._proposed)
        return welcome(node.engine.own_key, committees, self.configuration.peers)

    def _rewelcome(self) -> None:
        """Who may be linked has changed, perhaps."""
        wanted = self._welcomed()
        if wanted != self._welcome:
            _log.info("%d keys are welcome to link, %d were", len(wanted.keys), len(self._welcome.keys))
            # First the links: those that they close now are told by their numbers of before.
            self.links.reconfigure(wanted.own_slot, wanted.keys, wanted.addresses)
            self._welcome = wanted

    async def _read_committees(self) -> None:
        """The committee in force on chain, and the one that is proposed (C3)."""
        self.chain_epoch = await self.contracts.current_epoch()
        if self.chain_epoch and (self._on_chain is None or self._on_chain.epoch != self.chain_epoch):
            self._on_chain = await self.contracts.committee(self.chain_epoch)
        proposed = await self.contracts.proposed_committee()
        if proposed is not None and proposed != self._proposed and self.chain_epoch:
            _log.info("the chain proposes a committee of %d for epoch %d", proposed.size, proposed.epoch)
            self.runtime.happen(CommitteeProposed(proposed))
        self._proposed = proposed
        self._rewelcome()

    async def _fits(self, activation: Transmission) -> bool:
        """Whether the chain proposes the committee that the log has activated."""
        proposed = await self.contracts.proposed_committee()
        if proposed is None:
            return False
        return activation.key == f"activate:{proposed.epoch}" and (
            self.node.engine.committees.get(proposed.epoch) == proposed
        )

    # -- chain ------------------------------------------------------------------------

    async def _first_registry(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._read_committees()
                await self._read_registry_once(-1)
        except (TimeoutError, ChainUnavailable, CallRefused) as cause:
            _log.warning("the registry cannot be read yet: %s", cause)

    async def _run_outbox(self) -> None:
        """The outbox, through a disk that is full for a while: its jobs are on it already."""
        while True:
            try:
                await self.outbox.run()
            except sqlite3.OperationalError as failure:
                _log.warning("the outbox's disk does not answer, trying again: %s", failure)
                await asyncio.sleep(OUTBOX_RETRY_S)

    async def _read_registry(self) -> None:
        revision = -1
        while True:
            await asyncio.sleep(self.configuration.chain.poll_s)
            try:
                self.chain_height = (await self.contracts.client.info()).height
                await self._read_committees()
                revision = await self._read_registry_once(revision)
            except (ChainUnavailable, CallRefused):
                continue  # the reporter says so, once
            except ContractMisread as failure:
                _log.error("the registry on chain cannot be read: %s", failure)

    async def _read_registry_once(self, known: int) -> int:
        revision = await self.contracts.registry_revision()
        if revision != known:
            devices = await self.contracts.devices()
            self._devices = {device.device: device for device in devices}
            self.runtime.happen(ChainRead(devices, self.chain_height))
        return revision

    async def _keep_receipt(self, receipt: Receipt) -> None:
        try:
            await self._write_receipt(receipt)
        except StorageFailed as failure:
            if not failure.retriable:
                raise
            _log.warning("a receipt cannot be kept now; the next look finds it again: %s", failure)

    async def _write_receipt(self, receipt: Receipt) -> None:
        await self.database.write(
            (),
            (
                ChainReceipt(
                    receipt.height,
                    bytes.fromhex(receipt.txid),
                    MINED,
                    receipt.block_height,
                    receipt.raw,
                ),
                Part(receipt.height, "attestation", receipt.attestation),
            ),
        )
        await self._travelled(receipt.height, JourneyStage.ON_CHAIN, receipt.txid)
        self._milestone(Milestone("on-chain", receipt.height, receipt.txid), now_ms())

    async def _submitted(self, height: int, stage: int) -> None:
        """This node's transaction for an entry is in the outbox."""
        before = "first in turn" if not stage else f"after {stage} other submitters"
        try:
            await self._travelled(height, JourneyStage.SUBMITTED, before)
        except StorageFailed as failure:
            if not failure.retriable:
                raise
            _log.warning("when height %d was submitted cannot be kept: %s", height, failure)

    async def _travelled(self, height: int, stage: JourneyStage, detail: str) -> None:
        """Note what became of a window on its way to the chain, also of one that is long gone."""
        place = await self._window_of(height)
        if place is None:
            return
        window = WindowStart(place[0])
        travel = self.node.journey.of(window)
        if travel is None or travel.height != height:
            kept = await self.database.read(lambda history: history.part(height, TRAVEL))
            travel = Travel.from_bytes(kept or b"") or Travel(window, height)
        travel.note(stage, now_ms(), detail)
        await self.database.write((), (Part(height, TRAVEL, travel.to_bytes()),))

    async def _has_receipt(self, height: int) -> bool:
        receipts = await self.database.read(lambda history: history.receipts(height))
        return any(receipt.status == MINED for receipt in receipts)

    async def _lose_receipt(self, height: int, txid: str) -> None:
        """A reorganisation took the transaction away; whoever's it is sends it again."""
        receipts = await self.database.read(lambda history: history.receipts(height))
        lost = [replace(one, status=LOST) for one in receipts if one.txid.hex() == txid]
        await self.database.write((), lost)
        self._milestone(Milestone("reorganised", height, txid), now_ms())

    async def _window_of(self, height: int) -> tuple[int, int] | None:
        entry = await self.database.read(lambda h: h.entry(height))
        if entry is None or entry.window_start_s is None:
            return None
        return entry.window_start_s, entry.revision

    def _replay_from_ms(self) -> int:
        """Records of windows that are not settled yet came at most a grace before their start."""
        window_s = self.node.genesis.window_s
        return max(0, (self.node.settlement.next_window - window_s) * 1000)


@asynccontextmanager
async def opened(configuration: Configuration) -> AsyncIterator[Service]:
    """Open a node's keys, storage and chain; close everything in reverse.

    Raises ConfigurationFaulty, StorageFailed, RegisterFailed before anything is started.
    """
    roster = open_roster(configuration.roster)
    configuration.data.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        signer = SignerProcess(signer_place(configuration))
        stack.callback(signer.close)
        keys = await _open_all_keys(configuration, signer)
        database = Database(configuration.data / "node.db")
        stack.callback(database.close)
        records = RecordLog(configuration.data / "records", reserve_bytes=configuration.reserve_mib << 20)
        stack.callback(records.close)
        client = await stack.enter_async_context(
            StacksClient(configuration.chain.endpoints, configuration.chain.agree)
        )
        contracts = OracleContracts(client, configuration.chain.deployer)
        genesis = await _genesis(database, contracts)
        await asyncio.to_thread(signer.bind, genesis.network)
        node = build_node(configuration, genesis, signer.public_key)
        node.restore(memory.stored(database.history), memory.head(database.history))
        node.replay(database.journal.replay())
        node.journey.recall(memory.open_travel(database.history))
        cost = LIGHT if configuration.allow_light_keys else STANDARD
        secrets = CeremonySecrets(configuration.node_key.parent, keys.password, signer, cost)
        outbox = await stack.enter_async_context(
            Outbox(
                configuration.data,
                coincurve.PrivateKey(keys.account.secret),
                chain_of(genesis.chain_id),
                client,
                lambda: int(time.time()),
                is_done=contracts.is_done,
                limits=OutboxLimits(
                    depth=configuration.chain.confirmations, poll_s=configuration.chain.poll_s
                ),
            )
        )
        service = Service(
            configuration, node, database, records, contracts, outbox, signer, secrets, roster, keys
        )
        stack.push_async_callback(service.intake.close)
        yield service


async def _open_all_keys(configuration: Configuration, signer: SignerProcess) -> Keys:
    """Start the signer and open the other keys; every keystore that does not open is named."""
    faults: list[str] = []
    keys: Keys | None = None
    try:
        keys = open_keys(configuration)
    except ConfigurationFaulty as cause:
        faults += cause.faults
    if not any(fault.startswith("node.password_file") for fault in faults):
        try:
            await asyncio.to_thread(signer.start)
        except KeystoreError as cause:
            faults.append(f"node key: {cause}")
    if faults or keys is None:
        raise ConfigurationFaulty(tuple(faults))
    return keys


def build_node(configuration: Configuration, genesis: Genesis, own_key: bytes) -> Node:
    """The pure node for a configuration."""
    window_s = genesis.window_s
    tolerance_s = min(configuration.tolerance_s or window_s, window_s)
    rules = Rules(window_s=window_s, tolerance_s=tolerance_s, windows_max=configuration.windows_max)
    calendar = configuration.calendar
    return Node(genesis, own_key, rules, configuration.pace, configuration.timeouts, calendar)


async def _genesis(database: Database, contracts: OracleContracts) -> Genesis:
    """The network as the history knows it, or, the first time, as the contracts say."""
    held = await database.read(lambda history: history.meta(GENESIS_KEY))
    if held is not None:
        return read_genesis(decode(held))
    waiting = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type((ChainUnavailable, CallRefused)),
        wait=tenacity.wait_exponential(multiplier=0.2, max=10),
        before_sleep=lambda state: _log.warning(
            "waiting for the chain to learn the network: %s",
            None if state.outcome is None else state.outcome.exception(),
        ),
    )
    while True:
        genesis: Genesis | None = await waiting(contracts.genesis)
        if genesis is not None:
            await database.write((), (Meta(GENESIS_KEY, encode(genesis_value(genesis))),))
            return genesis
        _log.warning("no committee has been proposed yet; waiting")
        await asyncio.sleep(2)


def genesis_value(genesis: Genesis) -> dict[str, Value]:
    """The canonical genesis: what `network` is the digest of (Q4)."""
    return {
        "chain-id": genesis.chain_id,
        "oracle": genesis.oracle,
        "window-s": genesis.window_s,
        "committee": genesis.committee.node_keys,
    }


def read_genesis(value: Value) -> Genesis:
    """A genesis from the history."""
    if not isinstance(value, Mapping) or not isinstance(value.get("oracle"), Principal):
        raise InvariantBroken("the history gives back the genesis")
    oracle = value["oracle"]
    fields = Fields({name: item for name, item in value.items() if name != "oracle"})
    keys = tuple(key for key in fields.items("committee", 31) if isinstance(key, bytes))
    committee = Committee(EpochNumber(1), keys)
    if not isinstance(oracle, Principal):
        raise InvariantBroken("the oracle is a contract")
    return Genesis(fields.uint("chain-id", 1 << 32), oracle, fields.uint("window-s"), committee)


def _pending(history: HistoryReader, node: Node) -> list[Transmission]:
    """Attested entries that no receipt is there for: to be submitted, or found done (C1)."""
    found: list[Transmission] = []
    newest = history.newest()
    if newest is None or node.own is None:
        return found
    for height in range(max(1, newest.height - PENDING_MAX), newest.height + 1):
        entry = history.entry(height)
        if entry is None or entry.signature is None:
            continue
        if any(receipt.status == MINED for receipt in history.receipts(height)):
            continue
        decided = memory.for_chain(history, entry)
        if decided is None:
            continue
        wanted = transmission(decided, entry.signature, node.own, node.engine.committee.size)
        found += [] if wanted is None else [wanted]
    return found


def _mqtt(configuration: Configuration, roster: Roster, intake: Intake) -> MqttFeed | None:
    settings = configuration.mqtt
    if settings is None:
        return None
    client_id = settings.client_id or f"wattest-{configuration.data.resolve().name}"
    return MqttFeed(
        FeedMqttSettings(
            settings.host,
            client_id,
            settings.port,
            username=settings.username or "",
            password_file=settings.password_file,
            tls=settings.tls,
            ca_file=settings.ca_file,
            availability_topic=settings.availability_topic or "",
        ),
        roster,
        intake,
    )


def _poll(configuration: Configuration, roster: Roster, intake: Intake) -> HttpPoll | None:
    if not configuration.polls:
        return None
    targets = tuple(PollTarget(one.device, one.url, one.every_s) for one in configuration.polls)
    settings = PollSettings(targets)
    faults = settings.faults(roster)
    if faults:
        raise ConfigurationFaulty(tuple(f"feeds.poll: {fault}" for fault in faults))
    return HttpPoll(settings, roster, intake)


def _push_routes(configuration: Configuration, intake: Intake, receipt: PushReceipt) -> list[web.RouteDef]:
    if configuration.push_tokens is None:
        return []
    try:
        tokens = load_tokens(configuration.push_tokens.read_text(encoding="utf-8"))
    except OSError as cause:
        fault = f"feeds.push_tokens: {configuration.push_tokens}: {cause.strerror}"
        raise ConfigurationFaulty((fault,)) from cause
    except TokenError as cause:
        raise ConfigurationFaulty(tuple(f"feeds.push_tokens: {fault}" for fault in cause.faults)) from cause
    return routes(intake, tokens, PushLimits(), receipt)


__all__ = ["ContractMisread", "Service", "build_node", "opened"]

"""The stage of a story: opened once, it has a chain, the suite, a committee, people and meters.

    async with opened("001", ("Ada", "Ben")) as stage:
        roof = await stage.meter("roof", stage["Ada"], "solar", capacity_w=5000)
        await stage.first_readings()
        window = await stage.next_window()
        await stage.attest(window, {roof: (0, 1200)})
        await stage["Ada"].call(stage.suite....record_energy_production(*stage.proof(roof, window)))

Energy gets on chain in one way only: meters sign their registers, every member of the
committee reads them and commits to what they say, the contract checks the certificate.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from consensus.encoding import Principal
from examples.stage import ground
from examples.stage.chain import Account, Chain, StoryBroken, devnet, key_of
from examples.stage.committee import Decided, Lie, Members
from examples.stage.ground import OPERATORS, WINDOW_S
from examples.stage.meters import SOURCES, Meter
from examples.stage.narrator import Narrator, clock_text
from oracle.chain.address import TESTNET, address_of
from oracle.chain.calls import ContractRefused, PublicCall, ReadCall
from oracle.chain.contracts import OracleContracts
from oracle.chain.refusal import ContractError
from oracle.chain.suite import shapes
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.production_oracle import OpenZoneSummary, SubmitWindowSummary
from oracle.chain.suite.shapes import Leaf
from oracle.model import Record, UsagePoint, WindowStart
from oracle.windows.window_data import WindowData

T = TypeVar("T")
GOVERNOR: Final = "governor"
CATCH_UP_MAX: Final = 8
"""Longer gaps stay: what a meter counts after one is then of all its windows together."""


class Proof(NamedTuple):
    """A leaf and its way to the attested root: the arguments of `verify-leaf`, in their order."""

    revision: int
    zone: int
    leaf: Leaf
    place: int
    siblings: tuple[bytes, ...]

    @property
    def listed(self) -> shapes.Proof:
        """The same as one tuple, as lists of proofs take it."""
        return shapes.Proof(self.place, self.leaf, self.revision, self.siblings, self.zone)


@dataclass(slots=True)
class Stage:
    """Everything a story acts with; `stage["Ada"]` is Ada's account."""

    chain: Chain
    suite: Suite
    members: Members
    people: Mapping[str, Account]
    operators: tuple[Account, ...]
    narrator: Narrator
    meters: list[Meter] = field(default_factory=list)
    _attested: dict[int, WindowData] = field(default_factory=dict)
    _records: dict[int, dict[int, Record]] = field(default_factory=dict)
    _registry_revision: int = 0

    def __getitem__(self, name: str) -> Account:
        """A person of the story."""
        return self.people[name]

    @property
    def governor(self) -> Account:
        """Who deployed the suite: governor and verifier."""
        return self.people[GOVERNOR]

    # -- telling --------------------------------------------------------------------

    async def does(self, who: Account, what: str, call: PublicCall[T]) -> T:
        """Somebody does something, and it is in a block."""
        try:
            given = await who.call(call)
        except ContractRefused as refusal:
            raise StoryBroken(f"{who.name} {what}: {refusal}") from refusal
        self.narrator.tell(f"{_named(who)} {what}.")
        return given

    async def may_not(self, who: Account, what: str, call: PublicCall[T], error: ContractError) -> None:
        """Somebody tries what is forbidden: the contract refuses it, with just this error."""
        try:
            await who.call(call)
        except ContractRefused as refusal:
            if refusal.error != error:
                raise StoryBroken(f"{who.name} {what}: {refusal}, and not {error}") from refusal
            self.narrator.refused(f"{_named(who)} tries to {what}.", str(error))
            return
        raise StoryBroken(f"{who.name} {what}: it was allowed")

    async def ask(self, call: ReadCall[T]) -> T:
        """A read-only call's answer."""
        return await self.chain.client.ask(call)

    # -- meters ---------------------------------------------------------------------

    async def meter(
        self,
        name: str,
        owner: Account,
        source: str = "none",
        *,
        capacity_w: int = 10_000,
        zone: int = 1,
        verified: bool = True,
    ) -> Meter:
        """Register a meter of its owner, who must be a user; the governor verifies it unless told not to."""
        meter = Meter(name, owner, source, capacity_w, zone)
        registration = self.suite.registration
        reference = len(self.meters) + 1
        call = registration.register_device(reference, name, capacity_w, meter.details())
        meter.device = await owner.call(call)
        self.meters.append(meter)
        if verified:
            await self.verify(meter)
        return meter

    async def verify(self, meter: Meter) -> None:
        """The verifier has looked at the meter: from now on it counts."""
        await self.governor.call(self.suite.registration.verify_asset(meter.device))
        meter.verified = True

    async def household(self, name: str, kind: int = 1) -> Account:
        """Register somebody as a user: 1 household, 2 producer, 3 consumer, 4 utility."""
        who = self.people[name]
        await who.call(self.suite.registration.register_user(kind, who.address.hash160.ljust(32, b"\0")))
        return who

    async def producer(self, name: str, source: str, kind: int = 1) -> Account:
        """Register somebody as a user and a producer of energy."""
        who = await self.household(name, kind)
        where = who.address.hash160.rjust(32, b"\0")
        await who.call(self.suite.registration.register_producer(name, SOURCES[source], where))
        return who

    # -- time -----------------------------------------------------------------------

    async def next_window(self, ahead_s: int = 1) -> int:
        """The next window that begins no sooner than in `ahead_s` seconds: about ten a transaction."""
        soonest = await self.chain.now_s() + ahead_s
        window = -(-soonest // WINDOW_S) * WINDOW_S
        return max(window, max(self._attested, default=0) + WINDOW_S)

    async def wait_until(self, time_s: int) -> None:
        """Let chain time pass."""
        await self.chain.wait_until(time_s)

    # -- energy ---------------------------------------------------------------------

    async def first_readings(self) -> int:
        """Attest the registers as they are: energy counts from here on. Gives the window."""
        window = await self.next_window()
        await self.attest(window, {})
        return window

    async def attest(
        self,
        window: int,
        energy_wh: Mapping[Meter, tuple[int, int]],
        *,
        silent: Sequence[Meter] = (),
        gap: bool = False,
        quiet: bool = False,
        lie: tuple[Meter, int] | None = None,
    ) -> None:
        """Let a window pass in which meters count (import, export) in Wh, and attest it.

        Every verified meter is read at its end but for the `silent` ones. Its zones are opened.
        Windows since the last one are attested too, without energy; not with `gap`: then what a
        meter counts is of all of them together. With a `lie`, a quorum of traitors attests so
        many Wh more out of a meter than it has signed.
        """
        if not gap:
            await self._catch_up(window)
        await self.chain.wait_until(window + WINDOW_S)
        for meter, (import_wh, export_wh) in energy_wh.items():
            meter.run(import_wh, export_wh)
        read = [one for one in self.meters if one.verified and one not in silent]
        false = None if lie is None else Lie(lie[0].device, lie[1])
        decided = await self._attest(window, read, false)
        data = self._attested[window]
        if quiet:
            return
        self.narrator.tell(
            f"{clock_text(window)} to {clock_text(window + WINDOW_S)}: {len(read)} meters sign, "
            f"{len(decided.certificate.signers)} of {self.members.committee.size} members attest "
            f"{data.summary.export_wh} Wh out and {data.summary.import_wh} Wh in."
        )

    def proof(self, meter: Meter, window: int) -> Proof:
        """The proof of a meter's leaf in an attested window."""
        data = self._attested[window]
        found = data.proof(UsagePoint(meter.device))
        if found is None:
            raise StoryBroken(f"{meter.name} has no leaf in {window}")
        leaf = Leaf.read(found.leaf.value())
        return Proof(data.summary.revision, found.zone.zone, leaf, found.leaf_index, found.leaf_siblings)

    def record(self, meter: Meter, window: int) -> bytes:
        """What a meter has signed in a window, byte for byte; its owner has it too."""
        return self._records[window][meter.device].data

    async def _catch_up(self, window: int) -> None:
        """No window is left out between two that a story tells of, unless they are many."""
        if not self._attested:
            return
        missing = range(max(self._attested) + WINDOW_S, window, WINDOW_S)
        for between in missing if len(missing) <= CATCH_UP_MAX else ():
            await self.chain.wait_until(between + WINDOW_S)
            await self._attest(between, [one for one in self.meters if one.verified])

    async def _attest(self, window: int, read: Sequence[Meter], lie: Lie | None = None) -> Decided:
        await self._follow_registry()
        records = [one.read(window + WINDOW_S) for one in read]
        roster = {one.device: one.roster() for one in read}
        now_s = await self.chain.now_s()
        decided, data = await asyncio.to_thread(
            self.members.attest, WindowStart(window), records, roster, now_s, lie
        )
        oracle, reporter = self.suite.production_oracle, self.operators[0]
        await reporter.call(
            oracle.submit_window(
                decided.entry.height,
                decided.entry.previous,
                SubmitWindowSummary.read(data.summary.value()),
                decided.certificate.epoch,
                decided.certificate.round,
                decided.certificate.signatures,
                decided.signature,
            )
        )
        for zone, summary in enumerate(data.zones):
            opened_ = OpenZoneSummary.read(summary.value())
            path = data.tree.proof(zone)
            await reporter.call(oracle.open_zone(window, data.summary.revision, opened_, zone, path))
        self._attested[window] = data
        self._records[window] = {record.source: record for record in records}
        return decided

    async def _follow_registry(self) -> None:
        contracts = OracleContracts(self.chain.client, self.suite.deployer)
        revision = await contracts.registry_revision()
        if revision != self._registry_revision:
            height = (await self.chain.client.info()).height
            self.members.follow(await contracts.devices(), height)
            self._registry_revision = revision


@asynccontextmanager
async def opened(names: Sequence[str]) -> AsyncIterator[Stage]:
    """A stage for these people, in a folder that is gone afterwards."""
    narrator = Narrator()
    with tempfile.TemporaryDirectory(prefix="wattest-story-") as path:
        folder = Path(path)
        everybody = (GOVERNOR, *OPERATORS, *names)
        rich: list[Principal] = [address_of(key_of(name).public_key, TESTNET) for name in everybody]
        async with devnet(folder, rich) as chain:
            accounts = {name: Account(name, chain, key_of(name)) for name in everybody}
            operators = tuple(accounts[name] for name in OPERATORS)
            suite = await ground.lay(folder, chain, accounts[GOVERNOR])
            members = await ground.seat(chain, suite, accounts[GOVERNOR], operators)
            yield Stage(chain, suite, members, accounts, operators, narrator)


def _named(who: Account) -> str:
    return f"The {who.name}" if who.name[0].islower() else who.name

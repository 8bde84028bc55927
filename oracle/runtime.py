"""The asyncio shell around the node: one queue, one consumer, one TaskGroup.

Carries out every Step field by field, in the order of its fields: records are durable
before anything leaves (N2). Events come from the links, the feeds, the chain, timers and
the signer; the node's pure work runs on a thread of its own, so the loop stays free for
whoever waits. Does not decide anything that the node could decide.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import tenacity

from consensus.agreement.wire import ENTRIES_PER_FRAME, EntriesWanted, entries_frame
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.status import Complete
from consensus.encoding import decode, encode
from consensus.messages import Fields
from consensus.model import Digest, EpochNumber, Height, NodeId, Rejected
from consensus.step import Milestone, Outgoing, Signing, Step, Timer, Transmission
from consensus.threshold.bls import verify
from consensus.threshold.scheme import SIGNATURE_BYTES
from consensus.threshold.shares import BadShares, Combined, PublicPolynomial, SecretShare, combine
from oracle import frames, memory
from oracle.claims import META as CLAIMS
from oracle.claims import Claims
from oracle.events import (
    BundleMade,
    Event,
    Offered,
    Received,
    ShareMade,
    SharesBad,
    SharesCombined,
    Signed,
    Started,
    TimerPassed,
)
from oracle.feeds.intake import Intake
from oracle.keys.ceremony import CeremonySecrets
from oracle.keys.channel import ChannelBroken
from oracle.keys.register_file import RegisterFailed, RegisterProblem
from oracle.keys.signer import NodeSigner, Refusal, Refused, VoteRequest
from oracle.model import Reading, RecordHash
from oracle.node import Node
from oracle.peers.links import Links
from oracle.seats import Seats
from oracle.storage.database import Database
from oracle.storage.failure import StorageFailed
from oracle.storage.history import EntrySigned, Meta
from oracle.storage.records import RecordLog
from oracle.tenure import Claim, Grant

_log = logging.getLogger("wattest.runtime")

FRAMES_WAITING_MAX: Final = 20_000
"""Frames of peers that wait to be read; more are dropped, and said again by gossip (Q5)."""
EVENTS_WAITING_MAX: Final = 10_000
"""While so many events wait for the node, no further frame is read."""
FRAMES_AT_ONCE: Final = 64
EVENTS_AT_ONCE: Final = 256
MEND_S: Final = 3.0
NAMED_MAX: Final = 10_000
"""Hashes of records that leaves name and this node still lacks; beyond, an export fetches none."""
UNSIGNED_MAX: Final = 256
"""Signatures that wait for a signer; the oldest are of rounds that are over."""
CLAIMED: Final = ("vote", "proposal", "observations")
"""Signed only by the instance that the members hold to (N3)."""
LEASE_MS: Final = 5_000
LIARS_MAX: Final = 31 * 4096
BAD_GROUP_SIGNATURE: Final = "bad-group-signature"
REQUESTS_MAX: Final = 16
"""Requests for history that are answered at the same time; more are dropped."""


def now_ms() -> int:
    """UTC milliseconds: the only clock that the node ever sees."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class RuntimeCounters:
    """What the runtime counted since its start."""

    frames_dropped: int = 0
    requests_dropped: int = 0
    rejected_frames: Counter[str] = field(default_factory=Counter)
    refused_signatures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A verified message over the link with a node key."""

    key: bytes
    message: frames.NodeMessage


class Runtime:
    """Runs one node. `run` it in a TaskGroup after `attach`; `on_milestone` hears what happens."""

    def __init__(
        self,
        node: Node,
        database: Database,
        records: RecordLog,
        signer: NodeSigner,
        secrets: CeremonySecrets,
        transmit: Callable[[Transmission], None],
        on_milestone: Callable[[Milestone, int], None],
        lease_ms: int = LEASE_MS,
    ) -> None:
        self.node = node
        self.counters = RuntimeCounters()
        self._database = database
        self._records = records
        self._signer = signer
        self._secrets = secrets
        self._transmit = transmit
        self._on_milestone = on_milestone
        self._links: Links | None = None
        self._intake: Intake | None = None
        self._events: asyncio.Queue[Event | _Heard] = asyncio.Queue()
        self._frames: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue(FRAMES_WAITING_MAX)
        self._seats = Seats()
        self._room = asyncio.Event()
        self._secrets_turn = asyncio.Lock()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._core = ThreadPoolExecutor(max_workers=1, thread_name_prefix="node")
        self._jobs: asyncio.TaskGroup | None = None
        self._requests = 0
        self._share: tuple[EpochNumber, SecretShare] | None = None
        self._outside_since: EpochNumber | None = None
        self._named: set[RecordHash] = set()
        self._unsigned: deque[Signing] = deque(maxlen=UNSIGNED_MAX)
        """What nobody could sign: asked again when there is a signer."""
        self._liars: set[tuple[bytes, Height]] = set()
        """Who gave a wrong group signature of which height."""
        self.problem: str | None = None
        """Why the node stands still, for its health."""
        self.claims = Claims(node, signer, lease_ms, self._send, self.happen, self._keep, self.sign_again)
        self.claims.restore(database.history.meta_of_prefix(CLAIMS))

    # -- wiring ---------------------------------------------------------------------

    def attach(self, links: Links, intake: Intake) -> None:
        """Give the runtime what it sends by and reads from."""
        self._links, self._intake = links, intake

    def happen(self, event: Event) -> None:
        """Something has happened; from the loop's thread."""
        self._events.put_nowait(event)

    def on_frame(self, slot: int, frame: bytes) -> None:
        """A peer's bytes; never blocks, drops and counts when too many wait.

        The peer is its key from here on: what a slot means changes with the committee.
        """
        key = None if self._links is None else self._links.key_of(slot)
        if key is None:
            return
        try:
            self._frames.put_nowait((key, frame))
        except asyncio.QueueFull:
            self.counters.frames_dropped += 1

    def on_readings(self, readings: tuple[Reading, ...], exchanged: bool) -> None:  # noqa: FBT001 - the intake's shape
        """Readings of records that are durable."""
        self.happen(Offered(readings, exchanged))

    async def run(self) -> None:
        """Consume events until cancelled."""
        try:
            async with asyncio.TaskGroup() as jobs:
                self._jobs = jobs
                jobs.create_task(self._read_frames(), name="frames")
                jobs.create_task(self.claims.run(), name="claims")
                jobs.create_task(self._bearing(self.mend()), name="mend")
                self.happen(Started())
                await self._consume()
        finally:
            for handle in self._timers.values():
                handle.cancel()
            self._core.shutdown(wait=True)

    # -- events -----------------------------------------------------------------------

    async def _consume(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            events = [await self._events.get()]
            while not self._events.empty() and len(events) < EVENTS_AT_ONCE:
                events.append(self._events.get_nowait())
            self._room.set()
            at_ms = now_ms()
            steps = await loop.run_in_executor(self._core, self._handle, at_ms, events)
            await self._carry_out(steps, at_ms)

    def _handle(self, at_ms: int, events: Sequence[Event | _Heard]) -> list[Step]:
        return [self.node.handle(at_ms, self._seated(event)) for event in events]

    def _seated(self, event: Event | _Heard) -> Event:
        """A peer's slot is that of the committee in force when its word is taken in."""
        if isinstance(event, _Heard):
            return Received(self._seats.slot_of(self.node.engine.committee, event.key), event.message)
        return event

    async def _carry_out(self, steps: Sequence[Step], at_ms: int) -> None:
        """Persist all, then everything else in the order of a Step's fields (N2)."""
        writes = memory.Writes()
        for step in steps:
            writes.add_records(step.records)
            writes.add_milestones(step.milestones, at_ms)
        if writes.journal or writes.history:
            await self._persist(writes)
        for step in steps:
            self._send(step.envelopes)
            for timer in step.timers:
                self._arm(timer)
        await self._sign([signing for step in steps for signing in step.signings])
        epoch = self.node.engine.committee.epoch
        if self.node.own is None and self.node.keygen.complete and self._outside_since != epoch:
            self._outside_since = epoch
            self._start(self._erase_shares())
        for height in writes.windows:
            self._start(self._bearing(self._complete_records(Height(height))))
        for step in steps:
            for transmission in step.transmissions:
                self._transmit(transmission)
            for milestone in step.milestones:
                self._on_milestone(milestone, at_ms)

    async def _persist(self, writes: memory.Writes) -> None:
        """Until the disk takes it nothing of the Steps happens, and nothing after them (N2)."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_exponential(multiplier=0.2, max=5),
            before_sleep=self._write_failed,
        )
        await retrying(self._database.write, writes.journal, writes.history, writes.truncate_below)
        self.problem = None

    def _write_failed(self, state: tenacity.RetryCallState) -> None:
        self._disk_failed(None if state.outcome is None else state.outcome.exception())

    def _disk_failed(self, failure: BaseException | None) -> None:
        if self.problem is None:
            _log.error("the disk does not take what must be durable, nothing is sent: %s", failure)
        self.problem = str(failure)

    def _send(self, envelopes: Iterable[Outgoing]) -> None:
        committee = self.node.engine.committee
        for outgoing in envelopes:
            if outgoing.to is not None:
                self._send_to(self._seats.key_of(committee, outgoing.to), (outgoing.frame,))
            elif self._links is not None:
                self._links.broadcast(outgoing.frame)

    def _send_to(self, key: bytes | None, frames_: Iterable[bytes]) -> None:
        """To one peer, if it is still linked by this key."""
        slot = None if self._links is None or key is None else self._links.slot_of(key)
        if self._links is not None and slot is not None:
            for frame in frames_:
                self._links.send(slot, frame)

    def _arm(self, timer: Timer) -> None:
        armed = self._timers.pop(timer.name, None)
        if armed is not None:
            armed.cancel()
        if timer.delay_ms is not None:
            loop = asyncio.get_running_loop()
            self._timers[timer.name] = loop.call_later(timer.delay_ms / 1000, self._ring, timer.name)

    def _ring(self, name: str) -> None:
        self._timers.pop(name, None)
        self.happen(TimerPassed(name))

    # -- signing ----------------------------------------------------------------------

    def sign_again(self) -> None:
        """There is a signer again, or this node is entitled again: ask for what was not signed.

        What was signed before gets the same signature (N1).
        """
        wanted = list(self._unsigned)
        self._unsigned.clear()
        self._start(self._sign_again([one for one in wanted if one.height in (0, self.node.height)]))

    async def _sign_again(self, wanted: Sequence[Signing]) -> None:
        await self.claims.ask_signer()
        await self._sign(wanted)

    async def _sign(self, signings: Sequence[Signing]) -> None:
        if any(one.topic in CLAIMED for one in signings) and not self.claims.entitled():
            self._unsigned += [one for one in signings if one.topic in CLAIMED]  # N3
            signings = [one for one in signings if one.topic not in CLAIMED]
        slashable = [one for one in signings if one.topic in ("vote", "proposal")]
        if slashable:
            answers = await self._votes(slashable)
            if answers and not self.claims.entitled():  # a disk may be slower than a lease is long
                self._unsigned += slashable
                answers = ()
            for signing, answer in zip(slashable, answers, strict=False):
                self._signed(signing, answer)
        for signing in signings:
            match signing.topic:
                case "vote" | "proposal":
                    pass
                case "observations":
                    await self._sign_plain(signing)
                case "bundle":
                    self._start(self._make_bundle(signing, self.node.ceremony.ceremony))
                case "share":
                    self._start(self._make_share(signing))
                case "combine":
                    self._start(self._combine(signing))
                case "recall":
                    window = Fields(decode(signing.payload)).uint("window")
                    self._start(self._bearing(self._recall(window)))
                case _:
                    raise ValueError(f"nobody signs {signing.topic}")

    async def _sign_plain(self, signing: Signing) -> None:
        try:
            self._signed(signing, await self._signer.sign_plain_off_loop(signing.topic, signing.payload))
        except ChannelBroken:
            self._unsigned.append(signing)

    async def _votes(self, slashable: Sequence[Signing]) -> Sequence[bytes | Refused]:
        """Signatures through the register; none while its disk is full: the round goes on without us (N2)."""
        requests = [
            VoteRequest(self.node.network, one.height, one.round, one.phase, one.payload) for one in slashable
        ]
        try:
            answers = await self._signer.sign_many_off_loop(requests)
        except ChannelBroken:
            self._unsigned += slashable
            return ()
        except RegisterFailed as failure:
            if failure.problem is not RegisterProblem.DISK_FULL:
                raise
            self._disk_failed(failure)
            return ()
        self.problem = None
        return answers

    def _signed(self, signing: Signing, answer: bytes | Refused) -> None:
        if isinstance(answer, Refused):
            self.counters.refused_signatures[answer.reason.value] += 1
            self.claims.twin |= answer.reason is Refusal.TWIN
            _log.warning("the signer refuses a %s: %s", signing.topic, answer.reason.value)
            return
        self.happen(Signed(signing, answer))

    async def _make_bundle(self, signing: Signing, ceremony: Ceremony) -> None:
        """This node's word in a ceremony; made once, kept, and said again as it was (N1)."""
        phase = signing.payload.decode()
        key = f"bundle:{ceremony.plan.session.hex()}:{phase}"
        held = await self._database.read(lambda history: history.meta(key))
        if held is None:
            if ceremony.phase is None or ceremony.phase.value != phase:
                return
            try:
                async with self._secrets_turn:
                    made = await asyncio.to_thread(self._secrets.bundle, ceremony)
            except ChannelBroken:
                self._unsigned.append(signing)
                return
            if isinstance(made, Rejected):
                _log.info("no part in phase %s: %s %s", phase, made.reason.value, made.detail)
                return
            held = encode({"payload": made.payload, "signature": made.signature})
            await self._persist(memory.Writes(history=[Meta(key, held)]))  # N1: before it is sent
        fields = Fields(decode(held))
        self.happen(BundleMade(phase, fields.buff("payload", 1, 1 << 20), fields.buff("signature", 65)))

    async def _make_share(self, signing: Signing) -> None:
        held = await self._own_share()
        if held is None:
            return
        epoch, share = held
        digest = Digest(signing.payload)
        signature = await asyncio.to_thread(share.sign, digest)
        self.happen(ShareMade(Height(signing.height), digest, signature, epoch))

    async def _own_share(self) -> tuple[EpochNumber, SecretShare] | None:
        """This node's share of the epoch in force; None for a node that has none."""
        async with self._secrets_turn:  # several entries may be decided before the first share is stored
            ceremony = self.node.keygen.ceremony
            epoch = ceremony.plan.epoch
            if self._share is None or self._share[0] != epoch:
                made = await asyncio.to_thread(self._secrets.share, ceremony)
                # K4: the activation is in the history, and the new share, if there is one, on disk.
                await asyncio.to_thread(self._secrets.erase_before, epoch)
                if isinstance(made, Rejected):
                    _log.warning("this node has no share: %s %s", made.reason.value, made.detail)
                    return None
                self._share = epoch, made
            return self._share

    async def _erase_shares(self) -> None:
        """K4 for a node that has left the committee: it keeps no share of the key."""
        async with self._secrets_turn:
            self._share = None
            await asyncio.to_thread(self._secrets.erase_before, self.node.keygen.ceremony.plan.epoch)

    async def _combine(self, signing: Signing) -> None:
        fields = Fields(decode(signing.payload))
        digest, epoch = Digest(fields.buff("digest", 32)), EpochNumber(fields.uint("epoch"))
        ceremony = self.node.keygen.ceremony
        if not isinstance(ceremony.status, Complete) or ceremony.plan.epoch != epoch:
            return  # the committee has changed since: its shares are combined anew
        polynomial = ceremony.status.outcome.polynomial
        partials: dict[NodeId, bytes] = {}
        for row in fields.items("shares", 31):
            part = Fields(row)
            partials[NodeId(part.uint("slot"))] = part.buff("share", 48)
        match await asyncio.to_thread(combine, polynomial, digest, partials):
            case Combined(signature):
                self.happen(SharesCombined(Height(signing.height), digest, signature))
            case BadShares(culprits):
                self.happen(SharesBad(Height(signing.height), culprits, epoch))

    async def _recall(self, window: int) -> None:
        """Leaves of a settled window, from the history (A8)."""
        self.happen(await self._database.read(lambda history: memory.recalled(history, window)))

    @property
    def public_polynomial(self) -> PublicPolynomial | None:
        """The group's public polynomial, once its ceremony is complete."""
        status = self.node.keygen.ceremony.status
        return status.outcome.polynomial if isinstance(status, Complete) else None

    # -- frames -----------------------------------------------------------------------

    async def _read_frames(self) -> None:
        """Parse and verify peers' frames on a thread, in the order they came."""
        while True:
            while self._events.qsize() >= EVENTS_WAITING_MAX:
                self._room.clear()
                await self._room.wait()
            batch = [await self._frames.get()]
            while not self._frames.empty() and len(batch) < FRAMES_AT_ONCE:
                batch.append(self._frames.get_nowait())
            parsed = await asyncio.to_thread(self._parse, batch)
            await self.claims.look_at(parsed)
            for via, message in parsed:
                self._dispatch(via, message)

    def _parse(
        self, batch: Sequence[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, frames.NodeMessage | Rejected]]:
        network, committees = self.node.network, self.node.engine.committees
        ceremony, head = self.node.ceremony_committees, self.node.engine.head[0]
        return [(via, frames.parse(frame, network, committees, ceremony, head)) for via, frame in batch]

    def _dispatch(self, via: bytes, message: frames.NodeMessage | Rejected) -> None:
        match message:
            case Rejected(reason):
                self.counters.rejected_frames[str(reason.value)] += 1
                self.node.saw_rejected(via, now_ms(), str(reason.value))
            case EntriesWanted(first):
                self._serve(self._send_entries(via, first))
            case frames.PartWanted():
                self._serve(self._send_part(via, message))
            case frames.RecordsWanted():
                self._serve(self._send_records(via, message))
            case frames.Records():
                self._serve(self._take_records(message))
            case Claim():
                self._serve(self.claims.judge(via, message))
            case Grant():
                self.claims.answered(via, message)
            case frames.Part(name=memory.SIGNATURE):
                self._serve(self._take_signature(via, message))
            case _:
                self._events.put_nowait(_Heard(via, message))

    def _serve(self, answer: Coroutine[None, None, None]) -> None:
        """Answer a request beside everything else; too many at a time are dropped and asked again."""
        if self._requests >= REQUESTS_MAX:
            self.counters.requests_dropped += 1
            answer.close()
            return
        self._requests += 1
        if self._jobs is not None:
            job = self._jobs.create_task(self._served(answer))
            job.add_done_callback(lambda _: answer.close())  # one cancelled before it began awaits nothing

    async def _served(self, answer: Coroutine[None, None, None]) -> None:
        try:
            await self._bearing(answer)
        finally:
            self._requests -= 1

    async def _keep(self, kept: Meta) -> None:
        await self._database.write((), (kept,))

    async def _bearing(self, job: Coroutine[None, None, None]) -> None:
        """Do what nothing hangs on; a disk that fails for a while must not end the node."""
        try:
            await job
        except StorageFailed as failure:
            if not failure.retriable:
                raise
            _log.warning("left undone, the disk does not answer: %s", failure)

    async def _send_entries(self, via: bytes, first: Height) -> None:
        rows = await self._database.read(
            lambda history: memory.entries_from(history, first, ENTRIES_PER_FRAME)
        )
        if rows:
            self._send_to(via, (entries_frame(rows),))

    async def _send_part(self, via: bytes, wanted: frames.PartWanted) -> None:
        if wanted.name == memory.SIGNATURE:
            entry = await self._database.read(lambda history: history.entry(wanted.height))
            data = None if entry is None else entry.signature
        else:
            data = await self._database.read(lambda history: history.part(wanted.height, wanted.name))
        if data is not None and len(data) <= frames.PART_BYTES_MAX:
            part = frames.Part(wanted.height, wanted.name, data)
            self._send_to(via, (frames.part_frame(part),))

    async def _send_records(self, via: bytes, wanted: frames.RecordsWanted) -> None:
        held = await asyncio.to_thread(self._records.get_many, wanted.hashes)
        records = tuple(held[one].record for one in wanted.hashes if one in held)
        self._send_to(via, frames.records_frames(records))

    async def _take_records(self, message: frames.Records) -> None:
        """Records of a peer: verified like a feed's, or kept as they are where a leaf names them."""
        wanted = tuple(record for record in message.records if record.hash in self._named)
        if wanted:  # agreed under a certificate, so the bytes are what was meant
            await self._records.append_off_loop(wanted, now_ms())
            self._named.difference_update(record.hash for record in wanted)
        if self._intake is not None:
            await self._intake.take(message.records, exchanged=True)

    async def _take_signature(self, via: bytes, part: frames.Part) -> None:
        """A group signature that a peer handed over: believed once it verifies (T3).

        A peer that has given a wrong one is not believed again of this height: it could have
        this node compute pairings for nothing, as often as it likes.
        """
        polynomial = self.public_polynomial
        entry = await self._database.read(lambda history: history.entry(part.height))
        if polynomial is None or entry is None or entry.signature is not None:
            return
        if len(part.data) != SIGNATURE_BYTES or (via, part.height) in self._liars:
            self.counters.rejected_frames[BAD_GROUP_SIGNATURE] += 1
            return
        digest = Digest(entry.digest)
        if await asyncio.to_thread(verify, polynomial.group_key, digest, part.data):
            await self._database.write((), (EntrySigned(part.height, part.data),))
            self.happen(SharesCombined(part.height, digest, part.data))
        elif len(self._liars) < LIARS_MAX:
            self._liars.add((via, part.height))
            self.counters.rejected_frames[BAD_GROUP_SIGNATURE] += 1

    async def mend(self) -> None:
        """Ask for group signatures of entries that were decided while this node was away."""
        while True:
            await asyncio.sleep(MEND_S)
            if self.public_polynomial is None:
                continue
            lacking = await self._database.read(memory.unsigned)
            peers = [slot for slot in range(self.node.engine.committee.size) if slot != self.node.own]
            for at, height in enumerate(lacking):
                frame = frames.part_wanted_frame(frames.PartWanted(Height(height), memory.SIGNATURE))
                self._send([Outgoing(frame, NodeId(peers[(at + int(time.time())) % len(peers)]))])

    async def _complete_records(self, height: Height) -> None:
        """Fetch the records that a settled window's leaves name and this node does not hold.

        A witnessed leaf names bytes that perhaps only another operator saw; an auditor asks
        any node for them.
        """
        named = await self._database.read(lambda history: memory.records_named(history, height))
        held = await asyncio.to_thread(self._records.holds, named)
        lacking = [one for one in named if one not in held][: frames.RECORDS_PER_FRAME]
        if lacking and len(self._named) < NAMED_MAX:
            self._named.update(lacking)
            self._send([Outgoing(frames.records_wanted_frame(tuple(lacking)))])

    def _start(self, job: Coroutine[None, None, None]) -> None:
        if self._jobs is not None:
            self._jobs.create_task(job)


def _passes(failure: BaseException) -> bool:
    """Whether a failure of the disk may pass: a full disk does, a damaged file does not."""
    return isinstance(failure, StorageFailed) and failure.retriable

"""The shell of `tenure`: claims sent and answered over the links, and own votes seen elsewhere.

Decides when this process is entitled to sign what can be slashed, and hands everything that
others show as signed by its key to the signer, which knows whether it was (N3).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from typing import Final

from consensus.agreement.wire import Entries
from consensus.encoding import decode, encode
from consensus.envelope import ProposalFrame, Verified
from consensus.messages import Certificate, Fields, Phase, Vote
from consensus.model import Committee, Digest, EpochNumber, Height, NodeId, Rejected
from consensus.step import Outgoing
from oracle import frames
from oracle.events import Event, Vouched
from oracle.keys.channel import ChannelBroken
from oracle.keys.register import BATCH_MAX
from oracle.keys.register_file import RegisterFailed, RegisterProblem
from oracle.keys.signer import NodeSigner
from oracle.node import Node
from oracle.storage.history import Meta
from oracle.tenure import INSTANCE_BYTES, LEASE_MS_MAX, Claim, Grant, Granted, Tenure

_log = logging.getLogger("wattest.claims")

META: Final = "claim:"
"""What this member has granted, by node key, kept over a restart."""
RENEWALS: Final = 5
"""Claims in the time of one lease."""
KNOWN_MAX: Final = 8_192
SEEN_MAX: Final = BATCH_MAX
"""Own signatures that wait to be judged while there is no signer."""
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Runs on while the machine sleeps, where there is such a clock."""


def running_ms() -> int:
    """Milliseconds of a clock that only ever runs."""
    return time.clock_gettime_ns(_CLOCK) // 1_000_000


class Claims:
    """Claims of this node and grants to others. Keep `run` running."""

    def __init__(
        self,
        node: Node,
        signer: NodeSigner,
        lease_ms: int,
        send: Callable[[Iterable[Outgoing]], None],
        happen: Callable[[Event], None],
        persist: Callable[[Meta], Awaitable[None]],
        on_entitled: Callable[[], None],
    ) -> None:
        self._node = node
        self._signer = signer
        self._send, self._happen, self._persist = send, happen, persist
        self._on_entitled = on_entitled
        self._granted = Granted()
        self._tenure = Tenure(secrets.token_bytes(INSTANCE_BYTES), lease_ms)
        self._granting = asyncio.Lock()
        self._durable: dict[bytes, bytes] = {}
        self._asking = asyncio.Lock()
        self._known: dict[bytes, None] = {}
        self._seen: deque[tuple[bytes, bytes]] = deque(maxlen=SEEN_MAX)
        self._entitled = False
        self.twin = False
        """Whether something was seen under this key that its signer never signed."""

    # -- may this process sign ------------------------------------------------------------

    def entitled(self) -> bool:
        """Whether votes may be asked of the signer now (N3)."""
        committee = self._node.engine.committee
        others = frozenset(committee.node_keys) - {self._signer.public_key}
        held = self._tenure.holds(others, committee.quorum - 1, committee.faults, running_ms())
        return held and not self.twin and self._node.height >= self._tenure.floor

    @property
    def contested(self) -> bool:
        """Whether the members hold to another running instance of this key."""
        return self._tenure.contested(running_ms())

    async def run(self) -> None:
        """Claim, again and again; says `on_entitled` when that has come true."""
        while True:
            if self._node.own is not None:
                claim = self._tenure.claim(running_ms())
                self._send([Outgoing(frames.claim_frame(claim))])
            self._look()
            await asyncio.sleep(self._tenure.lease_ms / RENEWALS / 1000)

    def _look(self) -> None:
        before, self._entitled = self._entitled, self.entitled()
        if self._entitled and not before:
            self._on_entitled()

    # -- what others say ------------------------------------------------------------------

    def answered(self, key: bytes, grant: Grant) -> None:
        """The answer to a claim, of the member with this node key."""
        self._tenure.answered(key, grant, running_ms())
        self._look()

    async def judge(self, key: bytes, claim: Claim) -> None:
        """Answer a member's claim; a first grant is durable before, and what it said goes before it."""
        if key not in self._node.engine.committee.node_keys or claim.lease_ms > LEASE_MS_MAX:
            return
        async with self._granting:  # a renewal must not overtake the first grant
            granted = self._granted.judge(key, claim, running_ms())
            fresh = granted and self._durable.get(key) != claim.instance
            if fresh:
                held: dict[str, bytes | int] = {"instance": claim.instance, "lease-ms": claim.lease_ms}
                await self._persist(Meta(META + key.hex(), encode(held)))
                self._durable[key] = claim.instance
            grant = Grant(claim.instance, claim.number, granted, int(self._node.height))
            self._happen(Vouched(key, frames.grant_frame(grant), fresh))

    def restore(self, kept: Iterable[tuple[str, bytes]]) -> None:
        """Give back what this member had granted before its restart."""
        for name, data in kept:
            fields = Fields(decode(data))
            instance, lease_ms = fields.buff("instance", INSTANCE_BYTES), fields.uint("lease-ms")
            key = bytes.fromhex(name.removeprefix(META))
            self._granted.restore(key, instance, lease_ms, running_ms())
            self._durable[key] = instance

    async def look_at(self, messages: Iterable[tuple[bytes, frames.NodeMessage | Rejected]]) -> None:
        """Hand what is signed by this node's key to the signer; before the node hears of it."""
        for _, message in messages:
            for payload, signature in self._own_in(message):
                name = sha256(payload).digest()
                if name not in self._known:
                    self._known[name] = None
                    self._seen.append((payload, signature))
        if len(self._known) > KNOWN_MAX:
            self._known.clear()
        await self.ask_signer()

    async def ask_signer(self) -> None:
        """Have judged what waits; while there is no signer it goes on waiting."""
        async with self._asking:
            asked = list(self._seen)
            if not asked:
                return
            try:
                unknown = await self._signer.witness_off_loop(asked)
            except ChannelBroken:
                return
            except RegisterFailed as failure:
                if failure.problem is not RegisterProblem.DISK_FULL:
                    raise
                return
            for _ in asked:
                self._seen.popleft()
        if unknown and not self.twin:
            self.twin = True
            _log.critical(
                "%d signatures of this node's key are not in its register: another process signs with it,"
                " or this is an old copy. Nothing is signed any more; see the operators' page.",
                unknown,
            )

    # -- what is in a message -------------------------------------------------------------

    def _own_in(self, message: frames.NodeMessage | Rejected) -> list[tuple[bytes, bytes]]:
        match message:
            case Verified(message=Vote() as vote):
                return self._if_own(vote.epoch, message.sender, message.payload, message.signature)
            case ProposalFrame(proposal=signed):
                return self._if_own(signed.message.epoch, signed.sender, signed.payload, signed.signature)
            case Entries(decided):
                rows = [
                    self._in_certificate(one.entry.height, one.entry.digest, one.certificate)
                    for one, _ in decided
                ]
                return [row for found in rows for row in found]
            case _:
                return []

    def _if_own(
        self, epoch: EpochNumber, sender: NodeId, payload: bytes, signature: bytes
    ) -> list[tuple[bytes, bytes]]:
        committee = self._node.engine.committees[epoch]
        own = committee.node_keys[sender] == self._signer.public_key
        return [(payload, signature)] if own else []

    def _in_certificate(
        self, height: Height, digest: Digest, certificate: Certificate
    ) -> list[tuple[bytes, bytes]]:
        committee: Committee | None = self._node.engine.committees.get(certificate.epoch)
        slot = None if committee is None else committee.slot_of(self._signer.public_key)
        if slot is None or not certificate.signatures[slot]:
            return []
        vote = Vote(certificate.epoch, height, certificate.round, Phase.COMMIT, digest)
        return [(encode(vote.value(self._node.network)), certificate.signatures[slot])]

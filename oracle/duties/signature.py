"""From a decided entry to the group's signature on it, and to the chain (T1, T2, C1).

Asks the shell for this node's share, sends it, has shares combined as soon as there are
enough, and says what still lacks a signature again. Which shares count, `oracle.attest`
decides; the shell does the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from consensus.encoding import Value, encode
from consensus.messages import DecidedEntry
from consensus.model import Committee, Height, NodeId
from consensus.step import Outgoing, Signing
from oracle import frames
from oracle.attest import HEIGHTS_KEPT, Attesting, CombineWanted
from oracle.chronicle import SIGNATURE
from oracle.conduct import Misdeed
from oracle.duties.context import Context
from oracle.duties.fetching import Fetching
from oracle.events import ShareMade, SharesBad, SharesCombined
from oracle.journey import Stage
from oracle.model import WindowStart
from oracle.schedule import transmission


@dataclass(slots=True)
class GroupSignature:
    """The signatures of the last heights, under the shares of the epoch in force."""

    context: Context
    fetching: Fetching
    attesting: Attesting
    _own_shares: dict[Height, frames.Share] = field(default_factory=dict)
    _awaited: dict[Height, DecidedEntry] = field(default_factory=dict)

    def await_one(self, decided: DecidedEntry) -> None:
        """T1: a share is made only over a decided entry's digest, once there is a key."""
        entry = decided.entry
        self._awaited[entry.height] = decided
        while len(self._awaited) > HEIGHTS_KEPT:
            self._awaited.pop(next(iter(self._awaited)))
        if self.context.own is not None:
            self.context.sign(Signing("share", entry.digest, entry.height))
        self._combine(self.attesting.decided(entry.height, entry.digest))

    def change_committee(self, committee: Committee) -> None:
        """Others hold the shares from now on; what is not signed yet they sign (K3)."""
        self.attesting = Attesting(committee.quorum, committee.size)

    def begin_again(self) -> None:
        """By the new shares: the group's signature is the same (T1)."""
        self._own_shares.clear()
        for decided in list(self._awaited.values()):
            self.await_one(decided)

    def share_made(self, made: ShareMade) -> frames.Share | None:
        """This node's own share; None if it is of an epoch that is over."""
        own = self.context.own
        if own is None or made.epoch != self.context.committee.epoch:
            return None
        share = frames.Share(made.height, made.digest, made.signature, made.epoch)
        self._own_shares[made.height] = share
        self.context.send([Outgoing(frames.share_frame(share))])
        self.take(own, share)
        return share

    def take(self, slot: NodeId, share: frames.Share) -> None:
        """A member's share; one whose maker is in another epoch is said again."""
        if share.epoch == self.context.committee.epoch:
            head = self.context.engine.head[0]
            self._combine(self.attesting.share(share.height, slot, share.digest, share.signature, head))

    def bad_shares(self, bad: SharesBad) -> None:
        """A combination failed: who did it is noted, and it goes on without them (T2)."""
        if bad.epoch != self.context.committee.epoch:
            return  # of a committee that is not in force any more
        self.context.note("bad-shares", bad.height, ", ".join(map(str, bad.culprits)))
        for slot in bad.culprits:
            self.context.saw(slot, Misdeed.BAD_SHARE, bad.height)
        self._combine(self.attesting.bad_shares(bad.height, bad.culprits))

    def combined(self, combined: SharesCombined) -> None:
        """The signature is there; what belongs on chain goes there."""
        decided = self._awaited.pop(combined.height, None)
        if not self.attesting.combined(combined.height) or decided is None:
            return
        context = self.context
        self._own_shares.pop(combined.height, None)
        context.keep(combined.height, SIGNATURE, combined.signature)
        context.note("attested", combined.height, combined.signature[:4].hex())
        window = decided.entry.body.get("window")
        if isinstance(window, int):
            context.journey.note(WindowStart(window), Stage.ATTESTED, context.now_ms)
        if context.own is not None:
            members = context.committee.size
            wanted = transmission(decided, combined.signature, context.own, members)
            context.out.transmissions += [] if wanted is None else [wanted]

    def say_again(self) -> None:
        """Own shares of heights that lack a signature, and the question whether others have it."""
        for height in self.attesting.unattested():
            share = self._own_shares.get(height)
            if share is not None:
                self.context.send([Outgoing(frames.share_frame(share))])
            self.fetching.want(height, SIGNATURE)  # also without a share of our own

    def _combine(self, wanted: CombineWanted | None) -> None:
        if wanted is None:
            return
        rows: list[Value] = [{"slot": slot, "share": share} for slot, share in wanted.shares]
        epoch = self.context.committee.epoch
        payload = encode({"digest": wanted.digest, "epoch": epoch, "shares": rows})
        self.context.sign(Signing("combine", payload, wanted.height))

"""The whole log at once: every link, every certificate, every group signature.

Takes entries in order, from any height, and stops at the first that is wrong. Group
signatures are checked in batches by a random linear combination; when a batch fails, its
entries are tried one by one, so that the height is named. Leaves and records are not
looked at: that is what `verify` does with one window's bundle.

The randomness comes from the caller, fresh for every run: whoever wrote the history must
not be able to foresee it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Final

from consensus.model import ZERO_DIGEST
from oracle.audit.backend import Backend, BackendName, select
from oracle.audit.curves import is_low_s
from oracle.audit.log import SIGNED_BY_GROUP
from oracle.audit.parts import SignedPart
from oracle.audit.values import (
    CeremonyBody,
    CertificateValue,
    EntryValue,
    GenesisValue,
    Malformed,
    VoidBody,
    quorum_of,
    read_certificate,
    read_entry,
    read_genesis,
    vote_digest,
)
from oracle.audit.verdict import Outcome, Step, Verdict
from oracle.model import WindowSummary

BATCH: Final = 1024
"""Group signatures a linear combination; more gains little and delays the first fault."""
WEIGHT_BYTES: Final = 16
RANDOMNESS_BYTES_MIN: Final = 16
MISSING_NAMED_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a history begins: the network, and whose keys its committees are.

    `committees` holds the node keys of every later epoch, by number, as the staking
    contract has them; epoch 1 is in the genesis. `height` and `digest` are of the last
    entry that was verified before, 0 and zeros for a history from its beginning;
    `group_key` is the key then in force, b"" from the beginning.
    """

    genesis: bytes
    committees: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    height: int = 0
    digest: bytes = ZERO_DIGEST
    group_key: bytes = b""


@dataclass(frozen=True, slots=True)
class HistoryVerdict:
    """What a history holds and whether it holds. `failed_height` is None if it does."""

    verdict: Verdict
    entries: int
    windows: int
    voids: int
    restatements: int
    certificate_signatures: int
    group_signatures: int
    last_height: int
    last_digest: bytes
    failed_height: int | None

    @property
    def passed(self) -> bool:
        """True if every entry is right."""
        return self.verdict.passed


@dataclass(slots=True)
class _Walk:
    """Where the verification stands."""

    genesis: GenesisValue
    committees: dict[int, tuple[bytes, ...]]
    backend: Backend
    height: int
    digest: bytes
    group_key: bytes
    from_the_middle: bool
    epoch: int = 0
    entries: int = 0
    voids: int = 0
    restatements: int = 0
    certificate_signatures: int = 0
    group_signatures: int = 0
    revisions: dict[int, int] = field(default_factory=dict)
    calendar: list[tuple[int, int]] = field(default_factory=list)
    pending: list[tuple[int, bytes, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Fault:
    step: str
    height: int
    sentence: str


def verify_chain(
    attestations: Iterable[SignedPart],
    anchor: Anchor,
    randomness: bytes,
    backend: Backend | BackendName = "auto",
    progress: Callable[[int], None] | None = None,
) -> HistoryVerdict:
    """Verify entries in the order of their heights.

    `randomness` is at least 16 fresh random bytes. `progress` is called with the number
    of entries done, once a batch. Raises ValueError for an anchor that is no genesis or
    for too little randomness: both are the caller's.
    """
    if len(randomness) < RANDOMNESS_BYTES_MIN:
        raise ValueError(f"at least {RANDOMNESS_BYTES_MIN} bytes of randomness")
    genesis = read_genesis(anchor.genesis)
    walk = _Walk(
        genesis,
        {**anchor.committees, 1: genesis.node_keys},
        select(backend) if isinstance(backend, str) else backend,
        anchor.height,
        anchor.digest,
        anchor.group_key,
        anchor.height > 0,
    )
    fault = _walk_all(walk, iter(attestations), randomness, progress)
    return _conclude(walk, fault)


def _walk_all(
    walk: _Walk, attestations: Iterator[SignedPart], randomness: bytes, progress: Callable[[int], None] | None
) -> _Fault | None:
    for batch in iter(lambda: list(islice(attestations, BATCH)), []):
        fault = next(filter(None, (_take(walk, part) for part in batch)), None)
        earlier = _settle(walk, randomness)  # a group signature before the fault comes first
        if earlier is not None or fault is not None:
            return earlier or fault
        if progress is not None:
            progress(walk.entries)
    return None


def _take(walk: _Walk, part: SignedPart) -> _Fault | None:
    """Judge one entry, all but its group signature, and move on to it."""
    height = walk.height + 1
    try:
        entry, certificate = read_entry(part.entry), read_certificate(part.certificate)
    except Malformed as cause:
        return _Fault("entries", height, str(cause))
    if entry.network != walk.genesis.network:
        return _Fault("entries", height, "is of another network")
    if (entry.height, entry.previous) != (height, walk.digest):
        return _Fault("links", height, "does not name its predecessor's height and digest")
    sentence = _certificate_fault(walk, entry, certificate)
    if sentence is not None:
        return _Fault("certificates", height, sentence)
    sentence = _body_fault(walk, entry)
    if sentence is not None:
        return _Fault("entries", height, sentence)
    if part.bls:
        walk.pending.append((height, entry.digest, part.bls))
    elif entry.kind in SIGNED_BY_GROUP:
        return _Fault("group-signatures", height, "has no group signature")
    walk.height, walk.digest, walk.epoch = height, entry.digest, certificate.epoch
    walk.entries += 1
    return None


def _certificate_fault(walk: _Walk, entry: EntryValue, certificate: CertificateValue) -> str | None:
    keys = walk.committees.get(certificate.epoch)
    if keys is None:
        return f"is certified by epoch {certificate.epoch}, whose keys were not given"
    if certificate.epoch < walk.epoch:
        return f"is certified by epoch {certificate.epoch}, which was already replaced"
    if len(certificate.signatures) != len(keys):
        return "has a certificate without one slot for each member"
    recover = walk.backend.recover_secp256k1
    voted = vote_digest(entry.network, certificate, entry.height, entry.digest)
    signed = 0
    for slot, signature in enumerate(certificate.signatures):
        if not signature:
            continue
        if not is_low_s(signature) or recover(voted, signature) != keys[slot]:
            return f"has a bad signature in slot {slot}"
        signed += 1
    if signed < quorum_of(keys):
        return f"has {signed} signatures, fewer than the quorum of {quorum_of(keys)}"
    walk.certificate_signatures += signed
    return None


def _body_fault(walk: _Walk, entry: EntryValue) -> str | None:
    body = entry.body
    if isinstance(body, CeremonyBody) and body.group_key:
        if walk.group_key not in (b"", body.group_key):
            return "activates an epoch under another group key"  # K3
        walk.group_key = body.group_key
    if not isinstance(body, WindowSummary | VoidBody):
        return None
    if body.window % walk.genesis.window_s:
        return "is of a window that does not start at a multiple of the window length"
    known = walk.revisions.get(body.window)
    # A history that begins in the middle may restate a window from before.
    before_the_anchor = known is None and walk.from_the_middle
    if body.revision != (0 if known is None else known + 1) and not before_the_anchor:
        return f"is revision {body.revision} of window {body.window}, out of turn"
    walk.revisions[body.window] = body.revision
    if body.revision == 0:
        walk.calendar.append((body.window, body.count if isinstance(body, VoidBody) else 1))
    walk.voids += isinstance(body, VoidBody)
    walk.restatements += body.revision > 0
    return None


def _settle(walk: _Walk, randomness: bytes) -> _Fault | None:
    """Check the group signatures that wait, all at once, and one by one if that fails."""
    if not walk.pending:
        return None
    heights, messages, signatures = zip(*walk.pending, strict=True)
    walk.pending.clear()
    if not walk.group_key:
        return _Fault("group-signatures", heights[0], "has a group signature before there is a group key")
    if not walk.backend.verify_bls(
        messages, signatures, walk.group_key, weights_from(randomness, heights[0], len(heights))
    ):
        for height, message, signature in zip(heights, messages, signatures, strict=True):
            if not walk.backend.verify_bls((message,), (signature,), walk.group_key, (1,)):
                return _Fault("group-signatures", height, "has a group signature that is wrong")
        return _Fault("group-signatures", heights[0], "begins a batch that fails only as a whole")
    walk.group_signatures += len(heights)
    return None


def weights_from(randomness: bytes, label: int, count: int) -> tuple[int, ...]:
    """`count` weights of 128 bits, none of them zero, for one linear combination."""
    stream = hashlib.shake_128(randomness + label.to_bytes(16, "big")).digest(WEIGHT_BYTES * count)
    return tuple(
        int.from_bytes(stream[at : at + WEIGHT_BYTES], "big") or 1
        for at in range(0, len(stream), WEIGHT_BYTES)
    )


def _conclude(walk: _Walk, fault: _Fault | None) -> HistoryVerdict:
    sentences = {
        "entries": f"{walk.entries} entries up to height {walk.height} are of this network and well-formed",
        "links": "every entry names its predecessor",
        "certificates": f"{walk.certificate_signatures} signatures make a quorum on every entry",
        "group-signatures": f"{walk.group_signatures} group signatures are right",
        "calendar": f"{len(walk.calendar)} entries about windows follow each other without a gap",
    }
    steps = []
    for name, sentence in sentences.items():
        if fault is not None and fault.step == name:
            steps.append(Step(name, Outcome.FAILED, f"height {fault.height} {fault.sentence}"))
        elif fault is not None:
            steps.append(Step(name, Outcome.NOT_CHECKED, f"not beyond height {walk.height}"))
        else:
            steps.append(Step(name, Outcome.PASSED, sentence))
    missing = list(islice(_missing_windows(walk), MISSING_NAMED_MAX))
    if fault is None and missing:
        text = ", ".join(map(str, missing))
        steps[-1] = Step("calendar", Outcome.FAILED, f"no entry says anything of windows {text} …")  # A7
    verdict = Verdict(
        f"history of network {walk.genesis.network.hex()[:12]}", walk.backend.name, tuple(steps)
    )
    return HistoryVerdict(
        verdict,
        walk.entries,
        len(walk.calendar),
        walk.voids,
        walk.restatements,
        walk.certificate_signatures,
        walk.group_signatures,
        walk.height,
        walk.digest,
        None if fault is None else fault.height,
    )


def _missing_windows(walk: _Walk) -> Iterator[int]:
    window_s = walk.genesis.window_s
    for (before, count), (after, _) in pairwise(sorted(walk.calendar)):
        yield from range(before + count * window_s, after, window_s)

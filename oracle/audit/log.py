"""The steps about the log: genesis, epochs, the link, the certificate, the group signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from consensus.encoding import digest
from consensus.model import ZERO_DIGEST
from oracle.audit.bundle import EpochRecord, SignedEntry
from oracle.audit.case import Case, concluded, not_checked, short
from oracle.audit.curves import is_low_s
from oracle.audit.values import CeremonyBody, quorum_of, vote_digest
from oracle.audit.verdict import Step
from oracle.model import WindowSummary

CEREMONY_ATTEMPTS_MAX: Final = 64
"""A session names its attempt; how many of them are tried to find it."""
SIGNED_BY_GROUP: Final = frozenset({"window", "void"})
"""Kinds whose attestation is the group signature; other kinds may go without."""


def genesis_step(case: Case) -> Step:
    """The genesis hashes to the network that every signed value names (Q4)."""
    gaps = () if case.expected.network else ("no network digest was given to compare the genesis with",)
    network = case.bundle.genesis.network
    return concluded(
        "genesis", _genesis_faults(case), f"the genesis is that of network {short(network)}", gaps
    )


def epoch_step(case: Case) -> Step:
    """Every committee follows from the genesis by activations that members certified."""
    count = len(case.bundle.epochs)
    gaps = tuple(_epoch_gaps(case))
    return concluded("epoch", _epoch_faults(case), f"{count} committee(s), from the genesis on", gaps)


def log_link_step(case: Case) -> Step:
    """The entry names its predecessor's digest, one height below, certified as well."""
    height = case.bundle.signed.entry.height
    return concluded("log-link", _link_faults(case), f"height {height} follows a certified entry")


def certificate_step(case: Case) -> Step:
    """A quorum of distinct members committed to just this entry, in one round (A6)."""
    signed = case.bundle.signed
    signers = sum(1 for signature in signed.certificate.signatures if signature)
    sentence = (
        f"{signers} members of epoch {signed.certificate.epoch} signed in round {signed.certificate.round}"
    )
    return concluded("certificate", _certificate_faults(case), sentence)


def bls_step(case: Case) -> Step:
    """The group key signed the entry's digest (T1)."""
    signed = case.bundle.signed
    if not signed.bls and signed.entry.kind not in SIGNED_BY_GROUP:
        return not_checked("bls", f"no group signature is with this `{signed.entry.kind}` entry")
    return concluded("bls", _bls_faults(case), "the group's signature on the entry is right")


def certified(case: Case, signed: SignedEntry) -> str | None:
    """None if a quorum of the certificate's epoch committed to the entry; else what is wrong."""
    entry, certificate = signed.entry, signed.certificate
    keys = case.committees.get(certificate.epoch)
    if entry.network != case.bundle.genesis.network:
        return f"height {entry.height} is of another network"
    if keys is None:
        return f"the committee of epoch {certificate.epoch} is not in the file"
    if len(certificate.signatures) != len(keys):
        return f"the certificate of height {entry.height} has not one slot for each member"
    signers = [slot for slot, signature in enumerate(certificate.signatures) if signature]
    if len(signers) < quorum_of(keys):
        return (
            f"height {entry.height}: {len(signers)} signatures are fewer than the quorum of {quorum_of(keys)}"
        )
    voted = vote_digest(entry.network, certificate, entry.height, entry.digest)
    for slot in signers:
        signature = certificate.signatures[slot]
        if not is_low_s(signature):
            return f"height {entry.height}: the signature in slot {slot} is not low-s"
        # One signature fits one slot only, because the keys are distinct.
        if case.backend.recover_secp256k1(voted, signature) != keys[slot]:
            return f"height {entry.height}: the signature in slot {slot} is not by that member's key"
    return None


def group_signed(case: Case, signed: SignedEntry, group_key: bytes) -> bool:
    """Whether `group_key` signed the entry's digest."""
    return case.backend.verify_bls((signed.entry.digest,), (signed.bls,), group_key, (1,))


def _genesis_faults(case: Case) -> Iterator[str]:
    network = case.bundle.genesis.network
    if case.expected.network is not None and case.expected.network != network:
        yield f"the genesis gives network {short(network)}, not the {short(case.expected.network)} asked for"
    if case.bundle.signed.entry.network != network:
        yield "the entry is of another network than the genesis gives"


def _epoch_faults(case: Case) -> Iterator[str]:
    bundle = case.bundle
    numbers = [epoch.number for epoch in bundle.epochs]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        yield "the epochs do not run from 1 without a gap"
        return
    if bundle.epochs[0].node_keys != bundle.genesis.node_keys:
        yield "the committee of epoch 1 is not the one in the genesis"
    if case.expected.group_key is not None and bundle.epochs[-1].group_key != case.expected.group_key:
        yield "the group key is not the one asked for"
    for epoch in bundle.epochs:
        yield from _activation_faults(case, epoch)
    if bundle.signed.entry.kind in SIGNED_BY_GROUP:
        yield from _in_force_faults(case)


def _activation_faults(case: Case, epoch: EpochRecord) -> Iterator[str]:
    if epoch.activation is None:
        if epoch.number > 1 or epoch.group_key or case.bundle.signed.entry.kind in SIGNED_BY_GROUP:
            yield f"epoch {epoch.number} has no activation"
        return
    entry, body = epoch.activation.entry, epoch.activation.entry.body
    if not isinstance(body, CeremonyBody) or entry.kind != "activate" or body.epoch != epoch.number:
        yield f"the activation of epoch {epoch.number} is not an `activate` entry of that epoch"
        return
    if body.group_key != epoch.group_key:
        yield f"epoch {epoch.number} was activated with another group key"
    if epoch.activation.certificate.epoch not in (epoch.number, epoch.number - 1):
        yield f"epoch {epoch.number} was activated by members of neither this epoch nor the one before"
    fault = certified(case, epoch.activation)
    if fault is not None:
        yield f"the activation of epoch {epoch.number}: {fault}"
    if epoch.activation.bls and not group_signed(case, epoch.activation, epoch.group_key):
        yield f"the group signature on the activation of epoch {epoch.number} is wrong"
    if epoch.number > 1:
        yield from _succession_faults(case, epoch, entry.height, body)


def _succession_faults(case: Case, epoch: EpochRecord, height: int, body: CeremonyBody) -> Iterator[str]:
    """K3: resharing keeps the group key, and its session names both committees."""
    before = case.bundle.epochs[epoch.number - 2]
    if before.group_key != epoch.group_key:
        yield f"epoch {epoch.number} has another group key than the epoch before"
    if before.activation is None or not isinstance(before.activation.entry.body, CeremonyBody):
        yield f"epoch {epoch.number} follows an epoch that was never activated"
        return
    if before.activation.entry.height >= height:
        yield f"epoch {epoch.number} was activated before its predecessor"
    if not _session_names(case, before, epoch, before.activation.entry.body.commitments, body.session):
        yield f"the ceremony of epoch {epoch.number} was not between the committees in the file"


def _session_names(
    case: Case, before: EpochRecord, epoch: EpochRecord, commitments: bytes, session: bytes
) -> bool:
    """Whether the session id (K1) is that of a resharing from one committee to the other."""
    return any(
        session
        == digest(
            {
                "topic": "ceremony",
                "network": case.bundle.genesis.network,
                "epoch": epoch.number,
                "kind": "reshare",
                "attempt": attempt,
                "dealers": before.node_keys,
                "committee": epoch.node_keys,
                "threshold": quorum_of(epoch.node_keys),
                "previous": commitments,
            }
        )
        for attempt in range(CEREMONY_ATTEMPTS_MAX)
    )


def _in_force_faults(case: Case) -> Iterator[str]:
    """The committee that certified was in force: activated before, and not yet succeeded."""
    entry, epoch = case.bundle.signed.entry, case.bundle.signed.certificate.epoch
    for record in case.bundle.epochs:
        if record.activation is None or not isinstance(record.activation.entry.body, CeremonyBody):
            continue
        height, first_window = record.activation.entry.height, record.activation.entry.body.first_window
        if record.number == epoch and height >= entry.height:
            yield f"epoch {epoch} was activated after the entry it certified"
        window = entry.body.window if isinstance(entry.body, WindowSummary) else None
        if record.number > epoch and height < entry.height and window is not None and window >= first_window:
            yield f"epoch {epoch} certified a window that belongs to epoch {record.number}"


def _epoch_gaps(case: Case) -> Iterator[str]:
    for epoch in case.bundle.epochs:
        if epoch.activation is None:
            yield f"epoch {epoch.number} is not activated: there is no group key yet"
        elif (
            epoch.number > 1
            and epoch.activation.certificate.epoch == epoch.number
            and not epoch.activation.bls
        ):
            yield (
                f"the keys of epoch {epoch.number} vouch for themselves: neither the epoch before "
                "nor the group key signed its activation; compare them with the staking contract"
            )


def _link_faults(case: Case) -> Iterator[str]:
    entry, previous = case.bundle.signed.entry, case.bundle.previous
    if entry.height == 0:
        yield "heights begin at 1"
    elif entry.height == 1:
        if entry.previous != ZERO_DIGEST or previous is not None:
            yield "the first entry of a log has no predecessor"
    elif previous is None:
        yield "the previous entry is not in the file"
    else:
        if previous.entry.digest != entry.previous:
            yield "the entry does not name the previous entry's digest"
        if previous.entry.height + 1 != entry.height:
            yield f"height {entry.height} does not follow height {previous.entry.height}"
        if previous.certificate.epoch > case.bundle.signed.certificate.epoch:
            yield "the previous entry was certified by a later epoch"
        fault = certified(case, previous)
        if fault is not None:
            yield f"the previous entry: {fault}"
        key = case.group_keys.get(previous.certificate.epoch, b"")
        if previous.bls and not group_signed(case, previous, key):
            yield "the group signature on the previous entry is wrong"


def _certificate_faults(case: Case) -> Iterator[str]:
    fault = certified(case, case.bundle.signed)
    if fault is not None:
        yield fault


def _bls_faults(case: Case) -> Iterator[str]:
    signed = case.bundle.signed
    group_key = case.group_keys.get(signed.certificate.epoch, b"")
    if not signed.bls:
        yield "the file has no group signature on the entry"
    elif not group_key:
        yield f"no group key is known for epoch {signed.certificate.epoch}"
    elif not group_signed(case, signed, group_key):
        yield "the group signature is not on this entry's digest, or not by the group key"

"""Who submits an attested entry to the chain, and after whom (C1).

The order of submitters is drawn from the entry's digest, so it changes with every
entry and nobody chooses it. Each waits for the ones before it; whoever's turn comes
first looks whether the contract already has the entry. Ceremonies but their end, and registries,
are not for the chain.
"""

from __future__ import annotations

import hashlib
from typing import Final

from consensus.encoding import Value, decode, encode
from consensus.messages import DecidedEntry
from consensus.model import Digest, NodeId
from consensus.step import Transmission

ORACLE: Final = "production-oracle"
STAKING: Final = "oracle-staking"
ACTIVATE: Final = "activate-epoch"
_EPOCH_ARGUMENT: Final = {"submit-window": 3, "submit-void": 3}


def submitters(digest: Digest, members: int) -> tuple[NodeId, ...]:
    """The slots in the order in which they submit the entry with this digest."""
    return tuple(
        NodeId(slot)
        for slot in sorted(
            range(members), key=lambda slot: hashlib.sha256(digest + slot.to_bytes(1, "big")).digest()
        )
    )


def stage_of(digest: Digest, slot: NodeId, members: int) -> int:
    """How many members submit before `slot` does."""
    return submitters(digest, members).index(slot)


def transmission(
    decided: DecidedEntry, group_signature: bytes, own: NodeId, members: int
) -> Transmission | None:
    """The contract call that brings an attested entry on chain, None for kinds that stay off it."""
    entry, certificate = decided.entry, decided.certificate
    body = entry.body
    link: tuple[Value, ...] = (entry.height, entry.previous)
    certified: tuple[Value, ...] = (certificate.epoch, certificate.round, certificate.signatures)
    stage = stage_of(entry.digest, own, members)
    match entry.kind:
        case "window" | "void":
            function = f"submit-{entry.kind}"
            arguments = (*link, body, *certified, group_signature)
            key = f"{entry.kind}:{body['window']!r}:{body['revision']!r}"
            return _call(key, ORACLE, function, arguments, entry.height, stage)
        case "activate" if certificate.epoch != body["epoch"]:
            return None  # the contract wants the new committee's word, which is gathered (acceptance)
        case "activate":
            typed = tuple(
                body[name] for name in ("session", "group-key", "commitments", "first-window", "attachment")
            )
            arguments = (*link, *typed, certificate.round, certificate.signatures)
            key = f"activate:{body['epoch']!r}"
            return _call(key, STAKING, ACTIVATE, arguments, entry.height, stage)
        case _:
            return None


def certified_by(transmission: Transmission) -> int:
    """The epoch whose certificate an entry goes to the oracle contract with; 0 for an activation."""
    place = _EPOCH_ARGUMENT.get(transmission.function)
    epoch = 0 if place is None else decode(transmission.arguments[place])
    return epoch if isinstance(epoch, int) else 0


def _call(
    key: str, contract: str, function: str, arguments: tuple[Value, ...], height: int, stage: int
) -> Transmission:
    return Transmission(
        key, contract, function, tuple(encode(argument) for argument in arguments), height, stage
    )

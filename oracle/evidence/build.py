"""Evidence files out of public bytes: what a node journals, or what an export holds.

Decides how a file is composed; whether it proves anything is `verify`'s matter, and whoever
builds one asks it before believing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from consensus.encoding import decode
from consensus.messages import Fields
from oracle.audit.bundle import epoch_content
from oracle.audit.parts import EpochPart
from oracle.evidence.file import Kind, seal

JOURNALED_BYTES_MAX = 1 << 20


def of_journaled_double_vote(data: bytes) -> bytes:
    """The file of what the node journals when a member has voted twice."""
    fields = Fields(decode(data, bytes_max=JOURNALED_BYTES_MAX))
    genesis = fields.buff("genesis", 1, len(data))
    epochs = []
    for row in fields.items("epochs", 2):
        epoch = Fields(row)
        keys = tuple(key for key in epoch.items("node-keys", 31) if isinstance(key, bytes))
        epochs.append(EpochPart(epoch.uint("number"), keys))
    votes = [_signed_bytes(fields.fields(name)) for name in ("first", "second")]
    fields.end()
    return double_vote(genesis, epochs, votes[0], votes[1])


def double_vote(
    genesis: bytes, epochs: Iterable[EpochPart], first: tuple[bytes, bytes], second: tuple[bytes, bytes]
) -> bytes:
    """Two votes as (payload, signature), in the order of their bytes (E1)."""
    content = _common(genesis, epochs)
    for name, (payload, signature) in (("first", first), ("second", second)):
        content[name] = {"payload": payload.hex(), "signature": signature.hex()}
    return seal(Kind.DOUBLE_VOTE, hashlib.sha256(genesis).digest(), content)


def _common(genesis: bytes, epochs: Iterable[EpochPart]) -> dict[str, Any]:
    return {"genesis": genesis.hex(), "epochs": [epoch_content(one) for one in epochs]}


def _signed_bytes(value: Any) -> tuple[bytes, bytes]:
    fields = Fields(value)
    return fields.buff("payload", 1, 1024), fields.buff("signature", 65)

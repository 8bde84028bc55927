"""How entries of the log, their certificates and their proofs look in JSON.

Bytes are lower-case hex, energy is whole Wh, time is UTC seconds. What is signed or
hashed stands beside it as the canonical bytes, so that a client may check instead of
believing. Names are those of the canonical values, with `_` for `-`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from consensus.encoding import Int, Principal, Some, Utf8, Value, encode
from consensus.messages import Certificate
from consensus.model import Committee, InvariantBroken, Rejected
from oracle.api.chain_status import ChainStatus, mined
from oracle.api.windows import entry_of
from oracle.chain.address import principal_text
from oracle.storage.history import ChainReceipt, StoredEntry

Json = dict[str, Any]


def attestation_json(
    stored: StoredEntry,
    signature: bytes,
    receipts: Sequence[ChainReceipt],
    status: ChainStatus,
    committees: Mapping[int, Committee],
) -> Json:
    """One entry with all that certifies it."""
    entry = entry_of(stored)
    return {
        "height": stored.height,
        "kind": stored.kind,
        "window": stored.window_start_s,
        "revision": stored.revision,
        "network": entry.network.hex(),
        "digest": stored.digest.hex(),
        "previous": entry.previous.hex(),
        "body": plain(entry.body),
        "certificate": certificate_json(stored.certificate, committees),
        "signature": signature.hex() or None,
        "chain": chain_json(status, receipts),
        "bytes": {"entry": stored.entry.hex(), "certificate": stored.certificate.hex()},
        "bundle": f"/v1/attestations/{stored.height}/bundle",
    }


def certificate_json(data: bytes, committees: Mapping[int, Committee]) -> Json:
    """Who signed, by slot, and who did not."""
    certificate = Certificate.parse(data)
    if isinstance(certificate, Rejected):
        raise InvariantBroken("the history keeps certificates")
    committee = committees.get(certificate.epoch)
    slots = list(enumerate(certificate.signatures))
    return {
        "epoch": certificate.epoch,
        "round": certificate.round,
        "signers": [
            {
                "slot": slot,
                "node_key": None if committee is None else committee.node_keys[slot].hex(),
                "signature": signature.hex(),
            }
            for slot, signature in slots
            if signature
        ],
        "absent": [slot for slot, signature in slots if not signature],
    }


def chain_json(status: ChainStatus, receipts: Sequence[ChainReceipt]) -> Json:
    """Where it stands with the chain."""
    receipt = mined(receipts)
    return {
        "status": status.value,
        "txid": None if receipt is None else receipt.txid.hex(),
        "block_height": None if receipt is None else receipt.block_height,
        "transactions": [
            {"txid": one.txid.hex(), "status": one.status, "block_height": one.block_height}
            for one in receipts
        ],
    }


def proven(value: Mapping[str, Value], index: int, count: int, path: Sequence[bytes]) -> Json:
    """A value with where it stands in its tree: what `verify-merkle-proof` takes, and the bytes hashed."""
    return {
        "value": plain(value),
        "bytes": encode(value).hex(),
        "index": index,
        "count": count,
        "path": [node.hex() for node in path],
    }


def committee_json(committee: Committee) -> Json:
    """A committee's members and arithmetic."""
    return {
        "epoch": committee.epoch,
        "size": committee.size,
        "faults": committee.faults,
        "quorum": committee.quorum,
        "members": [{"slot": slot, "node_key": key.hex()} for slot, key in enumerate(committee.node_keys)],
    }


def plain(value: Value) -> Any:
    """A canonical value as JSON."""
    match value:
        case Mapping():
            return {name.replace("-", "_"): plain(item) for name, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case bytes():
            return value.hex()
        case Some(inner):
            return plain(inner)
        case Int(number):
            return number
        case Utf8(text):
            return text
        case Principal():
            return principal_text(value)
        case None | bool() | int() | str():
            return value
        case _:
            raise InvariantBroken("no entry holds a response")

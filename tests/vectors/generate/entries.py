"""Writes tests/vectors/entries.json: canonical values that Python, stacks.js and the VM agree on.

Run: python tests/vectors/generate/entries.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from consensus.encoding import Principal, Some, Value, digest, encode
from consensus.messages import Entry, Phase, Proposal, Vote
from consensus.model import Committee, Digest, EpochNumber, Genesis, Height, Round
from oracle.frames import Observation, Observations
from oracle.model import (
    Assurance,
    Counts,
    Curve,
    Device,
    DeviceKind,
    Leaf,
    RecordHash,
    UsagePoint,
    WindowStart,
    WindowSummary,
    ZoneId,
    ZoneSummary,
)


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def values() -> dict[str, Value]:
    """Every kind of value that is hashed or signed, by name."""
    keys = tuple(bytes([2 + slot % 2]) + _hash(f"key {slot}") for slot in range(7))
    committee = Committee(EpochNumber(1), keys)
    oracle = Principal(26, _hash("deployer")[:20], "production-oracle")
    genesis = Genesis(0x80000000, oracle, 900, committee)
    network = genesis.network
    counts = Counts(validated=8, derived=1, questionable=1, meter_signed=7, gateway_signed=2, witnessed=1)
    window = WindowStart(1_700_000_100)
    leaf = Leaf(
        UsagePoint(7), window, 62_500_127, 0, 12, 0, WindowStart(window - 900), 10,
        Assurance.METER_SIGNED, RecordHash(_hash("record")),
    )  # fmt: skip
    zone = ZoneSummary(ZoneId(3), window, _hash("zone"), 10, 12_345, 6_543, 10, counts)
    summary = WindowSummary(window, 0, _hash("registry"), _hash("root"), 3, 10, 2**70, 6_543, 10, counts)
    entry = Entry(network, Height(42), Digest(_hash("previous")), "window", summary.value())
    void: dict[str, Value] = {"window": window, "revision": 0, "reason": 1, "count": 12}
    activate: dict[str, Value] = {
        "epoch": 1,
        "session": _hash("session"),
        "group-key": _hash("a") * 3,
        "commitments": _hash("commitments"),
        "first-window": window,
        "attachment": _hash("attachment"),
    }
    device = Device(9, ZoneId(3), DeviceKind.METER, Curve.SECP256R1, keys[0], 11_000, _hash("salted serial"))
    observation = Observation(UsagePoint(7), window + 899, 1000, 20, 5, RecordHash(_hash("telegram")))
    return {
        "genesis": {
            "chain-id": genesis.chain_id,
            "oracle": oracle,
            "window-s": 900,
            "committee": keys,
        },
        "window entry": entry.value(),
        "void entry": Entry(network, Height(43), entry.digest, "void", void).value(),
        "activate entry": Entry(network, Height(5), entry.digest, "activate", activate).value(),
        "prevote": Vote(EpochNumber(1), Height(42), Round(2), Phase.PREVOTE, entry.digest).value(network),
        "commit to nothing": Vote(EpochNumber(1), Height(42), Round(0), Phase.COMMIT, None).value(network),
        "proposal": Proposal(EpochNumber(1), Height(42), Round(2), entry.digest, Round(1)).value(network),
        "leaf": leaf.value(),
        "zone summary": zone.value(),
        "device": device.value(),
        "device without a key": {**device.value(), "key": b"", "curve": 0},
        "observations": Observations(EpochNumber(1), window, (observation,)).value(network),
        "nested": {"a": Some({"b": (True, False)}), "c": None, "z-9": "text"},
    }


def main() -> None:
    """Write the file."""
    vectors = [
        {"name": name, "value-hex": encode(value).hex(), "digest": digest(value).hex()}
        for name, value in values().items()
    ]
    path = Path(__file__).parents[1] / "entries.json"
    path.write_text(json.dumps({"kind": "entries", "vectors": vectors}, indent=1) + "\n")


if __name__ == "__main__":
    main()

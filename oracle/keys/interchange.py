"""The register's export: JSON in the shape of EIP-3076, for moving a node to another machine.

Decides the file's form and nothing else. As in EIP-3076 numbers are decimal strings and
bytes are 0x-hex; `signing_root` is sha256 of the signed payload; one file is one
network's. Export, stop the old node, import on the new one, then start it.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

from oracle.keys.register import NUMBER_MAX, PHASES, Position, Register, Watermark
from oracle.keys.register_file import RegisterFailed, RegisterProblem

FORMAT: Final = "wattest-sign-once"
VERSION: Final = "1"
TEXT_MAX: Final = 1 << 28

_Row: TypeAlias = tuple[Position, bytes]
_Mark: TypeAlias = tuple[bytes, bytes, Watermark]


def exported(register: Register, network: bytes) -> str:
    """Everything the register knows of one network, as JSON text."""
    keys: dict[bytes, dict[str, Any]] = {}
    for position, digest in register.rows(network):
        _entry(keys, position.key)["signed"].append(
            {
                "height": str(position.height),
                "round": str(position.round),
                "phase": str(position.phase),
                "signing_root": "0x" + digest.hex(),
            }
        )
    for key, mark in register.watermarks(network):
        _entry(keys, key)["watermarks"].append(
            {"phase": str(mark.phase), "height": str(mark.height), "round": str(mark.round)}
        )
    metadata = {
        "interchange_format": FORMAT,
        "interchange_format_version": VERSION,
        "network": "0x" + network.hex(),
    }
    return json.dumps({"metadata": metadata, "data": [keys[key] for key in sorted(keys)]}, indent=2) + "\n"


def import_into(register: Register, network: bytes, text: str) -> int:
    """Take an export in: its rows are held, and nothing new is signed at or below its last.

    Gives how many positions the two registers held different bytes for (0, unless the key
    has signed twice already). Raises RegisterFailed(EXPORT_MALFORMED), and takes nothing.
    """
    if len(text) > TEXT_MAX:
        raise RegisterFailed(RegisterProblem.EXPORT_MALFORMED, "too long")
    try:
        rows, marks = _parsed(json.loads(text), network)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as cause:
        raise RegisterFailed(RegisterProblem.EXPORT_MALFORMED, str(cause)) from cause
    return register.absorb(rows, marks)


def network_of(text: str) -> tuple[bytes, frozenset[bytes]]:
    """The network an export is of, and the keys it speaks of. Raises RegisterFailed(EXPORT_MALFORMED)."""
    try:
        document = json.loads(text)
        network = _bytes(document["metadata"]["network"], 32)
        return network, frozenset(_bytes(entry["pubkey"], 33) for entry in document["data"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as cause:
        raise RegisterFailed(RegisterProblem.EXPORT_MALFORMED, str(cause)) from cause


def _parsed(document: Any, network: bytes) -> tuple[list[_Row], list[_Mark]]:
    said = document["metadata"]
    if (said["interchange_format"], said["interchange_format_version"]) != (FORMAT, VERSION):
        raise ValueError("another format")
    if _bytes(said["network"], 32) != network:
        raise ValueError("another network's")
    rows: list[_Row] = []
    marks: list[_Mark] = []
    for entry in document["data"]:
        key = _bytes(entry["pubkey"], 33)
        for row in entry["signed"]:
            position = Position(key, network, _number(row["height"]), _number(row["round"]), _phase(row))
            rows.append((position, _bytes(row["signing_root"], 32)))
        for mark in entry["watermarks"]:
            watermark = Watermark(_phase(mark), _number(mark["height"]), _number(mark["round"]))
            marks.append((key, network, watermark))
    return rows, marks


def _entry(keys: dict[bytes, dict[str, Any]], key: bytes) -> dict[str, Any]:
    return keys.setdefault(key, {"pubkey": "0x" + key.hex(), "signed": [], "watermarks": []})


def _bytes(text: str, size: int) -> bytes:
    data = bytes.fromhex(text.removeprefix("0x"))
    if len(data) != size:
        raise ValueError(f"{size} bytes expected")
    return data


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19:  # AttributeError for a bare number
        raise ValueError("not a decimal number")
    number = int(text)
    if number > NUMBER_MAX:
        raise ValueError("a number past what a register holds")
    return number


def _phase(row: dict[str, str]) -> int:
    phase = _number(row["phase"])
    if phase not in PHASES:
        raise ValueError("no such phase")
    return phase

"""Accounts as nodes give them, for tests: a good window, and ways to spoil it."""

from __future__ import annotations

from typing import Any

from oracle.explain.account import Account, read_account

START_S = 1_772_367_300
CLOSE_MS = (START_S + 900) * 1000 + 2000
VALUE = "aabbccdd"


def word(slot: int, said: str, after_ms: int, value: str | None = VALUE, round_: int = 0) -> dict[str, Any]:
    return {"slot": slot, "said": said, "round": round_, "at_ms": CLOSE_MS + after_ms, "value": value}


def stage(name: str, after_ms: int) -> dict[str, Any]:
    return {"stage": name, "at_ms": CLOSE_MS + after_ms, "detail": ""}


def records(**named: str) -> dict[str, Any]:
    """`records(p1="aa")`: usage point 1 has record aa."""
    rows = [{"usage_point": int(name[1:]), "record": record} for name, record in sorted(named.items())]
    return {"count": len(rows), "digest": "-".join(named.values()), "complete": True, "rows": rows}


def answer(**changes: Any) -> dict[str, Any]:
    """A window that all four members settled in 1.2 s and that is on chain."""
    heard = [
        *(word(slot, "notice", 20, None) for slot in (1, 2, 3)),
        word(1, "proposal", 100),
        *(word(slot, "prevote", 200 + slot) for slot in range(4)),
        *(word(slot, "commit", 300 + slot) for slot in range(4)),
        *(word(slot, "share", 400 + slot) for slot in range(4)),
    ]
    content: dict[str, Any] = {
        "network": "00" * 32,
        "slot": 0,
        "members": 4,
        "quorum": 3,
        "now_ms": CLOSE_MS + 60_000,
        "window": START_S,
        "window_s": 900,
        "next_window": START_S + 900,
        "height": 7,
        "kind": "window",
        "digest": VALUE * 8,
        "void": None,
        "stage": "on-chain",
        "stages": [
            stage("closed", 0),
            stage("reconciled", 50),
            stage("certified", 310),
            stage("attested", 1200),
            stage("submitted", 1300),
            stage("on-chain", 9000),
        ],
        "readings": {"count": 40, "first_ms": CLOSE_MS - 900_000, "last_ms": CLOSE_MS - 100},
        "round": 0,
        "signers": [0, 1, 2],
        "proposers": [1],
        "heard": heard,
        "events": [{"at_ms": CLOSE_MS + 305, "name": "decided", "detail": "round 0"}],
        "inputs": {
            "closed": records(p1="aa", p2="bb"),
            "observed": None,
            "settled": records(p1="aa", p2="bb"),
            "sources": [{"format": "ocmf", "source": 1, "count": 2, "digest": "11"}],
            "observers": [],
        },
        "chain": {"status": "confirmed", "txid": "cc" * 32, "block_height": 4, "transactions": []},
        "peers_down": [],
    }
    return content | changes


def account(name: str = "here", **changes: Any) -> Account:
    return read_account(name, answer(**changes))


def without(*said: str, slot: int | None = None) -> list[dict[str, Any]]:
    """The good window's words, but for some sorts, of one member or of all."""
    return [
        one
        for one in answer()["heard"]
        if not (one["said"] in said and (slot is None or one["slot"] == slot))
    ]


def unsettled(**changes: Any) -> Account:
    """The window while it is open for agreement."""
    still = {
        "kind": None,
        "digest": None,
        "round": None,
        "signers": None,
        "chain": None,
        "next_window": START_S,
        "stage": "proposed",
        "stages": [stage("closed", 0), stage("reconciled", 50)],
        "events": [],
    }
    return account(**(still | changes))

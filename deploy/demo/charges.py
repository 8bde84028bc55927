"""What each adversary of the demo does, and how it is brought to account.

Three ways: the chain decides by itself from signed bytes (E1 to E3); the other operators
vote on a bonded challenge by what their own nodes saw (E5); or the culprit is a meter,
which has no stake and loses its registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import Any, Final

Member = Mapping[str, Any]
"""A row of `/v1/conduct`."""

ENTRIES_MIN: Final = 12
"""Of so many entries a member must have missed nearly all before it is called silent."""


class Proof(Enum):
    """Who decides."""

    CHAIN = "the contract, from signed bytes"
    VOTES = "the other operators, by vote on a bonded challenge"
    METER = "the verifier, who revokes the meter"


@dataclass(frozen=True, slots=True)
class Charge:
    """One adversary: its deed, who commits it (slots), and what it costs (basis points of the stake)."""

    name: str
    deed: str
    traitors: tuple[int, ...]
    proof: Proof
    share_bps: int = 0
    ground: int = 0
    seen: Callable[[Member, list[Member], int], bool] = lambda _one, _others, _entries: False
    """Whether an operator whose node saw this conduct votes guilty."""


def _misdeed(name: str, count: int = 1) -> Callable[[Member, list[Member], int], bool]:
    def seen(one: Member, _others: list[Member], _entries: int) -> bool:
        return any(row["misdeed"] == name and row["count"] >= count for row in one["seen"])

    return seen


def _does_not_sign(one: Member, _others: list[Member], entries: int) -> bool:
    """In a quorum of four there is always one too many; never being of it is another matter."""
    return entries >= ENTRIES_MIN and one["signed"] == 0


def _keeps_quiet(one: Member, others: list[Member], entries: int) -> bool:
    """A link is up and hardly anything comes over it, while the others talk."""
    usual = median(other["received_messages"] for other in others)
    return entries >= ENTRIES_MIN and 10 * one["received_messages"] < usual


DOUBLE_VOTE_BPS: Final = 2000
FALSE_LEAF_BPS: Final = 5000
LOST_CHALLENGE_BPS: Final = 1000
_BAD_SHARE, _BAD_DEALING, _CENSORSHIP, _OTHER = 2, 3, 4, 6
LAST: Final = (3,)

CHARGES: Final = {
    charge.name: charge
    for charge in (
        Charge(
            "equivocate",
            "votes for two values in one round, one for each half of its peers",
            LAST,
            Proof.CHAIN,
            DOUBLE_VOTE_BPS,
        ),
        Charge(
            "amnesia",
            "forgets what it has signed and votes anew beside its register",
            LAST,
            Proof.CHAIN,
            DOUBLE_VOTE_BPS,
        ),
        Charge(
            "lying-records",
            "attest together a register that its meter did not sign",
            (1, 2, 3),
            Proof.CHAIN,
            FALSE_LEAF_BPS,
        ),
        Charge(
            "favour",
            "talks to one of its peers and keeps quiet towards the others",
            LAST,
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _OTHER,
            _keeps_quiet,
        ),
        Charge(
            "withhold",
            "takes part in nothing that needs its signature",
            LAST,
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _OTHER,
            _does_not_sign,
        ),
        Charge(
            "replay",
            "says old, damaged and foreign frames again",
            LAST,
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _OTHER,
            _misdeed("rejected-frame", 10),
        ),
        Charge(
            "bad-share",
            "sends wrong shares of the group's signature",
            (0,),
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _BAD_SHARE,
            _misdeed("bad-share"),
        ),
        Charge(
            "bad-dealer",
            "deals wrong shares in the key ceremony",
            LAST,
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _BAD_DEALING,
            _misdeed("bad-ceremony"),
        ),
        Charge(
            "censor",
            "leaves readings out of the windows that it proposes",
            LAST,
            Proof.VOTES,
            LOST_CHALLENGE_BPS,
            _CENSORSHIP,
            _misdeed("refused-proposal"),
        ),
        Charge(
            "two-faced-meter",
            "signs two readings for one time and tells half of the operators each",
            (),
            Proof.METER,
        ),
    )
}

"""What one account means: what stopped a window, who was late and by how much, in plain words.

Late is who spoke after the quorum was there: it was not waited for, and had too many been so,
nothing would have been agreed. Times are when this node heard; a slow link looks like a slow
member, so compare two nodes before blaming one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, unique
from typing import Final

from oracle.explain.account import Account, Word
from oracle.journey import Said, Stage

LATE_MS: Final = 250
"""Less than this after the quorum is the way of networks, and nobody's fault."""


@unique
class Halt(Enum):
    """Where a window stands still, or why it has no attestation on chain."""

    NOT_OVER = "not-over"
    """The window, or its grace for late readings, is not over yet: nothing to do."""
    BEHIND = "behind"
    """An earlier window is not settled yet: explain that one, as windows go in order."""
    COMPARING = "comparing"
    """The members still compare what they hold. It goes on without those that are silent: if one
    is, look at the link with it and whether it runs."""
    NO_PROPOSAL = "no-proposal"
    """The member whose turn it was has proposed nothing; the next round is another's turn. If it
    repeats, see that member's `/v1/health`."""
    NO_PREVOTES = "no-prevotes"
    """Too few members prevoted for a value. Members that voted for nothing found it wrong or could
    not check it: compare their inputs, `wattest explain` with several `--api`."""
    NO_COMMITS = "no-commits"
    """Too few members committed: a quorum's prevotes did not reach them in time. Look at the links."""
    AWAITS_LEAVES = "awaits-leaves"
    """Decided by others; this node fetches what belongs to it. Look at its links if it stays so."""
    AWAITS_SHARES = "awaits-shares"
    """Certified, but too few shares of the group's signature: members are away or have no share.
    Start those that are named; it is signed afterwards."""
    AWAITS_SUBMISSION = "awaits-submission"
    """Attested, not handed to the chain: another member's turn comes first, or the chain cannot be
    reached (`chain-unreachable` in `/v1/health`)."""
    AWAITS_BLOCK = "awaits-block"
    """Handed to the chain and not in a block: look at the outbox, the account's funds and the fees."""
    VOID_NO_RECORDS = "void-no-records"
    """No member held a record: nothing measured, the broker away, or clocks wrong. Look at the feeds'
    counters in `/v1/health`. Later readings count, from the register, in the next window."""
    VOID_NO_AGREEMENT = "void-no-agreement"
    """The deadline passed without a value that a quorum accepted: compare the members' inputs, and
    whether all were there. Later readings count, from the register, in the next window."""
    VOID_NO_LEAF = "void-no-leaf"
    """There were records, and no leaf follows from any: the meters say what is impossible, or too few
    members observed an unsigned one. Look at the rejections of the members' inputs."""
    VOID_UNKNOWN = "void-unknown"
    """Void for a reason that this version does not know: upgrade."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """A member's word that came after the quorum, or not at all (`by_ms` None)."""

    slot: int
    said: Said
    by_ms: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an account means. `halt` is None for a window that is on chain."""

    sentence: str
    halt: Halt | None
    what_to_do: str
    late: tuple[Lateness, ...]
    absent: tuple[int, ...]
    """Members of whom nothing at all was heard."""


ADVICE: Final[dict[Halt, str]] = {
    Halt.NOT_OVER: "Nothing to do: wait for its end and the grace.",
    Halt.BEHIND: "Explain the window that is settled next: windows go in order.",
    Halt.COMPARING: "Look at the links with the members that are missing.",
    Halt.NO_PROPOSAL: "See the health of the member whose turn it was.",
    Halt.NO_PREVOTES: "Compare the members' inputs: give --api of each.",
    Halt.NO_COMMITS: "Look at the links between the members.",
    Halt.AWAITS_LEAVES: "Look at this node's links.",
    Halt.AWAITS_SHARES: "Start the members whose share is missing.",
    Halt.AWAITS_SUBMISSION: "Look at `chain` and `outbox` in /v1/health.",
    Halt.AWAITS_BLOCK: "Look at the outbox, the account's funds and the fees.",
    Halt.VOID_NO_RECORDS: "Look at the feeds: nothing came in at any member.",
    Halt.VOID_NO_AGREEMENT: "Compare the members' inputs: give --api of each.",
    Halt.VOID_NO_LEAF: "Look at the registers that the meters send, and at who observes them.",
    Halt.VOID_UNKNOWN: "Upgrade this program.",
}


def judge(account: Account) -> Verdict:
    """What happened, who was late, what to do."""
    halt = halt_of(account)
    late = lateness(account)
    heard = {word.slot for word in account.words}
    absent = tuple(slot for slot in range(account.members) if slot not in heard) if heard else ()
    advice = "" if halt is None else f"{halt.value}: {ADVICE[halt]}"
    return Verdict(f"{_what(account, halt)}; {_who(account, late, absent)}", halt, advice, late, absent)


def halt_of(account: Account) -> Halt | None:
    """Where it stands still; None once it is on chain."""
    match account.kind:
        case "void":
            by_reason = {
                "no-records": Halt.VOID_NO_RECORDS,
                "no-agreement": Halt.VOID_NO_AGREEMENT,
                "no-leaf": Halt.VOID_NO_LEAF,
            }
            return by_reason.get(account.void_reason or "", Halt.VOID_UNKNOWN)
        case "window":
            if account.chain_status in ("confirmed", "final") or Stage.ON_CHAIN in account.reached_ms:
                return None
            if Stage.SUBMITTED in account.reached_ms:
                return Halt.AWAITS_BLOCK
            return Halt.AWAITS_SUBMISSION if Stage.ATTESTED in account.reached_ms else Halt.AWAITS_SHARES
        case _:
            return _unsettled(account)


def lateness(account: Account) -> tuple[Lateness, ...]:
    """Who spoke LATE_MS or more after the quorum of the deciding round, or did not; by member.

    A vote that did not come counts only where the member's share was not in time either: who
    hears of the decision first has no need to vote for it.
    """
    found: list[Lateness] = []
    round_ = account.round
    if round_ is None:
        return ()
    for said, at in ((Said.PREVOTE, round_), (Said.COMMIT, round_), (Said.SHARE, 0)):
        words = account.said(said, at)
        quorum_ms = _nth_ms(words.values(), account.quorum)
        if quorum_ms is None:
            continue
        for slot in range(account.members):
            word = words.get(slot)
            if word is None:
                found.append(Lateness(slot, said, None))
            elif word.at_ms - quorum_ms >= LATE_MS:
                found.append(Lateness(slot, said, word.at_ms - quorum_ms))
    slow = {one.slot for one in found if one.said is Said.SHARE}
    told = [one for one in found if one.by_ms is not None or one.slot in slow]
    return tuple(sorted(told, key=lambda one: (one.slot, one.said)))


def at_round(account: Account) -> int:
    """The round that decided, or the last of which anything was heard."""
    if account.round is not None:
        return account.round
    return max((word.round for word in account.words), default=0)


def clock(seconds: int) -> str:
    """A time as the report shows it."""
    shown = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{shown:%Y-%m-%d %H:%M:%SZ}" if seconds % 60 else f"{shown:%Y-%m-%d %H:%MZ}"


def _unsettled(account: Account) -> Halt:
    if account.window_start_s > account.next_window_s:
        return Halt.BEHIND
    if Stage.CLOSED not in account.reached_ms:
        return Halt.NOT_OVER
    round_ = at_round(account)
    proposals = account.said(Said.PROPOSAL, round_)
    votes = [account.said(said, round_) for said in (Said.PREVOTE, Said.COMMIT)]
    if not proposals and not any(votes):
        return Halt.COMPARING if Stage.RECONCILED not in account.reached_ms else Halt.NO_PROPOSAL
    if _most(votes[1].values()) >= account.quorum:
        return Halt.AWAITS_LEAVES
    if _most(votes[0].values()) >= account.quorum:
        return Halt.NO_COMMITS
    return Halt.NO_PREVOTES if proposals else Halt.NO_PROPOSAL


def _what(account: Account, halt: Halt | None) -> str:
    name = f"window {clock(account.window_start_s)}"
    closed = account.closed_ms
    attested, on_chain = (account.reached_ms.get(one) for one in (Stage.ATTESTED, Stage.ON_CHAIN))
    if account.kind == "void":
        several = f", with {account.void_count - 1} after it" if account.void_count > 1 else ""
        return f"{name} is void{several}: {account.void_reason}"
    if account.kind == "window":
        if closed is None:
            return f"{name} was settled by others, this node took it from them"
        done = f"was attested in {_span(attested - closed)}" if attested else "is certified, not attested"
        chained = f", on chain after {_span(on_chain - closed)}" if on_chain else ", not on chain yet"
        again = f" in round {account.round}" if account.round else ""
        return f"{name} {done}{again}{chained}"
    waits = "" if closed is None else f" since {_span(account.now_ms - closed)}"
    return f"{name} is not settled{waits}: {_stopped(account, halt)}"


def _stopped(account: Account, halt: Halt | None) -> str:
    round_ = at_round(account)
    turn = account.proposers[round_] if round_ < len(account.proposers) else None
    whose = "nobody" if turn is None else f"member {turn}"
    match halt:
        case Halt.NOT_OVER:
            return "it is not over"
        case Halt.BEHIND:
            return f"window {clock(account.next_window_s)} comes first"
        case Halt.COMPARING:
            return f"no word of what they hold from {_members(_silent(account, Said.NOTICE, 0))}"
        case Halt.NO_PROPOSAL:
            return f"round {round_}: {whose} had the turn and proposed nothing"
        case Halt.NO_PREVOTES:
            words = account.said(Said.PREVOTE, round_)
            against = [slot for slot, word in sorted(words.items()) if word.value is None]
            refused = f", for nothing voted {_members(against)}" if against else ""
            missing = _members(_silent(account, Said.PREVOTE, round_))
            return f"round {round_}: too few prevotes, none from {missing}{refused}"
        case Halt.NO_COMMITS:
            missing = _members(_silent(account, Said.COMMIT, round_))
            return f"round {round_}: too few commits, none from {missing}"
        case _:
            return "decided, and this node still fetches what belongs to it"


def _who(account: Account, late: Sequence[Lateness], absent: Sequence[int]) -> str:
    if not account.words:
        return "this node heard no member speak of it"
    parts = [f"member {slot} was not heard at all" for slot in absent]
    rest = [one for one in late if one.slot not in absent]
    parts += [
        _of_member(slot, [one for one in rest if one.slot == slot])
        for slot in sorted({one.slot for one in rest})
    ]
    if parts:
        return "; ".join(parts)
    return "nobody was late" if account.round is not None else "all members were heard"


def _of_member(slot: int, late: Sequence[Lateness]) -> str:
    never = [one.said.name.lower() for one in late if one.by_ms is None]
    spoken = [one for one in late if one.by_ms is not None]
    if spoken:
        worst = max(spoken, key=lambda one: one.by_ms or 0)
        said = f"its {worst.said.name.lower()} came after the quorum"
        tail = f", its {' and '.join(never)} did not come" if never else ""
        return f"member {slot} was late by {_span(worst.by_ms or 0)}: {said}{tail}"
    return f"member {slot}: its {' and '.join(never)} did not come"


def _silent(account: Account, said: Said, round_: int) -> list[int]:
    heard = account.said(said, round_)
    return [slot for slot in range(account.members) if slot not in heard and slot != account.slot]


def _members(slots: Sequence[int]) -> str:
    if not slots:
        return "nobody"
    return ("member " if len(slots) == 1 else "members ") + ", ".join(map(str, slots))


def _most(words: Iterable[Word]) -> int:
    values = [word.value for word in words if word.value is not None]
    return max((values.count(one) for one in set(values)), default=0)


def _nth_ms(words: Iterable[Word], nth: int) -> int | None:
    times = sorted(word.at_ms for word in words if word.value is not None)
    return times[nth - 1] if 0 < nth <= len(times) else None


def _span(ms: int) -> str:
    if abs(ms) < 60_000:
        return f"{ms / 1000:.1f} s" if abs(ms) >= 1000 else f"{ms / 1000:.2f} s"
    return f"{ms // 60_000} min" if ms < 7_200_000 else f"{ms / 3_600_000:.1f} h"

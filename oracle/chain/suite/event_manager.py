"""The contract `event-manager`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AMOUNT",
    "ERR_BASELINE",
    "ERR_NOTICE",
    "ERR_NOT_CANCELLABLE",
    "ERR_NOT_DISTRIBUTOR",
    "ERR_NOT_UTILITY",
    "ERR_NO_NETWORK",
    "ERR_NO_POOL",
    "ERR_NO_REFUND",
    "ERR_PAUSED",
    "ERR_STATUS",
    "ERR_TARGET",
    "ERR_TOO_EARLY",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_EVENT",
    "ERR_WINDOWS",
    "Event",
    "EventManagerContract",
    "GetEscrowEscrow",
    "Pool",
    "Terms",
]


@dataclass(frozen=True, slots=True)
class GetEscrowEscrow:
    """A tuple of event-manager."""

    funded: int
    held: int
    paid: int
    refunded: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "funded": codec.to_uint(self.funded),
            "held": codec.to_uint(self.held),
            "paid": codec.to_uint(self.paid),
            "refunded": codec.to_uint(self.refunded),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "funded", "held", "paid", "refunded")
        return cls(
            codec.uint(held["funded"]),
            codec.uint(held["held"]),
            codec.uint(held["paid"]),
            codec.uint(held["refunded"]),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A tuple of event-manager."""

    adjusted: bool
    baseline_days: int
    end: int
    operator: Principal
    programme: str
    start: int
    status: int
    target_wh: int
    window_s: int
    zone: int | None

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "adjusted": codec.to_bool(self.adjusted),
            "baseline-days": codec.to_uint(self.baseline_days),
            "end": codec.to_uint(self.end),
            "operator": codec.to_principal(self.operator),
            "programme": codec.to_ascii(self.programme, 32),
            "start": codec.to_uint(self.start),
            "status": codec.to_uint(self.status),
            "target-wh": codec.to_uint(self.target_wh),
            "window-s": codec.to_uint(self.window_s),
            "zone": codec.to_optional(self.zone, codec.to_uint),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "adjusted",
            "baseline-days",
            "end",
            "operator",
            "programme",
            "start",
            "status",
            "target-wh",
            "window-s",
            "zone",
        )
        return cls(
            codec.boolean(held["adjusted"]),
            codec.uint(held["baseline-days"]),
            codec.uint(held["end"]),
            codec.principal(held["operator"]),
            codec.ascii_text(held["programme"]),
            codec.uint(held["start"]),
            codec.uint(held["status"]),
            codec.uint(held["target-wh"]),
            codec.uint(held["window-s"]),
            codec.optional(codec.uint)(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """A tuple of event-manager."""

    funded: int
    in_watt: bool
    paid: int
    refunded: int
    rest: int
    rewards: int
    unrefunded: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "funded": codec.to_uint(self.funded),
            "in-watt": codec.to_bool(self.in_watt),
            "paid": codec.to_uint(self.paid),
            "refunded": codec.to_uint(self.refunded),
            "rest": codec.to_uint(self.rest),
            "rewards": codec.to_uint(self.rewards),
            "unrefunded": codec.to_uint(self.unrefunded),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "funded", "in-watt", "paid", "refunded", "rest", "rewards", "unrefunded")
        return cls(
            codec.uint(held["funded"]),
            codec.boolean(held["in-watt"]),
            codec.uint(held["paid"]),
            codec.uint(held["refunded"]),
            codec.uint(held["rest"]),
            codec.uint(held["rewards"]),
            codec.uint(held["unrefunded"]),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """A tuple of event-manager."""

    baseline_days_min: int
    full_reward_bps: int
    half_reward_bps: int
    reward_cap_bps: int
    slash_max_bps: int
    stake_ustx_per_kwh: int
    verify_until: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "baseline-days-min": codec.to_uint(self.baseline_days_min),
            "full-reward-bps": codec.to_uint(self.full_reward_bps),
            "half-reward-bps": codec.to_uint(self.half_reward_bps),
            "reward-cap-bps": codec.to_uint(self.reward_cap_bps),
            "slash-max-bps": codec.to_uint(self.slash_max_bps),
            "stake-ustx-per-kwh": codec.to_uint(self.stake_ustx_per_kwh),
            "verify-until": codec.to_uint(self.verify_until),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "baseline-days-min",
            "full-reward-bps",
            "half-reward-bps",
            "reward-cap-bps",
            "slash-max-bps",
            "stake-ustx-per-kwh",
            "verify-until",
        )
        return cls(
            codec.uint(held["baseline-days-min"]),
            codec.uint(held["full-reward-bps"]),
            codec.uint(held["half-reward-bps"]),
            codec.uint(held["reward-cap-bps"]),
            codec.uint(held["slash-max-bps"]),
            codec.uint(held["stake-ustx-per-kwh"]),
            codec.uint(held["verify-until"]),
        )


@dataclass(frozen=True, slots=True)
class EventManagerContract:
    """`event-manager`.

    Decides: which demand-response events there are, on what terms, and who gets what is in their
    pools. It knows nothing of meters: whether somebody used less is decided by `commitment`, what
    that earns by `reward-distributor`.

    Immutable: an event's windows, target and terms, from its creation; ids 1, 2, 3 ...; an event
    goes announced -> started -> ended -> settled, or announced -> cancelled.

    Who may call: holders of the role "utility" create and may cancel while commitments are open;
    anyone funds, starts and ends when it is time, so that no operator can hold back what was
    promised; reward-distributor alone settles and pays. A pause stops creation and funding, nothing
    else.

    Conservation: funded = paid + refunded + what is held here, for each event and, of STX and of
    WATT (reward-token), in all. A pool is of one of the two.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "event-manager")

    def cancel_event(self, event: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Calls an event off: its operator while commitments are open; anyone when it was not started in
        all its time. Pool and stakes go back to whom they came from.
        """
        return PublicCall(
            ContractCall(self.principal, "cancel-event", (codec.to_uint(event),)), codec.boolean, post
        )

    def claim_refund(self, event: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Pays a funder its share of what an event left over: rounded down for each, and the last one gets
        what is there, so that nothing stays behind.
        """
        return PublicCall(
            ContractCall(self.principal, "claim-refund", (codec.to_uint(event),)), codec.uint, post
        )

    def create_event(
        self,
        programme: str,
        zone: int | None,
        start: int,
        end: int,
        target_wh: int,
        baseline_days: int,
        adjusted: bool,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Announces an event: in the windows from `start` to `end` (not included) its participants are to
        use `target-wh` less than their baselines, which are the means of their last `baseline-days`
        days of the same type, `adjusted` to the hours before or not. Gives the id.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "create-event",
                (
                    codec.to_ascii(programme, 32),
                    codec.to_optional(zone, codec.to_uint),
                    codec.to_uint(start),
                    codec.to_uint(end),
                    codec.to_uint(target_wh),
                    codec.to_uint(baseline_days),
                    codec.to_bool(adjusted),
                ),
            ),
            codec.uint,
            post,
        )

    def create_token_event(
        self,
        programme: str,
        zone: int | None,
        start: int,
        end: int,
        target_wh: int,
        baseline_days: int,
        adjusted: bool,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """The same, with a pool of WATT, the reward token, instead of STX."""
        return PublicCall(
            ContractCall(
                self.principal,
                "create-token-event",
                (
                    codec.to_ascii(programme, 32),
                    codec.to_optional(zone, codec.to_uint),
                    codec.to_uint(start),
                    codec.to_uint(end),
                    codec.to_uint(target_wh),
                    codec.to_uint(baseline_days),
                    codec.to_bool(adjusted),
                ),
            ),
            codec.uint,
            post,
        )

    def end_event(self, event: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Ends an event when its last window is over."""
        return PublicCall(
            ContractCall(self.principal, "end-event", (codec.to_uint(event),)), codec.boolean, post
        )

    def fund_event(self, event: int, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Puts `amount` of the caller, in microSTX or units of WATT, into the pool of an event that has
        not ended.
        """
        return PublicCall(
            ContractCall(self.principal, "fund-event", (codec.to_uint(event), codec.to_uint(amount))),
            codec.uint,
            post,
        )

    def pay_reward(
        self, event: int, to: Principal, amount: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Pays `amount` of an event's rewards to a participant; more than is set aside aborts, as above.
        Called by reward-distributor only.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "pay-reward",
                (codec.to_uint(event), codec.to_principal(to), codec.to_uint(amount)),
            ),
            codec.boolean,
            post,
        )

    def settle_event(self, event: int, rewards: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Sets `rewards` of the pool of an ended event aside for its participants; the rest is the
        funders'; more than the pool is a subtraction below zero, which aborts. Called by
        reward-distributor only.
        """
        return PublicCall(
            ContractCall(self.principal, "settle-event", (codec.to_uint(event), codec.to_uint(rewards))),
            codec.boolean,
            post,
        )

    def start_event(self, event: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Starts a funded event once commitments are closed; from then on it cannot be cancelled."""
        return PublicCall(
            ContractCall(self.principal, "start-event", (codec.to_uint(event),)), codec.boolean, post
        )

    def get_close(self, event: int) -> ReadCall[int | None]:
        """When commitments to an event close: where its adjustment hours begin."""
        return ReadCall(self.principal, "get-close", (codec.to_uint(event),), codec.optional(codec.uint))

    def get_contribution(self, event: int, funder: Principal) -> ReadCall[int]:
        """`get-contribution` of `event-manager`."""
        return ReadCall(
            self.principal, "get-contribution", (codec.to_uint(event), codec.to_principal(funder)), codec.uint
        )

    def get_escrow(self) -> ReadCall[GetEscrowEscrow]:
        """STX in, STX out to participants, STX back to funders, and what is held, in microSTX."""
        return ReadCall(self.principal, "get-escrow", (), GetEscrowEscrow.read)

    def get_event(self, event: int) -> ReadCall[Event | None]:
        """`get-event` of `event-manager`."""
        return ReadCall(self.principal, "get-event", (codec.to_uint(event),), codec.optional(Event.read))

    def get_event_count(self) -> ReadCall[int]:
        """`get-event-count` of `event-manager`."""
        return ReadCall(self.principal, "get-event-count", (), codec.uint)

    def get_pool(self, event: int) -> ReadCall[Pool | None]:
        """`get-pool` of `event-manager`."""
        return ReadCall(self.principal, "get-pool", (codec.to_uint(event),), codec.optional(Pool.read))

    def get_refund(self, event: int, funder: Principal) -> ReadCall[int]:
        """What a funder would get back now."""
        return ReadCall(
            self.principal, "get-refund", (codec.to_uint(event), codec.to_principal(funder)), codec.uint
        )

    def get_terms(self, event: int) -> ReadCall[Terms | None]:
        """`get-terms` of `event-manager`."""
        return ReadCall(self.principal, "get-terms", (codec.to_uint(event),), codec.optional(Terms.read))

    def get_token_escrow(self) -> ReadCall[GetEscrowEscrow]:
        """The same of WATT."""
        return ReadCall(self.principal, "get-token-escrow", (), GetEscrowEscrow.read)

    def is_open(self, event: int) -> ReadCall[bool]:
        """True while commitments to the event are taken and given back."""
        return ReadCall(self.principal, "is-open", (codec.to_uint(event),), codec.boolean)


ERR_PAUSED: Final = BY_CODE[900]
ERR_NOT_UTILITY: Final = BY_CODE[901]
ERR_NO_NETWORK: Final = BY_CODE[902]
ERR_WINDOWS: Final = BY_CODE[903]
ERR_NOTICE: Final = BY_CODE[904]
ERR_TARGET: Final = BY_CODE[905]
ERR_BASELINE: Final = BY_CODE[906]
ERR_UNKNOWN_EVENT: Final = BY_CODE[907]
ERR_STATUS: Final = BY_CODE[908]
ERR_AMOUNT: Final = BY_CODE[909]
ERR_TRANSFER: Final = BY_CODE[910]
ERR_TOO_EARLY: Final = BY_CODE[911]
ERR_NO_POOL: Final = BY_CODE[912]
ERR_NOT_CANCELLABLE: Final = BY_CODE[913]
ERR_NOT_DISTRIBUTOR: Final = BY_CODE[914]
ERR_NO_REFUND: Final = BY_CODE[915]

"""The contract `aggregation`, typed.

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
from oracle.chain.suite.shapes import Leaf, Proof
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AWAY",
    "ERR_COUNTED",
    "ERR_EMPTY",
    "ERR_FORECAST",
    "ERR_GAP",
    "ERR_IN_VPP",
    "ERR_KNOWN_FORECAST",
    "ERR_NOT_ATTESTED",
    "ERR_NOT_CONNECTED",
    "ERR_NOT_MEMBER",
    "ERR_NOT_OPERATOR",
    "ERR_NOT_OWNER",
    "ERR_NO_FORECAST",
    "ERR_OTHER_WINDOW",
    "ERR_PAUSED",
    "ERR_SCORED",
    "ERR_TEXT",
    "ERR_TOO_EARLY",
    "ERR_UNKNOWN_ASSET",
    "ERR_UNKNOWN_USER",
    "ERR_UNKNOWN_VPP",
    "ERR_WINDOW",
    "AggregationContract",
    "Balance",
    "Forecast",
    "Leaf",
    "Membership",
    "Output",
    "Proof",
    "Score",
    "Vpp",
]


@dataclass(frozen=True, slots=True)
class Output:
    """A tuple of aggregation."""

    export_wh: int
    import_wh: int
    leaves: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "leaves": codec.to_uint(self.leaves),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "export-wh", "import-wh", "leaves")
        return cls(
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["leaves"]),
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """A tuple of aggregation."""

    demand_wh: int
    supply_wh: int
    surplus_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "demand-wh": codec.to_uint(self.demand_wh),
            "supply-wh": codec.to_uint(self.supply_wh),
            "surplus-wh": codec.to_int(self.surplus_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "demand-wh", "supply-wh", "surplus-wh")
        return cls(
            codec.uint(held["demand-wh"]),
            codec.uint(held["supply-wh"]),
            codec.sint(held["surplus-wh"]),
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """A tuple of aggregation."""

    error_bps: int | None
    export_wh: int
    published_at: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "error-bps": codec.to_optional(self.error_bps, codec.to_uint),
            "export-wh": codec.to_uint(self.export_wh),
            "published-at": codec.to_uint(self.published_at),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "error-bps", "export-wh", "published-at")
        return cls(
            codec.optional(codec.uint)(held["error-bps"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["published-at"]),
        )


@dataclass(frozen=True, slots=True)
class Membership:
    """A tuple of aggregation."""

    capacity_w: int
    since: int
    until: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "capacity-w": codec.to_uint(self.capacity_w),
            "since": codec.to_uint(self.since),
            "until": codec.to_uint(self.until),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "capacity-w", "since", "until")
        return cls(
            codec.uint(held["capacity-w"]),
            codec.uint(held["since"]),
            codec.uint(held["until"]),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """A tuple of aggregation."""

    accuracy_bps: int
    error_wh: int
    forecast_wh: int
    output_wh: int
    scored: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "accuracy-bps": codec.to_uint(self.accuracy_bps),
            "error-wh": codec.to_uint(self.error_wh),
            "forecast-wh": codec.to_uint(self.forecast_wh),
            "output-wh": codec.to_uint(self.output_wh),
            "scored": codec.to_uint(self.scored),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "accuracy-bps", "error-wh", "forecast-wh", "output-wh", "scored")
        return cls(
            codec.uint(held["accuracy-bps"]),
            codec.uint(held["error-wh"]),
            codec.uint(held["forecast-wh"]),
            codec.uint(held["output-wh"]),
            codec.uint(held["scored"]),
        )


@dataclass(frozen=True, slots=True)
class Vpp:
    """A tuple of aggregation."""

    capacity_w: int
    created_at: int
    members: int
    name: str
    operator: Principal

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "capacity-w": codec.to_uint(self.capacity_w),
            "created-at": codec.to_uint(self.created_at),
            "members": codec.to_uint(self.members),
            "name": codec.to_ascii(self.name, 64),
            "operator": codec.to_principal(self.operator),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "capacity-w", "created-at", "members", "name", "operator")
        return cls(
            codec.uint(held["capacity-w"]),
            codec.uint(held["created-at"]),
            codec.uint(held["members"]),
            codec.ascii_text(held["name"]),
            codec.principal(held["operator"]),
        )


@dataclass(frozen=True, slots=True)
class AggregationContract:
    """`aggregation`.

    Decides: which assets form a virtual power plant (VPP), what they put out together in a window,
    what capacity it may sell, and how good its forecasts were.

    Immutable: VPPs and forecasts are inserted once, a forecast before its window; a membership is
    changed by its end only; output is changed by proven leaves only.

    Who may call: a registered user creates a VPP and operates it; the owner of a connected asset
    joins and leaves with it, the operator sends it away, and anyone does once it is connected no
    more; anyone proves output and scores. A pause stops creating and joining and nothing else. An
    asset is in one VPP at a time, from one start of a window to another. Who has left a VPP stays
    away from it as long as trades take to be final (settlement-deadline-s): what is settled of its
    last windows needs the membership that was.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "aggregation")

    def aggregate_window(
        self, vpp: int, window: int, proven: tuple[Proof, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[Output]:
        """Adds proven leaves of members to the VPP's output of one window. A newer revision of a leaf
        replaces an older one.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "aggregate-window",
                (codec.to_uint(vpp), codec.to_uint(window), codec.to_list(proven, 24, Proof.value)),
            ),
            Output.read,
            post,
        )

    def create_vpp(self, name: str, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Creates a VPP that the caller operates; gives its id."""
        return PublicCall(
            ContractCall(self.principal, "create-vpp", (codec.to_ascii(name, 64),)), codec.uint, post
        )

    def join(self, vpp: int, asset: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Brings a connected asset of the caller into a VPP from the next window on."""
        return PublicCall(
            ContractCall(self.principal, "join", (codec.to_uint(vpp), codec.to_uint(asset))), codec.uint, post
        )

    def leave(self, asset: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Takes an asset out of its VPP from the next window on."""
        return PublicCall(ContractCall(self.principal, "leave", (codec.to_uint(asset),)), codec.uint, post)

    def publish_forecast(
        self, vpp: int, window: int, export_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Says what the VPP will feed in; before the window begins, once."""
        return PublicCall(
            ContractCall(
                self.principal,
                "publish-forecast",
                (codec.to_uint(vpp), codec.to_uint(window), codec.to_uint(export_wh)),
            ),
            codec.boolean,
            post,
        )

    def score_forecast(self, vpp: int, window: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Scores a forecast against the output that was proven, once, a day after the window. Anyone
        scores; the error is the difference in parts of the larger of the two.
        """
        return PublicCall(
            ContractCall(self.principal, "score-forecast", (codec.to_uint(vpp), codec.to_uint(window))),
            codec.uint,
            post,
        )

    def get_balance(self, vpp: int, window: int) -> ReadCall[Balance]:
        """Supply and demand among the members in a window, and what is left for others."""
        return ReadCall(
            self.principal, "get-balance", (codec.to_uint(vpp), codec.to_uint(window)), Balance.read
        )

    def get_capacity(self, vpp: int) -> ReadCall[int]:
        """What the VPP may sell, in W: its capacity without what governance has it keep back."""
        return ReadCall(self.principal, "get-capacity", (codec.to_uint(vpp),), codec.uint)

    def get_forecast(self, vpp: int, window: int) -> ReadCall[Forecast | None]:
        """`get-forecast` of `aggregation`."""
        return ReadCall(
            self.principal,
            "get-forecast",
            (codec.to_uint(vpp), codec.to_uint(window)),
            codec.optional(Forecast.read),
        )

    def get_membership(self, vpp: int, asset: int) -> ReadCall[Membership | None]:
        """`get-membership` of `aggregation`."""
        return ReadCall(
            self.principal,
            "get-membership",
            (codec.to_uint(vpp), codec.to_uint(asset)),
            codec.optional(Membership.read),
        )

    def get_output(self, vpp: int, window: int) -> ReadCall[Output]:
        """What was proven of a window: energy of all members that somebody has shown."""
        return ReadCall(
            self.principal, "get-output", (codec.to_uint(vpp), codec.to_uint(window)), Output.read
        )

    def get_score(self, vpp: int) -> ReadCall[Score]:
        """How good the VPP's forecasts were: 10000 is perfect."""
        return ReadCall(self.principal, "get-score", (codec.to_uint(vpp),), Score.read)

    def get_vpp(self, vpp: int) -> ReadCall[Vpp | None]:
        """`get-vpp` of `aggregation`."""
        return ReadCall(self.principal, "get-vpp", (codec.to_uint(vpp),), codec.optional(Vpp.read))

    def get_vpp_count(self) -> ReadCall[int]:
        """`get-vpp-count` of `aggregation`."""
        return ReadCall(self.principal, "get-vpp-count", (), codec.uint)

    def get_vpp_of(self, asset: int) -> ReadCall[int | None]:
        """`get-vpp-of` of `aggregation`."""
        return ReadCall(self.principal, "get-vpp-of", (codec.to_uint(asset),), codec.optional(codec.uint))

    def is_member_at(self, vpp: int, asset: int, window: int) -> ReadCall[bool]:
        """True if a window of the asset counts for the VPP."""
        return ReadCall(
            self.principal,
            "is-member-at",
            (codec.to_uint(vpp), codec.to_uint(asset), codec.to_uint(window)),
            codec.boolean,
        )


ERR_PAUSED: Final = BY_CODE[720]
ERR_UNKNOWN_USER: Final = BY_CODE[721]
ERR_TEXT: Final = BY_CODE[722]
ERR_UNKNOWN_VPP: Final = BY_CODE[723]
ERR_UNKNOWN_ASSET: Final = BY_CODE[724]
ERR_NOT_OWNER: Final = BY_CODE[725]
ERR_NOT_CONNECTED: Final = BY_CODE[726]
ERR_IN_VPP: Final = BY_CODE[727]
ERR_NOT_MEMBER: Final = BY_CODE[728]
ERR_AWAY: Final = BY_CODE[729]
ERR_NOT_OPERATOR: Final = BY_CODE[730]
ERR_WINDOW: Final = BY_CODE[731]
ERR_FORECAST: Final = BY_CODE[732]
ERR_KNOWN_FORECAST: Final = BY_CODE[733]
ERR_NO_FORECAST: Final = BY_CODE[734]
ERR_TOO_EARLY: Final = BY_CODE[735]
ERR_NOT_ATTESTED: Final = BY_CODE[736]
ERR_SCORED: Final = BY_CODE[737]
ERR_EMPTY: Final = BY_CODE[738]
ERR_COUNTED: Final = BY_CODE[739]
ERR_OTHER_WINDOW: Final = BY_CODE[740]
ERR_GAP: Final = BY_CODE[741]

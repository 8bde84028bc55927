"""The contract `grid-management`, typed.

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
from oracle.chain.suite.shapes import Leaf
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_CONNECTED",
    "ERR_COUNTED",
    "ERR_EMERGENCY",
    "ERR_GAP",
    "ERR_ISLAND",
    "ERR_KIND",
    "ERR_LIMIT",
    "ERR_MEASUREMENT",
    "ERR_NOT_CONNECTED",
    "ERR_NOT_GOVERNOR",
    "ERR_NOT_OPERATOR",
    "ERR_NOT_STORAGE",
    "ERR_NOT_VERIFIED",
    "ERR_OTHER_LEAF",
    "ERR_PAUSED",
    "ERR_POWER",
    "ERR_PROTOCOL",
    "ERR_SAME",
    "ERR_UNKNOWN_ASSET",
    "ERR_UNKNOWN_ORDER",
    "ERR_WINDOWS",
    "ERR_ZONE_LIMIT",
    "Action",
    "Connection",
    "CurrentGridStatus",
    "Feed",
    "FeedTotal",
    "GridManagementContract",
    "Interconnection",
    "Leaf",
    "Order",
    "ZoneBalance",
]


@dataclass(frozen=True, slots=True)
class Action:
    """A tuple of grid-management."""

    by: Principal
    first_window: int
    kind: int
    power_w: int
    windows: int
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "by": codec.to_principal(self.by),
            "first-window": codec.to_uint(self.first_window),
            "kind": codec.to_uint(self.kind),
            "power-w": codec.to_uint(self.power_w),
            "windows": codec.to_uint(self.windows),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "by", "first-window", "kind", "power-w", "windows", "zone")
        return cls(
            codec.principal(held["by"]),
            codec.uint(held["first-window"]),
            codec.uint(held["kind"]),
            codec.uint(held["power-w"]),
            codec.uint(held["windows"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A tuple of grid-management."""

    by: Principal
    changed_at: int
    connected: bool
    limit_w: int
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "by": codec.to_principal(self.by),
            "changed-at": codec.to_uint(self.changed_at),
            "connected": codec.to_bool(self.connected),
            "limit-w": codec.to_uint(self.limit_w),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "by", "changed-at", "connected", "limit-w", "zone")
        return cls(
            codec.principal(held["by"]),
            codec.uint(held["changed-at"]),
            codec.boolean(held["connected"]),
            codec.uint(held["limit-w"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class CurrentGridStatus:
    """A tuple of grid-management."""

    by: Principal
    condition: int
    connected_w: int
    frequency_mhz: int
    islanded: bool
    limit_w: int
    nominal_mhz: int
    nominal_mv: int
    protocol: int
    updated_at: int
    voltage_mv: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "by": codec.to_principal(self.by),
            "condition": codec.to_uint(self.condition),
            "connected-w": codec.to_uint(self.connected_w),
            "frequency-mhz": codec.to_uint(self.frequency_mhz),
            "islanded": codec.to_bool(self.islanded),
            "limit-w": codec.to_uint(self.limit_w),
            "nominal-mhz": codec.to_uint(self.nominal_mhz),
            "nominal-mv": codec.to_uint(self.nominal_mv),
            "protocol": codec.to_uint(self.protocol),
            "updated-at": codec.to_uint(self.updated_at),
            "voltage-mv": codec.to_uint(self.voltage_mv),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "by",
            "condition",
            "connected-w",
            "frequency-mhz",
            "islanded",
            "limit-w",
            "nominal-mhz",
            "nominal-mv",
            "protocol",
            "updated-at",
            "voltage-mv",
        )
        return cls(
            codec.principal(held["by"]),
            codec.uint(held["condition"]),
            codec.uint(held["connected-w"]),
            codec.uint(held["frequency-mhz"]),
            codec.boolean(held["islanded"]),
            codec.uint(held["limit-w"]),
            codec.uint(held["nominal-mhz"]),
            codec.uint(held["nominal-mv"]),
            codec.uint(held["protocol"]),
            codec.uint(held["updated-at"]),
            codec.uint(held["voltage-mv"]),
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """A tuple of grid-management."""

    above_limit: bool
    export_wh: int
    import_wh: int
    revision: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "above-limit": codec.to_bool(self.above_limit),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "revision": codec.to_uint(self.revision),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "above-limit", "export-wh", "import-wh", "revision")
        return cls(
            codec.boolean(held["above-limit"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["revision"]),
        )


@dataclass(frozen=True, slots=True)
class FeedTotal:
    """A tuple of grid-management."""

    above_limit: int
    export_wh: int
    import_wh: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "above-limit": codec.to_uint(self.above_limit),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "above-limit", "export-wh", "import-wh", "windows")
        return cls(
            codec.uint(held["above-limit"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class Interconnection:
    """A tuple of grid-management."""

    connected_w: int
    limit_w: int
    nominal_mhz: int
    nominal_mv: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "connected-w": codec.to_uint(self.connected_w),
            "limit-w": codec.to_uint(self.limit_w),
            "nominal-mhz": codec.to_uint(self.nominal_mhz),
            "nominal-mv": codec.to_uint(self.nominal_mv),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "connected-w", "limit-w", "nominal-mhz", "nominal-mv")
        return cls(
            codec.uint(held["connected-w"]),
            codec.uint(held["limit-w"]),
            codec.uint(held["nominal-mhz"]),
            codec.uint(held["nominal-mv"]),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """A tuple of grid-management."""

    asset: int
    by: Principal
    delivered_wh: int
    direction: int
    first_window: int
    power_w: int
    target_wh: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "by": codec.to_principal(self.by),
            "delivered-wh": codec.to_uint(self.delivered_wh),
            "direction": codec.to_uint(self.direction),
            "first-window": codec.to_uint(self.first_window),
            "power-w": codec.to_uint(self.power_w),
            "target-wh": codec.to_uint(self.target_wh),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "by",
            "delivered-wh",
            "direction",
            "first-window",
            "power-w",
            "target-wh",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.principal(held["by"]),
            codec.uint(held["delivered-wh"]),
            codec.uint(held["direction"]),
            codec.uint(held["first-window"]),
            codec.uint(held["power-w"]),
            codec.uint(held["target-wh"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class ZoneBalance:
    """A tuple of grid-management."""

    demand_wh: int
    revision: int
    supply_wh: int
    surplus_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "demand-wh": codec.to_uint(self.demand_wh),
            "revision": codec.to_uint(self.revision),
            "supply-wh": codec.to_uint(self.supply_wh),
            "surplus-wh": codec.to_int(self.surplus_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "demand-wh", "revision", "supply-wh", "surplus-wh")
        return cls(
            codec.uint(held["demand-wh"]),
            codec.uint(held["revision"]),
            codec.uint(held["supply-wh"]),
            codec.sint(held["surplus-wh"]),
        )


@dataclass(frozen=True, slots=True)
class GridManagementContract:
    """`grid-management`.

    Decides: who operates the grid, which assets are connected to it and with what limit, what state
    a zone is in, and what is ordered of storage and load. A zone's frequency and voltage are its
    operator's word and pay nobody; energy fed in is proven.

    Immutable: orders and balancing actions are inserted once; a feed is changed by a newer revision
    of its window only.

    Who may call: governors authorise operators; operators connect, report, order and end
    emergencies; an owner disconnects its own asset, and anyone one that is verified no more; anyone
    proves energy. A pause stops connecting and nothing else.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "grid-management")

    def confirm_dispatch(
        self,
        order: int,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Counts a proven leaf of an order's storage in one of its windows."""
        return PublicCall(
            ContractCall(
                self.principal,
                "confirm-dispatch",
                (
                    codec.to_uint(order),
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            codec.uint,
            post,
        )

    def connect_asset(
        self, asset: int, limit_w: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Connects a verified asset that may then feed in `limit-w` at most."""
        return PublicCall(
            ContractCall(self.principal, "connect-asset", (codec.to_uint(asset), codec.to_uint(limit_w))),
            codec.boolean,
            post,
        )

    def disconnect_asset(self, asset: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Takes an asset off the grid: by an operator, its owner, or anyone once it is verified no more."""
        return PublicCall(
            ContractCall(self.principal, "disconnect-asset", (codec.to_uint(asset),)), codec.boolean, post
        )

    def dispatch_storage(
        self,
        asset: int,
        direction: int,
        power_w: int,
        first_window: int,
        windows: int,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Orders a connected storage to charge or discharge with `power-w` through `windows` windows.
        Gives the order's id; leaves of its meter say later what it did.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "dispatch-storage",
                (
                    codec.to_uint(asset),
                    codec.to_uint(direction),
                    codec.to_uint(power_w),
                    codec.to_uint(first_window),
                    codec.to_uint(windows),
                ),
            ),
            codec.uint,
            post,
        )

    def implement_emergency_protocol(
        self, zone: int, protocol: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Puts an emergency protocol in force in a zone, or with 0 ends it. While one is in force nothing
        new is connected and no new offer is made in the zone.
        """
        return PublicCall(
            ContractCall(
                self.principal, "implement-emergency-protocol", (codec.to_uint(zone), codec.to_uint(protocol))
            ),
            codec.boolean,
            post,
        )

    def order_balancing(
        self,
        zone: int,
        kind: int,
        power_w: int,
        first_window: int,
        windows: int,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Orders a balancing action of a zone, for its members and their devices to follow."""
        return PublicCall(
            ContractCall(
                self.principal,
                "order-balancing",
                (
                    codec.to_uint(zone),
                    codec.to_uint(kind),
                    codec.to_uint(power_w),
                    codec.to_uint(first_window),
                    codec.to_uint(windows),
                ),
            ),
            codec.uint,
            post,
        )

    def record_power_feed(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """Records what a connected asset fed in and drew in a window, by a proven leaf; tells whether that
        is above its limit. A newer revision of the window replaces an older one.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "record-power-feed",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            codec.boolean,
            post,
        )

    def set_interconnection_limit(
        self, zone: int, limit_w: int, nominal_mhz: int, nominal_mv: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Sets what a zone may feed into the main grid and its nominal frequency and voltage. What is
        connected already stays; only a new connection must fit.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "set-interconnection-limit",
                (
                    codec.to_uint(zone),
                    codec.to_uint(limit_w),
                    codec.to_uint(nominal_mhz),
                    codec.to_uint(nominal_mv),
                ),
            ),
            codec.boolean,
            post,
        )

    def set_island_mode(
        self, zone: int, islanded: bool, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Cuts a zone from the main grid, or joins it again, for which it must be normal."""
        return PublicCall(
            ContractCall(self.principal, "set-island-mode", (codec.to_uint(zone), codec.to_bool(islanded))),
            codec.boolean,
            post,
        )

    def set_operator_authorization(
        self, operator: Principal, authorized: bool, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Makes a principal an operator, or no operator any more."""
        return PublicCall(
            ContractCall(
                self.principal,
                "set-operator-authorization",
                (codec.to_principal(operator), codec.to_bool(authorized)),
            ),
            codec.boolean,
            post,
        )

    def update_grid_status(
        self, zone: int, frequency_mhz: int, voltage_mv: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Reports what is measured in a zone. Far from the nominal values it puts load shedding in force
        at once; only an operator's word ends that.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "update-grid-status",
                (codec.to_uint(zone), codec.to_uint(frequency_mhz), codec.to_uint(voltage_mv)),
            ),
            codec.uint,
            post,
        )

    def get_action(self, action: int) -> ReadCall[Action | None]:
        """`get-action` of `grid-management`."""
        return ReadCall(self.principal, "get-action", (codec.to_uint(action),), codec.optional(Action.read))

    def get_connection(self, asset: int) -> ReadCall[Connection | None]:
        """`get-connection` of `grid-management`."""
        return ReadCall(
            self.principal, "get-connection", (codec.to_uint(asset),), codec.optional(Connection.read)
        )

    def get_current_grid_status(self, zone: int) -> ReadCall[CurrentGridStatus]:
        """The state of a zone: what was measured, how that is judged, what is in force."""
        return ReadCall(
            self.principal, "get-current-grid-status", (codec.to_uint(zone),), CurrentGridStatus.read
        )

    def get_export_limit(self, asset: int) -> ReadCall[int]:
        """What the asset may feed in, in W; 0 if it is not connected."""
        return ReadCall(self.principal, "get-export-limit", (codec.to_uint(asset),), codec.uint)

    def get_feed(self, asset: int, window: int) -> ReadCall[Feed | None]:
        """`get-feed` of `grid-management`."""
        return ReadCall(
            self.principal,
            "get-feed",
            (codec.to_uint(asset), codec.to_uint(window)),
            codec.optional(Feed.read),
        )

    def get_feed_total(self, asset: int) -> ReadCall[FeedTotal]:
        """`get-feed-total` of `grid-management`."""
        return ReadCall(self.principal, "get-feed-total", (codec.to_uint(asset),), FeedTotal.read)

    def get_interconnection(self, zone: int) -> ReadCall[Interconnection]:
        """`get-interconnection` of `grid-management`."""
        return ReadCall(self.principal, "get-interconnection", (codec.to_uint(zone),), Interconnection.read)

    def get_order(self, order: int) -> ReadCall[Order | None]:
        """`get-order` of `grid-management`."""
        return ReadCall(self.principal, "get-order", (codec.to_uint(order),), codec.optional(Order.read))

    def get_order_count(self) -> ReadCall[int]:
        """`get-order-count` of `grid-management`."""
        return ReadCall(self.principal, "get-order-count", (), codec.uint)

    def get_zone_balance(self, window: int, zone: int) -> ReadCall[ZoneBalance | None]:
        """Supply and demand of a zone in an attested window, as meters saw them."""
        return ReadCall(
            self.principal,
            "get-zone-balance",
            (codec.to_uint(window), codec.to_uint(zone)),
            codec.optional(ZoneBalance.read),
        )

    def is_authorized_operator(self, who: Principal) -> ReadCall[bool]:
        """`is-authorized-operator` of `grid-management`."""
        return ReadCall(self.principal, "is-authorized-operator", (codec.to_principal(who),), codec.boolean)

    def is_connected(self, asset: int) -> ReadCall[bool]:
        """True if the asset is connected and its registration still counts."""
        return ReadCall(self.principal, "is-connected", (codec.to_uint(asset),), codec.boolean)

    def may_trade(self, asset: int) -> ReadCall[bool]:
        """True if the asset is connected and no emergency stops new trades in its zone."""
        return ReadCall(self.principal, "may-trade", (codec.to_uint(asset),), codec.boolean)


ERR_NOT_GOVERNOR: Final = BY_CODE[860]
ERR_NOT_OPERATOR: Final = BY_CODE[861]
ERR_PAUSED: Final = BY_CODE[862]
ERR_SAME: Final = BY_CODE[863]
ERR_UNKNOWN_ASSET: Final = BY_CODE[864]
ERR_NOT_VERIFIED: Final = BY_CODE[865]
ERR_CONNECTED: Final = BY_CODE[866]
ERR_NOT_CONNECTED: Final = BY_CODE[867]
ERR_LIMIT: Final = BY_CODE[868]
ERR_ZONE_LIMIT: Final = BY_CODE[869]
ERR_MEASUREMENT: Final = BY_CODE[870]
ERR_PROTOCOL: Final = BY_CODE[871]
ERR_EMERGENCY: Final = BY_CODE[872]
ERR_ISLAND: Final = BY_CODE[873]
ERR_NOT_STORAGE: Final = BY_CODE[874]
ERR_KIND: Final = BY_CODE[875]
ERR_WINDOWS: Final = BY_CODE[876]
ERR_POWER: Final = BY_CODE[877]
ERR_UNKNOWN_ORDER: Final = BY_CODE[878]
ERR_OTHER_LEAF: Final = BY_CODE[879]
ERR_COUNTED: Final = BY_CODE[880]
ERR_GAP: Final = BY_CODE[881]

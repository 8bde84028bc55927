"""The contract `registration`, typed.

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
    "ERR_CAPACITY",
    "ERR_EXPIRED",
    "ERR_HASH",
    "ERR_KEY",
    "ERR_KEY_IN_USE",
    "ERR_KIND",
    "ERR_KNOWN_REFERENCE",
    "ERR_KNOWN_USER",
    "ERR_METER_IN_USE",
    "ERR_NOT_ALLOWED",
    "ERR_NOT_PENDING",
    "ERR_PAUSED",
    "ERR_REVOKED",
    "ERR_SAME_OWNER",
    "ERR_SOURCE",
    "ERR_TEXT",
    "ERR_UNKNOWN_DEVICE",
    "ERR_UNKNOWN_USER",
    "Details",
    "Device",
    "ProducerInfo",
    "RegistrationContract",
    "User",
]


@dataclass(frozen=True, slots=True)
class Details:
    """A tuple of registration."""

    curve: int
    key: bytes
    kind: int
    location: bytes
    meter_id: bytes
    source: int
    valid_until: int
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "curve": codec.to_uint(self.curve),
            "key": codec.to_buff(self.key, 33),
            "kind": codec.to_uint(self.kind),
            "location": codec.to_buff(self.location, 32),
            "meter-id": codec.to_buff(self.meter_id, 32),
            "source": codec.to_uint(self.source),
            "valid-until": codec.to_uint(self.valid_until),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value, "curve", "key", "kind", "location", "meter-id", "source", "valid-until", "zone"
        )
        return cls(
            codec.uint(held["curve"]),
            codec.buff(held["key"]),
            codec.uint(held["kind"]),
            codec.buff(held["location"]),
            codec.buff(held["meter-id"]),
            codec.uint(held["source"]),
            codec.uint(held["valid-until"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class Device:
    """A tuple of registration."""

    capacity_w: int
    curve: int
    description: str
    key: bytes
    kind: int
    location: bytes
    meter_id: bytes
    owner: Principal
    source: int
    status: int
    valid_until: int
    zone: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "capacity-w": codec.to_uint(self.capacity_w),
            "curve": codec.to_uint(self.curve),
            "description": codec.to_ascii(self.description, 64),
            "key": codec.to_buff(self.key, 33),
            "kind": codec.to_uint(self.kind),
            "location": codec.to_buff(self.location, 32),
            "meter-id": codec.to_buff(self.meter_id, 32),
            "owner": codec.to_principal(self.owner),
            "source": codec.to_uint(self.source),
            "status": codec.to_uint(self.status),
            "valid-until": codec.to_uint(self.valid_until),
            "zone": codec.to_uint(self.zone),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "capacity-w",
            "curve",
            "description",
            "key",
            "kind",
            "location",
            "meter-id",
            "owner",
            "source",
            "status",
            "valid-until",
            "zone",
        )
        return cls(
            codec.uint(held["capacity-w"]),
            codec.uint(held["curve"]),
            codec.ascii_text(held["description"]),
            codec.buff(held["key"]),
            codec.uint(held["kind"]),
            codec.buff(held["location"]),
            codec.buff(held["meter-id"]),
            codec.principal(held["owner"]),
            codec.uint(held["source"]),
            codec.uint(held["status"]),
            codec.uint(held["valid-until"]),
            codec.uint(held["zone"]),
        )


@dataclass(frozen=True, slots=True)
class ProducerInfo:
    """A tuple of registration."""

    location: bytes
    name: str
    registered_at: int
    source: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "location": codec.to_buff(self.location, 32),
            "name": codec.to_ascii(self.name, 64),
            "registered-at": codec.to_uint(self.registered_at),
            "source": codec.to_uint(self.source),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "location", "name", "registered-at", "source")
        return cls(
            codec.buff(held["location"]),
            codec.ascii_text(held["name"]),
            codec.uint(held["registered-at"]),
            codec.uint(held["source"]),
        )


@dataclass(frozen=True, slots=True)
class User:
    """A tuple of registration."""

    kind: int
    profile: bytes
    registered_at: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "kind": codec.to_uint(self.kind),
            "profile": codec.to_buff(self.profile, 32),
            "registered-at": codec.to_uint(self.registered_at),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "kind", "profile", "registered-at")
        return cls(
            codec.uint(held["kind"]),
            codec.buff(held["profile"]),
            codec.uint(held["registered-at"]),
        )


@dataclass(frozen=True, slots=True)
class RegistrationContract:
    """`registration`.

    Decides: which users, producers and devices exist, and which devices count.

    It holds hashes only: no address, no meter number and no name of a home.

    Immutable: device ids 1, 2, 3 ... are inserted once and a revoked device never comes back; at
    any time a meter key and a meter id belong to at most one verified device.

    Who may call: anyone registers itself and its devices; holders of the role "verifier" verify and
    revoke; an owner revokes, transfers and rotates the key of its own; after a device's validity
    anyone may revoke it. A pause stops registration, verification and transfer; revoking and
    rotating go on.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "registration")

    def register_device(
        self,
        reference: int,
        description: str,
        capacity_w: int,
        details: Details,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Adds a device of the caller, pending verification: `reference` is the owner's own number for it,
        `valid-until` a time in seconds or 0. Gives the device id.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "register-device",
                (
                    codec.to_uint(reference),
                    codec.to_ascii(description, 64),
                    codec.to_uint(capacity_w),
                    details.value(),
                ),
            ),
            codec.uint,
            post,
        )

    def register_producer(
        self, name: str, source: int, location: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Lists a registered user as a producer of energy."""
        return PublicCall(
            ContractCall(
                self.principal,
                "register-producer",
                (codec.to_ascii(name, 64), codec.to_uint(source), codec.to_buff(location, 32)),
            ),
            codec.boolean,
            post,
        )

    def register_user(
        self, kind: int, profile: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Registers the caller; `profile` is a salted hash of what it is called elsewhere."""
        return PublicCall(
            ContractCall(self.principal, "register-user", (codec.to_uint(kind), codec.to_buff(profile, 32))),
            codec.boolean,
            post,
        )

    def revoke_asset(self, device: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Ends a device for good: by a verifier, by its owner, or by anyone after its validity."""
        return PublicCall(
            ContractCall(self.principal, "revoke-asset", (codec.to_uint(device),)), codec.boolean, post
        )

    def rotate_meter_key(
        self, device: int, curve: int, key: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Replaces a meter key. A verifier's word keeps the device in the registry; an owner's sends it
        back to be verified, since who sets the key can sign any reading.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "rotate-meter-key",
                (codec.to_uint(device), codec.to_uint(curve), codec.to_buff(key, 33)),
            ),
            codec.boolean,
            post,
        )

    def transfer_ownership(
        self, device: int, to: Principal, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Hands a device to another registered user; its readings and its status stay."""
        return PublicCall(
            ContractCall(
                self.principal, "transfer-ownership", (codec.to_uint(device), codec.to_principal(to))
            ),
            codec.boolean,
            post,
        )

    def verify_asset(self, device: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """A verifier has checked the device, its key and its meter: it joins the registry."""
        return PublicCall(
            ContractCall(self.principal, "verify-asset", (codec.to_uint(device),)), codec.boolean, post
        )

    def get_device(self, device: int) -> ReadCall[Device | None]:
        """`get-device` of `registration`."""
        return ReadCall(self.principal, "get-device", (codec.to_uint(device),), codec.optional(Device.read))

    def get_device_by_reference(self, owner: Principal, reference: int) -> ReadCall[int | None]:
        """`get-device-by-reference` of `registration`."""
        return ReadCall(
            self.principal,
            "get-device-by-reference",
            (codec.to_principal(owner), codec.to_uint(reference)),
            codec.optional(codec.uint),
        )

    def get_device_count(self) -> ReadCall[int]:
        """`get-device-count` of `registration`."""
        return ReadCall(self.principal, "get-device-count", (), codec.uint)

    def get_devices(self, ids: tuple[int, ...]) -> ReadCall[tuple[Device | None, ...]]:
        """A page of devices, one place for each id asked."""
        return ReadCall(
            self.principal,
            "get-devices",
            (codec.to_list(ids, 25, codec.to_uint),),
            codec.sequence(codec.optional(Device.read)),
        )

    def get_producer_info(self, who: Principal) -> ReadCall[ProducerInfo | None]:
        """`get-producer-info` of `registration`."""
        return ReadCall(
            self.principal, "get-producer-info", (codec.to_principal(who),), codec.optional(ProducerInfo.read)
        )

    def get_registry_revision(self) -> ReadCall[int]:
        """A number that differs if the registry may differ: nodes poll it, then read pages."""
        return ReadCall(self.principal, "get-registry-revision", (), codec.uint)

    def get_user(self, who: Principal) -> ReadCall[User | None]:
        """`get-user` of `registration`."""
        return ReadCall(self.principal, "get-user", (codec.to_principal(who),), codec.optional(User.read))

    def is_verified_at(self, device: int, time_s: int) -> ReadCall[bool]:
        """True if the device is verified and its validity covers `time-s`."""
        return ReadCall(
            self.principal, "is-verified-at", (codec.to_uint(device), codec.to_uint(time_s)), codec.boolean
        )


ERR_NOT_ALLOWED: Final = BY_CODE[200]
ERR_PAUSED: Final = BY_CODE[201]
ERR_KNOWN_USER: Final = BY_CODE[202]
ERR_UNKNOWN_USER: Final = BY_CODE[203]
ERR_KIND: Final = BY_CODE[204]
ERR_SOURCE: Final = BY_CODE[205]
ERR_HASH: Final = BY_CODE[206]
ERR_CAPACITY: Final = BY_CODE[207]
ERR_KEY: Final = BY_CODE[208]
ERR_KNOWN_REFERENCE: Final = BY_CODE[209]
ERR_UNKNOWN_DEVICE: Final = BY_CODE[210]
ERR_NOT_PENDING: Final = BY_CODE[211]
ERR_REVOKED: Final = BY_CODE[212]
ERR_KEY_IN_USE: Final = BY_CODE[213]
ERR_METER_IN_USE: Final = BY_CODE[214]
ERR_EXPIRED: Final = BY_CODE[215]
ERR_SAME_OWNER: Final = BY_CODE[216]
ERR_TEXT: Final = BY_CODE[217]

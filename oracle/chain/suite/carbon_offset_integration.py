"""The contract `carbon-offset-integration`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall, responded
from oracle.chain.post_conditions import Asset
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Leaf
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_ATTRIBUTES",
    "ERR_CLAIM",
    "ERR_ENERGY",
    "ERR_INTERVAL",
    "ERR_ISSUED",
    "ERR_NOT_CLEAN",
    "ERR_NOT_OWNER",
    "ERR_NOT_REGISTERED",
    "ERR_OVERLAP",
    "ERR_PAUSED",
    "ERR_QUALITY",
    "ERR_RECIPIENT",
    "ERR_REGISTERED",
    "Attributes",
    "CarbonOffsetIntegrationContract",
    "Certificate",
    "IssueCarbonCreditsResult",
    "Leaf",
    "Plant",
    "Retirement",
    "Totals",
    "TransferManyMemoTransfer",
    "TransferManyTransfer",
]


@dataclass(frozen=True, slots=True)
class IssueCarbonCreditsResult:
    """A tuple of carbon-offset-integration."""

    issued: int
    token_id: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "issued": codec.to_uint(self.issued),
            "token-id": codec.to_uint(self.token_id),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "issued", "token-id")
        return cls(
            codec.uint(held["issued"]),
            codec.uint(held["token-id"]),
        )


@dataclass(frozen=True, slots=True)
class Attributes:
    """A tuple of carbon-offset-integration."""

    configuration: int
    country: str
    operational_since: int
    technology: str

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "configuration": codec.to_uint(self.configuration),
            "country": codec.to_ascii(self.country, 2),
            "operational-since": codec.to_uint(self.operational_since),
            "technology": codec.to_ascii(self.technology, 32),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "configuration", "country", "operational-since", "technology")
        return cls(
            codec.uint(held["configuration"]),
            codec.ascii_text(held["country"]),
            codec.uint(held["operational-since"]),
            codec.ascii_text(held["technology"]),
        )


@dataclass(frozen=True, slots=True)
class TransferManyTransfer:
    """A tuple of carbon-offset-integration."""

    amount: int
    recipient: Principal
    sender: Principal
    token_id: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "amount": codec.to_uint(self.amount),
            "recipient": codec.to_principal(self.recipient),
            "sender": codec.to_principal(self.sender),
            "token-id": codec.to_uint(self.token_id),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "amount", "recipient", "sender", "token-id")
        return cls(
            codec.uint(held["amount"]),
            codec.principal(held["recipient"]),
            codec.principal(held["sender"]),
            codec.uint(held["token-id"]),
        )


@dataclass(frozen=True, slots=True)
class TransferManyMemoTransfer:
    """A tuple of carbon-offset-integration."""

    amount: int
    memo: bytes
    recipient: Principal
    sender: Principal
    token_id: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "amount": codec.to_uint(self.amount),
            "memo": codec.to_buff(self.memo, 34),
            "recipient": codec.to_principal(self.recipient),
            "sender": codec.to_principal(self.sender),
            "token-id": codec.to_uint(self.token_id),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "amount", "memo", "recipient", "sender", "token-id")
        return cls(
            codec.uint(held["amount"]),
            codec.buff(held["memo"]),
            codec.principal(held["recipient"]),
            codec.principal(held["sender"]),
            codec.uint(held["token-id"]),
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A tuple of carbon-offset-integration."""

    assurance: int
    capacity_w: int
    carbon_g_per_kwh: int
    configuration: int
    country: str
    device: int
    end: int
    issued_at: int
    operational_since: int
    producer: Principal
    quality: int
    revision: int
    source: int
    start: int
    technology: str
    wh: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "assurance": codec.to_uint(self.assurance),
            "capacity-w": codec.to_uint(self.capacity_w),
            "carbon-g-per-kwh": codec.to_uint(self.carbon_g_per_kwh),
            "configuration": codec.to_uint(self.configuration),
            "country": codec.to_ascii(self.country, 2),
            "device": codec.to_uint(self.device),
            "end": codec.to_uint(self.end),
            "issued-at": codec.to_uint(self.issued_at),
            "operational-since": codec.to_uint(self.operational_since),
            "producer": codec.to_principal(self.producer),
            "quality": codec.to_uint(self.quality),
            "revision": codec.to_uint(self.revision),
            "source": codec.to_uint(self.source),
            "start": codec.to_uint(self.start),
            "technology": codec.to_ascii(self.technology, 32),
            "wh": codec.to_uint(self.wh),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "assurance",
            "capacity-w",
            "carbon-g-per-kwh",
            "configuration",
            "country",
            "device",
            "end",
            "issued-at",
            "operational-since",
            "producer",
            "quality",
            "revision",
            "source",
            "start",
            "technology",
            "wh",
            "window",
        )
        return cls(
            codec.uint(held["assurance"]),
            codec.uint(held["capacity-w"]),
            codec.uint(held["carbon-g-per-kwh"]),
            codec.uint(held["configuration"]),
            codec.ascii_text(held["country"]),
            codec.uint(held["device"]),
            codec.uint(held["end"]),
            codec.uint(held["issued-at"]),
            codec.uint(held["operational-since"]),
            codec.principal(held["producer"]),
            codec.uint(held["quality"]),
            codec.uint(held["revision"]),
            codec.uint(held["source"]),
            codec.uint(held["start"]),
            codec.ascii_text(held["technology"]),
            codec.uint(held["wh"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class Plant:
    """A tuple of carbon-offset-integration."""

    configuration: int
    country: str
    operational_since: int
    producer: Principal
    technology: str

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "configuration": codec.to_uint(self.configuration),
            "country": codec.to_ascii(self.country, 2),
            "operational-since": codec.to_uint(self.operational_since),
            "producer": codec.to_principal(self.producer),
            "technology": codec.to_ascii(self.technology, 32),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "configuration", "country", "operational-since", "producer", "technology")
        return cls(
            codec.uint(held["configuration"]),
            codec.ascii_text(held["country"]),
            codec.uint(held["operational-since"]),
            codec.principal(held["producer"]),
            codec.ascii_text(held["technology"]),
        )


@dataclass(frozen=True, slots=True)
class Retirement:
    """A tuple of carbon-offset-integration."""

    beneficiary: Principal
    carbon_g: int
    claim: bytes
    holder: Principal
    purpose: str
    retired_at: int
    token_id: int
    wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "beneficiary": codec.to_principal(self.beneficiary),
            "carbon-g": codec.to_uint(self.carbon_g),
            "claim": codec.to_buff(self.claim, 32),
            "holder": codec.to_principal(self.holder),
            "purpose": codec.to_ascii(self.purpose, 64),
            "retired-at": codec.to_uint(self.retired_at),
            "token-id": codec.to_uint(self.token_id),
            "wh": codec.to_uint(self.wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value, "beneficiary", "carbon-g", "claim", "holder", "purpose", "retired-at", "token-id", "wh"
        )
        return cls(
            codec.principal(held["beneficiary"]),
            codec.uint(held["carbon-g"]),
            codec.buff(held["claim"]),
            codec.principal(held["holder"]),
            codec.ascii_text(held["purpose"]),
            codec.uint(held["retired-at"]),
            codec.uint(held["token-id"]),
            codec.uint(held["wh"]),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of carbon-offset-integration."""

    counted: int
    issued: int
    owed: int
    retired: int
    supply: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counted": codec.to_uint(self.counted),
            "issued": codec.to_uint(self.issued),
            "owed": codec.to_uint(self.owed),
            "retired": codec.to_uint(self.retired),
            "supply": codec.to_uint(self.supply),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "counted", "issued", "owed", "retired", "supply")
        return cls(
            codec.uint(held["counted"]),
            codec.uint(held["issued"]),
            codec.uint(held["owed"]),
            codec.uint(held["retired"]),
            codec.uint(held["supply"]),
        )


@dataclass(frozen=True, slots=True)
class CarbonOffsetIntegrationContract:
    """`carbon-offset-integration`.

    Decides: who holds granular certificates of clean energy, which are its carbon credits, and who
    has claimed which. A certificate is a token id (SIP-013) of one device and one production
    interval of at most an hour, with EnergyTag's attributes; its unit is 1 Wh.

    Immutable: a leaf is certified once for each (usage point, window), and no two certify the same
    time. A restatement replaces what was counted and never adds to it: a fall is owed by the
    device, whose next energy pays it before any is issued. Retired units are gone, their claim
    stays.

    Who may call: the owner of a verified device of a clean source registers it; anyone issues,
    since the proof is the authority and the owner gets the units; holders transfer and retire. A
    pause stops registration and issue; holders' rights go on.

    Conservation: issued = counted + owed = supply + retired; counted <= attested. Late data (A8)
    adds a leaf in the midst of the time that a later one has certified: it is refused until that
    one is issued as restated, by anyone. A certificate is the energy's attribute, and no claim on
    the energy itself, which energy-token counts; credit and certificate are one token, so no Wh is
    sold as both.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "carbon-offset-integration")

    @property
    def certified_wh_asset(self) -> Asset:
        """The token `certified-wh`, for post-conditions."""
        return Asset(self.principal, "certified-wh")

    @property
    def certificate_id_asset(self) -> Asset:
        """The token `certificate-id`, for post-conditions."""
        return Asset(self.principal, "certificate-id")

    def issue_carbon_credits(
        self,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[IssueCarbonCreditsResult]:
        """Certifies the exported energy of a proven leaf and gives it to the device's owner: a certificate
        of its own, or what a newer revision adds to it.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "issue-carbon-credits",
                (
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                ),
            ),
            IssueCarbonCreditsResult.read,
            post,
        )

    def register_clean_energy_producer(
        self, device: int, attributes: Attributes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Registers a verified meter of the caller, of a clean source, to be certified. A new owner
        registers it again.
        """
        return PublicCall(
            ContractCall(
                self.principal, "register-clean-energy-producer", (codec.to_uint(device), attributes.value())
            ),
            codec.boolean,
            post,
        )

    def retire_carbon_credits(
        self,
        token_id: int,
        amount: int,
        beneficiary: Principal,
        purpose: str,
        claim: bytes,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Uses the caller's units up, for good: `purpose` and `claim`, the sha256 of its evidence, say
        what for, `beneficiary` for whom. Gives the id of the retirement.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "retire-carbon-credits",
                (
                    codec.to_uint(token_id),
                    codec.to_uint(amount),
                    codec.to_principal(beneficiary),
                    codec.to_ascii(purpose, 64),
                    codec.to_buff(claim, 32),
                ),
            ),
            codec.uint,
            post,
        )

    def transfer(
        self,
        token_id: int,
        amount: int,
        sender: Principal,
        recipient: Principal,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """The sender is who signed the transaction, or the contract that calls."""
        return PublicCall(
            ContractCall(
                self.principal,
                "transfer",
                (
                    codec.to_uint(token_id),
                    codec.to_uint(amount),
                    codec.to_principal(sender),
                    codec.to_principal(recipient),
                ),
            ),
            codec.boolean,
            post,
        )

    def transfer_carbon_credits(
        self, token_id: int, amount: int, recipient: Principal, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """The seeds' name for a transfer of the caller's own units."""
        return PublicCall(
            ContractCall(
                self.principal,
                "transfer-carbon-credits",
                (codec.to_uint(token_id), codec.to_uint(amount), codec.to_principal(recipient)),
            ),
            codec.boolean,
            post,
        )

    def transfer_many(
        self, transfers: tuple[TransferManyTransfer, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """All of these transfers, or none."""
        return PublicCall(
            ContractCall(
                self.principal, "transfer-many", (codec.to_list(transfers, 200, TransferManyTransfer.value),)
            ),
            codec.boolean,
            post,
        )

    def transfer_many_memo(
        self, transfers: tuple[TransferManyMemoTransfer, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """`transfer-many-memo` of `carbon-offset-integration`."""
        return PublicCall(
            ContractCall(
                self.principal,
                "transfer-many-memo",
                (codec.to_list(transfers, 200, TransferManyMemoTransfer.value),),
            ),
            codec.boolean,
            post,
        )

    def transfer_memo(
        self,
        token_id: int,
        amount: int,
        sender: Principal,
        recipient: Principal,
        memo: bytes,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """`transfer-memo` of `carbon-offset-integration`."""
        return PublicCall(
            ContractCall(
                self.principal,
                "transfer-memo",
                (
                    codec.to_uint(token_id),
                    codec.to_uint(amount),
                    codec.to_principal(sender),
                    codec.to_principal(recipient),
                    codec.to_buff(memo, 34),
                ),
            ),
            codec.boolean,
            post,
        )

    def get_balance(self, token_id: int, who: Principal) -> ReadCall[int]:
        """`get-balance` of `carbon-offset-integration`."""
        return ReadCall(
            self.principal,
            "get-balance",
            (codec.to_uint(token_id), codec.to_principal(who)),
            responded(codec.uint),
        )

    def get_carbon_credits_balance(self, who: Principal) -> ReadCall[int]:
        """All credits of a principal, in Wh."""
        return ReadCall(self.principal, "get-carbon-credits-balance", (codec.to_principal(who),), codec.uint)

    def get_carbon_g(self, token_id: int, wh: int) -> ReadCall[int]:
        """The carbon dioxide that so much of a certificate has avoided, in grams, rounded down."""
        return ReadCall(
            self.principal, "get-carbon-g", (codec.to_uint(token_id), codec.to_uint(wh)), codec.uint
        )

    def get_certificate(self, token_id: int) -> ReadCall[Certificate | None]:
        """Everything EnergyTag asks a certificate to say, but for what is the same in all: its carrier is
        electricity, its unit is Wh, it is of production and not of storage, and its issuer is this
        contract.
        """
        return ReadCall(
            self.principal, "get-certificate", (codec.to_uint(token_id),), codec.optional(Certificate.read)
        )

    def get_certificate_count(self) -> ReadCall[int]:
        """`get-certificate-count` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "get-certificate-count", (), codec.uint)

    def get_certificate_of(self, usage_point: int, window: int) -> ReadCall[int | None]:
        """`get-certificate-of` of `carbon-offset-integration`."""
        return ReadCall(
            self.principal,
            "get-certificate-of",
            (codec.to_uint(usage_point), codec.to_uint(window)),
            codec.optional(codec.uint),
        )

    def get_decimals(self, token_id: int) -> ReadCall[int]:
        """A wallet shows kWh."""
        return ReadCall(self.principal, "get-decimals", (codec.to_uint(token_id),), responded(codec.uint))

    def get_overall_balance(self, who: Principal) -> ReadCall[int]:
        """`get-overall-balance` of `carbon-offset-integration`."""
        return ReadCall(
            self.principal, "get-overall-balance", (codec.to_principal(who),), responded(codec.uint)
        )

    def get_overall_supply(self) -> ReadCall[int]:
        """`get-overall-supply` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "get-overall-supply", (), responded(codec.uint))

    def get_owed(self, device: int) -> ReadCall[int]:
        """What a device owes, in Wh."""
        return ReadCall(self.principal, "get-owed", (codec.to_uint(device),), codec.uint)

    def get_plant(self, device: int) -> ReadCall[Plant | None]:
        """`get-plant` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "get-plant", (codec.to_uint(device),), codec.optional(Plant.read))

    def get_retirement(self, retirement: int) -> ReadCall[Retirement | None]:
        """`get-retirement` of `carbon-offset-integration`."""
        return ReadCall(
            self.principal, "get-retirement", (codec.to_uint(retirement),), codec.optional(Retirement.read)
        )

    def get_retirement_count(self) -> ReadCall[int]:
        """`get-retirement-count` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "get-retirement-count", (), codec.uint)

    def get_token_uri(self, token_id: int) -> ReadCall[None]:
        """`get-token-uri` of `carbon-offset-integration`."""
        return ReadCall(
            self.principal,
            "get-token-uri",
            (codec.to_uint(token_id),),
            responded(codec.optional(codec.nothing)),
        )

    def get_total_supply(self, token_id: int) -> ReadCall[int]:
        """`get-total-supply` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "get-total-supply", (codec.to_uint(token_id),), responded(codec.uint))

    def get_totals(self) -> ReadCall[Totals]:
        """All that was ever issued, what of it stands by the newest attestations, what devices owe, and
        what is retired, in Wh.
        """
        return ReadCall(self.principal, "get-totals", (), Totals.read)

    def get_window_certificate(self, device: int, window: int) -> ReadCall[int | None]:
        """The certificate that a window of a device belongs to."""
        return ReadCall(
            self.principal,
            "get-window-certificate",
            (codec.to_uint(device), codec.to_uint(window)),
            codec.optional(codec.uint),
        )

    def is_clean_energy_producer(self, who: Principal) -> ReadCall[bool]:
        """`is-clean-energy-producer` of `carbon-offset-integration`."""
        return ReadCall(self.principal, "is-clean-energy-producer", (codec.to_principal(who),), codec.boolean)


ERR_PAUSED: Final = BY_CODE[1000]
ERR_NOT_OWNER: Final = BY_CODE[1001]
ERR_NOT_CLEAN: Final = BY_CODE[1002]
ERR_ATTRIBUTES: Final = BY_CODE[1003]
ERR_REGISTERED: Final = BY_CODE[1004]
ERR_NOT_REGISTERED: Final = BY_CODE[1005]
ERR_ENERGY: Final = BY_CODE[1006]
ERR_INTERVAL: Final = BY_CODE[1007]
ERR_QUALITY: Final = BY_CODE[1008]
ERR_ISSUED: Final = BY_CODE[1009]
ERR_CLAIM: Final = BY_CODE[1010]
ERR_RECIPIENT: Final = BY_CODE[1011]
ERR_OVERLAP: Final = BY_CODE[1012]

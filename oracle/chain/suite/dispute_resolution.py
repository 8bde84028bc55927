"""The contract `dispute-resolution`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall, responded
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Leaf
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_ENCODING",
    "ERR_EVIDENCE",
    "ERR_GROUND",
    "ERR_JUDGED",
    "ERR_KNOWN",
    "ERR_NOT_ATTESTED",
    "ERR_NOT_FALSE",
    "ERR_NOT_OPERATOR",
    "ERR_NOT_PROVEN",
    "ERR_NOT_VOTER",
    "ERR_NO_NETWORK",
    "ERR_OTHER_KEY",
    "ERR_OTHER_RECORD",
    "ERR_RESOLVED",
    "ERR_RESTATED",
    "ERR_SAME_VOTE",
    "ERR_SIGNATURE",
    "ERR_SINCE",
    "ERR_TALLY",
    "ERR_TOO_LATE",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_CHALLENGE",
    "ERR_UNSUPPORTED",
    "ERR_VOTED",
    "ERR_VOTING_OPEN",
    "ERR_VOTING_OVER",
    "ERR_ZONES",
    "ERR_ZONE_CLOSED",
    "Batch",
    "Bonds",
    "Challenge",
    "DisputeResolutionContract",
    "First",
    "Item",
    "Judgement",
    "Leaf",
    "Parameters",
    "ResolveChallengeResult",
    "Since",
    "SubmitDoubleVoteResult",
    "SubmitFalseBatchLeafResult",
    "Tally",
    "TallyZoneLeaf",
]


@dataclass(frozen=True, slots=True)
class ResolveChallengeResult:
    """A tuple of dispute-resolution."""

    bounty: int
    burned: int
    outcome: int
    slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bounty": codec.to_uint(self.bounty),
            "burned": codec.to_uint(self.burned),
            "outcome": codec.to_uint(self.outcome),
            "slashed": codec.to_uint(self.slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bounty", "burned", "outcome", "slashed")
        return cls(
            codec.uint(held["bounty"]),
            codec.uint(held["burned"]),
            codec.uint(held["outcome"]),
            codec.uint(held["slashed"]),
        )


@dataclass(frozen=True, slots=True)
class First:
    """A tuple of dispute-resolution."""

    digest: bytes | None
    epoch: int
    signature: bytes

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "digest": codec.to_optional(self.digest, lambda one: codec.to_buff(one, 32)),
            "epoch": codec.to_uint(self.epoch),
            "signature": codec.to_buff(self.signature, 65),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "digest", "epoch", "signature")
        return cls(
            codec.optional(codec.buff)(held["digest"]),
            codec.uint(held["epoch"]),
            codec.buff(held["signature"]),
        )


@dataclass(frozen=True, slots=True)
class SubmitDoubleVoteResult:
    """A tuple of dispute-resolution."""

    bounty: int
    burned: int
    operator: int
    slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bounty": codec.to_uint(self.bounty),
            "burned": codec.to_uint(self.burned),
            "operator": codec.to_uint(self.operator),
            "slashed": codec.to_uint(self.slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bounty", "burned", "operator", "slashed")
        return cls(
            codec.uint(held["bounty"]),
            codec.uint(held["burned"]),
            codec.uint(held["operator"]),
            codec.uint(held["slashed"]),
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A tuple of dispute-resolution."""

    data: bytes
    format: str
    time_s: int
    usage_point: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "data": codec.to_buff(self.data, 1088),
            "format": codec.to_ascii(self.format, 16),
            "time-s": codec.to_uint(self.time_s),
            "usage-point": codec.to_uint(self.usage_point),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "data", "format", "time-s", "usage-point")
        return cls(
            codec.buff(held["data"]),
            codec.ascii_text(held["format"]),
            codec.uint(held["time-s"]),
            codec.uint(held["usage-point"]),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A tuple of dispute-resolution."""

    gateway: int
    items: tuple[Item, ...]
    sequence: int
    signature: bytes
    topic: str

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "gateway": codec.to_uint(self.gateway),
            "items": codec.to_list(self.items, 24, Item.value),
            "sequence": codec.to_uint(self.sequence),
            "signature": codec.to_buff(self.signature, 64),
            "topic": codec.to_ascii(self.topic, 16),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "gateway", "items", "sequence", "signature", "topic")
        return cls(
            codec.uint(held["gateway"]),
            codec.sequence(Item.read)(held["items"]),
            codec.uint(held["sequence"]),
            codec.buff(held["signature"]),
            codec.ascii_text(held["topic"]),
        )


@dataclass(frozen=True, slots=True)
class SubmitFalseBatchLeafResult:
    """A tuple of dispute-resolution."""

    bounty: int
    burned: int
    operators: tuple[int, ...]
    slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bounty": codec.to_uint(self.bounty),
            "burned": codec.to_uint(self.burned),
            "operators": codec.to_list(self.operators, 31, codec.to_uint),
            "slashed": codec.to_uint(self.slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bounty", "burned", "operators", "slashed")
        return cls(
            codec.uint(held["bounty"]),
            codec.uint(held["burned"]),
            codec.sequence(codec.uint)(held["operators"]),
            codec.uint(held["slashed"]),
        )


@dataclass(frozen=True, slots=True)
class Since:
    """A tuple of dispute-resolution."""

    index: int
    leaf: Leaf
    siblings: tuple[bytes, ...]

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "index": codec.to_uint(self.index),
            "leaf": self.leaf.value(),
            "siblings": codec.to_list(self.siblings, 24, lambda one: codec.to_buff(one, 32)),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "index", "leaf", "siblings")
        return cls(
            codec.uint(held["index"]),
            Leaf.read(held["leaf"]),
            codec.sequence(codec.buff)(held["siblings"]),
        )


@dataclass(frozen=True, slots=True)
class TallyZoneLeaf:
    """A tuple of dispute-resolution."""

    leaf: Leaf
    siblings: tuple[bytes, ...]

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "leaf": self.leaf.value(),
            "siblings": codec.to_list(self.siblings, 24, lambda one: codec.to_buff(one, 32)),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "leaf", "siblings")
        return cls(
            Leaf.read(held["leaf"]),
            codec.sequence(codec.buff)(held["siblings"]),
        )


@dataclass(frozen=True, slots=True)
class Bonds:
    """A tuple of dispute-resolution."""

    burned: int
    held: int
    paid: int
    refunded: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "burned": codec.to_uint(self.burned),
            "held": codec.to_uint(self.held),
            "paid": codec.to_uint(self.paid),
            "refunded": codec.to_uint(self.refunded),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "burned", "held", "paid", "refunded")
        return cls(
            codec.uint(held["burned"]),
            codec.uint(held["held"]),
            codec.uint(held["paid"]),
            codec.uint(held["refunded"]),
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """A tuple of dispute-resolution."""

    accused: int
    challenger: Principal
    deadline: int
    epoch: int
    evidence: bytes
    ground: int
    guilty: int
    innocent: int
    outcome: int
    owner: Principal
    seats: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "accused": codec.to_uint(self.accused),
            "challenger": codec.to_principal(self.challenger),
            "deadline": codec.to_uint(self.deadline),
            "epoch": codec.to_uint(self.epoch),
            "evidence": codec.to_buff(self.evidence, 32),
            "ground": codec.to_uint(self.ground),
            "guilty": codec.to_uint(self.guilty),
            "innocent": codec.to_uint(self.innocent),
            "outcome": codec.to_uint(self.outcome),
            "owner": codec.to_principal(self.owner),
            "seats": codec.to_uint(self.seats),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "accused",
            "challenger",
            "deadline",
            "epoch",
            "evidence",
            "ground",
            "guilty",
            "innocent",
            "outcome",
            "owner",
            "seats",
            "window",
        )
        return cls(
            codec.uint(held["accused"]),
            codec.principal(held["challenger"]),
            codec.uint(held["deadline"]),
            codec.uint(held["epoch"]),
            codec.buff(held["evidence"]),
            codec.uint(held["ground"]),
            codec.uint(held["guilty"]),
            codec.uint(held["innocent"]),
            codec.uint(held["outcome"]),
            codec.principal(held["owner"]),
            codec.uint(held["seats"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A tuple of dispute-resolution."""

    at: int
    by: Principal
    ground: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "at": codec.to_uint(self.at),
            "by": codec.to_principal(self.by),
            "ground": codec.to_uint(self.ground),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "at", "by", "ground")
        return cls(
            codec.uint(held["at"]),
            codec.principal(held["by"]),
            codec.uint(held["ground"]),
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """A tuple of dispute-resolution."""

    bond_ustx: int
    bounty_bps: int
    challenge_bps: int
    dispute_s: int
    double_vote_bps: int
    false_leaf_bps: int
    false_sum_bps: int
    resolve_s: int
    voting_s: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bond-ustx": codec.to_uint(self.bond_ustx),
            "bounty-bps": codec.to_uint(self.bounty_bps),
            "challenge-bps": codec.to_uint(self.challenge_bps),
            "dispute-s": codec.to_uint(self.dispute_s),
            "double-vote-bps": codec.to_uint(self.double_vote_bps),
            "false-leaf-bps": codec.to_uint(self.false_leaf_bps),
            "false-sum-bps": codec.to_uint(self.false_sum_bps),
            "resolve-s": codec.to_uint(self.resolve_s),
            "voting-s": codec.to_uint(self.voting_s),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "bond-ustx",
            "bounty-bps",
            "challenge-bps",
            "dispute-s",
            "double-vote-bps",
            "false-leaf-bps",
            "false-sum-bps",
            "resolve-s",
            "voting-s",
        )
        return cls(
            codec.uint(held["bond-ustx"]),
            codec.uint(held["bounty-bps"]),
            codec.uint(held["challenge-bps"]),
            codec.uint(held["dispute-s"]),
            codec.uint(held["double-vote-bps"]),
            codec.uint(held["false-leaf-bps"]),
            codec.uint(held["false-sum-bps"]),
            codec.uint(held["resolve-s"]),
            codec.uint(held["voting-s"]),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """A tuple of dispute-resolution."""

    counted: int
    export_wh: int
    import_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "counted": codec.to_uint(self.counted),
            "export-wh": codec.to_uint(self.export_wh),
            "import-wh": codec.to_uint(self.import_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "counted", "export-wh", "import-wh")
        return cls(
            codec.uint(held["counted"]),
            codec.uint(held["export-wh"]),
            codec.uint(held["import-wh"]),
        )


@dataclass(frozen=True, slots=True)
class DisputeResolutionContract:
    """`dispute-resolution`.

    Decides: whether members of a committee have broken the rules, and what that costs them. Double
    votes (E1), leaves that do not follow from their record (E2) and false sums (E3) are decided
    here, at once; what no contract can decide, a withheld record among it (E4, ADR 0010), is put to
    a bonded vote with a deadline (E5).

    Immutable: judgements, votes and challenges are inserted once. A vote is punished once for each
    (operator, height, round, phase), an attestation once for each (window, revision): one
    signature, one punishment, however many proofs there are.

    Who may call: anyone shows evidence and gets the bounty; anyone opens a challenge with a bond;
    owners of the committee vote. The pause does not reach here.

    Sound: an honest committee is never slashed, whatever a meter or a gateway has signed. A leaf
    names its record, so two stories of one meter frame nobody; and of a record only what is
    understood beyond doubt counts. All else is unsupported, and no offence.

    Conservation: bonds paid = refunded + burned + held here.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "dispute-resolution")

    def open_challenge(
        self, accused: int, ground: int, evidence: bytes, window: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Accuses an operator of what no contract can decide, with a bond. `evidence` is the sha256 of the
        file that voters judge. The accused's bond is held until the vote is over.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "open-challenge",
                (
                    codec.to_uint(accused),
                    codec.to_uint(ground),
                    codec.to_buff(evidence, 32),
                    codec.to_uint(window),
                ),
            ),
            codec.uint,
            post,
        )

    def resolve_challenge(
        self, id_: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[ResolveChallengeResult]:
        """Ends a challenge: guilty or acquitted by more than half of all seats, of which more than the
        faulty third is needed, so that f liars convict nobody; undecided without.
        """
        return PublicCall(
            ContractCall(self.principal, "resolve-challenge", (codec.to_uint(id_),)),
            ResolveChallengeResult.read,
            post,
        )

    def submit_double_vote(
        self,
        height: int,
        round_: int,
        phase: int,
        first: First,
        second: First,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[SubmitDoubleVoteResult]:
        """E1: two votes of one key for one (height, round, phase) with different digests. Slashes the
        operator whose key it is or was.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-double-vote",
                (
                    codec.to_uint(height),
                    codec.to_uint(round_),
                    codec.to_uint(phase),
                    first.value(),
                    second.value(),
                ),
            ),
            SubmitDoubleVoteResult.read,
            post,
        )

    def submit_false_batch_leaf(
        self,
        window: int,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        batch: Batch,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[SubmitFalseBatchLeafResult]:
        """E2 of a leaf that names a gateway's batch."""
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-false-batch-leaf",
                (
                    codec.to_uint(window),
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                    batch.value(),
                ),
            ),
            SubmitFalseBatchLeafResult.read,
            post,
        )

    def submit_false_energy(
        self,
        window: int,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        since_zone: int,
        since: Since | None,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[SubmitFalseBatchLeafResult]:
        """E3: a leaf whose energy is not the difference of two attested registers, its own and those of
        the leaf at `since`. Where a register fell it may have rolled over at a maximum that only the
        record tells: then energy is at least the new register, and at most what the largest maximum
        leaves. A leaf that begins at its own window has none.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-false-energy",
                (
                    codec.to_uint(window),
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                    codec.to_uint(since_zone),
                    codec.to_optional(since, Since.value),
                ),
            ),
            SubmitFalseBatchLeafResult.read,
            post,
        )

    def submit_false_leaf(
        self,
        window: int,
        revision: int,
        zone: int,
        leaf: Leaf,
        index: int,
        siblings: tuple[bytes, ...],
        record: bytes,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[SubmitFalseBatchLeafResult]:
        """E2: a leaf that does not follow from the bare OCMF record it names. Slashes every signer of the
        attestation.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-false-leaf",
                (
                    codec.to_uint(window),
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    leaf.value(),
                    codec.to_uint(index),
                    codec.to_list(siblings, 24, lambda one: codec.to_buff(one, 32)),
                    codec.to_buff(record, 1024),
                ),
            ),
            SubmitFalseBatchLeafResult.read,
            post,
        )

    def submit_false_window(
        self, window: int, revision: int, zones: tuple[int, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[SubmitFalseBatchLeafResult]:
        """E3: a window whose totals are not those of its zones, all of which are open."""
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-false-window",
                (codec.to_uint(window), codec.to_uint(revision), codec.to_list(zones, 64, codec.to_uint)),
            ),
            SubmitFalseBatchLeafResult.read,
            post,
        )

    def submit_false_zone(
        self, window: int, revision: int, zone: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[SubmitFalseBatchLeafResult]:
        """E3: a zone whose totals are not those of its leaves, all of which are tallied."""
        return PublicCall(
            ContractCall(
                self.principal,
                "submit-false-zone",
                (codec.to_uint(window), codec.to_uint(revision), codec.to_uint(zone)),
            ),
            SubmitFalseBatchLeafResult.read,
            post,
        )

    def tally_zone(
        self,
        window: int,
        revision: int,
        zone: int,
        leaves: tuple[TallyZoneLeaf, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Adds up the next leaves of an open zone, in their order. Only proven leaves count, so it is no
        matter who brings them, nor in how many calls.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "tally-zone",
                (
                    codec.to_uint(window),
                    codec.to_uint(revision),
                    codec.to_uint(zone),
                    codec.to_list(leaves, 25, TallyZoneLeaf.value),
                ),
            ),
            codec.uint,
            post,
        )

    def vote_challenge(self, id_: int, guilty: bool, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """The vote of an owner, for all its members of the challenge's epoch. The owner of the accused has
        none. Gives the seats it counted for.
        """
        return PublicCall(
            ContractCall(self.principal, "vote-challenge", (codec.to_uint(id_), codec.to_bool(guilty))),
            codec.uint,
            post,
        )

    def get_bonds(self) -> ReadCall[Bonds]:
        """Bonds in, bonds back, bonds burned and what is held for open challenges, in microSTX."""
        return ReadCall(self.principal, "get-bonds", (), Bonds.read)

    def get_challenge(self, id_: int) -> ReadCall[Challenge | None]:
        """`get-challenge` of `dispute-resolution`."""
        return ReadCall(
            self.principal, "get-challenge", (codec.to_uint(id_),), codec.optional(Challenge.read)
        )

    def get_challenge_count(self) -> ReadCall[int]:
        """`get-challenge-count` of `dispute-resolution`."""
        return ReadCall(self.principal, "get-challenge-count", (), codec.uint)

    def get_challenge_of(
        self, accused: int, ground: int, window: int, evidence: bytes
    ) -> ReadCall[int | None]:
        """`get-challenge-of` of `dispute-resolution`."""
        return ReadCall(
            self.principal,
            "get-challenge-of",
            (
                codec.to_uint(accused),
                codec.to_uint(ground),
                codec.to_uint(window),
                codec.to_buff(evidence, 32),
            ),
            codec.optional(codec.uint),
        )

    def get_challenge_vote(self, id_: int, owner: Principal) -> ReadCall[bool | None]:
        """`get-challenge-vote` of `dispute-resolution`."""
        return ReadCall(
            self.principal,
            "get-challenge-vote",
            (codec.to_uint(id_), codec.to_principal(owner)),
            codec.optional(codec.boolean),
        )

    def get_double_vote(
        self, operator: int, height: int, round_: int, phase: int
    ) -> ReadCall[Principal | None]:
        """Who showed this double vote, if it is punished."""
        return ReadCall(
            self.principal,
            "get-double-vote",
            (codec.to_uint(operator), codec.to_uint(height), codec.to_uint(round_), codec.to_uint(phase)),
            codec.optional(codec.principal),
        )

    def get_judgement(self, window: int, revision: int) -> ReadCall[Judgement | None]:
        """Why, by whom and when an attestation was shown to be false."""
        return ReadCall(
            self.principal,
            "get-judgement",
            (codec.to_uint(window), codec.to_uint(revision)),
            codec.optional(Judgement.read),
        )

    def get_parameters(self) -> ReadCall[Parameters]:
        """`get-parameters` of `dispute-resolution`."""
        return ReadCall(self.principal, "get-parameters", (), Parameters.read)

    def get_tally(self, window: int, revision: int, zone: int) -> ReadCall[Tally | None]:
        """`get-tally` of `dispute-resolution`."""
        return ReadCall(
            self.principal,
            "get-tally",
            (codec.to_uint(window), codec.to_uint(revision), codec.to_uint(zone)),
            codec.optional(Tally.read),
        )

    def judge_batch(self, leaf: Leaf, batch: Batch) -> ReadCall[bool]:
        """The same of a gateway's batch: false if one of its items for the usage point may be where the
        leaf comes from. A register item has both registers and stands in the window of its time; an
        OCMF item is judged as a record is. A leaf of a usage point that the batch does not speak of
        follows from nothing.
        """
        return ReadCall(
            self.principal, "judge-batch", (leaf.value(), batch.value()), responded(codec.boolean)
        )

    def judge_record(self, leaf: Leaf, record: bytes) -> ReadCall[bool]:
        """True if the leaf does not follow from this OCMF record, false if it may, or the error that the
        record is another or not understood. Every "RV", "RI" and "RU" of it must stand in a reading
        `"RV":n,"RI":"..","RU":".."` of a total register in kWh or Wh; without a backslash a key has one
        spelling, and without a stray key no reading inherits from two. So the values met are all the
        values there are. Of a direction that the record reads, the leaf has one of them; where another
        direction is read too, the last reading may lack this one, and then the leaf has no energy of
        it, as it has none of a direction that is not read at all.
        """
        return ReadCall(
            self.principal,
            "judge-record",
            (leaf.value(), codec.to_buff(record, 1024)),
            responded(codec.boolean),
        )


ERR_ENCODING: Final = BY_CODE[500]
ERR_NO_NETWORK: Final = BY_CODE[501]
ERR_SIGNATURE: Final = BY_CODE[502]
ERR_OTHER_KEY: Final = BY_CODE[503]
ERR_SAME_VOTE: Final = BY_CODE[504]
ERR_NOT_OPERATOR: Final = BY_CODE[505]
ERR_JUDGED: Final = BY_CODE[506]
ERR_NOT_ATTESTED: Final = BY_CODE[507]
ERR_TOO_LATE: Final = BY_CODE[508]
ERR_ZONE_CLOSED: Final = BY_CODE[509]
ERR_NOT_PROVEN: Final = BY_CODE[510]
ERR_RESTATED: Final = BY_CODE[511]
ERR_OTHER_RECORD: Final = BY_CODE[512]
ERR_UNSUPPORTED: Final = BY_CODE[513]
ERR_NOT_FALSE: Final = BY_CODE[514]
ERR_SINCE: Final = BY_CODE[515]
ERR_ZONES: Final = BY_CODE[516]
ERR_TALLY: Final = BY_CODE[517]
ERR_GROUND: Final = BY_CODE[518]
ERR_EVIDENCE: Final = BY_CODE[519]
ERR_KNOWN: Final = BY_CODE[520]
ERR_TRANSFER: Final = BY_CODE[521]
ERR_UNKNOWN_CHALLENGE: Final = BY_CODE[522]
ERR_NOT_VOTER: Final = BY_CODE[523]
ERR_VOTED: Final = BY_CODE[524]
ERR_VOTING_OVER: Final = BY_CODE[525]
ERR_VOTING_OPEN: Final = BY_CODE[526]
ERR_RESOLVED: Final = BY_CODE[527]

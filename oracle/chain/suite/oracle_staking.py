"""The contract `oracle-staking`, typed.

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
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AMOUNT",
    "ERR_BARRED",
    "ERR_BOUNTY",
    "ERR_COMMITTEE_SIZE",
    "ERR_COUNTED",
    "ERR_DUPLICATE_OPERATOR",
    "ERR_ENCODING",
    "ERR_GROUP_KEY",
    "ERR_HELD",
    "ERR_INITIALISED",
    "ERR_IN_COMMITTEE",
    "ERR_KEY_PROOF",
    "ERR_KEY_USED",
    "ERR_NOTHING_UNBONDING",
    "ERR_NOT_BARRED",
    "ERR_NOT_DISPUTE",
    "ERR_NOT_GOVERNOR",
    "ERR_NOT_INITIALISED",
    "ERR_NOT_OF_EPOCH",
    "ERR_NOT_OWNER",
    "ERR_NO_PROPOSAL",
    "ERR_PAUSED",
    "ERR_STAKE_TOO_SMALL",
    "ERR_STILL_UNBONDING",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_OPERATOR",
    "ERR_WINDOW_LENGTH",
    "ERR_WINDOW_UNALIGNED",
    "Attested",
    "Epoch",
    "Operator",
    "OracleStakingContract",
    "Parameters",
    "Participation",
    "ProposedEpoch",
    "SlashResult",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class Attested:
    """A tuple of oracle-staking."""

    revision: int
    window: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "revision": codec.to_uint(self.revision),
            "window": codec.to_uint(self.window),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "revision", "window")
        return cls(
            codec.uint(held["revision"]),
            codec.uint(held["window"]),
        )


@dataclass(frozen=True, slots=True)
class SlashResult:
    """A tuple of oracle-staking."""

    bounty: int
    burned: int
    slashed: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bounty": codec.to_uint(self.bounty),
            "burned": codec.to_uint(self.burned),
            "slashed": codec.to_uint(self.slashed),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bounty", "burned", "slashed")
        return cls(
            codec.uint(held["bounty"]),
            codec.uint(held["burned"]),
            codec.uint(held["slashed"]),
        )


@dataclass(frozen=True, slots=True)
class Epoch:
    """A tuple of oracle-staking."""

    activated_at: int
    commitments: bytes
    first_window: int
    group_key: bytes
    keys: tuple[bytes, ...]
    operators: tuple[int, ...]
    session: bytes

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "activated-at": codec.to_uint(self.activated_at),
            "commitments": codec.to_buff(self.commitments, 32),
            "first-window": codec.to_uint(self.first_window),
            "group-key": codec.to_buff(self.group_key, 96),
            "keys": codec.to_list(self.keys, 31, lambda one: codec.to_buff(one, 33)),
            "operators": codec.to_list(self.operators, 31, codec.to_uint),
            "session": codec.to_buff(self.session, 32),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value, "activated-at", "commitments", "first-window", "group-key", "keys", "operators", "session"
        )
        return cls(
            codec.uint(held["activated-at"]),
            codec.buff(held["commitments"]),
            codec.uint(held["first-window"]),
            codec.buff(held["group-key"]),
            codec.sequence(codec.buff)(held["keys"]),
            codec.sequence(codec.uint)(held["operators"]),
            codec.buff(held["session"]),
        )


@dataclass(frozen=True, slots=True)
class Operator:
    """A tuple of oracle-staking."""

    barred: bool
    held_until: int
    key: bytes
    owner: Principal
    stake: int
    unbonding: int
    unlock_at: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "barred": codec.to_bool(self.barred),
            "held-until": codec.to_uint(self.held_until),
            "key": codec.to_buff(self.key, 33),
            "owner": codec.to_principal(self.owner),
            "stake": codec.to_uint(self.stake),
            "unbonding": codec.to_uint(self.unbonding),
            "unlock-at": codec.to_uint(self.unlock_at),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "barred", "held-until", "key", "owner", "stake", "unbonding", "unlock-at")
        return cls(
            codec.boolean(held["barred"]),
            codec.uint(held["held-until"]),
            codec.buff(held["key"]),
            codec.principal(held["owner"]),
            codec.uint(held["stake"]),
            codec.uint(held["unbonding"]),
            codec.uint(held["unlock-at"]),
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """A tuple of oracle-staking."""

    dispute_s: int
    min_stake_ustx: int
    unbonding_s: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "dispute-s": codec.to_uint(self.dispute_s),
            "min-stake-ustx": codec.to_uint(self.min_stake_ustx),
            "unbonding-s": codec.to_uint(self.unbonding_s),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "dispute-s", "min-stake-ustx", "unbonding-s")
        return cls(
            codec.uint(held["dispute-s"]),
            codec.uint(held["min-stake-ustx"]),
            codec.uint(held["unbonding-s"]),
        )


@dataclass(frozen=True, slots=True)
class Participation:
    """A tuple of oracle-staking."""

    attestations: int
    signed: tuple[int, ...]

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "attestations": codec.to_uint(self.attestations),
            "signed": codec.to_list(self.signed, 31, codec.to_uint),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "attestations", "signed")
        return cls(
            codec.uint(held["attestations"]),
            codec.sequence(codec.uint)(held["signed"]),
        )


@dataclass(frozen=True, slots=True)
class ProposedEpoch:
    """A tuple of oracle-staking."""

    epoch: int
    keys: tuple[bytes, ...]
    operators: tuple[int, ...]

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "epoch": codec.to_uint(self.epoch),
            "keys": codec.to_list(self.keys, 31, lambda one: codec.to_buff(one, 33)),
            "operators": codec.to_list(self.operators, 31, codec.to_uint),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "epoch", "keys", "operators")
        return cls(
            codec.uint(held["epoch"]),
            codec.sequence(codec.buff)(held["keys"]),
            codec.sequence(codec.uint)(held["operators"]),
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """A tuple of oracle-staking."""

    held: int
    slashed: int
    staked: int
    withdrawn: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "held": codec.to_uint(self.held),
            "slashed": codec.to_uint(self.slashed),
            "staked": codec.to_uint(self.staked),
            "withdrawn": codec.to_uint(self.withdrawn),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "held", "slashed", "staked", "withdrawn")
        return cls(
            codec.uint(held["held"]),
            codec.uint(held["slashed"]),
            codec.uint(held["staked"]),
            codec.uint(held["withdrawn"]),
        )


@dataclass(frozen=True, slots=True)
class OracleStakingContract:
    """`oracle-staking`.

    Decides: who the operators are, what they have at stake, and which of them make up an epoch's
    committee. It holds the bonds and knows nothing of energy.

    Immutable: operator ids and node keys are inserted once; an epoch in force never changes; the
    window length is set once; `network` is fixed by the committee of epoch 1; STX leave only to the
    bond's owner, as a bounty, or burned.

    Who may call: a cold owner registers, stakes, unstakes and rotates its own operator's key;
    governors initialise and propose; anyone activates a proposed epoch with its certificate and
    counts participation; holders of the role "dispute" slash and hold. A slashed operator is barred
    from committees until a governor reinstates it. A pause stops new operators and new stake,
    nothing else.

    Conservation: staked = withdrawn + slashed + the sum of all bonds held here.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "oracle-staking")

    def activate_epoch(
        self,
        height: int,
        previous: bytes,
        session: bytes,
        group_key: bytes,
        commitments: bytes,
        first_window: int,
        attachment: bytes,
        round_: int,
        signatures: tuple[bytes, ...],
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[int]:
        """Puts the proposed epoch in force: the log entry of kind "activate" at `height`, with its
        certificate by the proposed keys (K3). Anyone may submit it.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "activate-epoch",
                (
                    codec.to_uint(height),
                    codec.to_buff(previous, 32),
                    codec.to_buff(session, 32),
                    codec.to_buff(group_key, 96),
                    codec.to_buff(commitments, 32),
                    codec.to_uint(first_window),
                    codec.to_buff(attachment, 32),
                    codec.to_uint(round_),
                    codec.to_list(signatures, 31, lambda one: codec.to_buff(one, 65)),
                ),
            ),
            codec.uint,
            post,
        )

    def count_participation(
        self, epoch: int, attested: tuple[Attested, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Counts who signed these attestations of an epoch, each once. Kept out of submit-window, where a
        write for every signer would cost more than the signatures.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "count-participation",
                (codec.to_uint(epoch), codec.to_list(attested, 24, Attested.value)),
            ),
            codec.uint,
            post,
        )

    def hold(self, operator: int, until: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Keeps an operator's bond here while a challenge against it is decided: unbonding must not outrun
        a vote. An earlier hold that lasts longer stays.
        """
        return PublicCall(
            ContractCall(self.principal, "hold", (codec.to_uint(operator), codec.to_uint(until))),
            codec.uint,
            post,
        )

    def initialise(self, window_s: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Sets the window length, once."""
        return PublicCall(
            ContractCall(self.principal, "initialise", (codec.to_uint(window_s),)), codec.boolean, post
        )

    def propose_epoch(self, members: tuple[int, ...], *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Proposes the next epoch's committee: operator ids in slot order, each with the minimum stake and
        none barred. Its keys are those of this moment. Replaces an earlier proposal; for epoch 1 that
        renews the network's identity, which nothing is attested under yet.
        """
        return PublicCall(
            ContractCall(self.principal, "propose-epoch", (codec.to_list(members, 31, codec.to_uint),)),
            codec.uint,
            post,
        )

    def register_operator(
        self, key: bytes, proof: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Registers the caller as cold owner of a new operator with this node key; `proof` is the node
        key's signature over get-key-proof-digest of the caller. Gives the id.
        """
        return PublicCall(
            ContractCall(
                self.principal, "register-operator", (codec.to_buff(key, 33), codec.to_buff(proof, 65))
            ),
            codec.uint,
            post,
        )

    def reinstate(self, operator: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Lets a slashed operator into committees again."""
        return PublicCall(
            ContractCall(self.principal, "reinstate", (codec.to_uint(operator),)), codec.boolean, post
        )

    def request_unstake(
        self, operator: int, amount: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Asks `amount` back. It stays slashable for the unbonding delay, which starts anew for all that
        is unbonding. A member of a committee keeps its minimum.
        """
        return PublicCall(
            ContractCall(self.principal, "request-unstake", (codec.to_uint(operator), codec.to_uint(amount))),
            codec.uint,
            post,
        )

    def rotate_node_key(
        self, operator: int, key: bytes, proof: bytes, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Replaces the node key; epochs proposed from now on have the new one."""
        return PublicCall(
            ContractCall(
                self.principal,
                "rotate-node-key",
                (codec.to_uint(operator), codec.to_buff(key, 33), codec.to_buff(proof, 65)),
            ),
            codec.boolean,
            post,
        )

    def slash(
        self,
        guilty: tuple[int, ...],
        share_bps: int,
        bounty_bps: int,
        recipient: Principal,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[SlashResult]:
        """Takes `share-bps` basis points of each offender's bond, what is unbonding included, and bars
        them: `bounty-bps` of the sum go to `recipient`, the rest is burned. A share is rounded up and
        the bounty down, so rounding helps neither offender nor hunter. One with nothing left loses
        nothing and is no error, so that it cannot shield the others.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "slash",
                (
                    codec.to_list(guilty, 31, codec.to_uint),
                    codec.to_uint(share_bps),
                    codec.to_uint(bounty_bps),
                    codec.to_principal(recipient),
                ),
            ),
            SlashResult.read,
            post,
        )

    def stake(self, operator: int, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Moves `amount` microSTX from the owner into the operator's bond."""
        return PublicCall(
            ContractCall(self.principal, "stake", (codec.to_uint(operator), codec.to_uint(amount))),
            codec.uint,
            post,
        )

    def withdraw(self, operator: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Pays what has unbonded to the owner."""
        return PublicCall(
            ContractCall(self.principal, "withdraw", (codec.to_uint(operator),)), codec.uint, post
        )

    def get_current_epoch(self) -> ReadCall[int]:
        """`get-current-epoch` of `oracle-staking`."""
        return ReadCall(self.principal, "get-current-epoch", (), codec.uint)

    def get_epoch(self, epoch: int) -> ReadCall[Epoch | None]:
        """An epoch that is or was in force."""
        return ReadCall(self.principal, "get-epoch", (codec.to_uint(epoch),), codec.optional(Epoch.read))

    def get_held_until(self, operator: int) -> ReadCall[int]:
        """Until when nothing of the operator's is withdrawn; 0 if no challenge ever held it."""
        return ReadCall(self.principal, "get-held-until", (codec.to_uint(operator),), codec.uint)

    def get_key_proof_digest(self, owner: Principal) -> ReadCall[bytes]:
        """What a node key signs to show that it belongs to `owner`."""
        return ReadCall(
            self.principal, "get-key-proof-digest", (codec.to_principal(owner),), responded(codec.buff)
        )

    def get_network(self) -> ReadCall[bytes | None]:
        """`get-network` of `oracle-staking`."""
        return ReadCall(self.principal, "get-network", (), codec.optional(codec.buff))

    def get_operator(self, operator: int) -> ReadCall[Operator | None]:
        """`get-operator` of `oracle-staking`."""
        return ReadCall(
            self.principal, "get-operator", (codec.to_uint(operator),), codec.optional(Operator.read)
        )

    def get_operator_count(self) -> ReadCall[int]:
        """`get-operator-count` of `oracle-staking`."""
        return ReadCall(self.principal, "get-operator-count", (), codec.uint)

    def get_operator_of_key(self, key: bytes) -> ReadCall[int | None]:
        """Whose a node key is or was."""
        return ReadCall(
            self.principal, "get-operator-of-key", (codec.to_buff(key, 33),), codec.optional(codec.uint)
        )

    def get_parameters(self) -> ReadCall[Parameters]:
        """`get-parameters` of `oracle-staking`."""
        return ReadCall(self.principal, "get-parameters", (), Parameters.read)

    def get_participation(self, epoch: int) -> ReadCall[Participation | None]:
        """`get-participation` of `oracle-staking`."""
        return ReadCall(
            self.principal, "get-participation", (codec.to_uint(epoch),), codec.optional(Participation.read)
        )

    def get_proposed_epoch(self) -> ReadCall[ProposedEpoch | None]:
        """The committee that waits for activation, with the number it will get."""
        return ReadCall(self.principal, "get-proposed-epoch", (), codec.optional(ProposedEpoch.read))

    def get_seats(self, epoch: int, owner: Principal) -> ReadCall[int]:
        """How many members of an epoch belong to `owner`."""
        return ReadCall(
            self.principal, "get-seats", (codec.to_uint(epoch), codec.to_principal(owner)), codec.uint
        )

    def get_totals(self) -> ReadCall[Totals]:
        """Stake in, stake out, stake slashed and what is held for operators, in microSTX."""
        return ReadCall(self.principal, "get-totals", (), Totals.read)

    def get_window_length(self) -> ReadCall[int]:
        """`get-window-length` of `oracle-staking`."""
        return ReadCall(self.principal, "get-window-length", (), codec.uint)

    def is_barred(self, operator: int) -> ReadCall[bool]:
        """True from a slash until a governor reinstates the operator."""
        return ReadCall(self.principal, "is-barred", (codec.to_uint(operator),), codec.boolean)


ERR_NOT_GOVERNOR: Final = BY_CODE[300]
ERR_NOT_OWNER: Final = BY_CODE[301]
ERR_NOT_DISPUTE: Final = BY_CODE[302]
ERR_PAUSED: Final = BY_CODE[303]
ERR_INITIALISED: Final = BY_CODE[304]
ERR_NOT_INITIALISED: Final = BY_CODE[305]
ERR_WINDOW_LENGTH: Final = BY_CODE[306]
ERR_UNKNOWN_OPERATOR: Final = BY_CODE[307]
ERR_KEY_USED: Final = BY_CODE[308]
ERR_KEY_PROOF: Final = BY_CODE[309]
ERR_AMOUNT: Final = BY_CODE[310]
ERR_STAKE_TOO_SMALL: Final = BY_CODE[311]
ERR_IN_COMMITTEE: Final = BY_CODE[312]
ERR_NOTHING_UNBONDING: Final = BY_CODE[313]
ERR_STILL_UNBONDING: Final = BY_CODE[314]
ERR_TRANSFER: Final = BY_CODE[315]
ERR_COMMITTEE_SIZE: Final = BY_CODE[316]
ERR_DUPLICATE_OPERATOR: Final = BY_CODE[317]
ERR_NO_PROPOSAL: Final = BY_CODE[318]
ERR_GROUP_KEY: Final = BY_CODE[319]
ERR_WINDOW_UNALIGNED: Final = BY_CODE[320]
ERR_BOUNTY: Final = BY_CODE[321]
ERR_NOT_OF_EPOCH: Final = BY_CODE[322]
ERR_COUNTED: Final = BY_CODE[323]
ERR_ENCODING: Final = BY_CODE[324]
ERR_BARRED: Final = BY_CODE[325]
ERR_NOT_BARRED: Final = BY_CODE[326]
ERR_HELD: Final = BY_CODE[327]

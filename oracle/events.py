"""What can happen to a node. The shell makes these; the node never asks the world itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from consensus.model import Committee, Digest, EpochNumber, Height, NodeId
from consensus.step import Signing
from oracle.frames import NodeMessage
from oracle.model import Device, Reading, WindowStart, WindowSummary


@dataclass(frozen=True, slots=True)
class Started:
    """The shell runs: arm what must be armed."""


@dataclass(frozen=True, slots=True)
class Received:
    """A verified message over the link of member `via`."""

    via: NodeId
    message: NodeMessage


@dataclass(frozen=True, slots=True)
class TimerPassed:
    """A timer that a Step armed has passed."""

    name: str


@dataclass(frozen=True, slots=True)
class Signed:
    """The signer's answer to a Signing."""

    signing: Signing
    signature: bytes


@dataclass(frozen=True, slots=True)
class Offered:
    """Readings of durable records with good signatures; `exchanged` when a peer handed them over."""

    readings: tuple[Reading, ...]
    exchanged: bool


@dataclass(frozen=True, slots=True)
class ChainRead:
    """The registry as the chain has it at a block height; devices sorted by id."""

    devices: tuple[Device, ...]
    chain_height: int


@dataclass(frozen=True, slots=True)
class CommitteeProposed:
    """The committee that waits on chain for its activation, with the epoch it is proposed for."""

    committee: Committee


@dataclass(frozen=True, slots=True)
class BundleMade:
    """This node's own bundle of a ceremony's phase, signed and durable.

    `phase` is the payload of the Signing that asked for it.
    """

    phase: str
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ShareMade:
    """This node's BLS share on a decided entry (T1), with its share of an epoch's key."""

    height: Height
    digest: Digest
    signature: bytes
    epoch: EpochNumber


@dataclass(frozen=True, slots=True)
class SharesCombined:
    """The group's signature on an entry, verified (T2)."""

    height: Height
    digest: Digest
    signature: bytes


@dataclass(frozen=True, slots=True)
class SharesBad:
    """A combination failed; the shares of these members of an epoch are wrong (T2)."""

    height: Height
    culprits: tuple[NodeId, ...]
    epoch: EpochNumber


@dataclass(frozen=True, slots=True)
class Recalled:
    """The newest leaves of a settled window, as the history has them; None where it has none (A8)."""

    window: WindowStart
    summary: WindowSummary | None
    leaves: bytes


@dataclass(frozen=True, slots=True)
class Vouched:
    """Answer the claim of the member with this key; before a first grant say what it voted (N3)."""

    key: bytes
    frame: bytes
    fresh: bool


Event: TypeAlias = (
    Started
    | Received
    | TimerPassed
    | Signed
    | Offered
    | ChainRead
    | CommitteeProposed
    | BundleMade
    | ShareMade
    | SharesCombined
    | SharesBad
    | Vouched
    | Recalled
)

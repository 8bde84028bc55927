"""All sabotages. Another part of the protocol is another file here; add it below."""

from __future__ import annotations

from typing import Final

from tests.sabotage import (
    agreement,
    ceremony,
    chain,
    contracts,
    disputes,
    evidence,
    membership,
    prosecution,
    quantities,
    records,
    restatement,
    signer,
    signing,
    threshold,
    windows,
)
from tests.sabotage.sabotage import Sabotage

SABOTAGES: Final[tuple[Sabotage, ...]] = (
    *quantities.SABOTAGES,
    *records.SABOTAGES,
    *agreement.SABOTAGES,
    *windows.SABOTAGES,
    *signing.SABOTAGES,
    *signer.SABOTAGES,
    *threshold.SABOTAGES,
    *ceremony.SABOTAGES,
    *chain.SABOTAGES,
    *contracts.SABOTAGES,
    *evidence.SABOTAGES,
    *disputes.SABOTAGES,
    *prosecution.SABOTAGES,
    *membership.SABOTAGES,
    *restatement.SABOTAGES,
)

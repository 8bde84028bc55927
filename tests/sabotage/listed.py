"""All sabotages, in the order of the rules. Another part of the protocol is another file here."""

from __future__ import annotations

from typing import Final

from tests.sabotage import (
    agreement,
)
from tests.sabotage.sabotage import Sabotage

SABOTAGES: Final[tuple[Sabotage, ...]] = (*agreement.SABOTAGES,)

"""Whose links are welcome: those who decide now, who decided before, and who will.

Links go by node keys in ascending order, so that two nodes agree on who of them dials
first, whatever else each knows. A member that has left stays linked for an epoch, or it
could not learn from the log that it has left (U2); a member to come is let in as soon as
the chain proposes it, or the ceremony could not be held (K1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consensus.model import Committee

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Welcome:
    """What `Links` takes: keys by slot, this node's own slot, and where the others listen."""

    own_slot: int
    keys: tuple[bytes, ...]
    addresses: Mapping[int, Address]


def welcome(
    own_key: bytes, committees: Iterable[Committee | None], addresses: Mapping[bytes, Address]
) -> Welcome:
    """The keys of these committees and this node's own, ascending."""
    known = {key for one in committees if one is not None for key in one.node_keys}
    keys = tuple(sorted(known | {own_key}))
    own_slot = keys.index(own_key)
    return Welcome(
        own_slot,
        keys,
        {slot: addresses[key] for slot, key in enumerate(keys) if key in addresses and slot != own_slot},
    )

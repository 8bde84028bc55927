"""Who is meant by a slot: between node keys, which links go by, and slots of the committee.

A link is with a key for as long as it lasts; a slot is a place in one committee. Members
have the slots of the committee in force. Others who are linked, because they are about to
join or have just left, get numbers behind them, the same as long as this process lives.
"""

from __future__ import annotations

from consensus.model import Committee, NodeId


class Seats:
    """The numbers of one process."""

    def __init__(self) -> None:
        self._guests: list[bytes] = []

    def slot_of(self, committee: Committee, key: bytes) -> NodeId:
        """The slot of a member, or the number of a guest."""
        slot = committee.slot_of(key)
        if slot is not None:
            return slot
        if key not in self._guests:
            self._guests.append(key)
        return NodeId(committee.size + self._guests.index(key))

    def key_of(self, committee: Committee, slot: NodeId) -> bytes | None:
        """The key that a slot stands for; None for a number that was never given."""
        keys = (*committee.node_keys, *self._guests)
        return keys[slot] if 0 <= slot < len(keys) else None

"""Merkle trees in Bitcoin's shape: what `verify-merkle-proof` of Clarity 6 checks.

A node is sha256d(left || right); the last node of an odd row is paired with itself; the
root of no leaves is 32 zero bytes. The doubling makes trees over [a, b, c] and
[a, b, c, c] alike, so a root means nothing without its count, and every count is attested
(R6). Knows hashes only, not what they stand for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.model import check

HASH_BYTES: Final = 32
DEPTH_MAX: Final = 24
"""The longest path that `verify-merkle-proof` takes."""
LEAVES_MAX: Final = 1 << DEPTH_MAX
EMPTY_ROOT: Final = bytes(HASH_BYTES)

Leaves = bytes | Sequence[bytes]
"""Leaf hashes: one buffer of n times 32 bytes, or n of 32 bytes each."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All rows of a tree, leaves first, each one contiguous buffer."""

    rows: tuple[bytes, ...]

    @classmethod
    def over(cls, leaf_hashes: Leaves) -> Tree:
        """Build the tree; two hashes a node, so about a microsecond each."""
        row = _joined(leaf_hashes)
        rows = [row]
        while len(row) > HASH_BYTES:
            row = _parents(row)
            rows.append(row)
        return cls(tuple(rows))

    @property
    def count(self) -> int:
        """How many leaves, without the doubled ones."""
        return len(self.rows[0]) // HASH_BYTES

    @property
    def root(self) -> bytes:
        """The one hash over all; zeros over nothing."""
        return self.rows[-1] or EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        return self.rows[0][index * HASH_BYTES : (index + 1) * HASH_BYTES]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The siblings from leaf `index` up to below the root, ceil(log2 count) of them."""
        check(0 <= index < self.count, "a proof is asked for a leaf that stands in the tree")
        siblings = []
        for row in self.rows[:-1]:
            at = (index ^ 1) * HASH_BYTES
            # Past the end of an odd row stands the doubled last node: the node itself.
            siblings.append(row[at : at + HASH_BYTES] or row[-HASH_BYTES:])
            index >>= 1
        return tuple(siblings)


def root(leaf_hashes: Leaves) -> bytes:
    """The root over leaf hashes, without keeping the rows."""
    row = _joined(leaf_hashes)
    while len(row) > HASH_BYTES:
        row = _parents(row)
    return row or EMPTY_ROOT


def proof(leaf_hashes: Leaves, index: int) -> tuple[bytes, ...]:
    """The siblings of one leaf; for many of one tree keep a `Tree`."""
    return Tree.over(leaf_hashes).proof(index)


def depth(count: int) -> int:
    """How long a path is in a tree of `count` leaves: ceil(log2 count)."""
    return max(count - 1, 0).bit_length()


def verify(leaf: bytes, root: bytes, index: int, count: int, siblings: Sequence[bytes]) -> bool:
    """What `(verify-merkle-proof leaf root index count siblings)` says.

    `leaf` is a leaf's hash and is not hashed again. The length of the path is fixed by
    `count`, so no inner node passes for a leaf. A node is its own sibling exactly where an
    odd row is doubled, so a doubled node passes for no further leaf; a tree in which true
    siblings are alike has no proofs for them. Malformed input is False.
    """
    if not 0 <= index < count <= LEAVES_MAX or len(siblings) != depth(count):
        return False
    if any(len(part) != HASH_BYTES for part in (leaf, root, *siblings)):
        return False
    node, row_count = leaf, count
    for sibling in siblings:
        doubled = index | 1 == row_count
        if (sibling == node) != doubled:
            return False
        node = _sha256d(sibling + node if index & 1 else node + sibling)
        index, row_count = index >> 1, (row_count + 1) // 2
    return node == root


def _joined(leaf_hashes: Leaves) -> bytes:
    row = leaf_hashes if isinstance(leaf_hashes, bytes) else b"".join(leaf_hashes)
    check(len(row) % HASH_BYTES == 0, "leaf hashes are 32 bytes each")
    check(len(row) <= LEAVES_MAX * HASH_BYTES, "a tree is no deeper than a proof can be")
    return row


def _parents(row: bytes) -> bytes:
    if len(row) % (2 * HASH_BYTES):
        row += row[-HASH_BYTES:]
    sha = hashlib.sha256
    return b"".join(
        [sha(sha(row[at : at + 64]).digest()).digest() for at in range(0, len(row), 2 * HASH_BYTES)]
    )


def _sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()

"""Merkle trees of Bitcoin's shape: node = sha256d(left || right), an odd row's last node doubled.

The auditor's own, written from the rule; agrees with Clarity's `verify-merkle-proof`.
A path is as long as ceil(log2 count), so a count that was attested shuts out the
doubled-leaf ambiguity of this shape.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EMPTY_ROOT: Final = bytes(32)
PATH_MAX: Final = 24
"""The longest path Clarity takes: 16.7 million leaves."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a leaf stands (`index` of `count`) and its siblings, bottom first."""

    index: int
    count: int
    path: tuple[bytes, ...]


def double_sha256(data: bytes) -> bytes:
    """sha256 of sha256."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order; 32 zero bytes for none."""
    row = list(leaves)
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        row = [double_sha256(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0] if row else EMPTY_ROOT


def prove(leaves: Sequence[bytes], index: int) -> Proof:
    """The path of leaf `index`: what an exporter puts beside it."""
    row, at, path = list(leaves), index, []
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        path.append(row[at ^ 1])
        row = [double_sha256(row[left] + row[left + 1]) for left in range(0, len(row), 2)]
        at //= 2
    return Proof(index, len(leaves), tuple(path))


def proves(leaf: bytes, proof: Proof, root: bytes) -> bool:
    """Whether `leaf` stands under `root` where the proof says.

    As the chain has it, a node equals its sibling just where an odd row's last is doubled.
    """
    if not 0 <= proof.index < proof.count or len(proof.path) != (proof.count - 1).bit_length():
        return False
    node, at, row = leaf, proof.index, proof.count
    for sibling in proof.path:
        doubled = row % 2 == 1 and at == row - 1
        if (sibling == node) != doubled:
            return False
        node = double_sha256(sibling + node if at % 2 else node + sibling)
        at, row = at // 2, (row + 1) // 2
    return node == root

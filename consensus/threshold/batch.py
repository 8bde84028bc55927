"""Many signatures under one key, checked at the price of a few: what an auditor runs.

Knows a key, messages and signatures. The weights of the random linear combination
come from bytes the caller gives; it draws nothing itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from consensus.model import check
from consensus.threshold.bls import FAST
from consensus.threshold.scheme import G2_GENERATOR, SIGNATURE_DST

SEED_BYTES: Final = 32
BATCH_MAX: Final = 1024
_WEIGHT_BYTES: Final = 16
"""Odd 128-bit weights: wrong signatures pass a batch with probability 2^-127."""


def find_invalid(
    group_key: bytes, signed: Sequence[tuple[bytes, bytes]], randomness: bytes
) -> tuple[int, ...]:
    """Check many (message, signature) under one key; give the positions that are wrong.

    One random linear combination per 1024 (0.3 ms a signature) instead of a pairing
    each; a batch that fails is halved until the culprits stand alone.
    `randomness` is 32 fresh bytes that whoever made the signatures could not foresee.
    """
    check(len(randomness) == SEED_BYTES, "the weights need 32 bytes of randomness")
    if FAST.decode_g2(group_key) is None:
        return tuple(range(len(signed)))
    invalid: list[int] = []
    for start in range(0, len(signed), BATCH_MAX):
        positions = range(start, min(start + BATCH_MAX, len(signed)))
        invalid += _invalid_in_batch(group_key, signed, positions, randomness)
    return tuple(sorted(invalid))


def _invalid_in_batch(
    group_key: bytes, signed: Sequence[tuple[bytes, bytes]], positions: range, randomness: bytes
) -> list[int]:
    generator, key = FAST.decode_g2(G2_GENERATOR), FAST.decode_g2(group_key)
    check(generator is not None and key is not None, "the key was checked")
    points = {p: point for p in positions if (point := FAST.decode_g1(signed[p][1])) is not None}
    hashes = {p: FAST.hash_g1(signed[p][0], SIGNATURE_DST) for p in points}
    weights = dict(zip(positions, _weights(randomness, positions), strict=True))

    def holds(part: list[int]) -> bool:
        scalars = [weights[p] for p in part]
        left = FAST.sum_g1([points[p] for p in part], scalars), generator
        right = FAST.sum_g1([hashes[p] for p in part], scalars), key
        return FAST.pairings_agree(left, right)  # type: ignore[arg-type]  # checked above

    wrong = [p for p in positions if p not in points]
    open_parts = [sorted(points)] if points else []
    while open_parts:  # each pass halves a part: at most 2·1024 passes
        part = open_parts.pop()
        if holds(part):
            continue
        if len(part) == 1:
            wrong += part
            continue
        middle = len(part) // 2
        open_parts += [part[:middle], part[middle:]]
    return wrong


def _weights(randomness: bytes, positions: range) -> list[int]:
    seed = b"wattest-batch-weights" + randomness + positions.start.to_bytes(8, "big")
    stream = hashlib.shake_256(seed).digest(len(positions) * _WEIGHT_BYTES)
    return [
        int.from_bytes(stream[at : at + _WEIGHT_BYTES], "big") | 1  # never zero
        for at in range(0, len(stream), _WEIGHT_BYTES)
    ]

"""Trees agree with Clarity's builtin; forged proofs fail in every way they can be forged.

`merkle_vectors.json` holds what the Clarity VM (epoch 4.0, Clarity 6) said of each case.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from consensus.model import InvariantBroken
from oracle.model import sha256d
from oracle.windows import tree

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "merkle_vectors.json").read_text())
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 100, 257)


def leaves_of(count: int) -> list[bytes]:
    return [sha256d(b"leaf %d of %d" % (at, count)) for at in range(count)]


def naive_root(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = row + row[-1:] if len(row) % 2 else row
        row = [sha256d(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_proof_holds_exactly_where_the_clarity_vm_says_so(case: dict[str, Any]) -> None:
    siblings = [bytes.fromhex(one) for one in case["siblings"]]
    leaf, root = bytes.fromhex(case["leaf"]), bytes.fromhex(case["root"])
    assert tree.verify(leaf, root, case["index"], case["count"], siblings) is case["holds"]


def test_the_vectors_hold_both_true_and_forged_proofs() -> None:
    said = [case["holds"] for case in VECTORS]
    assert said.count(True) > 30
    assert said.count(False) > 100


@pytest.mark.parametrize("count", SIZES)
def test_every_leaf_of_every_tree_is_proven(count: int) -> None:
    leaves = leaves_of(count)
    built = tree.Tree.over(b"".join(leaves))
    assert built.root == tree.root(leaves) == tree.root(b"".join(leaves)) == naive_root(leaves)
    assert built.count == count
    for at, leaf in enumerate(leaves):
        siblings = built.proof(at)
        assert siblings == tree.proof(leaves, at)
        assert len(siblings) == tree.depth(count)
        assert tree.verify(leaf, built.root, at, count, siblings)
        assert built.leaf(at) == leaf


@pytest.mark.parametrize("count", SIZES)
def test_no_proof_holds_at_another_index_or_for_another_leaf(count: int) -> None:
    leaves = leaves_of(count)
    built = tree.Tree.over(leaves)
    siblings = built.proof(count // 2)
    for index in range(-1, 2 * count + 1):
        assert tree.verify(leaves[count // 2], built.root, index, count, siblings) is (index == count // 2)
    assert not tree.verify(sha256d(b"stranger"), built.root, count // 2, count, siblings)


def test_an_inner_node_is_no_leaf_under_the_attested_count() -> None:
    leaves = leaves_of(6)
    built = tree.Tree.over(leaves)
    inner = built.rows[1][32:64]
    assert not tree.verify(inner, built.root, 1, 6, built.proof(2)[1:])
    # With a count of its own row it is one: why the count is attested beside the root.
    assert tree.verify(inner, built.root, 1, 3, built.proof(2)[1:])


def test_a_doubled_last_leaf_is_no_further_leaf_even_with_a_raised_count() -> None:
    leaves = leaves_of(3)
    built = tree.Tree.over(leaves)
    assert tree.root([*leaves, leaves[2]]) == built.root
    for count in (3, 4):
        assert not tree.verify(leaves[2], built.root, 3, count, built.proof(2))


def test_malformed_parts_make_no_proof() -> None:
    leaves = leaves_of(4)
    built = tree.Tree.over(leaves)
    good = built.proof(1)
    assert not tree.verify(leaves[1][:31], built.root, 1, 4, good)
    assert not tree.verify(leaves[1], built.root[:31], 1, 4, good)
    assert not tree.verify(leaves[1], built.root, 1, 4, (good[0], good[1] + b"0"))
    assert not tree.verify(leaves[1], built.root, 1, (1 << 24) + 1, (good[0],) * 25)


def test_nothing_has_a_root_of_zeros_and_no_proofs() -> None:
    assert tree.root(b"") == tree.root([]) == tree.Tree.over(b"").root == bytes(32)
    assert tree.Tree.over(b"").count == 0
    assert not tree.verify(bytes(32), bytes(32), 0, 0, ())
    with pytest.raises(InvariantBroken):
        tree.proof(b"", 0)


def test_a_buffer_that_is_no_row_of_hashes_is_our_fault() -> None:
    with pytest.raises(InvariantBroken):
        tree.root(b"short")

"""The auditor's trees give the verdicts that the Clarity VM gave, on true and forged proofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oracle.audit.merkle import Proof, proves

FILE = Path(__file__).parents[1] / "windows" / "merkle_vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_proof_holds_just_when_the_chain_says_so(vector: dict[str, Any]) -> None:
    path = tuple(bytes.fromhex(sibling) for sibling in vector["siblings"])
    proof = Proof(vector["index"], vector["count"], path)
    leaf, root = bytes.fromhex(vector["leaf"]), bytes.fromhex(vector["root"])
    assert proves(leaf, proof, root) is vector["holds"]

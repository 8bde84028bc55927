"""The committed vectors: what Vitest finds in the VM, Python finds as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consensus.encoding import decode, digest, encode
from tests.vectors.generate.entries import values

FILE = Path(__file__).parents[2] / "vectors" / "entries.json"
VECTORS = json.loads(FILE.read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_reads_and_hashes_as_committed(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["value-hex"])
    value = decode(data)
    assert encode(value) == data
    assert digest(value).hex() == vector["digest"]


def test_the_committed_vectors_are_what_the_code_makes() -> None:
    made = {name: encode(value).hex() for name, value in values().items()}
    assert made == {vector["name"]: vector["value-hex"] for vector in VECTORS}

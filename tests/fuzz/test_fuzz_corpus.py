"""Every target over its corpus and over mutations of it, without a fuzzer."""

from __future__ import annotations

import time
import tracemalloc
from zlib import crc32

import pytest

from tests.fuzz.mutations import mutants
from tests.fuzz.targets import CORPUS, TARGETS, Target, kept

MUTANTS: int = 1500
TARGET_S: float = 2.0
"""Mutations of one target stop here, so that all of them take a minute at the most."""
CASE_S: float = 2.0
MEMORY_FACTOR: int = 200
MEMORY_FLOOR: int = 4 << 20
FILE_BYTES_MAX: int = 64 << 10
FOLDER_BYTES_MAX: int = 128 << 10
CORPUS_BYTES_MAX: int = 800 << 10


def timed(target: Target, data: bytes) -> None:
    began = time.perf_counter()
    target.check(data)
    assert time.perf_counter() - began < CASE_S, f"{len(data)} bytes take {target.name} too long"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_was_found_before_is_answered(target: Target) -> None:
    for data in [*target.seeds(), *kept(target), b""]:
        timed(target, data)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutations_are_answered(target: Target) -> None:
    samples, ends = [*target.seeds(), *kept(target)], time.perf_counter() + TARGET_S
    for data in mutants(samples, crc32(target.name.encode()), MUTANTS, target.bytes_max):
        timed(target, data)
        if time.perf_counter() > ends:
            break


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_takes_memory_beyond_its_size(target: Target) -> None:
    samples = sorted([*target.seeds(), *kept(target)], key=len)[-8:]
    hostile = [*mutants(samples, 7, 24, target.bytes_max), b"\x0b\xff\xff\xff\xff", b"\x0c\xff\xff\xff\xff"]
    for data in samples:
        target.check(data)  # what is cached is not the input's cost
    for data in [*samples, *hostile]:
        tracemalloc.start()
        try:
            target.check(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MEMORY_FLOOR + MEMORY_FACTOR * len(data), f"{len(data)} bytes take {peak}"


def test_the_corpus_is_small_and_of_known_targets() -> None:
    folders = [folder for folder in CORPUS.iterdir() if folder.is_dir()]
    assert {folder.name for folder in folders} <= {target.name for target in TARGETS}
    total = 0
    for folder in folders:
        sizes = [path.stat().st_size for path in folder.iterdir()]
        assert max(sizes, default=0) <= FILE_BYTES_MAX
        assert sum(sizes) <= FOLDER_BYTES_MAX
        total += sum(sizes)
    assert total <= CORPUS_BYTES_MAX


def test_a_target_s_seeds_are_well_formed_enough_to_be_taken() -> None:
    """A harness that refuses its own seeds tests nothing behind the first check."""
    for target in TARGETS:
        assert target.seeds(), target.name
        assert all(len(seed) <= target.bytes_max for seed in target.seeds()), target.name
        assert any(target.check(seed) for seed in target.seeds()), target.name


def test_mutations_are_the_same_every_time() -> None:
    one, two = (list(mutants([b"abc", b"defg"], 5, 50, 100)) for _ in range(2))
    assert one == two
    assert len(set(one)) > 30

"""Every tuple of the generated client goes through canonical bytes and comes back as it was."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.encoding import INT_MAX, Principal, decode, encode
from oracle.chain import suite
from oracle.chain.codec import ContractMisread

PRINCIPALS = st.builds(
    Principal, st.just(26), st.binary(min_size=20, max_size=20), st.sampled_from([None, "energy-token"])
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, INT_MAX),  # what a uint and an int both hold
    bool: st.booleans(),
    bytes: st.binary(max_size=1),  # the shortest buffer of an interface may be as short as that
    str: st.text("ab -", max_size=1),
    Principal: PRINCIPALS,
    type(None): st.none(),
}


def shapes() -> list[type]:
    found: dict[str, type] = {}
    for info in pkgutil.iter_modules(suite.__path__, f"{suite.__name__}."):
        module = importlib.import_module(info.name)
        for one in vars(module).values():
            if isinstance(one, type) and is_dataclass(one) and hasattr(one, "read") and hasattr(one, "value"):
                found[f"{one.__module__}.{one.__name__}"] = one
    return [found[name] for name in sorted(found)]


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{one.name: values_of(hints[one.name]) for one in fields(hint)})
    if typing.get_origin(hint) is tuple:
        return st.lists(values_of(typing.get_args(hint)[0]), max_size=2).map(tuple)
    assert typing.get_origin(hint) in (typing.Union, types.UnionType), hint
    return st.one_of(*(values_of(one) for one in typing.get_args(hint)))


SHAPES = shapes()


def test_the_suite_has_shapes() -> None:
    assert len(SHAPES) > 80


@pytest.mark.parametrize(
    "shape", SHAPES, ids=[f"{one.__module__.split('.')[-1]}.{one.__name__}" for one in SHAPES]
)
def test_a_shape_comes_back_from_its_bytes_and_misses_no_field(shape: Any) -> None:
    @given(values_of(shape))
    def comes_back(made: Any) -> None:
        value = decode(encode(made.value()))
        assert shape.read(value) == made
        assert isinstance(value, dict)
        for name in value:
            with pytest.raises(ContractMisread):
                shape.read({other: held for other, held in value.items() if other != name} or {"no": 1})

    comes_back()

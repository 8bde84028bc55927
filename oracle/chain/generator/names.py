"""Python's names for Clarity's: modules, classes, functions, arguments, fields."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Final

_OURS: Final = frozenset({"self", "cls", "post", "codec"})
_SHAPE_METHODS: Final = frozenset({"value", "read"})
_CONTRACT_MEMBERS: Final = frozenset({"principal", "deployer"})
_PLURALS: Final = (("ies", "y"), ("aves", "af"), ("ches", "ch"), ("sses", "ss"), ("xes", "x"), ("s", ""))


def snake(name: str) -> str:
    """`get-zone?` as get_zone."""
    return re.sub(r"\W+", "_", re.sub(r"[?!]", "", name)).strip("_").lower()


def camel(name: str) -> str:
    """`production-oracle` as ProductionOracle."""
    return "".join(word[:1].upper() + word[1:] for word in snake(name).split("_"))


def argument(name: str) -> str:
    """An argument; `round` and other built-in names get an underscore behind them."""
    return _free(snake(name), _OURS | frozenset(dir(builtins)))


def field(name: str) -> str:
    """A field of a shape."""
    return _free(snake(name), _SHAPE_METHODS)


def method(name: str) -> str:
    """A function of a contract."""
    return _free(snake(name), _CONTRACT_MEMBERS)


def singular(name: str) -> str:
    """What one of `name` is called: `zones` as zone; a name that is no plural stays."""
    for ending, single in _PLURALS:
        if name.endswith(ending) and not name.endswith("ss") and len(name) > len(ending) + 1:
            return name.removesuffix(ending) + single
    return name


def _free(name: str, taken: frozenset[str]) -> str:
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name

"""Which tuples the interfaces have, and what each is called.

One structure has one name wherever it occurs. A tuple that several contracts have is shared;
the others belong to their contract's module. Names come from where a tuple stands: what
`get-zone` gives is a Zone, what an argument `leaf` takes is a Leaf.
"""

from __future__ import annotations

import builtins
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.chain.generator.names import camel, singular

TAKEN: Final = frozenset(dir(builtins)) | {
    "ANYTHING_MOVES",
    "Asset",
    "Conditions",
    "ContractCall",
    "Final",
    "NOTHING_MOVES",
    "Principal",
    "PublicCall",
    "ReadCall",
    "Self",
    "Suite",
    "Value",
}
_CLEARLY: Final = 3
"""So many times as often as any other, and a name that two tuples want is this one's."""
Interface = Mapping[str, Any]


class InterfaceUnknown(ValueError):  # noqa: N818 - it states a fact
    """An interface has a type, or names, that the generator cannot write down in Python."""


@dataclass(slots=True)
class Shape:
    """One tuple; `fields` are (Clarity name, type), in the interface's order."""

    fields: tuple[tuple[str, Any], ...]
    contracts: list[str] = field(default_factory=list)
    short: Counter[str] = field(default_factory=Counter)
    long: list[str] = field(default_factory=list)
    name: str = ""

    @property
    def shared(self) -> bool:
        """Whether several contracts have it."""
        return len(set(self.contracts)) > 1


class Shapes:
    """All tuples of a suite."""

    def __init__(self, interfaces: Sequence[Interface]) -> None:
        self._found: dict[str, Shape] = {}
        for one in interfaces:
            for function in one["functions"]:
                self._take_function(one["name"], function)
        self._choose_names([one["name"] for one in interfaces])

    def of(self, fields: Any) -> Shape:
        """The shape of a tuple type, as the interface gives its fields."""
        return self._found[_key(fields)]

    @property
    def shared(self) -> list[Shape]:
        """What several contracts have; inner ones before those that hold them."""
        return [one for one in self._found.values() if one.shared]

    def of_contract(self, contract: str) -> list[Shape]:
        """What this contract has; inner ones first."""
        return [one for one in self._found.values() if contract in one.contracts]

    def _take_function(self, contract: str, function: Mapping[str, Any]) -> None:
        called = function["name"]
        for one in function["args"]:
            self._take(contract, one["type"], one["name"], called)
        gives = called.removeprefix("get-")
        name = gives if gives != called else f"{called}-result"
        self._take(contract, function["output"], name, called)

    def _take(self, contract: str, type_: Any, name: str, within: str) -> None:
        match type_:
            case {"tuple": list(parts)}:
                for part in parts:
                    self._take(contract, part["type"], part["name"], name)
                fields = tuple((part["name"], part["type"]) for part in parts)
                shape = self._found.setdefault(_key(parts), Shape(fields))
                shape.contracts.append(contract)
                shape.short[camel(name)] += 1
                shape.long += [camel(f"{within}-{name}"), camel(f"{contract}-{name}")]
            case {"optional": inner}:
                self._take(contract, inner, name, within)
            case {"list": {"type": inner}}:
                self._take(contract, inner, singular(name), within)
            case {"response": {"ok": ok}}:
                self._take(contract, ok, name, within)

    def _choose_names(self, contracts: list[str]) -> None:
        taken = set(TAKEN) | {f"{camel(name)}Contract" for name in contracts}
        _name(self.shared, taken)
        for contract in contracts:
            _name([one for one in self.of_contract(contract) if not one.shared], set(taken))


def _name(shapes: Sequence[Shape], taken: set[str]) -> None:
    """The name each has most often; a longer one where that is taken, or another's as much as its own."""
    for shape in shapes:
        usual = _usual(shape)
        others = [one.short[usual] for one in shapes if one is not shape and _usual(one) == usual]
        is_mine = shape.short[usual] >= _CLEARLY * max(others, default=0)
        free = [name for name in ((usual,) if is_mine else ()) + tuple(shape.long) if name not in taken]
        if not free:
            raise InterfaceUnknown(f"no name is left for the tuple of {[name for name, _ in shape.fields]}")
        shape.name = free[0]
        taken.add(shape.name)


def _usual(shape: Shape) -> str:
    """A `…Result` only where it has no other."""
    return min(shape.short, key=lambda name: (name.endswith("Result"), -shape.short[name]))


def _key(fields: Any) -> str:
    return json.dumps(fields, sort_keys=True)

"""Clarity's types in Python: the hint, how a value is written, how it is read."""

from __future__ import annotations

from typing import Any, Final

from oracle.chain.generator.shapes import InterfaceUnknown, Shapes

_PLAIN: Final = {
    "uint128": ("int", "codec.to_uint", "codec.uint"),
    "int128": ("int", "codec.to_int", "codec.sint"),
    "bool": ("bool", "codec.to_bool", "codec.boolean"),
    "principal": ("Principal", "codec.to_principal", "codec.principal"),
    "trait_reference": ("Principal", "codec.to_contract", "codec.principal"),
    "none": ("None", "codec.as_is", "codec.nothing"),
}
_SIZED: Final = {
    "buffer": ("bytes", "codec.to_buff", "codec.buff"),
    "string-ascii": ("str", "codec.to_ascii", "codec.ascii_text"),
    "string-utf8": ("str", "codec.to_utf8", "codec.utf8_text"),
}


class Types:
    """How the types of a suite are written in Python."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def hint(self, type_: Any) -> str:
        """The annotation."""
        match type_:
            case str(name) if name in _PLAIN:
                return _PLAIN[name][0]
            case {"optional": inner}:
                if inner == "none":  # what a function has that never gives a value
                    return "None"
                return "Value" if _is_opaque(inner) else f"{self.hint(inner)} | None"
            case {"list": {"type": inner}}:
                return f"tuple[{self.hint(inner)}, ...]"
            case {"tuple": parts}:
                return self._shapes.of(parts).name
        return _sized(type_)[0]

    def written(self, type_: Any, value: str) -> str:
        """The expression that makes the Clarity value of the Python expression `value`."""
        match type_:
            case str(name) if name in _PLAIN:
                return f"{_PLAIN[name][1]}({value})"
            case {"optional": inner}:
                return value if _is_opaque(inner) else f"codec.to_optional({value}, {self._writer(inner)})"
            case {"list": {"type": inner, "length": int(length)}}:
                return f"codec.to_list({value}, {length}, {self._writer(inner)})"
            case {"tuple": _}:
                return f"{value}.value()"
        return f"{_sized(type_)[1]}({value}, {_length(type_)})"

    def reader(self, type_: Any) -> str:
        """The expression of a function that reads such a value."""
        match type_:
            case str(name) if name in _PLAIN:
                return _PLAIN[name][2]
            case {"optional": inner}:
                return "codec.anything" if _is_opaque(inner) else f"codec.optional({self.reader(inner)})"
            case {"list": {"type": inner}}:
                return f"codec.sequence({self.reader(inner)})"
            case {"tuple": parts}:
                return f"{self._shapes.of(parts).name}.read"
        return _sized(type_)[2]

    def _writer(self, type_: Any) -> str:
        """The expression of a function that writes such a value."""
        match type_:
            case str(name) if name in _PLAIN:
                return _PLAIN[name][1]
            case {"tuple": parts}:
                return f"{self._shapes.of(parts).name}.value"
        return f"lambda one: {self.written(type_, 'one')}"


def _is_opaque(inner: Any) -> bool:
    """An optional of an optional: Python has one None for both, so the value stays Clarity's."""
    return isinstance(inner, dict) and "optional" in inner


def _sized(type_: Any) -> tuple[str, str, str]:
    match type_:
        case {"buffer": _} | {"string-ascii": _} | {"string-utf8": _}:
            (name,) = type_
            return _SIZED[name]
    raise InterfaceUnknown(f"no Python type for {type_}")


def _length(type_: Any) -> int:
    ((_, of),) = type_.items()
    return int(of["length"])

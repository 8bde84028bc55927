"""The text of the generated modules, before the formatter."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from oracle.chain.generator import names
from oracle.chain.generator.shapes import Interface, InterfaceUnknown, Shape, Shapes
from oracle.chain.generator.types import Types

MADE: Final = "Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited."
_WIDTH: Final = 96
_PACKAGE: Final = "oracle.chain.suite"


def modules(interfaces: Sequence[Interface]) -> dict[str, str]:
    """File name -> text, of the whole package but for its `__init__`."""
    callable_ = [one for one in interfaces if one["functions"]]
    shapes = Shapes(callable_)
    types = Types(shapes)
    text = {
        "errors.py": _errors(interfaces),
        "shapes.py": _shared(shapes, types),
        "deployed.py": _deployed(callable_),
    }
    for one in callable_:
        text[f"{names.snake(one['name'])}.py"] = _contract(one, shapes, types)
    return text


# -- a contract ---------------------------------------------------------------------------


def _contract(one: Interface, shapes: Shapes, types: Types) -> str:
    mine = shapes.of_contract(one["name"])
    shared = [shape.name for shape in mine if shape.shared]
    own = [shape for shape in mine if not shape.shared]
    class_ = f"{names.camel(one['name'])}Contract"
    errors = [f"{error['name']}: Final = BY_CODE[{error['code']}]" for error in one["errors"]]
    body = "\n".join(
        (
            *(_shape(shape, types) for shape in own),
            *_class(one, class_, types),
            *errors,
        )
    )
    exported = sorted([class_, *shared, *(shape.name for shape in own), *(e["name"] for e in one["errors"])])
    listed = ", ".join(f'"{name}"' for name in exported)
    return "\n".join(
        (
            _docstring(f"The contract `{one['name']}`, typed.\n\n{MADE}"),
            *_imports(shared),
            f"__all__ = [{listed}]",
            body,
        )
    )


def _imports(shared: list[str]) -> Iterator[str]:
    """All that a module may need; the formatter drops what it does not."""
    yield "from __future__ import annotations"
    yield "from dataclasses import dataclass"
    yield "from typing import Final, Self"
    yield "from consensus.encoding import Principal, Value"
    yield "from oracle.chain import codec"
    yield "from oracle.chain.address import contract_of"
    yield "from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall, responded"
    yield "from oracle.chain.post_conditions import Asset"
    yield f"from {_PACKAGE}.errors import BY_CODE"
    yield from (f"from {_PACKAGE}.shapes import {name}" for name in shared)
    yield "from oracle.chain.transaction import ContractCall"


def _class(one: Interface, class_: str, types: Types) -> Iterator[str]:
    yield "@dataclass(frozen=True, slots=True)"
    yield f"class {class_}:"
    yield _indented(_docstring(_header(one)))
    yield "    deployer: Principal"
    yield "    @property"
    yield "    def principal(self) -> Principal:"
    yield '        """The contract itself."""'
    yield f'        return contract_of(self.deployer, "{one["name"]}")'
    tokens = [*one["fungible_tokens"], *(token["name"] for token in one["non_fungible_tokens"])]
    seen: set[str] = set()
    for token in tokens:
        yield "    @property"
        yield f"    def {_once(names.method(f'{token}-asset'), seen)}(self) -> Asset:"
        yield f'        """The token `{token}`, for post-conditions."""'
        yield f'        return Asset(self.principal, "{token}")'
    for function in one["functions"]:
        _once(names.method(function["name"]), seen)
        yield _indented(_function(function, one["name"], types))


def _function(function: Mapping[str, Any], contract: str, types: Types) -> str:
    called, output = function["name"], function["output"]
    arguments = [(names.argument(part["name"]), part["type"]) for part in function["args"]]
    taken = [f"{name}: {types.hint(type_)}" for name, type_ in arguments]
    written = ", ".join(types.written(type_, name) for name, type_ in arguments)
    written += "," if len(arguments) == 1 else ""
    about = function["about"] or f"`{called}` of `{contract}`."
    reader = types.reader(_given(output))
    if function["access"] == "public":
        head = ", ".join(("self", *taken, "*", "post: Conditions = NOTHING_MOVES"))
        call = f'PublicCall(ContractCall(self.principal, "{called}", ({written})), {reader}, post)'
        gives = f"PublicCall[{types.hint(_given(output))}]"
    else:
        head = ", ".join(("self", *taken))
        if _given(output) is not output:
            reader = f"responded({reader})"
        call = f'ReadCall(self.principal, "{called}", ({written}), {reader})'
        gives = f"ReadCall[{types.hint(_given(output))}]"
    return "\n".join(
        (
            f"def {names.method(called)}({head}) -> {gives}:",
            _indented(_docstring(about)),
            f"    return {call}",
        )
    )


def _given(output: Any) -> Any:
    """What a success gives."""
    match output:
        case {"response": {"ok": ok}}:
            return ok
    return output


# -- shapes, errors, the suite ------------------------------------------------------------


def _shared(shapes: Shapes, types: Types) -> str:
    body = "\n".join(_shape(shape, types) for shape in shapes.shared)
    about = f"Tuples that several contracts have.\n\n{MADE}"
    return "\n".join((_docstring(about), *_imports([]), body))


def _shape(shape: Shape, types: Types) -> str:
    rows = [(clarity, names.field(clarity), type_) for clarity, type_ in shape.fields]
    if len({python for _, python, _ in rows}) != len(rows):
        raise InterfaceUnknown(f"two fields have one name in Python: {[clarity for clarity, _, _ in rows]}")
    used = ", ".join(dict.fromkeys(shape.contracts))
    listed = ", ".join(f'"{clarity}"' for clarity, _, _ in rows)
    return "\n".join(
        (
            "@dataclass(frozen=True, slots=True)",
            f"class {shape.name}:",
            _indented(_docstring(f"A tuple of {used}.")),
            *(f"    {python}: {types.hint(type_)}" for _, python, type_ in rows),
            "    def value(self) -> Value:",
            '        """As Clarity has it."""',
            "        return {",
            *(f'"{clarity}": {types.written(type_, f"self.{python}")},' for clarity, python, type_ in rows),
            "        }",
            "    @classmethod",
            "    def read(cls, value: Value) -> Self:",
            '        """From Clarity\'s; raises ContractMisread."""',
            f"        held = codec.fields(value, {listed})",
            "        return cls(",
            *(f'            {types.reader(type_)}(held["{clarity}"]),' for clarity, _, type_ in rows),
            "        )",
        )
    )


def _errors(interfaces: Sequence[Interface]) -> str:
    rows = [(one["name"], error) for one in interfaces for error in one["errors"]]
    codes = [error["code"] for _, error in rows]
    if len(set(codes)) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise InterfaceUnknown(f"error numbers stand twice: {twice}")
    return "\n".join(
        (
            _docstring(f"Every error of the suite, by its number.\n\n{MADE}"),
            "from __future__ import annotations",
            "from collections.abc import Mapping",
            "from typing import Final",
            "from oracle.chain.refusal import ContractError",
            "BY_CODE: Final[Mapping[int, ContractError]] = {",
            *(
                f'{error["code"]}: ContractError("{contract}", "{error["name"]}", {error["code"]},'
                f" {_text(error['meaning'])}),"
                for contract, error in sorted(rows, key=lambda row: row[1]["code"])
            ),
            "}",
        )
    )


def _deployed(interfaces: Sequence[Interface]) -> str:
    rows = [(names.snake(one["name"]), f"{names.camel(one['name'])}Contract") for one in interfaces]
    return "\n".join(
        (
            _docstring(f"The suite as one account has deployed it.\n\n{MADE}"),
            "from __future__ import annotations",
            "from dataclasses import dataclass",
            "from consensus.encoding import Principal",
            *(f"from {_PACKAGE}.{module} import {class_}" for module, class_ in sorted(rows)),
            "@dataclass(frozen=True, slots=True)",
            "class Suite:",
            '    """All contracts; the address that deployed them is all there is to know."""',
            "    deployer: Principal",
            *(
                f"    @property\n    def {module}(self) -> {class_}:\n"
                f'        """`{one["name"]}`."""\n        return {class_}(self.deployer)'
                for (module, class_), one in zip(rows, interfaces, strict=True)
            ),
        )
    )


# -- text ---------------------------------------------------------------------------------


def _header(one: Interface) -> str:
    """The source's own header without its title, as paragraphs."""
    lines = one["about"].split("\n")
    body = " ".join(line.strip() for line in lines if not line.startswith("Title:"))
    parts = re.split(r"(?<=[.;]) (?=[A-Z][\w ]{2,24}: )", body)
    return "\n\n".join((f"`{one['name']}`.", *(part for part in parts if part)))


def _docstring(text: str) -> str:
    plain = text.replace("\\", "/").replace('"""', "'''")
    paragraphs = (plain[:1].upper() + plain[1:]).split("\n\n")
    wrapped = "\n\n".join(textwrap.fill(part, _WIDTH, break_on_hyphens=False) for part in paragraphs)
    return f'"""{wrapped}\n"""' if "\n" in wrapped else f'"""{wrapped}"""'


def _text(text: str) -> str:
    """A string literal; in parts where it is long."""
    parts = textwrap.wrap(text, 80, break_on_hyphens=False, drop_whitespace=False)
    return f"({' '.join(_quoted(part) for part in parts)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def _once(name: str, seen: set[str]) -> str:
    if name in seen:
        raise InterfaceUnknown(f"two functions are called {name} in Python")
    seen.add(name)
    return name

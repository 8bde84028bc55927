"""The deployment plan: which contracts, in which order, and the calls that set them up.

Decides what a valid plan is, and reports every fault at once. Does no network. The file is
JSON, `contracts/deployment.json` in a checkout and beside this module in an installed wheel:

    parameters         name -> {default: uint, about}: what a deployment may choose
    contracts          [{name, path}], each after those it names; paths are relative to the file
    after-deployment   [{contract, function, by, arguments, done}] in order

A step of `after-deployment` is carried out by the deployer if it says its arguments, and
`done` is the question that tells whether it has been: {function, arguments, is, before}, asked
of the same contract. `before` is the answer until then; any third one means that it no longer
can be. A grant of a role may instead say `who` and `role`. A step that says neither is for
people: operators who register, the committee that is proposed.

An argument is one of {"uint": 5}, {"ascii": "x"}, {"bool": true}, {"parameter": "window-s"},
{"contract": "roles"} (of this deployment) or {"account": "deployer" or an address}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from consensus.encoding import EncodingError, Principal, Value, encode
from oracle.chain.address import AddressError, contract_of, parse_principal
from oracle.chain.deploy import CONTRACTS_MAX, ContractSource
from oracle.chain.transaction import ContractCall

FILE_BYTES_MAX: Final = 1 << 20
SOURCE_BYTES_MAX: Final = 1 << 20
CALLS_MAX: Final = 200
DEPLOYER: Final = "deployer"
COSTS: Final = "deployment-costs.json"
"""Beside the plan: what each transaction costs the chain, as measured on the real VM."""


class PlanFaulty(Exception):  # noqa: N818 - it states a fact
    """The plan cannot be used; `faults` says everything that is wrong with it."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(f"- {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Costs:
    """What a transaction takes of a block."""

    runtime: int
    reads: int
    read_bytes: int
    writes: int
    write_bytes: int


@dataclass(frozen=True, slots=True)
class Question:
    """A read-only call, the answer that says that something is done, and the one before that.

    `before` is None where the plan does not say it: then any other answer is one.
    """

    function: str
    arguments: tuple[Any, ...]
    wanted: Any
    before: Any = None


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call that the deployer makes; arguments as the file has them, until the deployer is known."""

    contract: str
    function: str
    arguments: tuple[Any, ...]
    done: Question
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan with its sources."""

    contracts: tuple[ContractSource, ...]
    calls: tuple[PlannedCall, ...]
    parameters: Mapping[str, int]
    deploy_costs: Mapping[str, Costs]
    """Of the contracts whose source is the one that was measured."""

    def payload(self, call: PlannedCall, deployer: Principal) -> ContractCall:
        """The transaction of a call."""
        arguments = tuple(self.value(one, deployer) for one in call.arguments)
        return ContractCall(contract_of(deployer, call.contract), call.function, arguments)

    def question(self, call: PlannedCall, deployer: Principal) -> tuple[ContractCall, bytes, bytes | None]:
        """A read-only function's call; the answer where the call is done, the one before it, as bytes."""
        asked = call.done
        arguments = tuple(self.value(one, deployer) for one in asked.arguments)
        question = ContractCall(contract_of(deployer, call.contract), asked.function, arguments)
        before = None if asked.before is None else encode(self.value(asked.before, deployer))
        return question, encode(self.value(asked.wanted, deployer)), before

    def value(self, written: Any, deployer: Principal) -> Value:
        """An argument as Clarity's; the plan has been checked."""
        ((kind, content),) = written.items()
        match kind:
            case "parameter":
                return self.parameters[content]
            case "contract":
                return contract_of(deployer, content)
            case "account":
                return deployer if content == DEPLOYER else parse_principal(content)
        checked: Value = content
        return checked


def shipped() -> Path:
    """The plan that came with this program: in a wheel beside this module, else in the checkout."""
    packed = Path(__file__).parent / "sources" / "deployment.json"
    return packed if packed.exists() else Path(__file__).parents[2] / "contracts" / "deployment.json"


def load(path: Path, chosen: Mapping[str, int] | None = None) -> Plan:
    """Read and check a plan, with the parameters that were chosen. Raises PlanFaulty with every fault."""
    document = _read_json(path)
    reading = _Reading(document, path.parent)
    plan = reading.plan(chosen or {})
    if reading.faults:
        raise PlanFaulty(tuple(reading.faults))
    return _with_costs(plan, path.parent / COSTS)


class _Reading:
    """One pass over a plan; notes faults and goes on."""

    def __init__(self, document: Mapping[str, Any], base: Path) -> None:
        self.faults: list[str] = []
        self._document = document
        self._base = base
        self._names: list[str] = []
        self._parameters: dict[str, int] = {}

    def plan(self, chosen: Mapping[str, int]) -> Plan:
        self._read_parameters(chosen)
        contracts = tuple(self._contract(row) for row in self._rows("contracts", CONTRACTS_MAX))
        if len(set(self._names)) != len(self._names):
            self.faults.append("contracts: a name stands twice")
        steps = self._rows("after-deployment", CALLS_MAX)
        calls = [self._call(f"after-deployment[{at}]", row) for at, row in enumerate(steps)]
        return Plan(contracts, tuple(one for one in calls if one is not None), self._parameters, {})

    def _read_parameters(self, chosen: Mapping[str, int]) -> None:
        rows = self._document.get("parameters", {})
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            self.faults.append("parameters: no object of objects")
            return
        self._parameters = {name: chosen.get(name, row.get("default")) for name, row in rows.items()}
        self.faults += [f"parameters: there is no {name}" for name in chosen if name not in rows]
        self.faults += [
            f"parameters.{name}: is no uint"
            for name, number in self._parameters.items()
            if not _is_uint(number)
        ]

    def _rows(self, name: str, rows_max: int) -> list[dict[str, Any]]:
        rows = self._document.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.faults.append(f"{name}: no list of objects")
            return []
        if len(rows) > rows_max:
            self.faults.append(f"{name}: more than {rows_max}")
        return rows[:rows_max]

    def _contract(self, row: dict[str, Any]) -> ContractSource:
        name, path = str(row.get("name")), self._base / str(row.get("path"))
        self._names.append(name)
        try:
            Principal(0, bytes(20), name)
            with path.open("rb") as file:
                raw = file.read(SOURCE_BYTES_MAX + 1)
            source = raw.decode("ascii")
        except EncodingError:
            self.faults.append(f"contracts: {name[:40]!r} is no contract's name")
        except (OSError, UnicodeDecodeError) as cause:
            self.faults.append(f"contracts: {name}: {cause}")
        else:
            if len(raw) > SOURCE_BYTES_MAX:
                self.faults.append(f"contracts: {name} is longer than {SOURCE_BYTES_MAX} bytes")
            return ContractSource(name, source)
        return ContractSource(name, "")

    def _call(self, where: str, row: dict[str, Any]) -> PlannedCall | None:
        """A step that the deployer carries out; None for one that is left to people."""
        contract, function = str(row.get("contract")), str(row.get("function"))
        if contract not in self._names:
            self.faults.append(f"{where}: the plan does not deploy {contract}")
        if "who" in row or "role" in row:
            return self._grant(where, contract, function, row)
        if "arguments" not in row:
            return None
        done = row.get("done")
        if not isinstance(done, dict) or "is" not in done:
            self.faults.append(f"{where}: nothing tells whether it is done")
            return None
        asked = self._arguments(f"{where}.done", done.get("arguments"))
        wanted = self._arguments(f"{where}.done", [done["is"]])
        before = self._arguments(f"{where}.done", [done["before"]] if "before" in done else [])
        arguments = self._arguments(where, row["arguments"])
        if not wanted:
            return None
        return PlannedCall(
            contract,
            function,
            arguments,
            Question(str(done.get("function")), asked, wanted[0], before[0] if before else None),
        )

    def _grant(self, where: str, contract: str, function: str, row: dict[str, Any]) -> PlannedCall:
        who = str(row.get("who"))
        if (contract, function) != ("roles", "grant-role") or not isinstance(row.get("role"), str):
            self.faults.append(f"{where}: only roles grant-role has `who` and `role`, and it has both")
        holder = {"account": DEPLOYER} if who == DEPLOYER else {"contract": who}
        arguments = self._arguments(where, [holder, {"ascii": row.get("role")}])
        held = Question("has-role", arguments, {"bool": True}, {"bool": False})
        return PlannedCall(contract, function, arguments, held)

    def _arguments(self, where: str, rows: Any) -> tuple[Any, ...]:
        if not isinstance(rows, list):
            self.faults.append(f"{where}: arguments are no list")
            return ()
        faults = [fault for row in rows if (fault := self._fault_of(row)) is not None]
        self.faults += [f"{where}: {fault}" for fault in faults]
        return () if faults else tuple(rows)

    def _fault_of(self, row: Any) -> str | None:
        match row:
            case {"uint": number, **rest} if not rest:
                return None if _is_uint(number) else f"{number!r} is no uint"
            case {"bool": bool(), **rest} if not rest:
                return None
            case {"ascii": str(text), **rest} if not rest:
                return None if _is_value(text) else "a string that is not ASCII"
            case {"parameter": str(name), **rest} if not rest:
                return None if name in self._parameters else f"there is no parameter {name}"
            case {"contract": str(name), **rest} if not rest:
                return None if name in self._names else f"the plan does not deploy {name}"
            case {"account": str(text), **rest} if not rest:
                return None if text == DEPLOYER or _is_address(text) else f"{text!r} is no address"
        return f"{str(row)[:80]} is no argument"


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        document = json.loads(raw) if len(raw) <= FILE_BYTES_MAX else None
    except (OSError, ValueError, RecursionError) as cause:
        raise PlanFaulty((f"{path}: {cause}",)) from cause
    if not isinstance(document, dict):
        raise PlanFaulty((f"{path}: no JSON object of at most {FILE_BYTES_MAX} bytes",))
    return document


def _with_costs(plan: Plan, path: Path) -> Plan:
    """The plan with what was measured, as far as that was this very plan."""
    if not path.exists():
        return plan
    measured = _read_json(path)
    deploys = {
        one.name: Costs(**row["costs"])
        for one in plan.contracts
        if (row := measured["contracts"].get(one.name)) and row["source"] == source_digest(one)
    }
    rows = measured["calls"]
    same = [(row["contract"], row["function"]) for row in rows] == [
        (call.contract, call.function) for call in plan.calls
    ]
    calls = [replace(call, costs=Costs(**row["costs"])) for call, row in zip(plan.calls, rows, strict=same)]
    return replace(plan, deploy_costs=deploys, calls=tuple(calls) if same else plan.calls)


def source_digest(contract: ContractSource) -> str:
    """sha256 of a source, hexadecimal."""
    return hashlib.sha256(contract.source.encode()).hexdigest()


def _is_uint(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and _is_value(number)


def _is_value(value: Value) -> bool:
    try:
        encode(value)
    except EncodingError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        parse_principal(text)
    except AddressError:
        return False
    return True

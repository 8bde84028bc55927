"""The typed client is what the contracts are: current, whole, strict, in Python's manner."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from oracle.chain.generator import __main__ as generator
from oracle.chain.generator.modules import modules
from oracle.chain.generator.shapes import InterfaceUnknown
from oracle.chain.suite.errors import BY_CODE

CONTRACTS = Path(__file__).parents[3] / "contracts"
INTERFACES = json.loads((CONTRACTS / "interfaces.json").read_text())["contracts"]
UINT_RESPONSE = {"response": {"ok": "uint128", "error": "uint128"}}


def contract(*functions: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"fungible_tokens": [], "non_fungible_tokens": [], "errors": []}
    return {"name": "market", "about": "Title: market", "functions": list(functions), **plain, **more}


def function(name: str, output: Any, access: str = "read_only", **arguments: Any) -> dict[str, Any]:
    args = [{"name": called.replace("_", "-"), "type": type_} for called, type_ in arguments.items()]
    return {"name": name, "access": access, "about": "", "args": args, "output": output}


def text_of(*functions: dict[str, Any]) -> str:
    return modules([contract(*functions)])["market.py"]


def tuple_of(**fields: Any) -> dict[str, Any]:
    return {"tuple": [{"name": name.replace("_", "-"), "type": type_} for name, type_ in fields.items()]}


def test_the_suite_is_what_the_interfaces_make() -> None:
    assert generator.stale() == (), "run `make interfaces`"


def test_a_changed_interface_makes_the_suite_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = json.loads(json.dumps(INTERFACES))
    changed[0]["functions"][0]["name"] = "another-name"
    path = tmp_path / "interfaces.json"
    path.write_text(json.dumps({"contracts": changed}))
    monkeypatch.setattr(generator, "INTERFACES", path)
    assert generator.stale() == ("roles.py",)
    assert generator.main(["--check"]) == 1


def test_interfaces_are_of_all_contracts_of_the_plan() -> None:
    plan = json.loads((CONTRACTS / "deployment.json").read_text())
    assert [one["name"] for one in INTERFACES] == [one["name"] for one in plan["contracts"]]


def test_functions_and_errors_of_the_sources_are_all_in_the_interfaces() -> None:
    plan = json.loads((CONTRACTS / "deployment.json").read_text())
    for row, one in zip(plan["contracts"], INTERFACES, strict=True):
        source = (CONTRACTS / row["path"]).read_text()
        defined = re.findall(r"^\(define-(?:public|read-only) \(([^\s()]+)", source, re.MULTILINE)
        assert sorted(defined) == sorted(function["name"] for function in one["functions"]), row["name"]
        errors = re.findall(r"^\(define-constant (ERR_\w+)\s+\(err u(\d+)\)\)", source, re.MULTILINE)
        assert errors == [(error["name"], str(error["code"])) for error in one["errors"]], row["name"]
        for error in one["errors"]:
            assert error["meaning"].split(" ")[0] in source


def test_every_error_has_its_contract_its_name_and_its_meaning() -> None:
    assert len(BY_CODE) == sum(len(one["errors"]) for one in INTERFACES)
    assert str(BY_CODE[100]) == "roles ERR_NOT_ALLOWED (u100): The caller holds no role that allows this."
    assert all(error.code == code and error.contract and error.meaning for code, error in BY_CODE.items())


def test_an_error_number_of_two_contracts_is_refused() -> None:
    error = {"name": "ERR_A", "code": 5, "meaning": "No."}
    with pytest.raises(InterfaceUnknown, match="twice"):
        modules([contract(errors=[error, {**error, "name": "ERR_B"}])])


def test_arguments_get_python_types_and_names() -> None:
    text = text_of(
        function(
            "bid?",
            UINT_RESPONSE,
            "public",
            round="uint128",
            amount_ustx="int128",
            note={"optional": {"string-utf8": {"length": 9}}},
            keys={"list": {"type": {"buffer": {"length": 33}}, "length": 31}},
            token="trait_reference",
        )
    )
    assert "def bid(self, round_: int, amount_ustx: int, note: str | None, keys: tuple[bytes, ...]," in text
    assert " token: Principal, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:" in text
    assert "codec.to_int(amount_ustx)" in text
    assert "codec.to_list(keys, 31, lambda one: codec.to_buff(one, 33))" in text
    assert "codec.to_contract(token)" in text


def test_a_response_of_a_read_gives_what_is_in_it() -> None:
    text = text_of(function("get-price", UINT_RESPONSE))
    assert "-> ReadCall[int]:" in text
    assert "responded(codec.uint)" in text


def test_an_optional_of_an_optional_stays_a_clarity_value() -> None:
    text = text_of(function("get-odd", {"optional": {"optional": "uint128"}}))
    assert "ReadCall[Value]" in text


def test_an_optional_that_never_holds_anything_is_none() -> None:
    text = text_of(function("get-token-uri", {"response": {"ok": {"optional": "none"}, "error": "none"}}))
    assert "-> ReadCall[None]:" in text


def test_tuples_are_named_by_where_they_stand() -> None:
    offer = tuple_of(price="uint128", from_="principal")
    text = text_of(
        function("get-offer", {"optional": offer}),
        function("place", UINT_RESPONSE, "public", lots={"list": {"type": tuple_of(a="bool"), "length": 3}}),
    )
    assert "class Offer:" in text
    assert "class Lot:" in text
    assert "lots: tuple[Lot, ...]" in text
    assert '"from-": codec.to_principal(self.from_)' in text


def test_two_tuples_that_want_one_name_both_get_a_longer_one() -> None:
    text = text_of(
        function("sell", UINT_RESPONSE, "public", terms=tuple_of(a="uint128")),
        function("buy", UINT_RESPONSE, "public", terms=tuple_of(b="uint128")),
    )
    assert "class SellTerms:" in text
    assert "class BuyTerms:" in text


def test_a_tuple_of_two_contracts_is_shared() -> None:
    leaf = function("verify", "bool", leaf=tuple_of(window="uint128"))
    text = modules([contract(leaf), {**contract(leaf), "name": "engine"}])
    assert "class Leaf:" in text["shapes.py"]
    assert "class Leaf:" not in text["market.py"]
    assert "from oracle.chain.suite.shapes import Leaf" in text["engine.py"]


def test_tokens_have_their_asset_for_post_conditions() -> None:
    one = contract(function("f", "bool"), fungible_tokens=["energy"])
    assert 'return Asset(self.principal, "energy")' in modules([one])["market.py"]


def test_a_contract_without_functions_has_no_module() -> None:
    assert "market.py" not in modules([contract()])


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (function("f", "bool", a="uint64"), "no Python type"),
        (function("f", tuple_of(a_b="bool", **{"a!b": "bool"})), None),
        (function("f", tuple_of(**{"a": "bool", "a?": "bool"})), "one name in Python"),
    ],
)
def test_what_has_no_python_form_is_refused(broken: dict[str, Any], why: str | None) -> None:
    if why is None:
        assert "class " in text_of(broken)
        return
    with pytest.raises(InterfaceUnknown, match=why):
        text_of(broken)


def test_two_functions_of_one_python_name_are_refused() -> None:
    with pytest.raises(InterfaceUnknown, match="two functions"):
        text_of(function("is-x", "bool"), function("is-x?", "bool"))

"""A deployment plan is checked whole, every fault at once, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consensus.encoding import Principal, encode
from oracle.chain import plan
from oracle.chain.plan import PlanFaulty
from oracle.chain.transaction import ContractCall

DEPLOYER = Principal(26, bytes(20))
GRANT = {"contract": "roles", "function": "grant-role", "by": "governor", "who": "token", "role": "minter"}
SET_UP = {
    "contract": "token",
    "function": "initialise",
    "by": "governor",
    "arguments": [{"parameter": "window-s"}, {"account": "deployer"}, {"bool": True}],
    "done": {
        "function": "get-window",
        "arguments": [],
        "is": {"parameter": "window-s"},
        "before": {"uint": 0},
    },
}
PEOPLE = {"contract": "token", "function": "stake", "by": "operator"}


def written(folder: Path, **changes: Any) -> Path:
    (folder / "roles.clar").write_text("(ok u1)")
    (folder / "token.clar").write_text("(ok u2)")
    document = {
        "parameters": {"window-s": {"default": 900, "about": "seconds"}},
        "contracts": [{"name": "roles", "path": "roles.clar"}, {"name": "token", "path": "token.clar"}],
        "after-deployment": [SET_UP, GRANT, PEOPLE],
    }
    path = folder / "deployment.json"
    path.write_text(json.dumps(document | changes))
    return path


def faults_of(path: Path, **chosen: int) -> str:
    with pytest.raises(PlanFaulty) as faulty:
        plan.load(path, chosen)
    return "\n".join(faulty.value.faults)


def test_the_shipped_plan_is_sound_and_every_transaction_of_it_is_measured() -> None:
    shipped = plan.load(plan.shipped())
    assert shipped.parameters == {"window-s": 900}
    assert {one.name for one in shipped.contracts} == shipped.deploy_costs.keys()
    assert all(call.costs is not None for call in shipped.calls)


def test_steps_with_arguments_are_the_deployers_and_the_others_are_left_to_people(tmp_path: Path) -> None:
    calls = plan.load(written(tmp_path)).calls
    assert [call.function for call in calls] == ["initialise", "grant-role"]


def test_a_call_gets_its_arguments_once_the_deployer_is_known(tmp_path: Path) -> None:
    loaded = plan.load(written(tmp_path), {"window-s": 300})
    set_up, grant = loaded.calls
    token, roles = (Principal(26, bytes(20), name) for name in ("token", "roles"))
    assert loaded.payload(set_up, DEPLOYER) == ContractCall(token, "initialise", (300, DEPLOYER, True))
    assert loaded.payload(grant, DEPLOYER) == ContractCall(roles, "grant-role", (token, "minter"))


def test_each_call_has_the_question_that_tells_whether_it_is_done(tmp_path: Path) -> None:
    loaded = plan.load(written(tmp_path))
    set_up, grant = loaded.calls
    token, roles = (Principal(26, bytes(20), name) for name in ("token", "roles"))
    asked = ContractCall(token, "get-window", ())
    assert loaded.question(set_up, DEPLOYER) == (asked, encode(900), encode(0))
    held = ContractCall(roles, "has-role", (token, "minter"))
    assert loaded.question(grant, DEPLOYER) == (held, encode(True), encode(False))


def test_costs_are_of_the_measured_source_only(tmp_path: Path) -> None:
    path = written(tmp_path)
    roles, _ = plan.load(path).contracts
    costs = {"runtime": 1, "reads": 2, "read_bytes": 3, "writes": 4, "write_bytes": 5}
    rows = {
        "roles": {"source": plan.source_digest(roles), "costs": costs},
        "token": {"source": "", "costs": costs},
    }
    calls = [{"contract": "token", "function": "initialise", "costs": costs}]
    (tmp_path / plan.COSTS).write_text(json.dumps({"contracts": rows, "calls": calls}))
    loaded = plan.load(path)
    assert loaded.deploy_costs == {"roles": plan.Costs(1, 2, 3, 4, 5)}
    assert [call.costs for call in loaded.calls] == [None, None], "the measured calls are others"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        contracts=[{"name": "roles", "path": "roles.clar"}, {"name": "2x", "path": "nowhere.clar"}],
    )
    told = faults_of(path, epoch=1)
    for fault in ("there is no epoch", "'2x' is no contract's name", "the plan does not deploy token"):
        assert fault in told


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (SET_UP | {"arguments": [{"uint": -1}]}, "-1 is no uint"),
        (SET_UP | {"arguments": [{"uint": True}]}, "True is no uint"),
        (SET_UP | {"arguments": [{"ascii": "ä"}]}, "not ASCII"),
        (SET_UP | {"arguments": [{"contract": "market"}]}, "does not deploy market"),
        (SET_UP | {"arguments": [{"account": "SP1"}]}, "'SP1' is no address"),
        (SET_UP | {"arguments": [{"parameter": "fee"}]}, "no parameter fee"),
        (SET_UP | {"arguments": [{"uint": 1, "bool": True}]}, "is no argument"),
        (SET_UP | {"arguments": [5]}, "5 is no argument"),
        (SET_UP | {"arguments": 5}, "arguments are no list"),
        ({key: value for key, value in SET_UP.items() if key != "done"}, "nothing tells whether it is done"),
        (SET_UP | {"done": {"function": "f", "arguments": []}}, "nothing tells whether it is done"),
        (GRANT | {"who": "market"}, "does not deploy market"),
        (GRANT | {"function": "revoke-role"}, "only roles grant-role"),
        ({key: value for key, value in GRANT.items() if key != "role"}, "only roles grant-role"),
    ],
)
def test_a_step_that_cannot_be_carried_out_is_a_fault(
    step: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    assert fault in faults_of(written(tmp_path, **{"after-deployment": [step]}))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"contracts": 5}, "contracts: no list"),
        ({"contracts": [{"name": "roles", "path": "roles.clar"}] * 2}, "stands twice"),
        ({"contracts": [{"name": "roles", "path": "roles.clar"}] * 101}, "more than 100"),
        ({"parameters": [1]}, "no object of objects"),
        ({"parameters": {"window-s": {}}}, "window-s: is no uint"),
    ],
)
def test_a_plan_of_another_shape_is_a_fault(changes: dict[str, Any], fault: str, tmp_path: Path) -> None:
    assert fault in faults_of(written(tmp_path, **changes))


def test_a_source_that_is_not_ascii_or_too_long_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "roles.clar").write_text("(ok u1) ;; ä")
    (tmp_path / "token.clar").write_text(" " * (plan.SOURCE_BYTES_MAX + 1))
    told = faults_of(path)
    assert "roles: 'ascii' codec" in told
    assert "token is longer than" in told


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, " " * ((1 << 20) + 1)])
def test_a_file_that_is_no_plan_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(content)
    assert str(path) in faults_of(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in faults_of(tmp_path / "deployment.json")

"""Typed calls: what goes out is checked, what comes back is typed, and a refusal has its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import coincurve
import pytest

from consensus.encoding import Err, Int, Ok, Principal, Some, Utf8, Value, encode
from oracle.chain import codec
from oracle.chain.address import TESTNET
from oracle.chain.answers import RejectReason
from oracle.chain.calls import Conditions, ContractRefused, named, only, responded, why
from oracle.chain.codec import ArgumentRefused, ContractMisread
from oracle.chain.job import Abandoned, Job, JobState
from oracle.chain.post_conditions import Comparison, PostConditionMode, StxCondition
from oracle.chain.suite import oracle_staking, production_oracle, roles
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.transaction import ContractCall, unsigned

DEPLOYER = Principal(26, bytes(20))
SUITE = Suite(DEPLOYER)
KEY = coincurve.PrivateKey(b"\x01" * 32)


def job_with(result: Value | None, **changes: object) -> Job:
    template = unsigned(TESTNET, KEY.public_key, SUITE.roles.pause().payload, nonce=0, fee_ustx=0)
    raw = None if result is None else encode(result)
    job = Job(1, "k", template, 0, state=JobState.DONE, height=7, result_bytes=raw)
    return replace(job, **{"succeeded": isinstance(result, Ok), **changes})  # type: ignore[arg-type]


def test_a_public_call_is_what_the_outbox_takes() -> None:
    call = SUITE.roles.grant_role(DEPLOYER, "verifier")
    contract = Principal(26, bytes(20), "roles")
    assert call.payload == ContractCall(contract, "grant-role", (DEPLOYER, "verifier"))
    assert call.post == Conditions(PostConditionMode.DENY, ())


def test_post_conditions_come_with_the_call() -> None:
    condition = StxCondition(None, Comparison.EQUAL, 5)
    call = SUITE.oracle_staking.stake(1, 5, post=only(condition))
    assert call.post == Conditions(PostConditionMode.DENY, (condition,))


def test_a_success_gives_a_typed_value() -> None:
    call = SUITE.oracle_staking.slash((1,), 10, 10, DEPLOYER)
    given = call.outcome(job_with(Ok({"slashed": 3, "bounty": 1, "burned": 2})))
    assert given == oracle_staking.SlashResult(bounty=1, burned=2, slashed=3)


def test_a_refusal_has_contract_name_and_meaning() -> None:
    with pytest.raises(ContractRefused, match=r"roles ERR_NOT_ALLOWED \(u100\): The caller holds") as refused:
        SUITE.roles.pause().outcome(job_with(Err(100)))
    assert refused.value.error == roles.ERR_NOT_ALLOWED


def test_a_refusal_from_a_contract_further_in_has_that_contracts_name() -> None:
    with pytest.raises(ContractRefused) as refused:
        SUITE.oracle_staking.initialise(900).outcome(job_with(Err(405)))
    assert refused.value.error == production_oracle.ERR_NO_QUORUM


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (job_with(None, abandoned=Abandoned.UNNECESSARY), "somebody else"),
        (job_with(None, refusal=RejectReason.NOT_ENOUGH_FUNDS), "no node takes the call: NotEnoughFunds"),
        (job_with(Ok(True), succeeded=False), "rolled back in block 7"),
        (job_with(Err(99_999)), "u99999: none of our contracts"),
    ],
)
def test_a_call_that_came_to_nothing_says_why(job: Job, said: str) -> None:
    assert said in why(job)
    with pytest.raises(ContractRefused, match=said[:8]):
        SUITE.roles.pause().outcome(job)


def test_what_every_token_answers_has_a_name_as_well() -> None:
    assert str(named(1)) == "token INSUFFICIENT_BALANCE (u1): The sender holds less than that."
    assert {named(code).name for code in (1, 2, 3, 4)}.isdisjoint({""})
    assert BY_CODE.keys().isdisjoint({1, 2, 3, 4}), "no contract of ours gives them another meaning"


def test_an_unknown_number_has_no_name() -> None:
    assert named(99_999).name == ""


def test_a_response_read_from_a_contract_raises_its_error() -> None:
    read = SUITE.oracle_staking.get_key_proof_digest(DEPLOYER).read
    assert read(Ok(bytes(32))) == bytes(32)
    with pytest.raises(ContractRefused, match="ERR_ENCODING"):
        read(Err(324))
    with pytest.raises(ContractMisread):
        read(bytes(32))
    with pytest.raises(ContractRefused, match="none"):
        responded(codec.uint)(Err("none"))


def test_answers_are_typed() -> None:
    assert SUITE.oracle_staking.get_operator_of_key(bytes(33)).read(Some(4)) == 4
    pending = SUITE.roles.get_pending_transfer().read(Some({"from": DEPLOYER, "to": DEPLOYER}))
    assert pending == roles.PendingTransfer(from_=DEPLOYER, to=DEPLOYER)
    assert pending is not None
    assert roles.PendingTransfer.read(pending.value()) == pending


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (codec.uint, True),
        (codec.uint, Int(1)),
        (codec.sint, 1),
        (codec.boolean, 1),
        (codec.buff, "x"),
        (codec.ascii_text, b"x"),
        (codec.utf8_text, "x"),
        (codec.principal, b"x"),
        (codec.nothing, 1),
        (codec.optional(codec.uint), 1),
        (codec.sequence(codec.uint), 1),
        (codec.sequence(codec.uint), (1, b"")),
        (roles.PendingTransfer.read, {"from": DEPLOYER}),
        (roles.PendingTransfer.read, {"from": DEPLOYER, "to": DEPLOYER, "more": 1}),
    ],
)
def test_an_answer_of_another_type_is_misread(read: Callable[[Value], object], value: Value) -> None:
    with pytest.raises(ContractMisread):
        read(value)


@pytest.mark.parametrize(
    ("write", "wrong", "right", "value"),
    [
        (codec.to_uint, -1, 1, 1),
        (codec.to_uint, 1 << 128, 0, 0),
        (codec.to_uint, True, 1, 1),
        (codec.to_int, 1 << 127, -5, Int(-5)),
        (lambda one: codec.to_buff(one, 2), b"123", b"12", b"12"),
        (lambda one: codec.to_ascii(one, 2), "abc", "ab", "ab"),
        (lambda one: codec.to_ascii(one, 9), "ä", "a", "a"),
        (lambda one: codec.to_utf8(one, 2), "äöü", "äö", Utf8("äö")),
        (codec.to_contract, DEPLOYER, SUITE.roles.principal, SUITE.roles.principal),
        (lambda one: codec.to_list(one, 2, codec.to_uint), (1, 2, 3), (1, 2), (1, 2)),
        (lambda one: codec.to_optional(one, codec.to_uint), -1, 3, Some(3)),
    ],
)
def test_an_argument_that_does_not_fit_is_refused_before_it_is_sent(
    write: Callable[[object], Value], wrong: object, right: object, value: Value
) -> None:
    with pytest.raises(ArgumentRefused):
        write(wrong)
    assert write(right) == value

import re
from dataclasses import replace
from typing import Any

import coincurve
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.encoding import Principal
from oracle.chain.address import MAINNET, TESTNET, principal_text
from oracle.chain.post_conditions import NonFungibleCondition, PostConditionMode, Sending
from oracle.chain.transaction import (
    ContractCall,
    ContractDeploy,
    TokenTransfer,
    Transaction,
    TransactionError,
    parse,
    parse_payload,
    recover_signer,
    serialise,
    serialise_payload,
    sign,
    txid,
    unsigned,
    verify,
)
from tests.unit.chain.vectors import VECTORS, key_of, unsigned_transaction

KEY = coincurve.PrivateKey(b"\x01" * 32)
ACCOUNT = Principal(26, bytes(range(20)))
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])


def transfer(**fields: Any) -> Transaction:
    made = unsigned(TESTNET, KEY.public_key, TokenTransfer(ACCOUNT, 5), nonce=1, fee_ustx=200)
    return sign(replace(made, **fields), KEY)


def test_there_are_at_least_sixty_vectors_with_both_networks_and_every_payload() -> None:
    assert len(VECTORS) >= 60
    assert {one["network"] for one in VECTORS} == {"mainnet", "testnet"}
    assert {one["payload"]["kind"] for one in VECTORS} == {"transfer", "call", "deploy"}


@each_vector
def test_a_transaction_has_the_bytes_and_the_id_that_stacks_js_gives_it(vector: dict[str, Any]) -> None:
    signed = sign(unsigned_transaction(vector), key_of(vector))
    assert serialise(signed).hex() == vector["raw"]
    assert txid(signed) == vector["txid"]


@each_vector
def test_a_transaction_reads_back_with_its_sender(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["raw"])
    transaction = parse(raw)
    assert serialise(transaction) == raw
    assert replace(transaction, signature=bytes(65)) == unsigned_transaction(vector)
    assert verify(transaction)
    assert recover_signer(transaction) == key_of(vector).public_key
    assert principal_text(transaction.sender) == vector["sender"]
    assert parse_payload(serialise_payload(transaction.payload)) == transaction.payload


@each_vector
def test_bytes_that_end_early_or_late_are_refused(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["raw"])
    for end in {*range(0, len(raw), 1 + len(raw) // 40), len(raw) - 1}:
        with pytest.raises(TransactionError):
            parse(raw[:end])
    with pytest.raises(TransactionError):
        parse(raw + b"\0")


@given(st.sampled_from(VECTORS), st.data())
def test_a_changed_byte_is_refused_or_breaks_the_signature(
    vector: dict[str, Any], data: st.DataObject
) -> None:
    raw = bytearray.fromhex(vector["raw"])
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    try:
        transaction = parse(bytes(raw))
    except TransactionError:
        return
    assert serialise(transaction) == bytes(raw)
    assert not verify(transaction)


@given(st.binary(max_size=300))
def test_noise_is_refused_without_another_error(noise: bytes) -> None:
    with pytest.raises(TransactionError):
        parse(noise)


def test_a_signature_with_a_high_s_is_refused() -> None:
    signed = transfer()
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(signed.signature[33:], "big")
    twin = bytes([signed.signature[0] ^ 1]) + signed.signature[1:33] + high.to_bytes(32, "big")
    assert verify(signed)
    assert not verify(replace(signed, signature=twin))


def test_an_unsigned_transaction_has_no_signer() -> None:
    assert recover_signer(replace(transfer(), signature=bytes(65))) is None


def test_another_fee_or_nonce_needs_another_signature() -> None:
    assert not verify(replace(transfer(), fee_ustx=201))
    assert not verify(replace(transfer(), nonce=2))


def test_only_the_owner_of_the_account_can_sign() -> None:
    with pytest.raises(TransactionError, match="own"):
        sign(transfer(), coincurve.PrivateKey(b"\x02" * 32))


def test_a_transaction_of_one_network_is_not_valid_on_the_other() -> None:
    assert not verify(replace(transfer(), chain=MAINNET))


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (lambda: TokenTransfer(ACCOUNT, 1, b"m" * 35), "memo"),
        (lambda: TokenTransfer(ACCOUNT, 1, b"m\0"), "memo"),
        (lambda: ContractCall(ACCOUNT, "stake"), "contract"),
        (lambda: ContractCall(replace(ACCOUNT, contract_name="c"), "f", (1,) * 257), "arguments"),
        (lambda: ContractDeploy("1st", "(ok true)"), "contract name"),
        (lambda: ContractDeploy("n" * 41, "(ok true)"), "contract name"),
    ],
)
def test_a_payload_that_no_node_takes_cannot_be_made(payload: Any, complaint: str) -> None:
    with pytest.raises(TransactionError, match=complaint):
        payload()


@pytest.mark.parametrize(
    "transaction",
    [
        transfer(payload=TokenTransfer(ACCOUNT, 1)),
        transfer(payload=ContractCall(replace(ACCOUNT, contract_name="c"), "f")),
    ],
)
def test_integers_outside_64_bits_are_refused(transaction: Transaction) -> None:
    for wrong in (replace(transaction, fee_ustx=1 << 64), replace(transaction, nonce=-1)):
        with pytest.raises(TransactionError, match="64 bits"):
            serialise(wrong)


@pytest.mark.parametrize("function", ["", "with space", "ü", "f" * 129, "1st"])
def test_a_call_names_a_function_as_clarity_does(function: str) -> None:
    call = ContractCall(replace(ACCOUNT, contract_name="c"), function)
    with pytest.raises(TransactionError, match="name"):
        serialise_payload(call)


@pytest.mark.parametrize("source", ["Zähler", "nul\0", "\x7f"])
def test_source_is_printable_ascii(source: str) -> None:
    with pytest.raises(TransactionError, match="ASCII"):
        serialise_payload(ContractDeploy("c", source))


def test_a_value_that_clarity_cannot_hold_is_refused() -> None:
    call = ContractCall(replace(ACCOUNT, contract_name="c"), "f", (-1,))
    with pytest.raises(TransactionError):
        serialise_payload(call)


def test_an_asset_needs_a_contract() -> None:
    from oracle.chain.post_conditions import Asset

    condition = NonFungibleCondition(None, Asset(ACCOUNT, "t"), 1, Sending.SENT)
    with pytest.raises(TransactionError, match="asset"):
        serialise(replace(transfer(), post_conditions=(condition,)))


def test_what_wattest_does_not_use_is_refused_by_name() -> None:
    raw = serialise(transfer())
    spoilt = {5: "standard authorisation", 6: "single-signature", 43: "compressed", 109: "anchor mode"}
    for position, complaint in spoilt.items():
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(TransactionError, match=re.escape(complaint)):
            parse(bytes(changed))


def test_the_mode_is_the_one_asked_for() -> None:
    assert parse(serialise(transfer(mode=PostConditionMode.ALLOW))).mode is PostConditionMode.ALLOW

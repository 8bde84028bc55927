"""The step about the chain: the submitting transaction, and what the contract holds.

The transaction must carry this entry, under a certificate that is good by itself: the
submitter may have collected the votes of other members than the exporter did. That the
chain has the transaction at all only the contract can say; its answer is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from consensus.encoding import EncodingError, Some, Value, decode
from oracle.audit.case import Case, concluded, not_checked
from oracle.audit.parts import ChainPart
from oracle.audit.transaction import ContractCall, parse_contract_call
from oracle.audit.values import CertificateValue, Malformed, VoidBody, quorum_of, vote_digest
from oracle.audit.verdict import Step
from oracle.model import WindowSummary

FUNCTIONS: Final = {"window": "submit-window", "void": "submit-void"}
ATTESTATION_BYTES_MAX: Final = 4096


def chain_step(case: Case) -> Step:
    """The entry is what was submitted, and what the contract says it attests."""
    chain = case.bundle.chain
    if chain is None:
        if case.expected.attestation is None:
            return not_checked("chain", "the file has no chain part, and no answer of the contract was given")
        return concluded(
            "chain", _answer_only_faults(case), "the contract attests this entry", (_NO_TRANSACTION,)
        )
    gaps = []
    if case.expected.attestation is None:
        gaps.append("the contract was not asked: that the transaction was mined is the exporter's word")
    if not chain.attestation:
        gaps.append("the file does not say what the contract holds")
    sentence = f"transaction {chain.txid.hex()[:12]} at block {chain.block_height} submits this entry"
    return concluded("chain", _chain_faults(case, chain), sentence, tuple(gaps))


_NO_TRANSACTION: Final = "the submitting transaction is not in the file"


def _answer_only_faults(case: Case) -> Iterator[str]:
    yield from _attestation_faults(case, case.expected.attestation or b"", "the contract's answer", {})


def _chain_faults(case: Case, chain: ChainPart) -> Iterator[str]:
    if chain.contract != case.bundle.genesis.oracle:
        yield "the contract is not the one in the genesis"
    try:
        call = parse_contract_call(chain.transaction)
    except Malformed as cause:
        yield f"the transaction: {cause}"
        return
    if call.txid != chain.txid:
        yield "the transaction's bytes do not hash to its id"
    if call.contract != case.bundle.genesis.oracle or call.chain_id != case.bundle.genesis.chain_id:
        yield "the transaction calls another contract, or is of another chain"
    submitted = _submitted(case, call)
    if isinstance(submitted, str):
        yield submitted
        return
    if chain.attestation:
        yield from _attestation_faults(case, chain.attestation, "the attestation in the file", submitted)
    if case.expected.attestation is not None:
        yield from _attestation_faults(case, case.expected.attestation, "the contract's answer", submitted)


def _submitted(case: Case, call: ContractCall) -> dict[str, Value] | str:
    """The epoch and who signed, slot by slot, as the contract finds it in the call; or what is wrong."""
    signed = case.bundle.signed
    entry = signed.entry
    if call.function != FUNCTIONS[entry.kind] or len(call.arguments) != 7:
        return f"the transaction calls `{call.function}`, which submits no `{entry.kind}`"
    height, previous, body, epoch, round_, signatures, bls = call.arguments
    if (height, previous, body) != (entry.height, entry.previous, _body_value(entry.body)):
        return "the transaction submits another entry"
    if bls != signed.bls:
        return "the transaction carries another group signature"
    if not isinstance(epoch, int) or not isinstance(round_, int) or not isinstance(signatures, tuple):
        return "the transaction's certificate is none"
    keys = case.committees.get(epoch)
    if keys is None or len(signatures) != len(keys):
        return "the transaction's certificate is of a committee that is not in the file"
    certificate = CertificateValue(epoch, round_, tuple(one for one in signatures if isinstance(one, bytes)))
    voted = vote_digest(entry.network, certificate, entry.height, entry.digest)
    # As the contract counts: a slot whose signature is not its key's is absent.
    signers = tuple(
        isinstance(one, bytes) and case.backend.recover_secp256k1(voted, one) == key
        for one, key in zip(signatures, keys, strict=True)
    )
    if sum(signers) < quorum_of(keys):
        return "the transaction's certificate has no quorum"
    return {"epoch": epoch, "signers": signers}


def _attestation_faults(case: Case, data: bytes, name: str, submitted: Mapping[str, Value]) -> Iterator[str]:
    try:
        value = decode(data, bytes_max=ATTESTATION_BYTES_MAX)
    except EncodingError as cause:
        yield f"{name} is no Clarity value: {cause}"
        return
    attested = value.value if isinstance(value, Some) else value
    if not isinstance(attested, Mapping):
        yield f"{name} is no attestation"
        return
    for field, expected in {**_attestation_value(case), **submitted}.items():
        if attested.get(field) != expected:
            yield f"{name} has another `{field}`"


def _attestation_value(case: Case) -> dict[str, Value]:
    """What `get-attestation` must hold for the entry, but for who signed and when."""
    entry = case.bundle.signed.entry
    fields: dict[str, Value] = {"digest": entry.digest, "height": entry.height}
    if isinstance(entry.body, WindowSummary):
        fields |= {"void": None, "summary": Some(entry.body.value())}
    elif isinstance(entry.body, VoidBody):
        fields |= {"void": Some(entry.body.reason), "summary": None}
    return fields


def _body_value(body: object) -> Value:
    if isinstance(body, WindowSummary):
        return body.value()
    if isinstance(body, VoidBody):
        return {
            "window": body.window,
            "revision": body.revision,
            "reason": body.reason,
            "count": body.count,
        }
    raise TypeError("only windows and voids are submitted")

"""Two programs written from one rule: the auditor's own code reads what the node's code writes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from oracle.audit.backend import select
from oracle.audit.merkle import double_sha256, prove, proves, root_of
from oracle.audit.meters import Sample, parse_batch, parse_ocmf, parse_register, raw_signature
from oracle.audit.transaction import parse_contract_call
from oracle.audit.values import Malformed
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter, register_item
from oracle.model import UsagePoint
from oracle.windows import tree
from tests.unit.audit import world

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def test_trees_and_proofs_are_the_nodes() -> None:
    for count in range(34):
        leaves = [double_sha256(bytes([index])) for index in range(count)]
        assert root_of(leaves) == tree.root(leaves)
        for index in range(count):
            proof = prove(leaves, index)
            assert proof.path == tree.proof(leaves, index)
            assert proves(leaves[index], proof, tree.root(leaves))


def test_a_virtual_meters_record_reads_and_verifies() -> None:
    meter = VirtualMeter(UsagePoint(1), "M1", world.METER_KEYS[1])
    record = meter.ocmf(pagination=4, time_s=1_800_000_895, import_wh=1250, export_wh=120)
    ocmf = parse_ocmf(record.data)
    assert ocmf.sample == Sample(1_800_000_895, 1250, 120)
    assert parse_ocmf(meter.ocmf(pagination=5, time_s=95, import_wh=1, clock="U").data).sample == Sample(
        None, 1, None
    )
    signature = raw_signature(ocmf.signature)
    assert signature is not None
    digest = hashlib.sha256(ocmf.payload).digest()
    assert select("reference").verify_secp256r1(digest, signature, meter.public_key)


def test_a_virtual_gateways_batch_reads_and_verifies() -> None:
    gateway = VirtualGateway(100, world.GATEWAY_KEY)
    item = register_item(UsagePoint(4), time_s=1_800_000_895, import_wh=4250, export_wh=420)
    batch = parse_batch(gateway.batch(sequence=3, items=(item,)).data)
    assert (batch.gateway, batch.sequence, batch.items[0].usage_point) == (100, 3, 4)
    assert parse_register(batch.items[0].data) == (4250, 420)
    assert select("reference").verify_secp256r1(batch.digest, batch.signature, gateway.public_key)


def test_transactions_that_stacks_js_made_are_read_or_refused_by_name() -> None:
    read = 0
    for vector in vectors("transactions.json")["transactions"]:
        raw, kind = bytes.fromhex(vector["raw"]), vector["payload"]["kind"]
        if kind in {"call", "contract-call"} and not vector["post_conditions"]:
            call = parse_contract_call(raw)
            assert call.txid.hex() == vector["txid"]
            assert len(call.arguments) == len(
                vector["payload"].get("arguments", vector["payload"].get("args", ()))
            )
            read += 1
        else:
            with pytest.raises(Malformed):
                parse_contract_call(raw)
    assert read > 0


@pytest.mark.parametrize("backend", ["fast", "reference"])
def test_both_backends_verify_real_drand_beacons(backend: Any) -> None:
    quicknet = vectors("bls.json")["quicknet"]
    key = bytes.fromhex(quicknet["group-key"])
    beacons = quicknet["beacons"]
    messages = [hashlib.sha256(one["round"].to_bytes(8, "big")).digest() for one in beacons]
    signatures = [bytes.fromhex(one["signature"]) for one in beacons]
    verifier = select(backend)
    assert verifier.verify_bls(messages, signatures, key, range(1, len(beacons) + 1))
    assert not verifier.verify_bls(messages[::-1], signatures, key, range(1, len(beacons) + 1))

"""What is fuzzed: a name, what must hold of any bytes, and bytes to begin from.

To add one, write a function that takes bytes and a row in TARGETS. The function calls one
parser and holds its answer against this oracle: a value or a named refusal, never another
exception; and what was accepted gives the same bytes when it is written again. Time and
memory are watched by whoever runs it (`test_fuzz_corpus.py`, `fuzz.py`).

Where bytes are believed only under a checksum or a signature, the harness makes it, so that
what lies behind is reached.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from consensus.agreement import wire
from consensus.dkg import bundle as ceremony
from consensus.dkg.plan import Plan
from consensus.encoding import EncodingError, Some, Value, decode, encode
from consensus.envelope import ProposalFrame, Verified, open_proposal, open_vote
from consensus.messages import Certificate, Entry, Phase, Proposal, Vote
from consensus.model import Digest, Height, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK
from oracle import frames
from oracle.audit import bundle, document, meters
from oracle.audit import transaction as audited
from oracle.audit.values import Malformed
from oracle.audit.verify import verify
from oracle.chain import answers, transaction
from oracle.chain.wire import TransactionError
from oracle.evidence.file import Faulty
from oracle.evidence.records import batch_contradicts, batch_value, ocmf_contradicts
from oracle.evidence.verify import judge as judge_evidence
from oracle.explain.account import NoAccountError, read_account
from oracle.explain.report import text_of_one
from oracle.explain.verdict import judge
from oracle.feeds import http_push
from oracle.feeds.formats import Context, Parsed, RecordReason
from oracle.feeds.formats import parse as parse_record
from oracle.feeds.signatures import confirm
from oracle.journey import Heard, Said, Stage, Travel
from oracle.model import Leaf, Record, RecordHash, UsagePoint, WindowStart, decode_devices, encode_devices
from oracle.tenure import Claim, Grant
from oracle.windows.inputs import Inputs, InputSet
from oracle.windows.inventory import Inventory, inventory_of
from oracle.windows.readings import Rows
from tests.simulation.whole_node import Meters
from tests.unit.audit import world
from tests.unit.audit.test_audit_steps import other_kind
from tests.unit.evidence import attested, votes
from tests.unit.explain.accounts import answer
from tests.unit.formats.scene import FIXTURES, from_expectation
from tests.unit.oracle.network import COMMITTEE, COMMITTEES, KEYS, certified, entry_of, vote_of
from tests.unit.oracle.test_frames import EVERY

CORPUS: Final = Path(__file__).parent / "corpus"
PLAN: Final = Plan(NETWORK, 0, COMMITTEE, COMMITTEE)
POINTS: Final = 100


@dataclass(frozen=True, slots=True)
class Target:
    """One parser with its oracle: `check` tells whether it accepted.

    `seeds` are well-formed inputs, `bytes_max` bounds what is made of them.
    """

    name: str
    check: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    bytes_max: int = 4096


# --- canonical values and messages


def encoding(data: bytes) -> bool:
    try:
        value = decode(data)
    except EncodingError:
        return False
    assert encode(value) == data
    return True


def entry(data: bytes) -> bool:
    parsed = Entry.parse(data)
    if isinstance(parsed, Rejected):
        return False
    assert parsed.encoded() == data
    return True


def certificate(data: bytes) -> bool:
    parsed = Certificate.parse(data)
    if isinstance(parsed, Rejected):
        return False
    assert parsed.encoded() == data
    return True


def vote(data: bytes) -> bool:
    """Any payload, signed by a member."""
    opened = open_vote(data, KEYS[0].sign_recoverable(data), NETWORK, COMMITTEES)
    if isinstance(opened, Rejected):
        return False
    assert opened.sender == 0
    assert encode(opened.message.value(NETWORK)) == data
    return True


def proposal(data: bytes) -> bool:
    opened = open_proposal(data, KEYS[0].sign_recoverable(data), NETWORK, COMMITTEES)
    if isinstance(opened, Rejected):
        return False
    assert encode(opened.message.value(NETWORK)) == data
    return True


def signed(data: bytes) -> bool:
    """Observations and ceremony bundles: any payload, signed by a member, in its frame."""
    signature = KEYS[2].sign_recoverable(data)
    frame = encode({"topic": "signed", "sender": 2, "payload": data, "signature": signature})
    opened = frames.parse(frame, NETWORK, COMMITTEES)
    if isinstance(opened, Rejected):
        return False
    assert isinstance(opened, Verified)
    message = opened.message
    if isinstance(message, frames.Observations):
        assert encode(message.value(NETWORK)) == data
    else:
        assert isinstance(message, frames.Bundle)
        assert encode(message.value) == data
    return True


def frame(data: bytes) -> bool:
    """Whatever comes over a link."""
    message = frames.parse(data, NETWORK, COMMITTEES)
    if isinstance(message, Rejected):
        return False
    assert _reframed(message) == data
    return True


def _reframed(message: frames.NodeMessage) -> bytes:
    match message:
        case Verified(message=Vote()):
            return wire.vote_frame(message)  # type: ignore[arg-type]
        case ProposalFrame():
            return wire.proposal_frame(message)
        case wire.Status():
            return wire.status_frame(message)
        case wire.EntriesWanted():
            return wire.entries_wanted_frame(message.first)
        case wire.Entries():
            rows = tuple((o.entry.encoded(), o.certificate.encoded(), a) for o, a in message.decided)
            return wire.entries_frame(rows)
        case frames.InventoryNotice():
            return frames.inventory_frame(message)
        case frames.RowsWanted():
            return frames.rows_wanted_frame(message)
        case frames.Rows():
            return frames.rows_frame(message)
        case frames.RecordsWanted():
            return frames.records_wanted_frame(message.hashes)
        case frames.Records():
            rows_: list[Value] = [
                {"format": one.format, "source": one.source, "data": one.data} for one in message.records
            ]
            return encode({"topic": "records", "records": rows_})
        case frames.ObservationsWanted():
            return frames.observations_wanted_frame(message)
        case frames.Share():
            return frames.share_frame(message)
        case frames.PartWanted():
            return frames.part_wanted_frame(message)
        case frames.Part():
            return frames.part_frame(message)
        case Claim():
            return frames.claim_frame(message)
        case Grant():
            return frames.grant_frame(message)
        case Verified():
            return frames.signed_frame(message)  # type: ignore[arg-type]
        case _:
            raise AssertionError(f"no frame of {message}")


def observations_part(data: bytes) -> bool:
    opened = frames.read_observations(data, NETWORK, COMMITTEES)
    if isinstance(opened, Rejected):
        return False
    assert frames.write_observations(opened) == data
    return True


# --- key ceremonies


def attachment(data: bytes) -> bool:
    opened = ceremony.decode_attachment(data)
    if isinstance(opened, Rejected):
        return False
    assert ceremony.encode_attachment(opened) == data
    return True


def ceremony_bundle(data: bytes) -> bool:
    try:
        payload = decode(data)
    except EncodingError:
        return False
    if not isinstance(payload, Mapping):
        return False
    readers: tuple[Callable[..., Any], ...] = (
        ceremony.parse_hello,
        ceremony.parse_deal,
        ceremony.parse_response,
        ceremony.parse_justification,
        ceremony.parse_confirmation,
    )
    accepted = False
    for read in readers:
        parsed = read(PLAN, NodeId(1), payload)
        if not isinstance(parsed, Rejected):
            assert encode(parsed.payload(PLAN.session)) == data
            accepted = True
    return accepted


# --- windows


def rows(data: bytes) -> bool:
    parsed = Rows.from_bytes(data, rows_max=64)
    if isinstance(parsed, Rejected):
        return False
    assert parsed.to_bytes() == data
    return True


def inventory(data: bytes) -> bool:
    parsed = Inventory.from_bytes(data, points=POINTS)
    if isinstance(parsed, Rejected):
        return False
    assert parsed.to_bytes() == data
    return True


def devices(data: bytes) -> bool:
    parsed = decode_devices(data)
    if isinstance(parsed, Rejected):
        return False
    assert encode_devices(parsed) == data
    return True


def travel(data: bytes) -> bool:
    parsed = Travel.from_bytes(data)
    if parsed is None:
        return False
    assert Travel.from_bytes(parsed.to_bytes()) == parsed
    return True


def inputs(data: bytes) -> bool:
    parsed = Inputs.from_bytes(data)
    if parsed is None:
        return False
    assert parsed.to_bytes() == data
    return True


# --- records


@cache
def _scenes(format_: str) -> tuple[tuple[int, Context], ...]:
    found = []
    for path in sorted(FIXTURES.glob(f"{format_}/good/*.expect")):
        expected = json.loads(path.read_text())
        if "devices" in expected:
            found.append((expected["devices"][0]["device"], from_expectation(expected["devices"]).context()))
    return tuple(found[:: max(1, len(found) // 4)][:4])


def _record(format_: str) -> Callable[[bytes], bool]:
    def check(data: bytes) -> bool:
        accepted = False
        for source, context in _scenes(format_):
            parsed = parse_record(Record(format_, source, data), context)
            if isinstance(parsed, Parsed):
                parsed = confirm(parsed)
            if isinstance(parsed, Rejected):
                assert isinstance(parsed.reason, RecordReason)
            else:
                assert parsed.readings
                accepted = True
        return accepted

    return check


def _record_seeds(format_: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        paths = sorted(FIXTURES.glob(f"{format_}/*/*"))
        found = [path.read_bytes() for path in paths if path.suffix != ".expect"]
        return [one for one in found if len(one) <= 4096]

    return seeds


def audited_records(data: bytes) -> bool:
    """The auditor's own readers, which share nothing with the node's."""
    readers: tuple[Callable[[bytes], object], ...] = (
        meters.parse_ocmf,
        meters.parse_dsmr,
        meters.parse_batch,
        meters.parse_register,
    )
    accepted = False
    for read in readers:
        try:
            read(data)
        except Malformed:
            continue
        accepted = True
    meters.raw_signature(data)
    return accepted


def push_body(data: bytes) -> bool:
    try:
        records = http_push._records(data)
    except http_push._Refused:
        return False
    assert records
    rows_: list[Value] = [{"format": one.format, "source": one.source, "data": one.data} for one in records]
    assert encode({"topic": "records", "records": rows_}) == data
    return True


# --- what an auditor and the chain's client read


def bundle_file(data: bytes) -> bool:
    if isinstance(bundle.parse(data), Rejected):
        return False
    assert document.seal(document.unseal(data, len(data))) == data
    return True


def bundle_body(data: bytes) -> bool:
    """The JSON behind the checksum, as it is."""
    return bundle_file(document.MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def verdict(data: bytes) -> bool:
    """Any JSON, written as a bundle is: the auditor judges what it holds, and never breaks on it."""
    if document.nests_too_deep(data):
        return False
    try:
        sealed = document.seal(json.loads(data))
    except ValueError:
        return False
    judged = verify(sealed)
    assert judged.steps
    assert judged.text()
    assert json.loads(judged.json())
    return judged.passed


def evidence(data: bytes) -> bool:
    """Any JSON, written as an evidence file is: judged, and nobody is accused unless all holds."""
    if document.nests_too_deep(data):
        return False
    try:
        sealed = document.canonical_json(json.loads(data))
    except ValueError:
        return False
    judged = judge_evidence(sealed)
    assert judged.verdict.steps
    assert bool(judged.accused) <= judged.proven
    if judged.evidence is not None:
        assert judged.digest == hashlib.sha256(sealed).digest()
    judge_evidence(data)
    return judged.proven


def evidence_records(data: bytes) -> bool:
    """Any bytes beside a leaf, as the contract reads records: a verdict, or unsupported by name."""
    leaf = Leaf(
        UsagePoint(1),
        WindowStart(world.SECOND),
        1250,
        120,
        250,
        20,
        WindowStart(world.FIRST),
        0,
        1,
        RecordHash(bytes(32)),
    )
    read = False
    with suppress(Faulty):
        ocmf_contradicts(leaf, data)
        read = True
    with suppress(Faulty):
        batch_contradicts(leaf, data, world.WINDOW_S)
        assert encode(batch_value(data)) == data
        read = True
    return read


def stacks_transaction(data: bytes) -> bool:
    with suppress(Malformed):
        audited.parse_contract_call(data)
    try:
        parsed = transaction.parse(data)
    except TransactionError:
        return False
    assert transaction.serialise(parsed) == data
    return True


def chain_answers(data: bytes) -> bool:
    readers: tuple[Callable[[bytes], object], ...] = (
        answers.account,
        answers.info,
        answers.read_answer,
        answers.data,
        answers.source,
        answers.interface,
        answers.fee_estimate,
        answers.fee_rate,
        answers.broadcast_txid,
        answers.reject_reason,
        answers.transaction_status,
        answers.raw_transaction,
        answers.contract_events,
    )
    accepted = False
    for read in readers:
        try:
            read(data)
        except answers.MalformedAnswer:
            continue
        accepted = True
    return accepted


def explanation(data: bytes) -> bool:
    """A node's account of a window, as `wattest explain` reads it."""
    if document.nests_too_deep(data):  # as the client refuses
        return False
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(content, dict):
        return False
    try:
        account = read_account("there", content)
    except NoAccountError:
        return False
    assert text_of_one(account, judge(account))
    return True


# --- seeds


def _values() -> list[bytes]:
    values: list[Value] = [
        0,
        b"\x00" * 40,
        "text",
        True,
        None,
        Some(Some(None)),
        (1, 2, 3),
        {"a": 1, "b-c": {"d": b""}},
    ]
    return [encode(one) for one in values]


def _entries() -> list[bytes]:
    body: dict[str, Value] = {"window": 900, "revision": 0, "reason": 1, "count": 1}
    return [entry_of("void", body).encoded(), entry_of("deal", {"attachment": bytes(32)}).encoded()]


def _votes() -> list[bytes]:
    return [vote_of(0, 5, digest, phase).payload for digest in (None, bytes(32)) for phase in Phase]


def _proposals() -> list[bytes]:
    return [
        encode(Proposal(COMMITTEE.epoch, Height(5), Round(3), Digest(bytes(32)), valid).value(NETWORK))
        for valid in (None, Round(1))
    ]


def _frames() -> list[bytes]:
    decided = certified(entry_of("void", {"window": 900}))
    entries = wire.entries_frame(((decided.entry.encoded(), decided.certificate.encoded(), b""),))
    return [made for _, made in EVERY if len(made) <= 4096] + [entries]


def _signed() -> list[bytes]:
    return [one.payload for one, _ in EVERY if isinstance(one, Verified) and one.payload] + _bundles()


def _observations_parts() -> list[bytes]:
    found = [one for one, _ in EVERY if isinstance(one, Verified)]
    seen = tuple(one for one in found if isinstance(one.message, frames.Observations))
    return [frames.write_observations(seen), frames.write_observations(())]


def _bundles() -> list[bytes]:
    made = (
        ceremony.Hello(NodeId(1), bytes(32)),
        ceremony.Deal(NodeId(1), (bytes(96),) * PLAN.threshold, bytes(48), (b"",) * 4),
        ceremony.Response(NodeId(1), (NodeId(0), NodeId(2))),
        ceremony.Justification(NodeId(1), ((NodeId(0), bytes(32)),)),
        ceremony.Confirmation(NodeId(1), bytes(32), bytes(48)),
    )
    return [encode(one.payload(PLAN.session)) for one in made]


def _attachments() -> list[bytes]:
    hello = ceremony.Hello(NodeId(1), bytes(32)).payload(PLAN.session)
    return [ceremony.encode_attachment((ceremony.Envelope(NodeId(1), hello, bytes(65)),))]


def _some_rows() -> Rows:
    parsed = Rows.from_bytes(
        b"".join(at.to_bytes(8, "big") + bytes([at]) * 32 for at in range(1, 4)), rows_max=3
    )
    assert isinstance(parsed, Rows)
    return parsed


def _inventories() -> list[bytes]:
    some = _some_rows()
    return [inventory_of(900, POINTS, some.usage_points, some).to_bytes()]


def _device_lists() -> list[bytes]:
    return [encode_devices(Meters().devices())]


def _travels() -> list[bytes]:
    one = Travel(WindowStart(900), 7, void_reason=1, leaves=3)
    one.note(Stage.CLOSED, 5, "why")
    one.hear(Heard(6, Said.PREVOTE, NodeId(1), 2, b"abcd"))
    return [one.to_bytes()]


def _inputs() -> list[bytes]:
    some = InputSet.of(_some_rows())
    return [Inputs(WindowStart(900), some, some).to_bytes()]


def _records_frames() -> list[bytes]:
    found = (Record("json", 7, b"{}"), Record("ocmf", 8, b"OCMF|{}|{}"))
    return [*frames.records_frames(found), encode({"topic": "records", "records": []})]


def _bundle_bodies() -> list[bytes]:
    return [one.partition(b"\n")[2] for one in _bundle_files()]


@cache
def _bundle_files() -> list[bytes]:
    network, void = other_kind("void", {"window": world.FIRST, "revision": 0, "reason": 2, "count": 1})
    void = replace(void, chain=world.chain_part(network, void.signed, "submit-void"))
    return [bundle.build(void), bundle.build(world.Draft().parts())]


def _evidence() -> list[bytes]:
    town = attested.Town()
    town.draft.claim(1, import_register_wh=1251)
    made = town.false_leaf(1), town.false_energy(1), town.false_zone(), town.false_window()
    return [votes.file_of(votes.vote(votes.A), votes.vote(votes.B)), *made]


def _evidence_records() -> list[bytes]:
    plain = [attested.plain_ocmf(1, 1250, 120), attested.plain_ocmf(1, 1251, 0)]
    return [*plain, *_record_seeds("batch")()[:6]]


def _audited_records() -> list[bytes]:
    found: list[bytes] = []
    for format_ in ("ocmf", "dsmr", "batch"):
        found += _record_seeds(format_)()[:12]
    return found


def _transactions() -> list[bytes]:
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "transactions.json").read_text())
    found = [bytes.fromhex(text.removeprefix("0x")) for text in _hex_texts(vectors)]
    return [one for one in found if 100 < len(one) <= 4096]


def _hex_texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _hex_texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _hex_texts(one)]
    if isinstance(value, str) and len(value) > 200 and set(value) <= set("0123456789abcdefx"):
        return [value]
    return []


def _answers() -> list[bytes]:
    contents: list[Any] = [
        {"nonce": 3, "balance": "0x0f", "locked": "0x00"},
        {"network_id": 1, "stacks_tip_height": 2, "stacks_tip": "ab" * 32, "burn_block_height": 3},
        {"okay": True, "result": "0x09"},
        {"okay": False, "cause": "no"},
        {"data": "0x0100000000000000000000000000000001"},
        {"source": "(+ 1 2)"},
        {"functions": [], "maps": {}},
        {"estimations": [{"fee": 1}, {"fee": 2}, {"fee": 3}]},
        7,
        "ab" * 32,
        {"reason": "BadNonce", "reason_data": {"expected": 1}},
        {"tx_status": "success", "block_height": 4, "tx_result": {"hex": "0x09"}, "canonical": True},
        {"raw_tx": "0x00ff"},
    ]
    return [json.dumps(one).encode() for one in contents]


def _explanations() -> list[bytes]:
    return [json.dumps(answer()).encode()]


TARGETS: Final = (
    Target("encoding", encoding, _values),
    Target("entry", entry, _entries),
    Target("certificate", certificate, lambda: [certified(entry_of("void", {"w": 1})).certificate.encoded()]),
    Target("vote", vote, _votes, 512),
    Target("proposal", proposal, _proposals, 512),
    Target("signed", signed, _signed, 2048),
    Target("frame", frame, _frames),
    Target("observations", observations_part, _observations_parts),
    Target("attachment", attachment, _attachments),
    Target("ceremony", ceremony_bundle, _bundles, 2048),
    Target("rows", rows, lambda: [_some_rows().to_bytes()]),
    Target("inventory", inventory, _inventories, 256),
    Target("devices", devices, _device_lists),
    Target("travel", travel, _travels),
    Target("inputs", inputs, _inputs),
    Target("ocmf", _record("ocmf"), _record_seeds("ocmf")),
    Target("dsmr", _record("dsmr"), _record_seeds("dsmr")),
    Target("json", _record("json"), _record_seeds("json")),
    Target("batch", _record("batch"), _record_seeds("batch")),
    Target("audited-records", audited_records, _audited_records),
    Target("push", push_body, _records_frames),
    Target("bundle-file", bundle_file, _bundle_files, 1 << 16),
    Target("bundle-body", bundle_body, _bundle_bodies, 1 << 16),
    Target("verdict", verdict, _bundle_bodies, 1 << 16),
    Target("evidence", evidence, _evidence, 1 << 14),
    Target("evidence-records", evidence_records, _evidence_records),
    Target("transaction", stacks_transaction, _transactions),
    Target("chain-answers", chain_answers, _answers),
    Target("explanation", explanation, _explanations, 1 << 14),
)


def named(name: str) -> Target:
    """The target of a name."""
    return next(target for target in TARGETS if target.name == name)


def kept(target: Target) -> list[bytes]:
    """Its corpus: what was found to reach something of its own, and every failing case of the past."""
    folder = CORPUS / target.name
    return [path.read_bytes() for path in sorted(folder.glob("*"))] if folder.is_dir() else []

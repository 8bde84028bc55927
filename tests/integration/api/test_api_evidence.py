"""Evidence in a node's history: shown by the API, fetched by the command line, found in false windows."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import fields, replace
from pathlib import Path

import coincurve
import pytest

from consensus.encoding import encode
from consensus.envelope import certificate_at
from consensus.messages import Entry, Phase, Vote
from consensus.model import EpochNumber, Height, NodeId, Round
from consensus.simulator.runs import keys
from consensus.step import JournalRecord, Milestone
from oracle.api.app import make_exporter
from oracle.api.client import FetchFailed, FetchProblem, NodeClient
from oracle.audit.case import Expectations
from oracle.audit.parts import EpochPart
from oracle.chain.address import TESTNET, address_of
from oracle.chain.client import StacksClient
from oracle.chain.contracts import OracleContracts
from oracle.chain.disputes import Disputes, Submission, SubmissionState
from oracle.chain.endpoint import ClientLimits
from oracle.chain.outbox import Outbox
from oracle.chronicle import DECIDED, PART
from oracle.cli import main
from oracle.evidence.build import double_vote
from oracle.evidence.file import digest_of
from oracle.evidence.verify import judge
from oracle.memory import Writes
from oracle.model import WindowStart, read_summary
from oracle.prosecutor import Prosecutor
from oracle.storage.history import StoredEvidence
from oracle.windows.leaves import Leaves
from oracle.windows.window_data import WindowData, assemble
from tests.integration.api.conftest import Site
from tests.integration.api.network import SIGNED
from tests.simulation.whole_node import WINDOW_S

LIST, ONE = "/v1/evidence", "/v1/evidence/{digest}"
LIARS = (1, 2, 3)
KEY = coincurve.PrivateKey(b"\x05" * 32)
NOWHERE = "http://127.0.0.1:9"


def file_about(site: Site, height: int = 3) -> bytes:
    signed = []
    for digest in (b"\x01" * 32, None):
        vote = Vote(EpochNumber(1), Height(height), Round(0), Phase.COMMIT, digest)  # type: ignore[arg-type]
        payload = encode(vote.value(site.run.genesis.network))
        signed.append((payload, keys(4)[2].sign_recoverable(payload)))
    genesis = site.run.genesis
    epochs = (EpochPart(1, genesis.committee.node_keys),)
    return double_vote(encode(genesis.value()), epochs, signed[0], signed[1])


def keep(site: Site, data: bytes, height: int = 3) -> str:
    site.database.transaction((), (StoredEvidence(digest_of(data), height, "double-vote", data),))
    return digest_of(data).hex()


# --- the API and the command line


async def test_evidence_is_listed_newest_first_and_given_as_it_is_kept(site: Site) -> None:
    assert await site.described(LIST, LIST) == {"evidence": []}
    first, second = file_about(site, 3), file_about(site, 4)
    names = [keep(site, first, 3), keep(site, second, 4)]
    rows = (await site.described(LIST, LIST))["evidence"]
    assert [row["digest"] for row in rows] == names[::-1]
    assert {row["kind"] for row in rows} == {"double-vote"}
    assert rows[0]["submission"] is None
    assert len((await site.described(f"{LIST}?limit=1", LIST))["evidence"]) == 1
    async with site.session.get(site.url + rows[1]["file"]) as response:
        assert await response.read() == first


@pytest.mark.parametrize(
    ("digest", "status", "error"),
    [("00" * 32, 404, "not-found"), ("xyz", 400, "bad-parameter"), ("AB" * 32, 400, "bad-parameter")],
)
async def test_evidence_that_is_not_there_is_refused_by_name(
    site: Site, digest: str, status: int, error: str
) -> None:
    content = await site.described(f"{LIST}/{digest}", ONE, status)
    assert content["error"] == error


async def test_the_command_line_lists_exports_and_verifies(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "proof.json"
    assert await run("list", "--api", site.url) == 0
    assert "nobody misbehave" in capsys.readouterr().out
    name = keep(site, file_about(site))
    assert await run("list", "--api", site.url, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["digest"] == name
    assert await run("export", name[:12], "--api", site.url, "--out", str(out)) == 0
    assert digest_of(out.read_bytes()).hex() == name
    assert await run("verify", str(out), "--network", site.run.genesis.network.hex()) == 0
    assert await run("export", "ffff", "--api", site.url, "--out", str(out)) == 2
    assert await run("list", "--api", NOWHERE) == 2
    assert "no evidence, or more than one" in capsys.readouterr().err


async def test_what_is_no_list_of_evidence_is_not_taken_for_one(site: Site) -> None:
    async with NodeClient(site.url) as client:
        assert await client.evidence() == []
        with pytest.raises(FetchFailed) as caught:
            await client.evidence_file("../health")
    assert caught.value.problem in (FetchProblem.NOT_FOUND, FetchProblem.REFUSED)


async def run(*arguments: str) -> int:
    """The command on a thread of its own: it runs a loop of its own."""
    return await asyncio.to_thread(main, ["evidence", *arguments])


# --- a window that three liars decided


def false_window(site: Site, lie: str) -> int:
    """Three members attest, as the next height, a window over a record that says something else."""
    run, liars = site.run, keys(4)
    last = run.heights("window")[-1]
    summary = read_summary(run.entry(last).body)
    data = WindowData.from_bytes(run.disk.parts[last, "window"], summary)  # type: ignore[arg-type]
    assert isinstance(data, WindowData)
    own_clock = data.leaves.usage_point <= max(SIGNED)  # a gateway's items are of their own window
    leaves = Leaves(*(getattr(data.leaves, one.name)[own_clock] for one in fields(Leaves)))
    window = WindowStart(data.summary.window + WINDOW_S)
    since = leaves.since_s.copy()
    since[:] = data.summary.window
    registers, energy = leaves.import_register_wh.copy(), leaves.import_wh.copy()
    energy[:], exported = 0, leaves.export_wh.copy()
    exported[:] = 0
    if lie == "register":
        registers[0] += 7
        energy[0] = 7
    if lie == "energy":
        energy[0] = 9
    bent = replace(leaves, since_s=since, import_register_wh=registers, import_wh=energy, export_wh=exported)
    forged = assemble(window, 0, data.summary.registry, bent)
    height = max(run.disk.history) + 1
    previous = run.entry(height - 1).digest
    entry = Entry(run.genesis.network, Height(height), previous, "window", forged.summary.value())
    vote = Vote(EpochNumber(1), Height(height), Round(0), Phase.COMMIT, entry.digest)
    payload = encode(vote.value(run.genesis.network))
    votes = {NodeId(slot): liars[slot].sign_recoverable(payload) for slot in LIARS}
    certificate = certificate_at(EpochNumber(1), Round(0), votes, 4)
    row = {"entry": entry.encoded(), "certificate": certificate.encoded(), "attachment": b""}
    writes = Writes()
    writes.add_records([JournalRecord(height, DECIDED, encode(row))])
    writes.add_records([JournalRecord(height, PART + "window", forged.to_bytes())])
    site.database.transaction(writes.journal, writes.history, writes.truncate_below)
    return height


async def looked_through(site: Site, height: int, tmp_path: Path) -> tuple[Prosecutor, list[Milestone]]:
    """The prosecutor of a node whose chain is away, once it has looked at a height."""
    told: list[Milestone] = []
    client = StacksClient((NOWHERE,), limits=ClientLimits(deadline_s=0.2, attempts=1))
    contracts = OracleContracts(client, address_of(KEY.public_key, TESTNET))
    (tmp_path / "chain").mkdir()
    outbox = Outbox(tmp_path / "chain", KEY, TESTNET, client, lambda: int(time.time()))

    def disputes(prosecutor: Prosecutor) -> Disputes:
        place = (NodeId(0), 4)
        own = site.run.genesis.committee.node_keys[0]
        network = site.run.genesis.network
        return Disputes(
            contracts, outbox, time.monotonic, 0.0, 0.05, network, own, lambda: place, prosecutor.keep
        )

    exporter = make_exporter(site.view, site.database, site.records)
    prosecutor = Prosecutor(site.database, exporter, WINDOW_S, disputes, told.append)
    async with client, outbox, asyncio.timeout(20):
        running = asyncio.create_task(prosecutor.run())
        prosecutor.look(height)
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return prosecutor, told


@pytest.mark.parametrize(("lie", "kind"), [("register", "false-leaf"), ("energy", "false-sum")])
async def test_a_window_that_others_decided_falsely_becomes_evidence_against_its_signers(
    site: Site, tmp_path: Path, lie: str, kind: str
) -> None:
    height = false_window(site, lie)
    prosecutor, told = await looked_through(site, height, tmp_path)
    stored = site.database.history.all_evidence()
    assert {one.kind for one in stored} == {kind}
    for one in stored:
        judgement = judge(one.data, Expectations(network=site.run.genesis.network))
        assert judgement.proven, judgement.verdict.text()
        node_keys = site.run.genesis.committee.node_keys
        assert judgement.accused == tuple(node_keys[slot] for slot in LIARS)
    assert prosecutor.held[kind] >= 1
    assert set(prosecutor.submissions) == {"waiting"}  # the chain is away
    assert kind in {milestone.name for milestone in told}


async def test_a_window_that_is_as_it_should_be_accuses_nobody(site: Site, tmp_path: Path) -> None:
    prosecutor, told = await looked_through(site, site.run.heights("window")[-1], tmp_path)
    assert site.database.history.all_evidence() == ()
    assert (prosecutor.held, told) == ({}, [])


async def test_a_height_that_cannot_be_looked_through_harms_nobody(site: Site, tmp_path: Path) -> None:
    prosecutor, told = await looked_through(site, 99_999, tmp_path)
    assert (prosecutor.held, told) == ({}, [])


async def test_what_became_of_evidence_is_kept_and_shown(site: Site, tmp_path: Path) -> None:
    data = file_about(site)
    name = keep(site, data)
    prosecutor, _ = await looked_through(site, 1, tmp_path)
    proven = Submission(digest_of(data), "double-vote", SubmissionState.PROVEN, "key", "ab" * 32, 7)
    await prosecutor.keep(proven)
    (row,) = (await site.described(LIST, LIST))["evidence"]
    assert row["digest"] == name
    assert (row["submission"]["state"], row["submission"]["block_height"]) == ("proven", 7)
    assert prosecutor.submissions == {"proven": 1}


async def test_what_is_over_is_counted_after_a_restart_and_not_brought_again(
    site: Site, tmp_path: Path
) -> None:
    data = file_about(site)
    keep(site, data)
    (tmp_path / "first").mkdir()
    (tmp_path / "again").mkdir()
    before, _ = await looked_through(site, 1, tmp_path / "first")
    assert before.open == 1
    await before.keep(Submission(digest_of(data), "double-vote", SubmissionState.REFUSED, detail="u501"))
    after, told = await looked_through(site, 1, tmp_path / "again")
    assert (after.open, after.submissions, after.held) == (0, {"refused": 1}, {"double-vote": 1})
    assert told == []

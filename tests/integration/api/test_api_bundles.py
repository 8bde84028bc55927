"""What the API exports, judged by the auditor, who shares nothing with the exporter but the bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from consensus.encoding import decode, encode
from oracle.api.context import API
from oracle.api.exporter import Exporter, ExportFailed, ExportProblem
from oracle.api.limits import Limits
from oracle.api.windows import Windows
from oracle.audit.bundle import Bundle, build, parse
from oracle.audit.case import Expectations
from oracle.audit.verdict import Outcome, Verdict
from oracle.audit.verify import STEPS, verify
from oracle.model import Assurance
from oracle.storage.database import Database
from oracle.storage.history import Part
from oracle.storage.records import RecordLog
from tests.integration.api.conftest import Open, Site, Storage
from tests.integration.api.network import GATEWAY, Archive, Run, put_on_chain


def judged(data: bytes, run: Run) -> Verdict:
    return verify(data, Expectations(network=run.genesis.network, group_key=run.group_key))


def exporter_of(run: Run, database: Database, records: RecordLog) -> Exporter:
    view = Archive(run)
    return Exporter(
        database.history, records, run.genesis, lambda: view.committees, Windows(database.history, 4)
    )


async def test_a_window_fetched_over_http_passes_every_step_of_the_auditor(site: Site) -> None:
    height = site.run.attested()[-1]
    async with site.session.get(f"{site.url}/v1/attestations/{height}/bundle") as response:
        assert response.status == 200
        assert response.content_type == "text/vnd.wattest.bundle"
        data = await response.read()
    verdict = judged(data, site.run)
    assert [step.name for step in verdict.steps] == list(STEPS)
    assert verdict.passed, verdict.text()
    for step in verdict.steps:
        wanted = Outcome.NOT_CHECKED if step.name == "chain" else Outcome.PASSED
        assert (step.outcome, step.gaps) == (wanted, ()), step


async def test_the_window_holds_every_kind_of_evidence_there_is(site: Site) -> None:
    height = site.run.attested()[-1]
    async with site.session.get(f"{site.url}/v1/attestations/{height}/bundle") as response:
        bundle = parse(await response.read())
    assert isinstance(bundle, Bundle)
    leaves = [leaf.leaf for zone in bundle.zones for leaf in zone.leaves]
    assert {leaf.assurance for leaf in leaves} == set(Assurance)
    assert all(leaf.since < leaf.window for leaf in leaves)
    assert sorted(record.format for record in bundle.records) == ["batch", "dsmr", "ocmf", "ocmf", "ocmf"]
    assert GATEWAY in [one.device.device for one in bundle.devices]
    assert len(bundle.observations) >= 3


@pytest.mark.parametrize("which", [0, 1, -1])
def test_first_second_and_last_window_pass(run: Run, storage: Storage, which: int) -> None:
    verdict = judged(exporter_of(run, *storage).export(run.attested()[which]), run)
    assert verdict.passed, verdict.text()


@pytest.mark.parametrize("kind", ["registry", "activate", "respond"])
def test_other_kinds_of_entry_pass_as_well(run: Run, storage: Storage, kind: str) -> None:
    (height,) = run.heights(kind)
    group_key = None if kind == "respond" else run.group_key  # which does not exist before `activate`
    expected = Expectations(network=run.genesis.network, group_key=group_key)
    verdict = verify(exporter_of(run, *storage).export(height), expected)
    assert verdict.passed, verdict.text()
    assert verdict.subject.startswith(f"`{kind}` entry")


def test_a_submitted_window_passes_the_chain_step(run: Run, storage: Storage) -> None:
    height = run.attested()[1]
    txid = put_on_chain(run, storage[0], height)
    data = exporter_of(run, *storage).export(height)
    verdict = judged(data, run)
    assert verdict.passed, verdict.text()
    assert txid.hex()[:12] in verdict.step("chain").sentence  # type: ignore[union-attr]
    assert verdict.step("chain").outcome is Outcome.PASSED  # type: ignore[union-attr]


def test_a_bundle_without_its_observations_fails_where_they_are_needed(run: Run, storage: Storage) -> None:
    parts = exporter_of(run, *storage).parts(run.attested()[1])
    verdict = judged(build(replace(parts, observations=())), run)
    assert verdict.first_failure is not None
    assert verdict.first_failure.name == "observations"


def test_only_observations_that_the_decided_value_rests_on_are_exported(run: Run, storage: Storage) -> None:
    database, height = storage[0], run.attested()[1]
    observers = decode(database.history.part(height, "attachment") or b"")
    assert isinstance(observers, dict)
    rows = observers["observers"]
    assert isinstance(rows, tuple)
    whole = exporter_of(run, *storage).parts(height).observations
    assert len(whole) == len(rows)
    database.transaction((), (Part(height, "attachment", encode({"observers": rows[1:]})),))
    assert exporter_of(run, *storage).parts(height).observations == whole[1:]


def test_missing_records_are_named_instead_of_left_out(run: Run, storage: Storage, tmp_path: Path) -> None:
    empty = RecordLog(tmp_path / "no-records", reserve_bytes=0)
    with pytest.raises(ExportFailed) as caught:
        exporter_of(run, storage[0], empty).export(run.attested()[0])
    empty.close()
    assert caught.value.problem is ExportProblem.RECORDS_MISSING
    assert caught.value.detail.startswith("5 of 5")


async def test_a_bundle_is_made_once_and_again_when_the_chain_has_it(site: Site) -> None:
    height = site.run.attested()[-2]
    path = f"{site.url}/v1/attestations/{height}/bundle"

    async def fetched(**headers: str) -> tuple[int, str, str]:
        async with site.session.get(path, headers=headers) as response:
            await response.read()
            return response.status, response.headers["ETag"], response.headers["Cache-Control"]

    status, first, cache = await fetched()
    assert (status, cache) == (200, "no-cache")
    assert await fetched(**{"If-None-Match": first}) == (304, first, "no-cache")
    put_on_chain(site.run, site.database, height)
    status, second, cache = await fetched()
    assert (status, cache) == (200, "no-cache")
    assert second != first
    site.view.tip_height += 10  # deep enough: nothing will be added any more
    assert await fetched() == (200, second, "public, max-age=31536000, immutable")


async def test_many_who_want_one_bundle_wait_for_one_export(open_site: Open) -> None:
    site = await open_site()
    path = f"/v1/attestations/{site.run.attested()[-1]}/bundle"

    async def fetched() -> bytes:
        async with site.session.get(site.url + path) as response:
            assert response.status == 200
            return await response.read()

    answers = await asyncio.gather(*(fetched() for _ in range(8)))
    assert len(set(answers)) == 1
    assert site.app[API].bundles.made == 1


async def test_a_window_beyond_the_limit_is_refused_by_name(open_site: Open) -> None:
    site = await open_site(Limits(bundle_leaves_max=3))
    status, content = await site.get(f"/v1/attestations/{site.run.attested()[-1]}/bundle")
    assert (status, content["error"]) == (413, "bundle-too-large")
    assert "6 leaves, at most 3" in content["detail"]

"""The MQTT feed against real brokers: nothing acknowledged is lost, nothing bad wedges it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from consensus.model import InvariantBroken
from oracle.feeds import mqtt as mqtt_module
from oracle.feeds.intake import Intake
from oracle.feeds.mqtt import MqttFeed, MqttSettings
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.records import RecordLog
from tests.integration.feeds import street
from tests.integration.feeds.brokers import (
    HOST,
    KINDS,
    broker,
    free_port,
    publish,
    publish_raw,
    started,
    stopped,
    tap,
)
from tests.integration.feeds.street import STRANGER, House, batch, house, make_room, roster, signed, unsigned

SETTINGS = MqttSettings(
    HOST,
    "node-1",
    reconnect_first_s=0.05,
    reconnect_cap_s=0.5,
    settled_s=0.5,
    storage_retry_first_s=0.05,
    storage_retry_cap_s=0.2,
)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.asynccontextmanager
async def feeding(settings: MqttSettings, intake: Intake) -> AsyncIterator[MqttFeed]:
    feed = MqttFeed(settings, roster(), intake)
    running = asyncio.create_task(feed.run())
    try:
        await street.until(lambda: feed.health.connected_since_s is not None, "connected")
        yield feed
        assert not running.done()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@contextlib.asynccontextmanager
async def all_of(
    kind: str, tmp_path: Path, *, reserve_bytes: int = 0, settings: MqttSettings = SETTINGS
) -> AsyncIterator[tuple[int, House, MqttFeed]]:
    port = free_port()
    async with (
        broker(kind, port),
        house(tmp_path, reserve_bytes=reserve_bytes) as here,
        feeding(replace(settings, port=port), here.intake) as feed,
    ):
        yield port, here, feed


async def test_records_of_every_kind_arrive_and_are_acknowledged(kind: str, tmp_path: Path) -> None:
    records = [*(signed(n) for n in range(600)), unsigned(), batch(1)]
    async with all_of(kind, tmp_path) as (port, here, feed):
        await publish(port, records)
        await street.until(lambda: feed.health.acknowledged == len(records), "all acknowledged")
        assert here.handed.records == {record.hash for record in records}
        assert here.log.holds([record.hash for record in records]) == here.handed.records
        assert feed.health.unacknowledged == 0
        assert here.intake.counters.accepted == {"ocmf": 600, "json": 1, "batch": 1}


async def test_nothing_bad_wedges_the_queue(kind: str, tmp_path: Path) -> None:
    bad = [
        ("meters/7", b"\x00\xff poison"),
        ("meters/7", b""),
        ("meters/7", signed(1, STRANGER).data),
        ("meters/8", signed(1).data),
        ("gateways/900", b"\x0c\xff\xff\xff\xff"),
        ("tele/20/SENSOR", b"[" * 10_000),
        ("meters/7", bytes(SETTINGS.message_bytes_max + 1)),
        ("nobody/knows", signed(2).data),
    ]
    async with all_of(kind, tmp_path, settings=replace(SETTINGS, filters=("#",))) as (port, here, feed):
        await publish_raw(port, bad)
        await publish(port, [signed(3)])
        await publish_raw(port, [("meters/7", signed(4).data)], qos=0)
        await street.until(lambda: feed.health.acknowledged == len(bad) + 2, "all acknowledged")
        assert here.handed.records == {signed(3).hash, signed(4).hash}
        rejected = here.intake.counters.rejected
        assert rejected["mqtt", "oversize"] == rejected["mqtt", "topic-unknown"] == 1
        assert sum(rejected.values()) == len(bad)
        assert feed.health.connections == 1


async def test_no_acknowledged_record_is_lost_when_the_process_is_killed(kind: str, tmp_path: Path) -> None:
    records = [signed(n) for n in range(2000)]
    port = free_port()
    script = str(Path(__file__).parent / "feed_process.py")
    async with broker(kind, port), tap(port) as wire, contextlib.AsyncExitStack() as later:
        arguments = (script, str(wire.port), str(tmp_path), "node-1")
        process, _ = await started(*arguments)
        later.callback(lambda: process.kill() if process.returncode is None else None)
        publishing = asyncio.create_task(publish(port, records))
        for kill_after in (150, 600, 1100):
            await street.until(lambda after=kill_after: len(wire.acknowledged) >= after, "going")  # type: ignore[misc]
            process.kill()
            await process.wait()
            acknowledged = set(wire.acknowledged)
            log = RecordLog(tmp_path / "records", reserve_bytes=0)
            held = log.holds([record.hash for record in records])
            log.close()
            missing = [one for one in records if one.data in acknowledged and one.hash not in held]
            assert not missing
            process, _ = await started(*arguments)
        await publishing
        everything = {record.data for record in records}
        await street.until(lambda: wire.acknowledged >= everything, "all acknowledged in the end", 20)
        await stopped(process)
    log = RecordLog(tmp_path / "records", reserve_bytes=0)
    assert len(log.holds([record.hash for record in records])) == len(records)
    log.close()


async def test_what_came_while_the_node_was_away_is_delivered(kind: str, tmp_path: Path) -> None:
    port = free_port()
    async with broker(kind, port), house(tmp_path) as here:
        settings = replace(SETTINGS, port=port)
        async with feeding(settings, here.intake):
            pass
        await publish(port, [signed(n) for n in range(300)])
        async with feeding(settings, here.intake) as feed:
            await street.until(lambda: feed.health.acknowledged == 300, "delivered")
        assert len(here.handed.records) == 300


async def test_the_feed_comes_back_with_its_broker(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    caplog.set_level("INFO", mqtt_module.__name__)
    async with house(tmp_path) as here, contextlib.AsyncExitStack() as later:
        async with broker(kind, port, tmp_path / "state"):
            feed = await later.enter_async_context(feeding(replace(SETTINGS, port=port), here.intake))
            await publish(port, [signed(1)])
            await street.until(lambda: feed.health.acknowledged == 1, "the first")
        await street.until(lambda: feed.health.connected_since_s is None, "noticed")
        await asyncio.sleep(0.7)
        assert "refused" in feed.health.last_error.lower()
        async with broker(kind, port, tmp_path / "state"):
            await street.until(lambda: feed.health.connections == 2, "connected again")
            await publish(port, [signed(2)])
            await street.until(lambda: feed.health.acknowledged == 2, "the second")
            assert feed.health.last_error == ""
        lines = [line.message for line in caplog.records if "mqtt: connected" in line.message]
        assert len(lines) == 2
        assert sum("no connection" in line.message for line in caplog.records) <= 4, "one line a change"


async def test_a_full_disk_acknowledges_nothing_until_there_is_room(kind: str, tmp_path: Path) -> None:
    async with all_of(kind, tmp_path, reserve_bytes=street.FULL) as (port, here, feed):
        await publish(port, [signed(n) for n in range(50)])
        await street.until(lambda: here.intake.problem is StorageProblem.RESERVE, "the state has a name")
        await asyncio.sleep(0.3)
        assert feed.health.acknowledged == 0
        assert not here.handed.calls
        make_room(here.log)
        await street.until(lambda: feed.health.acknowledged == 50, "all acknowledged")
        assert len(here.handed.records) == 50
        assert here.intake.problem is None


async def test_a_broker_that_sends_too_much_is_left_unread_for_a_while(kind: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, inflight_messages_max=20, batch_messages_max=8, batches_max=2)
    async with all_of(kind, tmp_path, reserve_bytes=street.FULL, settings=settings) as (port, here, feed):
        await publish(port, [signed(n) for n in range(400)])
        await street.until(lambda: feed.health.pauses > 0, "paused")
        await asyncio.sleep(0.2)
        assert feed.health.unacknowledged <= 22
        make_room(here.log)
        await street.until(lambda: len(here.handed.records) == 400, "nothing was dropped")


async def test_a_broken_disk_ends_the_feed(kind: str, tmp_path: Path) -> None:
    port = free_port()
    async with broker(kind, port), house(tmp_path) as here:
        feed = MqttFeed(replace(SETTINGS, port=port), roster(), here.intake)
        running = asyncio.create_task(feed.run())
        await street.until(lambda: feed.health.connections == 1, "connected")
        here.log.close()
        await publish(port, [signed(1)])
        with pytest.raises(ExceptionGroup) as ended:
            await running
        assert ended.group_contains(StorageFailed)
        assert feed.health.acknowledged == 0


async def test_others_see_whether_the_feed_is_there(kind: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, availability_topic="wattest/node-1/availability")
    port = free_port()
    async with broker(kind, port), house(tmp_path) as here:
        async with aiomqtt.Client(HOST, port, identifier="observer") as observer:
            await observer.subscribe(settings.availability_topic, qos=1)
            async with feeding(replace(settings, port=port), here.intake):
                first = await anext(observer.messages)
            last = await anext(observer.messages)
        assert (first.payload, last.payload) == (b"online", b"offline")


# paho leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_the_password_comes_from_its_file_and_the_broker_is_authenticated(
    kind: str, tmp_path: Path
) -> None:
    trusted, context = authority(tmp_path / "good")
    foreign, _ = authority(tmp_path / "foreign")
    password = tmp_path / "password"
    password.write_text("pass word\n")
    port = free_port()
    async with broker(kind, port), tap(port, context) as wire, house(tmp_path) as here:
        settings = replace(
            SETTINGS, host="localhost", port=wire.port, username="node", password_file=password, tls=True
        )
        wrong = MqttFeed(replace(settings, ca_file=foreign), roster(), here.intake)
        running = asyncio.create_task(wrong.run())
        await street.until(lambda: "CERTIFICATE_VERIFY_FAILED" in wrong.health.last_error, "refused")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not wire.connects

        wire.refuse = True
        feed = MqttFeed(replace(settings, ca_file=trusted), roster(), here.intake)
        running = asyncio.create_task(feed.run())
        await street.until(lambda: "authorized" in feed.health.last_error.lower(), "named")
        wire.refuse = False
        await street.until(lambda: feed.health.connections == 1, "tried again")
        assert wire.connects[-1].endswith(b"\x00\x04node\x00\x09pass word")
        await publish(port, [signed(n) for n in range(300)])
        await street.until(lambda: feed.health.acknowledged == 300, "over TLS")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert "pass word" not in repr(settings)


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for localhost, and a server's context with it."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key").write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return folder / "certificate", context


async def test_an_aiomqtt_that_cannot_acknowledge_by_hand_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Changed(aiomqtt.Client):
        def __init__(self, hostname: str) -> None:
            super().__init__(hostname)
            self._paho = self.__dict__.pop("_client")

    mqtt_module.check_acknowledging()
    monkeypatch.setattr(aiomqtt, "Client", Changed)
    async with house(tmp_path) as here:
        with pytest.raises(InvariantBroken, match="manual_ack_set"):
            await MqttFeed(SETTINGS, roster(), here.intake).run()

"""A node that must not start: every fault of its configuration is named at once, and nothing is begun."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.keys.ceremony import new_key
from oracle.keys.keystore import LIGHT, KeyKind
from tests.end_to_end.town import Ran, wattest


@pytest.fixture
async def operator(tmp_path: Path) -> Path:
    """What `wattest init` makes, with an empty roster: all that is left is to be on chain."""
    made = await wattest("init", tmp_path / "operator", "--light", "--json")
    assert made.code == 0, made.err
    folder = Path(json.loads(made.out)["configuration"]).parent
    (folder / "roster.json").write_text('{"devices": []}')
    assert (await started(folder, "--check")).code == 0
    return folder


async def test_several_faults_of_a_configuration_are_reported_at_once(operator: Path) -> None:
    replaced(operator, 'deployer = "ST0', 'deployer = "nobody')
    replaced(operator, "poll_s = 5.0", "poll_s = -1")
    replaced(operator, 'listen = "127.0.0.1:8480"', 'listen = "8480"')
    replaced(operator, "[feeds]", "[feeds]\nroaster = true")
    refused = await started(operator)
    assert_refused(refused, "chain.deployer", "chain.poll_s", "api.listen", "feeds.roaster: is no setting")


async def test_a_configuration_that_is_no_toml_is_refused(operator: Path) -> None:
    (operator / "node.toml").write_text("[node\n")
    assert_refused(await started(operator), "node.toml")


async def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert_refused(await started(tmp_path), "No such file")


async def test_a_wrong_password_file_is_refused_and_every_key_that_it_does_not_open_named(
    operator: Path,
) -> None:
    secret = operator / "keys" / "password"
    secret.write_text("another-password-than-the-keys-have\n")
    refused = await started(operator)
    assert_refused(refused, "node key", "chain key", "tls key")
    assert "another-password" not in refused.err + refused.out


async def test_a_missing_password_file_is_refused(operator: Path) -> None:
    (operator / "keys" / "password").unlink()
    assert_refused(await started(operator), "node.password_file")


async def test_a_key_of_another_kind_is_refused(operator: Path) -> None:
    keys = operator / "keys"
    (keys / "node.json").unlink()
    new_key(KeyKind.TLS, keys / "node.json", (keys / "password").read_text().strip(), LIGHT)
    assert_refused(await started(operator), "node key")


async def test_all_faults_of_a_roster_are_reported_at_once(operator: Path) -> None:
    rows: list[dict[str, object]] = [
        {"device": 1, "format": "ocmf"},
        {"device": 2, "format": "morse", "topic": "a/#"},
        {"device": 2, "format": "json", "profile": "tasmota", "timezone": "Mars/Olympus"},
        {"device": 4, "format": "batch", "colour": "red"},
    ]
    (operator / "roster.json").write_text(json.dumps({"devices": rows}))
    refused = await started(operator)
    named = ("devices[0]", "devices[1].format", "devices[1].topic", "devices[2].timezone", "'colour'")
    assert_refused(refused, *(f"feeds.roster: {name}" for name in named[:4]), named[4])


async def test_a_roster_that_is_not_there_is_refused(operator: Path) -> None:
    (operator / "roster.json").unlink()
    assert_refused(await started(operator), "feeds.roster")


async def started(folder: Path, *more: str) -> Ran:
    return await wattest("run", "--config", folder / "node.toml", *more)


def replaced(folder: Path, old: str, new: str) -> None:
    path = folder / "node.toml"
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands once in what init writes"
    path.write_text(text.replace(old, new))


def assert_refused(refused: Ran, *named: str) -> None:
    assert refused.code == 2, refused
    assert [name for name in named if name not in refused.err] == [], refused.err
    assert "Traceback" not in refused.err, refused.err
    assert refused.out == "", "no ready line"

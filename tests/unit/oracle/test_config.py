"""The configuration: defaults, every fault at once, nothing misspelt."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from consensus.agreement.engine import Timeouts
from oracle.cli.keys import CONFIGURATION
from oracle.config import FILE_BYTES_MAX, ConfigurationFaulty, PollSettings, load, read
from oracle.duties.pace import Pace

DEPLOYER = "ST000000000000000000002AMW42H"
KEY = "02" + "ab" * 32
BASE = Path("/srv/node")


def document(**sections: dict[str, Any]) -> dict[str, Any]:
    chain = {"deployer": DEPLOYER} | sections.pop("chain", {})
    return {"chain": chain, **sections}


def faults_of(raw: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationFaulty) as caught:
        read(raw, BASE)
    return caught.value.faults


def test_an_address_of_the_contracts_is_all_that_must_be_said() -> None:
    found = read(document(), BASE)
    assert found.pace == Pace()
    assert found.timeouts == Timeouts()
    assert found.chain.endpoints == ("http://127.0.0.1:20443",)
    assert (found.peers_listen, found.api_listen) == (("127.0.0.1", 8490), ("127.0.0.1", 8480))
    assert found.data == BASE / "data"
    assert found.node_key == BASE / "keys" / "node.json"
    assert (found.mqtt, found.push_tokens, found.polls, found.register_marker) == (None, None, (), None)
    assert not found.allow_light_keys
    assert not found.log_json


def test_without_that_address_nothing_is_taken_for_granted() -> None:
    (fault,) = faults_of({})
    assert fault.startswith("chain.deployer: is no address")


def test_the_file_that_init_writes_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text(CONFIGURATION.format(light="true"))
    found = load(path)
    assert found.allow_light_keys
    assert found.roster == tmp_path / "roster.json"
    assert set(tomllib.loads(CONFIGURATION.format(light="false"))) == {
        "node",
        "chain",
        "peers",
        "api",
        "feeds",
    }


def test_relative_paths_are_relative_to_the_file_and_absolute_ones_are_not() -> None:
    found = read(
        document(
            node={"data": "../state", "account_key": "/etc/keys/a.json", "register_marker": "marker"},
            feeds={"push_tokens": "tokens.json", "mqtt": {"ca_file": "/etc/ca.pem", "password_file": "pw"}},
        ),
        BASE,
    )
    assert found.data == BASE / "../state"
    assert found.account_key == Path("/etc/keys/a.json")
    assert found.register_marker == BASE / "marker"
    assert found.push_tokens == BASE / "tokens.json"
    assert found.mqtt is not None
    assert (found.mqtt.ca_file, found.mqtt.password_file) == (Path("/etc/ca.pem"), BASE / "pw")


def test_peers_and_polls_are_read() -> None:
    found = read(
        document(
            peers={"addresses": {KEY: "[::1]:8490"}},
            feeds={"poll": [{"device": 4, "url": "http://127.0.0.1/status", "every_s": 5}]},
        ),
        BASE,
    )
    assert found.peers == {bytes.fromhex(KEY): ("[::1]", 8490)}
    assert found.polls == (PollSettings(4, "http://127.0.0.1/status", 5.0),)


def test_every_fault_is_reported_at_once() -> None:
    faults = faults_of(
        {
            "chain": {
                "deployer": "nobody",
                "agree": 2,
                "poll_s": 0,
                "endpoints": [],
                "stage_s": float("nan"),
            },
            "node": {"data": 5, "allow_light_keys": 1, "reserve_mib": True},
            "peers": {"listen": "8490", "addresses": {"02ab": "host:1", KEY: "host"}},
            "pace": {"nudge_ms": 1},
            "timeouts": {"propose_ms": "1500"},
            "feeds": {"mqtt": {"port": 70_000}, "poll": [{"device": 0}]},
        }
    )
    named = {fault.partition(": ")[0] for fault in faults}
    assert named == {
        "chain.deployer",
        "chain.agree",
        "chain.poll_s",
        "chain.stage_s",
        "chain.endpoints",
        "node.data",
        "node.allow_light_keys",
        "node.reserve_mib",
        "peers.listen",
        "peers.addresses.02ab",
        f"peers.addresses.{KEY}",
        "pace.nudge_ms",
        "timeouts.propose_ms",
        "feeds.mqtt.port",
        "feeds.poll[0].device",
    }
    assert len(faults) == len(named)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (document(node={"dta": "x"}), "node.dta"),
        (document(feeds={"mqtt": {"hots": "x"}}), "feeds.mqtt.hots"),
        (document(feeds={"poll": [{"device": 1, "ur": "x"}]}), "feeds.poll[0].ur"),
        ({**document(), "paces": {}}, "paces"),
    ],
)
def test_a_misspelt_setting_does_not_pass_for_a_default(raw: dict[str, Any], named: str) -> None:
    assert f"{named}: is no setting" in faults_of(raw)


@pytest.mark.parametrize(
    ("value", "what"), [(True, "integer"), (False, "integer"), (1.5, "int"), ("256", "int"), ([256], "int")]
)
def test_an_integer_is_an_integer_and_a_bool_is_none(value: object, what: str) -> None:
    assert faults_of(document(node={"reserve_mib": value})) == (f"node.reserve_mib: is no {what}",)


@pytest.mark.parametrize("value", [True, "5", float("inf"), float("nan"), 0.05, 4000])
def test_a_number_is_a_number_within_its_bounds(value: object) -> None:
    assert faults_of(document(chain={"poll_s": value})) == ("chain.poll_s: is no number from 0.1 to 3600",)


@pytest.mark.parametrize("value", [5, [], "x"])
def test_a_section_is_a_table(value: object) -> None:
    assert "pace: is no table" in faults_of({**document(), "pace": value})
    assert "peers.addresses: is no table of node key = HOST:PORT" in faults_of(
        document(peers={"addresses": value})
    )


def test_more_endpoints_must_not_be_asked_to_agree_than_there_are() -> None:
    two = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert read(document(chain={"endpoints": two, "agree": 2}), BASE).chain.agree == 2
    assert faults_of(document(chain={"endpoints": two, "agree": 3})) == (
        "chain.agree: more than there are endpoints",
    )


def test_a_file_that_cannot_be_read_is_a_fault_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    cases: list[bytes | None] = [None, b"[node", b"\xff\xfe", b"#" * (FILE_BYTES_MAX + 1)]
    for content in cases:
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigurationFaulty) as caught:
            load(path)
        assert len(caught.value.faults) == 1
        assert str(path) in str(caught.value)

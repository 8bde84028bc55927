"""The files a node reads: its configuration, its roster, its push tokens."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import coincurve

from consensus.encoding import Principal
from deploy.demo.ground import Operator
from deploy.demo.plan import Meter, Plan
from oracle.chain.address import account_text


def write_node_files(plan: Plan, deployer: Principal, operators: tuple[Operator, ...]) -> list[Path]:
    """Write every operator's files; gives the configurations in slot order."""
    keys = [operator.node.public_key for operator in operators]
    return [write_operator(plan, slot, deployer, keys) for slot in range(len(operators))]


def write_operator(plan: Plan, slot: int, deployer: Principal, keys: list[coincurve.PublicKey]) -> Path:
    """Write one operator's files, who knows the addresses of all `keys`; gives its configuration."""
    folder = plan.operator(slot)
    (folder / "roster.json").write_text(json.dumps({"devices": roster(plan)}, indent=1))
    digest = hashlib.sha256(plan.push_token.encode()).hexdigest()
    tokens = {"tokens": [{"source": "demo meters", "sha256": digest, "devices": "*"}]}
    (folder / "tokens.json").write_text(json.dumps(tokens))
    path = folder / "node.toml"
    path.write_text(_configuration(plan, slot, deployer, keys))
    return path


def _configuration(plan: Plan, slot: int, deployer: Principal, keys: list[coincurve.PublicKey]) -> str:
    addresses = "\n".join(
        f'{key.format().hex()} = "127.0.0.1:{plan.peer_ports[other]}"'
        for other, key in enumerate(keys)
        if other != slot
    )
    return f"""\
# Written by the demo: operator {slot + 1} of {len(keys)}.
[node]
data = "data"
allow_light_keys = true
log_json = true
reserve_mib = 64

[chain]
endpoints = ["{plan.devnet}"]
deployer = "{account_text(deployer)}"
poll_s = 1.0
stage_s = 4.0
confirmations = 2

[peers]
listen = "127.0.0.1:{plan.peer_ports[slot]}"
lease_ms = 2500
[peers.addresses]
{addresses}

[api]
listen = "127.0.0.1:{plan.api_ports[slot]}"

[feeds]
roster = "roster.json"
push_tokens = "tokens.json"
windows_max = 2000
[feeds.mqtt]
host = "127.0.0.1"
port = {plan.broker_port}
client_id = "operator-{slot + 1}"

[pace]
grace_ms = 900
collect_ms = 700
ceremony_ms = 12000
deadline_ms = 120000
nudge_ms = 500

[timeouts]
propose_ms = 1000
prevote_ms = 600
commit_ms = 600
growth_ms = 300
gossip_ms = 500
"""


def roster(plan: Plan) -> list[dict[str, object]]:
    """The operators' roster: the same for all."""
    return [_entry(meter) for meter in plan.meters]


def _entry(meter: Meter) -> dict[str, object]:
    entry: dict[str, object] = {
        "device": meter.device,
        "serial": meter.serial,
        "salt": meter.salt,
        "format": {"gateway": "batch", "telegram": "dsmr", "plug": "json"}.get(meter.kind, "ocmf"),
    }
    if meter.kind in ("gateway", "household", "plug"):
        entry["topic"] = meter.topic
    if meter.kind == "telegram":
        entry["timezone"] = "Europe/Amsterdam"
    if meter.kind == "plug":
        entry |= {"profile": "tasmota", "timezone": "UTC"}
    return entry

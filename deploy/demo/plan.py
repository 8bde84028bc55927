"""What the demo consists of: operators, meters, ports and folders. Written once, then resumed.

The state folder holds everything: keys (weakly sealed, which the files say), databases,
the devnet's log. Deleting it starts anew.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

OPERATORS: Final = 4
DATA: Final = Path(__file__).parent / "data"
GATEWAY: Final = 1
KEBA: Final = 2
HOUSEHOLDS: Final = 8
ZONES: Final = 2
TIME_LAPSE_W: Final = 10_000_000
"""Rated power of meters that run through an hour, of up to 1.7 kWh, in each window of a few seconds."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A device of the demo. `kind`: gateway, keba, household, telegram or plug."""

    device: int
    kind: str
    serial: str
    salt: str
    zone: int
    capacity_w: int
    secret: str = ""
    """P-256 secret in hex, for those whose key is the demo's own."""
    source: str = ""
    """File of a telegram."""

    @property
    def meter_id(self) -> bytes:
        """The salted hash that stands on chain."""
        return hashlib.sha256(bytes.fromhex(self.salt) + self.serial.encode()).digest()

    @property
    def topic(self) -> str:
        """Where it publishes."""
        return f"wattest/{self.device}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo's settings."""

    folder: Path
    window_s: int
    block_ms: int
    devnet_port: int
    broker_port: int
    api_ports: tuple[int, ...]
    peer_ports: tuple[int, ...]
    push_token: str
    profile_start_s: int
    meters: tuple[Meter, ...]

    @property
    def devnet(self) -> str:
        """The devnet's address."""
        return f"http://127.0.0.1:{self.devnet_port}"

    def operator(self, slot: int) -> Path:
        """An operator's folder."""
        return self.folder / f"operator-{slot + 1}"

    def api(self, slot: int) -> str:
        """The address of an operator's API."""
        return f"http://127.0.0.1:{self.api_ports[slot]}"


def load_or_make(folder: Path, window_s: int, block_ms: int, first_port: int, now_s: int) -> Plan:
    """The plan of a folder; made at the first start, the same ever after."""
    path = folder / "plan.json"
    if path.exists():
        return _read(folder, json.loads(path.read_text()))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ports = _ports(first_port)
    plan = Plan(
        folder,
        window_s,
        block_ms,
        ports[0],
        ports[1],
        tuple(ports[2 : 2 + OPERATORS]),
        tuple(ports[2 + OPERATORS : 2 + 2 * OPERATORS]),
        secrets.token_urlsafe(24),
        now_s - now_s % window_s,
        _meters(),
    )
    content = asdict(plan)
    del content["folder"]
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(content, indent=1))
    beside.replace(path)
    return plan


def _meters() -> tuple[Meter, ...]:
    def salt() -> str:
        return secrets.token_hex(16)

    def key() -> str:
        return secrets.token_hex(32)

    meters = [
        Meter(GATEWAY, "gateway", "WATTEST-GW-1", salt(), 1, 1, key()),
        Meter(KEBA, "keba", "2", salt(), 1, 22_000),
    ]
    for number in range(HOUSEHOLDS):
        device, serial = len(meters) + 1, f"WATTEST-HH-{number + 1:03}"
        meters.append(Meter(device, "household", serial, salt(), 1 + number % ZONES, TIME_LAPSE_W, key()))
    for file, serial in TELEGRAMS.items():
        meters.append(Meter(len(meters) + 1, "telegram", serial, salt(), 1, 17_250, source=file))
    for number in range(2):
        device, serial = len(meters) + 1, f"tasmota_{number + 1:06X}"
        meters.append(Meter(device, "plug", serial, salt(), 2, TIME_LAPSE_W))
    return tuple(meters)


PORT_MIN: Final = 20_000
PORT_END: Final = 32_768
"""Where Linux begins to hand out ports by itself; other systems begin further up."""
PORTS_TRIED: Final = 64
TELEGRAMS: Final = {
    "telegram_v2_2.txt": "00000000000000",
    "telegram_v3.txt": "K8EG004046395507",
    "telegram_v4_2.txt": "3960221976967177082151037881335713",
    "telegram_v5_two_mbus.txt": "E0044007382246019",
    "telegram_fluvius_v171.txt": "1SAG3101021605",
    "telegram_sagemcom_t210_d_r.txt": "EST5\\253710000_A",
}
"""P1 telegrams and the equipment id that each says; v5 is the v3 meter's again."""


def _ports(first: int) -> list[int]:
    """Fixed ports from `first` on where they are free; all free ones anywhere for 0."""
    wanted = 2 + 2 * OPERATORS
    if first:
        layout = [first + 20, first + 21, *range(first, first + OPERATORS)]
        layout += range(first + 10, first + 10 + OPERATORS)
        return [port if _free(port) else free_port() for port in layout]
    found: dict[int, None] = {}
    while len(found) < wanted:
        found[free_port()] = None
    return list(found)


def _free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of this machine that is free now, and at a later start too.

    A plan keeps its ports. Those that the system hands out may belong to somebody's outgoing
    connection by then, so it is one below them.
    """
    for _ in range(PORTS_TRIED):
        port = PORT_MIN + secrets.randbelow(PORT_END - PORT_MIN)
        if _free(port):
            return port
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _read(folder: Path, content: dict[str, Any]) -> Plan:
    meters = tuple(Meter(**meter) for meter in content.pop("meters"))
    api_ports, peer_ports = tuple(content.pop("api_ports")), tuple(content.pop("peer_ports"))
    plan = Plan(folder, meters=meters, api_ports=api_ports, peer_ports=peer_ports, **content)
    return replace(plan)

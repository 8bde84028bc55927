"""The node's configuration: read once, checked whole, every fault reported at once.

Decides what a valid configuration is and nothing about what is done with it. The file is
TOML; `wattest init` writes one with every setting explained. Secrets are not in it: it
names files that hold them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from consensus.agreement.engine import Timeouts
from consensus.encoding import Principal
from oracle.chain.address import AddressError, parse_principal
from oracle.duties.pace import Pace
from oracle.windows.calendar import REACH_WINDOWS_MAX, REVISIONS_MAX, Calendar

T = TypeVar("T")
Address = tuple[str, int]
_HEX_KEY: Final = re.compile(r"0[23][0-9a-f]{64}")
FILE_BYTES_MAX: Final = 1 << 20


class ConfigurationFaulty(Exception):  # noqa: N818 - it states a fact
    """The configuration cannot be used; `faults` says everything that is wrong with it."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(f"- {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Where the chain is, and which contracts are ours."""

    endpoints: tuple[str, ...]
    agree: int
    deployer: Principal
    poll_s: float
    stage_s: float
    """How long each submitter waits for the ones before it (C1)."""
    confirmations: int


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker that meters publish to."""

    host: str
    port: int
    client_id: str
    username: str | None
    password_file: Path | None
    tls: bool
    ca_file: Path | None
    availability_topic: str | None


@dataclass(frozen=True, slots=True)
class PollSettings:
    """A device whose readings are fetched by HTTP."""

    device: int
    url: str
    every_s: float


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a node is told."""

    data: Path
    node_key: Path
    account_key: Path
    tls_key: Path
    password_file: Path
    register_marker: Path | None
    """A second place, on another disk, that tells a restored copy of the data from the real one (N3)."""
    allow_light_keys: bool
    chain: ChainSettings
    peers_listen: Address
    peers: Mapping[bytes, Address]
    """Node key -> where that operator's node listens."""
    lease_ms: int
    """How long the members hold to one running instance of this node (N3)."""
    api_listen: Address
    roster: Path
    mqtt: MqttSettings | None
    push_tokens: Path | None
    polls: tuple[PollSettings, ...]
    tolerance_s: int | None
    windows_max: int
    pace: Pace
    timeouts: Timeouts
    calendar: Calendar = field(default_factory=Calendar)
    log_json: bool = False
    reserve_mib: int = 256


def load(path: Path) -> Configuration:
    """Read and check a configuration file. Raises ConfigurationFaulty with every fault."""
    try:
        raw = path.read_bytes()
    except OSError as cause:
        raise ConfigurationFaulty((f"{path}: {cause.strerror}",)) from cause
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigurationFaulty((f"{path}: longer than {FILE_BYTES_MAX} bytes",))
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigurationFaulty((f"{path}: {cause}",)) from cause
    return read(document, path.parent)


def read(document: Mapping[str, Any], base: Path) -> Configuration:
    """Check a parsed document; relative paths are relative to `base`."""
    table = _Table(document, base)
    configuration = _read(table)
    table.refuse_unknown()
    if table.faults:
        raise ConfigurationFaulty(tuple(table.faults))
    return configuration


def _read(table: _Table) -> Configuration:
    node, chain = table.section("node"), table.section("chain")
    peers, api, feeds = table.section("peers"), table.section("api"), table.section("feeds")
    pace, timeouts = table.section("pace"), table.section("timeouts")
    mqtt = feeds.optional_section("mqtt")
    endpoints = chain.strings("endpoints", ("http://127.0.0.1:20443",))
    agree = chain.integer("agree", 1, 1, 8)
    if agree > len(endpoints):
        table.faults.append("chain.agree: more than there are endpoints")
    return Configuration(
        data=node.path("data", "data"),
        node_key=node.path("node_key", "keys/node.json"),
        account_key=node.path("account_key", "keys/account.json"),
        tls_key=node.path("tls_key", "keys/tls.json"),
        password_file=node.path("password_file", "keys/password"),
        register_marker=node.optional_path("register_marker"),
        allow_light_keys=node.flag("allow_light_keys", default=False),
        log_json=node.flag("log_json", default=False),
        reserve_mib=node.integer("reserve_mib", 256, 1, 1 << 20),
        chain=ChainSettings(
            endpoints,
            agree,
            chain.principal("deployer"),
            chain.number("poll_s", 5.0, 0.1, 3600),
            chain.number("stage_s", 30.0, 0.1, 3600),
            chain.integer("confirmations", 6, 1, 1000),
        ),
        peers_listen=peers.address("listen", "127.0.0.1:8490"),
        peers=peers.peers("addresses"),
        lease_ms=peers.integer("lease_ms", 5000, 500, 60_000),
        api_listen=api.address("listen", "127.0.0.1:8480"),
        roster=feeds.path("roster", "roster.json"),
        mqtt=None if mqtt is None else _mqtt(mqtt),
        push_tokens=feeds.optional_path("push_tokens"),
        polls=_polls(feeds),
        tolerance_s=feeds.optional_integer("tolerance_s", 1, 86_400),
        windows_max=feeds.integer("windows_max", 96, 2, 100_000),
        pace=Pace(
            grace_ms=pace.integer("grace_ms", 2000, 0, 600_000),
            collect_ms=pace.integer("collect_ms", 1500, 10, 600_000),
            ceremony_ms=pace.integer("ceremony_ms", 20_000, 100, 86_400_000),
            deadline_ms=pace.integer("deadline_ms", 600_000, 1000, 86_400_000),
            nudge_ms=pace.integer("nudge_ms", 1000, 50, 60_000),
        ),
        calendar=_calendar(table.section("restatement")),
        timeouts=Timeouts(
            propose_ms=timeouts.integer("propose_ms", 1500, 10, 600_000),
            prevote_ms=timeouts.integer("prevote_ms", 800, 10, 600_000),
            commit_ms=timeouts.integer("commit_ms", 800, 10, 600_000),
            growth_ms=timeouts.integer("growth_ms", 500, 0, 600_000),
            gossip_ms=timeouts.integer("gossip_ms", 700, 50, 60_000),
        ),
    )


def _calendar(restatement: _Table) -> Calendar:
    """A8; all nodes of a network need the same."""
    whole = Calendar()
    try:
        return Calendar(
            restatement.integer("period_windows", whole.period_windows, 1, REACH_WINDOWS_MAX),
            restatement.integers("delays_windows", whole.delays_windows, 1, REACH_WINDOWS_MAX),
            restatement.integer("revisions_max", whole.revisions_max, 0, REVISIONS_MAX),
        )
    except ValueError as cause:
        restatement.faults.append(f"restatement: {cause}")
        return whole


def _mqtt(mqtt: _Table) -> MqttSettings:
    username = mqtt.optional_string("username")
    return MqttSettings(
        mqtt.string("host", "127.0.0.1"),
        mqtt.integer("port", 1883, 1, 65_535),
        mqtt.string("client_id", ""),
        username,
        mqtt.optional_path("password_file"),
        mqtt.flag("tls", default=False),
        mqtt.optional_path("ca_file"),
        mqtt.optional_string("availability_topic"),
    )


def _polls(feeds: _Table) -> tuple[PollSettings, ...]:
    return tuple(
        PollSettings(
            one.integer("device", 0, 1, 1 << 48),
            one.string("url", ""),
            one.number("every_s", 60.0, 0.5, 86_400),
        )
        for one in feeds.tables("poll")
    )


class _Table:
    """One TOML table: reads typed settings, notes faults, knows what nobody asked for."""

    def __init__(
        self, values: Mapping[str, Any], base: Path, name: str = "", faults: list[str] | None = None
    ) -> None:
        self.faults: list[str] = [] if faults is None else faults
        self._values = dict(values)
        self._base = base
        self._name = name
        self._parts: list[_Table] = []

    def section(self, name: str) -> _Table:
        return self.optional_section(name) or self._part(name, {})

    def optional_section(self, name: str) -> _Table | None:
        values = self._values.pop(name, None)
        if values is None:
            return None
        if not isinstance(values, dict):
            self._fault(name, "is no table")
            return None
        return self._part(name, values)

    def tables(self, name: str) -> list[_Table]:
        rows = self._values.pop(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._fault(name, "is no list of tables")
            return []
        return [self._part(f"{name}[{at}]", row) for at, row in enumerate(rows)]

    def string(self, name: str, default: str) -> str:
        return self._take(name, default, str, lambda _: None)

    def optional_string(self, name: str) -> str | None:
        return self.string(name, "") or None

    def strings(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        rows = self._values.pop(name, list(default))
        if not isinstance(rows, list) or not rows or not all(isinstance(row, str) for row in rows):
            self._fault(name, "is no list of strings")
            return default
        return tuple(rows)

    def flag(self, name: str, *, default: bool) -> bool:
        return self._take(name, default, bool, lambda _: None)

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        def fault(value: int) -> str | None:
            return None if low <= value <= high else f"is {value}, not in {low} to {high}"

        value = self._values.get(name)
        if isinstance(value, bool):
            self._values.pop(name)
            self._fault(name, "is no integer")
            return default
        return self._take(name, default, int, fault)

    def integers(self, name: str, default: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
        rows = self._values.pop(name, list(default))
        if not isinstance(rows, list) or any(
            isinstance(row, bool) or not isinstance(row, int) for row in rows
        ):
            self._fault(name, "is no list of integers")
            return default
        for row in rows:
            if not low <= row <= high:
                self._fault(name, f"has {row}, not in {low} to {high}")
                return default
        return tuple(rows)

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        return self.integer(name, low, low, high) if name in self._values else None

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self._fault(name, f"is no number from {low} to {high}")
            return default
        return float(value)

    def path(self, name: str, default: str) -> Path:
        return self._base / self.string(name, default)

    def optional_path(self, name: str) -> Path | None:
        value = self.optional_string(name)
        return None if value is None else self._base / value

    def principal(self, name: str) -> Principal:
        text = self.string(name, "")
        try:
            return parse_principal(text)
        except AddressError as cause:
            self._fault(name, f"is no address ({cause}); give the address that deployed the contracts")
            return Principal(0, bytes(20))

    def address(self, name: str, default: str) -> Address:
        text = self.string(name, default)
        parsed = _address(text)
        if parsed is None:
            self._fault(name, f"is {text!r}, not HOST:PORT")
        return parsed or ("127.0.0.1", 0)

    def peers(self, name: str) -> dict[bytes, Address]:
        rows = self._values.pop(name, {})
        if not isinstance(rows, dict):
            self._fault(name, "is no table of node key = HOST:PORT")
            return {}
        found: dict[bytes, Address] = {}
        for key, text in rows.items():
            parsed = _address(str(text))
            if not _HEX_KEY.fullmatch(str(key)) or parsed is None:
                self._fault(f"{name}.{key}", "is no node key (66 hex digits) = HOST:PORT")
                continue
            found[bytes.fromhex(key)] = parsed
        return found

    def refuse_unknown(self) -> None:
        """A misspelt setting must not pass for a default."""
        for name in self._values:
            self._fault(name, "is no setting")
        for part in self._parts:
            part.refuse_unknown()

    def _take(self, name: str, default: T, kind: type[T], fault: Callable[[T], str | None]) -> T:
        value = self._values.pop(name, default)
        if not isinstance(value, kind):
            self._fault(name, f"is no {kind.__name__}")
            return default
        wrong = fault(value)
        if wrong is not None:
            self._fault(name, wrong)
            return default
        return value

    def _part(self, name: str, values: Mapping[str, Any]) -> _Table:
        part = _Table(values, self._base, f"{self._name}{name}.", self.faults)
        self._parts.append(part)
        return part

    def _fault(self, name: str, what: str) -> None:
        self.faults.append(f"{self._name}{name}: {what}")


def _address(text: str) -> Address | None:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        return None
    return host, int(port)

"""A small town of meters for the tests of windows: registries and readings in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from consensus.model import Rejected
from oracle.model import (
    Assurance,
    Curve,
    Device,
    DeviceKind,
    Quality,
    Reading,
    RecordHash,
    UsagePoint,
    WindowStart,
    ZoneId,
)
from oracle.windows.attested import Attested
from oracle.windows.keeper import Accepted, Choice, Keeper
from oracle.windows.readings import Rows
from oracle.windows.registry import Registry
from oracle.windows.summary import summarise
from oracle.windows.vee import Rules
from oracle.windows.window_data import WindowData

W = WindowStart(9_000)
L = 900
RULES = Rules()


def meter(
    number: int, zone: int = 1, capacity_w: int = 10_000, kind: DeviceKind = DeviceKind.METER
) -> Device:
    key = bytes([2]) + number.to_bytes(32, "big")
    return Device(
        number, ZoneId(zone), kind, Curve.SECP256R1, key, capacity_w, hashlib.sha256(b"%d" % number).digest()
    )


def town(*zones: int, capacity_w: int = 10_000) -> Registry:
    """Usage points 1, 2, 3 ... in the zones given."""
    return Registry(tuple(meter(at, zone, capacity_w) for at, zone in enumerate(zones, 1)))


def record(name: object) -> RecordHash:
    return RecordHash(hashlib.sha256(str(name).encode()).digest())


def reading(
    point: int = 1,
    time_s: int = W + L,
    into: int | None = 1_000,
    out: int | None = 0,
    *,
    sequence: int = 0,
    name: object = None,
    assurance: Assurance = Assurance.METER_SIGNED,
    quality: Quality = Quality.RAW,
    register_max: int = 0,
) -> Reading:
    named = (point, time_s, into, out, sequence, assurance) if name is None else name
    return Reading(
        UsagePoint(point), time_s, into, out, sequence, quality, assurance, record(named), register_max
    )


def interval(point: int, window: int, into: int, out: int = 0, *, name: object = None) -> Reading:
    return Reading(
        UsagePoint(point),
        window,
        None,
        None,
        0,
        Quality.RAW,
        Assurance.METER_SIGNED,
        record((point, window, into, out) if name is None else name),
        interval_wh=(into, out),
    )


def keeper(registry: Registry, readings: Iterable[Reading] = (), rules: Rules = RULES) -> Keeper:
    """A keeper with window W open, that accepts all these readings."""
    found = Keeper(registry, rules)
    assert found.open(W)
    for verdict in found.offer(tuple(readings), None):
        assert isinstance(verdict, Accepted), verdict
    return found


def rows(*pairs: tuple[int, bytes]) -> Rows:
    ordered = sorted(pairs)
    points = np.array([point for point, _ in ordered], np.int64)
    records = np.frombuffer(b"".join(one for _, one in ordered), np.uint8).reshape(len(ordered), 32)
    return Rows(points, records)


def chosen(choice: Choice | Rejected) -> Choice:
    assert isinstance(choice, Choice), choice
    return choice


def closed(attested: Attested, *readings: Reading, window: int = W, rules: Rules = RULES) -> WindowData:
    """Summarise one window of these readings."""
    held = Keeper(attested.registry, rules)
    held.open(WindowStart(window))
    held.offer(readings, None)
    held.close(WindowStart(window))
    return summarise(attested, rules, held.choice(WindowStart(window)))

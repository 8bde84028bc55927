"""Whole nodes through one seed: from the genesis ceremony to windows that are on chain.

What must hold, besides what the log's checkers say: windows without a gap, each attested or
void; one group signature an entry; leaves that follow from what meters signed; every entry
on chain once. Then faults end, and every honest node goes on.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from consensus.encoding import Principal
from consensus.messages import Certificate, DecidedEntry, Entry, Fields
from consensus.model import Digest, Genesis, NodeId, check
from consensus.simulator.adversary import Adversary
from consensus.simulator.checkers import check_log
from consensus.simulator.disk import Disk
from consensus.simulator.faults import ON, Faults
from consensus.simulator.network import NetworkFaults
from consensus.simulator.runs import (
    Report,
    Run,
    betrayed,
    committee_of,
    draw_traitors,
    go_on,
    keys,
    means_of,
    report_of,
)
from consensus.simulator.world import Machine
from consensus.threshold.bls import verify
from deploy.demo.adversaries import ALL
from oracle.model import Leaf, read_summary
from oracle.schedule import transmission
from oracle.windows.calendar import Calendar
from oracle.windows.window_data import WindowData
from tests.simulation.chain import Chain, ChainFaults
from tests.simulation.meters import Street
from tests.simulation.town_node import Town, TownNode, TownWorld
from tests.simulation.whole_node import WINDOW_S, Shelf

ORACLE = Principal(26, bytes(20), "production-oracle")
TWO_FACED_METER = "two-faced-meter"
NAMES = (*ALL, TWO_FACED_METER)
OUTAGE = 0.3
"""Where late data are restated: in which share of stretches a meter is cut off."""
ON_CHAIN_MS = 120_000
"""So long after the faults all that was decided in them must be on chain."""


def draw_calendar(seed: int) -> Calendar:
    """One in which late data are restated within a run, or that of everyday."""
    draw = Random(seed ^ 0xCA41)
    if draw.random() >= ON:
        return Calendar()
    delays = draw.choice(((1,), (1, 3), (2, 5)))
    return Calendar(period_windows=draw.choice((1, 2, 3)), delays_windows=delays)


def draw_town_faults(seed: int) -> tuple[Faults, ChainFaults]:
    """Milder than for the log alone: a ceremony has to come through first."""
    draw = Random(seed ^ 0x70E5)

    def maybe(high: float) -> float:
        return draw.random() * high if draw.random() < ON else 0.0

    network = NetworkFaults(
        loss=maybe(0.1),
        duplication=maybe(0.1),
        delay_max_ms=draw.choice((20, 60, 200)),
        partition=maybe(0.06),
        one_way=maybe(0.1),
        swizzle=maybe(0.04),
        uneven=draw.random() < ON,
    )
    faults = Faults(
        network,
        crash=maybe(0.002),
        down_max_ms=15_000,
        failed_write=maybe(0.001),
        disk_full=maybe(0.01),
        clock_skew=maybe(0.2),
        clock_jump=maybe(0.02),
        lost_state=maybe(0.3),
    )
    return faults, ChainFaults(reorg=maybe(0.1), outage=maybe(0.05), fee_spike=maybe(0.1))


@dataclass(slots=True)
class Scene:
    """A built world."""

    town: Town
    adversaries: list[Adversary]


def build_town(
    run: Run, street: Street, faults: Faults | None = None, chain_faults: ChainFaults | None = None
) -> Scene:
    drawn, drawn_of_chain = draw_town_faults(run.seed)
    world = TownWorld(run.seed, drawn if faults is None else faults)
    chance = Random(run.seed ^ 0xC4A1)
    chain = Chain(
        street, drawn_of_chain if chain_faults is None else chain_faults, chance, world.coverage.faults
    )
    genesis = Genesis(0x80000000, ORACLE, WINDOW_S, committee_of(run.nodes))
    town = Town(genesis, world, street, chain, draw_calendar(run.seed), keys(run.nodes))
    kind = ALL.get(run.adversary or "")
    traitors = draw_traitors(run) if kind is not None else ()
    adversaries: list[Adversary] = []
    for slot, key in enumerate(town.keys):
        town.shelves.append(Shelf(hashlib.sha256(b"seed %d" % slot).digest()))
        turned: Adversary | None = None
        if kind is not None and slot in traitors:
            turned = kind(means_of(run, slot, genesis.network, key))
            adversaries.append(turned)

        def build(disk: Disk, slot: int = slot, turned: Adversary | None = turned) -> Machine:
            return TownNode(town, slot, disk, turned)

        host = world.add(build if turned is None else betrayed(build, turned), key, honest=turned is None)
        host.transmit = lambda wanted, slot=slot: chain.submit(slot, wanted, world.now_ms)  # type: ignore[misc]
    return Scene(town, adversaries)


def run_town(run: Run) -> Report:
    """Run whole nodes through one seed. Raises InvariantBroken."""
    two_faced = frozenset({1, 2} if run.adversary == TWO_FACED_METER else ())
    heard = Random(run.seed).choice((1.0, 0.9, 0.5))
    outage = 0.0 if draw_calendar(run.seed) == Calendar() else OUTAGE
    scene = build_town(run, Street(run.seed, heard=heard, two_faced=two_faced, outage=outage))
    return run_scene(scene, run)


def run_scene(scene: Scene, run: Run) -> Report:
    """Faults, peace, and all checks."""
    town, world = scene.town, scene.town.world
    committee = town.genesis.committee
    world.run(run.faulty_ms)
    town.chain.faults = ChainFaults()
    goal = go_on(world, town.genesis.network, committee)
    due = [key for _, key in keys_due(scene)]
    world.run(world.now_ms + ON_CHAIN_MS, stop=lambda: all(town.chain.depth_of(key) for key in due))
    for key in due:
        check(town.chain.depth_of(key), f"{key} is on chain once it is back (C4)")
        check(sum(key in block for block in town.chain.blocks) == 1, f"{key} is on chain once (C1)")
    for host in world.honest:
        check_log(host.disk, town.genesis.network, committee)
        check_windows(host.disk, town.calendar)
        check_leaves(host.disk, town.street)
    check_signatures(scene)
    coverage = world.coverage
    coverage.acts["two-faced-meter: second faces shown"] += town.street.shown
    coverage.rules["forged record refused"] += town.street.forged
    for entry in entries_of(world.honest[0].disk):
        again = entry.kind == "window" and Fields(entry.body).uint("revision")
        coverage.rules["entry: restatement" if again else f"entry: {entry.kind}"] += 1
    for role, _, reason in town.ceremony_faults:
        coverage.rules[f"ceremony fault: {role} {reason}"] += 1
    return report_of(world, town.genesis.network, committee, scene.adversaries, goal, run)


def entries_of(disk: Disk) -> list[Entry]:
    parsed = [Entry.parse(disk.history[height][0]) for height in sorted(disk.history)]
    return [entry for entry in parsed if isinstance(entry, Entry)]


def keys_due(scene: Scene) -> Iterator[tuple[int, str]]:
    """Of every decided entry that belongs on chain: its height and key."""
    disk = max((host.disk for host in scene.town.world.honest), key=lambda one: len(one.history))
    for height in sorted(disk.history):
        entry, certificate = Entry.parse(disk.history[height][0]), Certificate.parse(disk.history[height][1])
        assert isinstance(entry, Entry)
        assert isinstance(certificate, Certificate)
        wanted = transmission(DecidedEntry(entry, certificate), bytes(48), NodeId(0), 4)
        if wanted is not None:
            yield height, wanted.key


def check_windows(disk: Disk, calendar: Calendar) -> None:
    """No window is left out, none is there twice (A7); what comes later is a further revision (A8)."""
    following: int | None = None
    revisions: dict[int, int] = {}
    for entry in entries_of(disk):
        fields = Fields(entry.body)
        if entry.kind == "activate":
            following = fields.uint("first-window")
        elif entry.kind == "window" and (revision := fields.uint("revision")):
            window = fields.uint("window")
            check(window in revisions, f"window {window} is settled before it is restated (A8)")
            check(
                revision == revisions[window] + 1, f"revision {revision} of window {window} is the next (A8)"
            )
            check(revision <= calendar.revisions_max, "no window is restated more often than agreed (A8)")
            revisions[window] = revision
        elif entry.kind in ("window", "void"):
            window = fields.uint("window")
            check(window == following, f"window {window} follows {following}")
            following = window + WINDOW_S * (fields.uint("count") if entry.kind == "void" else 1)
            revisions.update(dict.fromkeys(range(window, following, WINDOW_S), 0))


def check_leaves(disk: Disk, street: Street) -> None:
    """Every leaf follows from what its meter signed, and energy from two attested registers (R3).

    When the log goes on to another window nothing is counted twice or left out, whatever was
    restated before (A8): of each meter, energy adds up to the difference of its outer registers.
    """
    leaves: dict[int, dict[int, Leaf]] = {}
    for entry in entries_of(disk):
        if entry.kind != "window":
            continue
        if not Fields(entry.body).uint("revision"):
            for said in leaves.values():
                check_chain([said[window] for window in sorted(said)])
        if (entry.height, "window") not in disk.parts:
            continue
        summary = read_summary(entry.body)
        data = WindowData.from_bytes(disk.parts[entry.height, "window"], summary)  # type: ignore[arg-type]
        check(isinstance(data, WindowData), "the leaves give the summary")
        for at in range(len(data.leaves.usage_point)):  # type: ignore[union-attr]
            leaf = data.leaves.leaf(at, data.summary.window)  # type: ignore[union-attr]
            check_leaf(leaf, street)
            before = leaves.setdefault(leaf.usage_point, {})
            since = max((window for window in before if window < leaf.window), default=leaf.window)
            base_wh = before[since].import_register_wh if since < leaf.window else leaf.import_register_wh
            exact = (since, leaf.import_register_wh - base_wh)
            check((leaf.since, leaf.import_wh) == exact, "energy is exact (R3)")
            before[leaf.window] = leaf


def check_leaf(leaf: Leaf, street: Street) -> None:
    """A leaf says what a record of its meter says, and the record belongs to its window."""
    check(leaf.record in street.truth, f"the record of {leaf.usage_point} was made by its meter")
    point, time_s, register_wh = street.truth[leaf.record]
    check(point == leaf.usage_point, "a leaf names a record of its own meter")
    check(leaf.window < time_s <= leaf.window + WINDOW_S, "the record belongs to the window (R1)")
    check(register_wh == leaf.import_register_wh, "the leaf says what the record says (R3)")


def check_chain(said: list[Leaf]) -> None:
    """The newest leaves of one meter: each begins where the one before it ends."""
    for before, after in itertools.pairwise(said):
        check(after.since == before.window, f"no energy of {after.usage_point} is counted twice (A8)")
        exact_wh = after.import_register_wh - before.import_register_wh
        check(after.import_wh == exact_wh, f"the energy of {after.usage_point} adds up (A8)")


def check_signatures(scene: Scene) -> None:
    """One entry has one group signature, and it verifies (T1)."""
    disks = [host.disk for host in scene.town.world.honest]
    activation = [one for one in entries_of(disks[0]) if one.kind == "activate"][-1]  # others failed
    key = Fields(activation.body).buff("group-key", 96)
    for height in sorted({at for disk in disks for at, name in disk.parts if name == "bls"}):
        found = {disk.parts[height, "bls"] for disk in disks if (height, "bls") in disk.parts}
        check(len(found) == 1, f"one group signature of height {height} (T1)")
        row = next(disk.history[height] for disk in disks if height in disk.history)
        entry = Entry.parse(row[0])
        assert isinstance(entry, Entry)
        check(verify(key, Digest(entry.digest), found.pop()), f"the signature of height {height} verifies")

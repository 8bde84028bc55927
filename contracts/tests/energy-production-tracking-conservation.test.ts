// Minted = counted + owed, no time counts twice, and nothing is minted that no attested leaf
// has, in whatever order leaves and their restatements are shown, by whom: random calls
// against a model.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { attestEnergy, enrolMeter, type Proof, producing, proofOf, recordProduction, registerProducer } from "./attested";
import { breathe, generator, runs } from "./draws";

const RUNS = runs(120);
const START = 20_000 * 86_400;
const WINDOWS = 8;
const STORAGE = 6;

describe.each([7, 20261121])("seed %i", (seed) => {
  it(`mints what is proven over ${RUNS} random calls`, { timeout: 3_600_000 }, async () => {
    const draw = generator(seed);
    const net = await producing();
    const owners = net.wallets.slice(3, 6);
    for (const owner of owners) registerProducer(net, owner);
    const sources = [1, 2, 1, STORAGE];
    const meters = sources.map((source, n) => enrolMeter(net, owners[n % owners.length], { source }));
    const ownerOf = new Map(meters.map((meter, n) => [meter, owners[n % owners.length]]));
    const mints = (meter: number) => sources[meters.indexOf(meter)] !== STORAGE;
    // What is attested newest, and what is counted, by "meter window".
    const attested = new Map<string, Proof>();
    const stale: Proof[] = [];
    const counted = new Map<string, { wh: bigint; revision: number; producer: string; since: number; window: number }>();
    const owed = new Map(meters.map((meter) => [meter, 0n]));
    const energy = new Map(owners.map((owner) => [owner, 0n]));
    const outcomes = { ok: 0, err: 0 };
    let first = START;
    const revisions = new Map<number, number>();

    const attest = () => {
      // Old windows make place for new ones, so that a long run never runs out of revisions.
      if (draw(6) === 0) first += 900;
      const window = first + 900 * draw(WINDOWS);
      const revision = revisions.get(window) ?? 0;
      if (revision > 15) return;
      revisions.set(window, revision + 1);
      const leaves = meters.map((usagePoint) => ({
        usagePoint,
        exportWh: draw(3) ? draw(1000) : 0,
        since: window - 900 * (draw(4) ? 1 : draw(4)),
      }));
      for (const [meter, proof] of attestEnergy(net, window, leaves, { revision })) {
        const old = attested.get(`${meter} ${window}`);
        if (old) stale.push(old);
        attested.set(`${meter} ${window}`, proof);
      }
    };
    attest();

    for (let step = 0; step < RUNS; step++) {
      if (step % 50 === 0) await breathe();
      if (draw(4) === 0) attest();
      if (draw(12) === 0) {
        const meter = meters[draw(meters.length)];
        const [from, to] = [ownerOf.get(meter)!, owners[draw(owners.length)]];
        const args = [Cl.uint(meter), Cl.principal(to)];
        const moved = net.call("registration", "transfer-ownership", args, from);
        if (moved.result.type === "ok") ownerOf.set(meter, to);
      }
      const keys = [...attested.keys()];
      const key = keys[keys.length - 1 - draw(Math.min(keys.length, 40))];
      const newest = attested.get(key)!;
      const forged = draw(8) === 0;
      const old = !forged && stale.length > 0 && draw(6) === 0;
      const lie = { ...newest.leaf, exportWh: newest.leaf.exportWh + 1 };
      const proof = forged ? proofOf([lie], 0, newest.zone, newest.revision) : old ? stale[draw(stale.length)] : newest;
      const before = counted.get(key);
      const isFree = [...counted].every(([other, { since, window }]) => {
        const apart = window <= newest.leaf.since || since >= newest.leaf.window;
        return other === key || !other.startsWith(`${newest.leaf.usagePoint} `) || apart;
      });
      const allowed = !forged && !old && isFree && (!before || newest.revision > before.revision);
      const outcome = recordProduction(net, proof, net.wallets[draw(8)]);
      const context = `seed ${seed}, step ${step}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      outcomes[allowed ? "ok" : "err"]++;
      const meter = newest.leaf.usagePoint;
      if (allowed) {
        const wh = BigInt(newest.leaf.exportWh);
        const producer = before?.producer ?? ownerOf.get(meter)!;
        const change = mints(meter) ? wh - (before?.wh ?? 0n) : 0n;
        const paid = change > 0n ? (change < owed.get(meter)! ? change : owed.get(meter)!) : 0n;
        owed.set(meter, owed.get(meter)! - paid - (change < 0n ? change : 0n));
        if (change > 0n) energy.set(producer, energy.get(producer)! + change - paid);
        const { since, window } = newest.leaf;
        counted.set(key, { wh, revision: newest.revision, producer, since, window });
      }
      const sum = (values: Iterable<bigint>) => [...values].reduce((a, b) => a + b, 0n);
      const shown = [...counted].filter(([name]) => mints(Number(name.split(" ")[0]))).map(([, { wh }]) => wh);
      const totals = { counted: sum(shown), minted: sum(energy.values()), owed: sum(owed.values()) };
      expect(net.view("energy-production-tracking", "get-totals"), context).toEqual(totals);
      expect(totals.minted, context).toBe(totals.counted + totals.owed);
      expect(net.view("energy-token", "get-total-supply").ok, context).toBe(totals.minted);
      const owner = owners[draw(owners.length)];
      expect(net.view("energy-token", "get-balance", [Cl.principal(owner)]).ok, context).toBe(energy.get(owner));
      expect(net.view("energy-production-tracking", "get-owed", [Cl.uint(meter)]), context).toBe(owed.get(meter));
      const made = [...counted.values()].filter(({ producer }) => producer === owner).map(({ wh }) => wh);
      const said = net.view("energy-production-tracking", "get-energy-production", [Cl.principal(owner)]);
      expect(said, context).toBe(sum(made));
    }
    expect(outcomes.ok).toBeGreaterThan(RUNS / 5);
    expect(outcomes.err).toBeGreaterThan(RUNS / 8);
  });
});

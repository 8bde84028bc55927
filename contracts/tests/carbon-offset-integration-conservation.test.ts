// Certificates are at most what is attested, and every unit is held, retired or never was:
// random leaves, restatements, transfers and retirements against a model. RUNS sets the
// number of calls.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, enrolMeter, type Proof } from "./attested";
import { breathe, generator, runs } from "./draws";

const STEPS = runs(300);
const NAME = "carbon-offset-integration";
const WINDOW = 1_800_000_000;
const QUALITIES = [17, 17, 17, 11, 8, 10];

interface Leaf {
  meter: number;
  window: number;
  revision: number;
  wh: bigint;
  sound: boolean;
  proof: Proof;
}

interface Certificate {
  id: number;
  revision: number;
  counted: bigint;
}

describe.each([7, 20261121])("seed %i", (seed) => {
  it(`conserves certificates over ${STEPS} random calls`, { timeout: 60_000 + 200 * STEPS }, async () => {
    const draw = generator(seed);
    const net = await Network.running(4);
    const people = [4, 5, 6, 7].map((at) => net.wallets[at]);
    const owners = new Map<number, string>();
    const plants = new Map<number, string>();
    const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
    const call = (name: string, args: any[], by: string) => net.call(NAME, name, args, by);
    const register = (device: number, by: string) => {
      const attributes = {
        country: Cl.stringAscii("NL"),
        technology: Cl.stringAscii("wind"),
        "operational-since": Cl.uint(1),
        configuration: Cl.uint(1),
      };
      return call("register-clean-energy-producer", [Cl.uint(device), Cl.tuple(attributes)], by);
    };
    for (const who of people) {
      owners.set(enrolMeter(net, who), who);
      const roof = [Cl.stringAscii("Roof"), Cl.uint(1), Cl.buffer(hash32("roof"))];
      net.expectOk(net.call("registration", "register-producer", roof, who));
    }
    const meters = [...owners.keys()];
    /** The newest leaf of each meter and window, and one proof that is not the newest any more. */
    const leaves = new Map<string, Leaf>();
    const old: Leaf[] = [];
    let windows = 0;
    const certificates = new Map<string, Certificate>();
    const held = new Map<string, bigint>();
    const owed = new Map<number, bigint>();
    let [issued, retired] = [0n, 0n];
    const counts: Record<string, number> = {};
    const balance = (id: number, who: string) => held.get(`${id} ${who}`) ?? 0n;
    const add = (id: number, who: string, wh: bigint) => held.set(`${id} ${who}`, balance(id, who) + wh);
    const anyone = () => people[draw(people.length)];
    const anId = () => 1 + draw(certificates.size + 1);
    /** Mostly somebody who has units of something. */
    const aHolding = (): [number, string] => {
      const some = [...held].filter(([, wh]) => wh > 0n);
      if (!some.length || draw(5) === 0) return [anId(), anyone()];
      const [id, who] = some[draw(some.length)][0].split(" ");
      return [Number(id), who];
    };

    /** Attests a window, or restates one, with random energy of every meter. */
    const attest = (at: number, revision: number) => {
      const window = WINDOW + at * WINDOW_S;
      const drawn = meters.map((usagePoint) => ({ usagePoint, exportWh: draw(4) ? draw(2000) : 0, quality: QUALITIES[draw(6)] }));
      const proofs = attestEnergy(net, window, drawn, { revision });
      for (const { usagePoint, exportWh, quality } of drawn) {
        const key = `${usagePoint} ${window}`;
        const before = leaves.get(key);
        if (before) old.push(before);
        const proof = proofs.get(usagePoint)!;
        leaves.set(key, { meter: usagePoint, window, revision, wh: BigInt(exportWh), sound: [17, 11].includes(quality), proof });
      }
    };

    type Step = () => [any, boolean, () => void];
    const steps: Record<string, Step> = {
      register() {
        const [device, by] = [meters[draw(4)], anyone()];
        return [register(device, by), owners.get(device) === by && plants.get(device) !== by, () => {
          plants.set(device, by);
        }];
      },
      hand() {
        const [device, to] = [meters[draw(4)], anyone()];
        const by = owners.get(device)!;
        const outcome = net.call("registration", "transfer-ownership", [Cl.uint(device), Cl.principal(to)], by);
        return [outcome, by !== to, () => {
          owners.set(device, to);
        }];
      },
      issue() {
        const newest = [...leaves.values()];
        const stale = old.length > 0 && draw(8) === 0;
        const leaf = stale ? old[draw(old.length)] : newest[Math.max(0, newest.length - 1 - draw(24))];
        const outcome = call("issue-carbon-credits", leaf.proof.args, anyone());
        const key = `${leaf.meter} ${leaf.window}`;
        const known = certificates.get(key);
        const fits = known ? leaf.revision > known.revision : leaf.wh > 0n && leaf.sound;
        const mine = plants.get(leaf.meter) === owners.get(leaf.meter);
        return [outcome, !stale && mine && fits, () => {
          const before = known?.counted ?? 0n;
          const after = leaf.sound ? leaf.wh : 0n;
          const id = known?.id ?? certificates.size + 1;
          const debt = owed.get(leaf.meter) ?? 0n;
          const rise = after > before ? after - before : 0n;
          const fall = before > after ? before - after : 0n;
          const paid = debt < rise ? debt : rise;
          certificates.set(key, { id, revision: leaf.revision, counted: after });
          owed.set(leaf.meter, debt + fall - paid);
          add(id, owners.get(leaf.meter)!, rise - paid);
          issued += rise - paid;
        }];
      },
      transfer() {
        const [[id, from], to] = [aHolding(), anyone()];
        const wh = BigInt(draw(2) ? draw(400) : Number(balance(id, from)) + draw(3));
        const by = draw(6) ? from : anyone();
        const args = [...uints(id, wh), Cl.principal(from), Cl.principal(to)];
        const outcome = call("transfer", args, by);
        return [outcome, by === from && from !== to && wh > 0n && wh <= balance(id, from), () => {
          add(id, from, -wh);
          add(id, to, wh);
        }];
      },
      retire() {
        const [id, by] = aHolding();
        const wh = BigInt(draw(300));
        const args = [...uints(id, wh), Cl.principal(by), Cl.stringAscii("October"), Cl.buffer(hash32("claim"))];
        const outcome = call("retire-carbon-credits", args, by);
        return [outcome, wh > 0n && wh <= balance(id, by), () => {
          add(id, by, -wh);
          retired += wh;
        }];
      },
    };
    const deck = ["register", "register", "hand", "issue", "issue", "issue", "issue", "transfer", "transfer", "retire"];

    for (const [device, who] of owners) {
      register(device, who);
      plants.set(device, who);
    }
    attest(windows++, 0);
    for (let step = 0; step < STEPS; step++) {
      if (step % 50 === 0) await breathe();
      if (draw(6) === 0) attest(windows++, 0);
      if (draw(8) === 0) {
        const at = Math.max(0, windows - 1 - draw(5));
        const { revision } = leaves.get(`${meters[0]} ${WINDOW + at * WINDOW_S}`)!;
        if (revision < 15) attest(at, revision + 1);
      }
      const name = deck[draw(deck.length)];
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}`;
      expect(outcome.result.type, `${context}: ${JSON.stringify(outcome.result.value?.value)}`).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      const key = `${name} ${allowed ? "ok" : "err"}`;
      counts[key] = (counts[key] ?? 0) + 1;

      const counted = [...certificates.values()].reduce((sum, one) => sum + one.counted, 0n);
      const debts = [...owed.values()].reduce((a, b) => a + b, 0n);
      const supply = [...held.values()].reduce((a, b) => a + b, 0n);
      expect(net.view(NAME, "get-totals"), context).toEqual({ issued, counted, owed: debts, retired, supply });
      expect(issued, context).toBe(counted + debts);
      expect(issued, context).toBe(supply + retired);
    }
    for (const who of people) {
      const mine = [...held].filter(([key]) => key.endsWith(` ${who}`)).reduce((sum, [, wh]) => sum + wh, 0n);
      expect(net.view(NAME, "get-carbon-credits-balance", [Cl.principal(who)])).toBe(mine);
    }
    for (const { id } of certificates.values()) {
      for (const who of people) {
        expect(net.view(NAME, "get-balance", [Cl.uint(id), Cl.principal(who)]).ok).toBe(balance(id, who));
      }
      const supply = people.reduce((sum, who) => sum + balance(id, who), 0n);
      expect(net.view(NAME, "get-total-supply", [Cl.uint(id)]).ok).toBe(supply);
    }
    for (const name of Object.keys(steps)) {
      expect(counts[`${name} ok`] ?? 0, JSON.stringify(counts)).toBeGreaterThan(0);
      expect(counts[`${name} err`] ?? 0, JSON.stringify(counts)).toBeGreaterThan(0);
    }
    expect(retired).toBeGreaterThan(0n);
  });
});

// Production: every proven Wh counts once and is minted once, whatever is restated; and
// equipment is judged by what it yields beside its like.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { attestEnergy, enrolMeter, producing, proofOf, recordProduction, registerProducer } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const DAY_S = 86_400;
const DAY = 20_000;
const WINDOW = DAY * DAY_S + 36_000;
const SOLAR = 1;
const WIND = 2;
const STORAGE = 6;

let net: Network;
let alice: string;
let bob: string;
let roof: number;

const call = (name: string, args: any[], by = net.outsider) =>
  net.call("energy-production-tracking", name, args, by);
const view = (name: string, ...args: any[]) =>
  net.view(
    "energy-production-tracking",
    name,
    args.map((arg) => (typeof arg === "string" ? Cl.principal(arg) : Cl.uint(arg))),
  );
const record = (proof: any, by?: string) => recordProduction(net, proof, by);
const energyOf = (who: string) => net.view("energy-token", "get-balance", [Cl.principal(who)]).ok;
/** Attests one leaf of a meter and gives its proof. */
const produced = (usagePoint: number, exportWh: number, fields: any = {}, revision = 0) => {
  const { window = WINDOW, ...rest } = fields;
  return attestEnergy(net, window, [{ usagePoint, exportWh, ...rest }], { revision }).get(usagePoint)!;
};

beforeEach(async () => {
  net = await producing();
  [, , , , alice, bob] = net.wallets;
  registerProducer(net, alice);
  registerProducer(net, bob);
  roof = enrolMeter(net, alice, { capacityW: 4000 });
});

describe("record-energy-production", () => {
  it("counts a proven leaf and mints it to the device's owner, whoever shows it", () => {
    const outcome = record(produced(roof, 900, { importWh: 20 }));
    expect(expectOk(outcome)).toEqual({
      producer: alice,
      "energy-wh": 900n,
      "minted-wh": 900n,
      "owed-wh": 0n,
    });
    expect(expectEvent(outcome, "production-recorded")).toMatchObject({
      "usage-point": BigInt(roof),
      window: BigInt(WINDOW),
      revision: 0n,
      producer: alice,
      source: 1n,
      "energy-wh": 900n,
    });
    expect(energyOf(alice)).toBe(900n);
    expect(energyOf(net.outsider)).toBe(0n);
    expect(view("get-recorded", roof, WINDOW)).toMatchObject({ revision: 0n, producer: alice, "energy-wh": 900n });
    expect(view("get-recorded", roof, WINDOW + 900)).toBe(null);
  });

  it("adds up by producer, source and day", () => {
    const mill = enrolMeter(net, alice, { source: WIND });
    const field = enrolMeter(net, bob);
    const next = WINDOW + DAY_S;
    const today = [
      { usagePoint: roof, exportWh: 100 },
      { usagePoint: mill, exportWh: 30 },
      { usagePoint: field, exportWh: 7 },
    ];
    for (const proof of attestEnergy(net, WINDOW, today).values()) expectOk(record(proof));
    expectOk(record(produced(roof, 1000, { window: next })));
    expect(view("get-energy-production", alice)).toBe(1130n);
    expect(view("get-energy-production", bob)).toBe(7n);
    expect(view("get-energy-production", net.outsider)).toBe(0n);
    expect(view("get-production-of-day", alice, SOLAR, DAY)).toBe(100n);
    expect(view("get-production-of-day", alice, WIND, DAY)).toBe(30n);
    expect(view("get-production-of-day", alice, SOLAR, DAY + 1)).toBe(1000n);
    expect(view("get-production-by-source", SOLAR)).toBe(1107n);
    expect(view("get-production-by-source", WIND)).toBe(30n);
    expect(view("get-source-day", SOLAR, DAY)["energy-wh"]).toBe(107n);
    expect(view("get-device-day", roof, DAY)).toEqual({ "energy-wh": 100n, "covered-s": 900n });
    expect([energyOf(alice), energyOf(bob)]).toEqual([1130n, 7n]);
    expect(view("get-totals")).toEqual({ counted: 1137n, minted: 1137n, owed: 0n });
  });

  it("counts a leaf once", () => {
    const proof = produced(roof, 900);
    expectOk(record(proof));
    expectErr(record(proof), 662);
    expectErr(record(proof, alice), 662);
    expect(energyOf(alice)).toBe(900n);
  });

  it("takes no energy without proof, and none of a revoked device", () => {
    const proof = produced(roof, 900);
    expectErr(record(proofOf([{ ...proof.leaf, exportWh: 901 }], 0), alice), 605);
    produced(roof, 800, {}, 1);
    expectErr(record(proof), 602);
    const later = produced(roof, 5, { window: WINDOW + 900 });
    expectOk(net.call("registration", "revoke-asset", [Cl.uint(roof)], alice));
    expectErr(record(later), 607);
    expect(energyOf(alice)).toBe(0n);
  });

  it("is for producers with a source of energy", () => {
    const stranger = net.wallets[6];
    const proofs = attestEnergy(net, WINDOW, [
      { usagePoint: enrolMeter(net, stranger), exportWh: 1 },
      { usagePoint: enrolMeter(net, alice, { source: 0 }), exportWh: 1 },
      { usagePoint: roof, exportWh: 1e15 + 1 },
    ]);
    const [heat, plain, huge] = [roof + 1, roof + 2, roof].map((id) => proofs.get(id)!);
    expectErr(record(heat), 660);
    registerProducer(net, stranger);
    expectOk(record(heat));
    expectErr(record(plain), 661);
    expectErr(record(huge), 663);
  });

  it("mints only as a minter, and not in a pause; the leaf can be shown again", () => {
    const proof = produced(roof, 900);
    expectOk(net.call("roles", "pause", []));
    expectErr(record(proof), 621);
    expectOk(net.call("roles", "unpause", []));
    const role = [Cl.principal(`${net.deployer}.energy-production-tracking`), Cl.stringAscii("minter")];
    expectOk(net.call("roles", "revoke-role", role));
    expectErr(record(proof), 620);
    expect(view("get-recorded", roof, WINDOW)).toBe(null);
    expectOk(net.call("roles", "grant-role", role));
    expectOk(record(proof));
  });

  it("counts a night without energy, and what storage gives back without minting it", () => {
    const battery = enrolMeter(net, alice, { source: STORAGE });
    expect(expectOk(record(produced(roof, 0)))["minted-wh"]).toBe(0n);
    const outcome = record(produced(battery, 500, { window: WINDOW + 900 }));
    expect(expectOk(outcome)).toMatchObject({ "energy-wh": 500n, "minted-wh": 0n });
    expect(energyOf(alice)).toBe(0n);
    expect(view("get-production-by-source", STORAGE)).toBe(500n);
    expectOk(record(produced(battery, 400, { window: WINDOW + 900 }, 1)));
    expect(view("get-owed", battery)).toBe(0n);
    expect(view("get-totals")).toEqual({ counted: 0n, minted: 0n, owed: 0n });
  });
});

describe("a restatement", () => {
  it("that rises mints the difference to the producer of the first count", () => {
    expectOk(record(produced(roof, 900)));
    const args = [Cl.uint(roof), Cl.principal(bob)];
    expectOk(net.call("registration", "transfer-ownership", args, alice));
    const outcome = record(produced(roof, 950, { since: WINDOW - 1800 }, 1));
    expect(expectOk(outcome)).toMatchObject({ producer: alice, "minted-wh": 50n });
    expect([energyOf(alice), energyOf(bob)]).toEqual([950n, 0n]);
    expect(view("get-device-day", roof, DAY)).toEqual({ "energy-wh": 950n, "covered-s": 1800n });
    expect(expectOk(record(produced(roof, 10, { window: WINDOW + 900 }))).producer).toBe(bob);
  });

  it("that falls is paid by the device's next energy", () => {
    expectOk(record(produced(roof, 900)));
    const outcome = record(produced(roof, 600, {}, 1));
    expect(expectOk(outcome)).toMatchObject({ "energy-wh": 600n, "minted-wh": 0n, "owed-wh": 300n });
    expect(energyOf(alice)).toBe(900n);
    expect(view("get-energy-production", alice)).toBe(600n);
    expect(view("get-totals")).toEqual({ counted: 600n, minted: 900n, owed: 300n });
    expect(expectOk(record(produced(roof, 200, { window: WINDOW + 900 })))).toMatchObject({
      "minted-wh": 0n,
      "owed-wh": 100n,
    });
    expect(expectOk(record(produced(roof, 250, { window: WINDOW + 1800 })))["minted-wh"]).toBe(150n);
    expect(energyOf(alice)).toBe(1050n);
    expect(view("get-totals")).toEqual({ counted: 1050n, minted: 1050n, owed: 0n });
  });

  it("counts in its newest revision only", () => {
    const [first, second] = [produced(roof, 900), produced(roof, 700, {}, 1)];
    expectOk(record(second));
    expectErr(record(first), 602);
    expectErr(record(second), 662);
    expect(energyOf(alice)).toBe(700n);
  });
});

describe("late data", () => {
  const at = (n: number) => WINDOW + 900 * n;
  const late = (proof: any, near: number) => call("record-late-production", [...proof.args, Cl.uint(near)]);
  const links = () => {
    const found: number[] = [];
    let window = view("get-newest", roof);
    while (window !== null) {
      found.unshift((Number(window) - WINDOW) / 900);
      window = view("get-link", roof, Number(window)).previous;
    }
    return found;
  };

  it("counts after the leaf that had counted it is restated, and not before", () => {
    expectOk(record(produced(roof, 100, { window: at(0) })));
    expectOk(record(produced(roof, 60, { window: at(3), since: at(0) })));
    // The windows 1 and 2 come late: 10 and 20 Wh of the 60.
    const first = produced(roof, 10, { window: at(1), since: at(0) });
    const second = produced(roof, 20, { window: at(2), since: at(1) });
    expectErr(record(first), 669);
    expectErr(record(second), 669);
    const third = produced(roof, 30, { window: at(3), since: at(2) }, 1);
    expect(expectOk(record(third))["owed-wh"]).toBe(30n);
    expect(expectOk(record(second))).toMatchObject({ "minted-wh": 0n, "owed-wh": 10n });
    expect(expectOk(record(first))).toMatchObject({ "minted-wh": 0n, "owed-wh": 0n });
    expect(energyOf(alice)).toBe(160n);
    expect(view("get-totals")).toEqual({ counted: 160n, minted: 160n, owed: 0n });
    expect(links()).toEqual([0, 1, 2, 3]);
    expect(view("get-device-day", roof, DAY)["covered-s"]).toBe(3600n);
  });

  it("counted first refuses the leaf that still has it, and the restatement that would take it back", () => {
    expectOk(record(produced(roof, 10, { window: at(1) })));
    expectErr(record(produced(roof, 60, { window: at(2), since: at(0) })), 669);
    expectOk(record(produced(roof, 50, { window: at(2), since: at(1) }, 1)));
    expectErr(record(produced(roof, 60, { window: at(2), since: at(0) }, 2)), 669);
    expect(energyOf(alice)).toBe(60n);
  });

  it("may leave time out, and come in any order near the newest", () => {
    for (const n of [5, 1, 9, 3, 0, 12]) expectOk(record(produced(roof, 1, { window: at(n) })));
    expect(links()).toEqual([0, 1, 3, 5, 9, 12]);
    expect(view("get-link", roof, at(3))).toEqual({
      since: BigInt(at(2)),
      previous: BigInt(at(1)),
      next: BigInt(at(5)),
    });
  });

  it("from long ago is told its place", () => {
    for (let n = 0; n < 20; n++) expectOk(record(produced(roof, 1, { window: at(2 * n) })));
    const old = produced(roof, 1, { window: at(3) });
    expectErr(record(old), 670);
    expectErr(late(old, at(3)), 670);
    expectErr(late(old, at(7)), 670);
    expectErr(late(old, at(0)), 670);
    expectErr(late(old, at(38)), 670);
    expectOk(late(old, at(2)));
    expectOk(late(produced(roof, 1, { window: at(1) }), at(30)));
    expectOk(late(produced(roof, 1, { window: at(39) }), at(38)));
    expectErr(late(produced(roof, 1, { window: at(41) }), at(38)), 670);
    expectOk(late(produced(roof, 1, { window: at(-1) }), at(0)));
    expectErr(late(old, at(2)), 662);
    expectErr(late(produced(roof, 1, { window: at(5), since: at(3) }), at(4)), 669);
    expect(links().slice(0, 6)).toEqual([-1, 0, 1, 2, 3, 4]);
    expect(links()).toHaveLength(24);
  });

  it("takes no more than is proven", () => {
    const proof = produced(roof, 5);
    expectErr(late(proofOf([{ ...proof.leaf, exportWh: 6 }], 0), WINDOW), 605);
    expectErr(late(proof, WINDOW), 670);
    expectOk(record(proof));
  });
});

describe("performance and maintenance", () => {
  const whole = { window: DAY * DAY_S + 85_500, since: DAY * DAY_S };
  /** A day of the roof beside two others of the same capacity, in one leaf each. */
  const dayOf = (mine: number, theirs: number[]) => {
    const others = theirs.map((exportWh) => ({ usagePoint: enrolMeter(net, bob, { capacityW: 4000 }), exportWh }));
    const leaves = [{ usagePoint: roof, exportWh: mine }, ...others].map((leaf) => ({ ...leaf, since: whole.since }));
    for (const proof of attestEnergy(net, whole.window, leaves).values()) expectOk(record(proof));
  };
  const schedule = (device = roof, day = DAY) => call("schedule-maintenance", [Cl.uint(device), Cl.uint(day)]);
  const complete = (by = alice, device = roof) => call("complete-maintenance", [Cl.uint(device)], by);

  it("is energy as a share of capacity", () => {
    expect(view("get-performance", roof)).toBe(null);
    expectOk(record(produced(roof, 500)));
    expect(view("get-performance", roof)).toEqual({
      "capacity-w": 4000n,
      "energy-wh": 500n,
      "covered-s": 900n,
      "ratio-bps": 5000n,
      "full-load-hours": 0n,
    });
    expectOk(record(produced(roof, 0, { window: WINDOW + 900 })));
    expect(view("get-performance", roof)["ratio-bps"]).toBe(2500n);
    expect(view("get-day-performance", roof, DAY)).toEqual({
      "energy-wh": 500n,
      "covered-s": 1800n,
      "ratio-bps": 2500n,
      "others-bps": 0n,
      "relative-bps": null,
    });
    expect(view("get-day-performance", roof, DAY + 1)["ratio-bps"]).toBe(0n);
  });

  it("of a first leaf, which covers no time, is none", () => {
    expectOk(record(produced(roof, 0, { since: WINDOW })));
    expect(view("get-performance", roof)["ratio-bps"]).toBe(0n);
  });

  it("schedules what yields far less than its like on the same day", () => {
    dayOf(6900, [10_000, 10_000]);
    expect(view("get-day-performance", roof, DAY)["relative-bps"]).toBe(6900n);
    const outcome = schedule();
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "maintenance-scheduled")).toMatchObject({ "usage-point": BigInt(roof), reason: 1n });
    expect(view("get-maintenance", roof).scheduled).toMatchObject({ day: BigInt(DAY), reason: 1n });
    expectErr(schedule(), 665);
    expectErr(schedule(roof + 1), 666);
  });

  it("schedules nothing that yields enough, is alone, or is measured too briefly", () => {
    dayOf(7000, [10_000, 10_000]);
    expectErr(schedule(), 666);
    expectErr(schedule(roof, DAY + 1), 666);
    expectErr(schedule(99), 664);
    expect(view("get-parameters")["due-below-bps"]).toBe(7000n);
  });

  it("does not judge a short day", () => {
    const other = enrolMeter(net, bob);
    const leaves = [{ usagePoint: roof, exportWh: 1 }, { usagePoint: other, exportWh: 1000 }];
    for (const proof of attestEnergy(net, WINDOW, leaves).values()) expectOk(record(proof));
    expect(view("get-day-performance", roof, DAY)["others-bps"]).toBe(8000n);
    expectErr(schedule(), 666);
  });

  it("schedules what has run its hours, and again only after as many more", () => {
    expectOk(record(produced(roof, 4000 * 4000 - 1)));
    expectErr(schedule(), 666);
    expectOk(record(produced(roof, 1, { window: WINDOW + 900 })));
    expect(expectOk(schedule())).toBe(2n);
    expectErr(complete(bob), 667);
    expectErr(complete(net.outsider), 667);
    const proxy = net.deploy(
      "proxy",
      `(define-public (complete) (contract-call? '${net.deployer}.energy-production-tracking complete-maintenance u${roof}))`,
    );
    expectErr(net.callAny(proxy, "complete", [], alice), 667);
    const outcome = complete();
    expectOk(outcome);
    expectEvent(outcome, "maintenance-completed");
    expectErr(complete(), 668);
    expectErr(complete(alice, 99), 664);
    expect(view("get-performance", roof)["full-load-hours"]).toBe(0n);
    expectErr(schedule(), 666);
    // A restatement may take back energy from before the maintenance.
    expectOk(record(produced(roof, 0, {}, 1)));
    expect(view("get-performance", roof)["full-load-hours"]).toBe(0n);
  });
});

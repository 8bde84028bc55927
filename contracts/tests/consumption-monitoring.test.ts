// Consumption: every proven Wh counts once by category, time of use and day; a consumer is
// told what it asked to be told; and no reading of a home is kept or announced.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { clarityLeaf, hash32, leafHash } from "../harness/entries.mjs";
import { Network, printed } from "../harness/network.mjs";
import { attestEnergy, enrolMeter, type Proof, proofOf } from "./attested";
import { expectErr, expectEvent, expectOk, expectRefusal } from "./outcomes";

const DAY_S = 86_400;
const DAY = 20_000;
const MIDNIGHT = DAY * DAY_S;
const [NOON, EVENING] = [MIDNIGHT + 12 * 3600, MIDNIGHT + 18 * 3600];
const [HOME, SHOP] = [1, 2];

let net: Network;
let alice: string;
let bob: string;
let home: number;
let shop: number;

const call = (name: string, args: any[], by: string) => net.call("consumption-monitoring", name, args, by);
const view = (name: string, ...args: any[]) =>
  net.view(
    "consumption-monitoring",
    name,
    args.map((arg) => (typeof arg === "string" ? Cl.principal(arg) : typeof arg === "number" ? Cl.uint(arg) : arg)),
  );
const register = (device: number, category: number, by: string, profile = hash32("profile")) =>
  call("register-consumer", [Cl.uint(device), Cl.uint(category), Cl.buffer(profile)], by);
const record = (proof: Proof, by: string) => call("record-consumption", proof.args, by);
const restate = (proof: Proof, before: any, by: string) =>
  call("restate-consumption", [...proof.args, clarityLeaf(before)], by);
const recordZone = (window: number, revision = 0, zone = 1, by = net.outsider) =>
  call("record-zone-consumption", [window, revision, zone].map((n) => Cl.uint(n)), by);
const threshold = (device: number, watts: number, daily: number, by: string) =>
  call("set-threshold", [device, watts, daily].map((n) => Cl.uint(n)), by);
const used = (usagePoint: number, importWh: number, window: number, fields: any = {}, revision = 0) =>
  attestEnergy(net, window, [{ usagePoint, importWh, ...fields }], { revision }).get(usagePoint)!;
const topics = (outcome: any) => printed(outcome).map(({ topic }: any) => topic);
const wh = (off: number, mid: number, on: number) => ({
  "off-peak-wh": BigInt(off),
  "mid-peak-wh": BigInt(mid),
  "on-peak-wh": BigInt(on),
});

beforeEach(async () => {
  net = await Network.running(4);
  [, , , , alice, bob] = net.wallets;
  home = enrolMeter(net, alice, { source: 0 });
  shop = enrolMeter(net, bob, { source: 0 });
});

describe("register-consumer", () => {
  it("lists the caller's device with its category", () => {
    const outcome = register(home, HOME, alice);
    expectOk(outcome);
    expect(expectEvent(outcome, "consumer-registered")).toMatchObject({ consumer: alice, category: 1n });
    expect(view("get-consumer", home)).toMatchObject({ consumer: alice, category: 1n, "threshold-w": 0n });
    expect(view("get-profile", home)).toMatchObject({ "total-wh": 0n, leaves: 0n, "average-w": 0n, "on-peak-bps": 0n });
    expect(view("get-profile", shop)).toBe(null);
  });

  it("refuses what is not the caller's, not a category or registered already", () => {
    expectErr(register(99, HOME, alice), 701);
    expectErr(register(home, HOME, bob), 702);
    expectErr(register(home, HOME, net.outsider), 702);
    expectErr(register(home, 0, alice), 703);
    expectErr(register(home, 4, alice), 703);
    expectErr(register(home, HOME, alice, new Uint8Array(31)), 704);
    expectOk(register(home, HOME, alice));
    expectErr(register(home, SHOP, alice), 705);
  });

  it("lets a new owner begin with nothing", () => {
    expectOk(register(home, HOME, alice));
    expectOk(record(used(home, 500, NOON), alice));
    expectOk(net.call("registration", "transfer-ownership", [Cl.uint(home), Cl.principal(bob)], alice));
    const next = used(home, 70, NOON + 900);
    expectErr(record(next, alice), 706);
    expectErr(record(next, bob), 706);
    expectOk(register(home, HOME, bob));
    expectOk(record(next, bob));
    expect(view("get-profile", home)).toMatchObject({ consumer: bob, "total-wh": 70n, leaves: 1n });
    expect(view("get-category-day", HOME, DAY)).toEqual(wh(0, 570, 0));
  });
});

describe("record-consumption", () => {
  beforeEach(() => {
    expectOk(register(home, HOME, alice));
    expectOk(register(shop, SHOP, bob));
  });

  it("adds up by time of use, category, day and hour", () => {
    const first = record(used(home, 100, MIDNIGHT), alice);
    expect(expectOk(first)).toEqual({ consumer: alice, "time-of-use": 0n, "power-w": 400n });
    expectOk(record(used(home, 250, NOON), alice));
    expectOk(record(used(home, 150, EVENING), alice));
    expectOk(record(used(shop, 4000, EVENING + 900), net.outsider));
    expect(view("get-profile", home)).toEqual({
      consumer: alice,
      category: 1n,
      used: wh(100, 250, 150),
      "total-wh": 500n,
      leaves: 3n,
      "average-w": 666n,
      "highest-w": 1000n,
      "highest-at": BigInt(NOON),
      "on-peak-bps": 3000n,
    });
    expect(view("get-category-day", HOME, DAY)).toEqual(wh(100, 250, 150));
    expect(view("get-category-day", SHOP, DAY)).toEqual(wh(0, 0, 4000));
    expect(view("get-category-day", HOME, DAY + 1)).toEqual(wh(0, 0, 0));
    expect(view("get-demand-pattern", HOME, 12)).toEqual({ "import-wh": 250n, leaves: 1n });
    expect(view("get-demand-pattern", HOME, 13)).toEqual({ "import-wh": 0n, leaves: 0n });
  });

  it("counts a leaf once, and only what is proven", () => {
    const proof = used(home, 100, NOON);
    expectErr(record(proofOf([{ ...proof.leaf, importWh: 99 }], 0), alice), 605);
    expectOk(record(proof, alice));
    expectErr(record(proof, alice), 707);
    const again = used(home, 90, NOON, {}, 1);
    expectErr(record(again, alice), 707);
    expectErr(record(used(home, 1e15 + 1, EVENING), alice), 710);
    expect(view("get-profile", home)["total-wh"]).toBe(100n);
  });

  it("takes a home's leaf from the home alone", () => {
    const proofs = attestEnergy(net, NOON, [
      { usagePoint: home, importWh: 5 },
      { usagePoint: shop, importWh: 6 },
      { usagePoint: enrolMeter(net, alice), importWh: 7 },
    ]);
    expectErr(record(proofs.get(home)!, net.outsider), 702);
    expectErr(record(proofs.get(home)!, bob), 702);
    expectErr(record(proofs.get(shop + 1)!, alice), 706);
    expectOk(record(proofs.get(home)!, alice));
    expectOk(record(proofs.get(shop)!, net.outsider));
  });

  it("takes no contract's word for the home's", () => {
    const leaf = "{usage-point: uint, window: uint, import-register: uint, export-register: uint, import-wh: uint, export-wh: uint, since: uint, quality: uint, assurance: uint, record: (buff 32)}";
    const proxy = net.deploy(
      "proxy",
      `(define-public (show (revision uint) (zone uint) (leaf ${leaf}) (index uint) (siblings (list 24 (buff 32))))
         (contract-call? '${net.deployer}.consumption-monitoring record-consumption revision zone leaf index siblings))
       (define-public (tell (device uint))
         (contract-call? '${net.deployer}.consumption-monitoring set-threshold device u1 u1))`,
    );
    expectErr(net.callAny(proxy, "show", used(home, 5, NOON).args, alice), 702);
    expectErr(net.callAny(proxy, "tell", [Cl.uint(home)], alice), 702);
  });

  it("keeps and announces no reading", () => {
    const proof = used(home, 123_457, NOON, { importRegister: 765_433 });
    const outcome = record(proof, alice);
    expectOk(outcome);
    const entry = view("get-recorded", home, NOON);
    expect(entry.leaf).toBe(`0x${Buffer.from(leafHash(clarityLeaf(proof.leaf))).toString("hex")}`);
    const said = [...Object.values(entry), ...printed(outcome).flatMap((event: any) => Object.values(event))];
    expect(said).not.toContain(123_457n);
    expect(said).not.toContain(765_433n);
  });

  it("measures no power where no time is covered", () => {
    const outcome = record(used(home, 0, NOON, { since: NOON }), alice);
    expect(expectOk(outcome)["power-w"]).toBe(0n);
  });
});

describe("set-threshold", () => {
  beforeEach(() => expectOk(register(home, HOME, alice)));

  it("is the consumer's, and of a consumer", () => {
    const outcome = threshold(home, 3000, 0, alice);
    expectOk(outcome);
    expect(expectEvent(outcome, "threshold-set")).toMatchObject({ "threshold-w": 3000n, "daily-wh": 0n });
    expectErr(threshold(home, 1, 1, net.outsider), 702);
    expectErr(threshold(shop, 1, 1, bob), 706);
  });

  it("tells of power above it", () => {
    expectOk(threshold(home, 1000, 0, alice));
    expect(topics(record(used(home, 250, NOON), alice))).toEqual(["consumption-recorded"]);
    const outcome = record(used(home, 251, NOON + 900), alice);
    expect(expectEvent(outcome, "threshold-exceeded")).toEqual({
      topic: "threshold-exceeded",
      "usage-point": BigInt(home),
      window: BigInt(NOON + 900),
      consumer: alice,
    });
    expectOk(threshold(home, 0, 0, alice));
    expect(topics(record(used(home, 999, NOON + 1800), alice))).toEqual(["consumption-recorded"]);
  });

  it("tells once of a day's energy above it, and of no day before", () => {
    expectOk(threshold(home, 0, 300, alice));
    const next = (importWh: number, window: number) => topics(record(used(home, importWh, window), alice)).slice(1);
    expect(next(300, NOON)).toEqual([]);
    expect(next(1, NOON + 900)).toEqual(["daily-threshold-exceeded"]);
    expect(next(50, NOON + 1800)).toEqual([]);
    expect(next(299, NOON + DAY_S)).toEqual([]);
    expect(next(400, NOON - 900)).toEqual([]);
    expect(next(2, NOON + DAY_S + 900)).toEqual(["daily-threshold-exceeded"]);
  });

  it("is not needed for what is abnormal beside a day of leaves", () => {
    for (let n = 0; n < 96; n++) expectOk(record(used(home, n ? 100 : 400, MIDNIGHT + 900 * n), alice));
    expect(topics(record(used(home, 300, MIDNIGHT + DAY_S), alice))).toEqual(["consumption-recorded"]);
    const outcome = record(used(home, 400, MIDNIGHT + DAY_S + 900), alice);
    expectEvent(outcome, "abnormal-usage");
  });
});

describe("restate-consumption", () => {
  let before: Proof;
  beforeEach(() => {
    expectOk(register(home, HOME, alice));
    before = used(home, 500, NOON);
    expectOk(record(before, alice));
  });

  it("replaces what was counted, with the leaf that only its owner still has", () => {
    expectOk(record(used(home, 100, EVENING), alice));
    const after = used(home, 50, NOON, {}, 1);
    const outcome = restate(after, before.leaf, alice);
    expectOk(outcome);
    expectEvent(outcome, "consumption-restated");
    expect(view("get-profile", home)).toMatchObject({ used: wh(0, 50, 100), "highest-w": 200n, leaves: 2n });
    expect(view("get-category-day", HOME, DAY)).toEqual(wh(0, 50, 100));
    expect(view("get-demand-pattern", HOME, 12)).toEqual({ "import-wh": 50n, leaves: 1n });
    expectErr(restate(after, before.leaf, alice), 707);
    const last = used(home, 900, NOON, { since: NOON - 1800 }, 2);
    expectErr(restate(last, before.leaf, alice), 709);
    expectOk(restate(last, after.leaf, alice));
    expect(view("get-profile", home)).toMatchObject({ used: wh(0, 900, 100), "highest-w": 1800n, "average-w": 1333n });
  });

  it("keeps the time of use and the day that were counted", () => {
    expectOk(call("set-times", [Cl.list(Array(24).fill(Cl.uint(2)))], net.deployer));
    expectOk(threshold(home, 0, 100, alice));
    expectOk(restate(used(home, 10, NOON, {}, 1), before.leaf, alice));
    expect(view("get-profile", home).used).toEqual(wh(0, 10, 0));
    expect(topics(record(used(home, 91, NOON + 900), alice))).toContain("daily-threshold-exceeded");
    expectOk(record(used(home, 1, NOON + DAY_S), alice));
    expectOk(restate(used(home, 20, NOON, {}, 2), { ...before.leaf, importWh: 10 }, alice));
    expect(view("get-profile", home)["total-wh"]).toBe(112n);
  });

  it("is the home's, of a leaf that was counted, and proven", () => {
    const after = used(home, 50, NOON, {}, 1);
    expectErr(restate(after, before.leaf, net.outsider), 702);
    expectErr(restate(after, { ...before.leaf, importWh: 501 }, alice), 709);
    expectErr(restate(proofOf([{ ...after.leaf, importWh: 1 }], 0, 1, 1), before.leaf, alice), 605);
    expectErr(restate(used(home, 5, EVENING), before.leaf, alice), 708);
    expectErr(restate(before, before.leaf, alice), 602);
    expectErr(restate(used(home, 1e15 + 1, NOON, {}, 2), before.leaf, alice), 710);
  });
});

describe("record-zone-consumption", () => {
  const neighbours = (importWh: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ usagePoint: 100 + n, importWh }));

  it("adds up what a zone's meters have in common, without naming one", () => {
    attestEnergy(net, NOON, neighbours(10, 5));
    attestEnergy(net, EVENING, neighbours(20, 6));
    const outcome = recordZone(NOON);
    expect(expectOk(outcome)).toBe(50n);
    expect(expectEvent(outcome, "zone-consumption-recorded")).toMatchObject({ "import-wh": 50n, "time-of-use": 1n });
    expectOk(recordZone(EVENING));
    expect(view("get-zone-day", 1, DAY)).toEqual(wh(0, 50, 120));
    expectErr(recordZone(NOON), 707);
    attestEnergy(net, NOON, neighbours(7, 5), { revision: 1 });
    expectErr(recordZone(NOON), 602);
    expectOk(recordZone(NOON, 1));
    expect(view("get-zone-day", 1, DAY)).toEqual(wh(0, 35, 120));
    expect(view("get-recorded-zone", 1, NOON)).toMatchObject({ revision: 1n, "import-wh": 35n });
  });

  it("takes no zone of four, none that is not open, and no impossible sum", () => {
    attestEnergy(net, NOON, neighbours(10, 4));
    expectErr(recordZone(NOON), 713);
    expectErr(recordZone(NOON, 0, 2), 604);
    expectErr(recordZone(EVENING), 601);
    attestEnergy(net, EVENING, neighbours(1e15, 5));
    expectErr(recordZone(EVENING), 710);
  });
});

describe("set-times", () => {
  const setTimes = (hours: number[], by = net.deployer) =>
    call("set-times", [Cl.list(hours.map((n) => Cl.uint(n)))], by);

  it("is the governor's, for what comes after", () => {
    expectErr(setTimes(Array(24).fill(0), net.outsider), 711);
    expect(view("get-times")).toHaveLength(24);
    expect(["get-time-of-use"].map((name) => view(name, NOON))).toEqual([1n]);
    const outcome = setTimes(Array(24).fill(2));
    expectOk(outcome);
    expectEvent(outcome, "times-of-use-set");
    expect(view("get-time-of-use", NOON)).toBe(2n);
  });

  it("is of 24 hours and three kinds", () => {
    expectErr(setTimes(Array(23).fill(0)), 712);
    expectErr(setTimes([]), 712);
    expectErr(setTimes([...Array(23).fill(0), 3]), 712);
  });
});

describe("commit-consumption", () => {
  const SALT = Cl.buffer(hash32("salt"));
  const digestOf = (proofs: Proof[], salt = SALT, day = DAY) => {
    const hashes = Cl.list(proofs.map(({ leaf }) => Cl.buffer(leafHash(clarityLeaf(leaf)))));
    return Buffer.from(view("get-commitment-digest", home, day, salt, hashes).ok.slice(2), "hex");
  };
  const commit = (digest: Uint8Array, by = alice, day = DAY, device = home) =>
    call("commit-consumption", [Cl.uint(device), Cl.uint(day), Cl.buffer(digest)], by);
  const check = (proofs: Proof[], salt: any = SALT, day = DAY) =>
    view("check-commitment", home, alice, day, salt, Cl.list(proofs.map(({ tuple }) => tuple)));
  let day: Proof[];

  beforeEach(() => {
    expectOk(register(home, HOME, alice));
    day = [used(home, 100, NOON), used(home, 300, EVENING)];
  });

  it("lets a home prove its day to whom it likes", () => {
    const outcome = commit(digestOf(day));
    expectOk(outcome);
    expectEvent(outcome, "consumption-committed");
    expect(check(day)).toEqual({ ok: { leaves: 2n, "import-wh": 400n, "highest-w": 1200n } });
    expect(view("get-commitment", home, alice, DAY)).not.toBe(null);
  });

  it("holds it to its word", () => {
    expectOk(commit(digestOf(day)));
    expectErr(commit(digestOf([day[0]])), 714);
    expectRefusal(check([day[0]]), 716);
    expectRefusal(check(day, Cl.buffer(hash32("other salt"))), 716);
    expectRefusal(check([day[1], day[0]]), 717);
    expectRefusal(check([day[0], day[0]]), 717);
    expectRefusal(check([day[0], used(shop, 1, EVENING + 900)]), 717);
    expectRefusal(check([...day, used(home, 1, NOON + DAY_S)]), 717);
    expectRefusal(check([proofOf([{ ...day[0].leaf, importWh: 1 }], 0), day[1]]), 605);
    expectRefusal(check(day, SALT, DAY + 1), 715);
  });

  it("is the consumer's", () => {
    expectErr(commit(digestOf(day), net.outsider), 702);
    expectErr(commit(digestOf(day), bob, DAY, shop), 706);
    expectErr(commit(new Uint8Array(31)), 704);
  });
});

// A virtual power plant: who is in it and when, what it put out by proven leaves, what it
// may sell, and how its forecasts compare with that.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, enrolMeter } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const DAY_S = 86_400;

let net: Network;
let operator: string;
let owners: string[];
let roofs: number[];
let outsider: string;

const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
const call = (name: string, args: any[], by = operator) => net.call("aggregation", name, args, by);
const view = (name: string, ...numbers: (number | bigint)[]) => net.view("aggregation", name, uints(...numbers));
const create = (name = "Roofs of the valley", by = operator) => call("create-vpp", [Cl.stringAscii(name)], by);
const join = (asset: number, by: string, vpp = 1) => call("join", uints(vpp, asset), by);
const leave = (asset: number, by: string) => call("leave", uints(asset), by);
const forecast = (window: number, wh: number | bigint, by = operator, vpp = 1) =>
  call("publish-forecast", uints(vpp, window, wh), by);
const score = (window: number) => call("score-forecast", uints(1, window), outsider);
const aggregate = (window: number, proofs: any[], vpp = 1) =>
  call("aggregate-window", [...uints(vpp, window), Cl.list(proofs.map(({ tuple }) => tuple))], outsider);
const next = (windows = 1) => (Math.floor(net.now() / WINDOW_S) + windows) * WINDOW_S;
const grid = (name: string, args: any[]) => expectOk(net.call("grid-management", name, args));

beforeEach(async () => {
  net = await Network.disputing(4);
  [operator, outsider] = [net.wallets[3], net.outsider];
  owners = net.wallets.slice(4, 7);
  roofs = owners.map((owner) => enrolMeter(net, owner, { capacityW: 4000 }));
  grid("set-operator-authorization", [Cl.principal(net.deployer), Cl.bool(true)]);
  for (const roof of roofs) grid("connect-asset", uints(roof, 4000));
  net.expectOk(net.call("registration", "register-user", [Cl.uint(4), Cl.buffer(hash32("op"))], operator));
});

describe("create-vpp", () => {
  it("makes the caller its operator", () => {
    const outcome = create();
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "vpp-created").operator).toBe(operator);
    expect(view("get-vpp", 1)).toMatchObject({ operator, members: 0n, "capacity-w": 0n });
    expect(expectOk(create("Another", owners[0]))).toBe(2n);
    expect(view("get-vpp-count")).toBe(2n);
  });

  it("refuses strangers, an empty name, and all during a pause", () => {
    expectErr(create("Mine", outsider), 721);
    expectErr(create(""), 722);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(create(), 720);
  });
});

describe("join", () => {
  beforeEach(() => void expectOk(create()));

  it("counts an asset from the next window on", () => {
    const since = next();
    const outcome = join(roofs[0], owners[0]);
    expect(expectOk(outcome)).toBe(BigInt(since));
    expect(expectEvent(outcome, "vpp-joined")).toMatchObject({ "capacity-w": 4000n, owner: owners[0] });
    expect(view("is-member-at", 1, roofs[0], since)).toBe(true);
    expect(view("is-member-at", 1, roofs[0], since - WINDOW_S)).toBe(false);
    expect(view("get-vpp-of", roofs[0])).toBe(1n);
    expectOk(join(roofs[1], owners[1]));
    expect(view("get-vpp", 1)).toMatchObject({ members: 2n, "capacity-w": 8000n });
    expect(view("get-capacity", 1)).toBe(7200n);
    expect(view("get-capacity", 2)).toBe(0n);
  });

  it("is the owner's, of a connected asset that is in no VPP", () => {
    expectErr(join(roofs[0], owners[0], 2), 723);
    expectErr(join(99, owners[0]), 724);
    expectErr(join(roofs[0], owners[1]), 725);
    expectErr(join(roofs[0], operator), 725);
    const loose = enrolMeter(net, owners[0]);
    expectErr(join(loose, owners[0]), 726);
    expectOk(join(roofs[0], owners[0]));
    expectErr(join(roofs[0], owners[0]), 727);
    expectOk(create("Another"));
    expectErr(join(roofs[0], owners[0], 2), 727);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(join(roofs[1], owners[1]), 720);
  });

  it("is refused for a while after leaving, but not by another VPP", () => {
    expectOk(create("Another"));
    expectOk(join(roofs[0], owners[0]));
    expectOk(leave(roofs[0], owners[0]));
    expectErr(join(roofs[0], owners[0]), 729);
    expectOk(join(roofs[0], owners[0], 2));
    expectOk(leave(roofs[0], owners[0]));
    net.passTime(14 * DAY_S + 2 * WINDOW_S);
    expectOk(join(roofs[0], owners[0]));
  });
});

describe("leave", () => {
  beforeEach(() => {
    expectOk(create());
    expectOk(join(roofs[0], owners[0]));
  });

  it("ends a membership with the next window", () => {
    net.passTime(2 * WINDOW_S);
    const outcome = leave(roofs[0], owners[0]);
    const until = Number(expectOk(outcome));
    expect(expectEvent(outcome, "vpp-left")).toMatchObject({ until: BigInt(until), by: owners[0] });
    expect(view("is-member-at", 1, roofs[0], until - WINDOW_S)).toBe(true);
    expect(view("is-member-at", 1, roofs[0], until)).toBe(false);
    expect(view("get-vpp", 1)).toMatchObject({ members: 0n, "capacity-w": 0n });
    expectErr(leave(roofs[0], owners[0]), 728);
    expect(view("get-membership", 1, roofs[0]).until).toBe(BigInt(until));
  });

  it("is the owner's and the operator's, and anyone's once the asset is off the grid", () => {
    expectErr(leave(roofs[0], outsider), 725);
    expectOk(leave(roofs[0], operator));
    expectOk(join(roofs[1], owners[1]));
    expectErr(leave(roofs[1], owners[0]), 725);
    grid("disconnect-asset", uints(roofs[1]));
    expectOk(leave(roofs[1], outsider));
  });

  it("goes on during a pause", () => {
    net.expectOk(net.call("roles", "pause", []));
    expectOk(leave(roofs[0], owners[0]));
  });
});

describe("aggregate-window", () => {
  let window: number;
  const attest = (wh: number[], said: any = {}, at = window) => {
    const proofs = attestEnergy(net, at, roofs.map((usagePoint, n) => ({ usagePoint, exportWh: wh[n], importWh: 10 })), said);
    return roofs.map((roof) => proofs.get(roof)!);
  };

  beforeEach(() => {
    // Each call takes ten seconds: the next window is not to begin within a test.
    if (next() - net.now() < WINDOW_S / 2) net.passTime(WINDOW_S / 2);
    expectOk(create());
    expectOk(join(roofs[0], owners[0]));
    expectOk(join(roofs[1], owners[1]));
    window = next();
  });

  it("adds up what members fed in, however many calls it takes", () => {
    const [first, second] = attest([700, 300, 50]);
    const outcome = aggregate(window, [first]);
    expect(expectOk(outcome)).toEqual({ "export-wh": 700n, "import-wh": 10n, leaves: 1n });
    expect(expectEvent(outcome, "window-aggregated").output["export-wh"]).toBe(700n);
    expectOk(aggregate(window, [second]));
    expect(view("get-output", 1, window)).toEqual({ "export-wh": 1000n, "import-wh": 20n, leaves: 2n });
    expect(view("get-balance", 1, window)).toEqual({ "supply-wh": 1000n, "demand-wh": 20n, "surplus-wh": 980n });
    expect(view("get-output", 1, window + WINDOW_S)).toEqual({ "export-wh": 0n, "import-wh": 0n, leaves: 0n });
  });

  it("counts no leaf twice, and all or none of a list", () => {
    const [first, second] = attest([700, 300, 50]);
    expectErr(aggregate(window, [first, first]), 739);
    expectOk(aggregate(window, [first]));
    expectErr(aggregate(window, [second, first]), 739);
    expect(view("get-output", 1, window).leaves).toBe(1n);
  });

  it("takes a newer revision instead of an older one", () => {
    expectOk(aggregate(window, attest([700, 300, 50]).slice(0, 2)));
    const [first] = attest([600, 300, 50], { revision: 1 });
    expect(expectOk(aggregate(window, [first]))).toEqual({ "export-wh": 900n, "import-wh": 20n, leaves: 2n });
    expectErr(aggregate(window, [first]), 739);
  });

  it("refuses leaves of others, of other windows, unproven ones, and none", () => {
    const [first, second, stranger] = attest([700, 300, 50]);
    expectErr(aggregate(window, [stranger]), 728);
    expectErr(aggregate(window + WINDOW_S, [first]), 740);
    expectErr(aggregate(window, []), 738);
    expectErr(aggregate(window, [first], 2), 723);
    const [early] = attest([1, 1, 1], {}, window - WINDOW_S);
    expectErr(aggregate(window - WINDOW_S, [early]), 728);
    const later = window + WINDOW_S;
    const gap = attestEnergy(net, later, [{ usagePoint: roofs[0], exportWh: 9, since: window - WINDOW_S }]);
    expectErr(aggregate(later, [gap.get(roofs[0])]), 741);
    const forged = Cl.tuple({ ...(first.tuple as any).value, index: Cl.uint(1) });
    expectErr(aggregate(window, [second, { tuple: forged }]), 605);
    expectErr(aggregate(window, [{ tuple: forged }, second]), 605);
  });

  it("takes a full list", () => {
    const owner = owners[0];
    const many = Array.from({ length: 24 }, () => enrolMeter(net, owner, { capacityW: 4000 }));
    for (const meter of many) {
      grid("connect-asset", uints(meter, 4000));
      expectOk(join(meter, owner));
    }
    const at = next();
    const proofs = attestEnergy(net, at, many.map((usagePoint) => ({ usagePoint, exportWh: 2 })));
    expect(expectOk(aggregate(at, many.map((meter) => proofs.get(meter))))).toMatchObject({ "export-wh": 48n, leaves: 24n });
  });

  it("scores a forecast against what was proven", () => {
    const published = forecast(window, 1200);
    expect(expectEvent(published, "forecast-published")).toMatchObject({ "export-wh": 1200n });
    expectOk(aggregate(window, attest([700, 300, 50]).slice(0, 2)));
    expectErr(score(window), 735);
    net.passTime(DAY_S + 2 * WINDOW_S);
    const outcome = score(window);
    expect(expectOk(outcome)).toBe(1666n);
    expect(expectEvent(outcome, "forecast-scored")).toMatchObject({ "output-wh": 1000n, "forecast-wh": 1200n });
    expectErr(score(window), 737);
    expect(view("get-forecast", 1, window)["error-bps"]).toBe(1666n);
    expect(view("get-score", 1)).toEqual({ scored: 1n, "forecast-wh": 1200n, "output-wh": 1000n, "error-wh": 200n, "accuracy-bps": 8333n });
  });

  it("scores what came above it by what came", () => {
    expectOk(forecast(window, 800));
    expectOk(aggregate(window, attest([700, 300, 50]).slice(0, 2)));
    net.passTime(DAY_S + 2 * WINDOW_S);
    expect(expectOk(score(window))).toBe(2000n);
    expect(view("get-score", 1)).toMatchObject({ "error-wh": 200n, "accuracy-bps": 8333n });
  });

  it("scores nothing for what never came, and everything for nothing foreseen", () => {
    const later = window + WINDOW_S;
    expect(view("get-score", 1)["accuracy-bps"]).toBe(0n);
    expectOk(forecast(window, 0));
    expectOk(forecast(later, 1));
    attest([0, 0, 0]);
    net.passTime(DAY_S + 3 * WINDOW_S);
    expect(expectOk(score(window))).toBe(0n);
    expect(view("get-score", 1)["accuracy-bps"]).toBe(10_000n);
    expectErr(score(later), 736);
    expectOk(net.submitVoid({ window: later }));
    expectErr(score(later), 736);
    attest([0, 0, 0], { revision: 1 }, later);
    expect(expectOk(score(later))).toBe(10_000n);
    expect(view("get-score", 1)["accuracy-bps"]).toBe(0n);
  });

  it("takes a forecast once, before the window, within the capacity, from the operator", () => {
    expectErr(forecast(window, 1, outsider), 730);
    expectErr(forecast(window, 1, owners[0]), 730);
    expectErr(forecast(window, 1, operator, 2), 723);
    expectErr(forecast(window + 1, 1), 731);
    expectErr(forecast(window - WINDOW_S, 1), 731);
    expectErr(forecast(window, 2001), 732);
    expectErr(forecast(window, 2n ** 128n - 1n), 732);
    expectOk(forecast(window, 2000));
    expectErr(forecast(window, 2000), 733);
    expectErr(score(window + WINDOW_S), 734);
  });
});

// The grid: who operates it, what is connected, what state a zone is in; energy fed in and
// what storage did are taken from proven leaves only.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, enrolMeter, registerMeter, ZONE } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const MAX = 2n ** 128n - 1n;
const SHED_LOAD = 1;
const CHARGE = 1;
const DISCHARGE = 2;
const STORAGE = 6;

let net: Network;
let operator: string;
let owner: string;
let outsider: string;
let meter: number;

const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
const call = (name: string, args: any[], by = operator) => net.call("grid-management", name, args, by);
const view = (name: string, ...numbers: (number | bigint)[]) => net.view("grid-management", name, uints(...numbers));
const authorize = (who: string, authorized: boolean, by = net.deployer) =>
  call("set-operator-authorization", [Cl.principal(who), Cl.bool(authorized)], by);
const connect = (asset: number, limitW: number | bigint, by = operator) =>
  call("connect-asset", uints(asset, limitW), by);
const disconnect = (asset: number, by = operator) => call("disconnect-asset", uints(asset), by);
const measure = (frequencyMhz: number | bigint, voltageMv: number | bigint = 230_000, by = operator) =>
  call("update-grid-status", uints(ZONE, frequencyMhz, voltageMv), by);
const protocol = (number: number, by = operator) =>
  call("implement-emergency-protocol", uints(ZONE, number), by);
const island = (islanded: boolean, by = operator) =>
  call("set-island-mode", [Cl.uint(ZONE), Cl.bool(islanded)], by);
const limit = (limitW: number | bigint, nominalMhz = 50_000, nominalMv = 230_000, by = operator) =>
  call("set-interconnection-limit", uints(ZONE, limitW, nominalMhz, nominalMv), by);
const next = (windows = 1) => (Math.floor(net.now() / WINDOW_S) + windows) * WINDOW_S;
const status = () => view("get-current-grid-status", ZONE);

beforeEach(async () => {
  net = await Network.disputing(4);
  [operator, owner] = [net.wallets[4], net.wallets[5]];
  outsider = net.outsider;
  meter = enrolMeter(net, owner, { capacityW: 5000 });
  expectOk(authorize(operator, true));
});

describe("set-operator-authorization", () => {
  const knows = (who: string) => net.view("grid-management", "is-authorized-operator", [Cl.principal(who)]);

  it("gives and takes it, once each", () => {
    expect(knows(operator)).toBe(true);
    expect(knows(outsider)).toBe(false);
    expectErr(authorize(operator, true), 863);
    const outcome = authorize(operator, false);
    expect(expectEvent(outcome, "operator-authorization-set")).toMatchObject({ authorized: false, operator });
    expect(knows(operator)).toBe(false);
    expectErr(authorize(operator, false), 863);
  });

  it("is a governor's alone, also through a contract", () => {
    expectErr(authorize(outsider, true, outsider), 860);
    expectErr(authorize(outsider, true, operator), 860);
    const lure = net.deploy(
      "lure",
      `(define-public (free) (contract-call? '${net.deployer}.grid-management set-operator-authorization tx-sender true))`,
      outsider,
    );
    expectErr(net.callAny(lure, "free", [], net.deployer), 860);
  });
});

describe("connect-asset", () => {
  it("connects a verified asset with a limit", () => {
    const outcome = connect(meter, 4000);
    expectOk(outcome);
    expect(expectEvent(outcome, "asset-connected")).toMatchObject({ asset: BigInt(meter), "limit-w": 4000n });
    expect(view("is-connected", meter)).toBe(true);
    expect(view("may-trade", meter)).toBe(true);
    expect(view("get-export-limit", meter)).toBe(4000n);
    expect(view("get-connection", meter)).toMatchObject({ connected: true, zone: 1n });
    expect(status()["connected-w"]).toBe(4000n);
  });

  it("refuses an asset that is not verified, unknown or connected", () => {
    const pending = registerMeter(net, owner);
    expectErr(connect(pending, 1), 865);
    expectErr(connect(99, 1), 864);
    expectOk(connect(meter, 1));
    expectErr(connect(meter, 1), 866);
    expect(view("is-connected", pending)).toBe(false);
  });

  it("refuses a limit of nothing or above the capacity", () => {
    expectErr(connect(meter, 0), 868);
    expectErr(connect(meter, 5001), 868);
    expectErr(connect(meter, 2n ** 100n), 868);
    expectOk(connect(meter, 5000));
  });

  it("refuses outsiders, owners and operators that are none any more", () => {
    expectErr(connect(meter, 1, outsider), 861);
    expectErr(connect(meter, 1, owner), 861);
    expectOk(authorize(operator, false));
    expectErr(connect(meter, 1), 861);
  });

  it("waits for the end of a pause and of an emergency", () => {
    expectOk(net.call("roles", "pause", []));
    expectErr(connect(meter, 1), 862);
    expectOk(net.call("roles", "unpause", []));
    expectOk(protocol(2));
    expectErr(connect(meter, 1), 872);
    expectOk(protocol(0));
    expectOk(connect(meter, 1));
  });

  it("leaves room for what the zone may feed into the main grid", () => {
    const second = enrolMeter(net, owner, { capacityW: 5000 });
    expectOk(limit(6000));
    expectOk(connect(meter, 4000));
    expectErr(connect(second, 2001), 869);
    expectOk(connect(second, 2000));
    expectOk(disconnect(meter));
    expect(status()["connected-w"]).toBe(2000n);
    expectOk(connect(meter, 4000));
  });

  it("counts no more once the asset is revoked", () => {
    expectOk(connect(meter, 4000));
    expectOk(net.call("registration", "revoke-asset", uints(meter), owner));
    expect(view("is-connected", meter)).toBe(false);
    expect(view("may-trade", meter)).toBe(false);
    expect(view("get-export-limit", meter)).toBe(0n);
    expectOk(disconnect(meter, outsider));
  });
});

describe("disconnect-asset", () => {
  it("is for operators and the owner", () => {
    expectErr(disconnect(99), 864);
    expectErr(disconnect(meter), 867);
    expectOk(connect(meter, 1));
    expectErr(disconnect(meter, outsider), 861);
    const outcome = disconnect(meter, owner);
    expect(expectEvent(outcome, "asset-disconnected")).toMatchObject({ by: owner });
    expectErr(disconnect(meter, owner), 867);
    expectOk(connect(meter, 1));
    expectOk(disconnect(meter));
    expect(view("is-connected", meter)).toBe(false);
  });
});

describe("set-interconnection-limit", () => {
  it("is bounded and an operator's", () => {
    expectErr(limit(0), 868);
    expectErr(limit(MAX), 868);
    expectErr(limit(1, 0), 870);
    expectErr(limit(1, 50_000, 0), 870);
    expectErr(limit(1, 100_001), 870);
    expectErr(limit(1, 50_000, 230_000, outsider), 861);
    const outcome = limit(1, 60_000, 120_000);
    expect(expectEvent(outcome, "interconnection-limit-set")).toMatchObject({ "nominal-mhz": 60_000n });
    expect(view("get-interconnection", ZONE)).toMatchObject({ "limit-w": 1n, "nominal-mv": 120_000n });
  });
});

describe("update-grid-status", () => {
  it.each([
    ["nominal", 50_000, 230_000, 0],
    ["at the edge of normal", 50_200, 230_000, 0],
    ["at the other edge", 49_800, 253_000, 0],
    ["a little high", 50_201, 230_000, 1],
    ["a little low", 49_799, 230_000, 1],
    ["at the edge of an emergency", 49_500, 230_000, 1],
    ["far too low", 49_499, 230_000, 2],
    ["of high voltage", 50_000, 253_001, 1],
    ["of low voltage", 50_000, 195_499, 2],
    ["black", 0, 0, 2],
  ])("judges a grid that is %s", (_, frequencyMhz, voltageMv, condition) => {
    const outcome = measure(frequencyMhz, voltageMv);
    expect(expectOk(outcome)).toBe(BigInt(condition));
    expect(status()).toMatchObject({
      "frequency-mhz": BigInt(frequencyMhz),
      "voltage-mv": BigInt(voltageMv),
      condition: BigInt(condition),
      protocol: BigInt(condition === 2 ? SHED_LOAD : 0),
      by: operator,
    });
    expect(expectEvent(outcome, "grid-status-updated").condition).toBe(BigInt(condition));
  });

  it("judges by the zone's own nominal frequency", () => {
    expectOk(limit(1, 60_000, 230_000));
    expect(expectOk(measure(60_000))).toBe(0n);
    expect(expectOk(measure(50_000))).toBe(2n);
  });

  it("keeps the protocol that is in force", () => {
    expectOk(protocol(3));
    expectOk(measure(40_000));
    expect(status().protocol).toBe(3n);
    expectOk(measure(50_000));
    expect(status().protocol).toBe(3n);
  });

  it("refuses outsiders and what nobody measures", () => {
    expectErr(measure(50_000, 230_000, outsider), 861);
    expectErr(measure(100_001), 870);
    expectErr(measure(50_000, 2n ** 100n), 870);
  });
});

describe("implement-emergency-protocol", () => {
  it("puts one in force, in its zone only, and stops trades there", () => {
    expectOk(connect(meter, 1));
    const outcome = protocol(2);
    expect(expectEvent(outcome, "emergency-protocol-implemented")).toMatchObject({ protocol: 2n, before: 0n });
    expect(view("may-trade", meter)).toBe(false);
    expect(view("is-connected", meter)).toBe(true);
    expect(view("get-current-grid-status", 2).protocol).toBe(0n);
    expectOk(protocol(4));
    expectOk(protocol(0));
    expect(view("may-trade", meter)).toBe(true);
  });

  it("refuses outsiders, unknown protocols and the one in force", () => {
    expectErr(protocol(1, outsider), 861);
    expectErr(protocol(5), 871);
    expectErr(protocol(0), 871);
    expectOk(protocol(1));
    expectErr(protocol(1), 871);
  });

  it("ends only when the grid is measured out of the emergency", () => {
    expectOk(measure(49_000));
    expectErr(protocol(0), 872);
    expectOk(measure(49_700));
    expectOk(protocol(0));
  });
});

describe("set-island-mode", () => {
  it("cuts a zone off and joins it when it is normal", () => {
    expectErr(island(false), 873);
    expectErr(island(true, outsider), 861);
    expect(expectEvent(island(true), "island-mode-set").islanded).toBe(true);
    expectErr(island(true), 873);
    expectOk(measure(49_700));
    expect(status().islanded).toBe(true);
    expectErr(island(false), 872);
    expectOk(measure(50_000));
    expectOk(island(false));
    expect(status().islanded).toBe(false);
  });
});

describe("dispatch-storage", () => {
  let battery: number;
  const dispatch = (direction: number, powerW: number | bigint, first = next(), windows: number | bigint = 4, by = operator) =>
    call("dispatch-storage", uints(battery, direction, powerW, first, windows), by);
  const confirm = (order: number, proof: any) => call("confirm-dispatch", [Cl.uint(order), ...proof.args], outsider);

  beforeEach(() => {
    battery = enrolMeter(net, owner, { source: STORAGE, capacityW: 3000 });
    expectOk(connect(battery, 2000));
  });

  it("orders, and proven leaves say what the storage did", () => {
    const first = next();
    const outcome = dispatch(DISCHARGE, 2000, first);
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "storage-dispatched").entry["target-wh"]).toBe(2000n);
    const one = attestEnergy(net, first, [{ usagePoint: battery, exportWh: 450, importWh: 7 }, { usagePoint: meter, exportWh: 1 }]);
    expect(expectOk(confirm(1, one.get(battery)!))).toBe(450n);
    expectErr(confirm(1, one.get(battery)!), 880);
    expectErr(confirm(1, one.get(meter)!), 879);
    const two = attestEnergy(net, first + 3 * WINDOW_S, [{ usagePoint: battery, exportWh: 50 }]).get(battery)!;
    expect(expectOk(confirm(1, two))).toBe(500n);
    const gap = attestEnergy(net, first + 2 * WINDOW_S, [{ usagePoint: battery, exportWh: 50, since: first }]).get(battery)!;
    expectErr(confirm(1, gap), 881);
    const late = attestEnergy(net, first + 4 * WINDOW_S, [{ usagePoint: battery, exportWh: 50 }]).get(battery)!;
    expectErr(confirm(1, late), 879);
    const early = attestEnergy(net, first - WINDOW_S, [{ usagePoint: battery, exportWh: 50 }]).get(battery)!;
    expectErr(confirm(1, early), 879);
    const restated = attestEnergy(net, first, [{ usagePoint: battery, exportWh: 400 }], { revision: 1 }).get(battery)!;
    expectErr(confirm(1, one.get(battery)!), 602);
    expect(expectOk(confirm(1, restated))).toBe(450n);
    expect(view("get-order", 1)).toMatchObject({ "delivered-wh": 450n, direction: 2n });
  });

  it("counts what a charging storage drew", () => {
    const first = next();
    expectOk(dispatch(CHARGE, 1, first, 1));
    const proof = attestEnergy(net, first, [{ usagePoint: battery, exportWh: 9, importWh: 300 }]).get(battery)!;
    expect(expectOk(confirm(1, proof))).toBe(300n);
    expect(view("get-order-count")).toBe(1n);
  });

  it("refuses what is no storage, not connected, or too much", () => {
    expectErr(dispatch(DISCHARGE, 1, next(), 1, outsider), 861);
    expectErr(dispatch(DISCHARGE, 1, next(), 1, owner), 861);
    expectErr(dispatch(0, 1), 875);
    expectErr(dispatch(3, 1), 875);
    expectErr(dispatch(DISCHARGE, 0), 877);
    expectErr(dispatch(DISCHARGE, 2001), 877);
    expectErr(dispatch(DISCHARGE, 1, next(), 0), 876);
    expectErr(dispatch(DISCHARGE, 1, next(), 673), 876);
    expectErr(dispatch(DISCHARGE, 1, next() + 1), 876);
    expectErr(dispatch(DISCHARGE, 1, next() - 2 * WINDOW_S), 876);
    battery = meter;
    expectErr(dispatch(DISCHARGE, 1), 867);
    expectOk(connect(meter, 1));
    expectErr(dispatch(DISCHARGE, 1), 874);
    battery = 99;
    expectErr(dispatch(DISCHARGE, 1), 864);
    const proof = attestEnergy(net, next(), [{ usagePoint: meter, exportWh: 9 }]).get(meter)!;
    expectErr(confirm(1, proof), 878);
  });
});

describe("order-balancing", () => {
  const order = (kind: number, powerW: number | bigint, first = next(), windows = 1, by = operator) =>
    call("order-balancing", uints(ZONE, kind, powerW, first, windows), by);

  it("writes an action down", () => {
    const first = next();
    const outcome = order(3, 10_000, first, 8);
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "balancing-ordered").entry).toMatchObject({ kind: 3n, "power-w": 10_000n });
    expect(view("get-action", 1)).toMatchObject({ "first-window": BigInt(first), windows: 8n, by: operator });
    expect(view("get-action", 2)).toBe(null);
  });

  it("is bounded and an operator's", () => {
    expectErr(order(3, 1, next(), 1, outsider), 861);
    expectErr(order(0, 1), 875);
    expectErr(order(6, 1), 875);
    expectErr(order(1, 0), 877);
    expectErr(order(1, MAX), 877);
    expectErr(order(1, 1, 900_000), 876);
  });
});

describe("record-power-feed", () => {
  const feed = (proof: any, by = outsider) => call("record-power-feed", proof.args, by);

  it("records what a leaf proves, once, and a newer revision instead", () => {
    expectOk(connect(meter, 4000));
    const proof = attestEnergy(net, 900_000, [{ usagePoint: meter, exportWh: 1000, importWh: 2 }]).get(meter)!;
    const outcome = feed(proof);
    expect(expectOk(outcome)).toBe(false);
    expect(expectEvent(outcome, "power-feed-recorded")).toMatchObject({ "export-wh": 1000n, asset: BigInt(meter) });
    expectErr(feed(proof), 880);
    const second = attestEnergy(net, 900_900, [{ usagePoint: meter, exportWh: 1001 }]).get(meter)!;
    expect(expectOk(feed(second))).toBe(true);
    expect(view("get-feed-total", meter)).toEqual({ "export-wh": 2001n, "import-wh": 2n, windows: 2n, "above-limit": 1n });
    const restated = attestEnergy(net, 900_900, [{ usagePoint: meter, exportWh: 900 }], { revision: 1 }).get(meter)!;
    expect(expectOk(feed(restated))).toBe(false);
    expectErr(feed(second), 602);
    expect(view("get-feed-total", meter)).toEqual({ "export-wh": 1900n, "import-wh": 2n, windows: 2n, "above-limit": 0n });
    expect(view("get-feed", meter, 900_900)).toMatchObject({ revision: 1n, "above-limit": false });
  });

  it("refuses energy of several windows, which late data may tell again", () => {
    expectOk(connect(meter, 4000));
    const fields = { usagePoint: meter, exportWh: 3000, since: 900_000 };
    const proof = attestEnergy(net, 902_700, [fields]).get(meter)!;
    expectErr(feed(proof), 881);
  });

  it("refuses energy that is not attested, or of an asset that is not connected", () => {
    const proof = attestEnergy(net, 900_000, [{ usagePoint: meter, exportWh: 1000 }]).get(meter)!;
    expectErr(feed(proof), 867);
    expectOk(connect(meter, 4000));
    const [revision, , ...rest] = proof.args;
    expectErr(feed({ args: [revision, Cl.uint(2), ...rest] }), 604);
    expectOk(disconnect(meter));
    expectErr(feed(proof), 867);
  });

  it("tells supply and demand of a zone as meters saw them", () => {
    expect(view("get-zone-balance", 900_000, ZONE)).toBe(null);
    attestEnergy(net, 900_000, [{ usagePoint: meter, exportWh: 10, importWh: 40 }]);
    const balance = { "supply-wh": 10n, "demand-wh": 40n, "surplus-wh": -30n, revision: 0n };
    expect(view("get-zone-balance", 900_000, ZONE)).toEqual(balance);
    expect(view("get-zone-balance", 900_000, 2)).toBe(null);
  });
});

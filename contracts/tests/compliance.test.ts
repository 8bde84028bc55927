// What attested registers say of how a promise was kept: readings, baselines, tiers, excuses.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";
import {
  createEvent,
  DAY_S,
  enrolMeter,
  type Event,
  Household,
  recordHour,
  recordRegisters,
  STAKE,
  uints,
  until,
  VERIFY_S,
  WEEKDAYS,
} from "./response";

let home: Household;
let net: Network;
let utility: string;
let owner: string;
let other: string;
let meter: number;

const call: Household["call"] = (...said) => home.call(...said);
const view = (name: string, args: any[] = []) => net.view("commitment", name, args);
const commit: Household["commit"] = (...said) => home.commit(...said);
const verify: Household["verify"] = (...said) => home.verify(...said);
const excuse = (event: Event, window: number, by = owner) => call("excuse-commitment", uints(event.id, meter, window), by);
const compliance = (event: Event, device = meter) => view("get-compliance", uints(event.id, device));
const start: Household["start"] = (event) => home.start(event);
const committed: Household["committed"] = (...said) => home.committed(...said);
const record: Household["record"] = (...said) => home.record(...said);

beforeEach(async () => {
  home = await Household.open();
  ({ net, utility, owner, other, meter } = home);
});

describe("record-readings", () => {
  const WINDOW = 900_000;
  const attest = (register: number, said: any = {}) =>
    attestEnergy(net, WINDOW, [{ usagePoint: meter, importRegister: register }], said).get(meter)!;
  const recordOf = (...proofs: any[]) => call("record-readings", [Cl.list(proofs.map(({ tuple }) => tuple))], net.outsider);

  it("takes proven registers of any device, by anyone", () => {
    const outcome = recordOf(attest(4711));
    expect(expectOk(outcome)).toBe(1n);
    const { readings, by } = expectEvent(outcome, "readings-recorded");
    expect(readings).toEqual([{ "usage-point": BigInt(meter), window: BigInt(WINDOW), "import-register": 4711n }]);
    expect(by).toBe(net.outsider);
    expect(view("get-reading", uints(meter, WINDOW))).toEqual({ revision: 0n, "import-register": 4711n, quality: 17n });
  });

  it("refuses what is not proven, not newest, or nothing, all or none of a list", () => {
    const proof = attest(4711);
    expectErr(recordOf(), 932);
    const leaf = Cl.tuple({ ...(proof.args[2] as any).value, "import-register": Cl.uint(1) });
    const forged = Cl.tuple({ ...(proof.tuple as any).value, leaf });
    expectErr(recordOf(proof, { tuple: forged }), 605);
    expectErr(recordOf({ tuple: forged }, proof), 605);
    expect(view("get-reading", uints(meter, WINDOW))).toBe(null);
    expectOk(recordOf(proof));
    const restated = attest(4712, { revision: 1 });
    expectErr(recordOf(proof), 602);
    expectOk(recordOf(restated));
    expect(view("get-reading", uints(meter, WINDOW))).toEqual({ revision: 1n, "import-register": 4712n, quality: 17n });
  });

  it("takes 24 at once", () => {
    const proofs = Array.from({ length: 24 }, (_, at) => attestEnergy(net, WINDOW + at * WINDOW_S, [{ usagePoint: meter, importRegister: at }]).get(meter)!);
    expect(expectOk(recordOf(...proofs))).toBe(24n);
    expect(view("get-reading", uints(meter, WINDOW + 23 * WINDOW_S))["import-register"]).toBe(23n);
  });
});

describe("verify-commitment", () => {
  it("credits what was saved against the mean of the baseline's days", () => {
    const event = committed();
    record(event, [2000, 1800, 2200, 2000, 2000], 1100);
    const outcome = verify(event, net.outsider);
    const judgement = {
      excused: false,
      days: 5n,
      "adjustment-bps": 10_000n,
      "baseline-wh": 2000n,
      "actual-wh": 1100n,
      "reduction-wh": 900n,
      "error-wh": 126n,
      "performance-bps": 9000n,
      "credited-wh": 900n,
      slash: 0n,
    };
    expect(expectOk(outcome)).toEqual(judgement);
    expect(expectEvent(outcome, "commitment-judged")).toMatchObject({ judgement, by: net.outsider });
    expect(compliance(event)).toEqual(judgement);
    expect(view("get-totals", uints(1))).toMatchObject({ commitments: 1n, judged: 1n, "credited-wh": 900n });
    expectErr(verify(event), 934);
    expectErr(excuse(event, event.start), 934);
  });

  it.each([
    ["above the cap, no more than the cap", 0, { "performance-bps": 20_000n, "credited-wh": 1200n, slash: 0n }],
    ["at the full tier, all", 1250, { "performance-bps": 7500n, "credited-wh": 750n, slash: 0n }],
    ["below it, half", 1251, { "performance-bps": 7490n, "credited-wh": 374n, slash: 0n }],
    ["at the half tier, half", 1400, { "performance-bps": 6000n, "credited-wh": 300n, slash: 0n }],
    ["below it, nothing, and the stake for what is missing, rounded up", 1401, { "performance-bps": 5990n, "credited-wh": 0n, slash: 167n }],
    ["of nothing saved, the whole stake", 2000, { "performance-bps": 0n, "credited-wh": 0n, slash: STAKE }],
    ["of more used, the same", 9000, { "reduction-wh": 0n, "performance-bps": 0n, slash: STAKE }],
  ])("credits, %s", (_, actual, expected) => {
    const event = committed();
    record(event, 2000, actual);
    expect(expectOk(verify(event))).toMatchObject(expected);
  });

  it("does not slash a home inside its baseline's own error", () => {
    const event = committed();
    // Deviation 400: the 350 saved are 250 short of the tier.
    record(event, [1600, 2400, 1600, 2400, 2000], 1650);
    expect(expectOk(verify(event))).toMatchObject({ "error-wh": 357n, "performance-bps": 3500n, "credited-wh": 0n, slash: 0n });
  });

  it("counts a day of which the owner shows nothing as 0, and lets nobody else use that", () => {
    const event = committed();
    record(event, [2000, 2000, null, 2000, 2000], 1000);
    for (const edge of [event.start, event.end]) {
      recordRegisters(net, edge - 5 * DAY_S - WINDOW_S, [{ usagePoint: enrolMeter(net, other), register: 1 }]);
    }
    expectErr(verify(event, net.outsider), 936);
    expect(expectOk(verify(event))).toMatchObject({ days: 5n, "baseline-wh": 1600n, "error-wh": 0n, "reduction-wh": 600n });
  });

  it("leaves out a day whose windows the network did not attest, or whose readings are estimated", () => {
    const event = committed({ days: 6 });
    const [outage, ...days] = [1, 2, 5, 6, 7, 8];
    record(event, 2000, 1000, days);
    expect(view("get-reading", uints(meter, event.start - outage * DAY_S - WINDOW_S))).toBe(null);
    expect(expectOk(verify(event, net.outsider))).toMatchObject({ days: 5n, "baseline-wh": 2000n });
  });

  it("leaves out a day of estimated readings or an exchanged meter, not one that the owner hides", () => {
    const event = committed({ days: 9 });
    record(event, 2000, 1000, [1, 2, 5, 6, 7]);
    recordHour(net, event, 8, [{ usagePoint: meter, register: 1, wh: 9000, quality: 8 }]);
    recordRegisters(net, event.start - 9 * DAY_S - WINDOW_S, [{ usagePoint: meter, register: 900_000 }]);
    recordRegisters(net, event.end - 9 * DAY_S - WINDOW_S, [{ usagePoint: meter, register: 3 }]);
    // Of day 12 one edge is shown, and the other is attested for others.
    recordRegisters(net, event.start - 12 * DAY_S - WINDOW_S, [{ usagePoint: meter, register: 3 }]);
    const stranger = enrolMeter(net, other);
    recordRegisters(net, event.end - 12 * DAY_S - WINDOW_S, [{ usagePoint: stranger, register: 3 }]);
    // Of day 13 the other.
    recordRegisters(net, event.start - 13 * DAY_S - WINDOW_S, [{ usagePoint: stranger, register: 3 }]);
    recordRegisters(net, event.end - 13 * DAY_S - WINDOW_S, [{ usagePoint: meter, register: 3 }]);
    expectErr(verify(event, net.outsider), 936);
    expect(expectOk(verify(event))).toMatchObject({ days: 7n, "baseline-wh": 1428n });
  });

  it("excuses, at the owner's word, whom the network left without a baseline", () => {
    const event = committed();
    record(event, 2000, 1000, [1, 2, 5, 6]);
    expectErr(verify(event, net.outsider), 936);
    expect(expectOk(verify(event))).toMatchObject({ excused: true, days: 4n, "credited-wh": 0n, slash: 0n });
  });

  it("lets the owner bridge a missing leaf at the edge, at its own cost, and nobody else", () => {
    const event = committed();
    record(event, 2000, 1100);
    const wide = { from: event.start - 2 * WINDOW_S, to: event.end };
    recordRegisters(net, wide.from, [{ usagePoint: meter, register: 499_900 }]);
    recordRegisters(net, wide.to, [{ usagePoint: meter, register: 501_150 }]);
    expectErr(verify(event, net.outsider, wide), 935);
    expectErr(verify(event, owner, { from: event.start }), 935);
    expectErr(verify(event, owner, { to: event.end - 2 * WINDOW_S }), 935);
    expectErr(verify(event, owner, { from: 0 }), 936);
    expect(expectOk(verify(event, owner, wide))).toMatchObject({ "actual-wh": 1250n, "reduction-wh": 750n });
  });

  it("takes sound readings of a meter that counts upwards, all of them recorded", () => {
    const event = committed();
    record(event, 2000, 1100);
    const [first, last] = [event.start - WINDOW_S, event.end - WINDOW_S];
    expectErr(verify(event, owner, { from: first - WINDOW_S }), 936);
    expectErr(verify(event, owner, { to: event.end }), 936);
    recordRegisters(net, last, [{ usagePoint: meter, register: 499_999 }], { revision: 1 });
    expectErr(verify(event), 938);
    recordRegisters(net, last, [{ usagePoint: meter, register: 501_100, quality: 10 }], { revision: 2 });
    expectErr(verify(event), 937);
    recordRegisters(net, last, [{ usagePoint: meter, register: 501_100, quality: 11 }], { revision: 3 });
    expectOk(verify(event));
  });

  it("comes after the event and before the time to verify is over, for what was committed", () => {
    const event = createEvent(net, utility);
    expectErr(verify({ ...event, id: 9 }), 921);
    expectErr(excuse({ ...event, id: 9 }, 0), 921);
    expectErr(verify(event), 931);
    expectErr(excuse(event, 0), 931);
    expectOk(net.call("event-manager", "fund-event", uints(event.id, 1), utility));
    expectOk(commit(event.id));
    record(event, 2000, 1100);
    expectErr(verify(event), 933);
    start(event);
    expectErr(verify(event), 933);
    expectErr(excuse(event, event.start), 933);
    until(net, event.end + VERIFY_S + 1);
    expectErr(verify(event), 933);
    expectErr(excuse(event, event.start), 933);
  });
});

describe("the adjustment", () => {
  /** Registers at the edges of the adjustment hours of a day. */
  function recordMorning(event: Event, day: number, wh: number) {
    const at = (lead: number) => event.start - lead - day * DAY_S - WINDOW_S;
    const before = 400_000 - day * 10_000;
    recordRegisters(net, at(14_400), [{ usagePoint: meter, register: before }]);
    recordRegisters(net, at(3_600), [{ usagePoint: meter, register: before + wh }]);
  }

  it.each([
    [3000, 10_000n, 2000n],
    [3300, 11_000n, 2200n],
    [9000, 12_000n, 2400n],
    [0, 8000n, 1600n],
  ])("moves the baseline by the hours before the event: %i Wh of 3000", (morning, ratio, baseline) => {
    const event = committed({ adjusted: true });
    record(event, 2000, 1000);
    for (const day of WEEKDAYS) recordMorning(event, day, 3000);
    recordMorning(event, 0, morning);
    expect(expectOk(verify(event, net.outsider))).toMatchObject({ "adjustment-bps": ratio, "baseline-wh": baseline });
  });

  it("is the lowest where the owner leaves a gap, and then nobody else may judge", () => {
    const event = committed({ adjusted: true });
    record(event, 2000, 1000);
    for (const day of WEEKDAYS.slice(1)) recordMorning(event, day, 3000);
    recordMorning(event, 0, 9000);
    expectErr(verify(event, net.outsider), 936);
    expect(expectOk(verify(event))).toMatchObject({ "adjustment-bps": 8000n, "baseline-wh": 1600n, "error-wh": 0n });
  });

  it("leaves a baseline of a home that used nothing in those hours as it is", () => {
    const event = committed({ adjusted: true });
    record(event, 2000, 1000);
    for (const day of [0, ...WEEKDAYS]) recordMorning(event, day, 0);
    expect(expectOk(verify(event))).toMatchObject({ "adjustment-bps": 10_000n });
  });
});

describe("excuse-commitment", () => {
  it("takes an outage of the network for what it is, a day after the event", () => {
    const event = committed();
    record(event, 2000, 1100);
    for (const at of [1, 2]) recordRegisters(net, event.start + (at - 1) * WINDOW_S, [{ usagePoint: meter, register: 500_000 + at }]);
    const gap = event.start + 2 * WINDOW_S;
    expectErr(excuse(event, gap), 939);
    until(net, event.end + DAY_S);
    expectErr(excuse(event, gap, net.outsider), 924);
    expectErr(excuse(event, event.start), 939);
    expectErr(excuse(event, event.start - 2 * WINDOW_S), 939);
    expectErr(excuse(event, event.end), 939);
    expectErr(excuse(event, gap + 1), 939);
    const outcome = excuse(event, gap);
    expect(expectOk(outcome)).toMatchObject({ excused: true, "credited-wh": 0n, slash: 0n });
    expect(expectEvent(outcome, "commitment-judged")).toMatchObject({ by: owner });
    expectErr(verify(event), 934);
  });

  it("takes a void for an outage, and its restatement for none", () => {
    const event = committed();
    until(net, event.end + DAY_S);
    for (let at = event.start - WINDOW_S; at < event.end; at += WINDOW_S) {
      if (at === event.start) net.expectOk(net.submitVoid({ window: at }));
      else recordRegisters(net, at, [{ usagePoint: meter, register: at }]);
    }
    for (const window of [event.start + WINDOW_S, event.end - WINDOW_S]) expectErr(excuse(event, window), 939);
    recordRegisters(net, event.start, [{ usagePoint: meter, register: event.start }], { revision: 1 });
    expectErr(excuse(event, event.start), 939);
    net.expectOk(net.submitVoid({ window: event.start, revision: 2 }));
    expectOk(excuse(event, event.start));
  });

  it("takes an estimated reading at the event's edge", () => {
    const event = committed();
    const last = event.end - WINDOW_S;
    expectErr(excuse(event, last), 939);
    record(event, 2000, 1100);
    expectErr(excuse(event, last), 939);
    recordRegisters(net, last, [{ usagePoint: meter, register: 501_100, quality: 8 }], { revision: 1 });
    expectOk(excuse(event, last));
  });
});

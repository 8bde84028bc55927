// Promises with a stake on them: who makes them, until when, and where the stake goes.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { registerMeter, verifyMeter } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";
import {
  CLOSE_LEAD_S,
  createEvent,
  DAY_S,
  enrolMeter,
  type Event,
  Household,
  STAKE,
  uints,
  until,
  WEEKDAYS,
} from "./response";

const MAX = 2n ** 128n - 1n;

let home: Household;
let net: Network;
let utility: string;
let owner: string;
let other: string;
let meter: number;

const call: Household["call"] = (...said) => home.call(...said);
const view = (name: string, args: any[] = []) => net.view("commitment", name, args);
const commit: Household["commit"] = (...said) => home.commit(...said);
const withdraw = (event = 1, device = meter, by = owner) => call("withdraw-commitment", uints(event, device), by);
const verify: Household["verify"] = (...said) => home.verify(...said);
const start: Household["start"] = (event) => home.start(event);
const escrow = () => net.balance(`${net.deployer}.commitment`);
const committed: Household["committed"] = (...said) => home.committed(...said);
const record: Household["record"] = (...said) => home.record(...said);

beforeEach(async () => {
  home = await Household.open();
  ({ net, utility, owner, other, meter } = home);
});

describe("commit", () => {
  it("takes the stake and fixes the days of the baseline: the last of the same type", () => {
    const event = createEvent(net, utility);
    const before = net.balance(owner);
    const outcome = commit(event.id);
    expectOk(outcome);
    const days = WEEKDAYS.map(BigInt);
    expect(expectEvent(outcome, "committed")).toMatchObject({ event: 1n, device: BigInt(meter), owner, stake: STAKE, days });
    expect(view("get-commitment", uints(1, meter))).toEqual({ owner, "committed-wh": 1000n, stake: STAKE, days, settled: false });
    expect(before - net.balance(owner)).toBe(STAKE);
    expect(escrow()).toBe(STAKE);
    expect(view("get-escrow")).toEqual({ staked: STAKE, returned: 0n, slashed: 0n, held: STAKE });
    expect(view("get-totals", uints(1))).toEqual({ commitments: 1n, "committed-wh": 1000n, judged: 0n, "credited-wh": 0n });
    expect(view("get-busy-day", uints(meter, Math.floor(event.start / DAY_S)))).toBe(1n);
    expectErr(commit(event.id), 928);
  });

  it("leaves out weekends on weekdays, weekdays on weekends, and days of other events", () => {
    const wednesday = createEvent(net, utility);
    const saturday = createEvent(net, utility, { start: wednesday.start + 3 * DAY_S });
    const thursday = createEvent(net, utility, { start: wednesday.start + DAY_S });
    expectOk(commit(wednesday.id));
    expectOk(commit(saturday.id));
    expectOk(commit(thursday.id));
    const days = (event: Event) => view("get-commitment", uints(event.id, meter)).days;
    expect(days(saturday)).toEqual([6n, 7n, 13n, 14n, 20n]);
    expect(days(thursday)).toEqual([2n, 3n, 6n, 7n, 8n]);
  });

  it("of one device stands in one event a day, also over midnight", () => {
    const night = createEvent(net, utility).start + DAY_S / 2 - 2 * WINDOW_S;
    const late = createEvent(net, utility, { start: night });
    const early = createEvent(net, utility, { start: night + 3600 });
    expectOk(commit(late.id));
    expectErr(commit(1), 928);
    expectErr(commit(early.id), 928);
    expect(view("get-baseline-days", uints(meter, early.start + DAY_S, early.end + DAY_S, 2))).toEqual([3n, 4n]);
    expectOk(withdraw(late.id));
    expectOk(commit(1));
    expectOk(commit(early.id));
    expectErr(commit(late.id), 928);
  });

  it("is for the owner of a meter that is verified to the end, in the event's zone", () => {
    const event = createEvent(net, utility, { zone: 7 });
    expectErr(commit(event.id), 925);
    const here = enrolMeter(net, owner, { zone: 7 });
    expectErr(commit(event.id, { device: here, by: other }), 924);
    expectErr(commit(event.id, { device: 99 }), 923);
    const pending = registerMeter(net, owner, { zone: 7 });
    expectErr(commit(event.id, { device: pending }), 923);
    expectErr(commit(event.id, { device: enrolMeter(net, owner, { zone: 7, kind: 2 }) }), 923);
    const short = enrolMeter(net, owner, { zone: 7, validUntil: event.end });
    expectErr(commit(event.id, { device: short }), 923);
    const relay = net.deploy(
      "relay",
      `(define-public (go) (contract-call? '${net.deployer}.commitment commit u${event.id} u${here} u1 u100))`,
    );
    expectErr(net.callAny(relay, "go", [], owner), 924);
    expectOk(commit(event.id, { device: here }));
    verifyMeter(net, pending);
    expectOk(commit(event.id, { device: pending }));
    net.expectOk(net.call("registration", "revoke-asset", uints(pending), owner));
    expectErr(commit(createEvent(net, utility).id, { device: pending }), 923);
  });

  it("is above nothing, within the device's capacity, and carries the stake that the terms ask", () => {
    const { id } = createEvent(net, utility);
    for (const wh of [0, 5001, MAX]) expectErr(commit(id, { wh, stake: 10_000_000_000n }), 926);
    expect(view("get-stake-needed", uints(id, 5000))).toBe(500_000n);
    expect(view("get-stake-needed", uints(9, 5000))).toBe(null);
    for (const stake of [0, 1, 499_999]) expectErr(commit(id, { wh: 5000, stake }), 927);
    expectErr(commit(id, { wh: 5000, stake: MAX }), 930);
    expectOk(commit(id, { wh: 5000, stake: 500_000 }));
  });

  it("waits for a pause to end, knows its events, and ends before the adjustment hours", () => {
    expectErr(commit(1), 921);
    const { id, start: from } = createEvent(net, utility);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(commit(id), 920);
    net.expectOk(net.call("roles", "unpause", []));
    until(net, from - CLOSE_LEAD_S);
    expectErr(commit(id), 922);
  });

  it("is refused when other events have left no days for a baseline", () => {
    // A weekend day has twelve or thirteen of its type in 45 days before it.
    const saturday = createEvent(net, utility).start + 3 * DAY_S;
    const weekend = [0, 1, 7, 8, 14].map((day) => createEvent(net, utility, { start: saturday + day * DAY_S, days: 10 }));
    for (const { id } of weekend.slice(0, 4)) expectOk(commit(id));
    expectErr(commit(weekend[4].id), 929);
  });
});

describe("withdraw-commitment", () => {
  it("gives the stake back while commitments are open, and lets one commit again", () => {
    const { id, start: from } = createEvent(net, utility);
    expectOk(commit(id));
    const before = net.balance(owner);
    const outcome = withdraw();
    expect(expectOk(outcome)).toBe(STAKE);
    expect(expectEvent(outcome, "commitment-withdrawn")).toMatchObject({ event: 1n, device: BigInt(meter), stake: STAKE });
    expect(net.balance(owner) - before).toBe(STAKE);
    expect(view("get-commitment", uints(1, meter))).toBe(null);
    expect(view("get-totals", uints(1))).toEqual({ commitments: 0n, "committed-wh": 0n, judged: 0n, "credited-wh": 0n });
    expectErr(withdraw(), 931);
    expectOk(commit(id));
    until(net, from - CLOSE_LEAD_S);
    expectErr(withdraw(), 922);
  });

  it("gives it back when the event is cancelled, paused or not, and to the owner only", () => {
    expectErr(withdraw(), 921);
    const { id, end } = createEvent(net, utility);
    expectErr(withdraw(), 931);
    expectOk(commit(id));
    expectErr(withdraw(id, meter, other), 924);
    until(net, end);
    expectErr(withdraw(), 922);
    expectOk(net.call("event-manager", "cancel-event", uints(id), net.outsider));
    net.expectOk(net.call("roles", "pause", []));
    expectOk(withdraw());
    expect(escrow()).toBe(0n);
    expect(view("get-escrow")).toEqual({ staked: STAKE, returned: STAKE, slashed: 0n, held: 0n });
  });

  it("goes to who committed, also after the device has changed hands", () => {
    const { id } = createEvent(net, utility);
    enrolMeter(net, other);
    expectOk(commit(id));
    net.expectOk(net.call("registration", "transfer-ownership", [Cl.uint(meter), Cl.principal(other)], owner));
    expectErr(withdraw(id, meter, other), 924);
    expectOk(withdraw());
  });
});

describe("settle", () => {
  it("is reward-distributor's", () => {
    const event = committed();
    for (const by of [owner, utility, net.deployer, net.outsider]) {
      expectErr(call("settle", uints(event.id, meter), by), 940);
    }
    expectErr(call("settle", uints(9, meter), net.outsider), 921);
    expectErr(call("settle", uints(event.id, 9), net.outsider), 931);
  });

  it("happens once", () => {
    const event = committed();
    record(event, 2000, 1000);
    expectOk(verify(event));
    expectOk(net.call("event-manager", "end-event", uints(event.id), owner));
    expectOk(net.call("reward-distributor", "distribute", uints(event.id), owner));
    const claim = () => net.call("reward-distributor", "claim-reward", uints(event.id, meter), owner);
    const outcome = claim();
    expectOk(outcome);
    expect(expectEvent(outcome, "commitment-settled")).toMatchObject({ owner, returned: STAKE, slashed: 0n });
    expectErr(claim(), 941);
    expectErr(withdraw(), 922);
    expect(view("get-commitment", uints(event.id, meter)).settled).toBe(true);
  });
});

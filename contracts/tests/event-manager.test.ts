// Events of demand response: announced in time, funded, started, ended or called off, and
// a pool that goes to participants and funders only.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";
import { CLOSE_LEAD_S, createEvent, DAY_S, eventArgs, responding, until, VERIFY_S, wednesday, windowIn } from "./response";

const MAX = 2n ** 128n - 1n;

let net: Network;
let utility: string;
let funder: string;
let other: string;

const call = (name: string, args: any[], by: string) => net.call("event-manager", name, args, by);
const view = (name: string, args: any[] = []) => net.view("event-manager", name, args);
const create = (fields: any = {}, by = utility) => {
  const start = fields.start ?? wednesday(net);
  const end = fields.end ?? start + 4 * WINDOW_S;
  return call("create-event", eventArgs({ ...fields, start, end }), by);
};
const fund = (amount: bigint | number, by = funder, id = 1) => call("fund-event", [Cl.uint(id), Cl.uint(amount)], by);
const step = (name: string, by = net.outsider, id = 1) => call(name, [Cl.uint(id)], by);
const pool = (id = 1) => view("get-pool", [Cl.uint(id)]);
const event = (id = 1) => view("get-event", [Cl.uint(id)]);
const escrow = () => net.balance(`${net.deployer}.event-manager`);

beforeEach(async () => {
  ({ net, utility } = await responding());
  [, , , , funder, other] = net.wallets;
});

describe("create-event", () => {
  it("keeps the windows, the target and the terms of this moment", () => {
    const start = wednesday(net);
    const outcome = create({ start, zone: 4, adjusted: true });
    expect(expectOk(outcome)).toBe(1n);
    const { entry, terms } = expectEvent(outcome, "event-created");
    expect(entry).toEqual({
      operator: utility,
      programme: "evening-peak",
      zone: 4n,
      start: BigInt(start),
      end: BigInt(start + 3600),
      "window-s": BigInt(WINDOW_S),
      "target-wh": 2000n,
      "baseline-days": 5n,
      adjusted: true,
      status: 0n,
    });
    expect(event()).toEqual(entry);
    expect(terms).toEqual({
      "full-reward-bps": 7500n,
      "half-reward-bps": 6000n,
      "reward-cap-bps": 12_000n,
      "slash-max-bps": 10_000n,
      "stake-ustx-per-kwh": 100_000n,
      "baseline-days-min": 5n,
      "verify-until": BigInt(start + 3600 + VERIFY_S),
    });
    expect(view("get-terms", [Cl.uint(1)])).toEqual(terms);
    expect(view("get-close", [Cl.uint(1)])).toBe(BigInt(start - CLOSE_LEAD_S));
    expect(view("get-close", [Cl.uint(2)])).toBe(null);
    expect(view("is-open", [Cl.uint(1)])).toBe(true);
    expect(view("is-open", [Cl.uint(2)])).toBe(false);
    expect(view("get-event-count")).toBe(1n);
  });

  it("is a utility's, in a network, while nothing is paused", async () => {
    expectErr(create({}, net.outsider), 901);
    const relay = net.deploy(
      "relay",
      `(define-public (go) (contract-call? '${net.deployer}.event-manager create-event "x" none u0 u900 u1 u5 false))`,
    );
    expectErr(net.callAny(relay, "go", [], utility), 901);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(create(), 900);
    net = await Network.deployed();
    expectErr(create({ start: 0 }), 902);
  });

  it("lies on the window grid, and lasts a window to a day", () => {
    const start = wednesday(net);
    for (const fields of [
      { start: start + 1 },
      { end: start + 3601 },
      { end: start },
      { end: start - WINDOW_S },
      { end: start + DAY_S + WINDOW_S },
      { end: 0 },
    ]) {
      expectErr(create({ start, ...fields }), 903);
    }
    expectErr(create({ start: MAX, end: MAX }), 903);
    expectErr(create({ start: 900n * (MAX / 900n - 1n), end: 900n * (MAX / 900n) }), 904);
    expectOk(create({ start, end: start + WINDOW_S }));
    expectOk(create({ start, end: start + DAY_S }));
  });

  it("is announced before its adjustment hours and at most 30 days ahead", () => {
    expectErr(create({ start: windowIn(net, CLOSE_LEAD_S) - WINDOW_S }), 904);
    expectErr(create({ start: 0, end: WINDOW_S }), 904);
    expectErr(create({ start: windowIn(net, 30 * DAY_S + WINDOW_S) }), 904);
    expectOk(create({ start: windowIn(net, CLOSE_LEAD_S + 60) }));
    expectOk(create({ start: windowIn(net, 30 * DAY_S - WINDOW_S) }));
  });

  it("has a target, a programme and a baseline of 5 to 10 days", () => {
    expectErr(create({ targetWh: 0 }), 905);
    expectErr(create({ programme: "" }), 905);
    for (const days of [0, 4, 11]) expectErr(create({ days }), 906);
    expectOk(create({ days: 10, targetWh: MAX }));
  });

  it("is adjusted only where hours are made of whole windows", async () => {
    net = await Network.deployed();
    net.initialise(7200);
    net.propose([0, 1, 2, 3].map((seed) => net.enrol(seed)));
    net.expectOk(net.activate({ firstWindow: 7200 }));
    net.expectOk(net.grant(utility, "utility"));
    const start = wednesday(net);
    expectErr(create({ start, end: start + 7200, adjusted: true }), 906);
    expectOk(create({ start, end: start + 7200 }));
  });
});

describe("fund-event", () => {
  it("puts STX of several funders into the pool", () => {
    expectOk(create());
    const before = net.balance(funder);
    const outcome = fund(700);
    expect(expectOk(outcome)).toBe(700n);
    expect(expectEvent(outcome, "event-funded")).toMatchObject({ event: 1n, funder, amount: 700n, pool: 700n });
    expect(before - net.balance(funder)).toBe(700n);
    expect(expectOk(fund(300, other))).toBe(1000n);
    expect(expectOk(fund(1))).toBe(1001n);
    expect(pool()).toEqual({ "in-watt": false, funded: 1001n, paid: 0n, refunded: 0n, rewards: 0n, rest: 0n, unrefunded: 1001n });
    expect(view("get-contribution", [Cl.uint(1), Cl.principal(funder)])).toBe(701n);
    expect(view("get-refund", [Cl.uint(1), Cl.principal(funder)])).toBe(0n);
    expect(view("get-escrow")).toEqual({ funded: 1001n, paid: 0n, refunded: 0n, held: 1001n });
    expect(escrow()).toBe(1001n);
  });

  it("refuses unknown events, nothing, what is not there, and events that are over or paused", () => {
    expectErr(fund(1), 907);
    const { end } = createEvent(net, utility);
    expectErr(fund(0), 909);
    expectErr(fund(MAX), 910);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(fund(1), 900);
    net.expectOk(net.call("roles", "unpause", []));
    expectOk(fund(1));
    until(net, end);
    expectErr(fund(1), 908);
  });
});

describe("start-event and end-event", () => {
  it("follow the clock, by whoever calls, and keep what was promised", () => {
    const { start, end } = createEvent(net, utility);
    expectErr(step("start-event"), 911);
    until(net, start - CLOSE_LEAD_S);
    expect(view("is-open", [Cl.uint(1)])).toBe(false);
    expectErr(step("start-event"), 912);
    expectOk(fund(10));
    expectErr(step("end-event"), 908);
    const started = step("start-event");
    expectOk(started);
    expect(expectEvent(started, "event-started")).toMatchObject({ event: 1n, pool: 10n, by: net.outsider });
    expectErr(step("start-event"), 908);
    expectErr(step("cancel-event", utility), 908);
    expectOk(fund(5));
    expectErr(step("end-event", utility), 911);
    until(net, end);
    const ended = step("end-event");
    expectOk(ended);
    expect(expectEvent(ended, "event-ended")).toMatchObject({ event: 1n, by: net.outsider });
    expect(event().status).toBe(2n);
    expectErr(step("end-event"), 908);
    expectErr(step("cancel-event", utility), 908);
    expectErr(fund(1), 908);
  });

  it("know their events, and do not start one that is over", () => {
    for (const name of ["start-event", "end-event", "cancel-event", "claim-refund"]) expectErr(step(name), 907);
    const { end } = createEvent(net, utility);
    expectOk(fund(10));
    until(net, end);
    expectErr(step("start-event"), 908);
  });
});

describe("cancel-event", () => {
  it("gives every funder its own back", () => {
    expectOk(create());
    for (const [who, amount] of [[funder, 701], [other, 300]] as const) expectOk(fund(amount, who));
    expectErr(step("claim-refund", funder), 915);
    expectErr(step("cancel-event", net.outsider), 913);
    const outcome = step("cancel-event", utility);
    expectOk(outcome);
    expect(expectEvent(outcome, "event-cancelled")).toMatchObject({ event: 1n, by: utility, rest: 1001n });
    expectErr(step("claim-refund", net.outsider), 915);
    const before = net.balance(funder);
    expect(view("get-refund", [Cl.uint(1), Cl.principal(funder)])).toBe(701n);
    expect(view("get-refund", [Cl.uint(9), Cl.principal(funder)])).toBe(0n);
    const refund = step("claim-refund", funder);
    expect(expectOk(refund)).toBe(701n);
    expect(expectEvent(refund, "refund-paid")).toMatchObject({ event: 1n, funder, amount: 701n });
    expect(net.balance(funder) - before).toBe(701n);
    expectErr(step("claim-refund", funder), 915);
    expect(expectOk(step("claim-refund", other))).toBe(300n);
    expect(escrow()).toBe(0n);
    expect(view("get-escrow")).toEqual({ funded: 1001n, paid: 0n, refunded: 1001n, held: 0n });
    for (const name of ["start-event", "end-event", "cancel-event"]) expectErr(step(name, utility), 908);
    expectErr(fund(1), 908);
  });

  it("is the operator's only while commitments are open, and anyone's when nobody started it", () => {
    const { start, end } = createEvent(net, utility);
    until(net, start - CLOSE_LEAD_S);
    expectErr(step("cancel-event", utility), 913);
    until(net, end);
    expectOk(step("cancel-event", net.outsider));
  });
});

describe("the pool", () => {
  it("moves at the word of reward-distributor only", () => {
    expectOk(create());
    expectOk(fund(10));
    const pay = (by: string) => call("pay-reward", [Cl.uint(1), Cl.principal(by), Cl.uint(1)], by);
    for (const by of [net.outsider, utility, net.deployer]) {
      expectErr(call("settle-event", [Cl.uint(1), Cl.uint(1)], by), 914);
      expectErr(pay(by), 914);
    }
    expectErr(call("settle-event", [Cl.uint(9), Cl.uint(1)], net.deployer), 907);
    expectErr(call("pay-reward", [Cl.uint(9), Cl.principal(utility), Cl.uint(1)], net.deployer), 907);
  });

  it("of one event never pays for another", () => {
    expectOk(create());
    expectOk(create());
    expectOk(fund(1000, funder, 1));
    expectOk(fund(7, other, 2));
    expectOk(step("cancel-event", utility, 2));
    expect(expectOk(step("claim-refund", other, 2))).toBe(7n);
    expectErr(step("claim-refund", other, 1), 915);
    expect(escrow()).toBe(1000n);
  });
});

describe("create-token-event", () => {
  const watt = (name: string, args: any[], by: string) => net.call("reward-token", name, args, by);
  const balance = (who: string) => net.view("reward-token", "get-balance", [Cl.principal(who)]).ok;
  const manager = () => `${net.deployer}.event-manager`;
  const createInWatt = (by = utility) => {
    const start = wednesday(net);
    return call("create-token-event", eventArgs({ start, end: start + 3600 }), by);
  };

  beforeEach(() => {
    net.expectOk(net.grant(net.deployer, "reward-minter"));
    net.expectOk(watt("mint", [Cl.uint(1000), Cl.principal(funder)], net.deployer));
  });

  it("makes an event whose pool is of WATT", () => {
    expectErr(createInWatt(net.outsider), 901);
    const outcome = createInWatt();
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "event-created")["in-watt"]).toBe(true);
    expect(expectOk(fund(700))).toBe(700n);
    expect(pool()).toMatchObject({ "in-watt": true, funded: 700n });
    expect([balance(funder), balance(manager()), escrow()]).toEqual([300n, 700n, 0n]);
    expect(view("get-token-escrow")).toEqual({ funded: 700n, paid: 0n, refunded: 0n, held: 700n });
    expect(view("get-escrow")).toEqual({ funded: 0n, paid: 0n, refunded: 0n, held: 0n });
    for (const amount of [301n, MAX]) expectErr(fund(amount), 910);
    expectErr(fund(1, other), 910);
    expectOk(step("cancel-event", utility));
    expect(expectOk(step("claim-refund", funder))).toBe(700n);
    expect([balance(funder), balance(manager())]).toEqual([1000n, 0n]);
    expect(view("get-token-escrow")).toEqual({ funded: 700n, paid: 0n, refunded: 700n, held: 0n });
  });

  it("does not let a contract fund with what its caller has", () => {
    expectOk(createInWatt());
    const relay = net.deploy("relay", `(define-public (go) (contract-call? '${manager()} fund-event u1 u5))`);
    expectErr(net.callAny(relay, "go", [], funder), 910);
  });
});

describe("an event without participants", () => {
  it("leaves its whole pool to its funders, once it has ended", () => {
    const { start, end } = createEvent(net, utility);
    expectOk(fund(10));
    until(net, start - CLOSE_LEAD_S);
    expectOk(step("start-event"));
    const distribute = () => net.call("reward-distributor", "distribute", [Cl.uint(1)], net.outsider);
    expectErr(distribute(), 908);
    until(net, end);
    expectOk(step("end-event"));
    expectOk(distribute());
    expectErr(distribute(), 908);
    expect(pool()).toEqual({ "in-watt": false, funded: 10n, paid: 0n, refunded: 0n, rewards: 0n, rest: 10n, unrefunded: 10n });
    expect(expectOk(step("claim-refund", funder))).toBe(10n);
  });
});

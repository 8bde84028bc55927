// The pool of an event, shared out by verified reductions; stakes back or burned; the rest
// to the funders.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";
import {
  CLOSE_LEAD_S,
  createEvent,
  enrolMeter,
  type Event,
  recordHour,
  responding,
  STAKE,
  uints,
  until,
  VERIFY_S,
  WEEKDAYS,
} from "./response";

const POOL = 1_000_001n;

let net: Network;
let utility: string;
let funder: string;
let owners: string[];
let meters: number[];

const distribute = (event: Event, by = net.outsider) => net.call("reward-distributor", "distribute", uints(event.id), by);
const claim = (event: Event, at: number, by = net.outsider) =>
  net.call("reward-distributor", "claim-reward", uints(event.id, meters[at]), by);
const view = (name: string, args: any[]) => net.view("reward-distributor", name, args);
const payout = (event: Event, at: number) => view("get-payout", uints(event.id, meters[at]));
const claimable = (event: Event, at: number) => view("get-claimable", uints(event.id, meters[at]));
const held = (contract: string) => net.balance(`${net.deployer}.${contract}`);

/** An event over which each meter, of a baseline of 2000 Wh and a promise of 1000, saved so much. */
function over(savings: (number | null)[], fields: any = {}): Event {
  const event = createEvent(net, utility, fields);
  expectOk(net.call("event-manager", "fund-event", uints(event.id, POOL), funder));
  savings.forEach((_, at) => {
    expectOk(net.call("commitment", "commit", uints(event.id, meters[at], 1000, STAKE), owners[at]));
  });
  until(net, event.start - CLOSE_LEAD_S);
  expectOk(net.call("event-manager", "start-event", uints(event.id), net.outsider));
  until(net, event.end);
  expectOk(net.call("event-manager", "end-event", uints(event.id), net.outsider));
  for (const day of WEEKDAYS) {
    recordHour(net, event, day, meters.map((usagePoint) => ({ usagePoint, register: 900_000 - day * 9000, wh: 2000 })));
  }
  const today = savings.map((saved, at) => ({ usagePoint: meters[at], register: 900_000, wh: 2000 - (saved ?? 0) }));
  recordHour(net, event, 0, today.length ? today : [{ usagePoint: meters[0], register: 1, wh: 0 }]);
  savings.forEach((saved, at) => {
    if (saved !== null) verify(event, at);
  });
  return event;
}

function verify(event: Event, at: number) {
  const args = uints(event.id, meters[at], event.start - WINDOW_S, event.end - WINDOW_S);
  expectOk(net.call("commitment", "verify-commitment", args, net.outsider));
}

beforeEach(async () => {
  ({ net, utility } = await responding());
  funder = net.wallets[0];
  owners = [4, 5, 6].map((at) => net.wallets[at]);
  meters = owners.map((owner) => enrolMeter(net, owner));
});

describe("distribute", () => {
  it("gives the whole pool when the target is reached", () => {
    const event = over([1000, 1200], { targetWh: 2000 });
    const outcome = distribute(event);
    expect(expectOk(outcome)).toBe(POOL);
    expect(expectEvent(outcome, "distributed")).toMatchObject({ pool: POOL, "target-wh": 2000n, "credited-wh": 2200n, rewards: POOL });
    expect(view("get-distribution", uints(event.id))).toEqual({
      rewards: POOL,
      "credited-wh": 2200n,
      left: POOL,
      "credited-left": 2200n,
    });
    expect(net.view("event-manager", "get-pool", uints(event.id))).toMatchObject({ rewards: POOL, rest: 0n });
  });

  it("gives each Wh its part of the pool when the target is missed, rounded down", () => {
    const event = over([1000, 500], { targetWh: 3000 });
    expect(expectOk(distribute(event))).toBe(333_333n);
    expect(net.view("event-manager", "get-pool", uints(event.id))).toMatchObject({ rewards: 333_333n, rest: 666_668n });
  });

  it("waits until all are judged, or the time to verify is over", () => {
    expectErr(net.call("reward-distributor", "distribute", uints(9), net.outsider), 950);
    const event = over([1000, null]);
    expectErr(distribute(event), 951);
    verify(event, 1);
    expectOk(distribute(event));
    expectErr(distribute(event), 908);
  });

  it("goes on without who was not judged in time, paused or not", () => {
    const event = over([1000, null]);
    net.passTime(VERIFY_S);
    net.expectOk(net.call("roles", "pause", []));
    expectOk(distribute(event));
    expectOk(claim(event, 0));
    expect(expectOk(claim(event, 1))).toEqual({ owner: owners[1], reward: 0n, "stake-returned": 0n, "stake-slashed": STAKE });
  });
});

describe("claim-reward", () => {
  it("pays in proportion, gives stakes back or burns them by tier, whoever calls, once", () => {
    // Full, half and no reward; the third misses a third of the tier.
    const event = over([1200, 600, 400], { targetWh: 3000 });
    expectErr(claim(event, 0), 952);
    expect(claimable(event, 0)).toBe(0n);
    expectOk(distribute(event));
    const rewards = (POOL * 1500n) / 3000n;
    expect(claimable(event, 0)).toBe((rewards * 1200n) / 1500n);
    const before = owners.map((owner) => net.balance(owner));
    const supply = () => [...net.wallets, net.deployer].reduce((sum, who) => sum + net.balance(who), 0n) + held("commitment") + held("event-manager");
    const all = supply();
    const outcome = claim(event, 0);
    const first = { owner: owners[0], reward: 400_000n, "stake-returned": STAKE, "stake-slashed": 0n };
    expect(expectOk(outcome)).toEqual(first);
    expect(expectEvent(outcome, "reward-claimed")).toEqual({
      topic: "reward-claimed",
      event: BigInt(event.id),
      device: BigInt(meters[0]),
      payout: first,
      by: net.outsider,
    });
    expect(expectEvent(outcome, "reward-paid")).toMatchObject({ to: owners[0], amount: 400_000n });
    expect(payout(event, 0)).toEqual(first);
    expect(payout(event, 1)).toBe(null);
    expect(claimable(event, 0)).toBe(0n);
    expectErr(claim(event, 0), 941);
    expect(expectOk(claim(event, 1, owners[1])).reward).toBe(100_000n);
    expect(expectOk(claim(event, 2))).toEqual({ owner: owners[2], reward: 0n, "stake-returned": 66_666n, "stake-slashed": 33_334n });
    expect(owners.map((owner, at) => net.balance(owner) - before[at])).toEqual([500_000n, 200_000n, 66_666n]);
    expect(supply()).toBe(all - 33_334n);
    expect(held("commitment")).toBe(0n);
    expect(net.view("commitment", "get-escrow")).toEqual({ staked: 300_000n, returned: 266_666n, slashed: 33_334n, held: 0n });
    expect(expectOk(net.call("event-manager", "claim-refund", uints(event.id), funder))).toBe(POOL - 500_000n);
    expect(held("event-manager")).toBe(0n);
  });

  it.each([[[0, 1, 2]], [[2, 0, 1]], [[1, 2, 0]]])("leaves no rounding behind, whatever the order: %j", (order) => {
    const event = over([1000, 900, 800], { targetWh: 1 });
    expectOk(distribute(event));
    const exact = [1000n, 900n, 800n].map((wh) => (POOL * wh) / 2700n);
    const paid = new Map(order.map((at) => [at, expectOk(claim(event, at)).reward]));
    expect([...paid.values()].reduce((a, b) => a + b)).toBe(POOL);
    for (const at of order) expect(paid.get(at)! - exact[at]).toBeLessThan(3n);
    expect(held("event-manager")).toBe(0n);
    expect(view("get-distribution", uints(event.id))).toMatchObject({ left: 0n, "credited-left": 0n });
  });

  it("pays who committed, also if the device is another's by now", () => {
    const event = over([1000]);
    net.expectOk(net.call("registration", "transfer-ownership", [Cl.uint(meters[0]), Cl.principal(owners[1])], owners[0]));
    expectOk(distribute(event));
    expect(expectOk(claim(event, 0, owners[1])).owner).toBe(owners[0]);
  });

  it("knows its commitments", () => {
    const event = over([1000]);
    expectOk(distribute(event));
    expectErr(claim(event, 1), 931);
    expectErr(net.call("reward-distributor", "claim-reward", uints(9, 1), net.outsider), 952);
  });

  it("shares the rest among several funders, down to the last microSTX", () => {
    const event = createEvent(net, utility, { targetWh: 3000 });
    for (const [at, amount] of [[0, 101], [1, 57], [2, 3]] as const) {
      expectOk(net.call("event-manager", "fund-event", uints(event.id, amount), net.wallets[at]));
    }
    until(net, event.start - CLOSE_LEAD_S);
    expectOk(net.call("event-manager", "start-event", uints(event.id), net.outsider));
    until(net, event.end);
    expectOk(net.call("event-manager", "end-event", uints(event.id), net.outsider));
    expectOk(distribute(event));
    const refunds = [1, 0, 2].map((at) => expectOk(net.call("event-manager", "claim-refund", uints(event.id), net.wallets[at])));
    expect(refunds).toEqual([57n, 101n, 3n]);
  });
});

describe("a pool of WATT", () => {
  it("pays rewards in WATT, and stakes in STX as ever", () => {
    const watt = (who: string) => net.view("reward-token", "get-balance", [Cl.principal(who)]).ok;
    net.expectOk(net.grant(net.deployer, "reward-minter"));
    net.expectOk(net.call("reward-token", "mint", [Cl.uint(POOL), Cl.principal(funder)]));
    const event = over([1000, 100], { targetWh: 4000, inWatt: true });
    expect(watt(`${net.deployer}.event-manager`)).toBe(POOL);
    expectOk(distribute(event));
    const before = net.balance(owners[0]);
    expect(expectOk(claim(event, 0))).toMatchObject({ reward: 250_000n, "stake-returned": STAKE });
    expect(watt(owners[0])).toBe(250_000n);
    expect(net.balance(owners[0]) - before).toBe(STAKE);
    expectOk(claim(event, 1));
    expect(expectOk(net.call("event-manager", "claim-refund", uints(event.id), funder))).toBe(750_001n);
    expect([watt(funder), watt(`${net.deployer}.event-manager`)]).toEqual([750_001n, 0n]);
  });
});

describe("the terms", () => {
  it("are those of the event's creation: a majority changes nothing that is agreed", () => {
    const voter = net.wallets[1];
    net.expectOk(net.grant(net.deployer, "reward-minter"));
    net.expectOk(net.grant(`${net.deployer}.governance`, "governance"));
    net.expectOk(net.call("reward-token", "mint", [Cl.uint(10n ** 12n), Cl.principal(voter)]));
    net.expectOk(net.call("reward-token", "lock", uints(10n ** 12n), voter));
    // Ten days ahead: a vote of three and a timelock of two fit in between.
    const start = Math.ceil((net.now() + 8 * 86_400) / 86_400) * 86_400 + 43_200;
    const event = createEvent(net, utility, { start });
    const change = Cl.tuple({ name: Cl.stringAscii("slash-max-bps"), value: Cl.uint(0) });
    net.expectOk(net.call("governance", "propose", [Cl.list([change]), Cl.buffer(new Uint8Array(32))], voter));
    net.expectOk(net.call("governance", "vote", [Cl.uint(1), Cl.bool(true)], voter));
    net.passTime(259_201);
    net.expectOk(net.call("governance", "queue", uints(1), voter));
    net.passTime(172_800);
    net.expectOk(net.call("governance", "execute", uints(1), voter));
    const later = createEvent(net, utility);
    const slash = (id: number) => net.view("event-manager", "get-terms", uints(id))["slash-max-bps"];
    expect([slash(event.id), slash(later.id)]).toEqual([10_000n, 0n]);
  });
});

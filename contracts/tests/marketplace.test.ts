// Offers and group purchases: who may, for how much, and where the money is
// after each step. What becomes of a trade is payment-settlement's.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { ACCEPTED, bondOf, CANCELLED, COMPLETED, CREDITS, DAY_S, ENERGY, EXPIRED, Market, PENDING, REJECTED, STX, uints, valueOf, VPP } from "./market";
import { registerMeter, registerUser } from "./attested";
import { WINDOW_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk, refusal } from "./outcomes";

const MAX = 2n ** 128n - 1n;
const VALUE = 800_000n; // of 4 kWh at 0.2 STX
const BOND = 80_000n;

let market: Market;
let { seller, buyer, other }: Record<string, string> = {};
let outsider: string;

const pause = () => expectOk(market.net.call("roles", "pause", []));
const offer = (fields: any = {}, by = seller, to: string | null = null) => market.offer(fields, by, to);
const accept = (id: number, wh: number | bigint, by = buyer) => market.accept(id, wh, by);
const reject = (id: number, by = buyer) => market.call("reject-energy-offer", uints(id), by);
const cancel = (id: number, by = seller) => market.call("cancel-energy-offer", uints(id), by);
const read = (id: number) => market.view("get-energy-offer", id);
const held = () => {
  const escrow = market.view("get-escrow");
  expect(escrow, "what the books say is what there is").toEqual(market.balances(market.contract));
  return escrow;
};
const stx = (who: string) => market.net.balance(who);
const protocol = (number: number) => market.grid("implement-emergency-protocol", uints(1, number));

beforeEach(async () => {
  market = await Market.open();
  ({ seller, buyer, other } = market);
  outsider = market.net.outsider;
});

describe("create-energy-offer", () => {
  it("puts an offer up with the seller's bond", () => {
    const before = stx(seller);
    const outcome = offer();
    expect(expectOk(outcome)).toBe(1n);
    expect(before - stx(seller)).toBe(BOND);
    expect(held()).toEqual({ stx: BOND, energy: 0n });
    expect(expectEvent(outcome, "offer-created").entry).toMatchObject({ seller, bond: BOND, status: PENDING });
    expect(read(1)).toMatchObject({ "remaining-wh": 4000n, "energy-wh": 4000n, status: PENDING, buyer: null });
    expect(market.view("get-offer-count")).toBe(1n);
    expect(read(2)).toBe(null);
  });

  it("takes the bond in ENERGY for an offer in ENERGY", () => {
    expectOk(offer({ currency: ENERGY, "price-per-kwh": 1100 }));
    expect(held()).toEqual({ stx: 0n, energy: 440n });
  });

  it("takes the ENERGY itself for credits", () => {
    expectOk(offer({ kind: CREDITS }));
    expect(held()).toEqual({ stx: 0n, energy: 4000n });
  });

  it("takes a bond for each delivery of a row", () => {
    expectOk(offer({ deliveries: 12, "every-s": DAY_S }));
    expect(held().stx).toBe(12n * BOND);
  });

  it("rounds the bond up", () => {
    expectOk(offer({ "energy-wh": 1, "min-wh": 1, "price-per-kwh": 1 }));
    expect(held().stx).toBe(1n);
  });

  it("is of the asset's owner", () => {
    expectErr(offer({}, buyer), 762);
    expectErr(offer({}, market.net.deployer), 762);
    expectErr(offer({ asset: 99 }), 761);
    expectErr(offer({ "asset-kind": VPP, asset: 9 }), 761);
    expectErr(offer({ "asset-kind": 3 }), 764);
    expectErr(offer({ "asset-kind": 0 }), 764);
  });

  it("is of a verified, connected asset outside of emergencies", () => {
    const pending = registerMeter(market.net, seller);
    expectErr(offer({ asset: pending }), 763);
    protocol(1);
    expectErr(offer(), 763);
    protocol(0);
    market.grid("disconnect-asset", uints(market.asset));
    expectErr(offer(), 763);
    market.grid("connect-asset", uints(market.asset, 10_000));
    expectOk(offer());
    expectOk(market.net.call("registration", "revoke-asset", uints(market.asset), seller));
    expectErr(offer(), 763);
  });

  it("waits for the end of a pause", () => {
    pause();
    expectErr(offer(), 760);
  });

  it("refuses what cannot be", () => {
    const wrong: [string, any, number][] = [
      ["kind", { kind: 3 }, 764],
      ["currency", { currency: 3 }, 765],
      ["currency of 0", { currency: 0 }, 765],
      ["energy of 0", { "energy-wh": 0 }, 766],
      ["energy of the last uint", { "energy-wh": MAX }, 766],
      ["least part of 0", { "min-wh": 0 }, 766],
      ["least part above all", { "min-wh": 4001 }, 766],
      ["price of 0", { "price-per-kwh": 0 }, 767],
      ["price of the last uint", { "price-per-kwh": MAX }, 767],
      ["windows of 0", { windows: 0 }, 768],
      ["too many windows", { windows: 97 }, 768],
      ["windows of the last uint", { windows: MAX }, 768],
      ["a window that is over", { "first-window": 900_000 }, 768],
      ["a window of the last uint", { "first-window": MAX }, 768],
      ["deliveries of 0", { deliveries: 0 }, 768],
      ["too many deliveries", { deliveries: 13, "every-s": DAY_S }, 768],
      ["deliveries that overlap", { deliveries: 2, "every-s": 3 * WINDOW_S }, 768],
      ["deliveries off the windows", { deliveries: 2, "every-s": DAY_S + 1 }, 768],
      ["deliveries too far apart", { deliveries: 2, "every-s": 32 * DAY_S }, 768],
      ["more than the asset can", { "energy-wh": 10_001 }, 769],
      ["credits for ENERGY", { kind: CREDITS, currency: ENERGY }, 765],
      ["credits with windows", { kind: CREDITS, windows: 1 }, 768],
      ["credits in a row", { kind: CREDITS, deliveries: 2 }, 768],
      ["more credits than there are", { kind: CREDITS, "energy-wh": 1_000_001 }, 774],
    ];
    const seen = wrong.map(([what, fields]) => [what, fields, refusal(offer(fields))]);
    expect(seen).toEqual(wrong);
    expect(held()).toEqual({ stx: 0n, energy: 0n });
  });

  it("takes the largest that the asset can", () => {
    expectOk(offer({ "energy-wh": 10_000 }));
    expectErr(offer({ "first-window": market.window(8) + 1 }), 768);
  });

  it("is not made to oneself", () => {
    expectErr(offer({}, seller, seller), 772);
  });

  it("judges the contract that calls, not the owner who signed", () => {
    const fields = Object.entries(market.terms()).map(([name, n]) => `${name}: u${n}`);
    const source = `(define-public (free) (contract-call? '${market.contract} create-energy-offer { ${fields.join(", ")} } none))`;
    const lure = market.net.deploy("lure", source, outsider);
    expectErr(market.net.callAny(lure, "free", [], seller), 762);
  });

  it("is the VPP's for assets that are in one, but for ENERGY that is there", () => {
    const vpp = market.vpp(other, new Map([[market.asset, seller]]));
    expectErr(offer(), 762);
    expectOk(offer({ kind: CREDITS }));
    expectErr(offer({ "asset-kind": VPP, asset: vpp }), 762);
    expectErr(offer({ "asset-kind": VPP, asset: vpp, "energy-wh": 9001 }, other), 769);
    expectOk(offer({ "asset-kind": VPP, asset: vpp, "energy-wh": 9000 }, other));
    expectOk(market.net.call("aggregation", "leave", uints(market.asset), seller));
    expectErr(offer({ "asset-kind": VPP, asset: vpp }, other), 763);
    expectErr(accept(2, 4000), 763);
  });
});

describe("accept-energy-offer", () => {
  it("puts the buyer's money into escrow and makes a trade", () => {
    expectOk(offer());
    const before = stx(buyer);
    const outcome = accept(1, 4000);
    expect(expectOk(outcome)).toEqual({ "first-trade": 1n, trades: 1n, paid: VALUE });
    expect(before - stx(buyer)).toBe(VALUE);
    expect(held().stx).toBe(VALUE + BOND);
    expect(expectEvent(outcome, "offer-accepted")).toMatchObject({ buyer, status: ACCEPTED });
    expect(read(1)).toMatchObject({ status: ACCEPTED, "remaining-wh": 0n, bond: 0n, "open-trades": 1n });
    expect(market.view("get-trade", 1)).toMatchObject({ seller, buyer, value: VALUE, bond: BOND, "fee-bps": 50n, released: false });
    expect(market.view("get-trade-count")).toBe(1n);
    expectErr(accept(1, 4000), 771);
  });

  it("sells parts, and the last part takes the rest of the bond", () => {
    expectOk(offer({ "energy-wh": 3001, "price-per-kwh": 333_333 }));
    const bond = bondOf(valueOf(3001n, 333_333n));
    expectOk(accept(1, 1000));
    expectOk(accept(1, 1001, other));
    expect(read(1)).toMatchObject({ status: PENDING, "remaining-wh": 1000n });
    expectOk(accept(1, 1000));
    const trades = [1, 2, 3].map((id) => market.view("get-trade", id));
    expect(trades.map((trade) => trade.bond).reduce((a, b) => a + b)).toBe(bond);
    expect(trades.map((trade) => trade.value)).toEqual([1000n, 1001n, 1000n].map((wh) => valueOf(wh, 333_333n)));
    expect(read(1)).toMatchObject({ status: ACCEPTED, "open-trades": 3n });
  });

  it("refuses a part that is too small or too large", () => {
    expectOk(offer());
    for (const wh of [0, 1, 999, 4001, MAX]) expectErr(accept(1, wh), 766);
  });

  it("sells a rest that is below the least part", () => {
    expectOk(offer());
    expectOk(accept(1, 3999));
    expectOk(accept(1, 1));
    expect(read(1).status).toBe(ACCEPTED);
  });

  it("makes a trade of each delivery of a row", () => {
    const first = market.window(8);
    expectOk(offer({ deliveries: 3, "every-s": DAY_S }));
    expect(expectOk(accept(1, 2000))).toEqual({ "first-trade": 1n, trades: 3n, paid: 3n * (VALUE / 2n) });
    const starts = [1, 2, 3].map((id) => Number(market.view("get-trade", id)["first-window"]));
    expect(starts).toEqual([0, 1, 2].map((n) => first + n * DAY_S));
    expect(held().stx).toBe(3n * (BOND + VALUE / 2n));
    expectOk(cancel(1));
    expect(held().stx).toBe(3n * (BOND / 2n + VALUE / 2n));
  });

  it("swaps credits for STX at once", () => {
    expectOk(offer({ kind: CREDITS }));
    const before = stx(seller);
    expect(expectOk(accept(1, 3000))).toMatchObject({ trades: 0n, paid: 600_000n });
    expect(stx(seller) - before).toBe(600_000n);
    expect(market.energy(buyer)).toBe(1_003_000n);
    expect(held()).toEqual({ stx: 0n, energy: 1000n });
    expectOk(accept(1, 1000, other));
    expect(read(1).status).toBe(COMPLETED);
    expect(market.net.view("marketplace", "get-energy-balance", [Cl.principal(buyer)])).toEqual({
      wallet: 1_003_000n,
      credited: 0n,
      total: 1_003_000n,
    });
  });

  it("is paid in ENERGY where that is the currency", () => {
    expectOk(offer({ currency: ENERGY, "price-per-kwh": 1100 }));
    expectOk(accept(1, 4000));
    expect(held()).toEqual({ stx: 0n, energy: 4400n + 440n });
    expect(market.view("get-market-price", ENERGY)).toEqual({
      "last-price-per-kwh": 1100n,
      "energy-wh": 4000n,
      value: 4400n,
      "mean-per-kwh": 1100n,
    });
    expect(market.view("get-market-price", STX)).toBe(null);
  });

  it("refuses the seller, and all but the one it is made to", () => {
    expectOk(offer());
    expectErr(accept(1, 4000, seller), 772);
    expectOk(offer({}, seller, other));
    expectErr(accept(2, 4000), 773);
    expectOk(accept(2, 4000, other));
    expectErr(accept(9, 4000), 770);
  });

  it("refuses who cannot pay", () => {
    expectOk(offer({ "price-per-kwh": 1_000_000_000_000 }, seller));
    market.net.vm.transferSTX(Number(stx(buyer)) - 1000, outsider, buyer);
    expectErr(accept(1, 4000), 774);
    expect(held().stx).toBe(bondOf(valueOf(4000n, 1_000_000_000_000n)));
  });

  it("refuses an offer whose time is over, and during a pause", () => {
    expectOk(offer());
    pause();
    expectErr(accept(1, 4000), 760);
    expectOk(market.net.call("roles", "unpause", []));
    market.net.passTime(8 * WINDOW_S);
    expect(read(1).status).toBe(EXPIRED);
    expectErr(accept(1, 4000), 771);
  });

  it("refuses an asset that has changed hands or lost its connection since", () => {
    registerUser(market.net, other);
    expectOk(offer());
    protocol(2);
    expectErr(accept(1, 4000), 763);
    protocol(0);
    expectOk(market.net.call("registration", "transfer-ownership", [Cl.uint(market.asset), Cl.principal(other)], seller));
    expectErr(accept(1, 4000), 762);
    expectOk(cancel(1));
  });
});

describe("reject-energy-offer", () => {
  it("gives the seller the bond back", () => {
    expectOk(offer({}, seller, buyer));
    const outcome = reject(1);
    expect(expectOk(outcome)).toBe(BOND);
    expect(expectEvent(outcome, "offer-ended")).toMatchObject({ status: REJECTED, returned: BOND });
    expect(read(1).status).toBe(REJECTED);
    expect(held().stx).toBe(0n);
    expectErr(reject(1), 771);
    expectErr(accept(1, 4000), 771);
  });

  it("is for the one it is made to, also during a pause", () => {
    expectOk(offer());
    expectOk(offer({}, seller, buyer));
    expectErr(reject(1), 773);
    expectErr(reject(2, other), 773);
    expectErr(reject(2, seller), 773);
    expectErr(reject(9), 770);
    pause();
    expectOk(reject(2));
  });
});

describe("cancel-energy-offer", () => {
  it("gives the seller back what is not sold, also during a pause", () => {
    expectOk(offer());
    expectOk(accept(1, 1000));
    pause();
    expect(expectOk(cancel(1))).toBe(60_000n);
    expect(read(1)).toMatchObject({ status: CANCELLED, "open-trades": 1n });
    expect(held().stx).toBe(200_000n + 20_000n);
    expectErr(cancel(1), 771);
  });

  it("gives ENERGY back", () => {
    expectOk(offer({ kind: CREDITS }));
    expectOk(accept(1, 1000));
    expect(expectOk(cancel(1))).toBe(3000n);
    expect(market.energy(seller)).toBe(999_000n);
    expect(held().energy).toBe(0n);
  });

  it("is the seller's, and anyone's once it has expired", () => {
    expectOk(offer());
    expectErr(cancel(1, buyer), 762);
    expectErr(cancel(9), 770);
    const before = stx(seller);
    market.net.passTime(8 * WINDOW_S);
    expectOk(cancel(1, outsider));
    expect(stx(seller) - before).toBe(BOND);
    expect(read(1).status).toBe(EXPIRED);
  });

  it("is too late for what is sold", () => {
    expectOk(offer());
    expectOk(accept(1, 4000));
    expectErr(cancel(1), 771);
  });
});

describe("group purchase", () => {
  const open = (id = 1, deadline = market.window(6), by = buyer) =>
    market.call("open-group-purchase", uints(id, deadline), by);
  const join = (wh: number | bigint, by = buyer, group = 1) => market.call("join-group-purchase", uints(group, wh), by);
  const leave = (by = buyer, group = 1) => market.call("leave-group-purchase", uints(group), by);
  const close = (group = 1) => market.call("close-group-purchase", uints(group), outsider);

  beforeEach(() => void expectOk(offer({ "min-wh": 3000, deliveries: 2, "every-s": DAY_S })));

  it("buys together what is too much for each", () => {
    const opened = open();
    expect(expectOk(opened)).toBe(1n);
    expect(expectEvent(opened, "group-opened")).toMatchObject({ organiser: buyer, offer: 1n });
    expect(expectOk(join(1000))).toBe(400_000n);
    expect(expectEvent(join(2500, other), "group-joined")).toMatchObject({ who: other, paid: 1_000_000n });
    expect(held().stx).toBe(2n * BOND + 1_400_000n);
    expect(market.view("get-group", 1)).toMatchObject({ "energy-wh": 3500n, closed: false });
    const pledge = (who: string) => market.net.view("marketplace", "get-pledge", [Cl.uint(1), Cl.principal(who)]);
    expect([pledge(other), pledge(seller)]).toEqual([{ "energy-wh": 2500n, paid: 1_000_000n }, null]);
    const outcome = close();
    expect(expectOk(outcome)).toBe(3500n);
    expect(expectEvent(outcome, "group-closed")["energy-wh"]).toBe(3500n);
    const trades = [1, 2, 3, 4].map((id) => market.view("get-trade", id));
    expect(trades.map(({ buyer: who }) => who)).toEqual([buyer, buyer, other, other]);
    expect(read(1)).toMatchObject({ "remaining-wh": 500n, "open-trades": 4n });
    expect(held().stx).toBe(2n * BOND + 1_400_000n);
    expectErr(close(), 784);
    expectErr(join(500, outsider), 784);
    expectErr(leave(), 786);
  });

  it("gives a pledge back to who leaves, also during a pause", () => {
    expectOk(open());
    expectOk(join(1000));
    expectOk(join(3000, other));
    pause();
    const outcome = leave();
    expect(expectOk(outcome)).toBe(400_000n);
    expect(expectEvent(outcome, "group-left").refunded).toBe(400_000n);
    expectErr(leave(), 786);
    expectErr(join(1), 760);
    expectErr(open(), 760);
    expectErr(close(), 760);
    expectOk(market.net.call("roles", "unpause", []));
    expectOk(join(500));
    expectOk(close());
    expect(market.view("get-trade-count")).toBe(4n);
  });

  it("buys nothing for who has left", () => {
    expectOk(open());
    expectOk(join(1000));
    expectOk(join(3000, other));
    expectOk(leave());
    expect(expectOk(close())).toBe(3000n);
    expect(market.view("get-trade-count")).toBe(2n);
    expect(market.view("get-trade", 1).buyer).toBe(other);
  });

  it("buys for all or for none, and only what the seller can still deliver", () => {
    expectOk(open());
    expectOk(join(2000));
    expectOk(join(2000, other));
    market.grid("disconnect-asset", uints(market.asset));
    expectErr(close(), 763);
    expect(market.view("get-trade-count")).toBe(0n);
    market.grid("connect-asset", uints(market.asset, 10_000));
    expectOk(close());
  });

  it("takes no pledge that cannot be paid", () => {
    expectOk(open());
    market.net.vm.transferSTX(Number(stx(buyer)) - 1000, outsider, buyer);
    expectErr(join(1000), 774);
    expect(market.view("get-group", 1)["energy-wh"]).toBe(0n);
  });

  it("gives everything back when the offer has gone", () => {
    expectOk(open());
    expectOk(join(1000));
    expectOk(cancel(1));
    expectErr(join(1, other), 771);
    expectErr(close(), 771);
    expectErr(open(), 771);
    expectOk(leave());
    expect(held().stx).toBe(0n);
  });

  it("waits until it is enough, and fits what is left", () => {
    expectOk(open());
    expectErr(close(), 788);
    expectOk(join(2000));
    expectErr(close(), 788);
    expectOk(accept(1, 3000, other));
    expectErr(close(), 788);
    expectErr(close(9), 783);
  });

  it("refuses members twice, the seller, too much, none, and late ones", () => {
    expectOk(open());
    expectErr(join(0), 766);
    expectErr(join(4001), 766);
    expectErr(join(MAX), 766);
    expectErr(join(1000, seller), 772);
    expectErr(join(1000, buyer, 9), 783);
    expectOk(join(1000));
    expectErr(join(1000), 785);
    expectErr(join(3001, other), 766);
    expectErr(leave(other), 786);
    expectErr(leave(other, 9), 783);
    market.net.passTime(6 * WINDOW_S);
    expectErr(join(1000, other), 784);
  });

  it("has a deadline before the offer's end", () => {
    expectErr(open(9), 770);
    expectErr(open(1, market.net.now() - 1), 784);
    expectErr(open(1, market.window(9)), 784);
  });

  it("has ten members at most", () => {
    expectOk(open());
    const names = market.net.wallets.filter((who: string) => who !== seller);
    for (const who of names) {
      market.net.expectOk(join(1, who));
      expectOk(leave(who));
      market.net.expectOk(join(1, who));
    }
    const contracts = Array.from({ length: 4 }, (_, n) => {
      const source = `(define-public (join) (as-contract? ((with-stx u1000)) (try! (contract-call? '${market.contract} join-group-purchase u1 u1))))`;
      const id = market.net.deploy(`member-${n}`, source, outsider);
      market.net.vm.transferSTX(1000, id, outsider);
      return id;
    });
    const outcomes = contracts.map((id) => market.net.callAny(id, "join", [], outsider).result.type);
    expect(outcomes).toEqual(["ok", "ok", "ok", "err"]);
    expectErr(market.net.callAny(contracts[3], "join", [], outsider), 787);
  });
});

describe("release-trade and restate-trade", () => {
  it("are payment-settlement's alone, governors not excepted", () => {
    expectOk(offer());
    expectOk(accept(1, 4000));
    for (const by of [seller, buyer, outsider, market.net.deployer]) {
      expectErr(market.call("release-trade", uints(1, 4000), by), 781);
      expectErr(market.call("restate-trade", uints(1, 0, 4000), by), 781);
    }
    expectErr(market.call("release-trade", uints(9, 1)), 780);
    expectErr(market.call("restate-trade", uints(9, 1, 1)), 780);
    expect(held().stx).toBe(VALUE + BOND);
  });
});

// Auctions, credit, and matches by wishes: what is bid, won and given back, to the last unit.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { WINDOW_S } from "../harness/network.mjs";
import { ENERGY, Market, STX, uints, VPP } from "./market";
import { expectErr, expectEvent, expectOk, refusal } from "./outcomes";

const MAX = 2n ** 128n - 1n;

let market: Market;
let { seller, buyer, other }: Record<string, string> = {};
let outsider: string;

const pause = () => expectOk(market.net.call("roles", "pause", []));
const offer = (fields: any = {}, by = seller, to: string | null = null) => market.offer(fields, by, to);
const accept = (id: number, wh: number | bigint, by = buyer) => market.accept(id, wh, by);
const stx = (who: string) => market.net.balance(who);
const held = () => {
  const escrow = market.view("get-escrow");
  expect(escrow, "what the books say is what there is").toEqual(market.balances(market.contract));
  return escrow;
};

beforeEach(async () => {
  market = await Market.open();
  ({ seller, buyer, other } = market);
  outsider = market.net.outsider;
});

describe("auctions", () => {
  const open = (fields: any = {}, by = seller) => market.auction(fields, by);
  const bid = (wh: number | bigint, price: number | bigint, by = buyer, id = 1) => market.bid(id, wh, price, by);
  const clear = (id = 1) => market.call("clear-auction", uints(id), outsider);
  const close = () => market.net.passTime(5 * WINDOW_S);
  const find = (id = 1) => market.view("get-auction", id);

  it("opens with a bond on the reserve price", () => {
    const outcome = open();
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "auction-opened").entry).toMatchObject({ seller, bond: 40_000n });
    expect(held().stx).toBe(40_000n);
    expect(market.view("get-auction-count")).toBe(1n);
  });

  it("does not open on what cannot be", () => {
    const wrong: [string, any, number][] = [
      ["energy of 0", { "energy-wh": 0 }, 766],
      ["energy of the last uint", { "energy-wh": MAX }, 766],
      ["reserve of 0", { "reserve-per-kwh": 0 }, 767],
      ["reserve of the last uint", { "reserve-per-kwh": MAX }, 767],
      ["currency", { currency: 3 }, 765],
      ["asset", { asset: 99 }, 761],
      ["kind of asset", { "asset-kind": 3 }, 764],
      ["length", { windows: 0 }, 768],
      ["end of bids, now", { "closes-at": 1 }, 768],
      ["end of bids, after the energy", { "closes-at": MAX }, 768],
      ["capacity", { "energy-wh": 10_001 }, 769],
    ];
    expect(wrong.map(([what, fields]) => [what, fields, refusal(open(fields))])).toEqual(wrong);
  });

  it("does not open for others, for unconnected assets, or during a pause", () => {
    expectErr(open({}, buyer), 762);
    market.grid("disconnect-asset", uints(market.asset));
    expectErr(open(), 763);
    pause();
    expectErr(open(), 760);
  });

  it("does not open without its bond", () => {
    market.net.vm.transferSTX(Number(stx(seller)) - 39_999, outsider, seller);
    expectErr(open(), 774);
    expect(held().stx).toBe(0n);
  });

  it("sells to the dearest at the price of the last that gets anything", () => {
    expectOk(open());
    expect(expectOk(bid(2000, 150_000))).toBe(300_000n);
    expect(expectEvent(bid(1000, 300_000, other), "bid-placed").value).toBe(300_000n);
    expectOk(bid(3000, 120_000, outsider));
    expectOk(bid(1000, 110_000, other));
    expect(find().bids.map((one: any) => one["price-per-kwh"])).toEqual([300_000n, 150_000n, 120_000n, 110_000n]);
    expect(held().stx).toBe(40_000n + 300_000n + 300_000n + 360_000n + 110_000n);
    expectErr(clear(), 778);
    close();
    const outcome = clear();
    expect(expectOk(outcome)).toEqual({ "price-per-kwh": 120_000n, "sold-wh": 4000n });
    expect(expectEvent(outcome, "auction-cleared")).toMatchObject({ "bond-returned": 0n, "last-trade": 3n });
    const trades = [1, 2, 3].map((id) => market.view("get-trade", id));
    expect(trades.map((trade) => [trade.buyer, trade["energy-wh"], trade.value, trade.bond])).toEqual([
      [other, 1000n, 120_000n, 10_000n],
      [buyer, 2000n, 240_000n, 20_000n],
      [outsider, 1000n, 120_000n, 10_000n],
    ]);
    expect(market.credit(other)).toBe(180_000n + 110_000n);
    expect(market.credit(buyer)).toBe(60_000n);
    expect(market.credit(outsider)).toBe(240_000n);
    expect(held().stx).toBe(40_000n + 480_000n + 290_000n + 60_000n + 240_000n);
    expect(find()).toMatchObject({ cleared: true, "clearing-price": 120_000n, "sold-wh": 4000n });
    expectErr(clear(), 777);
  });

  it("gives the bond of unsold energy back", () => {
    expectOk(open());
    expectOk(bid(1000, 100_000));
    const before = stx(seller);
    close();
    expect(expectOk(clear())).toEqual({ "price-per-kwh": 100_000n, "sold-wh": 1000n });
    expect(stx(seller) - before).toBe(30_000n);
    expect(held().stx).toBe(100_000n + 10_000n);
  });

  it("gives everything back when nobody has bid, also during a pause", () => {
    expectOk(open());
    close();
    pause();
    expect(expectOk(clear())).toEqual({ "price-per-kwh": 0n, "sold-wh": 0n });
    expect(held().stx).toBe(0n);
  });

  it("takes the earlier of equal bids first", () => {
    expectOk(open());
    expectOk(bid(3000, 200_000, other));
    expectOk(bid(3000, 200_000));
    expectOk(bid(3000, 250_000, outsider));
    close();
    expectOk(clear());
    expect(market.view("get-trade", 1).buyer).toBe(outsider);
    expect(market.view("get-trade", 2)).toMatchObject({ buyer: other, "energy-wh": 1000n, value: 200_000n });
    expect(market.view("get-trade-count")).toBe(2n);
    expect(market.credit(buyer)).toBe(600_000n);
  });

  it("is paid in ENERGY where that is the currency", () => {
    expectOk(open({ currency: ENERGY, "reserve-per-kwh": 1000 }));
    expectOk(bid(4000, 1500));
    expect(held()).toEqual({ stx: 0n, energy: 6000n + 400n });
    close();
    expectOk(clear());
    expect(market.view("get-trade", 1)).toMatchObject({ currency: 2n, value: 6000n });
  });

  it("refuses bids of the seller, of nothing, of too much, below the reserve, and late", () => {
    expectErr(bid(1000, 100_000), 776);
    expectErr(clear(), 776);
    expectOk(open());
    expectErr(bid(1000, 100_000, seller), 772);
    expectErr(bid(0, 100_000), 766);
    expectErr(bid(4001, 100_000), 766);
    expectErr(bid(MAX, 100_000), 766);
    expectErr(bid(1, 99_999), 779);
    expectErr(bid(1, 0), 779);
    expectErr(bid(1, MAX), 767);
    market.net.vm.transferSTX(Number(stx(buyer)) - 1000, outsider, buyer);
    expectErr(bid(1000, 100_000), 774);
    market.net.vm.transferSTX(1000, buyer, outsider);
    expectOk(bid(1, 100_000));
    pause();
    expectErr(bid(1, 100_000), 760);
    expectOk(market.net.call("roles", "unpause", []));
    close();
    expectErr(bid(1, 100_000), 777);
  });

  it("keeps twenty bids, and lets a better one push the last out", () => {
    expectOk(open());
    for (let n = 0; n < 20; n++) expectOk(bid(10, 200_000 + n, n % 2 ? buyer : other));
    expectErr(bid(10, 200_000, outsider), 779);
    expect(market.credit(other)).toBe(0n);
    expectOk(bid(10, 200_001, outsider));
    expect(market.credit(other)).toBe(2000n);
    expect(find().bids).toHaveLength(20);
    expect(find().bids.at(-1)).toMatchObject({ bidder: outsider, "price-per-kwh": 200_001n });
    const total = held().stx;
    close();
    expect(expectOk(clear())).toEqual({ "price-per-kwh": 200_001n, "sold-wh": 200n });
    expect(market.view("get-trade-count")).toBe(20n);
    expect(held().stx).toBe(total - 38_000n);
  });
});

describe("credit", () => {
  const deposit = (amount: number | bigint, currency = STX, by = buyer) => market.call("deposit", uints(currency, amount), by);
  const withdraw = (amount: number | bigint, currency = STX, by = buyer) => market.call("withdraw", uints(currency, amount), by);

  it("comes in and goes out, in both currencies", () => {
    expect(expectOk(deposit(500))).toBe(500n);
    expect(expectEvent(deposit(300, ENERGY), "credit-deposited")).toMatchObject({ who: buyer, amount: 300n });
    expect(held()).toEqual({ stx: 500n, energy: 300n });
    expect(market.net.view("marketplace", "get-energy-balance", [Cl.principal(buyer)])).toEqual({
      wallet: 999_700n,
      credited: 300n,
      total: 1_000_000n,
    });
    expect(expectOk(withdraw(1))).toBe(499n);
    expect(expectEvent(withdraw(300, ENERGY), "credit-withdrawn").amount).toBe(300n);
    expect(held()).toEqual({ stx: 499n, energy: 0n });
  });

  it("is bounded by what there is", () => {
    expectErr(deposit(0), 789);
    expectErr(deposit(1, 0), 765);
    expectErr(deposit(MAX), 774);
    expectErr(deposit(1_000_001, ENERGY), 774);
    expectOk(deposit(5));
    expectErr(withdraw(6), 789);
    expectErr(withdraw(MAX), 789);
    expectErr(withdraw(0), 789);
    expectErr(withdraw(1, 3), 765);
    expectErr(withdraw(1, STX, other), 789);
    pause();
    expectErr(deposit(1), 760);
    expectOk(withdraw(5));
  });
});

describe("match-offer", () => {
  const prefer = (fields: any = {}, by = buyer) => {
    const all = { currency: STX, price: 250_000, source: 0, score: 0, automatic: true, ...fields };
    return market.call("set-preferences", [...uints(all.currency, all.price, all.source, all.score), Cl.bool(all.automatic)], by);
  };
  const match = (id: number, wh: number | bigint, who = buyer) =>
    market.call("match-offer", [Cl.uint(id), Cl.principal(who), Cl.uint(wh)], outsider);

  beforeEach(() => {
    expectOk(offer());
    expectOk(market.call("deposit", uints(STX, 1_000_000), buyer));
  });

  it("buys with the buyer's credit what meets the buyer's wishes", () => {
    const outcome = prefer();
    expect(expectEvent(outcome, "preferences-set").entry).toMatchObject({ automatic: true });
    expect(market.net.view("marketplace", "get-preferences", [Cl.principal(buyer), Cl.uint(STX)])).toMatchObject({ source: 0n });
    const before = held().stx;
    expect(expectOk(match(1, 3000))).toEqual({ "first-trade": 1n, trades: 1n, paid: 600_000n });
    expect(market.credit(buyer)).toBe(400_000n);
    expect(held().stx).toBe(before);
    expect(market.view("get-trade", 1)).toMatchObject({ buyer, value: 600_000n });
  });

  it("needs the buyer's word, credit and part", () => {
    expectErr(match(1, 4000), 790);
    expectOk(prefer({ automatic: false }));
    expectErr(match(1, 4000), 790);
    expectOk(prefer());
    expectErr(match(9, 4000), 770);
    expectErr(match(1, 999), 766);
    expectErr(match(1, 4000, other), 790);
    expectOk(market.call("withdraw", uints(STX, 900_000), buyer));
    expectErr(match(1, 4000), 789);
    pause();
    expectErr(match(1, 4000), 760);
  });

  it("matches neither the seller nor who the offer is not made to", () => {
    expectOk(prefer({}, seller));
    expectErr(match(1, 4000, seller), 772);
    expectOk(prefer());
    expectOk(offer({}, seller, other));
    expectErr(match(2, 4000), 773);
  });

  it.each([
    ["price", { price: 199_999 }, false],
    ["price just so", { price: 200_000 }, true],
    ["source", { source: 2 }, false],
    ["source just so", { source: 1 }, true],
    ["score just so", { score: 10_000 }, true],
  ])("keeps to the wished %s, also in the buyer's own acceptance", (_, wish, ok) => {
    expectOk(prefer(wish));
    for (const outcome of [match(1, 1000), accept(1, 1000)]) {
      if (ok) expectOk(outcome);
      else expectErr(outcome, 775);
    }
  });

  it("ties up nobody's money for more than a week", () => {
    expectOk(prefer());
    const day = 24 * 3600;
    expectOk(offer({ deliveries: 8, "every-s": day }));
    expectErr(match(2, 1000), 768);
    expectOk(offer({ "first-window": market.window(8 * 96) }));
    expectErr(match(3, 1000), 768);
    expectOk(accept(3, 1000));
    expectOk(offer({ deliveries: 5, "every-s": day }));
    expectOk(match(4, 1000));
  });

  it("finds no source in a VPP", () => {
    market.vpp(other, new Map([[market.asset, seller]]));
    expectOk(offer({ "asset-kind": VPP, asset: 1 }, other));
    expectOk(prefer({ source: 1 }));
    expectErr(match(2, 4000), 775);
    expectOk(prefer());
    expectOk(match(2, 4000));
  });

  it("refuses wishes that cannot be", () => {
    expectErr(prefer({ currency: 3 }), 765);
    expectErr(prefer({ source: 9 }), 764);
    expectErr(prefer({ score: 10_001 }), 789);
    expectOk(prefer({ price: MAX, source: 8, score: 10_000 }));
  });
});

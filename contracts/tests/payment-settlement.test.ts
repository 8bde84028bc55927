// What a trade pays: delivered energy by proven leaves, the rest back, a penalty out of the
// bond, a fee; corrected by restated windows until it is final; to the last unit.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, type Proof } from "./attested";
import { COMPLETED, DAY_S, DEADLINE_S, ENERGY, Market, STX, uints, VPP } from "./market";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const ESCROWED = 1n;
const DELIVERING = 2n;
const SETTLED = 3n;
const CLAIMABLE = 4n;
const PAID = 5n;
const VALUE = 800_000n; // of 4 kWh at 0.2 STX, in four windows
const BOND = 80_000n;
const FEE = 4_000n;
const MAX = 2n ** 128n - 1n;

let market: Market;
let { seller, buyer, other }: Record<string, string> = {};
let outsider: string;
let first: number;

const call = (name: string, args: any[], by = outsider) => market.net.call("payment-settlement", name, args, by);
const view = (name: string, ...numbers: (number | bigint)[]) => market.net.view("payment-settlement", name, uints(...numbers));
const list = (proofs: Proof[]) => Cl.list(proofs.map(({ tuple }) => tuple));
const settle = (trade: number, proofs: Proof[], by = outsider) => call("settle-trade", [Cl.uint(trade), list(proofs)], by);
const trueUp = (trade: number, proofs: Proof[]) => call("true-up", [Cl.uint(trade), list(proofs)]);
const batch = (parts: [number, Proof][]) =>
  call("settle-batch", [Cl.list(parts.map(([trade, { tuple }]) => Cl.tuple({ trade: Cl.uint(trade), proof: tuple })))]);
const waive = (trade: number, by: string) => call("waive-true-up", uints(trade), by);
const claim = (trade: number, by: string) => call("claim", uints(trade), by);
const excuse = (trade: number, window: number) => call("excuse-void", uints(trade, window));
const withdraw = (amount: number | bigint, by = market.net.deployer, currency = STX, treasury = outsider) =>
  call("withdraw-fees", [...uints(currency, amount), Cl.principal(treasury)], by);
const status = (trade = 1) => view("get-payment-status", trade);
const split = (trade = 1) => view("get-split", trade);
const window = (n: number) => first + n * WINDOW_S;
const held = () => {
  const escrow = view("get-escrow");
  expect(escrow, "what the books say is what there is").toEqual(market.balances(market.settlement));
  return escrow;
};
/** Attests one leaf of an asset in each window, from the n-th on. */
const deliver = (whs: number[], { from = 0, asset = market.asset, ...said }: any = {}): Proof[] =>
  whs.map((exportWh, n) => attestEnergy(market.net, window(from + n), [{ usagePoint: asset, exportWh }], said).get(asset)!);
const both = (trade = 1) => [seller, buyer].forEach((who) => void expectOk(waive(trade, who)));

/** An offer of 4 kWh in four windows, taken whole. */
function sold(fields: any = {}) {
  first = market.window(8);
  expectOk(market.offer({ "first-window": first, ...fields }));
  expectOk(market.accept(Number(market.view("get-offer-count")), 4000));
}

beforeEach(async () => {
  market = await Market.open();
  ({ seller, buyer, other } = market);
  outsider = market.net.outsider;
});

describe("settle-trade", () => {
  it("pays the seller for all that was promised, less the fee", () => {
    sold();
    expect(status()).toBe(ESCROWED);
    const outcome = settle(1, deliver([1000, 1000, 1000, 1000]));
    expect(expectOk(outcome)).toEqual({ "delivered-wh": 4000n, settled: true });
    const parts = { gross: VALUE, refund: 0n, penalty: 0n, "bond-back": BOND, fee: FEE, net: VALUE - FEE };
    expect(expectEvent(outcome, "trade-settled")).toMatchObject({ trade: 1n, split: parts });
    expect(split()).toEqual(parts);
    expect(status()).toBe(SETTLED);
    expect(held()).toEqual({ stx: VALUE + BOND, energy: 0n });
    expect(market.view("get-escrow").stx).toBe(0n);
    expect(market.view("get-energy-offer", 1)).toMatchObject({ status: COMPLETED, "open-trades": 0n });
    expect(market.view("get-trade", 1).released).toBe(true);
    expectErr(settle(1, deliver([1], { from: 4 })), 821);
  });

  it("pays only what was delivered, refunds the rest and a penalty", () => {
    sold();
    expect(expectOk(settle(1, deliver([1000, 0, 500, 1]))).settled).toBe(true);
    // 1501 of 4000 Wh: 300 200 of the value; the penalty is 2499/4000 of the bond.
    expect(split()).toEqual({ gross: 300_200n, refund: 499_800n, penalty: 49_980n, "bond-back": 30_020n, fee: 1_501n, net: 298_699n });
    const score = market.net.view("marketplace", "get-reputation", [Cl.principal(seller)]);
    expect(score).toEqual({ trades: 1n, "promised-wh": 4000n, "delivered-wh": 1501n, "score-bps": 3752n });
  });

  it("takes as many calls as it needs, and no more energy than was sold", () => {
    sold();
    const proofs = deliver([1500, 1500, 1500, 1500]);
    expect(expectOk(settle(1, proofs.slice(0, 1)))).toEqual({ "delivered-wh": 1500n, settled: false });
    expect(status()).toBe(DELIVERING);
    expect(market.view("get-trade", 1).released).toBe(false);
    expect(expectOk(settle(1, proofs.slice(1, 3)))).toEqual({ "delivered-wh": 4000n, settled: true });
    expect(view("get-allotted", market.asset, window(2))).toBe(1000n);
  });

  it("counts no leaf twice", () => {
    sold();
    const [one, two] = deliver([1000, 1000]);
    expectErr(settle(1, [one, one]), 826);
    expectOk(settle(1, [one]));
    expectErr(settle(1, [one]), 826);
    expectErr(settle(1, [two, one]), 826);
    expect(view("get-settlement", 1)["delivered-wh"]).toBe(1000n);
  });

  it("pays a trade of an auction as one of an offer", () => {
    first = market.window(8);
    expectOk(market.auction({ "first-window": first }));
    expectOk(market.bid(1, 4000, 200_000));
    market.net.passTime(5 * WINDOW_S);
    expectOk(market.call("clear-auction", uints(1), outsider));
    expect(expectOk(settle(1, deliver([4000])))).toEqual({ "delivered-wh": 4000n, settled: true });
    expect(market.view("get-trade", 1)).toMatchObject({ offer: 0n, auction: 1n, released: true });
    expect(market.view("get-escrow").stx).toBe(0n);
  });

  it("takes a leaf that begins after its window for one that tells no time", () => {
    sold();
    const odd = attestEnergy(market.net, window(1), [{ usagePoint: market.asset, exportWh: 700, since: window(2) }]).get(market.asset)!;
    expect(expectOk(settle(1, [odd]))["delivered-wh"]).toBe(700n);
    expect(expectOk(settle(1, deliver([1000], { from: 2 })))["delivered-wh"]).toBe(1700n);
  });

  it("gives a leaf's energy to two trades once", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first }));
    expectOk(market.accept(1, 2500));
    expectOk(market.accept(1, 1500, other));
    const proofs = deliver([1000, 1000, 1000, 500]);
    expectOk(settle(2, proofs));
    expect(expectOk(settle(1, proofs))).toEqual({ "delivered-wh": 2000n, settled: true });
    expect(view("get-settlement", 2)["delivered-wh"]).toBe(1500n);
    expect([0, 1, 2, 3].map((n) => view("get-allotted", market.asset, window(n)))).toEqual([1000n, 1000n, 1000n, 500n]);
  });

  it("takes a restated window's newer leaf instead", () => {
    sold();
    expectOk(settle(1, deliver([900])));
    expectOk(settle(1, deliver([400], { revision: 1 })));
    expect(view("get-settlement", 1)).toMatchObject({ "delivered-wh": 400n, shown: 1n });
    expect(view("get-allotted", market.asset, window(0))).toBe(400n);
  });

  it("refuses leaves of other windows, other assets, after a gap, and unproven ones", () => {
    sold();
    expectErr(settle(1, deliver([1000], { from: -1 })), 823);
    expectErr(settle(1, deliver([1000], { from: 4 })), 823);
    const foreign = market.connected(seller);
    expectErr(settle(1, deliver([1000], { asset: foreign })), 824);
    const gap = attestEnergy(market.net, window(1), [{ usagePoint: market.asset, exportWh: 9, since: window(-2) }]);
    expectErr(settle(1, [gap.get(market.asset)!]), 825);
    const wide = { "first-window": market.window(8), windows: 12 };
    first = wide["first-window"];
    expectOk(market.offer(wide));
    expectOk(market.accept(2, 4000));
    const long = attestEnergy(market.net, window(9), [{ usagePoint: market.asset, exportWh: 9, since: window(0) }]);
    expectErr(settle(2, [long.get(market.asset)!]), 825);
    const [good] = deliver([1000], { from: 2 });
    const forged = Cl.tuple({ ...(good.tuple as any).value, zone: Cl.uint(2) });
    expectErr(settle(1, [{ ...good, tuple: forged }]), 604);
    expectOk(settle(1, [good]));
  });

  describe("after a gap", () => {
    // The meter is silent in window 1; its leaf of window 2 tells both. Late data adds the leaf of
    // window 1, and a newer revision of window 2 tells the rest.
    const leaf = (n: number, exportWh: number, since: number, revision = 0) =>
      attestEnergy(market.net, window(n), [{ usagePoint: market.asset, exportWh, since: window(since) }], { revision }).get(market.asset)!;

    it("takes a leaf that tells several windows, and no time of them twice", () => {
      sold();
      expectOk(settle(1, [leaf(2, 2000, 0)]));
      const late = leaf(1, 1200, 0);
      expectErr(settle(1, [late]), 837);
      const rest = leaf(2, 800, 1, 1);
      expectErr(settle(1, [late, rest]), 837);
      expect(expectOk(settle(1, [rest, late]))).toEqual({ "delivered-wh": 2000n, settled: false });
      expect(view("get-settlement", 1)).toMatchObject({ shown: 2n });
    });

    it("refuses the long leaf where the late one is counted", () => {
      sold();
      const long = leaf(2, 2000, 0);
      expectOk(settle(1, [leaf(1, 1200, 0)]));
      expectErr(settle(1, [long]), 837);
      expectOk(settle(1, [leaf(2, 800, 1, 1)]));
    });

    it("keeps the time taken as long as another trade has energy of it", () => {
      first = market.window(8);
      expectOk(market.offer({ "first-window": first }));
      expectOk(market.accept(1, 1000));
      expectOk(market.accept(1, 3000, other));
      const long = leaf(2, 2000, 0);
      expectOk(settle(1, [long]));
      expectOk(settle(2, [long]));
      const [late, rest] = [leaf(1, 1200, 0), leaf(2, 800, 1, 1)];
      // Trade 1 keeps the 1000 Wh it was settled with; trade 2 frees nothing.
      expectErr(settle(2, [rest, late]), 837);
      expectOk(settle(2, [rest]));
      expect(view("get-settlement", 2)["delivered-wh"]).toBe(0n);
      expectOk(trueUp(1, [rest]));
      expect(view("get-settlement", 1)["delivered-wh"]).toBe(800n);
      expectOk(settle(2, [late]));
      expect(view("get-settlement", 2)["delivered-wh"]).toBe(1200n);
    });
  });

  it("pays nothing without an accepted offer", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first }));
    expectErr(settle(1, deliver([1000])), 820);
    expectErr(settle(1, []), 820);
    expect(status()).toBe(null);
    expect(split()).toBe(null);
    expect(market.net.view("payment-settlement", "get-due", [Cl.uint(1), Cl.principal(seller)])).toBe(0n);
  });

  it("waits two days for windows that nobody has shown, then does without", () => {
    sold();
    expectErr(settle(1, []), 827);
    expectOk(settle(1, deliver([1000])));
    expectErr(settle(1, []), 827);
    market.net.passTime(12 * WINDOW_S + 2 * DAY_S);
    expect(expectOk(settle(1, []))).toEqual({ "delivered-wh": 1000n, settled: true });
    expect(split()).toMatchObject({ gross: 200_000n, refund: 600_000n, penalty: 60_000n });
  });

  it("goes on during a pause", () => {
    sold();
    expectOk(market.net.call("roles", "pause", []));
    expectOk(settle(1, deliver([1000, 1000, 1000, 1000])));
    both();
    expectOk(claim(1, seller));
  });

  it("settles each delivery of a row by itself", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first, deliveries: 2, "every-s": DAY_S }));
    expectOk(market.accept(1, 4000));
    expectOk(settle(1, deliver([2000, 2000])));
    expect(market.view("get-energy-offer", 1).status).toBe(1n);
    expectErr(settle(2, deliver([1], { from: 2 })), 823);
    const next = deliver([2000, 2000], { from: 96 });
    expectOk(settle(2, next));
    expect(market.view("get-energy-offer", 1).status).toBe(COMPLETED);
    expect(held().stx).toBe(2n * (VALUE + BOND));
  });

  it("takes 24 leaves at once", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first, windows: 24, "energy-wh": 24 * 7, "min-wh": 1 }));
    expectOk(market.accept(1, 168));
    const outcome = settle(1, deliver(Array.from({ length: 24 }, () => 7)));
    expect(expectOk(outcome)).toEqual({ "delivered-wh": 168n, settled: true });
  });
});

describe("settle-batch", () => {
  it("settles several trades in one call", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first }));
    expectOk(market.accept(1, 1000));
    expectOk(market.accept(1, 3000, other));
    const [one, two, three] = deliver([1500, 2000, 500]);
    expect(expectOk(batch([[1, one], [2, one], [2, two], [2, three]]))).toBe(2n);
    expect([status(1), status(2)]).toEqual([SETTLED, SETTLED]);
    expect(view("get-allotted", market.asset, window(0))).toBe(1500n);
  });

  it("does all or nothing", () => {
    sold();
    const [one, two] = deliver([1000, 1000]);
    expectErr(batch([]), 836);
    expectErr(batch([[1, one], [9, two]]), 820);
    expectErr(batch([[9, one], [1, two]]), 820);
    expectErr(batch([[1, one], [1, one]]), 826);
    expect(status()).toBe(ESCROWED);
    expect(expectOk(batch([[1, one], [1, two]]))).toBe(0n);
    const [more] = deliver([2000], { from: 2 });
    expectOk(settle(1, [more]));
    expectErr(batch([[1, deliver([1], { from: 3 })[0]]]), 821);
  });
});

describe("true-up", () => {
  const restate = (whs: number[], fields: any = {}) => deliver(whs, { revision: 1, ...fields });

  it("moves money both ways until the trade is final, and leaves no rounding behind", () => {
    sold();
    expectOk(settle(1, deliver([1000, 1000, 500, 500])));
    expect(split().gross).toBe(600_000n);
    const up = trueUp(1, restate([1500]));
    expect(expectOk(up)).toBe(3500n);
    expect(expectEvent(up, "trade-trued-up")).toMatchObject({ "before-wh": 3000n, "delivered-wh": 3500n });
    expect(split()).toMatchObject({ gross: 700_000n, penalty: 10_000n });
    expect(expectOk(trueUp(1, restate([0], { from: 1 })))).toBe(2500n);
    expect(expectOk(trueUp(1, restate([0, 0], { from: 2 })))).toBe(1500n);
    expect(split()).toEqual({ gross: 300_000n, refund: 500_000n, penalty: 50_000n, "bond-back": 30_000n, fee: 1500n, net: 298_500n });
    const score = market.net.view("marketplace", "get-reputation", [Cl.principal(seller)]);
    expect(score).toMatchObject({ trades: 1n, "delivered-wh": 1500n });
    expect(held().stx).toBe(VALUE + BOND);
  });

  it("counts what nobody had shown", () => {
    sold();
    market.net.passTime(12 * WINDOW_S + 2 * DAY_S);
    expectOk(settle(1, []));
    expect(expectOk(trueUp(1, deliver([1000])))).toBe(1000n);
  });

  it("frees what it takes away for other trades", () => {
    first = market.window(8);
    expectOk(market.offer({ "first-window": first }));
    expectOk(market.accept(1, 1000));
    expectOk(market.accept(1, 3000, other));
    const proofs = deliver([1000, 0, 0, 0]);
    expectOk(settle(1, proofs));
    expectOk(settle(2, proofs));
    expect(view("get-settlement", 2)["delivered-wh"]).toBe(0n);
    const restated = restate([600]);
    expect(expectOk(trueUp(2, restated))).toBe(0n);
    expect(expectOk(trueUp(1, restated))).toBe(600n);
    expect(view("get-allotted", market.asset, window(0))).toBe(600n);
  });

  it("needs a settled trade that is not final, and a leaf that is new", () => {
    sold();
    const proofs = deliver([1000, 1000, 1000, 1000]);
    expectErr(trueUp(1, proofs), 822);
    expectErr(trueUp(9, proofs), 820);
    expectOk(settle(1, proofs));
    expectErr(trueUp(1, proofs), 826);
    expectErr(trueUp(1, []), 836);
    both();
    expectErr(trueUp(1, restate([900])), 828);
  });

  it("ends with the deadline", () => {
    sold();
    expectOk(settle(1, deliver([1000, 1000, 1000, 1000])));
    market.net.passTime(12 * WINDOW_S + DEADLINE_S);
    expect(status()).toBe(CLAIMABLE);
    expectErr(trueUp(1, restate([900])), 828);
    expectErr(excuse(1, window(0)), 828);
    expectOk(claim(1, seller));
  });
});

describe("excuse-void", () => {
  it("takes a void window out of the penalty, until it is restated", () => {
    sold();
    expectOk(settle(1, deliver([1000, 1000])));
    expectOk(market.net.submitVoid({ window: window(2) }));
    expectOk(market.net.submitVoid({ window: window(3) }));
    const outcome = excuse(1, window(2));
    expectOk(outcome);
    expect(expectEvent(outcome, "window-excused").window).toBe(BigInt(window(2)));
    expectErr(excuse(1, window(2)), 826);
    expectOk(excuse(1, window(3)));
    expect(expectOk(settle(1, []))).toEqual({ "delivered-wh": 2000n, settled: true });
    expect(split()).toMatchObject({ gross: 400_000n, refund: 400_000n, penalty: 20_000n });
    expectOk(trueUp(1, deliver([200], { from: 2, revision: 1 })));
    // 1800 Wh are missing, and one of four windows is excused.
    expect(split()).toMatchObject({ gross: 440_000n, penalty: 27_000n });
    expect(view("get-settlement", 1)).toMatchObject({ shown: 3n, excused: 1n });
  });

  it("refuses windows that are not void, not the trade's, or counted", () => {
    sold();
    expectErr(excuse(9, window(0)), 820);
    expectErr(excuse(1, window(0)), 835);
    expectOk(settle(1, deliver([1000])));
    expectErr(excuse(1, window(0)), 835);
    expectOk(market.net.submitVoid({ window: window(0), revision: 1 }));
    expectErr(excuse(1, window(0)), 826);
    expectErr(excuse(1, window(4)), 823);
  });
});

describe("waive-true-up", () => {
  it("makes a settled trade final when both do", () => {
    sold();
    expectErr(waive(1, seller), 822);
    expectErr(waive(9, seller), 820);
    expectOk(settle(1, deliver([4000])));
    expect(expectOk(waive(1, seller))).toBe(false);
    expectErr(claim(1, seller), 829);
    expectErr(waive(1, seller), 831);
    expectErr(waive(1, outsider), 830);
    const outcome = waive(1, buyer);
    expect(expectOk(outcome)).toBe(true);
    expect(expectEvent(outcome, "true-up-waived").by).toBe(buyer);
    expect(status()).toBe(CLAIMABLE);
  });
});

describe("claim", () => {
  const gain = (who: string, act: () => any) => {
    const before = market.net.balance(who);
    expectOk(act());
    return market.net.balance(who) - before;
  };

  it("pays each party once and leaves the fee", () => {
    sold();
    expectOk(settle(1, deliver([1000, 0, 500, 1])));
    expectErr(claim(1, seller), 829);
    both();
    expect(gain(seller, () => claim(1, seller))).toBe(298_699n + 30_020n);
    expectErr(claim(1, seller), 831);
    expect(status()).toBe(CLAIMABLE);
    const outcome = claim(1, buyer);
    expect(expectOk(outcome)).toBe(499_800n + 49_980n);
    expect(expectEvent(outcome, "payment-claimed")).toMatchObject({ who: buyer, currency: 1n, fee: 0n });
    expectErr(claim(1, buyer), 831);
    expect(status()).toBe(PAID);
    expect(held().stx).toBe(1501n);
    expect(view("get-fees", STX)).toEqual({ held: 1501n, total: 1501n });
    expect(market.net.view("payment-settlement", "get-claim", [Cl.uint(1), Cl.principal(buyer)])).toBe(549_780n);
  });

  it("pays in ENERGY what was paid in ENERGY", () => {
    sold({ currency: ENERGY, "price-per-kwh": 1100 });
    const before = market.energy(seller);
    expectOk(settle(1, deliver([4000])));
    expect(held()).toEqual({ stx: 0n, energy: 4840n });
    both();
    expectOk(claim(1, seller));
    expect(market.energy(seller) - before).toBe(4840n - 22n);
    expectOk(claim(1, buyer));
    expect(held()).toEqual({ stx: 0n, energy: 22n });
    expectOk(withdraw(22, market.net.deployer, ENERGY));
    expect(held()).toEqual({ stx: 0n, energy: 0n });
  });

  it("is for the parties of a settled trade", () => {
    expectErr(claim(1, seller), 820);
    sold();
    expectErr(claim(1, seller), 822);
    expectOk(settle(1, deliver([4000])));
    both();
    expectErr(claim(1, outsider), 830);
    expectErr(claim(1, market.net.deployer), 830);
  });

  it("judges the contract that calls, not the party who signed", () => {
    sold();
    expectOk(settle(1, deliver([4000])));
    both();
    const lure = market.net.deploy(
      "lure",
      `(define-public (free) (contract-call? '${market.settlement} claim u1))`,
      outsider,
    );
    expectErr(market.net.callAny(lure, "free", [], seller), 830);
  });

  it("settles the smallest trade there is", () => {
    sold({ "energy-wh": 4000, "price-per-kwh": 1 });
    expectOk(settle(1, deliver([1, 0, 0, 0])));
    expect(split()).toEqual({ gross: 0n, refund: 4n, penalty: 1n, "bond-back": 0n, fee: 0n, net: 0n });
    both();
    expect(gain(seller, () => claim(1, seller))).toBe(0n);
    expect(gain(buyer, () => claim(1, buyer))).toBe(5n);
    expect(status()).toBe(PAID);
  });
});

describe("a VPP's trade", () => {
  let roofs: number[];
  let owners: string[];
  let vpp: number;

  beforeEach(() => {
    owners = [market.net.wallets[3], other, outsider];
    roofs = owners.map((owner) => market.connected(owner));
    vpp = market.vpp(seller, new Map(roofs.map((roof, n): [number, string] => [roof, owners[n]])));
    sold({ "asset-kind": VPP, asset: vpp, "price-per-kwh": 199_999 });
  });
  const pool = (whs: number[], n = 0) => {
    const proofs = attestEnergy(market.net, window(n), roofs.map((usagePoint, at) => ({ usagePoint, exportWh: whs[at] })));
    return roofs.map((roof) => proofs.get(roof)!);
  };

  it("pays the members by what each has fed in, and dust to the treasury", () => {
    expect(expectOk(settle(1, pool([333, 333, 334])))).toEqual({ "delivered-wh": 1000n, settled: false });
    expect(expectOk(settle(1, pool([1000, 1500, 800], 1))).settled).toBe(true);
    const shares = owners.map((who) => market.net.view("payment-settlement", "get-share", [Cl.uint(1), Cl.principal(who)]));
    expect(shares).toEqual([1333n, 1833n, 834n]);
    both();
    const { net, fee, "bond-back": bond } = split();
    const paid = owners.map((who) => expectOk(claim(1, who)));
    expect(paid).toEqual(shares.map((wh) => (net * wh) / 4000n));
    const dust = net - paid.reduce((a, b) => a + b);
    expect(dust).toBeGreaterThan(0n);
    expect(expectOk(claim(1, seller))).toBe(bond);
    expect(expectOk(claim(1, buyer))).toBe(0n);
    expect(status()).toBe(PAID);
    expect(held().stx).toBe(fee + dust);
    expect(view("get-fees", STX).held).toBe(fee + dust);
  });

  it("moves a restated share to whom the asset belongs then", () => {
    const [one] = pool([1000, 0, 0]);
    expectOk(settle(1, [one]));
    const args = [Cl.uint(roofs[0]), Cl.principal(other)];
    expectOk(market.net.call("registration", "transfer-ownership", args, owners[0]));
    const proofs = attestEnergy(market.net, window(0), [{ usagePoint: roofs[0], exportWh: 700 }], { revision: 1 });
    expectOk(settle(1, [proofs.get(roofs[0])!]));
    const share = (who: string) => market.net.view("payment-settlement", "get-share", [Cl.uint(1), Cl.principal(who)]);
    expect([share(owners[0]), share(other)]).toEqual([0n, 700n]);
  });

  it("takes no energy of others, and waits for all that may come", () => {
    const strangers = attestEnergy(market.net, window(0), [{ usagePoint: market.asset, exportWh: 4000 }]);
    expectErr(settle(1, [strangers.get(market.asset)!]), 824);
    for (let n = 1; n < 4; n++) expectOk(settle(1, pool([10, 10, 10], n)));
    expectErr(settle(1, []), 827);
    market.net.passTime(12 * WINDOW_S + 2 * DAY_S);
    expect(expectOk(settle(1, []))).toEqual({ "delivered-wh": 90n, settled: true });
  });
});

describe("withdraw-fees", () => {
  it("is a governor's, and of fees only", () => {
    sold();
    expectOk(settle(1, deliver([4000])));
    expectErr(withdraw(1), 834);
    both();
    expectOk(claim(1, seller));
    expectErr(withdraw(0), 834);
    expectErr(withdraw(FEE + 1n), 834);
    expectErr(withdraw(MAX), 834);
    expectErr(withdraw(1, outsider), 833);
    expectErr(withdraw(1, seller), 833);
    const outcome = withdraw(FEE - 1n);
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "fees-withdrawn")).toMatchObject({ treasury: outsider, amount: FEE - 1n });
    expect(view("get-fees", STX)).toEqual({ held: 1n, total: FEE });
    expect(held().stx).toBe(1n);
  });

  it.each([STX, ENERGY])("does not send them where they are: currency %i", (currency) => {
    sold({ currency, "price-per-kwh": 200_000 });
    expectOk(settle(1, deliver([4000])));
    both();
    expectOk(claim(1, seller));
    const before = held();
    expectErr(withdraw(1, market.net.deployer, currency, market.settlement), 832);
    expect(held()).toEqual(before);
    expectOk(withdraw(1, market.net.deployer, currency));
  });
});

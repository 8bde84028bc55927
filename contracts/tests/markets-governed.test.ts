// What governance changes binds the trades, offers and VPPs that begin after it; what was
// agreed before stays as it was, and the majority that changes it reaches no escrow.

import { Cl } from "@stacks/transactions";
import { expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { DAY_S, Market, uints, VPP } from "./market";
import { expectErr, expectOk } from "./outcomes";

const LOCKED = 1_000_000_000_000n;

/** Lets the one voter there is change parameters. */
function govern(market: Market, voter: string, changes: [string, number][]): void {
  const { net } = market;
  const call = (contract: string, name: string, args: any[], by: string) => expectOk(net.call(contract, name, args, by));
  net.expectOk(net.grant(net.deployer, "reward-minter"));
  net.expectOk(net.grant(`${net.deployer}.governance`, "governance"));
  call("reward-token", "mint", [Cl.uint(LOCKED), Cl.principal(voter)], net.deployer);
  call("reward-token", "lock", [Cl.uint(LOCKED)], voter);
  net.passTime(60);
  const list = changes.map(([name, value]) => Cl.tuple({ name: Cl.stringAscii(name), value: Cl.uint(value) }));
  call("governance", "propose", [Cl.list(list), Cl.buffer(hash32("why"))], voter);
  call("governance", "vote", [Cl.uint(1), Cl.bool(true)], voter);
  net.passTime(3 * DAY_S + 60);
  call("governance", "queue", [Cl.uint(1)], voter);
  net.passTime(2 * DAY_S + 60);
  call("governance", "execute", [Cl.uint(1)], voter);
}

it("applies to what begins afterwards, and to nothing before", async () => {
  const market = await Market.open();
  const { net, seller, buyer } = market;
  const roof = market.connected(market.other);
  const vpp = market.vpp(net.outsider, new Map([[roof, market.other]]));
  const far = { "first-window": market.window(8), deliveries: 2, "every-s": 10 * DAY_S };
  expectOk(market.offer(far));
  expectOk(market.accept(1, 4000));
  const before = market.view("get-trade", 2);
  const held = market.view("get-escrow");
  expect(net.view("aggregation", "get-capacity", uints(vpp))).toBe(9000n);

  const voter = net.wallets[3];
  govern(market, voter, [
    ["trade-fee-bps", 300],
    ["deviation-penalty-bps", 3000],
    ["settlement-deadline-s", 30 * DAY_S],
    ["offer-expiry-s", 3600],
    ["vpp-reserve-bps", 5000],
  ]);

  expect(market.view("get-trade", 2)).toEqual(before);
  expect(market.view("get-escrow")).toEqual(held);
  for (const by of [voter, net.deployer]) {
    expectErr(market.call("release-trade", uints(2, 0), by), 781);
    expectErr(net.call("payment-settlement", "claim", uints(2), by), 822);
    expectErr(market.call("withdraw", uints(1, 1), by), 789);
  }

  const first = market.window(8);
  expectOk(market.offer({ "first-window": first }));
  expect(market.view("get-energy-offer", 2)).toMatchObject({ bond: 240_000n });
  expect(Number(market.view("get-energy-offer", 2)["expires-at"])).toBeLessThanOrEqual(net.now() + 3600);
  expectOk(market.accept(2, 4000, buyer));
  const end = BigInt(first + 4 * 900);
  expect(market.view("get-trade", 3)).toMatchObject({ seller, "fee-bps": 300n, bond: 240_000n, "final-at": end + BigInt(30 * DAY_S) });
  expect(before).toMatchObject({ "fee-bps": 50n, bond: 80_000n });
  const sale = { "asset-kind": VPP, asset: vpp, "first-window": market.window(8) };
  expectErr(market.offer({ ...sale, "energy-wh": 5001 }, net.outsider), 769);
  expectOk(market.offer({ ...sale, "energy-wh": 5000 }, net.outsider));
});

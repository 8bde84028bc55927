// A market as tests need it: a network with connected assets, ENERGY in wallets, and the
// calls of buyers and sellers.

import { Cl } from "@stacks/transactions";
import { breathe } from "../harness/breath.mjs";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { enrolMeter, registerUser } from "./attested";
import { expectOk } from "./outcomes";

export const STX = 1;
export const ENERGY = 2;
export const DELIVERY = 1;
export const CREDITS = 2;
export const DEVICE = 1;
export const VPP = 2;
export const PENDING = 0n;
export const ACCEPTED = 1n;
export const REJECTED = 2n;
export const COMPLETED = 3n;
export const CANCELLED = 4n;
export const EXPIRED = 5n;

export const DAY_S = 86_400;
export const DEADLINE_S = 14 * DAY_S;
export const FEE_BPS = 50n;
export const BOND_BPS = 1000n;

export const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
export const up = (amount: bigint, by: bigint) => (amount + by - 1n) / by;
/** What a buyer pays, and what a seller bonds for it. */
export const valueOf = (wh: bigint, price: bigint) => up(wh * price, 1000n);
export const bondOf = (value: bigint) => up(value * BOND_BPS, 10_000n);

const tuple = (fields: Record<string, number | bigint>) =>
  Cl.tuple(Object.fromEntries(Object.entries(fields).map(([name, n]) => [name, Cl.uint(n)])));

export class Market {
  /** Wallet 4 sells from `asset` (10 kW, connected), wallets 5 and 6 buy; all have ENERGY. */
  static async open(): Promise<Market> {
    // A file of many calls must let its runner hear that it is alive.
    await breathe();
    const net = await Network.disputing(4);
    expectOk(net.grant(net.deployer, "minter"));
    const market = new Market(net);
    market.grid("set-operator-authorization", [Cl.principal(net.deployer), Cl.bool(true)]);
    market.asset = market.connected(market.seller);
    for (const wallet of net.wallets.slice(4)) market.mint(wallet, 1_000_000);
    return market;
  }

  readonly seller: string;
  readonly buyer: string;
  readonly other: string;
  readonly contract: string;
  readonly settlement: string;
  asset = 0;

  constructor(readonly net: Network) {
    [this.seller, this.buyer, this.other] = net.wallets.slice(4, 7);
    this.contract = `${net.deployer}.marketplace`;
    this.settlement = `${net.deployer}.payment-settlement`;
  }

  grid(name: string, args: any[]): void {
    expectOk(this.net.call("grid-management", name, args));
  }

  connected(owner: string, fields: any = {}): number {
    const asset = enrolMeter(this.net, owner, { capacityW: 10_000, ...fields });
    this.grid("connect-asset", uints(asset, 10_000));
    return asset;
  }

  mint(who: string, amount: number | bigint): void {
    expectOk(this.net.call("energy-token", "mint", [Cl.uint(amount), Cl.principal(who)]));
  }

  /** A VPP of `operator` with these assets, each of an owner, from the next window on. */
  vpp(operator: string, assets: Map<number, string>): number {
    registerUser(this.net, operator);
    const id = Number(expectOk(this.net.call("aggregation", "create-vpp", [Cl.stringAscii("Roofs")], operator)));
    for (const [asset, owner] of assets) expectOk(this.net.call("aggregation", "join", uints(id, asset), owner));
    return id;
  }

  call(name: string, args: any[], by = this.buyer): any {
    return this.net.call("marketplace", name, args, by);
  }

  view(name: string, ...numbers: (number | bigint)[]): any {
    return this.net.view("marketplace", name, uints(...numbers));
  }

  /** The start of the n-th window from now that has not begun. */
  window(n = 1): number {
    return (Math.floor(this.net.now() / WINDOW_S) + n) * WINDOW_S;
  }

  terms(fields: any = {}): Record<string, number | bigint> {
    const { kind = DELIVERY } = fields;
    const ahead = kind === DELIVERY ? { "first-window": this.window(8), windows: 4 } : { "first-window": 0, windows: 0 };
    return {
      kind,
      "asset-kind": DEVICE,
      asset: this.asset,
      currency: STX,
      "energy-wh": 4000,
      "min-wh": 1000,
      "price-per-kwh": 200_000,
      deliveries: 1,
      "every-s": 0,
      ...ahead,
      ...fields,
    };
  }

  offer(fields: any = {}, by = this.seller, to: string | null = null): any {
    const buyer = to ? Cl.some(Cl.principal(to)) : Cl.none();
    return this.call("create-energy-offer", [tuple(this.terms(fields)), buyer], by);
  }

  accept(offer: number, wh: number | bigint, by = this.buyer): any {
    return this.call("accept-energy-offer", uints(offer, wh), by);
  }

  auctionTerms(fields: any = {}): Record<string, number | bigint> {
    return {
      "asset-kind": DEVICE,
      asset: this.asset,
      currency: STX,
      "energy-wh": 4000,
      "reserve-per-kwh": 100_000,
      "first-window": this.window(8),
      windows: 4,
      "closes-at": this.window(4),
      ...fields,
    };
  }

  auction(fields: any = {}, by = this.seller): any {
    return this.call("open-auction", [tuple(this.auctionTerms(fields))], by);
  }

  bid(auction: number, wh: number | bigint, price: number | bigint, by = this.buyer): any {
    return this.call("place-bid", uints(auction, wh, price), by);
  }

  credit(who: string, currency = STX): bigint {
    return this.net.view("marketplace", "get-credit", [Cl.principal(who), Cl.uint(currency)]);
  }

  energy(who: string): bigint {
    return this.net.view("energy-token", "get-balance", [Cl.principal(who)]).ok;
  }

  /** STX and ENERGY that a contract has. */
  balances(who: string): { stx: bigint; energy: bigint } {
    return { stx: this.net.balance(who), energy: this.energy(who) };
  }
}

// What marketplace and payment-settlement should do, written a second time on purpose: which
// calls succeed, and whose money is where after them. Knows no contract, only numbers.

import { bondOf, CREDITS, DELIVERY, DEADLINE_S, FEE_BPS, STX, ENERGY, up, valueOf, VPP } from "./market";

export const WINDOW_S = 900;
const PROOF_S = 172_800;
const EXPIRY_S = 86_400;

export interface Source {
  kind: number;
  id: number;
  seller: string;
  capacityW: bigint;
  /** Usage points that may deliver, with their owners. */
  members: Map<number, string>;
}

export interface Offer {
  id: number;
  kind: number;
  source: Source;
  seller: string;
  to: string | null;
  currency: number;
  remaining: bigint;
  min: bigint;
  price: bigint;
  first: number;
  windows: number;
  deliveries: number;
  every: number;
  expires: number;
  bond: bigint;
  open: boolean;
}

export interface Trade {
  id: number;
  source: Source;
  seller: string;
  buyer: string;
  currency: number;
  energy: bigint;
  value: bigint;
  bond: bigint;
  first: number;
  windows: number;
  settled: boolean;
  booked: boolean;
  waived: Set<string>;
  counted: Map<string, { revision: number; wh: bigint; payee: string }>;
  claimed: Map<string, bigint>;
  paidOut: bigint;
}

interface Bid {
  bidder: string;
  wh: bigint;
  price: bigint;
}

export interface Auction {
  id: number;
  source: Source;
  seller: string;
  currency: number;
  energy: bigint;
  reserve: bigint;
  first: number;
  windows: number;
  closes: number;
  bond: bigint;
  bids: Bid[];
  cleared: boolean;
}

export interface Group {
  id: number;
  offer: Offer;
  deadline: number;
  closed: boolean;
  pledges: Map<string, { wh: bigint; paid: bigint }>;
  /** Everybody who was ever in it, in the order of joining. */
  order: string[];
}

export interface Shown {
  asset: number;
  window: number;
  revision: number;
  wh: bigint;
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const sum = (numbers: Iterable<bigint>) => [...numbers].reduce((a, b) => a + b, 0n);

export class Model {
  offers: Offer[] = [];
  trades: Trade[] = [];
  auctions: Auction[] = [];
  groups: Group[] = [];
  credits = new Map<string, bigint>();
  wishes = new Map<string, { max: bigint; score: bigint; automatic: boolean }>();
  promised = new Map<string, bigint>();
  kept = new Map<string, bigint>();
  allotted = new Map<string, bigint>();
  fees = new Map<number, { held: bigint; total: bigint }>([STX, ENERGY].map((currency) => [currency, { held: 0n, total: 0n }]));
  paused = false;

  /** What marketplace holds of a currency, from every obligation of its own. */
  escrow(currency: number): bigint {
    const offers = this.offers.filter(({ open }) => open).map((offer) =>
      offer.kind === CREDITS
        ? currency === ENERGY ? offer.remaining : 0n
        : offer.currency === currency ? offer.bond * BigInt(offer.deliveries) : 0n,
    );
    const auctions = this.auctions
      .filter((auction) => !auction.cleared && auction.currency === currency)
      .map(({ bond, bids }) => bond + sum(bids.map(({ wh, price }) => valueOf(wh, price))));
    const trades = this.trades
      .filter((trade) => !trade.settled && trade.currency === currency)
      .map(({ value, bond }) => value + bond);
    const pledges = this.groups
      .filter(({ offer }) => offer.currency === currency)
      .flatMap((group) => [...group.pledges.values()].map(({ paid }) => paid));
    const credits = [...this.credits].filter(([key]) => key.endsWith(` ${currency}`)).map(([, amount]) => amount);
    return sum([...offers, ...auctions, ...trades, ...pledges, ...credits]);
  }

  /** What payment-settlement holds of it: settled trades less what was paid, and fees. */
  settled(currency: number): bigint {
    const trades = this.trades
      .filter((trade) => trade.settled && trade.currency === currency)
      .map(({ value, bond, paidOut }) => value + bond - paidOut);
    return sum([...trades, this.fees.get(currency)!.held]);
  }

  credit(who: string, currency: number): bigint {
    return this.credits.get(`${who} ${currency}`) ?? 0n;
  }

  give(who: string, currency: number, amount: bigint): void {
    this.credits.set(`${who} ${currency}`, this.credit(who, currency) + amount);
  }

  isOpen(offer: Offer | undefined, now: number): offer is Offer {
    return !!offer?.open && now < offer.expires;
  }

  isPart(offer: Offer, wh: bigint): boolean {
    return wh > 0n && wh <= offer.remaining && (wh >= offer.min || wh === offer.remaining);
  }

  mayBuy(offer: Offer, who: string): boolean {
    return who !== offer.seller && (offer.to === null || offer.to === who);
  }

  fits(offer: Offer, who: string): boolean {
    const wish = this.wishes.get(`${who} ${offer.currency}`);
    if (!wish) return true;
    const promised = this.promised.get(offer.seller) ?? 0n;
    const score = promised === 0n ? 10_000n : (10_000n * (this.kept.get(offer.seller) ?? 0n)) / promised;
    return offer.price <= wish.max && score >= wish.score;
  }

  priceOf(offer: Offer, wh: bigint): bigint {
    return BigInt(offer.deliveries) * valueOf(wh, offer.price);
  }

  create(offer: Omit<Offer, "id" | "bond" | "open" | "expires">, now: number): void {
    const byDelivery = offer.kind === DELIVERY;
    const expires = byDelivery ? Math.min(now + EXPIRY_S, offer.first) : now + EXPIRY_S;
    const bond = byDelivery ? bondOf(valueOf(offer.remaining, offer.price)) : 0n;
    this.offers.push({ ...offer, id: this.offers.length + 1, expires, bond, open: true });
  }

  sell(offer: Offer, buyer: string, wh: bigint): void {
    const bond = (offer.bond * wh) / offer.remaining;
    offer.remaining -= wh;
    offer.bond -= bond;
    if (offer.remaining === 0n) offer.open = false;
    if (offer.kind === CREDITS) return;
    for (let n = 0; n < offer.deliveries; n++) {
      this.trade({ ...offer, buyer, energy: wh, value: valueOf(wh, offer.price), bond, first: offer.first + n * offer.every });
    }
  }

  trade(terms: Pick<Trade, "source" | "seller" | "buyer" | "currency" | "energy" | "value" | "bond" | "first" | "windows">): void {
    const { source, seller, buyer, currency, energy, value, bond, first, windows } = terms;
    this.trades.push({
      id: this.trades.length + 1,
      ...{ source, seller, buyer, currency, energy, value, bond, first, windows },
      settled: false,
      booked: false,
      waived: new Set(),
      counted: new Map(),
      claimed: new Map(),
      paidOut: 0n,
    });
  }

  end(offer: Offer): void {
    offer.open = false;
    offer.remaining = 0n;
    offer.bond = 0n;
  }

  bid(auction: Auction, bid: Bid): void {
    const at = auction.bids.findIndex(({ price }) => price < bid.price);
    auction.bids.splice(at < 0 ? auction.bids.length : at, 0, bid);
    if (auction.bids.length <= 20) return;
    const last = auction.bids.pop()!;
    this.give(last.bidder, auction.currency, valueOf(last.wh, last.price));
  }

  clear(auction: Auction): void {
    let left = auction.energy;
    const fills = auction.bids.map((bid) => {
      const wh = least(left, bid.wh);
      left -= wh;
      return { bid, wh };
    });
    const price = fills.filter(({ wh }) => wh > 0n).at(-1)?.bid.price ?? 0n;
    let [rest, bonds] = [auction.energy, auction.bond];
    for (const { bid, wh } of fills) {
      const value = valueOf(wh, price);
      const bond = wh > 0n ? (bonds * wh) / rest : 0n;
      this.give(bid.bidder, auction.currency, valueOf(bid.wh, bid.price) - value);
      if (wh > 0n) this.trade({ ...auction, buyer: bid.bidder, energy: wh, value, bond });
      rest -= wh;
      bonds -= bond;
    }
    auction.cleared = true;
  }

  delivered(trade: Trade): bigint {
    return sum([...trade.counted.values()].map(({ wh }) => wh));
  }

  endOf(trade: Trade): number {
    return trade.first + trade.windows * WINDOW_S;
  }

  isFinal(trade: Trade, now: number): boolean {
    return now >= this.endOf(trade) + DEADLINE_S || (trade.waived.has("seller") && trade.waived.has("buyer"));
  }

  takes(trade: Trade, { asset, window, revision }: Shown): boolean {
    const before = trade.counted.get(`${asset} ${window}`);
    return (
      window >= trade.first &&
      window < this.endOf(trade) &&
      trade.source.members.has(asset) &&
      (!before || revision > before.revision)
    );
  }

  count(trade: Trade, { asset, window, revision, wh }: Shown): void {
    const key = `${asset} ${window}`;
    const old = trade.counted.get(key)?.wh ?? 0n;
    const others = (this.allotted.get(key) ?? 0n) - old;
    const needed = trade.energy - (this.delivered(trade) - old);
    const given = least(needed, wh > others ? wh - others : 0n);
    const payee = trade.source.kind === VPP ? trade.source.members.get(asset)! : trade.seller;
    trade.counted.set(key, { revision, wh: given, payee });
    this.allotted.set(key, others + given);
  }

  isDue(trade: Trade, now: number): boolean {
    return (
      this.delivered(trade) === trade.energy ||
      (trade.source.kind !== VPP && trade.counted.size >= trade.windows) ||
      now >= this.endOf(trade) + PROOF_S
    );
  }

  settle(trade: Trade): void {
    trade.settled = true;
    const add = (map: Map<string, bigint>, wh: bigint) => map.set(trade.seller, (map.get(trade.seller) ?? 0n) + wh);
    add(this.promised, trade.energy);
    add(this.kept, this.delivered(trade));
  }

  split(trade: Trade) {
    const delivered = this.delivered(trade);
    const gross = (trade.value * delivered) / trade.energy;
    const penalty = up(trade.bond * (trade.energy - delivered), trade.energy);
    const fee = up(gross * FEE_BPS, 10_000n);
    return { gross, refund: trade.value - gross, penalty, bondBack: trade.bond - penalty, fee, net: gross - fee };
  }

  share(trade: Trade, who: string): bigint {
    return sum([...trade.counted.values()].filter(({ payee }) => payee === who).map(({ wh }) => wh));
  }

  isParty(trade: Trade, who: string): boolean {
    return who === trade.buyer || who === trade.seller || this.share(trade, who) > 0n;
  }

  claim(trade: Trade, who: string): bigint {
    const { refund, penalty, bondBack, fee, net } = this.split(trade);
    const delivered = this.delivered(trade);
    const part = (one: string) => (delivered === 0n ? 0n : (net * this.share(trade, one)) / delivered);
    const due = (who === trade.buyer ? refund + penalty : 0n) + (who === trade.seller ? bondBack : 0n) + part(who);
    trade.claimed.set(who, due);
    const members = new Set([...trade.counted.values()].map(({ payee }) => payee).filter((one) => this.share(trade, one) > 0n));
    const last = this.share(trade, who) > 0n && [...members].every((one) => trade.claimed.has(one));
    const dust = last ? net - sum([...members].map(part)) : 0n;
    const booked = dust + (trade.booked ? 0n : fee);
    trade.booked = true;
    const fees = this.fees.get(trade.currency)!;
    fees.held += booked;
    fees.total += booked;
    trade.paidOut += due + booked;
    return due;
  }
}

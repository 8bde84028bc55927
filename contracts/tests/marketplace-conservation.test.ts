// What marketplace and payment-settlement hold is what they owe, whatever is offered, bought,
// bid, proven, restated and claimed in whatever order: random calls against a model that says
// which succeed. Seeded; only the chain's clock begins at the wall's. RUNS=10000 is the long run.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { plain } from "../harness/network.mjs";
import { attestEnergy, type Proof } from "./attested";
import { bondOf, CREDITS, DAY_S, DELIVERY, DEVICE, ENERGY, Market, STX, uints, valueOf, VPP } from "./market";
import { type Group, Model, type Shown, type Source, type Trade, WINDOW_S } from "./market-model";
import { breathe, generator, runs } from "./draws";

const STEPS = runs(500);
const CURRENCIES = [STX, ENERGY];
const outcomes: Record<string, { ok: number; err: number }> = {};

describe.each([5, 20261121])("seed %i", (seed) => {
  it(`conserves STX and ENERGY over ${STEPS} random calls`, { timeout: 120_000 + 1000 * STEPS }, async () => {
    const draw = generator(seed);
    const pick = <T>(from: T[]): T => from[draw(from.length)];
    const market = await Market.open();
    const { net } = market;
    const [, , , extra, first, second, third, fourth] = net.wallets as string[];
    market.mint(extra, 1_000_000);
    const roofs = new Map([[market.connected(third), third], [market.connected(fourth), fourth]]);
    const devices = [[market.asset, first], [market.connected(second), second]] as [number, string][];
    const sources: Source[] = devices.map(([id, seller]) => ({
      kind: DEVICE,
      id,
      seller,
      capacityW: 10_000n,
      members: new Map([[id, seller]]),
    }));
    sources.push({ kind: VPP, id: market.vpp(first, roofs), seller: first, capacityW: 18_000n, members: roofs });
    const meters = sources.flatMap(({ members }) => [...members.keys()]);
    const people = [extra, first, second, third, fourth];
    const model = new Model();
    const settlement = (name: string, args: any[], by: string) => net.call("payment-settlement", name, args, by);
    const funds = (who: string, currency: number) => (currency === STX ? net.balance(who) : market.energy(who));
    const holders = [...net.wallets, net.deployer, market.contract, market.settlement] as string[];
    const wealth = () => CURRENCIES.map((currency) => holders.map((who) => funds(who, currency)).reduce((a, b) => a + b));
    const before = wealth();

    const price = (currency: number) => BigInt(pick([1, 1 + draw(100), 1 + draw(currency === STX ? 300_000 : 2000)]));
    const amount = (most: bigint) => pick([0n, 1n, most, most + 1n, BigInt(draw(Number(most) + 1)), BigInt(draw(Number(most) + 1))]);
    /** An energy that somebody may want: mostly one that can be had. */
    const energy = (most: bigint) => pick([0n, 1n, most, ...[1, 2, 3, 4].map(() => BigInt(1 + draw(Number(most) || 1))), most + 1n]);
    /** Mostly one that is still open, or else any, or none. */
    const idOf = <T extends { id: number }>(list: T[], isOpen: (one: T) => boolean) => {
      const open = list.filter(isOpen);
      return open.length && draw(8) ? pick(open).id : 1 + draw(list.length + 1);
    };
    const openOffer = () => idOf(model.offers, (offer) => model.isOpen(offer, net.now()));
    const openGroup = () => idOf(model.groups, ({ offer, closed }) => !closed && model.isOpen(offer, net.now()));
    const openAuction = () => idOf(model.auctions, ({ closes }) => net.now() < closes);
    const closedAuction = () => idOf(model.auctions, ({ cleared, closes }) => !cleared && net.now() >= closes);

    const attested = new Map<number, { revision: number; proofs: Map<number, Proof> }>();
    /** Attests a window, or now and then restates it. */
    const attest = (window: number, again: boolean) => {
      const known = attested.get(window);
      if (!known || (known.revision < 15 && again)) {
        const revision = known ? known.revision + 1 : 0;
        const leaves = meters.map((usagePoint) => ({ usagePoint, exportWh: pick([0, draw(1200), draw(4000)]) }));
        attested.set(window, { revision, proofs: attestEnergy(net, window, leaves, { revision }) });
      }
    };
    /** A leaf of an attested window in its newest revision. */
    const show = ([asset, window]: readonly [number, number]): { shown: Shown; tuple: any } => {
      const { revision, proofs } = attested.get(window)!;
      const { leaf, tuple } = proofs.get(asset)!;
      return { shown: { asset, window, revision, wh: BigInt(leaf.exportWh) }, tuple };
    };
    /** Meters and windows for a trade, each of another meter or window; now and then one that is not its own. */
    const wantedFor = (trade: Trade | undefined, again = draw(5) === 0) => {
      const windows = trade ? Array.from({ length: trade.windows + 1 }, (_, n) => trade.first + n * WINDOW_S) : [market.window(2)];
      const assets = trade && draw(12) ? [...trade.source.members.keys()] : meters;
      const asked = draw(12) ? windows.slice(0, Math.max(1, windows.length - 1)) : windows;
      const wanted = asked.flatMap((window) => assets.map((asset) => [asset, window] as const));
      const fresh = wanted.filter(([asset, window]) => again || !trade?.counted.has(`${asset} ${window}`));
      const some = fresh.filter(() => draw(6)).slice(0, 4);
      new Set(some.map(([, window]) => window)).forEach((window) => attest(window, again));
      return some;
    };
    const leavesFor = (trade: Trade | undefined, again?: boolean) => wantedFor(trade, again).map(show);
    const proofList = (leaves: { tuple: any }[]) => Cl.list(leaves.map(({ tuple }) => tuple));

    type Step = () => [any, boolean, () => void];
    const steps: Record<string, Step> = {
      create() {
        const source = pick(sources);
        const by = draw(10) ? source.seller : pick(people);
        const kind = draw(4) ? DELIVERY : CREDITS;
        const currency = kind === CREDITS ? STX : pick(CURRENCIES);
        const windows = kind === CREDITS ? 0 : 1 + draw(2);
        const most = kind === CREDITS ? 5000n : (source.capacityW * BigInt(windows)) / 4n;
        const [wh, to] = [energy(most), draw(5) ? null : pick(people)];
        const min = wh > 1n && draw(3) === 0 ? BigInt(1 + draw(Number(wh))) : 1n;
        const terms = {
          kind,
          "asset-kind": source.kind,
          asset: source.id,
          currency,
          "energy-wh": wh,
          "min-wh": min,
          "price-per-kwh": price(currency),
          "first-window": kind === CREDITS ? 0 : market.window(draw(8) ? 10 + draw(80) : 1),
          windows,
          deliveries: kind === CREDITS ? 1 : 1 + draw(3),
          "every-s": kind === CREDITS ? 0 : 2 * WINDOW_S,
        };
        const escrowed = kind === CREDITS ? wh : bondOf(valueOf(wh, terms["price-per-kwh"])) * BigInt(terms.deliveries);
        const affords = funds(by, kind === CREDITS ? ENERGY : currency) >= escrowed;
        const outcome = market.offer(terms, by, to);
        const due = kind === CREDITS || terms["first-window"] > net.now();
        const sound = wh > 0n && (kind === CREDITS || wh <= most) && by === source.seller && to !== by;
        return [outcome, !model.paused && sound && due && affords, () => {
          const { deliveries } = terms;
          const shape = { first: terms["first-window"], windows, deliveries, every: terms["every-s"] };
          model.create({ kind, source, seller: by, to, currency, remaining: wh, min, price: terms["price-per-kwh"], ...shape }, net.now());
        }];
      },
      accept() {
        const [id, by] = [openOffer(), pick(people)];
        const offer = model.offers[id - 1];
        const wh = energy(offer?.remaining ?? 5n);
        const affords = !!offer && funds(by, offer.currency) >= model.priceOf(offer, wh);
        const outcome = market.accept(id, wh, by);
        const open = model.isOpen(offer, net.now()) && model.isPart(offer, wh) && model.mayBuy(offer, by);
        return [outcome, !model.paused && open && model.fits(offer, by) && affords, () => model.sell(offer, by, wh)];
      },
      match() {
        const id = openOffer();
        const offer = model.offers[id - 1];
        const willingOnes = people.filter((one) => model.wishes.get(`${one} ${offer?.currency}`)?.automatic);
        const who = pick(draw(6) && willingOnes.length ? willingOnes : people);
        const wh = draw(3) ? BigInt(draw(50)) : energy(offer?.remaining ?? 5n);
        const outcome = market.call("match-offer", [Cl.uint(id), Cl.principal(who), Cl.uint(wh)], pick(people));
        const open = model.isOpen(offer, net.now()) && model.isPart(offer, wh) && model.mayBuy(offer, who);
        const willing = open && !!model.wishes.get(`${who} ${offer.currency}`)?.automatic && model.fits(offer, who);
        const allowed = !model.paused && willing && model.credit(who, offer.currency) >= model.priceOf(offer, wh);
        return [outcome, allowed, () => {
          model.give(who, offer.currency, -model.priceOf(offer, wh));
          model.sell(offer, who, wh);
        }];
      },
      wish() {
        const [who, currency, max] = [pick(people), pick(CURRENCIES), BigInt(draw(3) ? 400_000 : draw(300_000))];
        const [score, automatic] = [pick([0, 0, 0, 2000]), draw(4) > 0];
        const outcome = market.call("set-preferences", [...uints(currency, max, 0, score), Cl.bool(automatic)], who);
        return [outcome, true, () => void model.wishes.set(`${who} ${currency}`, { max, score: BigInt(score), automatic })];
      },
      deposit() {
        const [who, currency, sum] = [pick(people), pick(CURRENCIES), BigInt(pick([0, 1, draw(100_000), draw(1_500_000)]))];
        const affords = funds(who, currency) >= sum;
        const outcome = market.call("deposit", uints(currency, sum), who);
        return [outcome, !model.paused && sum > 0n && affords, () => model.give(who, currency, sum)];
      },
      withdraw() {
        const [who, currency] = [pick(people), pick(CURRENCIES)];
        const sum = amount(model.credit(who, currency));
        const outcome = market.call("withdraw", uints(currency, sum), who);
        return [outcome, sum > 0n && sum <= model.credit(who, currency), () => model.give(who, currency, -sum)];
      },
      end() {
        const id = openOffer();
        const offer = model.offers[id - 1];
        const reject = draw(2) === 0;
        const by = (reject ? offer?.to : offer?.seller) ?? pick(people);
        const outcome = market.call(reject ? "reject-energy-offer" : "cancel-energy-offer", uints(id), by);
        const open = model.isOpen(offer, net.now());
        const mine = !!offer && by === offer.seller;
        const allowed = reject ? open && by === offer.to : !!offer?.open && (mine || !open);
        return [outcome, allowed, () => model.end(offer)];
      },
      gather() {
        const id = openOffer();
        const offer = model.offers[id - 1];
        const deadline = market.window(1 + draw(6));
        const outcome = market.call("open-group-purchase", uints(id, deadline), pick(people));
        const open = model.isOpen(offer, net.now()) && deadline > net.now() && deadline <= offer.expires;
        return [outcome, !model.paused && open, () => {
          model.groups.push({ id: model.groups.length + 1, offer, deadline, closed: false, pledges: new Map(), order: [] });
        }];
      },
      pledge() {
        const [id, by] = [openGroup(), pick(people)];
        const group = model.groups[id - 1];
        const total = group ? [...group.pledges.values()].reduce((sum, { wh }) => sum + wh, 0n) : 0n;
        const wh = energy(group && group.offer.remaining > total ? group.offer.remaining - total : 5n);
        const affords = !!group && funds(by, group.offer.currency) >= model.priceOf(group.offer, wh);
        const outcome = market.call("join-group-purchase", uints(id, wh), by);
        const open = !!group && model.isOpen(group.offer, net.now()) && !group.closed && net.now() < group.deadline;
        const fits = open && wh > 0n && total + wh <= group.offer.remaining && model.mayBuy(group.offer, by);
        return [outcome, !model.paused && fits && !group.pledges.has(by) && affords, () => {
          group.pledges.set(by, { wh, paid: model.priceOf(group.offer, wh) });
          if (!group.order.includes(by)) group.order.push(by);
        }];
      },
      unpledge() {
        const id = idOf(model.groups, ({ pledges }) => pledges.size > 0);
        const group = model.groups[id - 1];
        const by = pick(draw(4) && group?.pledges.size ? [...group.pledges.keys()] : people);
        const outcome = market.call("leave-group-purchase", uints(id), by);
        return [outcome, !!group?.pledges.has(by), () => void group.pledges.delete(by)];
      },
      join() {
        const pledged = ({ pledges }: Group) => [...pledges.values()].reduce((sum, { wh }) => sum + wh, 0n);
        const isReady = (one: Group) =>
          !one.closed && model.isOpen(one.offer, net.now()) && model.isPart(one.offer, pledged(one));
        const id = idOf(model.groups, isReady);
        const group = model.groups[id - 1];
        const total = group ? pledged(group) : 0n;
        const outcome = market.call("close-group-purchase", uints(id), pick(people));
        const open = !!group && model.isOpen(group.offer, net.now()) && !group.closed;
        return [outcome, !model.paused && open && model.isPart(group.offer, total), () => {
          group.closed = true;
          const members = group.order.filter((who) => group.pledges.has(who));
          for (const who of members) model.sell(group.offer, who, group.pledges.get(who)!.wh);
          group.pledges.clear();
        }];
      },
      auction() {
        const source = pick(sources);
        const by = draw(10) ? source.seller : pick(people);
        const [currency, windows] = [pick(CURRENCIES), 1 + draw(2)];
        const most = (source.capacityW * BigInt(windows)) / 4n;
        const [wh, reserve, opens] = [energy(most), price(currency), 4 + draw(40)];
        const [start, closes] = [market.window(opens + draw(8)), market.window(opens)];
        const affords = funds(by, currency) >= bondOf(valueOf(wh, reserve));
        const outcome = market.auction(
          {
            "asset-kind": source.kind,
            asset: source.id,
            currency,
            "energy-wh": wh,
            "reserve-per-kwh": reserve,
            "first-window": start,
            windows,
            "closes-at": closes,
          },
          by,
        );
        const sound = wh > 0n && wh <= most && by === source.seller && start > net.now() && closes > net.now();
        return [outcome, !model.paused && sound && affords, () => {
          const bond = bondOf(valueOf(wh, reserve));
          const id = model.auctions.length + 1;
          model.auctions.push({ id, source, seller: by, currency, energy: wh, reserve, first: start, windows, closes, bond, bids: [], cleared: false });
        }];
      },
      bid() {
        const [id, by] = [openAuction(), pick(people)];
        const auction = model.auctions[id - 1];
        const wh = energy(auction?.energy ?? 5n);
        const offered = (auction?.reserve ?? 1n) + BigInt(draw(8) ? draw(5) * 777 : -1);
        const affords = !!auction && funds(by, auction.currency) >= valueOf(wh, offered);
        const outcome = market.bid(id, wh, offered, by);
        const open = !!auction && net.now() < auction.closes && by !== auction.seller;
        const sound = open && wh > 0n && wh <= auction.energy && offered >= auction.reserve;
        const beats = sound && (auction.bids.length < 20 || offered > auction.bids[19].price);
        return [outcome, !model.paused && beats && affords, () => model.bid(auction, { bidder: by, wh, price: offered })];
      },
      clear() {
        const id = closedAuction();
        const auction = model.auctions[id - 1];
        const outcome = market.call("clear-auction", uints(id), pick(people));
        return [outcome, !!auction && !auction.cleared && net.now() >= auction.closes, () => model.clear(auction)];
      },
      settle() {
        const open = model.trades.filter(({ settled }) => !settled);
        const id = draw(8) && open.length ? pick(open).id : 1 + draw(model.trades.length + 1);
        const trade = model.trades[id - 1] as Trade | undefined;
        const leaves = leavesFor(trade);
        const outcome = settlement("settle-trade", [Cl.uint(id), proofList(leaves)], pick(people));
        const fits = !!trade && !trade.settled && leaves.every(({ shown }) => model.takes(trade, shown));
        const now = net.now();
        return [outcome, fits && (leaves.length > 0 || model.isDue(trade, now)), () => {
          for (const { shown } of leaves) model.count(trade!, shown);
          if (model.isDue(trade!, now)) model.settle(trade!);
        }];
      },
      batch() {
        const open = model.trades.filter(({ settled }) => !settled).slice(0, 3);
        const parts = open
          .flatMap((trade) => wantedFor(trade).slice(0, 2).map((wanted) => ({ trade, wanted })))
          .map(({ trade, wanted }) => ({ trade, ...show(wanted) }));
        // A leaf that a trade may not take, or that completes it before another, refuses the batch.
        const list = Cl.list(parts.map(({ trade, tuple }) => Cl.tuple({ trade: Cl.uint(trade.id), proof: tuple })));
        const outcome = settlement("settle-batch", [list], pick(people));
        const now = net.now();
        const saved = structuredClone({ allotted: model.allotted, counted: parts.map(({ trade }) => trade.counted) });
        const done = new Set<Trade>();
        const allowed = parts.length > 0 && parts.every(({ trade, shown }) => {
          if (done.has(trade) || !model.takes(trade, shown)) return false;
          model.count(trade, shown);
          if (model.isDue(trade, now)) done.add(trade);
          return true;
        });
        if (!allowed) {
          model.allotted = saved.allotted;
          const whole = new Map(parts.map(({ trade }, n) => [trade, saved.counted[n]]));
          for (const [trade, counted] of whole) trade.counted = counted;
        }
        return [outcome, allowed, () => done.forEach((trade) => model.settle(trade))];
      },
      "true-up"() {
        const settled = model.trades.filter((trade) => trade.settled && trade.claimed.size === 0);
        const id = draw(8) && settled.length ? pick(settled).id : 1 + draw(model.trades.length + 1);
        const trade = model.trades[id - 1] as Trade | undefined;
        const leaves = leavesFor(trade, draw(6) > 0);
        const outcome = settlement("true-up", [Cl.uint(id), proofList(leaves)], pick(people));
        const open = !!trade?.settled && !model.isFinal(trade, net.now());
        return [outcome, open && leaves.length > 0 && leaves.every(({ shown }) => model.takes(trade, shown)), () => {
          const was = model.delivered(trade!);
          for (const { shown } of leaves) model.count(trade!, shown);
          model.kept.set(trade!.seller, model.kept.get(trade!.seller)! + model.delivered(trade!) - was);
        }];
      },
      waive() {
        const id = idOf(model.trades, (one) => one.settled && !model.isFinal(one, net.now()));
        const trade = model.trades[id - 1] as Trade | undefined;
        const by = trade && draw(6) ? pick([trade.seller, trade.buyer]) : pick(people);
        const side = by === trade?.seller ? "seller" : "buyer";
        const outcome = settlement("waive-true-up", uints(id), by);
        const party = !!trade && (by === trade.seller || by === trade.buyer);
        return [outcome, party && trade.settled && !trade.waived.has(side), () => void trade!.waived.add(side)];
      },
      claim() {
        const final = model.trades.filter((trade) => trade.settled && model.isFinal(trade, net.now()));
        const id = draw(8) && final.length ? pick(final).id : 1 + draw(model.trades.length + 1);
        const trade = model.trades[id - 1] as Trade | undefined;
        const parties = trade ? people.filter((one) => model.isParty(trade, one) && !trade.claimed.has(one)) : [];
        const by = pick(draw(4) && parties.length ? parties : people);
        const outcome = settlement("claim", uints(id), by);
        const open = !!trade?.settled && model.isFinal(trade, net.now());
        return [outcome, open && model.isParty(trade, by) && !trade.claimed.has(by), () => {
          expect((plain(outcome.result) as any).ok).toBe(model.claim(trade!, by));
        }];
      },
      fees() {
        const currency = pick(CURRENCIES);
        const fees = model.fees.get(currency)!;
        const sum = amount(fees.held);
        const by = draw(4) ? net.deployer : pick(people);
        const args = [...uints(currency, sum), Cl.principal(net.wallets[0])];
        const outcome = settlement("withdraw-fees", args, by);
        return [outcome, by === net.deployer && sum > 0n && sum <= fees.held, () => {
          fees.held -= sum;
        }];
      },
      pause() {
        const outcome = net.call("roles", model.paused ? "unpause" : "pause", []);
        return [outcome, true, () => {
          model.paused = !model.paused;
        }];
      },
    };
    const often = ["create", "create", "create", "create", "create", "accept", "accept", "accept", "auction", "bid", "bid", "bid", "clear", "gather"];
    const later = ["match", "match", "deposit", "deposit", "end", "pledge", "pledge", "pledge", "pledge", "join", "join", "settle", "settle", "settle", "batch", "true-up", "waive", "waive", "claim", "claim", "claim"];
    const deck = [...Object.keys(steps).filter((name) => name !== "pause" || draw(2)), ...often, ...later];

    for (let step = 0; step < STEPS; step++) {
      if (step % 50 === 0) await breathe();
      if (draw(40) === 0) net.passTime(draw(4) ? draw(20) * WINDOW_S : pick([2 * DAY_S, 3 * DAY_S, 15 * DAY_S]));
      const name = model.paused && draw(2) ? "pause" : pick(deck);
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}, ${JSON.stringify(outcome.result)}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      outcomes[name] ??= { ok: 0, err: 0 };
      outcomes[name][allowed ? "ok" : "err"]++;

      for (const [contract, principal, owed] of [
        ["marketplace", market.contract, (currency: number) => model.escrow(currency)],
        ["payment-settlement", market.settlement, (currency: number) => model.settled(currency)],
      ] as const) {
        const expected = { stx: owed(STX), energy: owed(ENERGY) };
        expect(market.balances(principal), `${context}: what ${contract} has`).toEqual(expected);
        expect(net.view(contract, "get-escrow"), `${context}: what ${contract} writes down`).toEqual(expected);
      }
      if (step % 10 === 0) expect(wealth(), `${context}: nothing is made or lost`).toEqual(before);
    }

    // Whoever still has something to come gets it: nothing is stuck.
    if (model.paused) model.paused = !net.expectOk(net.call("roles", "unpause", []));
    net.passTime(20 * DAY_S);
    for (const trade of model.trades) {
      if (!trade.settled) {
        net.expectOk(settlement("settle-trade", [Cl.uint(trade.id), Cl.list([])], extra));
        model.settle(trade);
      }
      for (const who of people.filter((one) => model.isParty(trade, one) && !trade.claimed.has(one))) {
        net.expectOk(settlement("claim", uints(trade.id), who));
        model.claim(trade, who);
      }
      expect(trade.paidOut, `trade ${trade.id}`).toBe(trade.value + trade.bond);
      expect(net.view("payment-settlement", "get-payment-status", uints(trade.id))).toBe(5n);
    }
    const fees = (currency: number) => model.fees.get(currency)!.held;
    expect(market.balances(market.settlement)).toEqual({ stx: fees(STX), energy: fees(ENERGY) });
    for (const seller of new Set(sources.map((source) => source.seller))) {
      const score = net.view("marketplace", "get-reputation", [Cl.principal(seller)]);
      expect(score).toMatchObject({
        "promised-wh": model.promised.get(seller) ?? 0n,
        "delivered-wh": model.kept.get(seller) ?? 0n,
      });
    }
    expect(wealth()).toEqual(before);
  });
});

// The runs are worth something only if every kind of call succeeded in them, and most were refused too.
it.runIf(STEPS >= 500)("has tried every kind of call", () => {
  const kinds = Object.entries(outcomes);
  expect(kinds.length).toBeGreaterThan(20);
  expect(kinds.filter(([, { ok }]) => ok === 0), JSON.stringify(outcomes)).toEqual([]);
  expect(kinds.filter(([, { err }]) => err > 0).length, JSON.stringify(outcomes)).toBeGreaterThan(16);
});

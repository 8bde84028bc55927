// Pools and stakes of demand response, whatever is called in whatever order: what went in is
// paid, refunded, returned or burned, or still there. Random calls against a model that says
// which succeed and what each moves; what it knows of the contracts is written here a second
// time on purpose. RUNS sets the number of calls.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { plain, WINDOW_S } from "../harness/network.mjs";
import { breathe, generator, runs } from "./draws";
import { CLOSE_LEAD_S, DAY_S, enrolMeter, eventArgs, recordRegisters, responding, VERIFY_S } from "./response";

const STEPS = runs(400);
const DAYS = 5;
const SLASH_BASE = 10_000n * 6000n;

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

function squareRoot(n: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  while (root * root > n) root -= 1n;
  while ((root + 1n) * (root + 1n) <= n) root += 1n;
  return root;
}

interface Promise_ {
  meter: number;
  owner: string;
  wh: bigint;
  stake: bigint;
  days: number[];
  judged: { credited: bigint; slash: bigint } | null;
  settled: boolean;
}

interface Event {
  id: number;
  start: number;
  end: number;
  target: bigint;
  status: number;
  inWatt: boolean;
  funded: bigint;
  contributions: Map<string, bigint>;
  promises: Map<number, Promise_>;
  rewards: bigint;
  rest: bigint;
  unrefunded: bigint;
  creditedLeft: bigint;
}

describe.each([5, 20261121])("seed %i", (seed) => {
  it(`conserves pools and stakes over ${STEPS} random calls`, { timeout: 60_000 + 200 * STEPS }, async () => {
    const draw = generator(seed);
    const { net, utility } = await responding();
    const owners = [4, 5, 6, 7].map((at) => net.wallets[at]);
    const meters = owners.map((owner) => enrolMeter(net, owner));
    const events: Event[] = [];
    const busy = new Set<string>();
    /** What each meter used in the window before and at a time, once it is attested. */
    const used = new Map<number, bigint[]>();
    const money = { stx: { funded: 0n, paid: 0n, refunded: 0n }, watt: { funded: 0n, paid: 0n, refunded: 0n } };
    const poolOf = ({ inWatt }: Event) => (inWatt ? money.watt : money.stx);
    const heldOf = ({ funded, paid, refunded }: typeof money.stx) => funded - paid - refunded;
    const MINTED = 100_000_000n;
    net.expectOk(net.grant(net.deployer, "reward-minter"));
    for (const funder of net.wallets.slice(0, 3)) {
      net.expectOk(net.call("reward-token", "mint", [Cl.uint(MINTED), Cl.principal(funder)]));
    }
    const wattOf = (who: string) => net.view("reward-token", "get-balance", [Cl.principal(who)]).ok;
    const stakes = { staked: 0n, returned: 0n, slashed: 0n };
    let paused = false;
    const counts: Record<string, number> = {};
    const balances = () => net.vm.getAssetsMap().get("STX")!;
    const wealth = (stx = balances()) => net.wallets.map((wallet) => stx.get(wallet) ?? 0n).reduce((a, b) => a + b);
    const before = wealth();
    const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
    const call = (contract: string, name: string, args: any[], by: string) => net.call(contract, name, args, by);
    const idOf = (event?: Event) => (event && draw(20) ? event.id : events.length + 1);
    const typeOf = (day: number) => ((day + 4) % 7) % 6 === 0;
    const isOpen = (event: Event) => event.status === 0 && net.now() < event.start - CLOSE_LEAD_S;
    const verifyUntil = (event: Event) => event.end + VERIFY_S;

    const waiting = ({ promises }: Event) => [...promises.values()].some(({ judged }) => !judged);
    /** For which events a step may succeed. */
    const fits: Record<string, (event: Event) => boolean> = {
      fund: ({ status }) => status <= 1,
      commit: isOpen,
      withdraw: (one) => one.promises.size > 0 && (isOpen(one) || one.status === 4),
      start: (one) => one.status === 0 && one.funded > 0n && !isOpen(one),
      end: ({ status, end }) => status === 1 && net.now() >= end,
      cancel: ({ status, end }) => status === 0 && net.now() >= end,
      verify: (one) => [1, 2].includes(one.status) && net.now() >= one.end && waiting(one),
      excuse: (one) => [1, 2].includes(one.status) && net.now() >= one.end + DAY_S && waiting(one),
      distribute: (one) => one.status === 2 && (!waiting(one) || net.now() > verifyUntil(one)),
      claim: (one) => one.status === 3 && [...one.promises.values()].some(({ settled }) => !settled),
      refund: ({ status, rest }) => status >= 3 && rest > 0n,
    };
    const fitting = (name: string) => events.slice(-12).filter(fits[name] ?? (() => false));
    // Mostly one of those where the step may succeed, else one of the newest.
    const anEvent = (name: string): Event | undefined => {
      const some = fitting(name);
      return some.length && draw(5) ? some[draw(some.length)] : events[Math.max(0, events.length - 1 - draw(4))];
    };

    const daysOf = (meter: number, start: number): number[] => {
      const day = Math.floor(start / DAY_S);
      const back = Array.from({ length: 45 }, (_, at) => at + 1);
      return back.filter((k) => typeOf(day - k) === typeOf(day) && !busy.has(`${meter} ${day - k}`)).slice(0, DAYS);
    };
    const record = (start: number, most = 1000) => {
      if (used.has(start)) return;
      const base = start - 1_700_000_000;
      const wh = meters.map(() => BigInt(draw(most)));
      recordRegisters(net, start - WINDOW_S, meters.map((usagePoint) => ({ usagePoint, register: base })));
      recordRegisters(net, start, meters.map((usagePoint, at) => ({ usagePoint, register: base + Number(wh[at]) })));
      used.set(start, wh);
    };
    const judge = (event: Event, promise: Promise_) => {
      const at = meters.indexOf(promise.meter);
      const usages = promise.days.map((day) => used.get(event.start - day * DAY_S)![at]);
      const actual = used.get(event.start)![at];
      const sum = usages.reduce((a, b) => a + b, 0n);
      const squares = usages.reduce((a, b) => a + b * b, 0n);
      const error = squareRoot(BigInt(DAYS) * squares - sum * sum) / BigInt(DAYS);
      const baseline = sum / BigInt(DAYS);
      const reduction = baseline > actual ? baseline - actual : 0n;
      const bps = (reduction * 10_000n) / promise.wh;
      const credited =
        bps >= 7500n ? smaller(reduction, (promise.wh * 12_000n) / 10_000n) : bps >= 6000n ? (reduction * 5000n) / 10_000n : 0n;
      const spared = bps >= 6000n || reduction + error >= (promise.wh * 6000n) / 10_000n;
      const slash = spared ? 0n : (promise.stake * 10_000n * (6000n - bps) + SLASH_BASE - 1n) / SLASH_BASE;
      promise.judged = { credited, slash };
    };

    type Step = () => [any, boolean, () => void];
    const steps: Record<string, Step> = {
      create() {
        // Hours of their own, so that one event's windows are never in another's.
        const day = Math.ceil((net.now() + CLOSE_LEAD_S + 600) / DAY_S) + draw(3);
        const start = day * DAY_S + (events.length % 48) * 2 * WINDOW_S;
        const [end, target] = [start + WINDOW_S, BigInt(draw(1500))];
        const by = draw(10) ? utility : net.outsider;
        const inWatt = draw(3) === 0;
        const name = inWatt ? "create-token-event" : "create-event";
        const outcome = call("event-manager", name, eventArgs({ start, end, targetWh: target }), by);
        const ahead = net.now() + CLOSE_LEAD_S < start;
        return [outcome, !paused && by === utility && target > 0n && ahead, () => {
          events.push({
            id: events.length + 1, start, end, target, status: 0, inWatt, funded: 0n, contributions: new Map(),
            promises: new Map(), rewards: 0n, rest: 0n, unrefunded: 0n, creditedLeft: 0n,
          });
        }];
      },
      fund() {
        const event = anEvent("fund");
        const [id, amount, by] = [idOf(event), BigInt(draw(8) ? draw(1_000_000) : 0), net.wallets[draw(3)]];
        const outcome = call("event-manager", "fund-event", uints(id, amount), by);
        const known = event && id === event.id;
        return [outcome, !!known && !paused && amount > 0n && event.status <= 1 && net.now() < event.end, () => {
          event!.funded += amount;
          event!.unrefunded += amount;
          event!.contributions.set(by, (event!.contributions.get(by) ?? 0n) + amount);
          poolOf(event!).funded += amount;
        }];
      },
      commit() {
        const event = anEvent("commit");
        const [id, at, wh] = [idOf(event), draw(4), BigInt(draw(500))];
        const by = draw(8) ? owners[at] : owners[(at + 1) % 4];
        const stake = draw(6) ? wh * 100n + BigInt(draw(50_000)) : wh * 90n;
        const meter = meters[at];
        const outcome = call("commitment", "commit", uints(id, meter, wh, stake), by);
        const known = event && id === event.id;
        const day = event ? Math.floor(event.start / DAY_S) : 0;
        const days = event ? daysOf(meter, event.start) : [];
        const allowed = !!known && !paused && isOpen(event) && by === owners[at] && wh > 0n && stake > 0n &&
          stake >= wh * 100n && days.length === DAYS && !busy.has(`${meter} ${day}`);
        return [outcome, allowed, () => {
          busy.add(`${meter} ${day}`);
          event!.promises.set(meter, { meter, owner: by, wh, stake, days, judged: null, settled: false });
          stakes.staked += stake;
        }];
      },
      withdraw() {
        const event = anEvent("withdraw");
        const [id, at] = [idOf(event), draw(4)];
        const by = draw(8) ? owners[at] : net.wallets[0];
        const outcome = call("commitment", "withdraw-commitment", uints(id, meters[at]), by);
        const promise = event && id === event.id ? event.promises.get(meters[at]) : undefined;
        return [outcome, !!promise && by === promise.owner && (isOpen(event!) || event!.status === 4), () => {
          event!.promises.delete(promise!.meter);
          busy.delete(`${promise!.meter} ${Math.floor(event!.start / DAY_S)}`);
          stakes.returned += promise!.stake;
        }];
      },
      start() {
        const event = anEvent("start");
        const outcome = call("event-manager", "start-event", uints(event?.id ?? 1), net.outsider);
        const due = !!event && net.now() >= event.start - CLOSE_LEAD_S && net.now() < event.end;
        return [outcome, due && event.status === 0 && event.funded > 0n, () => {
          event!.status = 1;
        }];
      },
      end() {
        const event = anEvent("end");
        const outcome = call("event-manager", "end-event", uints(event?.id ?? 1), net.outsider);
        return [outcome, !!event && event.status === 1 && net.now() >= event.end, () => {
          event!.status = 2;
        }];
      },
      cancel() {
        const event = anEvent("cancel");
        const by = draw(6) ? net.outsider : utility;
        const outcome = call("event-manager", "cancel-event", uints(event?.id ?? 1), by);
        const over = !!event && net.now() >= event.end;
        return [outcome, !!event && event.status === 0 && (over || (by === utility && isOpen(event))), () => {
          event!.status = 4;
          event!.rest = event!.funded;
        }];
      },
      verify() {
        const event = anEvent("verify");
        const at = draw(4);
        const promise = event?.promises.get(meters[at]);
        if (event && promise) {
          promise.days.forEach((day) => record(event.start - day * DAY_S));
          record(event.start, 400);
        }
        const by = draw(2) ? owners[at] : net.wallets[0];
        const start = event?.start ?? 0;
        const args = uints(event?.id ?? 1, meters[at], Math.max(0, start - WINDOW_S), start);
        const outcome = call("commitment", "verify-commitment", args, by);
        const now = net.now();
        const due = !!event && [1, 2].includes(event.status) && now >= event.end && now <= verifyUntil(event);
        return [outcome, due && !!promise && !promise.judged, () => {
          judge(event!, promise!);
          const { credited, slash } = promise!.judged!;
          expect(plain(outcome.result)).toMatchObject({ ok: { "credited-wh": credited, slash } });
        }];
      },
      excuse() {
        const event = anEvent("excuse");
        const at = draw(4);
        const promise = event?.promises.get(meters[at]);
        const by = draw(5) ? owners[at] : net.wallets[0];
        const outcome = call("commitment", "excuse-commitment", uints(event?.id ?? 1, meters[at], event?.start ?? 0), by);
        const now = net.now();
        const due = !!event && [1, 2].includes(event.status) && now >= event.end + DAY_S && now <= verifyUntil(event);
        const outage = !!event && !used.has(event.start);
        return [outcome, due && outage && !!promise && !promise.judged && by === promise.owner, () => {
          promise!.judged = { credited: 0n, slash: 0n };
        }];
      },
      distribute() {
        const event = anEvent("distribute");
        const outcome = call("reward-distributor", "distribute", uints(event?.id ?? 1), net.outsider);
        const promises = [...(event?.promises.values() ?? [])];
        const due = !!event && (promises.every(({ judged }) => judged) || net.now() > verifyUntil(event));
        return [outcome, due && event.status === 2, () => {
          const credited = promises.reduce((sum, { judged }) => sum + (judged?.credited ?? 0n), 0n);
          event!.status = 3;
          event!.creditedLeft = credited;
          event!.rewards = (event!.funded * credited) / (credited > event!.target ? credited : event!.target);
          event!.rest = event!.funded - event!.rewards;
        }];
      },
      claim() {
        const event = anEvent("claim");
        const at = draw(4);
        const outcome = call("reward-distributor", "claim-reward", uints(event?.id ?? 1, meters[at]), net.outsider);
        const promise = event?.promises.get(meters[at]);
        return [outcome, !!promise && event!.status === 3 && !promise.settled, () => {
          const credited = promise!.judged?.credited ?? 0n;
          const slash = promise!.judged ? promise!.judged.slash : promise!.stake;
          const reward = credited ? (event!.rewards * credited) / event!.creditedLeft : 0n;
          expect(plain(outcome.result)).toMatchObject({ ok: { reward, "stake-slashed": slash } });
          promise!.settled = true;
          event!.rewards -= reward;
          event!.creditedLeft -= credited;
          poolOf(event!).paid += reward;
          stakes.slashed += slash;
          stakes.returned += promise!.stake - slash;
        }];
      },
      refund() {
        const event = anEvent("refund");
        const by = net.wallets[draw(3)];
        const outcome = call("event-manager", "claim-refund", uints(event?.id ?? 1), by);
        const contribution = event?.contributions.get(by) ?? 0n;
        const amount = contribution ? (event!.rest * contribution) / event!.unrefunded : 0n;
        return [outcome, amount > 0n, () => {
          event!.contributions.delete(by);
          event!.unrefunded -= contribution;
          event!.rest -= amount;
          poolOf(event!).refunded += amount;
        }];
      },
      pause() {
        const outcome = call("roles", paused ? "unpause" : "pause", [], net.deployer);
        return [outcome, true, () => {
          paused = !paused;
        }];
      },
    };
    const deck = Object.keys(steps).filter((name) => name !== "pause");
    const late = ["commit", "start", "end", "verify", "verify", "distribute", "claim", "claim"];
    const next = () => {
      if (events.length === 0) return "create";
      if (paused ? draw(3) === 0 : draw(60) === 0) return "pause";
      // Half of the calls are such as may succeed now.
      const young = events.filter(({ status }) => status === 0).length < 3;
      const possible = [...deck, ...late, ...late].filter((name) => (name === "create" ? young : fitting(name).length > 0));
      return possible.length && draw(2) ? possible[draw(possible.length)] : deck[draw(deck.length)];
    };

    // From a Monday on, whatever day it is: a seed makes the same run every time.
    net.passTime((4 * DAY_S + 7 * DAY_S - (net.now() % (7 * DAY_S))) % (7 * DAY_S));
    for (let step = 0; step < STEPS; step++) {
      if (step % 50 === 0) await breathe();
      // Time passes to where something changes, or a little.
      const milestones = events.slice(-6).flatMap((one) => [one.start - CLOSE_LEAD_S, one.end, one.end + DAY_S, verifyUntil(one) + 1]);
      const ahead = milestones.filter((time) => time > net.now()).sort((a, b) => a - b);
      if (draw(10) === 0) net.passTime(ahead.length && draw(3) ? ahead[0] - net.now() : draw(9000));
      const name = next();
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}`;
      expect(outcome.result.type, `${context}: ${JSON.stringify(outcome.result.value?.value)}`).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      const key = `${name} ${allowed ? "ok" : "err"}`;
      counts[key] = (counts[key] ?? 0) + 1;

      const pooled = heldOf(money.stx);
      const staked = stakes.staked - stakes.returned - stakes.slashed;
      expect(net.view("event-manager", "get-escrow"), context).toEqual({ ...money.stx, held: pooled });
      const tokens = heldOf(money.watt);
      expect(net.view("event-manager", "get-token-escrow"), context).toEqual({ ...money.watt, held: tokens });
      expect(wattOf(`${net.deployer}.event-manager`), context).toBe(tokens);
      expect(net.view("commitment", "get-escrow"), context).toEqual({ ...stakes, held: staked });
      const stx = balances();
      const held = (contract: string) => stx.get(`${net.deployer}.${contract}`) ?? 0n;
      expect(held("event-manager"), context).toBe(pooled);
      expect(held("commitment"), context).toBe(staked);
      expect(held("reward-distributor"), context).toBe(0n);
      expect(wealth(stx), context).toBe(before - pooled - staked - stakes.slashed);
      // Every obligation is covered: what is owed to funders and participants is what is there.
      const owed = (inWatt: boolean) =>
        events
          .filter((one) => one.inWatt === inWatt)
          .reduce((sum, one) => sum + (one.status >= 3 ? one.rewards + one.rest : one.funded), 0n);
      expect([owed(false), owed(true)], context).toEqual([pooled, tokens]);
      const promised = events.flatMap(({ promises }) => [...promises.values()]).filter(({ settled }) => !settled);
      expect(promised.reduce((sum, { stake }) => sum + stake, 0n), context).toBe(staked);
    }
    for (const name of ["create", "fund", "commit", "withdraw", "start", "end", "verify", "claim", "refund"]) {
      expect(counts[`${name} ok`] ?? 0, `${name} must succeed: ${JSON.stringify(counts)}`).toBeGreaterThan(0);
      if (name !== "create") expect(counts[`${name} err`] ?? 0, `${name} must be refused`).toBeGreaterThan(0);
    }
    expect(money.stx.paid + money.watt.paid).toBeGreaterThan(0n);
    const everyone = [...net.wallets, `${net.deployer}.event-manager`].reduce((sum, who) => sum + wattOf(who), 0n);
    expect(everyone).toBe(3n * MINTED);
  });
});

// What is locked is held and given back to its owner only; supply = minted - burned =
// balances + locked, at most the cap: random calls against a model. A failing seed replays.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { breathe, generator, runs } from "./draws";

const RUNS = runs(250);
const MAX = 2n ** 128n - 1n;
const CAP = 10n ** 15n;
const HOLD_MAX_S = 2_592_000;

describe.each([5, 20261121])("seed %i", (seed) => {
  it(`conserves WATT over ${RUNS} random calls`, { timeout: 1_200_000 }, async () => {
    const draw = generator(seed);
    const net = await Network.deployed();
    const [minter, alice, bob, voting] = net.wallets;
    net.expectOk(net.grant(minter, "reward-minter"));
    net.expectOk(net.grant(voting, "governance"));
    const people = [minter, alice, bob, voting];
    const free = new Map(people.map((who) => [who, 0n]));
    const locked = new Map(people.map((who) => [who, 0n]));
    const heldUntil = new Map(people.map((who) => [who, 0]));
    let [minted, burned] = [0n, 0n];
    const outcomes = { ok: 0, err: 0 };
    const one = () => people[draw(people.length)];
    const amountUpTo = (most: bigint) => [0n, 1n, BigInt(draw(1000)), most, most + 1n, MAX][draw(6)];
    const call = (name: string, args: any[], by: string) => net.call("reward-token", name, args, by);
    const add = (map: Map<string, bigint>, who: string, amount: bigint) => map.set(who, map.get(who)! + amount);
    const total = (map: Map<string, bigint>) => [...map.values()].reduce((a, b) => a + b);

    const steps: Record<string, () => [any, boolean, () => void]> = {
      mint() {
        const [by, to] = [draw(3) ? minter : one(), one()];
        const room = CAP - (minted - burned);
        const amount = draw(10) ? BigInt(draw(100_000)) : amountUpTo(room);
        const allowed = by === minter && amount > 0n && amount <= room;
        return [call("mint", [Cl.uint(amount), Cl.principal(to)], by), allowed, () => {
          minted += amount;
          add(free, to, amount);
        }];
      },
      transfer() {
        const [from, to] = [one(), one()];
        const by = draw(4) ? from : one();
        const amount = amountUpTo(free.get(from)!);
        const args = [Cl.uint(amount), Cl.principal(from), Cl.principal(to), Cl.none()];
        const allowed = by === from && from !== to && amount > 0n && amount <= free.get(from)!;
        return [call("transfer", args, by), allowed, () => {
          add(free, from, -amount);
          add(free, to, amount);
        }];
      },
      burn() {
        const from = one();
        const by = draw(4) ? from : one();
        const amount = amountUpTo(free.get(from)!);
        const allowed = by === from && amount > 0n && amount <= free.get(from)!;
        return [call("burn", [Cl.uint(amount), Cl.principal(from)], by), allowed, () => {
          burned += amount;
          add(free, from, -amount);
        }];
      },
      lock() {
        const by = one();
        const amount = amountUpTo(free.get(by)!);
        const allowed = amount > 0n && amount <= free.get(by)!;
        return [call("lock", [Cl.uint(amount)], by), allowed, () => {
          add(free, by, -amount);
          add(locked, by, amount);
        }];
      },
      unlock() {
        const by = one();
        const amount = amountUpTo(locked.get(by)!);
        const outcome = call("unlock", [Cl.uint(amount)], by);
        const due = net.now() > heldUntil.get(by)!;
        return [outcome, amount > 0n && amount <= locked.get(by)! && due, () => {
          add(locked, by, -amount);
          add(free, by, amount);
        }];
      },
      hold() {
        const who = one();
        const by = draw(3) ? voting : one();
        const far = draw(4) === 0;
        const until = net.now() + (far ? HOLD_MAX_S + 1000 : draw(3000));
        const outcome = call("hold", [Cl.principal(who), Cl.uint(until)], by);
        return [outcome, by === voting && !far, () => {
          heldUntil.set(who, Math.max(heldUntil.get(who)!, until));
        }];
      },
    };
    const deck = [...Object.keys(steps), "lock", "unlock", "unlock"];

    for (let step = 0; step < RUNS; step++) {
      if (step % 50 === 0) await breathe();
      const name = deck[draw(deck.length)];
      if (draw(10) === 0) net.passTime(draw(3000));
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      outcomes[allowed ? "ok" : "err"]++;
      const owed = total(locked);
      expect(net.view("reward-token", "get-totals"), context).toEqual({ minted, burned, locked: owed });
      expect(net.view("reward-token", "get-escrow"), context).toEqual({ owed, held: owed });
      const supply = net.view("reward-token", "get-total-supply").ok;
      expect(supply, context).toBe(total(free) + owed);
      expect(supply, context).toBe(minted - burned);
      expect(supply <= CAP, context).toBe(true);
      const who = one();
      expect(net.view("reward-token", "get-locked", [Cl.principal(who)]), context).toBe(locked.get(who));
      expect(net.view("reward-token", "get-balance", [Cl.principal(who)]).ok, context).toBe(free.get(who));
    }
    expect(outcomes.ok).toBeGreaterThan(RUNS / 5);
    expect(outcomes.err).toBeGreaterThan(RUNS / 8);
  });
});

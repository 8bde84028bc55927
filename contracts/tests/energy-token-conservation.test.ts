// Supply = minted - burned = balances, whatever is called by whom with whatever amount:
// random calls against a model that says which succeed. A failing seed replays.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { breathe, generator, runs } from "./draws";

const RUNS = runs(250);
const MAX = 2n ** 128n - 1n;
const MINT_MAX = 10n ** 15n;

describe.each([3, 20261121])("seed %i", (seed) => {
  it(`conserves ENERGY over ${RUNS} random calls`, { timeout: 1_200_000 }, async () => {
    const draw = generator(seed);
    const net = await Network.deployed();
    const [minter, alice, bob, carol] = net.wallets;
    const people = [minter, alice, bob, carol];
    const balances = new Map(people.map((who) => [who, 0n]));
    let [minted, burned, isMinter, paused] = [0n, 0n, false, false];
    const outcomes = { ok: 0, err: 0 };
    const one = () => people[draw(people.length)];
    const amountUpTo = (most: bigint) =>
      [0n, 1n, BigInt(draw(1000)), most, most + 1n, MAX][draw(6)];
    const call = (name: string, args: any[], by: string) => net.call("energy-token", name, args, by);
    const add = (who: string, amount: bigint) => balances.set(who, balances.get(who)! + amount);

    const steps: (() => [any, boolean, () => void])[] = [
      () => {
        const [by, to, amount] = [draw(3) ? minter : one(), one(), amountUpTo(BigInt(draw(5000)))];
        const allowed = by === minter && isMinter && !paused && amount > 0n && amount <= MINT_MAX;
        const outcome = call("mint", [Cl.uint(amount), Cl.principal(to)], by);
        return [outcome, allowed, () => {
          minted += amount;
          add(to, amount);
        }];
      },
      () => {
        const [from, to] = [one(), one()];
        const by = draw(4) ? from : one();
        const amount = amountUpTo(balances.get(from)!);
        const args = [Cl.uint(amount), Cl.principal(from), Cl.principal(to), Cl.none()];
        const allowed = by === from && from !== to && amount > 0n && amount <= balances.get(from)!;
        return [call("transfer", args, by), allowed, () => {
          add(from, -amount);
          add(to, amount);
        }];
      },
      () => {
        const from = one();
        const by = draw(4) ? from : one();
        const amount = amountUpTo(balances.get(from)!);
        const allowed = by === from && amount > 0n && amount <= balances.get(from)!;
        return [call("burn", [Cl.uint(amount), Cl.principal(from)], by), allowed, () => {
          burned += amount;
          add(from, -amount);
        }];
      },
      () => {
        if (draw(4)) return [null, false, () => {}];
        const outcome = net.call("roles", paused ? "unpause" : "pause", []);
        return [outcome, true, () => (paused = !paused)];
      },
      () => {
        if (isMinter && draw(4)) return [null, false, () => {}];
        const args = [Cl.principal(minter), Cl.stringAscii("minter")];
        const outcome = net.call("roles", isMinter ? "revoke-role" : "grant-role", args);
        return [outcome, true, () => (isMinter = !isMinter)];
      },
    ];

    for (let step = 0; step < RUNS; step++) {
      if (step % 50 === 0) await breathe();
      const [outcome, allowed, apply] = steps[draw(steps.length)]();
      if (!outcome) continue;
      const context = `seed ${seed}, step ${step}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      outcomes[allowed ? "ok" : "err"]++;
      expect(net.view("energy-token", "get-totals"), context).toEqual({ minted, burned });
      const supply = [...balances.values()].reduce((a, b) => a + b);
      expect(supply, context).toBe(minted - burned);
      expect(net.view("energy-token", "get-total-supply").ok, context).toBe(supply);
      const who = one();
      expect(net.view("energy-token", "get-balance", [Cl.principal(who)]).ok, context).toBe(balances.get(who));
    }
    expect(outcomes.ok).toBeGreaterThan(RUNS / 8);
    expect(outcomes.err).toBeGreaterThan(RUNS / 8);
  });
});

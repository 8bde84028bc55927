// Stake in = stake out + slashed + held, whatever is called in whatever order: random
// calls against a model that says which succeed. Bounded, and seeded: a failing seed
// replays. What the model knows of oracle-staking is written here a second time on purpose.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { MIN_STAKE, Network, plain, UNBONDING_S } from "../harness/network.mjs";
import { breathe, generator, runs } from "./draws";

const STEPS = runs(400);
const OPERATORS = 7;

interface Bond {
  owner: string;
  stake: bigint;
  unbonding: bigint;
  unlockAt: number;
  barred: boolean;
}

class Model {
  bonds = new Map<number, Bond>();
  staked = 0n;
  withdrawn = 0n;
  slashed = 0n;
  bounties = 0n;
  paused = false;
  current: number[] = [];
  proposed: number[] | null = null;

  held(): bigint {
    return [...this.bonds.values()].reduce((sum, bond) => sum + bond.stake + bond.unbonding, 0n);
  }

  isMember(operator: number): boolean {
    return this.current.includes(operator) || (this.proposed ?? []).includes(operator);
  }
}

describe.each([1, 20261121, 77])("seed %i", (seed) => {
  it(`conserves stake over ${STEPS} random calls`, { timeout: 120_000 + 200 * STEPS }, async () => {
    const draw = generator(seed);
    const net = await Network.deployed();
    net.initialise();
    const model = new Model();
    const dispute = net.wallets[5];
    const hunter = net.wallets[6];
    net.expectOk(
      net.call("roles", "grant-role", [Cl.principal(dispute), Cl.stringAscii("dispute")]),
    );
    for (let n = 0; n < OPERATORS; n++) {
      const operator = net.enrol(n);
      model.staked += BigInt(MIN_STAKE);
      const owner = net.owner(n);
      model.bonds.set(operator, { owner, stake: BigInt(MIN_STAKE), unbonding: 0n, unlockAt: 0, barred: false });
    }
    const wealth = () => [...net.wallets].map((wallet) => net.balance(wallet));
    const before = wealth().reduce((a, b) => a + b) + model.staked;
    const amount = () => BigInt([0, 1, draw(1000), draw(MIN_STAKE), MIN_STAKE, 2 * MIN_STAKE][draw(6)]);
    const mostlyOwner = (id: number) =>
      draw(5) === 0 ? net.outsider : (model.bonds.get(id)?.owner ?? net.outsider);
    const outcomes = { ok: 0, err: 0 };

    const steps: Record<string, () => [any, boolean, () => void]> = {
      stake() {
        const [id, sum] = [1 + draw(OPERATORS + 1), amount()];
        const by = mostlyOwner(id);
        const bond = model.bonds.get(id);
        const outcome = net.stake(id, sum, by);
        return [outcome, !!bond && bond.owner === by && !model.paused && sum > 0n, () => {
          bond!.stake += sum;
          model.staked += sum;
        }];
      },
      "request-unstake"() {
        const [id, sum] = [1 + draw(OPERATORS), amount()];
        const by = mostlyOwner(id);
        const bond = model.bonds.get(id)!;
        const outcome = net.call("oracle-staking", "request-unstake", [Cl.uint(id), Cl.uint(sum)], by);
        const allowed =
          bond.owner === by &&
          sum > 0n &&
          sum <= bond.stake &&
          (bond.stake - sum >= BigInt(MIN_STAKE) || !model.isMember(id));
        return [outcome, allowed, () => {
          bond.stake -= sum;
          bond.unbonding += sum;
          bond.unlockAt = Number((plain(outcome.result) as any).ok);
        }];
      },
      withdraw() {
        const id = 1 + draw(OPERATORS);
        const by = mostlyOwner(id);
        const bond = model.bonds.get(id)!;
        const outcome = net.call("oracle-staking", "withdraw", [Cl.uint(id)], by);
        // A call is mined in a block of its own, ten seconds after the one before.
        const due = net.now() >= bond.unlockAt;
        return [outcome, bond.owner === by && bond.unbonding > 0n && due, () => {
          model.withdrawn += bond.unbonding;
          bond.unbonding = 0n;
        }];
      },
      slash() {
        const ids = Array.from({ length: draw(4) }, () => 1 + draw(OPERATORS + 1));
        const [share, bps] = [BigInt(draw(11_000)), BigInt(draw(11_000))];
        const by = draw(5) === 0 ? net.deployer : dispute;
        const guilty = Cl.list(ids.map((id) => Cl.uint(id)));
        const args = [guilty, Cl.uint(share), Cl.uint(bps), Cl.principal(hunter)];
        const outcome = net.call("oracle-staking", "slash", args, by);
        const known = ids.length > 0 && ids.every((id) => model.bonds.has(id));
        const bounded = share > 0n && share <= 10_000n && bps <= 10_000n;
        return [outcome, known && bounded && by === dispute, () => {
          let taken = 0n;
          for (const id of ids) {
            const bond = model.bonds.get(id)!;
            const loss = ((bond.stake + bond.unbonding) * share + 9_999n) / 10_000n;
            const fromStake = loss < bond.stake ? loss : bond.stake;
            bond.stake -= fromStake;
            bond.unbonding -= loss - fromStake;
            bond.barred = true;
            taken += loss;
          }
          model.slashed += taken;
          model.bounties += (taken * bps) / 10_000n;
        }];
      },
      reinstate() {
        const id = 1 + draw(OPERATORS);
        const bond = model.bonds.get(id)!;
        const outcome = net.call("oracle-staking", "reinstate", [Cl.uint(id)]);
        return [outcome, bond.barred, () => {
          bond.barred = false;
        }];
      },
      "propose-epoch"() {
        const members = Array.from({ length: 3 + draw(3) }, () => 1 + draw(OPERATORS));
        const outcome = net.propose(members);
        const bonds = members.map((id) => model.bonds.get(id)!);
        const funded = bonds.every((bond) => bond.stake >= BigInt(MIN_STAKE) && !bond.barred);
        const distinct = new Set(members).size === members.length;
        return [outcome, members.length >= 4 && funded && distinct, () => {
          model.proposed = members;
        }];
      },
      "activate-epoch"() {
        const outcome = net.activate();
        return [outcome, model.proposed !== null, () => {
          model.current = model.proposed!;
          model.proposed = null;
        }];
      },
      pause() {
        const outcome = net.call("roles", model.paused ? "unpause" : "pause", []);
        return [outcome, true, () => {
          model.paused = !model.paused;
        }];
      },
    };
    const names = Object.keys(steps);
    // Staking and leaving are drawn more often than the rest.
    const deck = [...names, "stake", "stake", "request-unstake", "request-unstake", "withdraw", "withdraw"];

    for (let step = 0; step < STEPS; step++) {
      if (step % 50 === 0) await breathe();
      const name = deck[draw(deck.length)];
      if (draw(8) === 0) net.passTime(draw(UNBONDING_S));
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      outcomes[allowed ? "ok" : "err"]++;

      const held = model.held();
      expect(net.balance(net.staking), context).toBe(held);
      expect(net.view("oracle-staking", "get-totals"), context).toEqual({
        staked: model.staked,
        withdrawn: model.withdrawn,
        slashed: model.slashed,
        held,
      });
      expect(model.staked, context).toBe(model.withdrawn + model.slashed + held);
      // Nobody gained or lost anything but stake, and what was not a bounty is burned.
      const total = wealth().reduce((a, b) => a + b) + held;
      expect(total, context).toBe(before - (model.slashed - model.bounties));
    }
    for (const [id, bond] of model.bonds) {
      expect(net.view("oracle-staking", "get-operator", [Cl.uint(id)])).toMatchObject({
        stake: bond.stake,
        unbonding: bond.unbonding,
      });
    }
    // The run is worth something only if it both succeeded and was refused often.
    expect(outcomes.ok).toBeGreaterThan(STEPS / 5);
    expect(outcomes.err).toBeGreaterThan(STEPS / 10);
    expect(model.withdrawn).toBeGreaterThan(0n);
    expect(model.slashed).toBeGreaterThan(0n);
  });
});

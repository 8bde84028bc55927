// Bonds paid = refunded + burned + held, and stake as ever, whatever is accused, voted and
// resolved in whatever order: random calls against a model that says which succeed.

import { Cl } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { COMMIT, sign, voteHash } from "../harness/committee.mjs";
import { hash32 } from "../harness/entries.mjs";
import { MIN_STAKE, Network } from "../harness/network.mjs";
import { breathe, generator, runs } from "./draws";

const STEPS = runs(250);
/** In a long run there is more to be accused of, and the newest challenges are looked at. */
const FILES = Math.max(6, Math.floor(STEPS / 40));
const HEIGHTS = Math.max(3, Math.floor(STEPS / 80));
const NEWEST = 12;
const MEMBERS = 7;
const BOND = 100_000_000n;
const VOTING_S = 259_200;

interface Challenge {
  accused: number;
  seats: number;
  votes: Map<string, boolean>;
  tally: { true: number; false: number };
  deadline: number;
  open: boolean;
}

describe.each([3, 20261121])("seed %i", (seed) => {
  it(`conserves bonds and stake over ${STEPS} random calls`, { timeout: 120_000 + 200 * STEPS }, async () => {
    const draw = generator(seed);
    const net = await Network.disputing(MEMBERS);
    const stakes = Array.from({ length: MEMBERS }, () => BigInt(MIN_STAKE));
    const owner = (id: number) => net.owner(id - 1);
    const seatsOf = (who: string) => Array.from({ length: MEMBERS }, (_, slot) => net.owner(slot)).filter((one) => one === who).length;
    const known = new Set<string>();
    const shown = new Set<string>();
    const challenges: Challenge[] = [];
    const money = { paid: 0n, refunded: 0n, burned: 0n, slashed: 0n, bounties: 0n };
    const outcomes = { ok: 0, err: 0 };
    const wealth = () => net.wallets.map((wallet) => net.balance(wallet)).reduce((a, b) => a + b);
    const before = wealth();
    const newest = () =>
      Math.max(0, challenges.length - NEWEST) + 1 + draw(Math.min(challenges.length, NEWEST) + 1);
    const call = (name: string, args: any[], by: string) => net.call("dispute-resolution", name, args, by);
    const take = (id: number, bps: bigint) => {
      const loss = (stakes[id - 1] * bps + 9_999n) / 10_000n;
      stakes[id - 1] -= loss;
      money.slashed += loss;
      money.bounties += loss / 10n;
    };

    const steps: Record<string, () => [any, boolean, () => void]> = {
      open() {
        const [accused, ground, file] = [1 + draw(MEMBERS + 1), draw(8), draw(FILES)];
        const key = `${accused} ${ground} ${file}`;
        const args = [Cl.uint(accused), Cl.uint(ground), Cl.buffer(hash32(`${file}`)), Cl.uint(0)];
        const outcome = call("open-challenge", args, net.wallets[4 + draw(4)]);
        const allowed = accused <= MEMBERS && ground >= 1 && ground <= 6 && !known.has(key);
        const deadline = net.now() + VOTING_S;
        return [outcome, allowed, () => {
          known.add(key);
          const seats = MEMBERS - seatsOf(owner(accused));
          challenges.push({ accused, seats, votes: new Map(), tally: { true: 0, false: 0 }, deadline, open: true });
          money.paid += BOND;
        }];
      },
      vote() {
        const [id, guilty, by] = [newest(), draw(3) > 0, net.wallets[draw(5)]];
        const outcome = call("vote-challenge", [Cl.uint(id), Cl.bool(guilty)], by);
        const found = challenges[id - 1];
        const free = found?.open && net.now() <= found.deadline && !found.votes.has(by);
        return [outcome, !!free && by !== owner(found.accused) && seatsOf(by) > 0, () => {
          found.votes.set(by, guilty);
          found.tally[`${guilty}`] += seatsOf(by);
        }];
      },
      resolve() {
        const id = newest();
        const outcome = call("resolve-challenge", [Cl.uint(id)], net.outsider);
        const found = challenges[id - 1];
        const guilty = !!found && 2 * found.tally.true > found.seats;
        const acquitted = !!found && 2 * found.tally.false > found.seats;
        const over = !!found && net.now() > found.deadline;
        return [outcome, !!found?.open && (guilty || acquitted || over), () => {
          found.open = false;
          money[acquitted ? "burned" : "refunded"] += BOND;
          if (guilty) take(found.accused, 1000n);
        }];
      },
      "double vote"() {
        const [slot, height, same] = [draw(MEMBERS), draw(HEIGHTS), draw(4) === 0];
        const place = { network: net.network(), epoch: 1, height, round: 0, phase: COMMIT };
        const [first, second] = ["one", same ? "one" : "other"].map((name) => {
          const digest = hash32(name);
          return Cl.tuple({
            epoch: Cl.uint(1),
            digest: Cl.some(Cl.buffer(digest)),
            signature: Cl.buffer(sign(voteHash({ ...place, digest }), net.committee[slot])),
          });
        });
        const args = [height, 0, COMMIT].map((n) => Cl.uint(n));
        const outcome = call("submit-double-vote", [...args, first, second] as any[], net.outsider);
        const key = `${slot} ${height}`;
        return [outcome, !same && !shown.has(key), () => {
          shown.add(key);
          take(slot + 1, 2000n);
        }];
      },
    };
    const deck = ["open", "vote", "vote", "vote", "resolve", "resolve", "double vote"];

    for (let step = 0; step < STEPS; step++) {
      if (step % 50 === 0) await breathe();
      if (draw(10) === 0) net.passTime(draw(VOTING_S));
      const name = deck[draw(deck.length)];
      const [outcome, allowed, apply] = steps[name]();
      const context = `seed ${seed}, step ${step}, ${name}`;
      expect(outcome.result.type, context).toBe(allowed ? "ok" : "err");
      if (allowed) apply();
      outcomes[allowed ? "ok" : "err"]++;

      const held = BigInt(challenges.filter(({ open }) => open).length) * BOND;
      const { paid, refunded, burned, slashed, bounties } = money;
      expect(net.balance(net.disputes), context).toBe(held);
      expect(net.view("dispute-resolution", "get-bonds"), context).toEqual({ paid, refunded, burned, held });
      expect(paid, context).toBe(refunded + burned + held);
      const staked = stakes.reduce((a, b) => a + b);
      expect(net.balance(net.staking), context).toBe(staked);
      expect(net.view("oracle-staking", "get-totals"), context).toMatchObject({ slashed, held: staked });
      expect(wealth(), context).toBe(before - held - burned + bounties);
    }
    expect(outcomes.ok).toBeGreaterThan(STEPS / 5);
    expect(outcomes.err).toBeGreaterThan(STEPS / 10);
    expect(money.refunded).toBeGreaterThan(0n);
    expect(money.slashed).toBeGreaterThan(0n);
  });
});

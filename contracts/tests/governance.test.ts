// Parameters change by a vote of locked tokens, within bounds, after a timelock, unless a
// governor stops it.

import { readdirSync, readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const VOTING_S = 259_200;
const TIMELOCK_S = 172_800;
const EXECUTION_S = 1_209_600;
const THRESHOLD = 1_000_000_000n;
const MAX = 2n ** 128n - 1n;
const FEE: [string, bigint | number][] = [["trade-fee-bps", 75]];

let net: Network;
let alice: string;
let bob: string;
let carol: string;

const call = (name: string, args: any[], by: string) => net.call("governance", name, args, by);
const view = (name: string, args: any[] = []) => net.view("governance", name, args);
const parameter = (name: string) => view("get-parameter", [Cl.stringAscii(name)]);
const token = (name: string, args: any[], by: string) => net.call("reward-token", name, args, by);
const lock = (by: string, amount: bigint) => expectOk(token("lock", [Cl.uint(amount)], by));
const propose = (changes = FEE, by = alice, reason = hash32("why")) => {
  const list = changes.map(([name, value]) => Cl.tuple({ name: Cl.stringAscii(name), value: Cl.uint(value) }));
  return call("propose", [Cl.list(list), Cl.buffer(reason)], by);
};
const vote = (by: string, support = true, id = 1) => call("vote", [Cl.uint(id), Cl.bool(support)], by);
const queue = (id = 1, by = net.outsider) => call("queue", [Cl.uint(id)], by);
const execute = (id = 1, by = net.outsider) => call("execute", [Cl.uint(id)], by);
const veto = (id = 1, by = net.deployer) => call("veto", [Cl.uint(id)], by);
const state = (id = 1) => view("get-state", [Cl.uint(id)]);

/** A proposal that has passed. */
function passed(changes = FEE, id = 1) {
  expectOk(propose(changes));
  expectOk(vote(alice, true, id));
  net.passTime(VOTING_S + 1);
}

/** A proposal that can be executed now. */
function due(changes = FEE, id = 1) {
  passed(changes, id);
  expectOk(queue(id));
  net.passTime(TIMELOCK_S);
}

beforeEach(async () => {
  net = await Network.deployed();
  [alice, bob, carol] = net.wallets;
  net.expectOk(net.grant(net.deployer, "reward-minter"));
  net.expectOk(net.grant(`${net.deployer}.governance`, "governance"));
  for (const [who, amount] of [[alice, THRESHOLD], [bob, THRESHOLD / 2n], [carol, THRESHOLD]] as const) {
    expectOk(token("mint", [Cl.uint(2n * amount), Cl.principal(who)], net.deployer));
  }
  lock(alice, THRESHOLD);
  lock(bob, THRESHOLD / 2n);
});

describe("the parameters", () => {
  it("are at first what the list says, each within its bounds", () => {
    const defaults = view("get-defaults");
    expect(defaults.length).toBeGreaterThan(15);
    for (const { name, value, min, max } of defaults) {
      expect(view("get-bounds", [Cl.stringAscii(name)]), name).toEqual({ value, min, max });
      expect(parameter(name), name).toBe(value);
      expect(value >= min && value <= max && min < max, name).toBe(true);
    }
  });

  it("that other contracts read exist", () => {
    const folder = new URL("../contracts/", import.meta.url);
    const names = new Set(view("get-defaults").map(({ name }: any) => name));
    const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
    const read = sources.flatMap((source) => [...source.matchAll(/get-parameter\s+"([^"]+)"/g)].map((found) => found[1]));
    expect(read.length).toBeGreaterThan(3);
    expect(read.filter((name) => !names.has(name))).toEqual([]);
    expect(parameter("no-such-parameter")).toBe(0n);
    expect(view("get-bounds", [Cl.stringAscii("no-such-parameter")])).toBe(null);
  });

  it("bound what a majority can take: fees and penalties stay below the whole, delays above a day", () => {
    const bounds = Object.fromEntries(view("get-defaults").map((one: any) => [one.name, one]));
    expect(bounds["trade-fee-bps"].max).toBeLessThanOrEqual(300n);
    expect(bounds["deviation-penalty-bps"].max).toBeLessThanOrEqual(3000n);
    expect(bounds["slash-max-bps"].max).toBeLessThanOrEqual(10_000n);
    expect(bounds["half-reward-bps"].max).toBeLessThanOrEqual(bounds["full-reward-bps"].min);
    for (const name of ["timelock-s", "voting-period-s"]) expect(bounds[name].min).toBeGreaterThanOrEqual(86_400n);
  });
});

describe("propose", () => {
  it("keeps the changes, the deadline and the terms of this moment", () => {
    const outcome = propose([["trade-fee-bps", 75], ["quorum-bps", 3000]]);
    expect(expectOk(outcome)).toBe(1n);
    const { entry } = expectEvent(outcome, "proposed");
    expect(entry).toMatchObject({ proposer: alice, "quorum-bps": 2000n, "timelock-s": BigInt(TIMELOCK_S) });
    expect(view("get-proposal", [Cl.uint(1)])).toEqual(entry);
    expect(entry["voting-end"]).toBe(entry["proposed-at"] + BigInt(VOTING_S));
    expect(entry["total-locked"]).toBe(THRESHOLD + THRESHOLD / 2n);
    expect(view("get-proposal-count")).toBe(1n);
    expect(state()).toBe(0n);
    expect(state(2)).toBe(null);
  });

  it("takes stake: what is locked, and not only since this block", () => {
    expectErr(propose(FEE, bob), 1051);
    expectErr(propose(FEE, net.outsider), 1051);
    const relay = net.deploy(
      "flash",
      `(define-public (go) (begin
         (try! (contract-call? '${net.deployer}.reward-token lock u${THRESHOLD}))
         (contract-call? '${net.deployer}.governance propose (list { name: "trade-fee-bps", value: u1 }) 0x${"00".repeat(32)})))`,
    );
    expectOk(token("transfer", [Cl.uint(THRESHOLD), Cl.principal(carol), Cl.principal(relay), Cl.none()], carol));
    expectErr(net.callAny(relay, "go", [], carol), 1051);
    lock(carol, THRESHOLD);
    expectOk(propose(FEE, carol));
  });

  it("refuses what changes nothing, is unknown, out of bounds or unexplained, and waits for a pause to end", () => {
    expectErr(propose([]), 1052);
    expectErr(propose([["trade-fee", 1]]), 1053);
    for (const value of [301n, MAX]) expectErr(propose([["trade-fee-bps", 1], ["trade-fee-bps", value]]), 1054);
    expectErr(propose([["trade-fee", 1], ...FEE]), 1053);
    expectErr(propose([["timelock-s", 86_399]]), 1054);
    expectErr(propose([["timelock-s", 0]]), 1054);
    expectErr(propose(FEE, alice, new Uint8Array(31)), 1055);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(propose(), 1050);
    net.expectOk(net.call("roles", "unpause", []));
    expectOk(propose());
  });

  it("takes bounds themselves, and eight changes at once", () => {
    const names = ["trade-fee-bps", "quorum-bps", "timelock-s", "voting-period-s", "slash-max-bps", "reward-cap-bps"];
    const bounds = Object.fromEntries(view("get-defaults").map((one: any) => [one.name, one]));
    const changes = names.map((name): [string, bigint] => [name, bounds[name].min]);
    due([...changes, ["half-reward-bps", bounds["half-reward-bps"].max], ["full-reward-bps", bounds["full-reward-bps"].min]]);
    expectOk(execute());
    for (const name of names) expect(parameter(name)).toBe(bounds[name].min);
    expect(parameter("half-reward-bps")).toBe(parameter("full-reward-bps"));
  });
});

describe("vote", () => {
  it("counts what was locked before the proposal, once", () => {
    expectOk(propose());
    const outcome = vote(bob, false);
    expect(expectOk(outcome)).toBe(THRESHOLD / 2n);
    expect(expectEvent(outcome, "voted")).toEqual({
      topic: "voted",
      proposal: 1n,
      voter: bob,
      support: false,
      weight: THRESHOLD / 2n,
    });
    expectOk(vote(alice));
    expect(view("get-proposal", [Cl.uint(1)])).toMatchObject({ for: THRESHOLD, against: THRESHOLD / 2n });
    expect(view("get-vote", [Cl.uint(1), Cl.principal(bob)])).toEqual({ support: false, weight: THRESHOLD / 2n });
    expectErr(vote(alice), 1058);
    expectErr(vote(alice, false), 1058);
  });

  it("gives no weight to tokens that are locked after the proposal, so none votes twice", () => {
    expectOk(propose());
    lock(carol, THRESHOLD);
    expectErr(vote(carol), 1059);
    expectErr(vote(net.outsider), 1059);
    // Bob's tokens leave unvoted, and do not vote in carol's hands.
    expectOk(token("unlock", [Cl.uint(THRESHOLD / 2n)], bob));
    expectErr(vote(bob), 1059);
    // Alice's have voted: they stay locked until the vote is over.
    expectOk(vote(alice));
    expectErr(token("unlock", [Cl.uint(1)], alice), 646);
    net.passTime(VOTING_S + 1);
    expectOk(token("unlock", [Cl.uint(THRESHOLD)], alice));
  });

  it("holds the tokens that vote, and counts none that it cannot hold", () => {
    expectOk(propose());
    const role = [Cl.principal(`${net.deployer}.governance`), Cl.stringAscii("governance")];
    net.expectOk(net.call("roles", "revoke-role", role));
    expectErr(vote(alice), 640);
    expect(view("get-proposal", [Cl.uint(1)]).for).toBe(0n);
  });

  it("ends with the deadline, and knows its proposals", () => {
    expectErr(vote(alice), 1056);
    expectOk(propose());
    net.passTime(VOTING_S + 1);
    expectErr(vote(alice), 1057);
  });

  it("does not act for a user whom another contract calls for", () => {
    expectOk(propose());
    const relay = net.deploy(
      "relay",
      `(define-public (go) (contract-call? '${net.deployer}.governance vote u1 true))`,
    );
    expectErr(net.callAny(relay, "go", [], alice), 1059);
  });
});

describe("queue", () => {
  it("starts the timelock of what has passed, once", () => {
    expectErr(queue(), 1056);
    expectOk(propose());
    expectOk(vote(alice));
    expectErr(queue(), 1060);
    net.passTime(VOTING_S + 1);
    expect(state()).toBe(1n);
    const outcome = queue();
    const { "executable-at": at } = expectEvent(outcome, "queued");
    expect(expectOk(outcome)).toBe(at);
    expect(state()).toBe(3n);
    expectErr(queue(), 1060);
    expectErr(vote(bob), 1057);
  });

  it("refuses what has no majority or no quorum", () => {
    expectOk(propose());
    expectOk(propose());
    expectOk(vote(alice, false, 1));
    expectOk(vote(bob, true, 1));
    net.passTime(VOTING_S + 1);
    expect(state(1)).toBe(2n);
    expect(state(2)).toBe(2n);
    expectErr(queue(1), 1060);
    expectErr(queue(2), 1060);
  });

  it("measures the quorum by what is locked now if that is more: no proposal passes in a quiet hour", () => {
    expectOk(propose());
    expectOk(vote(bob));
    expectOk(token("mint", [Cl.uint(THRESHOLD * 10n), Cl.principal(carol)], net.deployer));
    net.passTime(VOTING_S + 1);
    expect(state()).toBe(1n);
    lock(carol, 10n * THRESHOLD);
    expect(state()).toBe(2n);
    expectErr(queue(), 1060);
  });

  it("measures it by what was locked at the proposal if that is more: no majority is made by leaving", () => {
    expectOk(token("mint", [Cl.uint(THRESHOLD * 10n), Cl.principal(carol)], net.deployer));
    lock(carol, 10n * THRESHOLD);
    expectOk(propose());
    expectOk(vote(bob));
    expectOk(token("unlock", [Cl.uint(10n * THRESHOLD)], carol));
    net.passTime(VOTING_S + 1);
    expect(state()).toBe(2n);
  });

  it("comes too late after 14 days", () => {
    passed();
    net.passTime(EXECUTION_S + 1);
    expect(state()).toBe(6n);
    expectErr(queue(), 1060);
  });
});

describe("execute", () => {
  it("makes all changes after the timelock, once", () => {
    passed([["trade-fee-bps", 75], ["quorum-bps", 3000]]);
    expectErr(execute(), 1061);
    expectOk(queue());
    expectErr(execute(), 1062);
    expect(parameter("trade-fee-bps")).toBe(50n);
    net.passTime(TIMELOCK_S);
    const outcome = execute();
    expectOk(outcome);
    expect(expectEvent(outcome, "executed").by).toBe(net.outsider);
    expect([parameter("trade-fee-bps"), parameter("quorum-bps")]).toEqual([75n, 3000n]);
    expect(view("get-bounds", [Cl.stringAscii("trade-fee-bps")])).toEqual({ value: 75n, min: 0n, max: 300n });
    expect(state()).toBe(4n);
    expectErr(execute(), 1061);
  });

  it("comes too late after 14 days, waits for a pause to end, and knows its proposals", () => {
    expectErr(execute(), 1056);
    due();
    net.expectOk(net.call("roles", "pause", []));
    expectErr(execute(), 1050);
    net.expectOk(net.call("roles", "unpause", []));
    net.passTime(EXECUTION_S + 1);
    expect(state()).toBe(6n);
    expectErr(execute(), 1063);
    expect(parameter("trade-fee-bps")).toBe(50n);
  });

  it("binds the next proposal by the new terms, not the one that is voted on", () => {
    due([["timelock-s", 86_400]]);
    expectOk(propose());
    expectOk(execute());
    expect(view("get-proposal", [Cl.uint(2)])["timelock-s"]).toBe(BigInt(TIMELOCK_S));
    expectOk(propose());
    expect(view("get-proposal", [Cl.uint(3)])["timelock-s"]).toBe(86_400n);
  });
});

describe("veto", () => {
  it("stops a proposal in the vote, after it and in the timelock, for good", () => {
    expectOk(propose());
    expectOk(propose());
    expectOk(propose());
    for (const id of [2, 3]) expectOk(vote(alice, true, id));
    const outcome = veto(1);
    expectOk(outcome);
    expect(expectEvent(outcome, "vetoed")).toEqual({ topic: "vetoed", proposal: 1n, by: net.deployer });
    expectErr(vote(alice, true, 1), 1057);
    net.passTime(VOTING_S + 1);
    expectOk(veto(2));
    expectErr(queue(2), 1060);
    expectOk(queue(3));
    net.passTime(TIMELOCK_S);
    expectOk(veto(3));
    expectErr(execute(3), 1061);
    expect(state(3)).toBe(5n);
    expect(parameter("trade-fee-bps")).toBe(50n);
  });

  it("is a governor's, and too late when it is done", () => {
    expectErr(veto(), 1056);
    due();
    expectErr(veto(1, alice), 1064);
    expectErr(veto(1, net.outsider), 1064);
    expectOk(execute());
    expectErr(veto(), 1065);
    expectOk(propose());
    net.passTime(VOTING_S + 1);
    expectErr(veto(2), 1065);
  });
});

describe("governance", () => {
  it("holds no money and no role but its own, so that a majority takes neither", () => {
    due();
    expectOk(execute());
    const self = `${net.deployer}.governance`;
    expect(net.balance(self)).toBe(0n);
    for (const role of ["governor", "guardian", "dispute", "minter", "burner", "reward-minter"]) {
      expect(net.view("roles", "has-role", [Cl.principal(self), Cl.stringAscii(role)]), role).toBe(false);
    }
  });
});

// E5: what no contract can decide is put to a bonded vote of the committee's owners.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { MIN_STAKE, Network, UNBONDING_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const BOND = 100_000_000n;
const VOTING_S = 259_200;
const ACCUSED = 4;

let net: Network;
let hunter: string;
let voters: string[];

const call = (name: string, args: any[], by: string) => net.call("dispute-resolution", name, args, by);
const view = (name: string, args: any[] = []) => net.view("dispute-resolution", name, args);
const open = (by = hunter, { accused = ACCUSED, ground = 1, evidence = hash32("file"), window = 900 } = {}) =>
  call("open-challenge", [Cl.uint(accused), Cl.uint(ground), Cl.buffer(evidence), Cl.uint(window)], by);
const vote = (by: string, guilty: boolean, id = 1) => call("vote-challenge", [Cl.uint(id), Cl.bool(guilty)], by);
const resolve = (by = hunter, id = 1) => call("resolve-challenge", [Cl.uint(id)], by);
const challenge = (id = 1) => view("get-challenge", [Cl.uint(id)]);
const escrow = () => net.balance(net.disputes);
const operator = (id: number) => net.view("oracle-staking", "get-operator", [Cl.uint(id)]);

beforeEach(async () => {
  net = await Network.disputing(4);
  hunter = net.outsider;
  voters = [0, 1, 2].map((slot) => net.owner(slot));
});

describe("open-challenge", () => {
  it("takes the bond, fixes who may vote until when, and holds the accused's stake", () => {
    const before = net.balance(hunter);
    const outcome = open();
    expect(expectOk(outcome)).toBe(1n);
    expect(before - net.balance(hunter)).toBe(BOND);
    expect(escrow()).toBe(BOND);
    const { deadline } = expectEvent(outcome, "challenge-opened");
    expect(challenge()).toEqual({
      accused: 4n,
      owner: net.owner(3),
      ground: 1n,
      evidence: `0x${Buffer.from(hash32("file")).toString("hex")}`,
      window: 900n,
      challenger: hunter,
      epoch: 1n,
      seats: 3n,
      guilty: 0n,
      innocent: 0n,
      deadline,
      outcome: 0n,
    });
    const held = net.view("oracle-staking", "get-held-until", [Cl.uint(ACCUSED)]);
    expect(held).toBe(deadline + 86_400n);
    expect(view("get-challenge-count")).toBe(1n);
    expect(view("get-challenge-of", [4, 1, 900].map((n) => Cl.uint(n)).concat(Cl.buffer(hash32("file")) as any))).toBe(1n);
    expect(view("get-bonds")).toEqual({ paid: BOND, refunded: 0n, burned: 0n, held: BOND });
    expect(operator(ACCUSED)).toMatchObject({ stake: BigInt(MIN_STAKE), barred: false });
  });

  it("takes each accusation once, and others beside it", () => {
    expectOk(open());
    expectErr(open(), 520);
    expectErr(open(net.wallets[5]), 520);
    expect(expectOk(open(hunter, { ground: 6 }))).toBe(2n);
    expect(expectOk(open(hunter, { evidence: hash32("another") }))).toBe(3n);
    expect(expectOk(open(hunter, { accused: 3 }))).toBe(4n);
    expectOk(vote(voters[0], false));
    expectOk(vote(voters[1], false));
    expectOk(resolve());
    expectErr(open(), 520);
  });

  it("refuses grounds that are none, evidence that is no hash, strangers, and those who cannot pay", () => {
    for (const ground of [0, 7]) expectErr(open(hunter, { ground }), 518);
    for (const evidence of [new Uint8Array(), hash32("x").slice(1)]) expectErr(open(hunter, { evidence }), 519);
    expectErr(open(hunter, { accused: 5 }), 505);
    const poor = net.wallets[6];
    net.vm.transferSTX(net.balance(poor) - BOND + 1n, hunter, poor);
    expectErr(open(poor), 521);
    expect(escrow()).toBe(0n);
  });

  it("does not let a contract in between spend its caller's STX", () => {
    const lure = net.deploy(
      "lure",
      `(define-public (go) (contract-call? '${net.disputes} open-challenge u4 u1 0x${"07".repeat(32)} u0))`,
      net.wallets[6],
    );
    expectErr(net.callAny(lure, "go", [], hunter), 521);
  });

  it("needs an epoch in force, and somebody who may vote", async () => {
    net = await Network.deployed();
    expectErr(open(), 501);
    net.initialise();
    for (const slot of [0, 4, 8, 12]) net.enrol(slot);
    expectOk(net.propose([1, 2, 3, 4]));
    expectOk(net.activate());
    expectErr(open(), 523);
  });

  it("needs its role, and takes no bond without it", async () => {
    net = await Network.running(4);
    const before = net.balance(hunter);
    expectErr(open(), 302);
    expect(net.balance(hunter)).toBe(before);
  });
});

describe("vote-challenge", () => {
  beforeEach(() => {
    expectOk(open());
  });

  it("counts an owner once, for all its members", async () => {
    net = await Network.disputing(7);
    expectOk(open());
    expect(challenge().seats).toBe(6n);
    const outcome = vote(net.owner(0), true);
    expect(expectOk(outcome)).toBe(2n);
    expect(expectEvent(outcome, "challenge-voted")).toMatchObject({ owner: net.owner(0), seats: 2n });
    expectErr(vote(net.owner(0), true), 524);
    expectErr(vote(net.owner(0), false), 524);
    expectOk(vote(net.owner(1), false));
    expect(challenge()).toMatchObject({ guilty: 2n, innocent: 2n });
    expect(view("get-challenge-vote", [Cl.uint(1), Cl.principal(net.owner(1))])).toBe(false);
    expect(view("get-challenge-vote", [Cl.uint(1), Cl.principal(net.owner(2))])).toBe(null);
  });

  it("is for owners of members, and not for the accused's", () => {
    expectErr(vote(hunter, true), 523);
    expectErr(vote(net.deployer, true), 523);
    expectErr(vote(net.owner(3), false), 523);
    expectErr(vote(voters[0], true, 2), 522);
  });

  it("judges the contract that calls, not who signed", () => {
    const lure = net.deploy(
      "ballot",
      `(define-public (go) (contract-call? '${net.disputes} vote-challenge u1 true))`,
      hunter,
    );
    expectErr(net.callAny(lure, "go", [], voters[0]), 523);
  });

  it("ends with the deadline, and with the resolution", () => {
    net.passTime(VOTING_S + 600);
    expectErr(vote(voters[0], true), 525);
    expectOk(resolve());
    expectErr(vote(voters[0], true), 527);
  });

  it("is of the epoch of the challenge, whoever the committee is by now", () => {
    net.enrol(5);
    expectOk(net.propose([2, 3, 4, 5]));
    expectOk(net.activate());
    expect(expectOk(vote(voters[0], true))).toBe(1n);
    expect(expectOk(vote(voters[1], true))).toBe(1n);
  });
});

describe("resolve-challenge", () => {
  beforeEach(() => {
    expectOk(open());
  });

  it("slashes the guilty, and gives the bond back with a bounty", () => {
    const before = net.balance(hunter);
    expectOk(vote(voters[0], true));
    expectErr(resolve(), 526);
    expectOk(vote(voters[2], true));
    const outcome = resolve(net.wallets[5]);
    const taken = { slashed: 100_000_000n, bounty: 10_000_000n, burned: 90_000_000n };
    expect(expectOk(outcome)).toEqual({ outcome: 1n, ...taken });
    expect(expectEvent(outcome, "challenge-resolved")).toMatchObject({ id: 1n, guilty: 2n, seats: 3n });
    expect(net.balance(hunter) - before).toBe(BOND + 10_000_000n);
    expect(operator(ACCUSED)).toMatchObject({ stake: 900_000_000n, barred: true });
    expect(challenge().outcome).toBe(1n);
    expect(view("get-bonds")).toEqual({ paid: BOND, refunded: BOND, burned: 0n, held: 0n });
    expect(escrow()).toBe(0n);
    expectErr(resolve(), 527);
  });

  it("burns the bond of who accused in vain", () => {
    const before = net.balance(hunter);
    expectOk(vote(voters[0], false));
    expectOk(vote(voters[1], false));
    const outcome = resolve();
    expect(expectOk(outcome)).toEqual({ outcome: 2n, slashed: 0n, bounty: 0n, burned: 0n });
    expect(outcome.events.filter((event: any) => event.event === "stx_burn_event")).toHaveLength(1);
    expect(net.balance(hunter)).toBe(before);
    expect(escrow()).toBe(0n);
    expect(operator(ACCUSED)).toMatchObject({ stake: BigInt(MIN_STAKE), barred: false });
    expect(view("get-bonds")).toEqual({ paid: BOND, refunded: 0n, burned: BOND, held: 0n });
  });

  it("gives the bond back where no majority was found in time, and harms nobody", () => {
    const before = net.balance(hunter);
    expectOk(vote(voters[0], true));
    expectOk(vote(voters[1], false));
    expectErr(resolve(), 526);
    net.passTime(VOTING_S + 600);
    expect(expectOk(resolve())).toEqual({ outcome: 3n, slashed: 0n, bounty: 0n, burned: 0n });
    expect(net.balance(hunter) - before).toBe(BOND);
    expect(operator(ACCUSED)).toMatchObject({ stake: BigInt(MIN_STAKE), barred: false });
  });

  it("needs more seats than liars can have: f of n convict nobody", () => {
    expectOk(vote(voters[0], true));
    net.passTime(VOTING_S + 600);
    expect(expectOk(resolve()).outcome).toBe(3n);
  });

  it("needs more than half of the seats: half of them convict nobody", async () => {
    net = await Network.disputing(5);
    expectOk(open());
    expect(challenge().seats).toBe(4n);
    expect(expectOk(vote(net.owner(0), true))).toBe(2n);
    expect(challenge().guilty).toBe(2n);
    expectErr(resolve(), 526);
    net.passTime(VOTING_S + 600);
    expect(expectOk(resolve()).outcome).toBe(3n);
  });

  it("knows its challenges", () => expectErr(resolve(hunter, 2), 522));

  it("is not outrun by unbonding", () => {
    net.enrol(5);
    expectOk(net.propose([1, 2, 3, 5]));
    expectOk(net.activate());
    const owner = net.owner(3);
    expectOk(net.call("oracle-staking", "request-unstake", [Cl.uint(ACCUSED), Cl.uint(MIN_STAKE)], owner));
    net.passTime(UNBONDING_S - 60_000);
    expectOk(open(hunter, { evidence: hash32("late") }));
    net.passTime(60_000);
    const withdraw = () => net.call("oracle-staking", "withdraw", [Cl.uint(ACCUSED)], owner);
    expectErr(withdraw(), 327);
    for (const voter of voters.slice(0, 2)) expectOk(vote(voter, true, 2));
    expect(expectOk(resolve(hunter, 2)).slashed).toBe(100_000_000n);
    net.passTime(VOTING_S + 86_400);
    expect(expectOk(withdraw())).toBe(900_000_000n);
  });

  it("leaves time within the unbonding delay for the dispute period and a vote", () => {
    const { "dispute-s": disputeS, "unbonding-s": unbondingS } = net.view("oracle-staking", "get-parameters");
    const { "voting-s": votingS, "resolve-s": resolveS } = view("get-parameters");
    const graceS = 86_400n;
    expect(unbondingS).toBeGreaterThan(graceS + disputeS + votingS + resolveS);
  });
});
